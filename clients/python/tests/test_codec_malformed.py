"""What no reply may be is refused at once, with a typed error: nothing hangs, takes
memory by an announced size, or is read to a wrong value."""

import random
import struct
import time
import tracemalloc

import pytest
from forebay_thrift.ttypes import Column, QueryResult, ReplyHeader, ResultSet
from generated import FUNCTIONS, SEQUENCE_ID, Chance, packed_fields, reply
from test_codec_replies import LAYOUTS, read
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TApplicationException, TMessageType
from thrift.transport.TTransport import TMemoryBuffer

from forebay import _thrift, converters, err


def sample(packed, rows=3):
    """A query's reply with a column of each kind, and its rows."""
    chance = Chance(4)
    vectors = {
        "int64s": [chance.i64() for _ in range(rows)],
        "doubles": [0.5] * rows,
        "strings": ["é" * row for row in range(rows)],
        "blobs": [b"\xff"] * rows,
    }
    types = {"int64s": 8, "doubles": 5, "strings": 253, "blobs": 252}
    columns = []
    for kind, vector in vectors.items():
        fields = packed_fields(kind, vector) if packed else {kind: vector}
        columns.append(Column(kind, types[kind], 0, 63, 31, 20, b"", **fields))
    header = ReplyHeader("", "test", 5, 6, 1)
    result = QueryResult(header, ResultSet(rows, columns), 0, [])
    return reply("query", success=result), list(zip(*vectors.values()))


def read_rows(message):
    return read("query", message).rows.rows(converters.decoders)


@LAYOUTS
def test_every_truncation_of_a_reply_is_malformed(packed):
    message, rows = sample(packed)
    assert read_rows(message) == rows
    for length in range(len(message)):
        with pytest.raises(err.InternalError, match="Malformed reply"):
            read_rows(message[:length])


@LAYOUTS
def test_bytes_after_a_reply_are_malformed(packed):
    message, _ = sample(packed)
    with pytest.raises(err.InternalError, match="1 bytes follow its end"):
        read_rows(message + b"\0")


@LAYOUTS
@pytest.mark.parametrize("function", FUNCTIONS)
def test_random_changes_of_a_reply_are_read_or_refused(function, packed):
    chance = random.Random(5)
    for seed in range(20):
        message = bytearray(reply(function, success=Chance(seed).returned(function, packed)))
        for _ in range(60):
            changed = bytearray(message)
            for _ in range(chance.randint(1, 3)):
                place = chance.randrange(len(changed))
                changed[place] = chance.choice((0, 1, 11, 12, 15, 127, 255))
            assert_read_or_refused(function, bytes(changed))


def assert_read_or_refused(function, message):
    start = time.monotonic()
    try:
        result = read(function, message)
        for rows in [getattr(result, "rows", None)]:
            if rows is not None:
                rows.rows(converters.decoders)
    except err.DatabaseError:
        pass
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("function", FUNCTIONS)
def test_random_bytes_are_read_or_refused(function):
    chance = random.Random(6)
    whole = reply(function, success=Chance(1).returned(function, True))
    start = _thrift.reply_start(whole, function.encode(), SEQUENCE_ID)
    for _ in range(300):
        assert_read_or_refused(function, whole[:start] + chance.randbytes(chance.randint(0, 99)))
        assert_read_or_refused(function, chance.randbytes(chance.randint(0, 99)))


@pytest.mark.parametrize("length", [-1, 2**31 - 1, -(2**31), 2**24])
@LAYOUTS
def test_lying_lengths_are_refused_without_memory_for_them(packed, length):
    message, _ = sample(packed)
    lie = struct.pack(">i", length)
    tracemalloc.start()
    refused = 0
    for place in range(len(message) - 4):
        try:
            read_rows(message[:place] + lie + message[place + 4 :])
        except err.InternalError:
            refused += 1
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused > 40
    assert peak_bytes < 2**20


@pytest.mark.parametrize(
    "level", [b"\x0c\x00\x63", b"\x0f\x00\x63\x0c\x00\x00\x00\x01"], ids=["structs", "lists"]
)
def test_deep_nesting_is_refused(level):
    start = _thrift.reply_start(sample(True)[0], b"query", SEQUENCE_ID)
    message = sample(True)[0][:start] + level * 100_000
    with pytest.raises(err.InternalError, match="nested deeper than 64"):
        read("query", message)


