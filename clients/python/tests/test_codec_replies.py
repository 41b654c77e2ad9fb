"""Replies that generated code has written are read to the same values, in both
layouts."""

import generated
import pytest
from generated import FUNCTIONS, SEQUENCE_ID, Chance, reply
from thrift.protocol.TBinaryProtocol import TBinaryProtocol

from forebay import _replies, _thrift, converters, err

READERS = {
    "info": _replies.read_info,
    "ping": _replies.read_done,
    "query": _replies.read_query,
    "execute": _replies.read_execute,
    "insert": _replies.read_insert,
    "batch": _replies.read_batch,
    "multi": _replies.read_multi,
    "begin_transaction": _replies.read_begin,
    "commit_transaction": _replies.read_done,
    "rollback_transaction": _replies.read_done,
}
LAYOUTS = pytest.mark.parametrize("packed", [False, True], ids=["lists", "packed"])
ERROR_FIELDS = [name for name in _replies.ServiceError.__slots__]


def read(function, message, sequence_id=SEQUENCE_ID):
    start = _thrift.reply_start(message, function.encode(), sequence_id)
    return READERS[function](message, start)


def all_rows(result):
    """The rows of every result set."""
    sets = ([] if result.rows is None else [result.rows]) + list(result.more_rows)
    return [rows.rows(converters.decoders) for rows in sets]


def unsigned(number):
    return (number or 0) % 2**64


def assert_header(ours, header):
    for name in ("request_id", "shard"):
        assert getattr(ours, name) == (getattr(header, name) or "")
    for name in ("queue_us", "execute_us", "attempts"):
        assert getattr(ours, name) == (getattr(header, name) or 0)


def assert_warnings(ours, theirs):
    assert ours.warning_count == (theirs.warning_count or 0)
    assert list(ours.warnings) == [(w.level, w.code, w.message) for w in theirs.warnings or []]


def assert_error(ours, theirs):
    assert isinstance(ours, err.DatabaseError)
    assert ours.args[1] == (theirs.message or "")
    if theirs.mysql_errno > 0:
        assert ours.args[0] == theirs.mysql_errno
    for name in ("limit", "seen", "item"):
        assert getattr(ours, name) == getattr(theirs, name)


def assert_query(ours, theirs):
    assert_header(ours, theirs.header)
    assert_warnings(ours, theirs)
    assert_columns(ours.rows, theirs.rows)
    assert ours.affected_rows == ours.matched_rows == theirs.rows.row_count
    assert repr(all_rows(ours)) == repr(theirs.expected_rows)


def assert_columns(ours, theirs):
    assert ours.row_count == theirs.row_count
    assert len(ours.columns) == len(theirs.columns)
    for our, their in zip(ours.columns, theirs.columns):
        for name in ("name", "type", "flags", "collation", "decimals", "length"):
            assert getattr(our, name) == getattr(their, name)
        assert our.table == (their.table or "")


def assert_execute(ours, theirs, header=True):
    if header:
        assert_header(ours, theirs.header)
    assert_warnings(ours, theirs)
    assert ours.affected_rows == (theirs.affected_rows or 0)
    assert ours.insert_id == unsigned(theirs.insert_id)
    assert ours.insert_count == (theirs.insert_count or 0)
    matched = theirs.affected_rows if theirs.matched_rows is None else theirs.matched_rows
    assert ours.matched_rows == (matched or 0)
    assert repr(all_rows(ours)) == repr(theirs.expected_rows)


def assert_insert(ours, theirs):
    assert_header(ours, theirs.header)
    assert_warnings(ours, theirs)
    assert ours.affected_rows == ours.matched_rows == (theirs.affected_rows or 0)
    assert ours.insert_id == unsigned(theirs.first_insert_id)
    assert ours.statements == (theirs.statements or 0)
    assert ours.insert_count == (theirs.insert_count or 0)


def assert_batch(ours, theirs):
    assert_header(ours, theirs.header)
    assert ours.runs == (theirs.attempts or 0)
    assert len(ours.steps) == len(theirs.steps)
    for our, their in zip(ours.steps, theirs.steps):
        if their.result is not None:
            assert_execute(our, their.result, header=False)
        elif their.error is not None:
            assert_error(our, their.error)
        else:
            assert our is None


def assert_multi(ours, theirs):
    assert len(ours) == len(theirs.outcomes)
    for our, their in zip(ours, theirs.outcomes):
        for name, check in (
            ("error", assert_error),
            ("query", assert_query),
            ("execute", assert_execute),
            ("insert", assert_insert),
            ("batch", assert_batch),
        ):
            if getattr(their, name) is not None:
                check(our, getattr(their, name))


