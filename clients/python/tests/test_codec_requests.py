"""Requests are the bytes that generated code writes for the same structs."""

import datetime
import enum
import time
from decimal import Decimal

import pytest
from forebay_thrift.ttypes import (
    BatchRequest,
    BatchStep,
    BeginRequest,
    CommitRequest,
    ExecuteRequest,
    InfoRequest,
    InsertRequest,
    MultiItem,
    MultiRequest,
    Options,
    PingRequest,
    QueryRequest,
    RollbackRequest,
    Statement,
    Value,
)
from generated import SEQUENCE_ID, Chance, arguments, read_back, written
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TMessageType
from thrift.transport.TTransport import TFramedTransport, TMemoryBuffer

from forebay import _requests, _thrift, _values, err

PYFORMAT = 2
PACKED = 2


class Request(Chance):
    """Pairs: what this package writes, and the struct that says the same."""

    def value(self, depth=0):
        pick = self.random.randrange(13 if depth == 0 else 12)
        if pick == 12:
            pairs = [self.value(1) for _ in range(self.random.randint(1, 4))]
            kind = self.random.choice((list, tuple))
            return kind(item for item, _ in pairs), Value(items=[value for _, value in pairs])
        number, real, text, data = self.i64(), self.double(), self.text(), self.blob()
        large = self.random.choice((2**63, 2**64 - 1))
        moment = datetime.datetime(
            self.random.randint(1, 9999), 2, 28, 23, 59, self.random.randint(0, 59),
            self.random.choice((0, 1, 500000, 999999)),
        )
        length = datetime.timedelta(
            seconds=self.random.randint(-838 * 3600, 838 * 3600),
            microseconds=self.random.choice((0, 7)),
        )
        fraction = Decimal(number).scaleb(-self.random.randint(0, 20))
        return (
            (None, Value(is_null=True)),
            (True, Value(int64=1)),
            (number, Value(int64=number)),
            (large, Value(uint64=large - 2**64)),
            (2**64 + 5, Value(decimal=str(2**64 + 5))),
            (real, Value(float64=real)),
            (fraction, Value(decimal=f"{fraction:f}")),
            (text, Value(text=text)),
            (data, Value(bytes=data)),
            (moment, Value(temporal=str(moment))),
            (moment.date(), Value(temporal=str(moment.date()))),
            (length, Value(temporal=time_text(length))),
        )[pick]

    def pairs(self):
        return [self.value() for _ in range(self.count())]

    def statement(self, with_params=True):
        sql = self.text()
        ours = _requests.sql_field(sql)
        params = None
        if with_params and self.flag():
            pairs = self.pairs()
            params = [value for _, value in pairs]
            ours += _values.params([item for item, _ in pairs])
        return ours + _requests.PYFORMAT, Statement(sql, params, None, PYFORMAT)

    def options(self):
        chosen = {
            "timeout_ms": self.maybe(self.i32),
            "request_id": self.maybe(self.text),
            "transaction": self.maybe(self.name),
            "max_rows": self.maybe(self.i32),
            "warnings_max": self.maybe(self.i32),
            "idempotent": self.maybe(self.flag),
        }
        if self.flag():
            chosen = {}
        return _requests.options(**chosen), Options(**chosen, result_layout=PACKED)

    def rows(self):
        pairs = [self.pairs() for _ in range(self.count())]
        ours = [[item for item, _ in row] for row in pairs]
        return ours, [[value for _, value in row] for row in pairs]

    def insert_arguments(self):
        """Of our function, and the fields of the request."""
        ours, theirs = self.rows()
        columns = [self.name() for _ in range(self.count())]
        mode, database, table = self.random.randint(1, 3), self.maybe(self.name), self.text()
        fields = {
            "table": table, "columns": columns, "rows": theirs, "mode": mode, "database": database,
        }
        return (table, columns, ours, mode, database), fields

    def step(self):
        many = self.flag()
        ours, statement = self.statement(with_params=not many)
        items, values = self.rows() if many else (None, None)
        condition = self.maybe(lambda: self.random.randint(1, 2))
        condition_step = self.maybe(self.i32)
        return (
            _requests.step(ours, items, condition, condition_step),
            BatchStep(statement, values, None, condition, condition_step),
        )

    def item(self):
        shard = self.name()
        field = _requests.shard_field(shard)
        kind = self.random.choice(("query", "execute", "insert", "batch"))
        if kind == "insert":
            values, fields = self.insert_arguments()
            request = InsertRequest(shard, **fields)
            return _requests.insert_item(field, *values), MultiItem(insert=request)
        if kind == "batch":
            steps = [self.step() for _ in range(self.count())]
            mode = self.random.randint(1, 3)
            request = BatchRequest(shard, [theirs for _, theirs in steps], mode)
            ours = _requests.batch_item(field, [ours for ours, _ in steps], mode)
            return ours, MultiItem(batch=request)
        ours, statement = self.statement()
        if kind == "query":
            request = QueryRequest(shard, statement)
            return _requests.query_item(field, ours), MultiItem(query=request)
        request = ExecuteRequest(shard, statement)
        return _requests.execute_item(field, ours), MultiItem(execute=request)

    def call(self, function):
        """The body that we write, and the request."""
        shard = self.name()
        field = _requests.shard_field(shard)
        options, their_options = self.options()
        end = {"options": their_options}
        if function == "info":
            return _requests.info(options), InfoRequest(**end)
        if function == "ping":
            if self.flag():
                return _requests.ping(b"", options), PingRequest(None, **end)
            return _requests.ping(field, options), PingRequest(shard, **end)
        if function == "commit_transaction":
            return _requests.commit(options), CommitRequest(**end)
        if function == "rollback_transaction":
            return _requests.rollback(options), RollbackRequest(**end)
        if function == "begin_transaction":
            isolation = self.maybe(lambda: self.random.randint(1, 4))
            read_only = self.maybe(self.flag)
            ours = _requests.begin(field, isolation, read_only, options)
            return ours, BeginRequest(shard, isolation, read_only, **end)
        if function == "insert":
            values, fields = self.insert_arguments()
            return _requests.insert(field, *values, options), InsertRequest(shard, **fields, **end)
        if function == "batch":
            steps = [self.step() for _ in range(self.count())]
            mode = self.random.randint(1, 3)
            ours = _requests.batch(field, [ours for ours, _ in steps], mode, options)
            return ours, BatchRequest(shard, [theirs for _, theirs in steps], mode, **end)
        if function == "multi":
            items = [self.item() for _ in range(self.count())]
            policy = self.random.randint(1, 2)
            ours = _requests.multi([ours for ours, _ in items], policy, options)
            return ours, MultiRequest([theirs for _, theirs in items], policy, **end)
        ours, statement = self.statement()
        if function == "query":
            return _requests.query(field, ours, options), QueryRequest(shard, statement, **end)
        return _requests.execute(field, ours, options), ExecuteRequest(shard, statement, **end)


