"""The replies that come most often, read by what is known of them: those of a
statement whose columns were seen before, in the packed layout, without warnings,
with all fields in the order in which the service writes them.

Whatever differs in a single byte from what is expected is left to the reader of
`_replies`, which takes every form that the contract allows. Nothing is believed
here that is not compared or counted.
"""

from __future__ import annotations

import struct
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ._columns import DOUBLES, INT64S, STRINGS, Column, Converter, RowSet, Shape, Vector

#: Statements whose replies begin and end like each other.
_CANDIDATES_MAX = 16
#: The number of columns, and some of the first one's metadata: usually its name
#: and type. Not more than a column of an empty name has.
_KEY_SIZE = 32
#: More than what follows the last column's vector: MySQL's aliases have 256 characters.
_TAIL_SIZE_MAX = 1_100
#: Columns in all that are remembered.
_COLUMNS_MAX = 16_384

_pack_string = struct.Struct(">bhi").pack
_pack_facts = struct.Struct(">bhibhibhibhibhqbh").pack
_unpack_i32 = struct.Struct(">i").unpack_from

# Field 0 of the result struct, field 1 of what was returned, and of that field 1.
_START = b"\x0c\x00\x00\x0c\x00\x01\x0b\x00\x01"
_START_SIZE = len(_START)
_SHARD = b"\x0b\x00\x02"
# The header from its third field on; then a query's rows up to their columns,
# or an execute's fields where there are no rows.
_rows_start = struct.Struct(">3s8x3s8x3s4x7sq4s4x")
_unpack_rows = _rows_start.unpack_from
_ROWS_SIZE = _rows_start.size
_QUEUE_US = b"\x0a\x00\x03"
_EXECUTE_US = b"\x0a\x00\x04"
_ATTEMPTS = b"\x08\x00\x05"
_ROWS = b"\x00\x0c\x00\x02\x0a\x00\x01"
_COLUMNS = b"\x0f\x00\x02\x0c"
_counts = struct.Struct(">3s8x3s8x3s4x4sq3sq3si19sq3sq2s")
_unpack_counts = _counts.unpack_from
_COUNTS_SIZE = _counts.size
_NO_LISTS = b"\x0f\x00\x06\x0c\x00\x00\x00\x00\x0f\x00\x07\x0c\x00\x00\x00\x00\x0a\x00\x08"
_COUNTS = (_QUEUE_US, _EXECUTE_US, _ATTEMPTS, b"\x00\x0a\x00\x02",
           b"\x0a\x00\x03", b"\x08\x00\x04", _NO_LISTS, b"\x0a\x00\x09", b"\0\0")  # fmt: skip
_TABLE = b"\x0b\x00\x11"
# No warnings, and the ends of all structs.
_END = b"\x00\x08\x00\x03\x00\x00\x00\x00\x0f\x00\x04\x0c\x00\x00\x00\x00\x00\x00"

_unpack_nulls = struct.Struct(">i3si").unpack_from
_unpack_int64 = struct.Struct("<q").unpack_from
_unpack_double = struct.Struct("<d").unpack_from
_unpack_mark = struct.Struct(">3si").unpack_from
_unpack_one_length = struct.Struct("<7sI").unpack_from
_LENGTHS = b"\x0b\x00\x10"
_ONE_LENGTH = b"\x0b\x00\x10\x00\x00\x00\x04"
_NO_NULLS = b"\x00\x00\x00\x00"
_ONE_NULL = b"\x00\x00\x00\x01\x01"
_ONE_EMPTY = b"\x00\x00\x00\x00" + _ONE_LENGTH + b"\x00\x00\x00\x00"

#: Of a column: the kind of its vector; all from the end of the vector before it
#: (that column's table among it) to its own bitmap of NULLs; the size of that; and
#: what introduces its vector.
_Expected = Tuple[int, bytes, int, bytes]
#: The same where there is one row: all from the end of the value before it to its
#: own number or the length of its string, the size of that, and all to the end of
#: its value where that is NULL.
_ExpectedOne = Tuple[int, bytes, int, bytes]
#: Of a shape: its columns, the same where there is one row, and all that follows
#: the last one's vector.
_Way = Tuple[Shape, List[_Expected], List[_ExpectedOne], bytes]

