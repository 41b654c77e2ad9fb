"""How transactions end that nobody ends: limits, deadlocks, lost connections."""

import threading
import time

import pytest

from asking import step
from columns import only, rows
from errors import assert_error, caught, code_name
from forebay_thrift.ttypes import BatchMode, BeginRequest, DataError, ErrorCode, StepStatus
from processes import wait_for, wait_until_gone
from service import Service
from threads import run_in_threads
from wires import Session

IDLE_MS, TOTAL_MS = 300, 1_200


@pytest.fixture(scope="module")
def hasty_service(start_service, mysql_url, tmp_path_factory):
    """One whose transactions expire soon."""
    shards = f"""
[shards.users]
url = "{mysql_url}"

[shards.one_at_a_time]
url = "{mysql_url}"
pool_max_connections = 2

[shards.users_lite]
url = "sqlite:{tmp_path_factory.mktemp('sqlite') / 'hasty.sqlite'}"
"""
    limits = {"transaction_idle_timeout_ms": IDLE_MS, "transaction_timeout_ms": TOTAL_MS}
    return start_service(shards, **limits)


@pytest.fixture
def hasty_session(hasty_service):
    with Session(hasty_service.port) as session:
        yield session


@pytest.fixture(params=["users", "users_lite"])
def hasty_table(request, hasty_session):
    """The shard's name, and a table there with one row."""
    shard = request.param
    hasty_session.run_execute(shard, "DROP TABLE IF EXISTS hasty")
    hasty_session.run_execute(shard, "CREATE TABLE hasty (id INTEGER PRIMARY KEY, n INTEGER)")
    hasty_session.run_execute(shard, "INSERT INTO hasty VALUES (1, 0)")
    yield shard
    hasty_session.run_execute(shard, "DROP TABLE hasty", timeout_ms=20_000)


def test_idle_transaction_expires(hasty_service, hasty_session, hasty_table):
    shard = hasty_table
    begun = hasty_session.begin_transaction(BeginRequest(shard))
    assert (begun.idle_timeout_ms, begun.timeout_ms) == (IDLE_MS, TOTAL_MS)
    transaction = begun.transaction
    hasty_session.run_execute(shard, "UPDATE hasty SET n = 5 WHERE id = 1", transaction=transaction)
    # Nobody asks for the transaction any more, and its lock goes all the same.
    with Session(hasty_service.port) as other:
        other.run_execute(shard, "UPDATE hasty SET n = n + 1 WHERE id = 1", timeout_ms=10_000)
        assert only(other.run_query(shard, "SELECT n FROM hasty").rows) == 1
    for _ in range(2):
        error = caught(hasty_session.run_query, shard, "SELECT 1", transaction=transaction)
        assert_error(error, ErrorCode.TRANSACTION_EXPIRED, "transaction_idle_timeout_ms")
    hasty_session.rollback(transaction)
    assert_error(caught(hasty_session.rollback, transaction), ErrorCode.TRANSACTION_NOT_FOUND)


def test_commit_of_an_expired_transaction(hasty_session, hasty_table):
    shard = hasty_table
    transaction = hasty_session.begin(shard)
    hasty_session.run_execute(shard, "INSERT INTO hasty VALUES (2, 0)", transaction=transaction)
    time.sleep(IDLE_MS / 1000 * 3)
    for _ in range(2):
        assert_error(caught(hasty_session.commit, transaction), ErrorCode.TRANSACTION_EXPIRED)
    hasty_session.rollback(transaction)
    assert_error(caught(hasty_session.commit, transaction), ErrorCode.TRANSACTION_NOT_FOUND)
    assert rows(hasty_session.run_query(shard, "SELECT id FROM hasty").rows) == [(1,)]


