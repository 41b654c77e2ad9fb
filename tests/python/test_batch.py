"""The function `batch`: modes, conditions, ids of earlier steps, and deadlocks."""

import threading

import pytest

from asking import id_of_step, step
from columns import only, rows
from errors import assert_error, caught
from forebay_thrift.ttypes import BatchMode, ErrorCode, StepCondition, StepStatus
from threads import run_in_threads
from wires import Session

DONE, FAILED, SKIPPED, NOT_RUN = (
    StepStatus.DONE,
    StepStatus.FAILED,
    StepStatus.SKIPPED,
    StepStatus.NOT_RUN,
)


def statuses(result):
    for one in result.steps:
        assert (one.result is not None) == (one.status == DONE)
        assert (one.error is not None) == (one.status == FAILED)
    return [one.status for one in result.steps]


def count(session, shard, table):
    return only(session.run_query(shard, f"SELECT COUNT(*) FROM {table}").rows)


@pytest.fixture
def keyed_table(backend, new_table):
    return new_table(backend.users, "id INTEGER PRIMARY KEY, v VARCHAR(20)")


def with_a_failure(table):
    """Three steps, of which the second has the key of the first."""
    insert = f"INSERT INTO {table} VALUES (?, ?)"
    return step(insert, [1, "a"]), step(insert, [1, "again"]), step(insert, [2, "b"])


# ------------------------------------------------------------------------ modes


def test_steps_and_their_results(session, backend, new_table):
    table = new_table(backend.users, f"id {backend.auto_increment_key}, name VARCHAR(20)")
    result = session.run_batch(
        backend.users,
        step(f"INSERT INTO {table} (name) VALUES (?)", ["é 🚀"]),
        step(f"SELECT id, name FROM {table} WHERE name = :name", {"name": "é 🚀"}),
        step(f"DELETE FROM {table} WHERE id > 5"),
        request_id="a batch",
    )
    assert result.header.request_id == "a batch"
    assert result.header.shard == backend.users
    assert result.attempts == 1
    assert statuses(result) == [DONE, DONE, DONE]
    inserted, selected, deleted = (one.result for one in result.steps)
    assert (inserted.affected_rows, inserted.insert_id, inserted.insert_count) == (1, 1, 1)
    assert inserted.rows is None
    assert rows(selected.rows) == [(1, "é 🚀")]
    assert deleted.affected_rows == 0


def test_each_goes_on_after_a_failure(usual_session, backend, keyed_table):
    result = usual_session.run_batch(backend.users, *with_a_failure(keyed_table), mode=BatchMode.EACH)
    assert statuses(result) == [DONE, FAILED, DONE]
    assert_error(result.steps[1].error, ErrorCode.DUPLICATE_KEY)
    found = usual_session.run_query(backend.users, f"SELECT id, v FROM {keyed_table} ORDER BY id")
    assert rows(found.rows) == [(1, "a"), (2, "b")]


def test_stop_on_error_runs_nothing_more(usual_session, backend, keyed_table):
    result = usual_session.run_batch(backend.users, *with_a_failure(keyed_table), mode=BatchMode.STOP_ON_ERROR)
    assert statuses(result) == [DONE, FAILED, NOT_RUN]
    assert_error(result.steps[1].error, ErrorCode.DUPLICATE_KEY)
    assert rows(usual_session.run_query(backend.users, f"SELECT id, v FROM {keyed_table}").rows) == [(1, "a")]


@pytest.mark.parametrize("mode", [None, BatchMode.ATOMIC], ids=["default", "atomic"])
def test_atomic_leaves_nothing_behind(session, backend, keyed_table, mode):
    error = caught(session.run_batch, backend.users, *with_a_failure(keyed_table), mode=mode, request_id="r")
    assert_error(error, ErrorCode.DUPLICATE_KEY)
    assert (error.item, error.shard, error.request_id) == (1, backend.users, "r")
    assert count(session, backend.users, keyed_table) == 0


def test_atomic_is_seen_as_a_whole_or_not(service, backend, new_table):
    """A reader never finds one of the two rows without the other."""
    table = new_table(backend.slave001, "n INTEGER")
    ended = threading.Event()

    def write():
        try:
            with Session(service.port) as session:
                for n in range(30):
                    insert = f"INSERT INTO {table} VALUES (?)"
                    session.run_batch(backend.slave001, step(insert, [n]), step(insert, [n]), timeout_ms=20_000)
        finally:
            ended.set()

    def read():
        with Session(service.port) as session:
            while not ended.is_set():
                assert count(session, backend.slave001, table) % 2 == 0

    run_in_threads([write, read])
    with Session(service.port) as session:
        assert count(session, backend.slave001, table) == 60


def test_atomic_failure_in_its_deadline_leaves_nothing(usual_session, database, new_table):
    table = new_table("users", "n INT")
    late = step("SELECT SLEEP(30) /* late */")
    error = caught(usual_session.run_batch, "users", step(f"INSERT INTO {table} VALUES (1)"), late, timeout_ms=300)
    assert_error(error, ErrorCode.DEADLINE_EXCEEDED)
    assert error.item == 1
    assert count(usual_session, "users", table) == 0


