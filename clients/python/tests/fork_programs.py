"""Programs that fork, each run by test_forks in a process of its own:
`python fork_programs.py SCENARIO PORT`."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
import traceback

import forebay


def connect(port, **arguments):
    arguments = {"database": "test", "autocommit": True, "port": port} | arguments
    return forebay.connect(host="127.0.0.1", **arguments)


def ask(connection, sql, args=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, args)
        return cursor.fetchall() if cursor.description else ()


def fork(work):
    """Runs it in a child, which ends as a program ends, with its destructors."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def wait_for(*children):
    for child in children:
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0, "a child failed"


def answers_are_not_mixed(port):
    connection = connect(port)
    ask(connection, "SELECT 0")
    session = connection._link.session

    def work():
        mine = os.getpid()
        for number in range(300):
            assert ask(connection, "SELECT %s, %s", (mine, number)) == ((mine, number),)

    children = [fork(work) for _ in range(4)]
    work()
    wait_for(*children)
    # The parent's own is the one that it had.
    assert connection._link.session == session


def a_child_does_not_end_its_parents_session(port):
    connection = connect(port, autocommit=False)
    ask(connection, "SELECT 1")
    session = connection._link.session

    def close():
        connection.close()

    def collect():
        nonlocal connection
        connection = None

    def reopen():
        try:
            ask(connection, "SELECT 2")
            raise AssertionError("the child goes on with its parent's transaction")
        except forebay.OperationalError as error:
            assert error.args[0] == 2013, error
        connection.rollback()
        assert ask(connection, "SELECT 3") == ((3,),)

    for work in (close, collect, reopen):
        wait_for(fork(work))
        assert ask(connection, "SELECT 4") == ((4,),)
        assert connection._link.session == session
    connection.commit()


def a_parent_ends_its_session_though_a_child_holds_the_socket(port):
    name = f"forked{os.getpid()}"
    other = connect(port)
    ask(other, f"CREATE TABLE {name} (id INT PRIMARY KEY)")
    ask(other, f"INSERT INTO {name} VALUES (1)")
    try:
        connection = connect(port, autocommit=False)
        ask(connection, f"DELETE FROM {name}")
        child = fork(lambda: time.sleep(5))
        connection.close()
        begun = time.monotonic()
        # It waits for the row's lock until the transaction is rolled back.
        ask(other, f"UPDATE {name} SET id = 2")
        assert time.monotonic() - begun < 3, "the child kept the session open"
        os.kill(child, 9)
        os.waitpid(child, 0)
    finally:
        ask(other, f"DROP TABLE {name}")


def a_pool_begins_empty_in_a_child(port):
    pool = forebay.Pool(host="127.0.0.1", port=port, database="test", max_connections=3)
    held = pool.acquire()
    ask(held, "SELECT 1")
    with pool.connection() as idle:
        ask(idle, "SELECT 1")

    def work():
        assert "0/3" in repr(pool) or "2/3" in repr(pool)
        lent = [pool.acquire(1) for _ in range(3)]
        assert held not in lent and idle not in lent
        for number, connection in enumerate(lent):
            assert ask(connection, "SELECT %s", (number,)) == ((number,),)
            pool.release(connection)
        # What was lent before the fork is let go.
        pool.release(held)
        assert "3/3 connections, 0 lent" in repr(pool)

    wait_for(fork(work), fork(work))
    assert ask(held, "SELECT 5") == ((5,),)
    pool.release(held)
    with pool.connection() as connection:
        assert connection is held
    assert "2/3 connections, 0 lent" in repr(pool)


def _square(arguments):
    port, number = arguments
    return ask(_shared, "SELECT %s * %s", (number, number))[0][0]


_shared = None


def multiprocessing_children_have_sessions_of_their_own(port):
    global _shared
    _shared = connect(port)
    ask(_shared, "SELECT 1")
    with multiprocessing.get_context("fork").Pool(4) as pool:
        numbers = range(200)
        assert pool.map(_square, [(port, number) for number in numbers], chunksize=1) == [
            number * number for number in numbers
        ]
    assert ask(_shared, "SELECT 2") == ((2,),)


if __name__ == "__main__":
    globals()[sys.argv[1]](int(sys.argv[2]))
    print("done")
