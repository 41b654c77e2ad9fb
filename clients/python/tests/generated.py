"""The contract as generated code has it: what this package's codec is held to."""

import random
import string
import struct

from forebay_thrift import Forebay
from forebay_thrift.ttypes import (
    BatchResult,
    BeginResult,
    Column,
    CommitResult,
    DataError,
    ExecuteResult,
    InfoResult,
    InsertResult,
    Limits,
    MultiOutcome,
    MultiResult,
    PingResult,
    QueryResult,
    ReplyHeader,
    ResultSet,
    RollbackResult,
    ShardInfo,
    StepResult,
    Warning,
)
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TMessageType
from thrift.transport.TTransport import TMemoryBuffer

FUNCTIONS = (
    "info",
    "ping",
    "query",
    "execute",
    "insert",
    "batch",
    "multi",
    "begin_transaction",
    "commit_transaction",
    "rollback_transaction",
)
SEQUENCE_ID = 77


def written(struct):
    """A struct's bytes."""
    buffer = TMemoryBuffer()
    struct.write(TBinaryProtocol(buffer))
    return buffer.getvalue()


def read_back(struct_class, data):
    """A struct from bytes, all of which it must take."""
    buffer = TMemoryBuffer(data)
    made = struct_class()
    made.read(TBinaryProtocol(buffer))
    assert not buffer.read(1), "bytes are left over"
    return made


def arguments(function, request):
    """The body of a call."""
    return written(getattr(Forebay, f"{function}_args")(request))


def reply(function, *, success=None, error=None, extra=b""):
    """A reply's message, without its frame's length; `extra` are fields of the result struct."""
    buffer = TMemoryBuffer()
    protocol = TBinaryProtocol(buffer)
    protocol.writeMessageBegin(function, TMessageType.REPLY, SEQUENCE_ID)
    made = getattr(Forebay, f"{function}_result")()
    made.success = success
    made.error = error
    made.write(protocol)
    data = buffer.getvalue()
    return data[:-1] + extra + data[-1:] if extra else data


