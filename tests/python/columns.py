"""Columns to Python values: what a client does with a ResultSet."""

VECTORS = ("int64s", "doubles", "strings", "blobs")


def vector_name(column):
    """The name of the column's one vector."""
    names = [name for name in VECTORS if getattr(column, name) is not None]
    assert len(names) == 1, f"column {column.name!r} has the vectors {names}, not exactly one"
    return names[0]


def is_null(column, row):
    if not column.nulls:
        return False
    return bool(column.nulls[row // 8] >> (row % 8) & 1)


def values(column):
    """The column's values, None where the bitmap says NULL."""
    vector = getattr(column, vector_name(column))
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
