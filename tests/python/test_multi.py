"""The function `multi`: items on any shards, their outcomes, deadlines and policies."""

import threading
import time

from asking import batch_request, execute_request, insert_request, item, multi_request, query_request, step
from columns import only, rows
from errors import assert_error, caught, code_name
from forebay_thrift.ttypes import ErrorCode, InfoRequest, MultiPolicy, Options, Outcome, Phase, Retry
from processes import wait_until_gone, wait_until_running

LIVE_SHARDS = ["users", "users_prepared", "slave001", "pool_of_two", "users_lite", "slave001_lite"]
RESULTS = ("query", "execute", "insert", "batch")


def result_of(outcome):
    """The one result that a good outcome has."""
    assert outcome.error is None, outcome.error
    found = [name for name in RESULTS if getattr(outcome, name) is not None]
    assert len(found) == 1, f"an outcome has the results {found}"
    return getattr(outcome, found[0])


def error_of(outcome):
    """The error of an outcome that has nothing else."""
    assert [getattr(outcome, name) for name in RESULTS] == [None] * 4
    assert outcome.error is not None
    return outcome.error


def numbers_of(outcomes):
    return [only(result_of(outcome).rows) for outcome in outcomes]


def test_outcomes_come_in_the_order_of_the_items(session):
    asked = [query_request(LIVE_SHARDS[n % len(LIVE_SHARDS)], "SELECT ?", [n]) for n in range(60)]
    assert numbers_of(session.run_multi(*asked, timeout_ms=20_000)) == list(range(60))


def test_slow_item_does_not_change_the_order(usual_session):
    first = query_request("users", "SELECT 0 + SLEEP(0.3)")
    others = [query_request("users", "SELECT ?", [n]) for n in (1, 2, 3)]
    assert numbers_of(usual_session.run_multi(first, *others, timeout_ms=20_000)) == [0, 1, 2, 3]


def test_every_kind_of_item(session, backend, new_table):
    table = new_table(backend.users, f"id {backend.auto_increment_key}, name VARCHAR(20)")
    add = f"INSERT INTO {table} (name) VALUES (?)"
    first, second, third, fourth = session.run_multi(
        query_request(backend.users, "SELECT ? AS q", ["text é"], request_id="the query"),
        execute_request(backend.users, add, ["executed"]),
        insert_request(backend.users, table, ["name"], [["inserted"], [None]]),
        batch_request(backend.users, step(add, ["of a batch"]), step(f"SELECT 7 FROM {table} LIMIT 1")),
        timeout_ms=20_000,
    )
    assert result_of(first) is first.query
    assert rows(first.query.rows) == [("text é",)]
    assert first.query.header.request_id == "the query"
    assert first.query.header.shard == backend.users
    assert result_of(second).affected_rows == 1
    assert result_of(third) is third.insert
    assert (third.insert.affected_rows, third.insert.insert_count) == (2, 2)
    inserted, selected = result_of(fourth).steps
    assert inserted.result.affected_rows == 1
    assert only(selected.result.rows) == 7
    found = session.run_query(backend.users, f"SELECT name FROM {table} ORDER BY name")
    assert rows(found.rows) == [(None,), ("executed",), ("inserted",), ("of a batch",)]


def test_each_failure_is_its_items_own(session):
    outcomes = session.run_multi(
        query_request("users", "SELECT 1"),
        query_request("no_such_shard", "SELECT 2", request_id="lost"),
        query_request("dead", "SELECT 3"),
        query_request("slave001", "SELECT * FROM no_such_table"),
        query_request("users_lite", "SELECT * FROM no_such_table"),
        query_request("users", "SELECT ?, ?", [1]),
        query_request("users", "DELETE FROM t"),
        query_request("slave001_lite", "SELECT 8"),
        timeout_ms=20_000,
    )
    assert [code_name(outcome.error) for outcome in outcomes] == [
        None,
        "UNKNOWN_SHARD",
        "SHARD_UNAVAILABLE",
        "SQL_ERROR",
        "SQL_ERROR",
        "INVALID_ARGUMENT",
        "STATEMENT_NOT_ALLOWED",
        None,
    ]
    assert numbers_of([outcomes[0], outcomes[-1]]) == [1, 8]
    unknown, dead, refused = (error_of(outcome) for outcome in outcomes[1:4])
    assert unknown.request_id == "lost"
    assert (dead.shard, dead.phase, dead.retry_hint) == ("dead", Phase.CONNECT, Retry.AFTER_PAUSE)
    assert (refused.shard, refused.mysql_errno, refused.sqlstate) == ("slave001", 1146, "42S02")
    assert only(session.run_query("users", "SELECT 'goes on'").rows) == "goes on"