def test_transaction_in_steady_use_expires_in_the_end(hasty_session, hasty_table):
    shard = hasty_table
    transaction = hasty_session.begin(shard)
    began = time.monotonic()
    while True:
        try:
            hasty_session.run_query(shard, "SELECT 1", transaction=transaction)
        except DataError as error:
            if error.code != ErrorCode.DEADLINE_EXCEEDED:
                assert_error(error, ErrorCode.TRANSACTION_EXPIRED, "transaction_timeout_ms")
            # Otherwise the end came in the middle of a statement: see the next test.
            break
        assert time.monotonic() - began < 10, "it goes on"
        time.sleep(0.02)
    hasty_session.rollback(transaction)


def test_statement_is_cut_off_by_the_total_limit(hasty_session, database):
    transaction = hasty_session.begin("users")
    sql = "SELECT SLEEP(30) /* over the total limit */"
    error = caught(hasty_session.run_query, "users", sql, transaction=transaction, timeout_ms=20_000)
    wait_until_gone(database, "SELECT SLEEP(30)", 2)
    # What was allowed is the rest of the transaction's time, not the request's own.
    assert code_name(error) in ("TRANSACTION_EXPIRED", "DEADLINE_EXCEEDED")
    assert "transaction_timeout_ms" in error.message
    assert error.limit is None or error.limit <= TOTAL_MS
    for call in (lambda token: hasty_session.run_query(None, "SELECT 1", transaction=token), hasty_session.commit):
        assert code_name(caught(call, transaction)) in ("TRANSACTION_EXPIRED", "TRANSACTION_ABORTED")
    hasty_session.rollback(transaction)


def test_statement_is_not_cut_off_by_the_idle_limit(hasty_session):
    transaction = hasty_session.begin("users")
    slow = hasty_session.run_query("users", "SELECT SLEEP(0.7)", transaction=transaction)
    assert only(slow.rows) == 0
    hasty_session.commit(transaction)


def test_expired_transactions_give_back_their_connections(hasty_session):
    for _ in range(3):
        hasty_session.begin("one_at_a_time", timeout_ms=10_000)
    assert only(hasty_session.run_query("one_at_a_time", "SELECT 1").rows) == 1


# ----------------------------------------------------------- the dead, and their cause


def assert_dead(session, shard, transaction, *cause):
    """Every use says so, with the first cause, until it is rolled back."""
    for call in (
        lambda: session.run_query(shard, "SELECT 1", transaction=transaction),
        lambda: session.run_execute(shard, "DELETE FROM nothing", transaction=transaction),
        lambda: session.run_batch(shard, step("SELECT 1"), transaction=transaction),
    ):
        assert_error(caught(call), ErrorCode.TRANSACTION_ABORTED, *cause)
    session.rollback(transaction)
    assert_error(caught(session.rollback, transaction), ErrorCode.TRANSACTION_NOT_FOUND)


@pytest.fixture
def two_rows(new_table, usual_session):
    table = new_table("users", "id INT PRIMARY KEY, n INT NOT NULL")
    usual_session.run_insert("users", table, ["id", "n"], [[1, 0], [2, 0]])
    return table


def test_deadlock_aborts_the_transaction(service, two_rows):
    update = f"UPDATE {two_rows} SET n = n + 1 WHERE id = ?"
    both_hold_one = threading.Barrier(2, timeout=20)
    survived = []

    def work(first, second):
        with Session(service.port) as session:
            transaction = session.begin("users")
            session.run_execute("users", update, [first], transaction=transaction)
            both_hold_one.wait()
            try:
                session.run_execute("users", update, [second], transaction=transaction, timeout_ms=20_000)
            except DataError as error:
                assert (code_name(error), error.mysql_errno) == ("DEADLOCK", 1213)
                assert_dead(session, "users", transaction, "1213")
                survived.append(False)
            else:
                session.commit(transaction)
                survived.append(True)

    run_in_threads([lambda: work(1, 2), lambda: work(2, 1)])
    assert sorted(survived) == [False, True]
    with Session(service.port) as session:
        assert rows(session.run_query("users", f"SELECT n FROM {two_rows}").rows) == [(1,), (1,)]