@pytest.mark.parametrize("field", [b"\x0f\x00\x04\x0c", b"\x0f\x00\x63\x0c", b"\x0f\x00\x63\x0f"])
def test_a_list_of_millions_of_structs_is_refused(field):
    start = _thrift.reply_start(sample(True)[0], b"query", SEQUENCE_ID)
    count = 500_001
    body = b"\x0c\x00\x00" + field + struct.pack(">i", count) + bytes(count)
    with pytest.raises(err.InternalError, match="a list has 500001 structs"):
        read("query", sample(True)[0][:start] + body)


def columns_reply(row_count, **fields):
    column = Column("c", 253, 0, 45, 0, 0, **fields)
    result = QueryResult(ReplyHeader(), ResultSet(row_count, [column]), 0, [])
    return reply("query", success=result)


@pytest.mark.parametrize(
    ("row_count", "fields"),
    [
        (2, {"packed_int64s": bytes(8)}),
        (1, {"packed_int64s": bytes(16)}),
        (1, {"packed_doubles": bytes(7)}),
        (2**62, {"packed_int64s": b""}),
        (-1, {"packed_int64s": b""}),
        (1, {"int64s": [1, 2]}),
        (2, {"strings": ["a"]}),
        (2, {"packed_strings": b"ab", "packed_lengths": struct.pack("<I", 2)}),
        (1, {"packed_strings": b"ab", "packed_lengths": struct.pack("<I", 1)}),
        (1, {"packed_strings": b"ab", "packed_lengths": struct.pack("<I", 3)}),
        (2, {"packed_blobs": b"ab", "packed_lengths": struct.pack("<II", 2**32 - 1, 3)}),
        (1, {"packed_strings": b"ab"}),
        (1, {"packed_strings": b"\xff", "packed_lengths": struct.pack("<I", 1)}),
        (2, {"packed_strings": "é".encode(), "packed_lengths": struct.pack("<II", 1, 1)}),
        (1, {}),
        (1, {"packed_int64s": bytes(8), "int64s": [0]}),
        (1, {"packed_int64s": bytes(8), "nulls": b"\1\0"}),
    ],
    ids=repr,
)
def test_columns_that_are_not_what_they_say_are_refused(row_count, fields):
    with pytest.raises(err.InternalError, match="Malformed reply"):
        read_rows(columns_reply(row_count, **{"nulls": b"", **fields}))


# ------------------------------------------------------------------- headers


def exception_reply(name, kind, sequence_id=SEQUENCE_ID):
    buffer = TMemoryBuffer()
    protocol = TBinaryProtocol(buffer)
    protocol.writeMessageBegin(name, TMessageType.EXCEPTION, sequence_id)
    TApplicationException(kind, "in their words").write(protocol)
    return buffer.getvalue()


def test_an_unknown_function_is_not_supported():
    message = exception_reply("query", TApplicationException.UNKNOWN_METHOD)
    with pytest.raises(err.NotSupportedError, match="no function query.*in their words"):
        read("query", message)


@pytest.mark.parametrize("sequence_id", [SEQUENCE_ID, 0])
def test_another_exception_of_thrift_is_internal(sequence_id):
    message = exception_reply("", TApplicationException.PROTOCOL_ERROR, sequence_id)
    with pytest.raises(err.InternalError, match="could not read the request: in their words"):
        read("query", message)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: b"\x80\x02" + m[2:], "no message of Thrift's strict binary protocol"),
        (lambda m: b"\x82\x21\x01" + m[3:], "no message of Thrift's strict binary protocol"),
        (lambda m: b"HTTP/1.1 400 Bad Request\r\n\r\n", "no message of Thrift's"),
        (lambda m: m[:8] + b"other" + m[13:], "it answers other number 77, not query number 77"),
        (lambda m: m[:3] + b"\x01" + m[4:], "its message is of the type 1"),
        (lambda m: m[:5], "it ends within its header"),
        (lambda m: b"", "it ends within its header"),
    ],
)
def test_what_is_no_reply_to_the_call_is_refused(change, words):
    message, _ = sample(True)
    with pytest.raises(err.InternalError, match=words):
        read("query", change(message))


def test_the_reply_to_another_call_is_refused():
    message, _ = sample(True)
    with pytest.raises(err.InternalError, match="number 77, not query number 78"):
        read("query", message, sequence_id=78)