def time_text(length):
    sign = "-" if length < datetime.timedelta(0) else ""
    length = abs(length)
    seconds = length.days * 86400 + length.seconds
    text = f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return text + (f".{length.microseconds:06}" if length.microseconds else "")


@pytest.mark.parametrize(
    "function",
    ["info", "ping", "query", "execute", "insert", "batch", "multi", "begin_transaction",
     "commit_transaction", "rollback_transaction"],
)
def test_requests_are_the_bytes_of_generated_code(function):
    for seed in range(150):
        ours, request = Request(seed).call(function)
        assert ours == arguments(function, request), f"seed {seed}"


def test_a_frame_is_that_of_a_framed_transport():
    body, request = Request(1).call("query")
    buffer = TMemoryBuffer()
    framed = TFramedTransport(buffer)
    protocol = TBinaryProtocol(framed)
    protocol.writeMessageBegin("query", TMessageType.CALL, SEQUENCE_ID)
    framed.write(arguments("query", request))
    framed.flush()
    assert _thrift.frame(b"query", SEQUENCE_ID, body) == buffer.getvalue()


class Colour(enum.Enum):
    RED = 1


class Number(int):
    pass


class Named(int):
    def __str__(self):
        return "seven"


class Words(str):
    def __str__(self):
        return "other words"


class Moment(datetime.datetime):
    def __str__(self):
        return "a moment"


class Price(Decimal):
    pass


ZONE = datetime.timezone(datetime.timedelta(hours=5))