def test_failed_batch_of_an_item_names_its_step(usual_session, backend):
    """The item is known by its place; its own outcome tells the rest, as when the
    batch is called alone."""
    steps = step("SELECT 1"), step("SELECT 2"), step("SELECT * FROM no_such_table")
    outcomes = usual_session.run_multi(query_request(backend.users, "SELECT 1"), batch_request(backend.users, *steps))
    assert_error(error_of(outcomes[1]), ErrorCode.SQL_ERROR)
    assert outcomes[1].error.item == 2
    error = caught(usual_session.run_batch, backend.users, *steps)
    assert error.item == 2
    error = caught(
        usual_session.run_multi, batch_request(backend.users, *steps), policy=MultiPolicy.FAIL_ON_FIRST_ERROR
    )
    assert error.item == 0


def test_header_is_that_of_the_whole(usual_session):
    result = usual_session.multi(multi_request(query_request("users", "SELECT 1"), request_id="whole"))
    assert result.header.request_id == "whole"
    assert result.header.shard == ""
    assert result.header.execute_us >= 0
    assert result.outcomes[0].query.header.request_id == "whole"


# -------------------------------------------------------------------- deadlines


def test_deadline_ends_only_what_is_late(session, database):
    outcomes = session.run_multi(
        query_request("users", "SELECT 1"),
        query_request("slave001", "SELECT SLEEP(30) /* late */"),
        query_request("users_lite", "SELECT 2"),
        timeout_ms=400,
    )
    answered_at = time.monotonic()
    assert numbers_of([outcomes[0], outcomes[2]]) == [1, 2]
    assert_error(error_of(outcomes[1]), ErrorCode.DEADLINE_EXCEEDED)
    assert outcomes[1].error.limit == 400
    wait_until_gone(database, "SELECT SLEEP(30)", answered_at + 2 - time.monotonic())


def test_item_that_was_not_begun_waited_in_the_queue(usual_session, database):
    """More items of one shard than run at once, and none of them ends."""
    outcomes = usual_session.run_multi(
        *[query_request("pool_of_two", "SELECT SLEEP(30) /* late */") for _ in range(6)],
        query_request("users", "SELECT 6"),
        timeout_ms=400,
    )
    names = [code_name(outcome.error) for outcome in outcomes]
    assert names[-1] is None
    assert set(names[:-1]) == {"DEADLINE_EXCEEDED", "QUEUE_TIMEOUT"}
    assert all(outcome.error.outcome == Outcome.NOT_APPLIED for outcome in outcomes[:-1])
    wait_until_gone(database, "SELECT SLEEP(30)", 2)


def test_items_may_have_less_time_and_other_limits(usual_session, database):
    union = "SELECT 1 UNION ALL SELECT 2"
    late, many, few, warned, plain = usual_session.run_multi(
        query_request("users", "SELECT SLEEP(30) /* late */", timeout_ms=300),
        query_request("users", union, max_rows=1),
        query_request("users", union, max_rows=2),
        query_request("users", "SELECT CAST('x' AS SIGNED)", warnings_max=5),
        query_request("users", "SELECT CAST('x' AS SIGNED)"),
        timeout_ms=20_000,
    )
    assert_error(error_of(late), ErrorCode.DEADLINE_EXCEEDED)
    assert late.error.limit == 300
    assert_error(error_of(many), ErrorCode.RESULT_TOO_LARGE)
    assert many.error.limit == 1
    assert rows(result_of(few).rows) == [(1,), (2,)]
    assert [warning.code for warning in result_of(warned).warnings] == [1292]
    assert result_of(plain).warning_count == 1
    assert not result_of(plain).warnings
    wait_until_gone(database, "SELECT SLEEP(30)", 2)


