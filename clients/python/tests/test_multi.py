"""`multi`: independent statements in one call, each with its own outcome."""

from __future__ import annotations

import datetime
import decimal
import os
import time

import pytest

import forebay


@pytest.fixture
def connection(ours):
    return ours(autocommit=True)


@pytest.fixture
def table(theirs):
    connection = theirs(autocommit=True)
    name = f"multi{os.getpid()}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE OR REPLACE TABLE {name} (id INT AUTO_INCREMENT PRIMARY KEY, n INT)")
        yield name
        cursor.execute(f"DROP TABLE {name}")


def values(outcomes):
    return [outcome.get() for outcome in outcomes]


def test_outcomes_come_in_the_order_of_the_items(connection):
    shards = ("test", "users", "slave001")
    items = [
        (shards[number % 3], "SELECT %s, SLEEP(%s)", (number, (9 - number) / 50))
        for number in range(10)
    ]
    outcomes = forebay.multi(items, timeout=10, on=connection)
    assert values(outcomes) == [[(number, 0)] for number in range(10)]
    assert all(outcome.successful() and outcome.exception is None for outcome in outcomes)


def test_values_are_those_of_a_cursor(connection):
    sql = "SELECT 1 AS one, 'é', %s, DATE '2024-02-29', NULL, x'00ff', 1.5e0"
    args = (decimal.Decimal("1.50"),)
    with connection.cursor() as cursor:
        cursor.execute(sql, args)
        (outcome,) = forebay.multi([("test", sql, args)], on=connection)
        assert tuple(outcome.value) == tuple(cursor.fetchall())
        assert outcome.description == cursor.description
        assert outcome.rowcount == cursor.rowcount == 1
    assert outcome.value[0][3] == datetime.date(2024, 2, 29)


def test_writes_tell_their_ids_and_counts(connection, table):
    insert = f"INSERT INTO {table} (n) VALUES (%s)"
    first, second = forebay.multi([("test", insert, (1,)), ("test", insert, (2,))], on=connection)
    assert {first.lastrowid, second.lastrowid} == {1, 2}
    assert first.rowcount == 1 and first.description is None and first.value.affected_rows == 1
    update, read = forebay.multi(
        [("test", f"UPDATE {table} SET n = n + 10"), ("users", f"SELECT COUNT(*) FROM {table}")],
        on=connection,
    )
    assert update.rowcount == 2 and read.value == [(2,)]


def test_an_item_has_its_own_error(connection, theirs):
    items = [
        ("test", "SELECT 1"),
        ("test", "SELECT nothing FROM nowhere"),
        ("no such shard", "SELECT 1"),
        ("test", "SELEC 1"),
        ("test", "SELECT 2"),
    ]
    outcomes = forebay.multi(items, on=connection)
    assert [outcome.successful() for outcome in outcomes] == [True, False, False, False, True]
    assert isinstance(outcomes[1].exception, forebay.ProgrammingError)
    assert outcomes[1].exception.args[0] == 1146
    assert outcomes[2].exception.args[0] == 1049
    # What begins with no word that is known is sent as a write, and the database judges.
    assert outcomes[3].exception.args[0] == 1064
    assert outcomes[1].value is None and outcomes[1].rowcount == -1
    with pytest.raises(forebay.ProgrammingError):
        outcomes[1].get()


def test_the_deadline_is_one_for_all(connection):
    items = [("test", "SELECT 1"), ("test", "SELECT SLEEP(5)"), ("users", "SELECT 2")]
    begun = time.monotonic()
    quick, slow, other = forebay.multi(items, timeout=0.5, on=connection)
    assert time.monotonic() - begun < 3
    assert quick.get() == [(1,)] and other.get() == [(2,)]
    assert slow.exception.args[0] == 3024 and slow.exception.code == "DEADLINE_EXCEEDED"
    # The session is in order: nothing was given up.
    assert connection._link.is_open


def test_the_first_error_may_stop_the_others(connection):
    items = [("test", "SELECT SLEEP(5)"), ("test", "SELECT nothing FROM nowhere")]
    begun = time.monotonic()
    with pytest.raises(forebay.ProgrammingError) as raised:
        forebay.multi(items, timeout=10, on=connection, policy="fail_on_first_error")
    assert raised.value.item == 1 and time.monotonic() - begun < 4


def test_nothing_asked_is_nothing_sent():
    assert forebay.multi([], on="127.0.0.1:1") == []


def test_more_items_than_the_service_takes_are_refused(connection):
    limit = connection._link.site.info.limits.multi_items_max
    with pytest.raises(forebay.ProgrammingError, match=str(limit)) as raised:
        forebay.multi([("test", "SELECT 1")] * (limit + 1), on=connection)
    assert raised.value.outcome == "NOT_APPLIED"
    outcomes = forebay.multi([("test", "SELECT 1")] * limit, timeout=30, on=connection)
    assert values(outcomes) == [[(1,)]] * limit


@pytest.mark.parametrize(
    "items", ["x", [("test",)], [("test", 1)], [(None, "SELECT 1")], ["SELECT 1"]], ids=repr
)
def test_what_is_no_item_is_named(connection, items):
    with pytest.raises(forebay.ProgrammingError, match="item 0 of multi"):
        forebay.multi(items, on=connection)


def test_arguments_that_do_not_fit_are_refused(connection):
    with pytest.raises(forebay.ProgrammingError):
        forebay.multi([("test", "SELECT %s", (1, 2))], on=connection)
    with pytest.raises(forebay.ProgrammingError, match="policy"):
        forebay.multi([("test", "SELECT 1")], on=connection, policy="some")
    with pytest.raises(forebay.ProgrammingError, match="timeout"):
        forebay.multi([("test", "SELECT 1")], 0, on=connection)


def test_it_runs_on_a_host_a_pool_or_the_default(service):
    items = [("test", "SELECT %s", (7,))]
    assert values(forebay.multi(items, on=f"127.0.0.1:{service.port}")) == [[(7,)]]
    with pytest.raises(forebay.InterfaceError, match="set_default_pool"):
        forebay.multi(items)
    with forebay.Pool(host="127.0.0.1", port=service.port, max_connections=1) as pool:
        assert values(pool.multi(items)) == [[(7,)]]
        forebay.set_default_pool(pool)
        try:
            assert values(forebay.multi(items)) == [[(7,)]]
        finally:
            forebay.set_default_pool(None)
        with pool.connection(), pytest.raises(forebay.OperationalError, match="max_connections"):
            pool.multi(items, timeout=0.2)


def test_an_open_transaction_is_left_alone(ours, table):
    connection = ours()
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} (n) VALUES (1)")
        (count,) = forebay.multi([("test", f"SELECT COUNT(*) FROM {table}")], on=connection)
        assert count.value == [(0,)]
        connection.commit()
        cursor.execute(f"SELECT COUNT(*) FROM {table}")
        assert cursor.fetchall()[0][0] == 1
    connection.rollback()


def test_a_read_that_locks_is_run_all_the_same(connection, table):
    """`query` refuses what may wait or write; it is then sent as `execute`."""
    items = [("test", "SELECT 1"), ("test", f"SELECT n FROM {table} FOR UPDATE")]
    assert values(forebay.multi(items, on=connection)) == [[(1,)], []]


def test_a_closed_connection_is_not_opened_again(ours):
    connection = ours()
    connection.close()
    with pytest.raises(forebay.InterfaceError):
        forebay.multi([("test", "SELECT 1")], on=connection)
    assert not connection._link.is_open
