"""Several services on one database: one that ends, is killed or stopped under load is
left for another, and every write's outcome is true."""

from __future__ import annotations

import collections
import contextlib
import itertools
import os
import signal
import socket
import threading
import time

import pymysql
import pytest

import forebay
from forebay import _site
from forebay._site import Site
from service import free_port

table_numbers = itertools.count(1)


@pytest.fixture
def table(mysql_port):
    """An empty table, and a function that gives what it holds."""
    name = f"failover{os.getpid()}_{next(table_numbers)}"
    arguments = dict(host="127.0.0.1", port=mysql_port, user="root", database="test")
    with pymysql.connect(**arguments, ssl_disabled=True, autocommit=True) as connection:
        cursor = connection.cursor()
        cursor.execute(f"CREATE TABLE {name} (id INT)")

        def rows():
            cursor.execute(f"SELECT id FROM {name}")
            return [row[0] for row in cursor.fetchall()]

        yield name, rows
        cursor.execute(f"DROP TABLE {name}")


def hosts(*places):
    return ",".join(f"127.0.0.1:{getattr(place, 'port', place)}" for place in places)


def connect(*places, **arguments):
    arguments = {"database": "test", "autocommit": True} | arguments
    return forebay.connect(host=hosts(*places), **arguments)


def ask(connection, sql="SELECT 1", args=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, args)
        return cursor.fetchall() if cursor.description else ()


def test_an_address_that_refuses_is_left_at_once(services):
    running = services()
    for _ in range(8):
        begun = time.monotonic()
        with connect(free_port(), running, free_port()) as connection:
            assert ask(connection) == ((1,),)
        assert time.monotonic() - begun < 5


def test_all_addresses_that_are_down_are_named():
    ports = [free_port(), free_port()]
    with pytest.raises(forebay.OperationalError) as raised:
        connect(*ports)
    assert raised.value.args[0] == 2003
    for port in ports:
        assert f"127.0.0.1:{port}: [Errno 111] Connection refused" in str(raised.value)


def test_a_name_that_does_not_resolve_is_named():
    with pytest.raises(forebay.OperationalError, match="nowhere.invalid:9090") as raised:
        forebay.connect(host="nowhere.invalid", connect_timeout=5)
    assert raised.value.args[0] == 2003


def test_a_slow_resolver_is_waited_for_no_longer_than_connect_timeout(monkeypatch):
    def never(*_):
        time.sleep(10)
        raise socket.gaierror("too late")

    monkeypatch.setattr(socket, "getaddrinfo", never)
    begun = time.monotonic()
    with pytest.raises(forebay.OperationalError, match="was not resolved within") as raised:
        forebay.connect(host="slow.invalid", connect_timeout=0.3)
    assert raised.value.args[0] == 2003 and time.monotonic() - begun < 5


def test_one_site_serves_the_process():
    first = Site.of("10.0.0.1:9091, 10.0.0.2", 9090)
    assert first is Site.of([("10.0.0.1", 9091), "10.0.0.2:9090"])
    assert first is not Site.of("10.0.0.1:9091")
    assert str(first) == "10.0.0.1:9091, 10.0.0.2:9090"
    assert str(Site.of("[::1]:9091,::1")) == "[::1]:9091, [::1]:9090"


@pytest.mark.parametrize(
    "text", ["", "a:b", "a:0", "a:65536", "[::1", "a,,b", ":9090", "[::1]9090"]
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ValueError, match="address|port"):
        Site.of(text)


def test_a_failed_address_is_avoided_for_a_while_and_taken_again():
    site = Site([_site.Address("10.0.0.1", 1), _site.Address("10.0.0.2", 1)])
    bad, good = site.addresses
    assert {site.order()[0] for _ in range(100)} == {bad, good}
    site.failed(bad)
    assert {site.order()[0] for _ in range(100)} == {good}
    # All are tried in the end, those first that have been left alone for longest.
    site.failed(good)
    assert site.order() == [bad, good]
    pauses = []
    for _ in range(6):
        pauses.append(round(bad.avoid_until - time.monotonic(), 1))
        # The pause is over, and it fails again; others find out at the same time.
        bad.avoid_until = 0
        for _ in range(10):
            site.failed(bad)
    assert pauses == sorted(pauses) and pauses[0] > 1 and pauses[-1] <= 16
    site.answered(bad)
    assert site.order() == [bad, good] and bad.failures == 0