def test_commit_of_an_aborted_transaction(usual_session, two_rows):
    transaction = usual_session.begin("users")
    usual_session.run_execute("users", f"UPDATE {two_rows} SET n = 5", transaction=transaction)
    caught(usual_session.run_query, "users", "SELECT SLEEP(30)", transaction=transaction, timeout_ms=200)
    for _ in range(2):
        assert_error(caught(usual_session.commit, transaction), ErrorCode.TRANSACTION_ABORTED, "DEADLINE_EXCEEDED")
    usual_session.rollback(transaction)
    assert_error(caught(usual_session.rollback, transaction), ErrorCode.TRANSACTION_NOT_FOUND)
    assert rows(usual_session.run_query("users", f"SELECT n FROM {two_rows}").rows) == [(0,), (0,)]


def test_aborted_transaction_keeps_its_cause_beyond_the_limits(hasty_session):
    transaction = hasty_session.begin("users")
    caught(hasty_session.run_query, "users", "SELECT SLEEP(30)", transaction=transaction, timeout_ms=100)
    for wait_ms in (IDLE_MS * 2, TOTAL_MS):
        time.sleep(wait_ms / 1000)
        error = caught(hasty_session.run_query, "users", "SELECT 1", transaction=transaction)
        assert_error(error, ErrorCode.TRANSACTION_ABORTED, "DEADLINE_EXCEEDED")
    hasty_session.rollback(transaction)


def test_deadline_aborts_the_transaction(usual_session, other_session, two_rows):
    transaction = usual_session.begin("users")
    usual_session.run_execute("users", f"UPDATE {two_rows} SET n = 5 WHERE id = 1", transaction=transaction)
    error = caught(usual_session.run_query, "users", "SELECT SLEEP(30)", transaction=transaction, timeout_ms=200)
    assert_error(error, ErrorCode.DEADLINE_EXCEEDED)
    other_session.run_execute("users", f"UPDATE {two_rows} SET n = n + 1 WHERE id = 1", timeout_ms=10_000)
    assert_dead(usual_session, "users", transaction, "DEADLINE_EXCEEDED")
    assert only(usual_session.run_query("users", f"SELECT n FROM {two_rows} WHERE id = 1").rows) == 1


@pytest.mark.parametrize("how", ["commit", "use"])
def test_lost_connection_aborts_the_transaction(usual_session, database, two_rows, how):
    transaction = usual_session.begin("users")
    usual_session.run_execute("users", f"UPDATE {two_rows} SET n = 5", transaction=transaction)
    sql = "SELECT CONNECTION_ID()"
    connection_id = only(usual_session.run_query("users", sql, transaction=transaction).rows)
    database.query(f"KILL {connection_id}")
    time.sleep(0.2)
    if how == "use":
        error = caught(usual_session.run_query, "users", "SELECT 1", transaction=transaction)
        assert code_name(error) in ("CONNECTION_LOST", "TRANSACTION_ABORTED")
        assert_dead(usual_session, "users", transaction, "CONNECTION_LOST")
    else:
        error = caught(usual_session.commit, transaction)
        assert code_name(error) in ("CONNECTION_LOST", "TRANSACTION_ABORTED")
        assert_error(caught(usual_session.commit, transaction), ErrorCode.TRANSACTION_NOT_FOUND)
    found = usual_session.run_query("users", f"SELECT n FROM {two_rows}")
    assert rows(found.rows) == [(0,), (0,)]


def test_procedure_that_commits_is_found_out(usual_session, database, two_rows):
    database.query("DROP PROCEDURE IF EXISTS commits")
    database.query(f"CREATE PROCEDURE commits() BEGIN UPDATE {two_rows} SET n = n + 1; COMMIT; END")
    try:
        transaction = usual_session.begin("users")
        usual_session.run_execute("users", f"UPDATE {two_rows} SET n = 5 WHERE id = 1", transaction=transaction)
        error = caught(usual_session.run_execute, "users", "CALL commits()", transaction=transaction)
        assert code_name(error) == "TRANSACTION_ABORTED"
        usual_session.rollback(transaction)
    finally:
        database.query("DROP PROCEDURE commits")