@pytest.mark.parametrize("mode", [BatchMode.EACH, BatchMode.STOP_ON_ERROR])
def test_deadline_keeps_what_was_done(usual_session, new_table, mode):
    table = new_table("users", "n INT")
    insert = step(f"INSERT INTO {table} VALUES (1)")
    late = step("SELECT SLEEP(30) /* late */")
    result = usual_session.run_batch("users", insert, late, insert, mode=mode, timeout_ms=500)
    assert statuses(result) == [DONE, FAILED, NOT_RUN]
    assert_error(result.steps[1].error, ErrorCode.DEADLINE_EXCEEDED)
    assert count(usual_session, "users", table) == 1


def test_atomic_refuses_what_would_commit(usual_session, new_table):
    table = new_table("users", "n INT")
    for sql in ("CREATE TABLE never_made (n INT)", f"TRUNCATE TABLE {table}", f"ALTER TABLE {table} ADD m INT"):
        error = caught(usual_session.run_batch, "users", step(f"INSERT INTO {table} VALUES (1)"), step(sql))
        assert_error(error, ErrorCode.STATEMENT_NOT_ALLOWED)
        assert error.item == 1
        assert count(usual_session, "users", table) == 0
    result = usual_session.run_batch(
        "users", step(f"ALTER TABLE {table} ADD m INT"), step(f"INSERT INTO {table} VALUES (1, 2)"), mode=BatchMode.EACH
    )
    assert statuses(result) == [DONE, DONE]


@pytest.mark.parametrize("sql", ["BEGIN", "COMMIT", "SET @x = 1", "SAVEPOINT a", "LOCK TABLES t READ"])
@pytest.mark.parametrize("mode", [BatchMode.EACH, BatchMode.ATOMIC], ids=["each", "atomic"])
def test_batch_refuses_what_changes_the_connection(usual_session, sql, mode):
    if mode == BatchMode.ATOMIC:
        error = caught(usual_session.run_batch, "users", step("SELECT 1"), step(sql), mode=mode)
        assert error.item == 1
    else:
        result = usual_session.run_batch("users", step("SELECT 1"), step(sql), mode=mode)
        assert statuses(result) == [DONE, FAILED]
        error = result.steps[1].error
    assert_error(error, ErrorCode.STATEMENT_NOT_ALLOWED)


def test_limits_of_results_hold_for_a_step(usual_session, backend):
    union = "SELECT 1 UNION ALL SELECT 2"
    result = usual_session.run_batch(
        backend.users, step("SELECT 1"), step(union), step("SELECT 3"), mode=BatchMode.EACH, max_rows=1
    )
    assert result.steps[0].status == DONE
    assert_error(result.steps[1].error, ErrorCode.RESULT_TOO_LARGE)
    assert only(usual_session.run_query(backend.users, "SELECT 'goes on'").rows) == "goes on"


# ------------------------------------------------------------------- conditions


@pytest.mark.parametrize(
    "shard", ["users", "users_prepared", "users_matched", "users_prepared_matched", "users_lite"]
)
def test_update_or_else_insert(usual_session, new_table, shard):
    table = new_table(shard, "id INTEGER PRIMARY KEY, v VARCHAR(20)")

    def put(key, text):
        result = usual_session.run_batch(
            shard,
            step(f"UPDATE {table} SET v = ? WHERE id = ?", [text, key]),
            step(f"INSERT INTO {table} VALUES (?, ?)", [key, text], when=StepCondition.HAD_NO_ROWS),
        )
        return statuses(result)

    assert put(1, "a") == [DONE, DONE]
    assert put(1, "b") == [DONE, SKIPPED]
    # It matches a row, and changes none.
    assert put(1, "b") == [DONE, SKIPPED]
    assert put(2, "c") == [DONE, DONE]
    found = usual_session.run_query(shard, f"SELECT id, v FROM {table} ORDER BY id")
    assert rows(found.rows) == [(1, "b"), (2, "c")]


def test_conditions(usual_session, backend, keyed_table):
    had, had_not = StepCondition.HAD_ROWS, StepCondition.HAD_NO_ROWS
    result = usual_session.run_batch(
        backend.users,
        step("SELECT 1"),
        step("SELECT 2", when=had),
        step("SELECT 3", when=had_not),
        step(f"SELECT v FROM {keyed_table}"),
        step("SELECT 4", when=had),
        step("SELECT 5", when=had_not, of_step=3),
        step("SELECT 6", when=had, of_step=0),
        # What asks about a step that was skipped is skipped, whatever it asks.
        step("SELECT 7", when=had, of_step=2),
        step("SELECT 8", when=had_not, of_step=2),
        step(f"INSERT INTO {keyed_table} VALUES (1, 'a')"),
        step(f"DELETE FROM {keyed_table} WHERE id = 1", when=had),
        step(f"DELETE FROM {keyed_table} WHERE id = 1"),
        step("SELECT 9", when=had_not),
    )
    expected = [DONE, DONE, SKIPPED, DONE, SKIPPED, DONE, DONE, SKIPPED, SKIPPED, DONE, DONE, DONE, DONE]
    assert statuses(result) == expected