def test_an_address_that_comes_back_is_used_again(services, monkeypatch):
    monkeypatch.setattr(_site, "AVOID_SECONDS", 0.2)
    monkeypatch.setattr(_site, "AVOID_MAX_SECONDS", 0.2)
    later, running = free_port(), services()

    def used():
        with connect(later, running) as connection:
            return connection._link.address.endswith(str(later))

    assert not any(used() for _ in range(5))
    relay = Relay(later, running.port)
    try:
        deadline = time.monotonic() + 20
        while not used():
            assert time.monotonic() < deadline, "the address is never tried again"
            time.sleep(0.05)
    finally:
        relay.close()


class Relay:
    """Listens on a port, and passes on what comes to another."""

    def __init__(self, port, to):
        self._to = to
        self._listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                inner, _ = self._listener.accept()
                outer = socket.create_connection(("127.0.0.1", self._to))
                for source, sink in ((inner, outer), (outer, inner)):
                    threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class Load:
    """Threads that write rows of their own, and read; what came of each write."""

    def __init__(self, table, places, threads=6, **arguments):
        self.table = table
        self.acknowledged = []
        self.unknown = []
        self.refused = []
        self.read_errors = []
        self.others = []
        self._numbers = itertools.count(1)
        self._stopping = threading.Event()
        self._arguments = (places, arguments)
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        for thread in self._threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self._threads), "a thread hangs"

    def _run(self):
        places, arguments = self._arguments
        try:
            with connect(*places, **arguments) as connection:
                while not self._stopping.is_set():
                    self._write(connection, next(self._numbers))
                    self._read(connection)
        except BaseException as error:
            self.others.append(error)

    def _write(self, connection, number):
        try:
            ask(connection, f"INSERT INTO {self.table} VALUES (%s)", (number,))
            self.acknowledged.append(number)
        except forebay.OperationalError as error:
            unknown = error.outcome == "UNKNOWN"
            (self.unknown if unknown else self.refused).append((number, error))

    def _read(self, connection):
        try:
            assert ask(connection, "SELECT %s", ("x",)) == (("x",),)
        except forebay.OperationalError as error:
            self.read_errors.append(error)

    def wait_for_writes(self, count, seconds=30):
        aim = len(self.acknowledged) + count
        deadline = time.monotonic() + seconds
        while len(self.acknowledged) < aim:
            assert time.monotonic() < deadline, f"no {count} writes within {seconds} s"
            time.sleep(0.01)

    def check(self, rows):
        """Every acknowledged write is there once, every refused one is not, and one of
        unknown outcome at most once."""
        assert not self.others, self.others
        counts = collections.Counter(rows)
        assert not [number for number, count in counts.items() if count > 1], "a write is doubled"
        assert set(self.acknowledged) <= set(counts), "an acknowledged write is lost"
        assert not {number for number, _ in self.refused} & set(counts)
        unexplained = set(counts) - set(self.acknowledged) - {number for number, _ in self.unknown}
        assert not unexplained


def test_a_service_that_ends_under_load_causes_no_error(services, table):
    name, rows = table
    first, second = services(), services()
    with Load(name, (first, second)) as load:
        load.wait_for_writes(50)
        assert first.stop() == 0
        load.wait_for_writes(50)
    load.check(rows())
    assert not load.refused and not load.unknown and not load.read_errors


def test_a_rolling_restart_under_load_causes_no_error(services, table, monkeypatch):
    monkeypatch.setattr(_site, "AVOID_SECONDS", 0.1)
    monkeypatch.setattr(_site, "AVOID_MAX_SECONDS", 0.1)
    name, rows = table
    places = [services(), services(), services()]
    with Load(name, places) as load:
        for ending in places[:2]:
            load.wait_for_writes(30)
            assert ending.stop() == 0
        load.wait_for_writes(30)
    load.check(rows())
    assert not load.refused and not load.unknown and not load.read_errors


