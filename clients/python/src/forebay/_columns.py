"""A result's columns: from the vectors of a reply to the values that PyMySQL
gives, column by column, and from these to rows.

Vectors stay in the reply's message until rows are asked for. How a column is
read is chosen once for a statement's columns, not for each value: see `_decode`.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from . import _decode
from ._decode import BLOBS, DOUBLES, INT64S, STRINGS

__all__ = [
    "BLOBS", "DOUBLES", "INT64S", "SHAPE_COLUMNS_MAX", "STRINGS",
    "Column", "Converter", "RowSet", "Shape", "Vector", "shape_of",
]  # fmt: skip

Converter = Optional[Callable[[Any], Any]]

#: A column's vector: the bytes that hold it, where in them its values begin and
#: end, where the lengths of strings or blobs begin, and where the bitmap of its
#: NULLs begins and ends.
Vector = Tuple[bytes, int, int, int, int, int]

#: A column's kind, and how to read many of its values, and one.
Reader = Tuple[int, _decode.Many, _decode.One]

_SHAPES_MAX = 512
#: Columns of a statement whose shape is kept.
SHAPE_COLUMNS_MAX = 256


class Column:
    """What a result tells of a column beside its values."""

    __slots__ = ("collation", "decimals", "flags", "kind", "length", "name", "table", "type")

    def __init__(
        self,
        name: str,
        type: int,
        flags: int,
        collation: int,
        decimals: int,
        length: int,
        kind: int,
        table: str = "",
    ) -> None:
        #: Its name or alias, as the statement gave it.
        self.name = name
        #: MySQL's number of the type: `constants.FIELD_TYPE`.
        self.type = type
        #: MySQL's flags: `constants.FLAG`.
        self.flags = flags
        #: MySQL's number of the collation; 63 is `binary`.
        self.collation = collation
        #: Digits after the point; 31 where it varies.
        self.decimals = decimals
        #: The display length in bytes.
        self.length = length
        #: The kind of its vector: `INT64S` and its like.
        self.kind = kind
        #: The alias or name of its table in the statement; empty for an expression,
        #: and where the service does not tell it.
        self.table = table


class Shape:
    """A statement's columns, shared by all the results that have the same ones."""

    __slots__ = ("_readers", "columns", "description_cache", "types")

    def __init__(self, columns: List[Column]) -> None:
        self.columns = columns
        self.types = [column.type for column in columns]
        #: For the caller, who may keep here what it makes of the columns.
        self.description_cache: Any = None
        # One tuple, so that threads which share a shape see all of it or none.
        self._readers: Tuple[List[Any], List[Reader], List[_decode.One]] = ([], [], [])

    def readers(self, decoders: Mapping[int, Converter]) -> List[Reader]:
        """Each column's kind, and how it is read with these converters."""
        return self._chosen(decoders)[1]

    def ones(self, decoders: Mapping[int, Converter]) -> List[_decode.One]:
        """How one value of each column is read with these converters."""
        chosen = self._readers
        if list(map(decoders.get, self.types)) == chosen[0]:
            return chosen[2]
        return self._chosen(decoders)[2]

    def _chosen(
        self, decoders: Mapping[int, Converter]
    ) -> Tuple[List[Any], List[Reader], List[_decode.One]]:
        converters = list(map(decoders.get, self.types))
        chosen = self._readers
        if converters != chosen[0]:
            readers: List[Reader] = [
                (column.kind, *_decode.decoder(column, converter))
                for column, converter in zip(self.columns, converters)
            ]
            chosen = self._readers = (converters, readers, [one for _, _, one in readers])
        return chosen


class RowSet:
    """The rows of a statement, as yet in columns."""

    __slots__ = ("_ends", "_vectors", "row_count", "shape")

    def __init__(self, row_count: int, shape: Shape, vectors: Sequence[Vector]) -> None:
        self.row_count = row_count
        self.shape = shape
        self._vectors = vectors
        #: Of columns that are read in parts: where each of their values ends.
        self._ends: Optional[List[Optional[List[int]]]] = None

    @property
    def columns(self) -> List[Column]:
        """The columns in the statement's order; the same list for the same columns."""
        return self.shape.columns

    def rows(
        self,
        decoders: Mapping[int, Converter],
        start: int = 0,
        stop: Optional[int] = None,
    ) -> List[Tuple[Any, ...]]:
        """The rows from `start` to before `stop` as tuples of PyMySQL's values.

        `decoders` are a connection's, by type: a default converter is done
        faster, with the same values; another one is given the text, or the
        bytes, that PyMySQL would give it; where there is none the text, or the
        bytes, are the value.
        """
        count = self.row_count
        if stop is None or stop > count:
            stop = count
        if start >= stop:
            return []
        readers = self.shape.readers(decoders)
        ends = None if stop - start == count else self._all_ends()
        columns = []
        for index, (kind, many, _) in enumerate(readers):
            source, first, last, lengths_start, nulls_start, nulls_stop = self._vectors[index]
            mask = None
            if nulls_start != nulls_stop:
                mask = _null_mask(source[nulls_start:nulls_stop], start, stop - start)
                if mask is not None and 0 not in mask:
                    columns.append([None] * (stop - start))
                    continue
            if kind < STRINGS:
                last = first + 8 * stop
                first += 8 * start
            elif ends is not None:
                own = ends[index]
                assert own is not None
                last = first + own[stop - 1]
                if start:
                    first += own[start - 1]
            columns.append(
                many(source, first, last - first, lengths_start + 4 * start, stop - start, mask)
            )
        return list(zip(*columns))

    def _all_ends(self) -> List[Optional[List[int]]]:
        if self._ends is None:
            self._ends = [
                _decode.ends_of(source, lengths_start, self.row_count, last - first)
                if column.kind >= STRINGS
                else None
                for column, (source, first, last, lengths_start, _, _) in zip(
                    self.columns, self._vectors
                )
            ]
        return self._ends


_DIGITS = bytes.maketrans(b"01", b"\0\1")


def _null_mask(nulls: bytes, start: int, count: int) -> Optional[bytes]:
    """A byte for each of `count` rows from `start`, 1 where it is NULL; None if none is."""
    bits = int.from_bytes(nulls, "little") >> start & (1 << count) - 1
    if not bits:
        return None
    return f"{bits:0{count}b}"[::-1].encode().translate(_DIGITS)


_shapes: Dict[Any, Shape] = {}


def shape_of(columns: List[Column]) -> Shape:
    """The shape of these columns: the one that was made before, if it is known."""
    key = tuple(
        (c.name, c.type, c.flags, c.collation, c.decimals, c.length, c.kind, c.table)
        for c in columns
    )
    shape = _shapes.get(key)
    if shape is None:
        shape = Shape(columns)
        if len(_shapes) >= _SHAPES_MAX:
            _shapes.clear()
        if len(columns) <= SHAPE_COLUMNS_MAX:
            _shapes[key] = shape
    return shape
