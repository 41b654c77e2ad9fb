"""Transactions of the caller's own: what they keep, who may use them, and how
they end."""

import pytest

from asking import execute_request, step
from columns import only, rows
from errors import assert_error, caught
from forebay_thrift.ttypes import (
    BatchMode,
    BeginRequest,
    CommitRequest,
    ErrorCode,
    InfoRequest,
    Isolation,
    Options,
    Outcome,
    PingRequest,
    RollbackRequest,
    StepStatus,
)
from messages import RawSession, call, frame, parse_reply
from processes import wait_until_running
from wires import Session


@pytest.fixture
def table(backend, new_table, other_session):
    """With one row, on the shard `slave001`: in SQLite a file, whose readers need
    not wait for a writer."""
    made = new_table(backend.slave001, "id INTEGER PRIMARY KEY, n INTEGER")
    other_session.run_insert(backend.slave001, made, ["id", "n"], [[1, 0]])
    return made


def count(session, shard, table, **options):
    return only(session.run_query(shard, f"SELECT COUNT(*) FROM {table}", **options).rows)


def add(session, shard, table, key, **options):
    return session.run_execute(shard, f"INSERT INTO {table} VALUES (?, 0)", [key], **options)


# ------------------------------------------------------------ commit and rollback


def test_commit(session, other_session, backend, table):
    transaction = session.begin(backend.slave001)
    assert add(session, backend.slave001, table, 2, transaction=transaction).affected_rows == 1
    assert count(session, backend.slave001, table, transaction=transaction) == 2
    assert count(other_session, backend.slave001, table) == 1
    # What the session asks without the token is none of the transaction's.
    assert count(session, backend.slave001, table) == 1
    assert session.commit(transaction, request_id="end").header.request_id == "end"
    assert count(other_session, backend.slave001, table) == 2


def test_rollback(session, other_session, backend, table):
    transaction = session.begin(backend.slave001)
    add(session, backend.slave001, table, 2, transaction=transaction)
    assert session.rollback(transaction, request_id="end").header.request_id == "end"
    assert count(session, backend.slave001, table) == 1
    assert count(other_session, backend.slave001, table) == 1


def test_begin_tells_its_limits(session, backend):
    limits = session.info(InfoRequest()).limits
    begun = session.begin_transaction(BeginRequest(backend.slave001, options=Options(request_id="b")))
    assert begun.header.request_id == "b"
    assert begun.header.shard == backend.slave001
    assert begun.idle_timeout_ms == limits.transaction_idle_timeout_ms
    assert begun.timeout_ms == limits.transaction_timeout_ms
    assert begun.transaction
    session.rollback(begun.transaction)


def test_every_function_within_a_transaction(session, other_session, backend, table):
    transaction = session.begin(backend.slave001)
    within = {"transaction": transaction}
    session.ping(PingRequest(backend.slave001, Options(**within)))
    add(session, backend.slave001, table, 2, **within)
    done = session.run_insert(backend.slave001, table, ["id", "n"], [[3, 0], [4, 0]], options=Options(**within))
    assert done.affected_rows == 2
    session.run_batch(backend.slave001, step(f"INSERT INTO {table} VALUES (5, 0)"), **within)
    assert count(session, backend.slave001, table, **within) == 5
    assert count(other_session, backend.slave001, table) == 1
    session.commit(transaction)
    assert count(other_session, backend.slave001, table) == 5


def test_shard_may_be_left_out_within_a_transaction(session, backend, table):
    transaction = session.begin(backend.slave001)
    assert count(session, None, table, transaction=transaction) == 1
    error = caught(session.run_query, "users", "SELECT 1", transaction=transaction)
    assert_error(error, ErrorCode.INVALID_ARGUMENT, "shard")
    assert count(session, None, table, transaction=transaction) == 1
    session.rollback(transaction)


def test_error_of_a_statement_leaves_it_alive(usual_session, backend, table):
    transaction = usual_session.begin(backend.slave001)
    add(usual_session, backend.slave001, table, 2, transaction=transaction)
    error = caught(add, usual_session, backend.slave001, table, 2, transaction=transaction)
    assert_error(error, ErrorCode.DUPLICATE_KEY)
    for sql in ("SELECT * FROM no_such_table", "SELECT 1 FROM WHERE"):
        error = caught(usual_session.run_query, backend.slave001, sql, transaction=transaction)
        assert_error(error, ErrorCode.SQL_ERROR)
    error = caught(usual_session.run_query, backend.slave001, "SELECT ?", transaction=transaction)
    assert_error(error, ErrorCode.INVALID_ARGUMENT)
    add(usual_session, backend.slave001, table, 3, transaction=transaction)
    usual_session.commit(transaction)
    assert count(usual_session, backend.slave001, table) == 3