def test_a_service_that_is_killed_under_load_leaves_true_outcomes(services, table):
    name, rows = table
    first, second = services(), services()
    with Load(name, (first, second), threads=8) as load:
        load.wait_for_writes(50)
        first.process.kill()
        first.process.wait()
        load.wait_for_writes(50)
    load.check(rows())
    # Reads were sent again; of each session that was lost one write is in doubt at most.
    assert not load.read_errors and not load.refused and len(load.unknown) <= 8


def test_a_service_that_is_stopped_is_left_after_its_bound(services, table):
    name, rows = table
    first, second = services(), services()
    with Load(name, (first, second), threads=4, read_timeout=1, connect_timeout=2) as load:
        load.wait_for_writes(20)
        first.process.send_signal(signal.SIGSTOP)
        load.wait_for_writes(20)
        # What was under way there has to come to its end before it goes on.
        time.sleep(2.5)
        load.wait_for_writes(20)
        first.process.send_signal(signal.SIGCONT)
        time.sleep(1)
    # What was sent to the one that was stopped may be done when it goes on.
    load.check(rows())
    assert len(load.unknown) <= 4 and not load.refused


def test_connecting_to_a_stopped_service_ends_in_time(services):
    """The kernel takes the connection for it; what it has to say does not come."""
    stopped = services()
    stopped.process.send_signal(signal.SIGSTOP)
    begun = time.monotonic()
    with pytest.raises(forebay.OperationalError) as raised:
        connect(stopped, connect_timeout=0.5)
    assert raised.value.args[0] == 2003 and 0.4 < time.monotonic() - begun < 3
    running = services()
    for _ in range(4):
        with connect(stopped, running, connect_timeout=2) as connection:
            assert ask(connection) == ((1,),)


def test_a_call_on_a_stopped_service_ends_in_time(services):
    stopped = services()
    with connect(stopped, read_timeout=0.5) as connection:
        stopped.process.send_signal(signal.SIGSTOP)
        for sql in ("SELECT 1", "DO 1"):
            begun = time.monotonic()
            with pytest.raises(forebay.OperationalError) as raised:
                ask(connection, sql)
            assert raised.value.args[0] in (2013, 2003) and time.monotonic() - begun < 5


def test_a_write_on_an_idle_session_that_the_service_closed_is_carried_out(services, table):
    name, rows = table
    service = services(session_idle_timeout_ms=1000)
    with connect(service) as connection:
        ask(connection)
        session = connection._link.session
        time.sleep(1.5)
        ask(connection, f"INSERT INTO {name} VALUES (1)")
        assert connection._link.session > session
    assert rows() == [1]


def test_an_open_transaction_is_let_end_by_a_service_that_stops(services, table):
    name, rows = table
    first, second = services(), services()
    with connect(first, second, autocommit=False) as connection:
        ask(connection, f"INSERT INTO {name} VALUES (1)")
        at = connection._link.address
        leaving = first if at.endswith(str(first.port)) else second
        leaving.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        ask(connection, f"INSERT INTO {name} VALUES (2)")
        connection.commit()
        # The next one goes to the other.
        ask(connection, f"INSERT INTO {name} VALUES (3)")
        assert connection._link.address != at
        connection.commit()
    assert sorted(rows()) == [1, 2, 3]


def test_a_transaction_on_a_killed_service_is_lost_once(services, table):
    name, rows = table
    first, second = services(), services()
    with connect(first, second, autocommit=False) as connection:
        ask(connection, f"INSERT INTO {name} VALUES (1)")
        killed = first if connection._link.address.endswith(str(first.port)) else second
        killed.process.kill()
        killed.process.wait()
        with pytest.raises(forebay.OperationalError) as raised:
            ask(connection, f"INSERT INTO {name} VALUES (2)")
        assert raised.value.args[0] == 2013
        connection.rollback()
        ask(connection, f"INSERT INTO {name} VALUES (3)")
        connection.commit()
    assert rows() == [3]
