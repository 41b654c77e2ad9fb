"""What goes wrong is told by a DataError with the right code, and leaves the
session usable."""

import contextlib
import time

import pytest
from thrift.Thrift import TApplicationException, TMessageType, TType

from columns import only
from errors import caught
from forebay_thrift import Forebay
from forebay_thrift.ttypes import (
    DataError,
    ErrorCode,
    ExecuteRequest,
    Options,
    Outcome,
    ParamStyle,
    Phase,
    PingRequest,
    QueryRequest,
    Retry,
    Statement,
    Value,
)
from processes import wait_until_gone
from wires import Session

NAN = float("nan")
INFINITY = float("inf")


@pytest.fixture
def lasting_session(session, backend):
    """A session that must still work after the test."""
    yield session
    assert only(session.run_query(backend.users, "SELECT ?", ["still here"]).rows) == "still here"


@pytest.mark.parametrize("wrong, near", [("user", "users"), ("slave01", "slave001")])
def test_unknown_shard_names_the_near_ones(lasting_session, wrong, near):
    error = caught(lasting_session.run_query, wrong, "SELECT 1", request_id="r1")
    assert error.code == ErrorCode.UNKNOWN_SHARD
    assert error.outcome == Outcome.NOT_APPLIED
    assert error.retry_hint == Retry.NO
    assert error.phase == Phase.REQUEST
    assert error.request_id == "r1"
    assert near in error.message


WRONG_STATEMENTS = {
    "no statement": (None, None, None),
    "empty": ("", None, None),
    "blank": ("  \n\t", None, None),
    "comment only": ("-- nothing", None, None),
    "semicolon only": (";", None, None),
    "two statements": ("SELECT 1; SELECT 2", None, None),
    "two statements with parameters": ("SELECT ?; DELETE FROM t", [1], None),
    "too few parameters": ("SELECT ?, ?", [1], None),
    "too many parameters": ("SELECT ?", [1, 2], None),
    "none of the parameters": ("SELECT ?", None, None),
    "parameters without placeholders": ("SELECT 1", [1], None),
    "missing name": ("SELECT :a, :b", {"a": 1}, None),
    "unused name": ("SELECT :a", {"a": 1, "b": 2}, None),
    "positions for names": ("SELECT :a", [1], None),
    "names for positions": ("SELECT ?", {"a": 1}, None),
    "too few for %s": ("SELECT %s, %s", [1], ParamStyle.PYFORMAT),
    "too many for %s": ("SELECT %s", [1, 2], ParamStyle.PYFORMAT),
    "missing name for %(name)s": ("SELECT %(a)s", {"b": 1}, ParamStyle.PYFORMAT),
    "NaN": ("SELECT ?", [NAN], None),
    "infinity": ("SELECT ?", [INFINITY], None),
    "minus infinity": ("SELECT ?", [-INFINITY], None),
    "empty list": ("SELECT 1 IN (?)", [[]], None),
    "list in a list": ("SELECT 1 IN (?)", [[[1]]], None),
    "decimal with a word": ("SELECT ?", [Value(decimal="1 OR 1=1")], None),
    "decimal with an exponent": ("SELECT ?", [Value(decimal="1e5")], None),
    "decimal of 66 digits": ("SELECT ?", [Value(decimal="9" * 66)], None),
    "temporal with a word": ("SELECT ?", [Value(temporal="now")], None),
    "temporal with a quote": ("SELECT ?", [Value(temporal="2024-01-01' OR '1")], None),
}


@pytest.mark.parametrize("wrong", WRONG_STATEMENTS.values(), ids=WRONG_STATEMENTS)
def test_wrong_statement_is_refused(lasting_session, backend, wrong):
    sql, params, style = wrong
    for call in (lasting_session.run_query, lasting_session.run_execute):
        error = caught(call, backend.users, sql, params, style=style)
        assert error.code == ErrorCode.INVALID_ARGUMENT
        assert error.outcome == Outcome.NOT_APPLIED
        assert error.phase == Phase.REQUEST
        assert error.mysql_errno == 0
        assert error.sqlstate == ""


