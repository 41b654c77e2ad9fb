"""What becomes of a transaction when its session, its time or a deadlock ends it."""

from __future__ import annotations

import threading
import time

import pytest

import forebay
from relay import Relay
from same import TABLE, both  # noqa: F401

INSERT = "INSERT INTO things (name) VALUES ('new')"


@pytest.fixture
def relay(service):
    made = Relay(service.port)
    yield made
    made.close()


@pytest.fixture
def through(ours, relay, both):
    """A function that connects through the relay, on a fresh table."""
    both.run(*TABLE)
    return lambda **arguments: ours(port=relay.port, **arguments)


def names(both):
    return [name for (name,) in both.rows("SELECT name FROM things ORDER BY id")]


BEFORE = ["one", "two", "three"]


def cut_after(connection, relay):
    connection.cursor().execute(INSERT)
    relay.cut()
    # The service rolls back as soon as it sees the end.
    time.sleep(0.15)


def test_outside_a_transaction_a_lost_session_costs_nothing(through, relay, both):
    connection = through(autocommit=True)
    cursor = connection.cursor()
    for _ in range(3):
        relay.cut()
        cursor.execute("SELECT COUNT(*) FROM things")
        assert cursor.fetchone() == (3,)
    assert relay.sessions == 4
    assert connection.open


def test_the_next_statement_raises(through, relay, both):
    connection = through()
    cut_after(connection, relay)
    with pytest.raises(forebay.OperationalError) as raised:
        connection.cursor().execute("SELECT 1")
    assert raised.value.args[0] == 2013
    connection.rollback()
    assert names(both) == BEFORE
    # The connection is as good as before.
    connection.cursor().execute(INSERT)
    connection.commit()
    assert names(both) == [*BEFORE, "new"]


def test_commit_raises(through, relay, both):
    connection = through()
    cut_after(connection, relay)
    with pytest.raises(forebay.OperationalError) as raised:
        connection.commit()
    assert raised.value.args[0] == 2013
    connection.commit()
    assert names(both) == BEFORE


def test_commit_raises_even_after_a_swallowed_error(through, relay, both):
    connection = through(autocommit=True)
    connection.begin()
    cut_after(connection, relay)
    cursor = connection.cursor()
    with pytest.raises(forebay.OperationalError):
        cursor.execute("UPDATE things SET amount = 9")
    with pytest.raises(forebay.OperationalError, match="rollback"):
        connection.commit()
    assert names(both) == BEFORE


def test_what_follows_a_swallowed_error_is_not_committed_by_itself(through, relay, both):
    connection = through(autocommit=True)
    connection.begin()
    cut_after(connection, relay)
    cursor = connection.cursor()
    for _ in range(4):
        with pytest.raises(forebay.OperationalError):
            cursor.execute("INSERT INTO things (name) VALUES ('half')")
    assert names(both) == BEFORE


@pytest.mark.parametrize("statement", [INSERT, "SELECT @@tx_isolation", "SET @a = 1", "BATCH"])
@pytest.mark.parametrize("autocommit", [False, True])
def test_the_tail_of_a_transaction_is_not_committed_without_its_head(
    through, relay, both, autocommit, statement
):
    connection = through(autocommit=autocommit)
    connection.begin()
    cut_after(connection, relay)
    cursor = connection.cursor()
    for _ in range(4):
        with pytest.raises(forebay.OperationalError) as raised:
            if statement == "BATCH":
                cursor.executemany("INSERT INTO things (name) VALUES (%s)", [("a",), ("b",)])
            else:
                cursor.execute(statement)
        assert raised.value.args[0] == 2013
    with pytest.raises(forebay.OperationalError):
        connection.commit()
    assert names(both) == BEFORE
    cursor.execute(INSERT)
    connection.commit()
    assert names(both) == [*BEFORE, "new"]


@pytest.mark.parametrize("way", ["method", "statement"])
def test_rollback_does_not_raise(through, relay, both, way):
    connection = through()
    cut_after(connection, relay)
    if way == "method":
        connection.rollback()
    else:
        connection.cursor().execute("ROLLBACK")
    connection.cursor().execute("SELECT 1")
    assert names(both) == BEFORE


def test_begin_starts_anew_after_the_error(through, relay, both):
    connection = through(autocommit=True)
    connection.begin()
    cut_after(connection, relay)
    with pytest.raises(forebay.OperationalError):
        connection.cursor().execute("SELECT 1")
    connection.begin()
    connection.cursor().execute(INSERT)
    connection.commit()
    assert names(both) == [*BEFORE, "new"]


def test_close_and_connect_again(through, relay, both):
    connection = through()
    cut_after(connection, relay)
    connection.close()
    connection.connect()
    connection.cursor().execute("SELECT 1")


