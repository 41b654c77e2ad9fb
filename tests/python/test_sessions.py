"""How one session goes: requests sent together, bytes that come one by one, and
many sessions at once."""

import itertools
import socket
import struct
import threading

import pytest
from thrift.transport.TTransport import TMemoryBuffer

from asking import statement
from columns import only
from forebay_thrift.ttypes import DataError, QueryRequest
from messages import PROTOCOLS, RawSession, call, frame, parse_reply
from wires import WIRES, Session


def query(protocol_name, number, shard="users"):
    request = QueryRequest(shard, statement("SELECT ?", [number]))
    return call(protocol_name, "query", request, sequence_id=number)


class Replies:
    """The unframed replies of a session, one after the other."""

    def __init__(self, raw, protocol_name):
        self.received = b""
        self.raw = raw
        self.protocol_name = protocol_name

    def next(self):
        while True:
            buffer = TMemoryBuffer(self.received)
            try:
                sequence_id, answer = parse_reply_from(self.protocol_name, buffer)
            except EOFError:
                data = self.raw.socket.recv(65536)
                assert data, f"closed in a reply: {self.received!r}"
                self.received += data
                continue
            self.received = self.received[buffer.cstringio_buf.tell():]
            return sequence_id, answer


def parse_reply_from(protocol_name, buffer):
    from forebay_thrift import Forebay

    protocol = PROTOCOLS[protocol_name](buffer)
    name, _, sequence_id = protocol.readMessageBegin()
    result = getattr(Forebay, f"{name}_result")()
    result.read(protocol)
    protocol.readMessageEnd()
    return sequence_id, result.error or result.success


@pytest.mark.parametrize("protocol_name", PROTOCOLS)
def test_framed_requests_sent_together_are_answered_in_order(service, protocol_name):
    # On two shards, so that nothing but the session's order keeps them in line.
    shards = itertools.cycle(["users", "users_lite", "no_such_shard"])
    with RawSession(service.port) as raw:
        raw.send(b"".join(frame(query(protocol_name, n, next(shards))) for n in range(1, 61)))
        for number in range(1, 61):
            sequence_id, answer = parse_reply(protocol_name, raw.receive_frame())
            assert sequence_id == number
            if number % 3 == 0:
                assert isinstance(answer, DataError)
            else:
                assert only(answer.rows) == number


@pytest.mark.parametrize("protocol_name", PROTOCOLS)
def test_unframed_requests_sent_together_are_answered_in_order(service, protocol_name):
    with RawSession(service.port) as raw:
        raw.send(b"".join(query(protocol_name, n) for n in range(1, 61)))
        replies = Replies(raw, protocol_name)
        for number in range(1, 61):
            sequence_id, answer = replies.next()
            assert (sequence_id, only(answer.rows)) == (number, number)


@pytest.mark.parametrize("protocol_name", PROTOCOLS)
@pytest.mark.parametrize("framed", [True, False], ids=["framed", "unframed"])
def test_message_that_comes_byte_by_byte(service, protocol_name, framed):
    with RawSession(service.port) as raw:
        raw.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        message = query(protocol_name, 7)
        for byte in struct.iter_unpack("c", frame(message) if framed else message):
            raw.send(byte[0])
        if framed:
            sequence_id, answer = parse_reply(protocol_name, raw.receive_frame())
        else:
            sequence_id, answer = Replies(raw, protocol_name).next()
        assert (sequence_id, only(answer.rows)) == (7, 7)


@pytest.mark.parametrize("cut", [1, 3, 4, 5, 9, 20, -1])
def test_second_message_cut_anywhere(service, cut):
    """The end of one message and the beginning of the next come together."""
    first, second = frame(query("binary", 1)), frame(query("binary", 2))
    with RawSession(service.port) as raw:
        raw.send(first + second[:cut])
        assert parse_reply("binary", raw.receive_frame())[0] == 1
        raw.send(second[cut:])
        assert parse_reply("binary", raw.receive_frame())[0] == 2


def test_client_that_ends_sending_still_gets_its_answer(service):
    with RawSession(service.port) as raw:
        raw.send(frame(query("binary", 3)))
        raw.end_sending()
        assert parse_reply("binary", raw.receive_frame())[0] == 3
        assert raw.receive_until_close() == b""


def test_large_request_and_reply(session, backend):
    text = "large é" * 200_000
    assert only(session.run_query(backend.users, "SELECT ?", [text], timeout_ms=20_000).rows) == text


def test_many_sessions_at_once(service):
    """More sessions than connections; each gets its own answers."""
    failures = []

    def work(number):
        try:
            with Session(service.port, WIRES[number % len(WIRES)]) as session:
                for step in range(20):
                    asked = f"{number}/{step}"
                    got = only(session.run_query("users", "SELECT ?", [asked], timeout_ms=20_000).rows)
                    if got != asked:
                        failures.append((asked, got))
        except Exception as error:  # noqa: BLE001: whatever it is, the test tells
            failures.append((number, error))

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(48)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert not failures


def test_idle_sessions_cost_no_answers(service, usual_session):
    idle = [socket.create_connection(("127.0.0.1", service.port), timeout=10) for _ in range(300)]
    try:
        assert only(usual_session.run_query("users", "SELECT 1").rows) == 1
    finally:
        for connection in idle:
            connection.close()