@pytest.mark.parametrize("wrong", [Value(), Value(int64=1, text="a")], ids=["nothing set", "two set"])
def test_value_that_is_not_one_thing_is_refused(lasting_session, backend, wrong):
    with pytest.raises((DataError, TApplicationException)) as info:
        lasting_session.run_query(backend.users, "SELECT ?", [wrong])
    if isinstance(info.value, DataError):
        assert info.value.code == ErrorCode.INVALID_ARGUMENT
    else:
        assert info.value.type == TApplicationException.PROTOCOL_ERROR


def test_request_without_anything_is_refused(lasting_session):
    assert caught(lasting_session.query, QueryRequest()).code in (
        ErrorCode.INVALID_ARGUMENT,
        ErrorCode.UNKNOWN_SHARD,
    )
    error = caught(lasting_session.query, QueryRequest(shard="users"))
    assert error.code == ErrorCode.INVALID_ARGUMENT
    both = Statement(sql="SELECT ?", params=[Value(int64=1)], named_params={"a": Value(int64=1)})
    error = caught(lasting_session.execute, ExecuteRequest("users", both))
    assert error.code == ErrorCode.INVALID_ARGUMENT


@pytest.mark.parametrize("options", [{"timeout_ms": 0}, {"timeout_ms": -1}, {"max_rows": 0}, {"request_id": "x" * 129}], ids=repr)
def test_wrong_options_are_refused(lasting_session, backend, options):
    error = caught(lasting_session.run_query, backend.users, "SELECT 1", **options)
    assert error.code == ErrorCode.INVALID_ARGUMENT
    assert next(iter(options)) in error.message


MYSQL_REFUSALS = [
    ("SELECT * FROM no_such_table", 1146, "42S02", ErrorCode.SQL_ERROR),
    ("SELECT 1 FROM WHERE", 1064, "42000", ErrorCode.SQL_ERROR),
    ("SELECT no_such_column", 1054, "42S22", ErrorCode.SQL_ERROR),
    ("SELECT NO_SUCH_FUNCTION()", 1305, "42000", ErrorCode.SQL_ERROR),
    ("SELECT (SELECT 1 UNION SELECT 2)", 1242, "21000", ErrorCode.SQL_ERROR),
]


@pytest.mark.parametrize("sql, errno, sqlstate, code", MYSQL_REFUSALS)
def test_mysql_refusal_keeps_errno_sqlstate_and_message(session, sql, errno, sqlstate, code):
    for call in (session.run_query, session.run_execute):
        error = caught(call, "users", sql, request_id="r2")
        assert (error.code, error.mysql_errno, error.sqlstate) == (code, errno, sqlstate)
        assert error.outcome == Outcome.NOT_APPLIED
        assert error.retry_hint == Retry.NO
        assert error.phase == Phase.EXECUTE
        assert error.shard == "users"
        assert error.request_id == "r2"
    assert "no_such" in error.message.lower() or errno in (1064, 1242)
    assert only(session.run_query("users", "SELECT 1").rows) == 1


def test_message_is_mysqls_own(usual_session, database):
    sql = "SELECT * FROM no_such_table"
    with pytest.raises(Exception) as info, database.cursor() as cursor:
        cursor.execute(sql)
    assert info.value.args[1] in caught(usual_session.run_query, "users", sql).message


def test_sqlite_refusal(session):
    for sql in ("SELECT * FROM no_such_table", "SELECT 1 FROM WHERE"):
        error = caught(session.run_query, "users_lite", sql)
        assert error.code == ErrorCode.SQL_ERROR
        assert error.mysql_errno < 0
    assert only(session.run_query("users_lite", "SELECT 1").rows) == 1