@pytest.mark.parametrize(
    ("item", "value"),
    [
        (False, Value(int64=0)),
        (2**63 - 1, Value(int64=2**63 - 1)),
        (-(2**63), Value(int64=-(2**63))),
        (2**63, Value(uint64=-(2**63))),
        (2**64, Value(decimal="18446744073709551616")),
        (-(2**63) - 1, Value(decimal="-9223372036854775809")),
        (Decimal("1E+5"), Value(decimal="100000")),
        (Decimal("-0.0010"), Value(decimal="-0.0010")),
        (Decimal("1E-7"), Value(decimal="0.0000001")),
        (-0.0, Value(float64=-0.0)),
        (b"text", Value(bytes=b"text")),
        (bytearray(b"\xff"), Value(bytes=b"\xff")),
        (memoryview(b"abcd")[::2], Value(bytes=b"ac")),
        (datetime.datetime(1, 2, 3, 4, 5, 6), Value(temporal="0001-02-03 04:05:06")),
        (datetime.datetime(2024, 1, 1, 0, 0, 0, 1), Value(temporal="2024-01-01 00:00:00.000001")),
        (datetime.datetime(2024, 1, 1, tzinfo=ZONE), Value(temporal="2024-01-01 00:00:00")),
        (datetime.time(1, 2, 3, 40, tzinfo=ZONE), Value(temporal="01:02:03.000040")),
        (datetime.time(0), Value(temporal="00:00:00")),
        (datetime.timedelta(hours=-838, minutes=-59, seconds=-59, microseconds=-999999),
         Value(temporal="-838:59:59.999999")),
        (datetime.timedelta(hours=839), Value(text="839:00:00")),
        (time.struct_time((2024, 2, 29, 1, 2, 3, 0, 0, 0)), Value(temporal="2024-02-29 01:02:03")),
        ({5}, Value(items=[Value(int64=5)])),
        (frozenset(["a"]), Value(items=[Value(text="a")])),
        (Colour.RED, Value(text="Colour.RED")),
        (Number(7), Value(text="7")),
        (Named(7), Value(int64=7)),
        (Words("own words"), Value(text="own words")),
        (Moment(2024, 1, 1), Value(temporal="2024-01-01 00:00:00")),
        (Price("1.50"), Value(text="1.50")),
        (range(2), Value(text="range(0, 2)")),
    ],
    ids=repr,
)
def test_a_value_of_each_type(item, value):
    assert _values.value(item) == written(value)
    assert read_back(Value, _values.value(item)) == value


@pytest.mark.parametrize("item", [b"text", bytearray(b"text"), memoryview(b"text")])
def test_a_binary_value_is_bytes(item):
    assert _values.binary_value(item) == written(Value(bytes=b"text"))


@pytest.mark.parametrize(
    ("item", "kind", "words"),
    [
        (float("nan"), err.ProgrammingError, "nan can not be used with MySQL"),
        (float("-inf"), err.ProgrammingError, "-inf can not be used with MySQL"),
        (Decimal("NaN"), err.ProgrammingError, "nan can not be used with MySQL"),
        (Decimal("-Infinity"), err.ProgrammingError, "-infinity can not be used with MySQL"),
        (Decimal("sNaN"), err.ProgrammingError, "snan can not be used with MySQL"),
        ("a\ud800b", err.ProgrammingError, "lone surrogate .*ud800"),
        ([], err.ProgrammingError, "an empty list has no SQL form"),
        ([1, [2]], err.ProgrammingError, "a list in a list has no SQL form"),
        ({"a": 1}, TypeError, "dict can not be used as parameter"),
    ],
    ids=repr,
)
def test_what_has_no_sql_form_is_refused(item, kind, words):
    with pytest.raises(kind, match=words):
        _values.value(item)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: _requests.sql_field("select '\udcff'"), "the statement holds the lone surrogate"),
        (lambda: _requests.shard_field("\ud800"), "the shard's name holds the lone surrogate"),
        (lambda: _requests.options(timeout_ms=2**31), "timeout_ms is 2147483648"),
        (lambda: _requests.options(max_rows="9"), "max_rows is '9'"),
    ],
)
def test_what_no_request_can_hold_is_named(make, words):
    with pytest.raises(err.ProgrammingError, match=words):
        make()


class Endless(bytes):
    def __len__(self):
        return 2**31


def test_a_request_too_large_for_a_frame_is_refused():
    with pytest.raises(err.ProgrammingError, match="divide it"):
        _thrift.frame(b"query", 1, Endless())
