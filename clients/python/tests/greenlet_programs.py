"""Programs of greenlets, each run by test_greenlets in a process of its own, since
patching is for good: `python greenlet_programs.py gevent|eventlet SCENARIO PORT`."""

from __future__ import annotations

import random
import sys
import time

SOAK_SECONDS = 4


class Gevent:
    def __init__(self):
        import gevent
        from gevent import monkey

        monkey.patch_all()
        self.spawn = gevent.spawn
        self.sleep = gevent.sleep
        self.Timeout = gevent.Timeout

    def kill(self, greenlet):
        greenlet.kill()

    def join(self, greenlets, seconds):
        import gevent

        done = gevent.joinall(greenlets, timeout=seconds)
        assert len(done) == len(greenlets), f"{len(greenlets) - len(done)} greenlets hang"
        for greenlet in greenlets:
            # Raises what it died of.
            greenlet.get()


class Eventlet:
    def __init__(self):
        import warnings

        warnings.simplefilter("ignore")
        import eventlet

        eventlet.monkey_patch()
        self.spawn = eventlet.spawn
        self.sleep = eventlet.sleep
        self.Timeout = eventlet.Timeout

    def kill(self, greenlet):
        greenlet.kill()

    def join(self, greenlets, seconds):
        with self.Timeout(seconds):
            for greenlet in greenlets:
                greenlet.wait()


def connect(port, **arguments):
    import forebay

    arguments = {"database": "test", "autocommit": True, "port": port} | arguments
    # A name, which is resolved by what is patched.
    return forebay.connect(host="localhost", **arguments)


def make_pool(port, **arguments):
    import forebay

    return forebay.Pool(host="127.0.0.1", port=port, database="test", autocommit=True, **arguments)


def ask(connection, sql, args=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, args)
        return cursor.fetchall()


def others_run_during_a_call(library, port):
    """Connecting by a name, calls and waits for a pool let others run."""
    ticks = [0]

    def tick():
        while True:
            ticks[0] += 1
            library.sleep(0.01)

    ticking = library.spawn(tick)
    for _ in range(3):
        with connect(port, read_timeout=20) as connection:
            before = ticks[0]
            assert ask(connection, "SELECT SLEEP(0.3)") == ((0,),)
            assert ticks[0] - before > 5, "nobody else ran during the call"
    pool = make_pool(port, max_connections=1)
    with pool.connection():
        before = ticks[0]
        try:
            pool.acquire(0.3)
        except Exception as error:
            assert error.args[0] == 1040, error
        assert ticks[0] - before > 5, "nobody else ran during the wait"
    library.kill(ticking)


def a_timed_out_call_closes_its_socket(library, port):
    with connect(port, read_timeout=10) as connection:
        for number in range(10):
            first = connection._link.session
            try:
                with library.Timeout(0.05):
                    ask(connection, "SELECT %s, SLEEP(0.3)", (number,))
                raise AssertionError("it is not timed out")
            except library.Timeout:
                pass
            assert not connection._link.is_open and connection._link.session == 0
            # Long enough that the old answer would be there.
            if number % 3 == 0:
                library.sleep(0.4)
            assert ask(connection, "SELECT %s", (-number,)) == ((-number,),)
            assert connection._link.session > first


def a_program_may_time_out_by_an_exception_of_its_own(library, port):
    class TooSlow(Exception):
        pass

    with connect(port) as connection:
        for mine in (TooSlow, TimeoutError, OSError, TimeoutError("mine"), KeyError("mine")):
            try:
                with library.Timeout(0.05, mine):
                    ask(connection, "SELECT SLEEP(1)")
                raise AssertionError("it is not timed out")
            except (TooSlow, TimeoutError, OSError, KeyError) as error:
                assert error is mine or type(error) is mine, repr(error)
            assert not connection._link.is_open
            assert ask(connection, "SELECT 7") == ((7,),)


def a_killed_greenlet_leaves_no_answer(library, port):
    connection = connect(port)
    running = library.spawn(ask, connection, "SELECT 'old', SLEEP(0.2)")
    library.sleep(0.05)
    library.kill(running)
    assert not connection._link.is_open
    library.sleep(0.3)
    assert ask(connection, "SELECT 'new'") == (("new",),)


def a_killed_transaction_is_lost_once(library, port):
    import forebay

    connection = connect(port, autocommit=False)
    ask(connection, "SELECT 1")
    try:
        with library.Timeout(0.05):
            ask(connection, "SELECT SLEEP(1)")
    except library.Timeout:
        pass
    try:
        ask(connection, "SELECT 2")
        raise AssertionError("it goes on without its transaction")
    except forebay.OperationalError as error:
        assert error.args[0] == 2013, error
    connection.rollback()
    assert ask(connection, "SELECT 3") == ((3,),)
    connection.close()


def two_greenlets_do_not_share_a_connection(library, port):
    import forebay

    connection = connect(port)
    running = library.spawn(ask, connection, "SELECT 'first', SLEEP(0.3)")
    library.sleep(0.1)
    try:
        ask(connection, "SELECT 'second'")
        raise AssertionError("it is shared")
    except forebay.InterfaceError as error:
        assert "greenlet" in str(error)
    library.join([running], 10)
    assert ask(connection, "SELECT 'third'") == (("third",),)