class Chance:
    """Random structs of the contract, the same for the same seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def maybe(self, make, *arguments):
        return make(*arguments) if self.random.random() < 0.6 else None

    def count(self, most=4):
        return self.random.choice((0, 1, 1, 2, self.random.randint(0, most)))

    def text(self):
        kinds = (string.printable, "äöü€", "🚀日本", "'\"\\%\0\x1a\n")
        return "".join(self.random.choice(self.random.choice(kinds)) for _ in range(self.count(20)))

    def name(self):
        return "".join(self.random.choices(string.ascii_lowercase, k=self.random.randint(1, 9)))

    def blob(self):
        return self.random.randbytes(self.count(20))

    def i64(self):
        edges = (0, 1, -1, 2**63 - 1, -(2**63), self.random.randint(-(2**40), 2**40))
        return self.random.choice(edges)

    def i32(self):
        return self.random.choice((0, 1, -1, 2**31 - 1, -(2**31), self.random.randint(0, 9999)))

    def double(self):
        return self.random.choice((0.0, -0.0, 0.1, 1e300, -2.5e-300, self.random.random()))

    def flag(self):
        return self.random.random() < 0.5

    # ------------------------------------------------------------- replies

    def header(self):
        return ReplyHeader(
            request_id=self.maybe(self.text),
            shard=self.maybe(self.name),
            queue_us=self.maybe(self.i64),
            execute_us=self.maybe(self.i64),
            attempts=self.maybe(self.i32),
        )

    def error(self):
        return DataError(
            code=self.random.randint(1, 25),
            outcome=self.random.randint(1, 3),
            retry_hint=self.random.randint(1, 3),
            message=self.maybe(self.text),
            mysql_errno=self.random.choice((0, 1062, 1064, -787, 4025)),
            sqlstate=self.maybe(self.name),
            shard=self.maybe(self.name),
            phase=self.random.randint(1, 6),
            request_id=self.maybe(self.text),
            limit=self.maybe(self.i64),
            seen=self.maybe(self.i64),
            item=self.maybe(self.i32),
            queue_us=self.maybe(self.i64),
            execute_us=self.maybe(self.i64),
            attempts=self.maybe(self.i32),
        )

    def warnings(self):
        return [Warning(self.name(), self.i32(), self.text()) for _ in range(self.count())]

    def column(self, row_count, packed):
        """A column, and its values."""
        kind = self.random.choice(("int64s", "doubles", "strings", "blobs"))
        made = {
            "int64s": self.i64,
            "doubles": self.double,
            "strings": self.text,
            "blobs": self.blob,
        }
        empty = {"int64s": 0, "doubles": 0.0, "strings": "", "blobs": b""}
        share = self.random.choice((0, 0, 0.3, 1))
        nulls = [self.random.random() < share for _ in range(row_count)]
        vector = [empty[kind] if null else made[kind]() for null in nulls]
        bitmap = bytearray((row_count + 7) // 8 if any(nulls) or self.flag() else 0)
        for row, null in enumerate(nulls):
            if null:
                bitmap[row // 8] |= 1 << row % 8
        types = {"int64s": 8, "doubles": 5, "strings": 253, "blobs": 252}
        column = Column(
            name=self.text(),
            type=types[kind],
            flags=self.random.randint(0, 2**15) & ~64,
            collation=63 if kind == "blobs" else 45,
            decimals=31,
            length=self.random.randint(0, 2**32),
            nulls=bytes(bitmap),
            # Before API 1.3, and so before packed columns, there is none.
            table=self.text() if packed else self.maybe(self.text),
        )
        for name, item in packed_fields(kind, vector).items() if packed else [(kind, vector)]:
            setattr(column, name, item)
        return column, [None if null else item for null, item in zip(nulls, vector)]

    def result_set(self, packed):
        """A ResultSet, and its rows."""
        row_count = self.random.choice((0, 1, 2, 7, 8, 9, 30))
        pairs = [self.column(row_count, packed) for _ in range(self.random.randint(1, 5))]
        rows = list(zip(*[values for _, values in pairs]))
        return ResultSet(row_count, [column for column, _ in pairs]), rows

    def query_result(self, packed):
        result_set, rows = self.result_set(packed)
        warning_count, warnings = self.maybe(self.i32), self.maybe(self.warnings)
        result = QueryResult(self.header(), result_set, warning_count, warnings)
        result.expected_rows = [rows]
        return result

    def execute_result(self, packed, header=True):
        sets = [self.result_set(packed) for _ in range(self.count())]
        result = ExecuteResult(
            header=self.header() if header else None,
            affected_rows=self.maybe(self.i64),
            insert_id=self.maybe(self.i64),
            warning_count=self.maybe(self.i32),
            rows=sets[0][0] if sets else None,
            warnings=self.maybe(self.warnings),
            more_rows=[more for more, _ in sets[1:]],
            matched_rows=self.maybe(self.i64),
            insert_count=self.maybe(self.i64),
        )
        result.expected_rows = [rows for _, rows in sets]
        return result

    def insert_result(self):
        return InsertResult(
            header=self.header(),
            affected_rows=self.maybe(self.i64),
            first_insert_id=self.maybe(self.i64),
            statements=self.maybe(self.i32),
            warning_count=self.maybe(self.i32),
            warnings=self.maybe(self.warnings),
            insert_count=self.maybe(self.i64),
        )

    def step(self, packed):
        status = self.random.randint(1, 4)
        return StepResult(
            status=status,
            result=self.execute_result(packed, header=False) if status == 1 else None,
            error=self.error() if status == 2 else None,
        )

    def batch_result(self, packed):
        steps = [self.step(packed) for _ in range(self.count())]
        return BatchResult(self.header(), steps, self.maybe(self.i32))

    def outcome(self, packed):
        kind = self.random.randint(1, 5)
        return MultiOutcome(
            error=self.error() if kind == 1 else None,
            query=self.query_result(packed) if kind == 2 else None,
            execute=self.execute_result(packed) if kind == 3 else None,
            insert=self.insert_result() if kind == 4 else None,
            batch=self.batch_result(packed) if kind == 5 else None,
        )

    def multi_result(self, packed):
        return MultiResult(self.header(), [self.outcome(packed) for _ in range(self.count())])

    def begin_result(self):
        return BeginResult(self.header(), self.name(), self.maybe(self.i32), self.maybe(self.i32))

    def info_result(self):
        shards = [
            ShardInfo(
                name=f"{self.name()}{number}",
                kind=self.random.randint(1, 2),
                available=self.flag(),
                reason=self.text(),
                pool_max_connections=self.i32(),
                queue_max_requests=self.i32(),
                transactions_max=self.i32(),
                affected_rows=self.i32(),
            )
            for number in range(self.count())
        ]
        return InfoResult(
            header=self.header(),
            api_version="1.3",
            server_version=self.maybe(self.text),
            capabilities=[self.name() for _ in range(self.count())],
            limits=Limits(*[self.maybe(self.i32) for _ in range(11)]),
            shards=shards,
        )

    def returned(self, function, packed):
        """What the function may return."""
        made = {
            "info": self.info_result,
            "ping": lambda: PingResult(self.header()),
            "query": lambda: self.query_result(packed),
            "execute": lambda: self.execute_result(packed),
            "insert": self.insert_result,
            "batch": lambda: self.batch_result(packed),
            "multi": lambda: self.multi_result(packed),
            "begin_transaction": self.begin_result,
            "commit_transaction": lambda: CommitResult(self.header()),
            "rollback_transaction": lambda: RollbackResult(self.header()),
        }
        return made[function]()


def packed_fields(kind, vector):
    """The fields of ResultLayout.PACKED that stand for a vector."""
    if kind == "int64s":
        return {"packed_int64s": struct.pack(f"<{len(vector)}q", *vector)}
    if kind == "doubles":
        return {"packed_doubles": struct.pack(f"<{len(vector)}d", *vector)}
    parts = [item.encode() if kind == "strings" else item for item in vector]
    lengths = struct.pack(f"<{len(parts)}I", *map(len, parts))
    return {f"packed_{kind}": b"".join(parts), "packed_lengths": lengths}
