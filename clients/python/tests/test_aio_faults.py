"""The asyncio client where the service, or the way to it, is at fault: the rules of
the blocking link, which test_link_faults.py and test_failover.py hold it to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time

import pytest

import forebay
import forebay.aio
import stubs
from forebay import _replies as replies
from forebay import _requests as requests
from forebay import err
from forebay._call import Call
from forebay._site import Site
from forebay.aio._link import Link
from service import free_port


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


def link_to(*places, **fields):
    ports = [getattr(one, "port", one) for one in places]
    return Link(Site.of([("127.0.0.1", port) for port in ports]), **fields)


def call(link, *calls):
    """What the calls return, one after the other on one event loop."""

    async def main():
        return [await link.call(one) for one in calls]

    return asyncio.run(main())


@contextlib.contextmanager
def within(least, most):
    """Not a measure of speed: the bound is kept, or the test fails at once."""
    begun = time.monotonic()
    yield
    assert least <= time.monotonic() - begun <= most


# ------------------------------------------------------------------- connecting


@pytest.mark.parametrize("serve", [stubs.be_silent, stubs.trickle_all], ids=["silent", "trickling"])
def test_connect_timeout_covers_what_the_service_says_first(stub, serve):
    link = link_to(stub(serve), connect_timeout=0.4)
    with within(0.3, 3), pytest.raises(err.OperationalError, match="timed out") as raised:
        asyncio.run(link.connect())
    assert raised.value.args[0] == 2003 and not link.is_open


def test_connect_timeout_covers_a_host_that_does_not_answer():
    with socket.socket() as full, contextlib.ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        for _ in range(4):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        with within(0.3, 3), pytest.raises(err.OperationalError, match="timed out"):
            asyncio.run(link_to(port, connect_timeout=0.4).connect())


def test_slow_resolver_is_waited_for_no_longer_than_connect_timeout(monkeypatch):
    released = threading.Event()

    def never(*_):
        released.wait(10)
        raise socket.gaierror("too late")

    monkeypatch.setattr(socket, "getaddrinfo", never)
    try:
        with within(0.2, 5), pytest.raises(err.OperationalError) as raised:
            asyncio.run(Link(Site.of("slow.aio.invalid"), connect_timeout=0.3).connect())
        assert raised.value.args[0] == 2003 and "slow.aio.invalid" in str(raised.value)
    finally:
        released.set()


def test_name_is_resolved(service):
    async def main():
        where = {"host": "localhost", "port": service.port, "database": "test"}
        async with forebay.aio.connect(**where) as connection, connection.cursor() as cursor:
            await cursor.execute("SELECT 1")
            return await cursor.fetchone()

    assert asyncio.run(main()) == (1,)


def test_unix_socket(service):
    async def main():
        where = {"unix_socket": str(service.socket_path), "database": "test"}
        async with forebay.aio.connect(**where) as connection, connection.cursor() as cursor:
            await cursor.execute("SELECT REPEAT('x', 300000)")
            return len((await cursor.fetchone())[0])

    assert asyncio.run(main()) == 300_000


def test_all_addresses_that_are_down_are_named():
    ports = [free_port(), free_port()]
    with pytest.raises(err.OperationalError) as raised:
        asyncio.run(link_to(*ports).connect())
    assert raised.value.args[0] == 2003
    for port in ports:
        assert f"127.0.0.1:{port}: " in str(raised.value)


def test_unknown_shard(service):
    with pytest.raises(err.OperationalError) as raised:
        asyncio.run(forebay.aio.Connection(port=service.port, database="nowhere").connect())
    assert raised.value.args[0] == 1049


# ---------------------------------------------------------------- one call's end


@pytest.mark.parametrize("serve", [stubs.be_silent, stubs.trickle], ids=["silent", "trickling"])
def test_call_ends_at_its_deadline(stub, serve):
    def serve_after_info(server, connection):
        if serve is stubs.be_silent:
            server.next_call(connection)
        serve(server, connection)

    link = link_to(server := stub(serve_after_info))
    with within(0.4, 3), pytest.raises(err.OperationalError) as raised:
        call(link, ping(timeout=0.5))
    assert raised.value.args[0] == 2013 and raised.value.outcome == "UNKNOWN"
    assert not link.is_open and server.calls.count(b"ping") == 1


def test_deadline_of_a_shorter_call_is_kept_after_a_longer_one(stub):
    def answer_the_first(server, connection):
        first = server.next_call(connection)
        connection.sendall(stubs.message(first[0], first[1], stubs.PING_BODY))
        server.next_call(connection)
        server.wait_for_end()

    link = link_to(stub(answer_the_first))
    with within(0.2, 3), pytest.raises(err.OperationalError):
        call(link, ping(timeout=60), ping(timeout=0.3))


def test_deadline_of_a_longer_call_is_kept_after_a_shorter_one(stub):
    def be_slow_at_the_second(server, connection):
        for pause in (0, 0.6):
            asked = server.next_call(connection)
            time.sleep(pause)
            connection.sendall(stubs.message(asked[0], asked[1], stubs.PING_BODY))

    assert call(link_to(stub(be_slow_at_the_second)), ping(timeout=0.4), ping(timeout=30)) == [
        None,
        None,
    ]


def test_large_request_that_is_not_taken_ends_at_its_deadline(stub):
    limits = stubs.LIMITS | {1: 30_000_000}

    def read_nothing(server, connection):
        asked = stubs.read_call(connection)
        connection.sendall(stubs.message(b"info", asked[1], stubs.limits_body(limits)))
        server.wait_for_end()

    body = requests.ping(requests.shard_field("x" * 20_000_000), requests.options())
    large = Call(b"ping", body, replies.read_done, timeout=0.5)
    with within(0.4, 5), pytest.raises(err.OperationalError) as raised:
        call(link_to(stub(read_nothing)), large)
    # It was not sent whole, so that it cannot have been carried out.
    assert raised.value.args[0] == 2013 and raised.value.outcome == "NOT_APPLIED"


def cut_each(when):
    """A stub that cuts every session at its first call."""

    def serve(server, connection):
        asked = server.next_call(connection)
        if asked is None:
            return
        if when == "mid-reply":
            connection.sendall(stubs.message(asked[0], asked[1], stubs.PING_BODY)[:-2])
        if when == "closed":
            connection.shutdown(socket.SHUT_RDWR)
        else:
            stubs.reset(connection)

    return serve


@pytest.mark.parametrize("when", ["reset", "mid-reply", "closed"])
def test_what_may_have_been_carried_out_is_not_sent_again(stub, when):
    link = link_to(server := stub(cut_each(when)))
    with pytest.raises(err.OperationalError) as raised:
        call(link, ping())
    assert raised.value.args[0] == 2013 and raised.value.outcome == "UNKNOWN"
    assert server.calls.count(b"ping") == 1 and not link.is_open


@pytest.mark.parametrize("when", ["reset", "mid-reply", "closed"])
def test_read_is_sent_again_a_few_times(stub, when):
    link = link_to(server := stub(cut_each(when)))
    with pytest.raises(err.OperationalError) as raised:
        call(link, ping(resend=True))
    assert raised.value.args[0] == 2013 and raised.value.outcome == "NOT_APPLIED"
    assert server.calls.count(b"ping") == 3


def test_idle_session_that_was_closed_costs_nothing(stub):
    link = link_to(server := stub())

    async def main():
        await link.call(ping())
        server.connections[0].shutdown(socket.SHUT_RDWR)
        # The event loop is kept from seeing it.
        time.sleep(0.15)
        await link.call(ping())

    asyncio.run(main())
    assert server.calls.count(b"ping") == 2 and len(server.connections) == 2


def test_what_nobody_asked_for_is_not_taken_for_an_answer(stub):
    link = link_to(server := stub())

    async def main(pause):
        await link.call(ping())
        server.connections[-1].sendall(stubs.message(b"ping", 2, stubs.PING_BODY))
        await pause()
        await link.call(ping())

    async def block():
        time.sleep(0.15)

    asyncio.run(main(lambda: asyncio.sleep(0.05)))
    assert len(server.connections) == 2
    asyncio.run(main(block))
    assert len(server.connections) == 4


def test_transaction_does_not_go_on_in_another_session(stub):
    link = link_to(server := stub())

    async def main():
        await link.connect()
        session = link.session
        await link.call(ping(session=session))
        server.connections[0].shutdown(socket.SHUT_RDWR)
        await asyncio.sleep(0.05)
        for _ in range(2):
            with pytest.raises(err.OperationalError, match="transaction") as raised:
                await link.call(ping(session=session, resend=True))
            assert raised.value.args[0] == 2013
        assert server.calls.count(b"ping") == 1
        await link.call(ping())

    asyncio.run(main())


@pytest.mark.parametrize("reply", stubs.replies_that_are_none(1))
def test_reply_that_is_none_closes_the_session(stub, reply):
    def lie(server, connection):
        server.next_call(connection)
        connection.sendall(reply)
        server.wait_for_end()

    link = link_to(server := stub(lie))
    with within(0, 5), pytest.raises(err.InternalError, match="[Mm]alformed"):
        call(link, ping(timeout=3, resend=True))
    assert not link.is_open and server.calls.count(b"ping") == 1


def test_reply_in_pieces_is_put_together(stub):
    def send_pieces(server, connection):
        asked = server.next_call(connection)
        whole = stubs.message(asked[0], asked[1], stubs.PING_BODY)
        for piece in (whole[:2], whole[2:4], whole[4:9], whole[9:-1], whole[-1:]):
            connection.sendall(piece)
            time.sleep(0.02)

    assert call(link_to(stub(send_pieces)), ping()) == [None]


def test_closing_ends_a_call_that_is_under_way(stub):
    def say_nothing(server, connection):
        server.next_call(connection)
        server.wait_for_end()

    async def main():
        link = link_to(stub(say_nothing))
        asking = asyncio.ensure_future(link.call(ping(timeout=30)))
        await asyncio.sleep(0.1)
        link.close()
        with within(0, 5), pytest.raises(err.OperationalError) as raised:
            await asking
        assert raised.value.args[0] == 2013

    asyncio.run(main())


def test_link_that_nobody_holds_ends_its_session(stub):
    ended = threading.Event()

    def notice(server, connection):
        while server.next_call(connection) is not None:
            pass
        ended.set()

    async def main():
        link = link_to(stub(notice))
        await link.connect()
        del link
        await asyncio.sleep(0.05)
        assert ended.wait(5)

    asyncio.run(main())
