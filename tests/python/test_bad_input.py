"""Bytes that no client should send. Whatever comes, the service answers a normal
call on a new session afterwards, on the same one where frames say what comes
next, and takes no memory for what a message only claims to hold."""

import random
import ssl
import struct
import time

import pytest
from thrift.Thrift import TApplicationException, TMessageType, TType

from asking import statement
from columns import only
from forebay_thrift.ttypes import PingRequest, QueryRequest, Value
from messages import (
    PROTOCOLS,
    RawSession,
    binary_begin,
    binary_field,
    call,
    compact_begin,
    frame,
    is_refusal,
    parse_reply,
    varint,
)
from wires import Session

FRAMINGS = pytest.mark.parametrize("framed", [True, False], ids=["framed", "unframed"])
PROTOCOL_NAMES = pytest.mark.parametrize("protocol_name", PROTOCOLS)

PEAK_MEMORY_MAX_BYTES = 1 << 30

# Types of the compact protocol.
COMPACT_BINARY, COMPACT_LIST, COMPACT_STRUCT = 8, 9, 12


def good_message(protocol_name):
    request = QueryRequest("users", statement("SELECT ?, ?", [1, "text"]))
    return call(protocol_name, "query", request)


@pytest.fixture(autouse=True)
def service_goes_on(service):
    yield
    assert service.is_running(), service.log()
    with Session(service.port) as session:
        assert only(session.run_query("users", "SELECT 1").rows) == 1
    assert service.peak_memory_bytes() < PEAK_MEMORY_MAX_BYTES


def assert_refused(service, protocol_name, message, framed):
    """`message` is whole as to its bytes, and wrong. In a frame it is answered,
    and the session stays usable; without one, the session may be closed, after
    an answer or without."""
    with RawSession(service.port) as raw:
        if not framed:
            raw.send(message)
            raw.end_sending()
            received = raw.receive_until_close()
            if received:
                assert is_refusal(parse_reply(protocol_name, received)[1])
            return
        raw.send(frame(message))
        answer = parse_reply(protocol_name, raw.receive_frame())[1]
        assert is_refusal(answer), answer
        text = str(answer)
        assert "Some(" not in text and "{ " not in text, f"a Rust value in a message: {text}"
        ping = call(protocol_name, "ping", PingRequest(), sequence_id=99)
        raw.send(frame(ping))
        sequence_id, answer = parse_reply(protocol_name, raw.receive_frame())
        assert sequence_id == 99
        assert not is_refusal(answer)


# ------------------------------------------------------------- cut and oversized


@FRAMINGS
@PROTOCOL_NAMES
def test_message_that_ends_in_the_middle(service, protocol_name, framed):
    message = good_message(protocol_name)
    if framed:
        message = frame(message)
    for length in range(1, len(message), 3):
        with RawSession(service.port) as raw:
            raw.send(message[:length])
            raw.end_sending()
            received = raw.receive_until_close()
            if received:
                assert is_refusal(parse_reply(protocol_name, received[4:] if framed else received)[1])