#: By the beginning of a reply's columns, and all from the last one's table on.
_known: Dict[bytes, Tuple[_Way, ...]] = {}

#: By the start of a result without a request_id, which ends in the length of the
#: shard's name: the bytes to the header's third field.
_heads: Dict[bytes, int] = {}
_HEADS_MAX = 64
_HEAD_SIZE = _START_SIZE + 4 + len(_SHARD) + 4

#: What follows a string of so many bytes, where it is the only one of its column.
_ENDS_OF_ONE = tuple(_ONE_LENGTH + struct.pack("<I", length) for length in range(256))


class OneRow(RowSet):
    """A result of one row: its values as their vectors hold them, None for NULL."""

    __slots__ = ("_values",)

    def __init__(self, shape: Shape, values: List[Any]) -> None:
        self.row_count = 1
        self.shape = shape
        self._values = values

    def rows(
        self,
        decoders: Mapping[int, Converter],
        start: int = 0,
        stop: Optional[int] = None,
    ) -> List[Tuple[Any, ...]]:
        """As `RowSet.rows`."""
        if start > 0 or (stop is not None and stop <= start):
            return []
        return [
            tuple(
                [
                    value if value is None or one is None else one(value)
                    for one, value in zip(self.shape.ones(decoders), self._values)
                ]
            )
        ]


def remember(shape: Shape) -> None:
    """Lets replies with these columns be read here from now on."""
    pairs = []
    between = b""
    for column in shape.columns:
        pairs.append(_expected(between, column))
        table = column.table.encode()
        between = _pack_string(11, 17, len(table)) + table + b"\0"
    end = between + _END
    key = len(pairs).to_bytes(4, "big") + pairs[0][0][1][: _KEY_SIZE - 4] + end
    others = _known.get(key, ())
    if any(way[0] is shape for way in others):
        return
    # A list of them is made at once, whatever other threads add meanwhile.
    ways_of_all = list(_known.values())
    if sum(len(way[1]) for ways in ways_of_all for way in ways) > _COLUMNS_MAX:
        _known.clear()
    way = (shape, [many for many, _ in pairs], [one for _, one in pairs], end)
    # Whole, since another thread may be reading it.
    _known[key] = (way, *others)[:_CANDIDATES_MAX]


def _expected(between: bytes, column: Column) -> Tuple[_Expected, _ExpectedOne]:
    name = column.name.encode()
    meta = b"".join(
        (
            between,
            _pack_string(11, 1, len(name)),
            name,
            _pack_facts(
                8, 2, column.type, 8, 3, column.flags, 8, 4, column.collation,
                8, 5, column.decimals, 10, 6, column.length, 11, 7,
            ),
        )
    )  # fmt: skip
    mark = bytes((11, 0, 12 + column.kind))
    is_number = column.kind < STRINGS
    size = b"\x00\x00\x00\x08" if is_number else b""
    one = meta + _NO_NULLS + mark + size
    empty = size + bytes(8) if is_number else _ONE_EMPTY
    null = meta + _ONE_NULL + mark + empty
    return (column.kind, meta, len(meta), mark), (column.kind, one, len(one), null)


def _after_shard(message: bytes, offset: int) -> int:
    """Where the third field of the header begins; 0 if something is unusual."""
    head = message[offset : offset + _HEAD_SIZE]
    size = _heads.get(head)
    if size is not None:
        return offset + size
    start = offset
    if not message.startswith(_START, offset):
        return 0
    (length,) = _unpack_i32(message, offset + _START_SIZE)
    if length < 0:
        return 0
    offset += _START_SIZE + 4 + length
    if not message.startswith(_SHARD, offset):
        return 0
    (length,) = _unpack_i32(message, offset + 3)
    if length < 0:
        return 0
    offset += 7 + length
    if head.startswith(_START + bytes(4) + _SHARD) and len(_heads) < _HEADS_MAX:
        _heads[head] = offset - start
    return offset