def test_item_has_no_more_time_than_the_whole(usual_session, database):
    (outcome,) = usual_session.run_multi(
        query_request("users", "SELECT SLEEP(30) /* late */", timeout_ms=60_000), timeout_ms=300
    )
    assert_error(error_of(outcome), ErrorCode.DEADLINE_EXCEEDED)
    wait_until_gone(database, "SELECT SLEEP(30)", 2)


def test_limits_of_the_whole_hold_for_items_that_name_none(usual_session):
    union, warned = "SELECT 1 UNION ALL SELECT 2", "SELECT CAST('x' AS SIGNED)"
    asked = [query_request("users", union), query_request("users", warned)]
    many, few = usual_session.run_multi(*asked, max_rows=1, warnings_max=5)
    assert_error(error_of(many), ErrorCode.RESULT_TOO_LARGE)
    assert [warning.code for warning in result_of(few).warnings] == [1292]


# --------------------------------------------------------------------- policies


def test_first_error_stops_the_others(usual_session, database):
    began = time.monotonic()
    error = caught(
        usual_session.run_multi,
        query_request("slave001", "SELECT SLEEP(30) /* stopped */"),
        query_request("users", "SELECT 1"),
        batch_request("users", step("SELECT SLEEP(0.3)"), step("SELECT * FROM no_such_table")),
        policy=MultiPolicy.FAIL_ON_FIRST_ERROR,
        timeout_ms=20_000,
        request_id="all or none",
    )
    answered_at = time.monotonic()
    assert answered_at - began < 10
    assert_error(error, ErrorCode.SQL_ERROR, "no_such_table")
    assert (error.item, error.mysql_errno, error.request_id) == (2, 1146, "all or none")
    wait_until_gone(database, "SELECT SLEEP(30)", answered_at + 2 - time.monotonic())
    assert only(usual_session.run_query("slave001", "SELECT 'goes on'").rows) == "goes on"


def test_no_item_is_begun_after_the_first_error(usual_session, new_table):
    """The writes wait for connections that the others hold."""
    table = new_table("pool_of_two", "n INT")
    failing = query_request("pool_of_two", "SELECT * FROM no_such_table")
    writes = [execute_request("pool_of_two", f"INSERT INTO {table} SELECT SLEEP(0.2)") for _ in range(20)]
    error = caught(
        usual_session.run_multi, failing, *writes, policy=MultiPolicy.FAIL_ON_FIRST_ERROR, timeout_ms=20_000
    )
    assert_error(error, ErrorCode.SQL_ERROR, outcome=error.outcome)
    assert error.item == 0
    time.sleep(0.5)
    # Those few that ran beside it may have been written before they were told.
    assert only(usual_session.run_query("pool_of_two", f"SELECT COUNT(*) FROM {table}").rows) <= 2


def test_what_was_written_before_the_first_error_is_told(usual_session, backend, new_table):
    table = new_table(backend.users, "n INT")
    late = batch_request("slave001", step("SELECT SLEEP(0.5)"), step("SELECT * FROM no_such_table"))
    error = caught(
        usual_session.run_multi,
        execute_request(backend.users, f"INSERT INTO {table} VALUES (1)"),
        late,
        policy=MultiPolicy.FAIL_ON_FIRST_ERROR,
        timeout_ms=20_000,
    )
    assert_error(error, ErrorCode.SQL_ERROR, outcome=Outcome.APPLIED)
    assert error.item == 1
    assert only(usual_session.run_query(backend.users, f"SELECT COUNT(*) FROM {table}").rows) == 1


