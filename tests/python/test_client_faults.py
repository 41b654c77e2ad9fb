"""Clients that read slowly or not at all, that send half a message, or too many:
others are served all the while, and nothing of them is left behind."""

import contextlib
import pathlib
import socket
import struct
import threading
import time

import pytest

from asking import query_request
from columns import only
from errors import assert_error, caught
from forebay_thrift.ttypes import ErrorCode, Retry
from messages import RawSession, call, frame
from processes import wait_for
from threads import run_in_threads
from wires import Session

MESSAGE_TIMEOUT_S = 1.0
WRITE_TIMEOUT_S = 4.0
LARGE_BYTES = 7_000_000
LARGE = f"SELECT REPEAT('x', {LARGE_BYTES})"
REQUEST_MEMORY_BYTES = 4_000_000


@pytest.fixture(scope="module")
def strict(mysql_url, start_service):
    """A service with short times, small memories and two connections."""
    return start_service(
        f'[shards.users]\nurl = "{mysql_url}"\npool_max_connections = 2\ntransactions_max = 1\n',
        message_timeout_ms=int(MESSAGE_TIMEOUT_S * 1000),
        write_timeout_ms=int(WRITE_TIMEOUT_S * 1000),
        request_max_bytes=2_000_000,
        request_memory_max_bytes=REQUEST_MEMORY_BYTES,
        result_max_bytes=8_000_000,
        # One large result at a time: each is there twice.
        result_memory_max_bytes=16_000_000,
    )


def threads_of(service):
    return len(list(pathlib.Path(f"/proc/{service.process.pid}/task").iterdir()))


def sessions_of(service):
    """Connections that the service's end has not closed."""
    established, close_wait = "01", "08"
    ends = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    own = [end for end in ends if int(end[1].split(":")[1], 16) == service.port]
    return sum(end[3] in (established, close_wait) for end in own)


def resident_bytes(service):
    pages = pathlib.Path(f"/proc/{service.process.pid}/statm").read_text().split()[1]
    return int(pages) * 4096


class Others:
    """Somebody else's session, which must be answered all the while."""

    def __init__(self, service):
        self.stopped = threading.Event()
        self.failures = []
        self.answers = 0
        self.service = service
        self.thread = threading.Thread(target=self.ask, daemon=True)

    def ask(self):
        try:
            with Session(self.service.port) as session:
                while not self.stopped.is_set():
                    word = f"word {self.answers}"
                    if only(session.run_query("users", "SELECT ?", [word], timeout_ms=10_000).rows) != word:
                        self.failures.append(word)
                    self.answers += 1
        except Exception as error:  # noqa: BLE001: whatever it is, the test tells
            self.failures.append(error)


@contextlib.contextmanager
def others_are_served(service):
    """Meanwhile others are answered, and afterwards nothing is left behind."""
    with Session(service.port) as warm:
        for _ in range(3):
            warm.run_query("users", "SELECT 1")
    wait_for(lambda: sessions_of(service) == 0, "a quiet beginning", 15)
    threads = threads_of(service)
    others = Others(service)
    others.thread.start()
    try:
        yield others
    finally:
        others.stopped.set()
        others.thread.join(30)
    assert not others.failures
    assert others.answers > 0
    wait_for(lambda: sessions_of(service) == 0, "its sessions to be closed", 15)
    # Those that the workers' limits leave to be started yet.
    assert threads_of(service) <= threads + 12


def deaf_socket(service):
    """A socket that holds little of what it does not read."""
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.settimeout(20)
    deaf.connect(("127.0.0.1", service.port))
    return deaf


def ask_for(sql, sequence_id=1, **options):
    return frame(call("binary", "query", query_request("users", sql, **options), sequence_id))


def is_closed(raw):
    """Whether the service has closed it; what it still sends is read and forgotten."""
    raw.settimeout(0.01)
    try:
        while raw.recv(1 << 20):
            pass
        return True
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def connections_at_once(service):
    """The connections that two requests at the same time get."""
    seen = set()

    def ask():
        with Session(service.port) as session:
            rows = session.run_query("users", "SELECT CONNECTION_ID(), SLEEP(0.2)", timeout_ms=10_000).rows
            seen.add(rows.columns[0].int64s[0])

    run_in_threads([ask, ask])
    return seen


def test_client_that_stops_reading(strict):
    with others_are_served(strict), deaf_socket(strict) as deaf:
        deaf.sendall(ask_for(LARGE, timeout_ms=20_000))
        # The beginning of the reply is there, and no more than that is read.
        assert deaf.recv(1, socket.MSG_PEEK)
        with Session(strict.port) as session:
            # What its reply takes of the memory of all results is taken.
            def is_refused():
                try:
                    session.run_query("users", LARGE, timeout_ms=20_000)
                except Exception as error:  # noqa: BLE001: looked at below
                    assert_error(error, ErrorCode.RESULT_TOO_LARGE, "result_memory_max_bytes")
                    return True
                return False

            assert is_refused()
            # But not one of the two connections: both are to be had at once.
            assert len(connections_at_once(strict)) == 2
            # The memory is given back, though nobody has read.
            wait_for(lambda: not is_refused(), "the reply to be given up", 15)
        assert is_closed(deaf)