def query_rows(message: bytes, offset: int) -> Optional[RowSet]:
    """The rows of a reply to `query` that is as expected; else None."""
    try:
        offset = _after_shard(message, offset)
        if not offset:
            return None
        a, b, c, d, row_count, e = _unpack_rows(message, offset)
        if a != _QUEUE_US or b != _EXECUTE_US or c != _ATTEMPTS or d != _ROWS or e != _COLUMNS:
            return None
        offset += _ROWS_SIZE
        tail = message[message.rfind(_TABLE, -_TAIL_SIZE_MAX) :]
        candidates = _known.get(message[offset - 4 : offset - 4 + _KEY_SIZE] + tail)
        if candidates is None:
            return None
        for way in candidates:
            if row_count == 1:
                rows = _one_row(message, offset, way)
            else:
                rows = _rows(message, offset, row_count, way)
            if rows is not None:
                return rows
    except (struct.error, IndexError, UnicodeDecodeError):
        # It is malformed, which the other reader says.
        pass
    return None


def _one_row(message: bytes, offset: int, way: _Way) -> Optional[RowSet]:
    shape, _, expected, end = way
    starts_with = message.startswith
    values: List[Any] = []
    for kind, one, one_size, null in expected:
        if starts_with(one, offset):
            offset += one_size
            if kind == INT64S:
                (value,) = _unpack_int64(message, offset)
                offset += 8
            elif kind == DOUBLES:
                (value,) = _unpack_double(message, offset)
                offset += 8
            else:
                (length,) = _unpack_i32(message, offset)
                offset += 4
                stop = offset + length
                if not 0 <= length < 256 or not starts_with(_ENDS_OF_ONE[length], stop):
                    mark, same_length = _unpack_one_length(message, stop)
                    # Equal, so it is not below 0 either.
                    if mark != _ONE_LENGTH or same_length != length:
                        return None
                value = message[offset:stop]
                if kind == STRINGS:
                    value = value.decode()
                offset = stop + 11
            values.append(value)
        elif starts_with(null, offset):
            values.append(None)
            offset += len(null)
        else:
            return None
    if message[offset:] != end:
        return None
    return OneRow(shape, values)


def _rows(message: bytes, offset: int, row_count: int, way: _Way) -> Optional[RowSet]:
    shape, expected, _, end = way
    if row_count < 0:
        return None
    numbers_size = 8 * row_count
    lengths_size = 4 * row_count
    nulls_size = (row_count + 7) >> 3
    vectors: List[Vector] = []
    for kind, meta, meta_size, expected_mark in expected:
        if not message.startswith(meta, offset):
            return None
        offset += meta_size
        size, mark, length = _unpack_nulls(message, offset)
        nulls_start = offset + 4
        nulls_stop = nulls_start + size
        if size:
            if size != nulls_size:
                return None
            mark, length = _unpack_mark(message, nulls_stop)
        if mark != expected_mark or length < 0:
            return None
        start = nulls_stop + 7
        stop = start + length
        lengths_start = 0
        if kind < STRINGS:
            if length != numbers_size:
                return None
            offset = stop
        else:
            mark, length = _unpack_mark(message, stop)
            if mark != _LENGTHS or length != lengths_size:
                return None
            lengths_start = stop + 7
            offset = lengths_start + length
        vectors.append((message, start, stop, lengths_start, nulls_start, nulls_stop))
    if message[offset:] != end:
        return None
    return RowSet(row_count, shape, vectors)


def execute_counts(message: bytes, offset: int) -> Optional[Tuple[int, int, int, int, int]]:
    """Of a reply to `execute` without rows that is as expected: affected_rows,
    insert_id, warning_count, matched_rows, insert_count; else None."""
    try:
        offset = _after_shard(message, offset)
        if not offset or len(message) != offset + _COUNTS_SIZE:
            return None
        (a, b, c, d, affected_rows, e, insert_id, f, warning_count, g, matched_rows,
         h, insert_count, i) = _unpack_counts(message, offset)  # fmt: skip
    except (struct.error, IndexError):
        return None
    if (a, b, c, d, e, f, g, h, i) != _COUNTS:
        return None
    return affected_rows, insert_id, warning_count, matched_rows, insert_count