def every_answer_is_its_own(library, port):
    """Many greenlets, random time-outs, kills, pools and connections."""
    # Statements that were cut off keep the shard busy for a while: nobody is refused for
    # want of time.
    patient = {"read_timeout": 20}
    pool = make_pool(port, max_connections=8, wait_timeout=20, **patient)
    ending = time.monotonic() + SOAK_SECONDS
    counts = {"answers": 0, "timeouts": 0}

    def exchange(connection, chooser):
        token = chooser.random()
        pause = chooser.choice((0, 0, 0, 0.001, 0.01, 0.03))
        limit = chooser.choice((0.0005, 0.002, 0.01, 0.02, 1, 1))
        try:
            with library.Timeout(limit):
                if pause:
                    rows = ask(connection, "SELECT %s, SLEEP(%s)", (token, pause))
                else:
                    size = chooser.choice((1, 200_000))
                    rows = ask(connection, "SELECT %s, REPEAT('x', %s)", (token, size))
        except library.Timeout:
            counts["timeouts"] += 1
        else:
            assert rows[0][0] == token, "another's answer"
            counts["answers"] += 1

    def of_a_pool(seed):
        chooser = random.Random(seed)
        while time.monotonic() < ending:
            with pool.connection() as connection:
                for _ in range(chooser.randrange(1, 4)):
                    exchange(connection, chooser)

    def with_its_own(seed):
        chooser = random.Random(seed)
        with connect(port, **patient) as connection:
            while time.monotonic() < ending:
                exchange(connection, chooser)

    workers = [library.spawn(of_a_pool, seed) for seed in range(24)]
    workers += [library.spawn(with_its_own, seed) for seed in range(100, 108)]

    # Others come and are killed at any moment: connecting, waiting, calling.
    killed = random.Random(1)
    while time.monotonic() < ending:
        victim = library.spawn(of_a_pool, killed.random())
        library.sleep(killed.random() / 20)
        library.kill(victim)
    library.join(workers, 60)
    assert counts["answers"] > 50 and counts["timeouts"] > 10, counts
    # No place was lost: all can be had at once.
    held = [pool.acquire(5) for _ in range(8)]
    for connection in held:
        assert ask(connection, "SELECT 1") == ((1,),)
        pool.release(connection)
    print(counts)


def a_pool_is_bounded_and_fair(library, port):
    pool = make_pool(port, max_connections=2, wait_timeout=20)
    lent, most, order = set(), [0], []

    def work(number):
        with pool.connection() as connection:
            order.append(number)
            assert connection not in lent
            lent.add(connection)
            most[0] = max(most[0], len(lent))
            ask(connection, "SELECT SLEEP(0.02)")
            lent.discard(connection)

    workers = [library.spawn(work, number) for number in range(20)]
    library.join(workers, 30)
    # The first two connect at the same time; all others have waited.
    assert most == [2] and order[2:] == list(range(2, 20)), (most, order)


def a_killed_waiter_does_not_lose_a_place(library, port):
    import forebay

    pool = make_pool(port, max_connections=1, wait_timeout=10)

    def wait():
        with pool.connection() as connection:
            return ask(connection, "SELECT 1")

    for round in range(30):
        first = pool.acquire()
        waiting = [library.spawn(wait) for _ in range(3)]
        library.sleep(0.002)
        if round % 2:
            # It is handed the connection, and killed before it runs.
            pool.release(first)
            library.kill(waiting[0])
        else:
            library.kill(waiting[0])
            pool.release(first)
        library.join(waiting[1:], 10)
    assert "1/1 connections, 0 lent, 0 waiters" in repr(pool), pool
    with pool.connection():
        try:
            with library.Timeout(5):
                pool.acquire(0.1)
            raise AssertionError("there is one too many")
        except forebay.OperationalError as error:
            assert error.args[0] == 1040


def a_killed_borrower_gives_its_connection_back(library, port):
    pool = make_pool(port, max_connections=1, wait_timeout=10)

    def hold():
        with pool.connection() as connection:
            ask(connection, "SELECT SLEEP(5)")

    holding = library.spawn(hold)
    library.sleep(0.1)
    library.kill(holding)
    with pool.connection() as connection:
        assert ask(connection, "SELECT 1") == ((1,),)


def multi_runs_beside_others(library, port):
    import forebay

    pool = make_pool(port, max_connections=4, wait_timeout=20)
    forebay.set_default_pool(pool)

    def gather(number):
        items = [("test", "SELECT %s, SLEEP(0.05)", (number * 10 + item,)) for item in range(3)]
        outcomes = forebay.multi(items, timeout=20)
        values = [outcome.get()[0][0] for outcome in outcomes]
        assert values == [number * 10 + item for item in range(3)]

    library.join([library.spawn(gather, number) for number in range(8)], 60)
    assert "0 lent" in repr(pool)


if __name__ == "__main__":
    made = {"gevent": Gevent, "eventlet": Eventlet}[sys.argv[1]]()
    globals()[sys.argv[2]](made, int(sys.argv[3]))
    print("done")
