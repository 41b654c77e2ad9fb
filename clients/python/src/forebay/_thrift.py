"""Thrift's strict binary protocol: message frames, primitives, and structs read
by a table of the fields that are known. Everything here is bytes in and values
out; nothing knows sockets or SQL.

What is read is not trusted: no announced length or count is believed before the
bytes that it speaks of are seen to be there, so that a lying message costs no
more memory than it has bytes itself, and an unknown struct is skipped to a
limited depth.
"""

from __future__ import annotations

import struct
from typing import Any, Callable, Dict, List, NoReturn, Tuple

from . import err

#: Types of Thrift's binary protocol.
STOP = 0
BOOL = 2
BYTE = 3
DOUBLE = 4
I16 = 6
I32 = 8
I64 = 10
STRING = 11
STRUCT = 12
MAP = 13
SET = 14
LIST = 15
UUID = 16

#: How deep the containers of a field that is skipped may be nested.
SKIP_DEPTH_MAX = 64

#: How many structs or containers a list may have, each of which takes time to read.
#: No result comes near: its rows are no structs.
LIST_STRUCTS_MAX = 500_000

#: MySQL's number for a malformed packet, which drivers give to such a fault.
CR_MALFORMED_PACKET = 2027

#: MySQL's number for a wrong argument.
_WRONG_ARGUMENTS = 1210

_FRAME_MAX_BYTES = (1 << 31) - 1

#: The version of the protocol, and the type of a message.
CALL = b"\x80\x01\x00\x01"
REPLY = b"\x80\x01\x00\x02"
_VERSION = 0x8001
_REPLY = 2
_EXCEPTION = 3
_UNKNOWN_METHOD = 1

_pack_i32 = struct.Struct(">i").pack
_unpack_i16 = struct.Struct(">h").unpack_from
_unpack_i32 = struct.Struct(">i").unpack_from
_unpack_i64 = struct.Struct(">q").unpack_from
_unpack_double = struct.Struct(">d").unpack_from
_unpack_start = struct.Struct(">HHi").unpack_from

#: Bytes of a value of a type that has always the same number of them.
_FIXED_BYTES = {BOOL: 1, BYTE: 1, DOUBLE: 8, I16: 2, I32: 4, I64: 8, UUID: 16}

#: From a message and where in it a value begins, to the value and where it ends.
Reader = Callable[[bytes, int], Tuple[Any, int]]

#: The fields of a struct by their numbers: the type on the wire, and the reader.
Fields = Dict[int, Tuple[int, Reader]]


def malformed(what: str) -> NoReturn:
    """Raises the error for a reply that is not what the contract says."""
    raise err.InternalError(
        CR_MALFORMED_PACKET,
        f"Malformed reply: {what}. Is a Forebay service listening at this address?",
    )


# ------------------------------------------------------------------ messages


def frame(function: bytes, sequence_id: int, body: bytes) -> bytes:
    """A whole call as it goes through a framed transport.

    `body` is the function's struct of arguments, to the STOP at its end;
    `sequence_id` is from 0 to 2^31-1.
    """
    name_length = len(function)
    length = 12 + name_length + len(body)
    if length > _FRAME_MAX_BYTES:
        raise err.ProgrammingError(
            _WRONG_ARGUMENTS, f"a request of {length} bytes is larger than any may be: divide it"
        )
    return b"".join(
        (
            _pack_i32(length),
            CALL,
            _pack_i32(name_length),
            function,
            _pack_i32(sequence_id),
            body,
        )
    )


def reply_start(message: bytes, function: bytes, sequence_id: int) -> int:
    """Where in a reply's message (without its frame's length) its struct begins.

    Raises `NotSupportedError` if the service does not know the function, and
    `InternalError` if it threw another of Thrift's own exceptions, or if this
    is no reply to that call.
    """
    try:
        version, kind, name_length = _unpack_start(message, 0)
        end: int = 8 + name_length
        if version != _VERSION or name_length < 0:
            malformed("it is no message of Thrift's strict binary protocol")
        name = message[8:end]
        (seen_id,) = _unpack_i32(message, end)
    except struct.error:
        malformed("it ends within its header")
    if seen_id != sequence_id or name != function:
        # An error that has no better name to give: the service could not read ours.
        if kind == _EXCEPTION and seen_id in (0, sequence_id):
            _raise_exception(message, end + 4, function)
        malformed(
            f"it answers {_shown(name)} number {seen_id}, not "
            f"{_shown(function)} number {sequence_id}"
        )
    if kind == _REPLY:
        start: int = end + 4
        return start
    if kind == _EXCEPTION:
        _raise_exception(message, end + 4, function)
    malformed(f"its message is of the type {kind}")


def _shown(name: bytes) -> str:
    return name[:64].decode("utf-8", "backslashreplace")


def _raise_exception(message: bytes, offset: int, function: bytes) -> NoReturn:
    values, _ = read_struct(message, offset, _EXCEPTION_FIELDS)
    words = values.get(1, "")
    if values.get(2) == _UNKNOWN_METHOD:
        raise err.NotSupportedError(
            CR_MALFORMED_PACKET,
            f"The service has no function {_shown(function)}: it is older than this client "
            f"({words})",
        )
    raise err.InternalError(
        CR_MALFORMED_PACKET, f"The service could not read the request: {words}"
    )