def test_client_that_reads_slowly(strict):
    with others_are_served(strict), deaf_socket(strict) as slow:
        slow.sendall(ask_for(LARGE, timeout_ms=20_000))
        received = 0
        began = time.monotonic()
        # At this rate all of it would take minutes.
        with contextlib.suppress(ConnectionError):
            while data := slow.recv(1000):
                received += len(data)
                time.sleep(0.02)
                assert time.monotonic() - began < 60
                if time.monotonic() - began > WRITE_TIMEOUT_S + 0.5:
                    # What is on its way by now is all that will come.
                    slow.settimeout(5)
                    while data := slow.recv(1 << 20):
                        received += len(data)
                    break
        assert 0 < received < LARGE_BYTES


def test_half_a_message_and_then_silence(strict):
    with others_are_served(strict), RawSession(strict.port) as raw:
        began = time.monotonic()
        raw.send(ask_for("SELECT '" + "x" * 10_000 + "'")[:5_000])
        assert raw.receive_until_close() == b""
        assert time.monotonic() - began >= MESSAGE_TIMEOUT_S * 0.9


def test_message_that_trickles(strict):
    with others_are_served(strict), RawSession(strict.port) as raw:
        message = ask_for("SELECT '" + "x" * 10_000 + "'")
        began = time.monotonic()
        closed = False
        for byte in struct.iter_unpack("c", message):
            raw.send(byte[0])
            if closed := is_closed(raw.socket):
                break
        assert closed
        assert time.monotonic() - began >= MESSAGE_TIMEOUT_S * 0.9


def test_hundreds_of_half_messages(strict):
    message = ask_for("SELECT '" + "x" * 200_000 + "'")
    before = resident_bytes(strict)
    with others_are_served(strict), contextlib.ExitStack() as stack:
        clients = [stack.enter_context(RawSession(strict.port)) for _ in range(500)]
        for client in clients:
            # 50 MB in all, of which a twelfth may be in memory.
            client.send(message[:100_000])
        grown = resident_bytes(strict) - before
        assert grown < 40_000_000, f"{grown} bytes more"
        answers = [client.receive_until_close() for client in clients]
        # Those that were over the limit were told so, and the others waited in vain.
        refused = [answer for answer in answers if b"request_memory_max_bytes" in answer]
        assert len(refused) > 400
        assert sum(answer == b"" for answer in answers) > 5


def test_requests_over_the_memory_of_all_are_told_so(strict):
    """By a whole client, which then goes on."""
    text = "x" * 1_900_000
    with others_are_served(strict), RawSession(strict.port) as holder:
        holder.send(ask_for("SELECT '" + text + "'")[:-10])
        # A buffer grows by doubling: one of them leaves no room for another.
        time.sleep(0.3)
        with Session(strict.port) as session:
            error = caught(session.run_query, "users", "SELECT ?", [text], timeout_ms=10_000)
            assert_error(error, ErrorCode.REQUEST_TOO_LARGE, f"request_memory_max_bytes of {REQUEST_MEMORY_BYTES}")
            assert error.retry_hint == Retry.AFTER_PAUSE
            assert (error.limit, error.seen > error.limit) == (REQUEST_MEMORY_BYTES, True)
        assert holder.receive_until_close() == b""
        with Session(strict.port) as session:
            assert only(session.run_query("users", "SELECT ?", [text], timeout_ms=10_000).rows) == text


def test_client_that_floods_without_reading(strict):
    before = resident_bytes(strict)
    with others_are_served(strict), deaf_socket(strict) as flood:
        flood.settimeout(0.5)
        sent = 0
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            for number in range(1, 1 << 20):
                try:
                    flood.sendall(ask_for("SELECT REPEAT('y', 100000)", number))
                    sent += 1
                except TimeoutError:
                    # No more is taken: the service does not read on.
                    break
                assert time.monotonic() - began < 60, "all of it was read"
        assert sent > 10
        assert resident_bytes(strict) - before < 60_000_000
        # The other one is that of who is served. Who reads again goes on.
        wait_for(lambda: sessions_of(strict) <= 1, "the session to be closed", 15)


def test_session_that_says_nothing(mysql_url, start_service):
    service = start_service(f'[shards.users]\nurl = "{mysql_url}"\n', session_idle_timeout_ms=1000)
    with others_are_served(service), contextlib.ExitStack() as stack:
        silent = [stack.enter_context(RawSession(service.port)) for _ in range(50)]
        asked = stack.enter_context(Session(service.port))
        # A request that runs for longer is not silence.
        assert only(asked.run_query("users", "SELECT SLEEP(1.5)", timeout_ms=10_000).rows) == 0
        for raw in silent:
            assert raw.receive_until_close() == b""


def test_peer_with_too_many_sessions(mysql_url, start_service):
    service = start_service(f'[shards.users]\nurl = "{mysql_url}"\n', sessions_per_peer_max=20)
    wait_for(lambda: sessions_of(service) == 0, "a quiet beginning")
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(Session(service.port)) for _ in range(20)]
        for session in taken:
            assert only(session.run_query("users", "SELECT 1").rows) == 1
        for _ in range(30):
            with RawSession(service.port) as refused:
                assert refused.receive_until_close() == b""
        # Another peer: all on this machine who use the Unix socket.
        with Session(socket_path=str(service.socket_path)) as other:
            assert only(other.run_query("users", "SELECT 2").rows) == 2
    # One line for the flood, and not one for each.
    assert 1 <= service.log().count("sessions_per_peer_max") <= 10
    wait_for(lambda: can_ask(service), "a place to be free", 10)


def can_ask(service):
    try:
        with Session(service.port) as session:
            return only(session.run_query("users", "SELECT 1").rows) == 1
    except Exception:  # noqa: BLE001: not yet
        return False