def test_batch_in_a_transaction(usual_session, backend, table):
    """Atomic is a savepoint: what the batch did is undone, and nothing else."""
    insert = f"INSERT INTO {table} VALUES (?, 0)"
    transaction = usual_session.begin(backend.slave001)
    add(usual_session, backend.slave001, table, 2, transaction=transaction)
    steps = step(insert, [3]), step(insert, [1]), step(insert, [4])
    error = caught(usual_session.run_batch, backend.slave001, *steps, transaction=transaction)
    assert_error(error, ErrorCode.DUPLICATE_KEY)
    assert error.item == 1
    assert count(usual_session, backend.slave001, table, transaction=transaction) == 2
    each = usual_session.run_batch(backend.slave001, *steps, mode=BatchMode.EACH, transaction=transaction)
    assert [one.status for one in each.steps] == [StepStatus.DONE, StepStatus.FAILED, StepStatus.DONE]
    usual_session.run_batch(backend.slave001, step(insert, [5]), step(insert, [6]), transaction=transaction)
    usual_session.commit(transaction)
    found = usual_session.run_query(backend.slave001, f"SELECT id FROM {table} ORDER BY id")
    assert rows(found.rows) == [(1,), (2,), (3,), (4,), (5,), (6,)]


def test_two_transactions_of_one_session(usual_session, table, backend):
    if backend.kind == "sqlite":
        pytest.skip("one writer at a time")
    first, second = usual_session.begin(backend.slave001), usual_session.begin(backend.slave001)
    add(usual_session, backend.slave001, table, 2, transaction=first)
    add(usual_session, backend.slave001, table, 3, transaction=second)
    assert count(usual_session, backend.slave001, table, transaction=first) == 2
    usual_session.rollback(first)
    usual_session.commit(second)
    found = usual_session.run_query(backend.slave001, f"SELECT id FROM {table} ORDER BY id")
    assert rows(found.rows) == [(1,), (3,)]


# ------------------------------------------------------- whose the transaction is


def test_end_of_the_session_rolls_back(service, other_session, backend, table):
    with Session(service.port) as session:
        transaction = session.begin(backend.slave001)
        update = f"UPDATE {table} SET n = 5 WHERE id = 1"
        session.run_execute(backend.slave001, update, transaction=transaction)
        add(session, backend.slave001, table, 2, transaction=transaction)
    # The row's lock is gone, or this would wait in vain.
    other_session.run_execute(backend.slave001, f"UPDATE {table} SET n = n + 1 WHERE id = 1", timeout_ms=10_000)
    found = other_session.run_query(backend.slave001, f"SELECT id, n FROM {table}")
    assert rows(found.rows) == [(1, 1)]


def test_session_that_ends_while_a_statement_runs_in_its_transaction(service, database, new_table):
    table = new_table("slave001", "id INT PRIMARY KEY, n INT")
    database.query(f"INSERT INTO {table} VALUES (1, 0), (2, 0)")
    sql = f"UPDATE {table} SET n = 5 WHERE id = 1 OR SLEEP(1) = 1"
    with RawSession(service.port) as raw:
        raw.send(frame(call("binary", "begin_transaction", BeginRequest("slave001"))))
        token = parse_reply("binary", raw.receive_frame())[1].transaction
        raw.send(frame(call("binary", "execute", execute_request("slave001", sql, transaction=token))))
        wait_until_running(database, sql)
    with Session(service.port) as session:
        session.run_execute("slave001", f"UPDATE {table} SET n = n + 1", timeout_ms=10_000)
        assert rows(session.run_query("slave001", f"SELECT n FROM {table}").rows) == [(1,), (1,)]


def test_token_of_another_session_is_not_found(session, other_session, backend, table):
    transaction = session.begin(backend.slave001)
    for call in (
        lambda: add(other_session, backend.slave001, table, 2, transaction=transaction),
        lambda: other_session.run_query(None, "SELECT 1", transaction=transaction),
        lambda: other_session.run_batch(backend.slave001, step("SELECT 1"), transaction=transaction),
        lambda: other_session.commit(transaction),
        lambda: other_session.rollback(transaction),
    ):
        assert_error(caught(call), ErrorCode.TRANSACTION_NOT_FOUND)
    add(session, backend.slave001, table, 2, transaction=transaction)
    session.commit(transaction)
    assert count(session, backend.slave001, table) == 2


@pytest.mark.parametrize("token", ["made up", "1", "0", " ", "é" * 40, "x" * 10_000, "' OR 1=1 -- ", "\0"])
def test_token_that_was_made_up(usual_session, backend, token):
    calls = [
        lambda: usual_session.run_query(backend.slave001, "SELECT 1", transaction=token),
        lambda: usual_session.commit(token),
        lambda: usual_session.rollback(token),
    ]
    for call in calls:
        assert_error(caught(call), ErrorCode.TRANSACTION_NOT_FOUND)


def test_tokens_are_no_sequence(usual_session):
    """From one's own, nobody guesses another's."""
    tokens = []
    for _ in range(20):
        tokens.append(usual_session.begin("slave001"))
        usual_session.rollback(tokens[-1])
    assert len(set(tokens)) == 20


def test_token_after_the_end_is_not_found(session, backend, table):
    for end in (session.commit, session.rollback):
        transaction = session.begin(backend.slave001)
        end(transaction)
        for call in (session.commit, session.rollback, lambda token: count(session, None, table, transaction=token)):
            assert_error(caught(call, transaction), ErrorCode.TRANSACTION_NOT_FOUND)