# ---------------------------------------------------------------- primitives


def read_bool(message: bytes, offset: int) -> Tuple[bool, int]:
    """A BOOL."""
    return message[offset] != 0, offset + 1


def read_i32(message: bytes, offset: int) -> Tuple[int, int]:
    """An I32."""
    return _unpack_i32(message, offset)[0], offset + 4


def read_i64(message: bytes, offset: int) -> Tuple[int, int]:
    """An I64."""
    return _unpack_i64(message, offset)[0], offset + 8


def read_span(message: bytes, offset: int) -> Tuple[Tuple[int, int], int]:
    """A STRING, as where in the message it begins and ends."""
    (length,) = _unpack_i32(message, offset)
    start = offset + 4
    stop = start + length
    if length < 0 or stop > len(message):
        malformed(f"a string of {length} bytes has not so many")
    return (start, stop), stop


def read_bytes(message: bytes, offset: int) -> Tuple[bytes, int]:
    """A STRING, as bytes of its own."""
    (start, stop), _ = read_span(message, offset)
    return message[start:stop], stop


def read_text(message: bytes, offset: int) -> Tuple[str, int]:
    """A STRING that is UTF-8."""
    (start, stop), _ = read_span(message, offset)
    try:
        return message[start:stop].decode(), stop
    except UnicodeDecodeError:
        malformed("a text is not UTF-8")


def read_list_header(message: bytes, offset: int, expected: int) -> Tuple[int, int]:
    """How many elements a LIST has, and where the first begins.

    There is at least a byte for each of them, eight where they are I64 or
    DOUBLE and four where they are STRING, or it is malformed.
    """
    (count,) = _unpack_i32(message, offset + 1)
    kind = message[offset]
    offset += 5
    if count and kind != expected:
        malformed(f"a list has elements of the type {kind} where {expected} is due")
    if count < 0 or count * _least_bytes(expected) > len(message) - offset:
        malformed(f"a list of {count} elements has not so many")
    _check_structs(count, expected)
    return count, offset


def _check_structs(count: int, kind: int) -> None:
    if count > LIST_STRUCTS_MAX and kind in (STRUCT, LIST, SET, MAP):
        malformed(f"a list has {count} structs, more than {LIST_STRUCTS_MAX}")


def _least_bytes(kind: int) -> int:
    return 4 if kind == STRING else _FIXED_BYTES.get(kind, 1)


def list_of(kind: int, read: Reader) -> Reader:
    """A reader of LISTs whose elements are of that type."""

    def read_list(message: bytes, offset: int) -> Tuple[List[Any], int]:
        count, offset = read_list_header(message, offset, kind)
        items = []
        for _ in range(count):
            item, offset = read(message, offset)
            items.append(item)
        return items, offset

    return read_list


def read_struct(message: bytes, offset: int, fields: Fields) -> Tuple[Dict[int, Any], int]:
    """A STRUCT: the values of the fields that are known and there, by number.

    A field that is unknown, or of another type than the known one, is skipped,
    as generated code does.
    """
    values: Dict[int, Any] = {}
    try:
        while True:
            kind = message[offset]
            if kind == STOP:
                return values, offset + 1
            (number,) = _unpack_i16(message, offset + 1)
            offset += 3
            known = fields.get(number)
            if known is not None and known[0] == kind:
                values[number], offset = known[1](message, offset)
            else:
                offset = skip(message, offset, kind)
    except (IndexError, struct.error):
        malformed("it ends within a struct")


def skip(message: bytes, offset: int, kind: int, depth: int = 0) -> int:
    """Where a value of that type ends."""
    fixed = _FIXED_BYTES.get(kind)
    if fixed is not None:
        return _checked(message, offset + fixed)
    if depth >= SKIP_DEPTH_MAX:
        malformed(f"an unknown field is nested deeper than {SKIP_DEPTH_MAX}")
    if kind == STRING:
        return read_span(message, offset)[1]
    if kind == STRUCT:
        while message[offset] != STOP:
            offset = skip(message, _checked(message, offset + 3), message[offset], depth + 1)
        return offset + 1
    if kind in (LIST, SET):
        (count,) = _unpack_i32(message, offset + 1)
        return _skip_elements(message, offset + 5, (message[offset],), count, depth)
    if kind == MAP:
        (count,) = _unpack_i32(message, offset + 2)
        kinds = (message[offset], message[offset + 1])
        return _skip_elements(message, offset + 6, kinds, count, depth)
    malformed(f"a field has the type {kind}, which does not exist")


def _skip_elements(
    message: bytes, offset: int, kinds: Tuple[int, ...], count: int, depth: int
) -> int:
    if count == 0:
        return offset
    least = sum(map(_least_bytes, kinds))
    if count < 0 or count * least > len(message) - offset:
        malformed(f"a container of {count} elements has not so many")
    if all(kind in _FIXED_BYTES for kind in kinds):
        return offset + count * least
    for kind in kinds:
        _check_structs(count, kind)
    for _ in range(count):
        for kind in kinds:
            offset = skip(message, offset, kind, depth + 1)
    return offset


def _checked(message: bytes, offset: int) -> int:
    if offset > len(message):
        malformed("it ends within a field")
    return offset


_EXCEPTION_FIELDS: Fields = {1: (STRING, read_text), 2: (I32, read_i32)}