def test_duplicate_key(lasting_session, backend, new_table):
    table = new_table(backend.users, "id INTEGER PRIMARY KEY")
    insert = f"INSERT INTO {table} VALUES (?)"
    lasting_session.run_execute(backend.users, insert, [1])
    error = caught(lasting_session.run_execute, backend.users, insert, [1])
    assert error.code == ErrorCode.DUPLICATE_KEY
    assert error.outcome == Outcome.NOT_APPLIED
    if backend.kind == "mysql":
        assert (error.mysql_errno, error.sqlstate) == (1062, "23000")


def test_not_null_constraint(lasting_session, backend, new_table):
    table = new_table(backend.slave001, "id INTEGER NOT NULL")
    error = caught(lasting_session.run_execute, backend.slave001, f"INSERT INTO {table} VALUES (?)", [None])
    assert error.code == ErrorCode.CONSTRAINT


def test_value_that_does_not_fit(lasting_session, new_table):
    table = new_table("slave001", "n TINYINT")
    error = caught(lasting_session.run_execute, "slave001", f"INSERT INTO {table} VALUES (?)", [1000])
    assert (error.code, error.mysql_errno) == (ErrorCode.DATA_ERROR, 1264)


SESSION_CHANGES = [
    "SET NAMES gbk",
    "SET NAMES 'big5'",
    "set /* x */ names gbk",
    "SET CHARACTER SET gbk",
    "SET @x = 1",
    "SET SESSION sql_mode = ''",
    "SET GLOBAL max_connections = 5",
    "USE mysql",
    "BEGIN",
    "START TRANSACTION",
    "COMMIT",
    "LOCK TABLES t READ",
    "XA START 'x'",
    "/*! SET NAMES gbk */",
    "/*M!100000 SET NAMES gbk */",
]


@pytest.mark.parametrize("sql", SESSION_CHANGES)
def test_statement_that_changes_the_connection_is_refused(usual_session, sql):
    for call in (usual_session.run_query, usual_session.run_execute):
        error = caught(call, "users", sql)
        assert error.code == ErrorCode.STATEMENT_NOT_ALLOWED
        assert error.outcome == Outcome.NOT_APPLIED
    found = usual_session.run_query("users", "SELECT @@character_set_client")
    assert only(found.rows) == "utf8mb4"


@pytest.mark.parametrize("sql", ["DELETE FROM t", "INSERT INTO t VALUES (1)", "DROP TABLE t", "UPDATE t SET n = 1"])
def test_query_runs_only_what_reads(lasting_session, backend, sql):
    error = caught(lasting_session.run_query, backend.users, sql)
    assert error.code == ErrorCode.STATEMENT_NOT_ALLOWED
    assert "execute" in error.message


def test_deadline_stops_the_statement(session, database):
    began = time.monotonic()
    error = caught(session.run_query, "users", "SELECT SLEEP(30) /* deadline test */", timeout_ms=300)
    assert time.monotonic() - began < 5
    assert error.code == ErrorCode.DEADLINE_EXCEEDED
    assert error.phase == Phase.EXECUTE
    wait_until_gone(database, "SELECT SLEEP(30)")
    assert only(session.run_query("users", "SELECT 1").rows) == 1


def test_too_many_rows(lasting_session, backend):
    sql = "SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3"
    assert lasting_session.run_query(backend.users, sql, max_rows=3).rows.row_count == 3
    error = caught(lasting_session.run_query, backend.users, sql, max_rows=2)
    assert error.code == ErrorCode.RESULT_TOO_LARGE
    assert error.limit == 2


def test_result_of_too_many_bytes(lasting_session):
    six_megabytes = "SELECT REPEAT('x', 6000000)"
    sql = f"{six_megabytes} UNION ALL {six_megabytes} UNION ALL {six_megabytes}"
    error = caught(lasting_session.run_query, "users", sql, timeout_ms=20_000)
    assert error.code == ErrorCode.RESULT_TOO_LARGE
    assert error.limit == 16_000_000


def test_value_too_large_for_the_packet(usual_session):
    # 9 MB, of which every byte doubles when it is escaped.
    error = caught(usual_session.run_query, "users", "SELECT LENGTH(?)", ["'" * 9_000_000], timeout_ms=20_000)
    assert error.code == ErrorCode.REQUEST_TOO_LARGE
    assert error.outcome == Outcome.NOT_APPLIED
    assert only(usual_session.run_query("users", "SELECT LENGTH(?)", ["'" * 7_000_000], timeout_ms=20_000).rows) == 7_000_000