def assert_begin(ours, theirs):
    assert ours == (theirs.transaction, theirs.idle_timeout_ms or 0, theirs.timeout_ms or 0)


def assert_info(ours, theirs):
    assert_header(ours, theirs.header)
    assert ours.api_version == theirs.api_version
    assert ours.server_version == (theirs.server_version or "")
    assert ours.capabilities == theirs.capabilities
    for name in _replies.Limits.__slots__:
        assert getattr(ours.limits, name) == (getattr(theirs.limits, name) or 0)
    assert list(ours.shards) == [shard.name for shard in theirs.shards]
    for their in theirs.shards:
        for name in _replies.ShardInfo.__slots__:
            assert getattr(ours.shards[their.name], name) == getattr(their, name)


def assert_done(ours, theirs):
    assert ours is None


CHECKS = {
    "info": assert_info,
    "query": assert_query,
    "execute": assert_execute,
    "insert": assert_insert,
    "batch": assert_batch,
    "multi": assert_multi,
    "begin_transaction": assert_begin,
}


@LAYOUTS
@pytest.mark.parametrize("function", FUNCTIONS)
def test_replies_of_generated_code_are_read_to_the_same(function, packed):
    for seed in range(80):
        returned = Chance(seed).returned(function, packed)
        ours = read(function, reply(function, success=returned))
        CHECKS.get(function, assert_done)(ours, returned)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_errors_of_generated_code_are_raised(function, monkeypatch):
    seen = []
    plain = err.from_service
    monkeypatch.setattr(err, "from_service", lambda error: seen.append(error) or plain(error))
    for seed in range(40):
        error = Chance(seed).error()
        with pytest.raises(err.DatabaseError) as caught:
            read(function, reply(function, error=error))
        assert_error(caught.value, error)
        for name in ERROR_FIELDS:
            theirs = getattr(error, name)
            ours = getattr(seen[-1], name)
            if name in ("limit", "seen", "item"):
                assert ours == theirs
            else:
                assert ours == theirs or (theirs is None and ours in (0, ""))


# What a later version of the contract may add to any struct: fields of every type.
def later_fields(chance):
    nested = b"\x0c\x00\x01" * 5 + b"\x02\x00\x07\x01" + b"\0" * 6
    fields = [
        b"\x02\x00\x63\x01",
        b"\x03\x00\x63\x7f",
        b"\x04\x00\x63" + bytes(8),
        b"\x06\x00\x63" + bytes(2),
        b"\x08\x00\x63" + bytes(4),
        b"\x0a\x00\x63" + bytes(8),
        b"\x0b\x00\x63\x00\x00\x00\x02ab",
        b"\x0c\x00\x63" + nested,
        b"\x0d\x00\x63\x0b\x08\x00\x00\x00\x01\x00\x00\x00\x01k" + bytes(4),
        b"\x0d\x00\x63\x00\x00\x00\x00\x00\x00",
        b"\x0e\x00\x63\x0a\x00\x00\x00\x02" + bytes(16),
        b"\x0f\x00\x63\x0c\x00\x00\x00\x01" + nested,
        b"\x0f\x00\x63\x0f\x00\x00\x00\x01\x0b\x00\x00\x00\x01\x00\x00\x00\x00",
        b"\x10\x00\x63" + bytes(16),
        # A known number with another type.
        b"\x06\x00\x02\x00\x07",
        b"\x02\x00\x01\x01",
    ]
    chance.random.shuffle(fields)
    return b"".join(fields[: chance.random.randint(1, len(fields))])


class Later(TBinaryProtocol):
    """Writes such fields at the start, or at the end, of every struct."""

    def __init__(self, transport, chance):
        super().__init__(transport)
        self.chance = chance

    def writeStructBegin(self, name):
        if self.chance.flag():
            self.trans.write(later_fields(self.chance))

    def writeFieldStop(self):
        if self.chance.flag():
            self.trans.write(later_fields(self.chance))
        super().writeFieldStop()


@LAYOUTS
@pytest.mark.parametrize("function", FUNCTIONS)
def test_fields_of_a_later_contract_are_skipped(function, packed, monkeypatch):
    for seed in range(25):
        chance = Chance(seed)
        returned = chance.returned(function, packed)
        monkeypatch.setattr(generated, "TBinaryProtocol", lambda buffer: Later(buffer, chance))
        message = reply(function, success=returned)
        CHECKS.get(function, assert_done)(read(function, message), returned)