def test_token_of_another_instance_is_not_found(usual_session, start_service, mysql_url):
    other = start_service(f'[shards.slave001]\nurl = "{mysql_url}"\n')
    with Session(other.port) as session:
        transaction = session.begin("slave001")
        assert_error(
            caught(usual_session.run_query, "slave001", "SELECT 1", transaction=transaction),
            ErrorCode.TRANSACTION_NOT_FOUND,
        )
        assert_error(caught(usual_session.commit, transaction), ErrorCode.TRANSACTION_NOT_FOUND)
        assert only(session.run_query("slave001", "SELECT 2", transaction=transaction).rows) == 2
        session.rollback(transaction)


def test_end_without_a_token_is_refused(usual_session):
    for call, request in (
        (usual_session.commit_transaction, CommitRequest),
        (usual_session.rollback_transaction, RollbackRequest),
    ):
        for options in (None, Options()):
            error = caught(call, request(options))
            assert_error(error, ErrorCode.INVALID_ARGUMENT, "transaction")


# ------------------------------------------------------------- isolation, read only


@pytest.mark.parametrize(
    "isolation, seen",
    [
        (Isolation.READ_UNCOMMITTED, [0, 1, 1]),
        (Isolation.READ_COMMITTED, [0, 0, 1]),
        (Isolation.REPEATABLE_READ, [0, 0, 0]),
        (None, [0, 0, 0]),
    ],
)
def test_isolation(usual_session, database, new_table, isolation, seen):
    """What it sees before, during and after another client's change."""
    table = new_table("users", "n INT")
    usual_session.run_insert("users", table, ["n"], [[0]])
    transaction = usual_session.begin("users", isolation=isolation)

    def look():
        return only(usual_session.run_query("users", f"SELECT n FROM {table}", transaction=transaction).rows)

    found = [look()]
    database.begin()
    database.query(f"UPDATE {table} SET n = 1")
    found.append(look())
    database.commit()
    found.append(look())
    usual_session.rollback(transaction)
    assert found == seen
    # It was this transaction's alone.
    again = usual_session.begin("users")
    assert only(usual_session.run_query("users", f"SELECT n FROM {table}", transaction=again).rows) == 1
    usual_session.rollback(again)


def test_serializable_reads_lock(usual_session, other_session, new_table):
    table = new_table("users", "id INT PRIMARY KEY, n INT")
    usual_session.run_insert("users", table, ["id", "n"], [[1, 0]])
    update = f"UPDATE {table} SET n = 1 WHERE id = 1"
    transaction = usual_session.begin("users", isolation=Isolation.SERIALIZABLE)
    usual_session.run_query("users", f"SELECT n FROM {table} WHERE id = 1", transaction=transaction)
    error = caught(other_session.run_execute, "users", update, timeout_ms=300)
    assert error.code == ErrorCode.DEADLINE_EXCEEDED
    usual_session.commit(transaction)
    assert other_session.run_execute("users", update, timeout_ms=10_000).affected_rows in (0, 1)


def test_isolation_of_sqlite(usual_session):
    usual_session.rollback(usual_session.begin("slave001_lite", isolation=Isolation.SERIALIZABLE))
    for isolation in (Isolation.READ_UNCOMMITTED, Isolation.READ_COMMITTED, Isolation.REPEATABLE_READ):
        error = caught(usual_session.begin, "slave001_lite", isolation=isolation)
        assert_error(error, ErrorCode.INVALID_ARGUMENT, "SERIALIZABLE")


def test_read_only(usual_session, backend, table):
    transaction = usual_session.begin(backend.slave001, read_only=True)
    error = caught(add, usual_session, backend.slave001, table, 2, transaction=transaction)
    assert_error(error, ErrorCode.SQL_ERROR)
    if backend.kind == "mysql":
        assert error.mysql_errno == 1792
    assert count(usual_session, backend.slave001, table, transaction=transaction) == 1
    usual_session.commit(transaction)
    transaction = usual_session.begin(backend.slave001, read_only=False)
    add(usual_session, backend.slave001, table, 2, transaction=transaction)
    usual_session.commit(transaction)
    add(usual_session, backend.slave001, table, 3)
    assert count(usual_session, backend.slave001, table) == 3


@pytest.mark.parametrize(
    "call, code",
    [
        (lambda session: session.begin("no_such_shard"), ErrorCode.UNKNOWN_SHARD),
        (lambda session: session.begin(None), ErrorCode.UNKNOWN_SHARD),
        (lambda session: session.begin("dead"), ErrorCode.SHARD_UNAVAILABLE),
        (lambda session: session.begin("users", isolation=9), ErrorCode.INVALID_ARGUMENT),
    ],
)
def test_wrong_beginnings(usual_session, call, code):
    error = caught(call, usual_session)
    allowed = {code, ErrorCode.INVALID_ARGUMENT} if code == ErrorCode.UNKNOWN_SHARD else {code}
    assert error.code in allowed
    assert error.outcome == Outcome.NOT_APPLIED
