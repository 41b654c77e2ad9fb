"""Columns to Python values: what a client does with a ResultSet."""

import copy
import struct

VECTORS = ("int64s", "doubles", "strings", "blobs")
PACKED = tuple(f"packed_{name}" for name in VECTORS)


def vector_name(column):
    """The name of the column's one vector."""
    names = [name for name in VECTORS + PACKED if getattr(column, name) is not None]
    assert len(names) == 1, f"column {column.name!r} has the vectors {names}, not exactly one"
    has_lengths = column.packed_lengths is not None
    assert has_lengths == (names[0] in ("packed_strings", "packed_blobs")), f"column {column.name!r}"
    return names[0]


def unpacked(result_set):
    """The same with ResultLayout.LISTS, of a result with ResultLayout.PACKED."""
    result_set = copy.copy(result_set)
    result_set.columns = [unpacked_column(column) for column in result_set.columns]
    return result_set


def unpacked_column(column):
    packed_name = vector_name(column)
    assert packed_name in PACKED, f"column {column.name!r} has {packed_name}, which is not packed"
    column = copy.copy(column)
    name, data = packed_name.removeprefix("packed_"), getattr(column, packed_name)
    if name in ("int64s", "doubles"):
        items = [item for (item,) in struct.iter_unpack("<q" if name == "int64s" else "<d", data)]
    else:
        items = split(data, [length for (length,) in struct.iter_unpack("<I", column.packed_lengths)])
    setattr(column, name, [item.decode() for item in items] if name == "strings" else items)
    setattr(column, packed_name, None)
    column.packed_lengths = None
    return column


def split(data, lengths):
    """The data in parts of these lengths, which are all of it."""
    assert sum(lengths) == len(data)
    ends, end = [], 0
    for length in lengths:
        end += length
        ends.append(end)
    return [data[end - length : end] for end, length in zip(ends, lengths)]


def is_null(column, row):
    if not column.nulls:
        return False
    return bool(column.nulls[row // 8] >> (row % 8) & 1)


def values(column):
    """The column's values, None where the bitmap says NULL; in either layout."""
    name = vector_name(column)
    if name in PACKED:
        name, column = name.removeprefix("packed_"), unpacked_column(column)
    vector = getattr(column, name)
    return [None if is_null(column, row) else value for row, value in enumerate(vector)]


def rows(result_set):
    """The rows as tuples."""
    columns = [values(column) for column in result_set.columns]
    for column in columns:
        assert len(column) == result_set.row_count
    return list(zip(*columns))


def only(result_set):
    """The one value of a result of one row and one column."""
    ((value,),) = rows(result_set)
    return value
