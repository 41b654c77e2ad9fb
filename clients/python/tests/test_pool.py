"""The pool among threads: its bounds, its order, and what state connections come back in."""

from __future__ import annotations

import gc
import os
import threading
import time

import pytest

import forebay


@pytest.fixture
def make_pool(service):
    """A function that makes a pool on the service's shard `test`."""
    made = []

    def make(**arguments):
        arguments = {"host": "127.0.0.1", "port": service.port, "database": "test"} | arguments
        made.append(forebay.Pool(**arguments))
        return made[-1]

    yield make
    for pool in made:
        pool.close()


@pytest.fixture
def table(theirs):
    connection = theirs(autocommit=True)
    name = f"pool{os.getpid()}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE OR REPLACE TABLE {name} (id INT)")
        yield name
        cursor.execute(f"DROP TABLE {name}")


def ask(connection, sql="SELECT 1", args=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, args)
        return cursor.fetchall() if cursor.description else ()


def test_connections_are_used_again(make_pool):
    pool = make_pool(max_connections=3)
    with pool.connection() as first:
        assert ask(first) == ((1,),)
        with pool.connection() as second:
            assert second is not first
    with pool.connection() as again:
        # The one that was used last.
        assert again is first


def test_many_threads_share_few_connections(make_pool):
    pool = make_pool(max_connections=3, wait_timeout=60)
    lock = threading.Lock()
    lent, most, failures = set(), [0], []

    def work(number):
        try:
            for turn in range(20):
                with pool.connection() as connection:
                    with lock:
                        assert connection not in lent
                        lent.add(connection)
                        most[0] = max(most[0], len(lent))
                    value = number * 1000 + turn
                    assert ask(connection, "SELECT %s", (value,)) == ((value,),)
                    with lock:
                        lent.discard(connection)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures and not any(thread.is_alive() for thread in threads)
    assert most == [3]
    assert "3/3 connections, 0 lent, 0 waiters" in repr(pool)


def test_a_wait_is_bounded_and_names_the_limit(make_pool):
    pool = make_pool(max_connections=1, wait_timeout=0.2)
    with pool.connection():
        for arguments in ({}, {"wait_timeout": 0.1}, {"wait_timeout": 0}):
            with pytest.raises(forebay.OperationalError, match="max_connections") as raised:
                pool.acquire(**arguments)
            assert raised.value.args[0] == 1040
    # Who gave up has taken nothing along.
    with pool.connection() as connection:
        assert ask(connection) == ((1,),)


def test_who_waits_is_served_in_the_order_of_arrival(make_pool):
    pool = make_pool(max_connections=1, wait_timeout=60)
    served = []

    def wait(number):
        with pool.connection():
            served.append(number)

    threads = []
    with pool.connection():
        for number in range(8):
            threads.append(threading.Thread(target=wait, args=(number,)))
            threads[-1].start()
            deadline = time.monotonic() + 10
            while f"{number + 1} waiters" not in repr(pool):
                assert time.monotonic() < deadline
                time.sleep(0.005)
    for thread in threads:
        thread.join(30)
    assert served == list(range(8))


def test_what_was_not_committed_is_rolled_back(make_pool, table):
    pool = make_pool(max_connections=1)
    with pytest.raises(KeyError), pool.connection() as connection:
        ask(connection, f"INSERT INTO {table} VALUES (1)")
        raise KeyError("the program's own")
    with pool.connection() as connection:
        ask(connection, f"INSERT INTO {table} VALUES (2)")
    with pool.connection() as connection:
        ask(connection, f"INSERT INTO {table} VALUES (3)")
        connection.commit()
    with pool.connection() as connection:
        assert ask(connection, f"SELECT id FROM {table}") == ((3,),)


def test_a_connection_comes_back_as_it_was_made(make_pool):
    pool = make_pool(max_connections=1)
    with pool.connection() as first:
        first.autocommit(True)
        first.select_db("users")
        ask(first, "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE")
    with pool.connection() as second:
        assert second is first and not second.get_autocommit()
        assert ask(second, "SELECT @@tx_isolation") == (("REPEATABLE-READ",),)


def test_one_that_is_opened_again_is_as_it_was_made(make_pool):
    """What one borrower has chosen is not where the next one writes."""
    pool = make_pool(max_connections=1, autocommit=False)
    with pool.connection() as connection:
        connection.autocommit(True)
        connection.select_db("users")
        connection._conversation.insert_id = 77
    with pool.connection() as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT LAST_INSERT_ID()")
        assert cursor.fetchone() == (0,)
        connection.connect()
        assert not connection.get_autocommit()
        assert connection._conversation.shard == connection.db == "test"


