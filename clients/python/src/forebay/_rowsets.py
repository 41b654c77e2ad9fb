"""A ResultSet of a reply, in either layout: from its struct to a `RowSet`.

Typed lists are made into what packed columns are, so that there is one reader of
values.
"""

from __future__ import annotations

import sys
from array import array
from typing import Any, Dict, Tuple

from . import _quick
from . import _thrift as thrift
from ._columns import (
    DOUBLES,
    INT64S,
    SHAPE_COLUMNS_MAX,
    STRINGS,
    Column,
    RowSet,
    Vector,
    shape_of,
)
from ._thrift import I32, I64, LIST, STRING, STRUCT, Fields, Reader, list_of, malformed


def _row_set(values: Dict[int, Any]) -> RowSet:
    row_count = values.get(1, 0)
    parts = values.get(2, [])
    if row_count < 0 or (row_count and not parts):
        malformed(f"a result has {row_count} rows without a column")
    columns = []
    vectors = []
    for message, fields in parts:
        kind, vector = _vector(message, fields, row_count)
        get = fields.get
        columns.append(
            Column(
                get(1, ""), get(2, 0), get(3, 0), get(4, 0), get(5, 0), get(6, 0), kind, get(17, "")
            )
        )
        vectors.append(vector)
    shape = shape_of(columns)
    if 0 < len(columns) <= SHAPE_COLUMNS_MAX:
        _quick.remember(shape)
    return RowSet(row_count, shape, vectors)


def _vector(message: bytes, fields: Dict[int, Any], row_count: int) -> Tuple[int, Vector]:
    present = [number for number in range(8, 16) if number in fields]
    nulls_start, nulls_stop = fields.get(7, (0, 0))
    if nulls_stop - nulls_start > (row_count + 7) // 8:
        malformed("a column's bitmap of NULLs is longer than its rows")
    if len(present) != 1:
        if not present and not row_count:
            return STRINGS, (b"", 0, 0, 0, 0, 0)
        malformed(f"a column has {len(present)} vectors")
    number = present[0]
    kind = (number - 8) % 4
    if number < 12:
        source, lengths_start, count = fields[number]
        data_start, data_stop = 0, lengths_start
        nulls = message[nulls_start:nulls_stop]
        nulls_start = len(source)
        nulls_stop = nulls_start + len(nulls)
        source += nulls
        if count != row_count:
            malformed(f"a column of {row_count} rows has {count} values")
        return kind, (source, 0, data_stop, lengths_start, nulls_start, nulls_stop)
    data_start, data_stop = fields[number]
    lengths_start, lengths_stop = fields.get(16, (0, 0))
    if kind in (INT64S, DOUBLES):
        if data_stop - data_start != 8 * row_count:
            malformed(f"a column of {row_count} rows has {data_stop - data_start} bytes of numbers")
    elif lengths_stop - lengths_start != 4 * row_count:
        size = lengths_stop - lengths_start
        malformed(f"a column of {row_count} rows has {size} bytes of lengths")
    return kind, (message, data_start, data_stop, lengths_start, nulls_start, nulls_stop)


# Of typed lists: the bytes, where lengths begin in them, and how many values there are.


def _numbers(code: str, kind: int) -> Reader:
    def read(message: bytes, offset: int) -> Tuple[Any, int]:
        count, offset = thrift.read_list_header(message, offset, kind)
        stop = offset + 8 * count
        values = array(code, message[offset:stop])
        # From the big end first to the little end first, whatever ours is.
        values.byteswap()
        return (values.tobytes(), 8 * count, count), stop

    return read


def _strings(message: bytes, offset: int) -> Tuple[Any, int]:
    count, offset = thrift.read_list_header(message, offset, STRING)
    parts = []
    for _ in range(count):
        part, offset = thrift.read_bytes(message, offset)
        parts.append(part)
    lengths = array("I", map(len, parts))
    if sys.byteorder == "big":
        lengths.byteswap()
    data = b"".join(parts)
    return (data + lengths.tobytes(), len(data), count), offset


def _column(message: bytes, offset: int) -> Tuple[Any, int]:
    fields, offset = thrift.read_struct(message, offset, _COLUMN)
    return (message, fields), offset


_text = (STRING, thrift.read_text)
_span = (STRING, thrift.read_span)
_i32 = (I32, thrift.read_i32)
_i64 = (I64, thrift.read_i64)

_COLUMN: Fields = {
    1: _text,
    2: _i32,
    3: _i32,
    4: _i32,
    5: _i32,
    6: _i64,
    7: _span,
    8: (LIST, _numbers("q", I64)),
    9: (LIST, _numbers("d", thrift.DOUBLE)),
    10: (LIST, _strings),
    11: (LIST, _strings),
    12: _span,
    13: _span,
    14: _span,
    15: _span,
    16: _span,
    17: _text,
}


def read_row_set(message: bytes, offset: int) -> Tuple[RowSet, int]:
    """A ResultSet."""
    values, offset = thrift.read_struct(message, offset, _ROWS)
    return _row_set(values), offset


_ROWS: Fields = {1: _i64, 2: (LIST, list_of(STRUCT, _column))}