def test_failed_batch_of_a_deadline_aborts_the_transaction(usual_session, two_rows):
    transaction = usual_session.begin("users")
    steps = step(f"UPDATE {two_rows} SET n = 5"), step("SELECT SLEEP(30)"), step("SELECT 1")
    result = usual_session.run_batch("users", *steps, mode=BatchMode.EACH, transaction=transaction, timeout_ms=300)
    assert [one.status for one in result.steps] == [StepStatus.DONE, StepStatus.FAILED, StepStatus.NOT_RUN]
    assert_dead(usual_session, "users", transaction)
    assert rows(usual_session.run_query("users", f"SELECT n FROM {two_rows}").rows) == [(0,), (0,)]


def test_stop_of_the_service_rolls_back(usual_session, mysql_url, two_rows, tmp_path):
    ending = Service(tmp_path, f'[shards.users]\nurl = "{mysql_url}"\n', server={"drain_timeout_ms": 1_000})
    with Session(ending.port) as session:
        transaction = session.begin("users")
        session.run_execute("users", f"UPDATE {two_rows} SET n = 5", transaction=transaction)
        assert ending.stop() == 0
    done = usual_session.run_execute("users", f"UPDATE {two_rows} SET n = n + 1", timeout_ms=10_000)
    assert done.affected_rows == 2
    assert rows(usual_session.run_query("users", f"SELECT n FROM {two_rows}").rows) == [(1,), (1,)]


# ------------------------------------------------------------------ transactions_max


def test_open_transactions_leave_room_for_plain_requests(service, usual_session, other_session):
    """A pool of two has one transaction at once; the other connection is for the rest."""
    transaction = usual_session.begin("pool_of_two")
    for n in range(20):
        assert only(other_session.run_query("pool_of_two", "SELECT ?", [n]).rows) == n
    error = caught(other_session.begin, "pool_of_two", timeout_ms=200)
    assert_error(error, ErrorCode.QUEUE_TIMEOUT)
    begun = []

    def begin_when_there_is_room():
        with Session(service.port) as session:
            begun.append(session.begin("pool_of_two", timeout_ms=20_000))
            session.rollback(begun[0])

    waiting = threading.Thread(target=begin_when_there_is_room, daemon=True)
    waiting.start()
    for n in range(20):
        assert only(other_session.run_query("pool_of_two", "SELECT ?", [n]).rows) == n
    # Its own session is not held up by those who wait for a place.
    assert only(usual_session.run_query(None, "SELECT 1", transaction=transaction).rows) == 1
    assert not begun
    usual_session.commit(transaction)
    waiting.join(20)
    assert len(begun) == 1


def test_all_transactions_open_and_plain_requests_go_on(service, usual_session, database):
    sessions = [Session(service.port) for _ in range(4)]
    try:
        tokens = [session.begin("users") for session in sessions]
        for n in range(50):
            assert only(usual_session.run_query("users", "SELECT ?", [n]).rows) == n
        assert_error(caught(usual_session.begin, "users", timeout_ms=200), ErrorCode.QUEUE_TIMEOUT)
        for session, token in zip(sessions, tokens):
            assert only(session.run_query(None, "SELECT 1", transaction=token).rows) == 1
    finally:
        for session in sessions:
            session.transport.close()
    wait_for(lambda: begins(usual_session), "the places of the sessions that ended")


def begins(session):
    tokens = []
    try:
        for _ in range(4):
            tokens.append(session.begin("users", timeout_ms=1_000))
    except DataError:
        return False
    finally:
        for token in tokens:
            session.rollback(token)
    return True
