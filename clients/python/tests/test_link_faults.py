"""What a link does with a service that stops, cuts, trickles or lies: every wait ends
within its bound, and nothing is sent twice that may have been carried out."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time

import pytest
import stubs

from forebay import err
from forebay import _replies as replies
from forebay import _requests as requests
from forebay._call import Call
from forebay._link import Link
from forebay._site import Site


def ping(**fields):
    return Call(b"ping", requests.ping(b"", requests.options()), replies.read_done, **fields)


@pytest.fixture
def stub():
    """A function that starts a stub by how it serves."""
    with contextlib.ExitStack() as ended:

        def start(serve=stubs.answer):
            started = stubs.Stub(serve)
            ended.callback(started.close)
            return started

        yield start


def link_to(*stubs_or_ports, **fields):
    ports = [getattr(one, "port", one) for one in stubs_or_ports]
    return Link(Site.of([("127.0.0.1", port) for port in ports]), **fields)


@contextlib.contextmanager
def within(least, most):
    """Not a measure of speed: the bound is kept, or the test fails at once."""
    begun = time.monotonic()
    yield
    took = time.monotonic() - begun
    assert least <= took <= most, f"it took {took:.2f} s"


def test_a_session_is_opened_once_and_numbered(stub):
    link = link_to(server := stub())
    assert not link.is_open and link.session == 0
    link.connect()
    first = link.session
    assert first > 0
    for _ in range(3):
        assert link.call(ping()) is None
    assert link.session == first and len(server.connections) == 1
    link.close()
    assert not link.is_open
    link.call(ping())
    assert link.session > first and len(server.connections) == 2


@pytest.mark.parametrize("serve", [stubs.be_silent, stubs.trickle_all], ids=["silent", "trickling"])
def test_connect_timeout_covers_what_the_service_says_first(stub, serve):
    link = link_to(stub(serve), connect_timeout=0.6)
    with within(0.5, 3), pytest.raises(err.OperationalError) as raised:
        link.connect()
    assert raised.value.args[0] == 2003 and "timed out" in str(raised.value)
    assert raised.value.outcome == "NOT_APPLIED" and not link.is_open


def test_connect_timeout_covers_a_host_that_does_not_answer():
    """Its queue of connections is full: what comes next is not answered."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        with contextlib.ExitStack() as waiting:
            for _ in range(4):
                one = waiting.enter_context(socket.socket())
                one.setblocking(False)
                one.connect_ex(("127.0.0.1", port))
            with within(0.3, 3), pytest.raises(err.OperationalError, match="timed out"):
                link_to(port, connect_timeout=0.4).connect()


@pytest.mark.parametrize("serve", [stubs.be_silent, stubs.trickle], ids=["silent", "trickling"])
def test_a_call_ends_at_its_deadline(stub, serve):
    def serve_after_info(server, connection):
        if serve is stubs.be_silent:
            server.next_call(connection)
        serve(server, connection)

    link = link_to(server := stub(serve_after_info))
    link.connect()
    with within(0.4, 3), pytest.raises(err.OperationalError) as raised:
        link.call(ping(timeout=0.5))
    assert raised.value.args[0] == 2013 and raised.value.outcome == "UNKNOWN"
    # Its answer, whenever it comes, is nobody's.
    assert not link.is_open and server.calls.count(b"ping") == 1


def test_a_part_of_a_reply_does_not_begin_the_wait_anew(stub):
    def begin_late(server, connection):
        call = server.next_call(connection)
        time.sleep(1.8)
        connection.sendall(stubs.message(call[0], call[1], stubs.PING_BODY)[:7])
        server.wait_for_end()

    link = link_to(stub(begin_late))
    link.connect()
    with within(1.9, 3.2), pytest.raises(err.OperationalError, match="2013"):
        link.call(ping(timeout=2))


def test_an_address_that_hung_has_to_say_something_first(stub):
    """It takes connections while it hangs: the next calls are not to wait for it."""
    hangs = threading.Event()

    def hang(server, connection):
        while (call := server.next_call(connection)) is not None:
            if hangs.is_set():
                server.wait_for_end()
            connection.sendall(stubs.message(call[0], call[1], stubs.PING_BODY))

    server = stub(hang)
    link = link_to(server, connect_timeout=0.5)
    link.call(ping())
    hangs.set()
    with pytest.raises(err.OperationalError, match="2013"):
        link.call(ping(timeout=0.3))
    hangs.clear()
    link.call(ping())
    assert server.calls == [b"info", b"ping", b"ping", b"info", b"ping"]