def test_write_that_was_stopped_is_unknown(usual_session, database, new_table):
    table = new_table("users", "n INT")
    late = batch_request("slave001", step("SELECT SLEEP(0.5)"), step("SELECT * FROM no_such_table"))
    stopped = f"INSERT INTO {table} SELECT SLEEP(30)"
    error = caught(
        usual_session.run_multi,
        execute_request("users", stopped),
        late,
        policy=MultiPolicy.FAIL_ON_FIRST_ERROR,
        timeout_ms=20_000,
    )
    assert_error(error, ErrorCode.SQL_ERROR, outcome=Outcome.UNKNOWN)
    wait_until_gone(database, stopped, 2)


def test_policy_that_fails_on_errors_gives_outcomes_if_there_are_none(session):
    asked = [query_request(shard, "SELECT ?", [n]) for n, shard in enumerate(LIVE_SHARDS)]
    outcomes = session.run_multi(*asked, policy=MultiPolicy.FAIL_ON_FIRST_ERROR, timeout_ms=20_000)
    assert numbers_of(outcomes) == list(range(len(LIVE_SHARDS)))


def test_first_error_may_be_of_an_item_that_was_never_run(usual_session):
    error = caught(
        usual_session.run_multi,
        query_request("users", "SELECT 1"),
        query_request("no_such_shard", "SELECT 1"),
        policy=MultiPolicy.FAIL_ON_FIRST_ERROR,
    )
    assert_error(error, ErrorCode.UNKNOWN_SHARD)
    assert error.item == 1


# ----------------------------------------------------------------------- limits


def test_as_many_items_as_the_limit_says_and_no_more(usual_session):
    limit = usual_session.info(InfoRequest()).limits.multi_items_max
    asked = [query_request(LIVE_SHARDS[n % len(LIVE_SHARDS)], "SELECT ?", [n]) for n in range(limit + 1)]
    assert numbers_of(usual_session.run_multi(*asked[:-1], timeout_ms=20_000)) == list(range(limit))
    error = caught(usual_session.run_multi, *asked, timeout_ms=20_000)
    assert_error(error, ErrorCode.INVALID_ARGUMENT, "multi_items_max", str(limit))


def test_transaction_in_an_item_is_refused(usual_session, other_session):
    transaction = usual_session.begin("users")
    try:
        for token in (transaction, "made up"):
            refused, fine = usual_session.run_multi(
                query_request("users", "SELECT 1", transaction=token), query_request("users", "SELECT 2")
            )
            assert_error(error_of(refused), ErrorCode.INVALID_ARGUMENT, "transaction")
            assert numbers_of([fine]) == [2]
        error = caught(usual_session.run_multi, query_request("users", "SELECT 1"), transaction=transaction)
        assert_error(error, ErrorCode.INVALID_ARGUMENT, "transaction")
        assert only(usual_session.run_query("users", "SELECT 3", transaction=transaction).rows) == 3
    finally:
        usual_session.rollback(transaction)


def test_item_is_a_statement_of_its_own(usual_session, database, new_table):
    """The items of a multi share no transaction: what one of them has written,
    another client sees while the next one still runs."""
    table = new_table("users", "n INT")
    asked = [
        execute_request("users", f"INSERT INTO {table} VALUES (1)"),
        query_request("slave001", "SELECT SLEEP(2) /* afterwards */"),
    ]
    outcomes = []
    worker = threading.Thread(target=lambda: outcomes.extend(usual_session.run_multi(*asked, timeout_ms=20_000)))
    worker.start()
    try:
        wait_until_running(database, "SELECT SLEEP(2)")
        with database.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM {table}")
            assert cursor.fetchall() == ((1,),)
    finally:
        worker.join(20)
    assert [outcome.error for outcome in outcomes] == [None, None]


def test_options_and_member_of_an_item(usual_session):
    made = item(query_request("users", "SELECT 1"))
    made.query.options = None
    assert numbers_of(usual_session.run_multi(made)) == [1]
    made.query.options = Options()
    assert numbers_of(usual_session.run_multi(made)) == [1]