def test_condition_on_a_step_that_failed_is_not_met(usual_session, backend):
    result = usual_session.run_batch(
        backend.users,
        step("SELECT * FROM no_such_table"),
        step("SELECT 1", when=StepCondition.HAD_NO_ROWS),
        step("SELECT 2", when=StepCondition.HAD_ROWS, of_step=0),
        step("SELECT 3"),
        mode=BatchMode.EACH,
    )
    assert statuses(result) == [FAILED, SKIPPED, SKIPPED, DONE]


# ------------------------------------------------------------- ids of other steps


@pytest.fixture
def parent_and_child(backend, new_table):
    parent = new_table(backend.users, f"id {backend.auto_increment_key}, name VARCHAR(20)")
    child = new_table(backend.users, f"id {backend.auto_increment_key}, parent_id BIGINT, n INTEGER")
    return parent, child


def test_insert_id_of_an_earlier_step(session, backend, parent_and_child):
    parent, child = parent_and_child
    result = session.run_batch(
        backend.users,
        step(f"INSERT INTO {parent} (id, name) VALUES (41, 'before')"),
        step(f"INSERT INTO {parent} (name) VALUES (?)", ["the parent"]),
        step(f"INSERT INTO {child} (parent_id, n) VALUES (?, ?)", [id_of_step(1), 1]),
        step(f"INSERT INTO {child} (parent_id, n) VALUES (:p, :n)", {"p": id_of_step(1), "n": 2}),
        step(
            f"INSERT INTO {child} (parent_id, n) VALUES (?, ?)",
            param_rows=[[id_of_step(1), 3], [None, 4], [id_of_step(1), 5]],
        ),
        step(
            f"INSERT INTO {child} (parent_id, n) VALUES (:p, :n)",
            param_rows=[{"p": id_of_step(1), "n": 6}, {"p": 7, "n": 7}],
        ),
        step(f"SELECT name FROM {parent} WHERE id IN (?)", [[1_000_000, id_of_step(1)]]),
        step(f"SELECT n FROM {child} WHERE parent_id = ? ORDER BY n", [id_of_step(1)]),
        step("SELECT ?", [id_of_step(2)]),
    )
    assert result.steps[1].result.insert_id == 42
    assert rows(result.steps[6].result.rows) == [("the parent",)]
    assert rows(result.steps[7].result.rows) == [(1,), (2,), (3,), (5,), (6,)]
    assert only(result.steps[8].result.rows) == result.steps[2].result.insert_id == 1


def test_insert_id_that_is_not_there(usual_session, backend, parent_and_child):
    parent, child = parent_and_child
    steps = [
        step(f"INSERT INTO {parent} (name) VALUES ('x')"),
        step(f"INSERT INTO {parent} (name) VALUES ('y')", when=StepCondition.HAD_NO_ROWS),
        step("SELECT ?", [id_of_step(1)]),
        step("SELECT * FROM no_such_table"),
        step("SELECT ?", [id_of_step(3)]),
        step(f"SELECT name FROM {parent}"),
        step("SELECT ?", [[1, id_of_step(5)]]),
        step("SELECT ?", [id_of_step(0)]),
    ]
    result = usual_session.run_batch(backend.users, *steps, mode=BatchMode.EACH)
    assert statuses(result) == [DONE, SKIPPED, FAILED, FAILED, FAILED, DONE, FAILED, DONE]
    for number, asked in ((2, 1), (4, 3), (6, 5)):
        assert_error(result.steps[number].error, ErrorCode.INVALID_ARGUMENT, str(asked))
    error = caught(usual_session.run_batch, backend.users, *steps[:3])
    assert_error(error, ErrorCode.INVALID_ARGUMENT)
    assert error.item == 2
    assert count(usual_session, backend.users, parent) == 1


# -------------------------------------------------------------------- deadlocks


@pytest.mark.parametrize("shard", ["users", "users_prepared"])
def test_deadlocked_batches_both_succeed(service, new_table, shard):
    table = new_table(shard, "id INT PRIMARY KEY, n INT NOT NULL")
    with Session(service.port) as session:
        session.run_insert(shard, table, ["id", "n"], [[1, 0], [2, 0]])
    results = {}

    def work(first, second):
        update = f"UPDATE {table} SET n = n + 1 WHERE id = ?"
        with Session(service.port) as session:
            results[first] = session.run_batch(
                shard,
                step(update, [first]),
                step("SELECT SLEEP(0.3)"),
                step(update, [second]),
                step(f"SELECT n FROM {table} WHERE id = ?", [first]),
                timeout_ms=20_000,
            )

    run_in_threads([lambda: work(1, 2), lambda: work(2, 1)])
    assert sum(result.attempts for result in results.values()) >= 3
    for result in results.values():
        assert statuses(result) == [DONE] * 4
    with Session(service.port) as session:
        assert rows(session.run_query(shard, f"SELECT n FROM {table}").rows) == [(2,), (2,)]