def test_one_that_was_closed_is_replaced(make_pool):
    pool = make_pool(max_connections=1)
    with pool.connection() as first:
        first.close()
    with pool.connection() as second:
        assert second is not first and ask(second) == ((1,),)


def test_one_that_is_still_in_use_is_not_lent(make_pool):
    """Its borrower gave it back while another thread of his had a call under way."""
    pool = make_pool(max_connections=1, autocommit=False)
    first = pool.acquire()
    ask(first)
    started = threading.Event()
    failures = []

    def use():
        started.set()
        try:
            ask(first, "SELECT SLEEP(2)")
        except forebay.Error as error:
            failures.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    started.wait()
    time.sleep(0.3)
    pool.release(first)
    with pool.connection() as second:
        assert second is not first and ask(second) == ((1,),)
    thread.join(30)
    assert len(failures) == 1


def test_one_that_was_idle_for_long_is_closed(make_pool):
    pool = make_pool(max_connections=2, max_idle_seconds=0.2)
    with pool.connection() as first, pool.connection() as second:
        pass
    assert "2/2" in repr(pool)
    time.sleep(0.3)
    with pool.connection() as third:
        assert third not in (first, second) and not first.open and not second.open
    assert "1/2" in repr(pool)


def test_a_place_is_not_lost_when_connecting_fails(make_pool):
    pool = make_pool(max_connections=1, wait_timeout=5, port=1)
    for _ in range(3):
        with pytest.raises(forebay.OperationalError) as raised:
            pool.acquire()
        assert raised.value.args[0] == 2003
    assert "0/1" in repr(pool)


def test_who_waits_gets_the_place_of_one_that_was_dropped(make_pool):
    pool = make_pool(max_connections=1, wait_timeout=30)
    first = pool.acquire()
    got = []
    thread = threading.Thread(target=lambda: got.append(pool.acquire()))
    thread.start()
    while "1 waiters" not in repr(pool):
        time.sleep(0.005)
    first.close()
    pool.release(first)
    thread.join(30)
    assert len(got) == 1 and got[0] is not first and ask(got[0]) == ((1,),)
    pool.release(got[0])


def test_what_is_not_lent_is_not_taken_back(make_pool, ours):
    pool = make_pool()
    with pytest.raises(forebay.InterfaceError, match="not lent"):
        pool.release(ours())
    connection = pool.acquire()
    pool.release(connection)
    with pytest.raises(forebay.InterfaceError, match="not lent"):
        pool.release(connection)


def test_a_closed_pool_ends_its_connections_and_waits(make_pool):
    pool = make_pool(max_connections=1, wait_timeout=30)
    lent = pool.acquire()
    failures = []

    def wait():
        try:
            pool.acquire()
        except forebay.InterfaceError as error:
            failures.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    while "1 waiters" not in repr(pool):
        time.sleep(0.005)
    pool.close()
    thread.join(10)
    assert len(failures) == 1
    pool.release(lent)
    assert not lent.open
    with pytest.raises(forebay.InterfaceError, match="closed"):
        pool.acquire()


@pytest.mark.parametrize(
    "arguments",
    [
        {"max_connections": 0},
        {"wait_timeout": -1},
        {"max_idle_seconds": 0},
        {"defer_connect": True},
    ],
    ids=str,
)
def test_arguments_without_sense_are_refused(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        forebay.Pool(**arguments)


def test_a_dropped_pool_closes_its_sockets(make_pool, service):
    pool = forebay.Pool(host="127.0.0.1", port=service.port, database="test")
    with pool.connection() as connection:
        descriptor = connection._link._stream._socket.fileno()
    os.fstat(descriptor)
    del pool, connection
    gc.collect()
    with pytest.raises(OSError):
        os.fstat(descriptor)


def test_an_argument_that_connect_does_not_know_is_told_of_at_once():
    with pytest.raises(TypeError, match="maxsize"):
        forebay.Pool(host="127.0.0.1", maxsize=3)


def test_who_waits_in_vain_for_a_transaction_is_told_what_allows_more(start_service, mysql_url):
    service = start_service(f'[shards.test]\nurl = "{mysql_url}"\ntransactions_max = 1\n')
    where = {"host": "127.0.0.1", "port": service.port, "database": "test"}
    with forebay.connect(**where) as first, forebay.connect(**where, read_timeout=0.2) as second:
        first.begin()
        remedies = "transactions_max.*read_timeout="
        with pytest.raises(forebay.OperationalError, match=remedies) as raised:
            second.cursor().execute("SELECT 1")
    assert raised.value.args[0] == 3024 and raised.value.code == "QUEUE_TIMEOUT"