def test_dead_shard_says_so_soon(lasting_session):
    for _ in range(3):
        began = time.monotonic()
        error = caught(lasting_session.run_query, "dead", "SELECT 1")
        assert time.monotonic() - began < 5
        assert error.code == ErrorCode.SHARD_UNAVAILABLE
        assert error.outcome == Outcome.NOT_APPLIED
        assert error.retry_hint == Retry.AFTER_PAUSE
        assert error.phase == Phase.CONNECT
        assert error.shard == "dead"


def test_ping_tells_of_a_dead_shard(lasting_session):
    assert caught(lasting_session.ping, PingRequest("dead")).code == ErrorCode.SHARD_UNAVAILABLE


def test_unknown_function(lasting_session):
    protocol = lasting_session.protocol
    protocol.writeMessageBegin("no_such_function", TMessageType.CALL, 77)
    Forebay.query_args(request=QueryRequest("users", Statement(sql="SELECT 1"))).write(protocol)
    protocol.writeMessageEnd()
    protocol.trans.flush()
    name, kind, sequence_id = protocol.readMessageBegin()
    assert (name, kind, sequence_id) == ("no_such_function", TMessageType.EXCEPTION, 77)
    error = TApplicationException()
    error.read(protocol)
    protocol.readMessageEnd()
    assert error.type == TApplicationException.UNKNOWN_METHOD


def test_missing_argument(lasting_session):
    protocol = lasting_session.protocol
    protocol.writeMessageBegin("query", TMessageType.CALL, 78)
    Forebay.query_args().write(protocol)
    protocol.writeMessageEnd()
    protocol.trans.flush()
    _, kind, sequence_id = protocol.readMessageBegin()
    assert (kind, sequence_id) == (TMessageType.EXCEPTION, 78)
    error = TApplicationException()
    error.read(protocol)
    protocol.readMessageEnd()
    assert "{" not in str(error), "a Rust value in a message"


class LaterOptions(Options):
    """Options with a field that this version of the contract does not know."""

    def write(self, protocol):
        protocol.writeStructBegin("Options")
        protocol.writeFieldBegin("later", TType.LIST, 999)
        protocol.writeListBegin(TType.STRING, 2)
        protocol.writeString("a")
        protocol.writeString("b")
        protocol.writeListEnd()
        protocol.writeFieldEnd()
        protocol.writeFieldStop()
        protocol.writeStructEnd()


def test_unknown_fields_of_structs_are_skipped(lasting_session, backend, wire):
    if "accelerated" in wire.protocol:
        pytest.skip("the C part writes only the fields that the generated code names")
    request = QueryRequest(backend.users, Statement(sql="SELECT 1"), LaterOptions())
    assert only(lasting_session.query(request).rows) == 1


def test_error_does_not_leak_a_parameter(usual_session, service):
    secret = "s3cr3t-parameter"
    error = caught(usual_session.run_query, "users", "SELECT ?, ?", [secret])
    assert secret not in error.message
    usual_session.run_query("users", "SELECT ?", [secret])
    assert secret not in service.log()


def test_every_error_on_one_session(service):
    """One after the other, without a new session between."""
    with Session(service.port) as session:
        for sql, params, style in WRONG_STATEMENTS.values():
            caught(session.run_query, "users", sql, params, style=style)
        for sql, *_ in MYSQL_REFUSALS:
            caught(session.run_query, "users", sql)
        assert only(session.run_query("users", "SELECT 1").rows) == 1


@contextlib.contextmanager
def nothing_special():
    yield


def test_error_passes_through_a_context_manager(usual_session):
    """Python sets attributes of an exception on its way out of a `with`."""
    with pytest.raises(DataError), nothing_special():
        usual_session.run_query("no_such_shard", "SELECT 1")