def test_without_a_timeout_the_bound_is_the_services_own(stub):
    def say_nothing(server, connection):
        server.next_call(connection)
        server.wait_for_end()

    link = link_to(stub(say_nothing))
    # 1,000 ms at most, 250 ms of grace, and 250 ms.
    with within(1.4, 5), pytest.raises(err.OperationalError, match="2013"):
        link.call(ping())


def test_signals_do_not_make_a_wait_longer(stub):
    """A wait that began anew after every signal would never end beside a timer."""
    import signal

    def say_nothing(server, connection):
        server.next_call(connection)
        server.wait_for_end()

    link = link_to(stub(say_nothing))
    link.connect()
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    try:
        with within(0.4, 3), pytest.raises(err.OperationalError, match="2013"):
            link.call(ping(timeout=0.5))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def cut_each(when):
    """A stub that cuts every session at its first call, and the calls that came."""

    def serve(server, connection):
        call = server.next_call(connection)
        if call is None:
            return
        if when == "mid-reply":
            connection.sendall(stubs.message(call[0], call[1], stubs.PING_BODY)[:-2])
        if when == "closed":
            connection.shutdown(socket.SHUT_RDWR)
        else:
            stubs.reset(connection)

    return serve


@pytest.mark.parametrize("when", ["reset", "mid-reply", "closed"])
def test_what_may_have_been_carried_out_is_not_sent_again(stub, when):
    link = link_to(server := stub(cut_each(when)))
    with pytest.raises(err.OperationalError) as raised:
        link.call(ping())
    assert raised.value.args[0] == 2013 and raised.value.outcome == "UNKNOWN"
    assert server.calls.count(b"ping") == 1 and not link.is_open


@pytest.mark.parametrize("when", ["reset", "mid-reply", "closed"])
def test_a_read_is_sent_again_a_few_times(stub, when):
    link = link_to(server := stub(cut_each(when)))
    with pytest.raises(err.OperationalError) as raised:
        link.call(ping(resend=True))
    assert raised.value.args[0] == 2013 and raised.value.outcome == "NOT_APPLIED"
    assert server.calls.count(b"ping") == 3


def test_a_read_that_is_cut_once_is_answered(stub):
    def cut_the_first(server, connection):
        call = server.next_call(connection)
        if server.calls.count(b"ping") == 1:
            return stubs.reset(connection)
        connection.sendall(stubs.message(call[0], call[1], stubs.PING_BODY))

    link = link_to(server := stub(cut_the_first))
    assert link.call(ping(resend=True)) is None
    assert server.calls.count(b"ping") == 2


def test_what_crossed_with_the_sessions_end_is_sent_again(stub):
    """The service closes an idle session just when a request goes out: the end was
    sent before the request came, which therefore was not run."""
    held = threading.Event()

    def serve(server, connection):
        stubs.answer(server, connection)

    link = link_to(server := stub(serve))
    link.connect()
    # What the kernel does with a request that meets a closed socket, made to happen:
    # the session is closed between the look at it and the sending.
    first = server.connections[0]
    stream = link._stream
    send = stream.send

    def close_and_send(data, flags):
        stream.send = send
        # Both directions, and the descriptor: what comes from now on is refused.
        first.shutdown(socket.SHUT_RDWR)
        first.close()
        return send(data, flags)

    stream.send = close_and_send
    held.set()
    assert link.call(ping()) is None
    assert server.calls.count(b"ping") == 1 and len(server.connections) == 2


def test_an_idle_session_that_was_closed_costs_nothing(stub):
    link = link_to(server := stub())
    link.call(ping())
    server.connections[0].shutdown(socket.SHUT_RDWR)
    time.sleep(0.15)
    assert link.call(ping()) is None
    assert server.calls.count(b"ping") == 2