@FRAMINGS
@PROTOCOL_NAMES
def test_client_that_goes_away_in_the_middle(service, protocol_name, framed):
    message = good_message(protocol_name)
    if framed:
        message = frame(message)
    for length in (1, 4, 5, len(message) // 2, len(message) - 1, len(message)):
        with RawSession(service.port) as raw:
            raw.send(message[:length])


@PROTOCOL_NAMES
@pytest.mark.parametrize("length", [16_000_001, 0x7FFFFFFF])
def test_frame_over_the_limit_is_refused_before_its_bytes_come(service, protocol_name, length):
    with RawSession(service.port) as raw:
        raw.send(struct.pack(">I", length) + good_message(protocol_name))
        received = raw.receive_until_close()
        if received:
            assert is_refusal(parse_reply(protocol_name, received[4:])[1])


def test_frame_over_the_limit_after_a_good_one(service):
    with RawSession(service.port) as raw:
        raw.send(frame(good_message("binary")))
        assert only_first(parse_reply("binary", raw.receive_frame())[1]) == 1
        raw.send(struct.pack(">I", 0x7FFFFFFF) + good_message("binary"))
        assert is_refusal(parse_reply("binary", raw.receive_until_close()[4:])[1])


def only_first(result):
    return result.rows.columns[0].int64s[0]


@PROTOCOL_NAMES
def test_frame_longer_than_its_message(service, protocol_name):
    """The rest of the frame must not be taken for the next message."""
    with RawSession(service.port) as raw:
        raw.send(frame(good_message(protocol_name) + b"rest"))
        raw.send(frame(call(protocol_name, "ping", PingRequest(), sequence_id=5)))
        first = parse_reply(protocol_name, raw.receive_frame())
        assert first[0] == 1
        sequence_id, answer = parse_reply(protocol_name, raw.receive_frame())
        assert sequence_id == 5
        assert not is_refusal(answer)


@PROTOCOL_NAMES
def test_frame_shorter_than_its_message(service, protocol_name):
    assert_refused(service, protocol_name, good_message(protocol_name)[:-4], framed=True)


def test_empty_frame(service):
    with RawSession(service.port) as raw:
        raw.send(frame(b"") + frame(good_message("binary")))
        raw.end_sending()
        raw.receive_until_close()


# ---------------------------------------------------- lengths that are not true


def binary_query_field(value_bytes):
    """A call of `query` whose request begins with the given bytes of fields."""
    return binary_begin("query") + binary_field(TType.STRUCT, 1) + value_bytes


LYING_BINARY = {
    "function name of 2^31-1 bytes": struct.pack(">HHI", 0x8001, TMessageType.CALL, 0x7FFFFFFF) + b"query",
    "function name of -1 bytes": struct.pack(">HHI", 0x8001, TMessageType.CALL, 0xFFFFFFFF) + b"query",
    "string of 2^31-1 bytes": binary_query_field(
        binary_field(TType.STRING, 1) + struct.pack(">I", 0x7FFFFFFF) + b"users"
    ),
    "string of -1 bytes": binary_query_field(binary_field(TType.STRING, 1) + struct.pack(">i", -1) + b"users"),
    "list of 10^8 values": binary_query_field(
        binary_field(TType.STRUCT, 2)
        + binary_field(TType.LIST, 2)
        + struct.pack(">BI", TType.STRUCT, 100_000_000)
    ),
    "unknown list of 10^8 bytes": binary_query_field(
        binary_field(TType.LIST, 99) + struct.pack(">BI", TType.BYTE, 100_000_000)
    ),
    "unknown list of 10^8 empty structs": binary_query_field(
        binary_field(TType.LIST, 99) + struct.pack(">BI", TType.STRUCT, 100_000_000) + bytes(1000)
    ),
    "list of -1 values": binary_query_field(binary_field(TType.LIST, 99) + struct.pack(">Bi", TType.STRUCT, -1)),
    "map of 10^8 entries": binary_query_field(
        binary_field(TType.STRUCT, 2)
        + binary_field(TType.MAP, 3)
        + struct.pack(">BBI", TType.STRING, TType.STRUCT, 100_000_000)
    ),
    "unknown type of field": binary_query_field(binary_field(77, 99) + bytes(100)),
    "wrong type of field": binary_query_field(
        binary_field(TType.I64, 1) + bytes(8) + bytes([TType.STOP, TType.STOP])
    ),
    "text that is not UTF-8": binary_query_field(
        binary_field(TType.STRING, 1) + struct.pack(">I", 2) + b"\xff\xfe" + bytes([TType.STOP, TType.STOP])
    ),
}
LYING_COMPACT = {
    "function name of 2^31-1 bytes": bytes([0x82, TMessageType.CALL << 5 | 1, 1]) + varint(0x7FFFFFFF) + b"query",
    "string of 2^31-1 bytes": compact_begin("query")
    + bytes([1 << 4 | COMPACT_STRUCT, 1 << 4 | COMPACT_BINARY])
    + varint(0x7FFFFFFF)
    + b"users",
    "string of 2^32-1 bytes": compact_begin("query")
    + bytes([1 << 4 | COMPACT_STRUCT, 1 << 4 | COMPACT_BINARY])
    + varint(0xFFFFFFFF)
    + b"users",
    "varint without an end": compact_begin("query")
    + bytes([1 << 4 | COMPACT_STRUCT, 1 << 4 | COMPACT_BINARY])
    + b"\xff" * 50,
    "list of 10^8 values": compact_begin("query")
    + bytes([1 << 4 | COMPACT_STRUCT, 2 << 4 | COMPACT_STRUCT, 2 << 4 | COMPACT_LIST, 0xF0 | COMPACT_STRUCT])
    + varint(100_000_000),
    "unknown list of 10^8 booleans": compact_begin("query")
    + bytes([1 << 4 | COMPACT_STRUCT, 9 << 4 | COMPACT_LIST, 0xF0 | 1])
    + varint(100_000_000),
    "unknown type of field": compact_begin("query") + bytes([1 << 4 | COMPACT_STRUCT, 9 << 4 | 15]) + bytes(50),
}


@FRAMINGS
@pytest.mark.parametrize("message", LYING_BINARY.values(), ids=LYING_BINARY)
def test_binary_lengths_and_types_that_are_not_true(service, message, framed):
    assert_refused(service, "binary", message, framed)


@FRAMINGS
@pytest.mark.parametrize("message", LYING_COMPACT.values(), ids=LYING_COMPACT)
def test_compact_lengths_and_types_that_are_not_true(service, message, framed):
    assert_refused(service, "compact", message, framed)


# ------------------------------------------------------------------------ nesting


@FRAMINGS
def test_binary_nesting_of_ten_thousand(service, framed):
    structs = binary_field(TType.STRUCT, 99) * 10_000 + bytes(10_000)
    assert_refused(service, "binary", binary_query_field(structs) + bytes(2), framed)
    lists = binary_field(TType.LIST, 99) + struct.pack(">BI", TType.LIST, 1) * 10_000
    assert_refused(service, "binary", binary_query_field(lists) + bytes(100), framed)


@FRAMINGS
def test_compact_nesting_of_ten_thousand(service, framed):
    structs = bytes([1 << 4 | COMPACT_STRUCT]) * 10_000 + bytes(10_000)
    assert_refused(service, "compact", compact_begin("query") + structs + bytes(2), framed)
    lists = bytes([9 << 4 | COMPACT_LIST]) + bytes([1 << 4 | COMPACT_LIST]) * 10_000
    message = compact_begin("query") + bytes([1 << 4 | COMPACT_STRUCT]) + lists + bytes(100)
    assert_refused(service, "compact", message, framed)


@FRAMINGS
@PROTOCOL_NAMES
@pytest.mark.parametrize("depth", [100, 300])
def test_lists_of_values_nested_deeply(service, protocol_name, framed, depth):
    nested = Value(int64=1)
    for _ in range(depth):
        nested = Value(items=[nested])
    message = call(protocol_name, "query", QueryRequest("users", statement("SELECT ?", [nested])))
    assert_refused(service, protocol_name, message, framed)


# ---------------------------------------------------------------- wrong messages


class LaterValue(Value):
    """A union with a member that this version of the contract does not know."""

    def write(self, protocol):
        protocol.writeStructBegin("Value")
        protocol.writeFieldBegin("later", TType.I32, 99)
        protocol.writeI32(1)
        protocol.writeFieldEnd()
        protocol.writeFieldStop()
        protocol.writeStructEnd()


@FRAMINGS
@PROTOCOL_NAMES
def test_union_with_an_unknown_member(service, protocol_name, framed):
    request = QueryRequest("users", statement("SELECT ?", [LaterValue()]))
    assert_refused(service, protocol_name, call(protocol_name, "query", request), framed)


@FRAMINGS
@PROTOCOL_NAMES
def test_message_that_is_no_call(service, protocol_name, framed):
    for kind in (TMessageType.REPLY, TMessageType.EXCEPTION, 7):
        message = call(protocol_name, "query", QueryRequest("users", statement("SELECT 1")), kind=kind)
        assert_refused(service, protocol_name, message, framed)


@FRAMINGS
@PROTOCOL_NAMES
def test_oneway_call_of_a_function_that_answers(service, protocol_name, framed):
    request = QueryRequest("users", statement("SELECT 1"))
    message = call(protocol_name, "query", request, kind=TMessageType.ONEWAY)
    with RawSession(service.port) as raw:
        raw.send(frame(message) if framed else message)
        raw.end_sending()
        raw.receive_until_close()


@PROTOCOL_NAMES
@pytest.mark.parametrize("function", ["", "begin", "Query", "Other:query", "Forebay:nothing", "é" * 50])
def test_unknown_function(service, protocol_name, function):
    begin = {"binary": binary_begin, "compact": compact_begin}[protocol_name]
    assert_refused(service, protocol_name, begin(function) + bytes(1), framed=True)
    with RawSession(service.port) as raw:
        raw.send(frame(begin(function) + bytes(1)))
        answer = parse_reply(protocol_name, raw.receive_frame())[1]
        assert isinstance(answer, TApplicationException)
        assert answer.type == TApplicationException.UNKNOWN_METHOD


@FRAMINGS
@PROTOCOL_NAMES
def test_function_name_of_five_thousand_bytes(service, protocol_name, framed):
    begin = {"binary": binary_begin, "compact": compact_begin}[protocol_name]
    assert_refused(service, protocol_name, begin("x" * 5000) + bytes(1), framed)


def test_binary_without_a_version(service):
    """The old form of a message: the name's length comes first."""
    message = struct.pack(">I", 4) + b"ping" + bytes([TMessageType.CALL]) + struct.pack(">I", 1) + bytes(1)
    for data in (message, frame(message)):
        with RawSession(service.port) as raw:
            raw.send(data)
            raw.end_sending()
            raw.receive_until_close()


@pytest.mark.parametrize("version", [0x8002, 0x80FF, 0x8000])
def test_binary_of_another_version(service, version):
    message = struct.pack(">HHI", version, TMessageType.CALL, 4) + b"ping" + struct.pack(">I", 1) + bytes(1)
    for data in (message, frame(message)):
        with RawSession(service.port) as raw:
            raw.send(data)
            raw.end_sending()
            raw.receive_until_close()


# --------------------------------------------------------------- other protocols


def tls_client_hello():
    outgoing = ssl.MemoryBIO()
    context = ssl.create_default_context()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


FOREIGN = {
    "HTTP GET": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "HTTP POST": b"POST /forebay HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS ClientHello": tls_client_hello(),
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "MySQL": bytes.fromhex("200000018da20b00000000c0080000000000000000000000000000000000000000000000"),
    "zeros": bytes(5000),
    "ones": b"\xff" * 5000,
    "line feeds": b"\r\n" * 100,
}


@pytest.mark.parametrize("data", FOREIGN.values(), ids=FOREIGN)
def test_another_protocol_is_closed_soon(service, data):
    began = time.monotonic()
    with RawSession(service.port) as raw:
        raw.send(data)
        raw.receive_until_close()
    assert time.monotonic() - began < 5


# ------------------------------------------------------------------ random bytes


def test_random_bytes(service):
    chance = random.Random(20)
    for _ in range(300):
        data = chance.randbytes(chance.choice((1, 4, 16, 100, 5000)))
        with RawSession(service.port) as raw:
            raw.send(data)
            raw.end_sending()
            raw.receive_until_close()


@FRAMINGS
@PROTOCOL_NAMES
def test_random_bytes_after_a_good_beginning(service, protocol_name, framed):
    chance = random.Random(21)
    begin = {"binary": binary_begin, "compact": compact_begin}[protocol_name]
    for _ in range(150):
        message = begin(chance.choice(("query", "insert", "info"))) + chance.randbytes(chance.randrange(1, 300))
        with RawSession(service.port) as raw:
            raw.send(frame(message) if framed else message)
            raw.end_sending()
            raw.receive_until_close()


@FRAMINGS
@PROTOCOL_NAMES
def test_good_message_with_changed_bytes(service, protocol_name, framed):
    """Statements that read only: a changed byte must not become a harmful one."""
    chance = random.Random(22)
    good = good_message(protocol_name)
    for _ in range(300):
        message = bytearray(good)
        for _ in range(chance.randrange(1, 4)):
            message[chance.randrange(len(message))] = chance.randrange(256)
        with RawSession(service.port) as raw:
            raw.send(frame(bytes(message)) if framed else bytes(message))
            raw.end_sending()
            raw.receive_until_close()