def test_a_timeout_of_another_kind_within_a_call(through, relay, both):
    """As gevent's Timeout does, an exception that is no Exception passes through the call."""

    class Killed(BaseException):
        pass

    connection = through()
    connection.cursor().execute(INSERT)
    link, read = connection._link, []

    call = link.call

    def killed(request):
        if request.function == b"query":
            def interrupted(message, offset):
                read.append(offset)
                raise Killed
            request.read = interrupted
        return call(request)

    class Interrupted:
        """The link, with a call that is killed as its reply comes."""

        def __getattr__(self, name):
            return getattr(link, name)

        def call(self, request):
            return killed(request)

    connection._link = Interrupted()
    with pytest.raises(Killed):
        connection.cursor().execute("SELECT 1")
    connection._link = link
    assert read and not link.is_open
    with pytest.raises(forebay.OperationalError) as raised:
        connection.commit()
    assert raised.value.args[0] == 2013
    assert names(both) == BEFORE


def test_a_deadlock_ends_the_transaction_as_in_mysql(ours, both):
    both.run(*TABLE)
    first, second = ours(), ours()
    first.cursor().execute("UPDATE things SET amount = 1 WHERE id = 1")
    second.cursor().execute("UPDATE things SET amount = 2 WHERE id = 2")
    errors = []

    def cross():
        try:
            first.cursor().execute("UPDATE things SET amount = 1 WHERE id = 2")
        except forebay.Error as error:
            errors.append(error)

    thread = threading.Thread(target=cross)
    thread.start()
    try:
        second.cursor().execute("UPDATE things SET amount = 2 WHERE id = 1")
    except forebay.Error as error:
        errors.append(error)
    thread.join(20)
    assert [error.args[0] for error in errors] == [1213]
    assert type(errors[0]) is forebay.OperationalError
    # No rollback() is needed to go on, and nothing of the victim is left.
    victim, winner = (first, second) if first._conversation.token is None else (second, first)
    winner.commit()
    victim.cursor().execute("SELECT 1")
    victim.commit()
    amounts = {amount for (amount,) in both.rows("SELECT amount FROM things WHERE id < 3")}
    assert len(amounts) == 1


def test_a_statement_that_is_stopped_ends_the_transaction(ours, both):
    both.run(*TABLE)
    connection = ours(read_timeout=0.5)
    cursor = connection.cursor()
    cursor.execute(INSERT)
    with pytest.raises(forebay.OperationalError) as raised:
        cursor.execute("SELECT SLEEP(30)")
    assert raised.value.args[0] == 3024
    with pytest.raises(forebay.OperationalError) as raised:
        connection.commit()
    assert raised.value.code == "TRANSACTION_ABORTED"
    assert names(both) == BEFORE
    cursor.execute(INSERT)
    connection.commit()
    assert names(both) == [*BEFORE, "new"]


def test_an_idle_transaction_expires(start_service, mysql_url, both):
    both.run(*TABLE)
    shard = f'[shards.test]\nurl = "{mysql_url}"\n'
    service = start_service(shard, transaction_idle_timeout_ms=300)
    with forebay.connect(port=service.port, database="test") as connection:
        cursor = connection.cursor()
        cursor.execute(INSERT)
        time.sleep(1)
        with pytest.raises(forebay.OperationalError) as raised:
            cursor.execute("SELECT 1")
        assert raised.value.code in ("TRANSACTION_EXPIRED", "TRANSACTION_NOT_FOUND")
        # Not 1205, after which a program may send its statement again, and go on.
        assert raised.value.args[0] == 1213
        cursor.execute(INSERT)
        connection.commit()
    assert names(both) == [*BEFORE, "new"]


def test_two_threads_on_one_connection_are_an_error(ours):
    connection = ours(autocommit=True)
    entered, outcome = threading.Event(), []

    def sleep():
        cursor = connection.cursor()
        entered.set()
        cursor.execute("SELECT SLEEP(0.5), 'mine'")
        outcome.append(cursor.fetchone())

    thread = threading.Thread(target=sleep)
    thread.start()
    entered.wait(5)
    time.sleep(0.15)
    with pytest.raises(forebay.InterfaceError, match="Pool"):
        connection.cursor().execute("SELECT 'yours'")
    thread.join(20)
    assert outcome == [(0, "mine")]
    cursor = connection.cursor()
    cursor.execute("SELECT 'later'")
    assert cursor.fetchone() == ("later",)


def test_a_procedure_that_commits_is_no_deadlock(ours, both):
    """Who runs a transaction again after 1213 would have the first part of it twice."""
    both.run(*TABLE, "DROP PROCEDURE IF EXISTS ending", "CREATE PROCEDURE ending() COMMIT")
    connection = ours()
    cursor = connection.cursor()
    cursor.execute(INSERT)
    with pytest.raises(forebay.OperationalError) as raised:
        cursor.execute("CALL ending()")
    assert raised.value.args[0] == 1422
    assert raised.value.outcome == "UNKNOWN"
    assert names(both) == [*BEFORE, "new"]
    both.run("DROP PROCEDURE ending")