def test_what_nobody_asked_for_is_not_taken_for_an_answer(stub):
    link = link_to(server := stub())
    link.call(ping())
    server.connections[0].sendall(stubs.message(b"ping", 3, stubs.PING_BODY))
    time.sleep(0.15)
    link.call(ping())
    assert len(server.connections) == 2


def test_a_transaction_does_not_go_on_in_another_session(stub):
    link = link_to(server := stub())
    link.connect()
    session = link.session
    link.call(ping(session=session))
    server.connections[0].shutdown(socket.SHUT_RDWR)
    time.sleep(0.15)
    with pytest.raises(err.OperationalError, match="transaction") as raised:
        link.call(ping(session=session, resend=True))
    assert raised.value.args[0] == 2013 and raised.value.outcome == "NOT_APPLIED"
    with pytest.raises(err.OperationalError, match="transaction"):
        link.call(ping(session=session))
    assert server.calls.count(b"ping") == 1
    assert link.call(ping()) is None


@pytest.mark.parametrize("reply", stubs.replies_that_are_none(2))
def test_a_reply_that_is_none_closes_the_session(stub, reply):
    def lie(server, connection):
        server.next_call(connection)
        connection.sendall(reply)
        server.wait_for_end()

    link = link_to(server := stub(lie))
    with within(0, 5), pytest.raises(err.InternalError, match="[Mm]alformed"):
        link.call(ping(timeout=3, resend=True))
    assert not link.is_open and server.calls.count(b"ping") == 1


def test_an_announced_length_takes_no_memory(stub):
    """Half a gigabyte is announced, within the limit that the service tells."""
    import tracemalloc

    def announce(server, connection):
        call = stubs.read_call(connection)
        limits = stubs.LIMITS | {2: 600_000_000}
        connection.sendall(stubs.message(b"info", call[1], stubs.limits_body(limits)))
        server.next_call(connection)
        connection.sendall(struct.pack(">i", 500_000_000) + b"x" * 10_000)
        server.wait_for_end()

    link = link_to(stub(announce))
    link.connect()
    tracemalloc.start()
    try:
        with pytest.raises(err.OperationalError, match="2013"):
            link.call(ping(timeout=0.3))
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_a_reply_in_pieces_is_put_together(stub):
    def piecewise(server, connection):
        while (call := server.next_call(connection)) is not None:
            reply = stubs.message(call[0], call[1], stubs.PING_BODY)
            for start in range(0, len(reply), 3):
                connection.sendall(reply[start : start + 3])
                time.sleep(0.005)

    link = link_to(stub(piecewise))
    for _ in range(3):
        assert link.call(ping()) is None


def test_a_request_that_is_too_large_is_not_sent(stub):
    link = link_to(server := stub())
    link.connect()
    session = link.session
    with pytest.raises(err.OperationalError) as raised:
        link.call(Call(b"ping", b"x" * 2_000_000, replies.read_done))
    assert raised.value.args[0] == 1153 and raised.value.code == "REQUEST_TOO_LARGE"
    assert link.session == session and b"ping" not in server.calls


def test_two_threads_do_not_mix_their_answers(stub):
    answered = threading.Event()
    asked = threading.Event()

    def wait_then_answer(server, connection):
        while (call := server.next_call(connection)) is not None:
            asked.set()
            answered.wait(10)
            connection.sendall(stubs.message(call[0], call[1], stubs.PING_BODY))

    link = link_to(stub(wait_then_answer))
    link.connect()
    results = []
    thread = threading.Thread(target=lambda: results.append(link.call(ping(timeout=10))))
    thread.start()
    assert asked.wait(10)
    with pytest.raises(err.InterfaceError, match="another thread"):
        link.call(ping())
    answered.set()
    thread.join()
    assert results == [None] and link.is_open


def test_closing_ends_a_call_that_is_under_way(stub):
    asked = threading.Event()

    def say_nothing(server, connection):
        server.next_call(connection)
        asked.set()
        server.wait_for_end()

    link = link_to(stub(say_nothing))
    failures = []

    def call():
        try:
            link.call(ping(timeout=30))
        except err.OperationalError as error:
            failures.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    assert asked.wait(10)
    link.close()
    thread.join(10)
    assert not thread.is_alive() and failures[0].args[0] == 2013
    # The service has the request.
    assert failures[0].outcome == "UNKNOWN"
