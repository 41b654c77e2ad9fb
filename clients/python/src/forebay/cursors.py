"""Cursors (PEP 249), as PyMySQL has them: `Cursor` gives tuples, `DictCursor`
dictionaries, and `SSCursor` and `SSDictCursor` make rows only as they are fetched.

Rows become Python values when the first of them is fetched, a whole result at
once; the SS cursors do it in slices.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Optional

from . import err
from ._cursor import Cursor, description_of

#: `rowcount` of an SS cursor with rows: as in PyMySQL and MySQLdb, which do not know it.
UNKNOWN_ROW_COUNT = 18446744073709551615
#: Rows that an SS cursor makes at a time.
SLICE_ROWS = 500

__all__ = [
    "Cursor",
    "DictCursor",
    "DictCursorMixin",
    "SSCursor",
    "SSDictCursor",
    "description_of",
]


class DictCursorMixin:
    """Rows as dictionaries, by the columns' names. What has the name of a column
    before it is `table.name`, by its table's alias or name in the statement."""

    #: May be replaced in a subclass by another type that `dict` can stand for.
    dict_type: Any = dict
    _fields: Any = None

    def _names(self) -> list[str]:
        names: list[str] = []
        for column in self._row_set.columns:  # type: ignore[attr-defined]
            name = column.name
            if name in names:
                name = f"{column.table}.{name}"
            names.append(name)
        self._fields = names
        return names

    def _decode(self) -> Any:
        rows = super()._decode()  # type: ignore[misc]
        if not rows:
            return rows
        names = self._names()
        if type(self)._conv_row is DictCursorMixin._conv_row:
            make = self.dict_type
            rows = [make(zip(names, row)) for row in rows]
        else:
            rows = [self._conv_row(row) for row in rows]
        self._rows = rows
        return rows

    def _conv_row(self, row: Any) -> Any:
        if row is None:
            return None
        if self._fields is None:
            self._names()
        return self.dict_type(zip(self._fields, row))


class DictCursor(DictCursorMixin, Cursor):
    """A cursor whose rows are dictionaries."""


class SSCursor(Cursor):
    """A cursor that makes values of its rows in slices, as they are fetched.

    PyMySQL's reads its rows from the server as they are fetched. This one does
    not: its statement is one call, whose reply is held as the bytes that came (a
    fraction of what the rows take as Python objects), and a result over the
    service's limits of rows or bytes (result_max_rows, result_max_bytes) is an
    error. Read what is larger in pages, by key: `WHERE id > %s ORDER BY id LIMIT
    10000`. In exchange another statement may run on the connection meanwhile, and
    no connection of the database waits for the program.
    """

    _is_buffered = False
    _slice: Any = ()
    _at = 0
    _next = 0

    def _take(self, result: Any) -> int:
        count = super()._take(result)
        self._restart()
        if self._row_set is None:
            return count
        self.rowcount = UNKNOWN_ROW_COUNT
        return UNKNOWN_ROW_COUNT

    def _clear_result(self) -> None:
        super()._clear_result()
        self._restart()

    def _restart(self) -> None:
        self._slice = ()
        self._at = self._next = 0

    def nextset(self) -> Optional[bool]:
        """Goes on to the statement's next set of rows; None if there is none."""
        more = super().nextset()
        if more:
            self._restart()
            if self._row_set is not None:
                self.rowcount = UNKNOWN_ROW_COUNT
        return more

    def read_next(self) -> Any:
        """The next row; None after the last."""
        if self._at >= len(self._slice):
            row_set = self._row_set
            if row_set is None:
                self._check_may_have_rows()
                return None
            if self._next >= row_set.row_count:
                return None
            end = self._next + SLICE_ROWS
            self._slice = row_set.rows(self._decoders, self._next, end)
            self._next = end
            self._at = 0
        row = self._slice[self._at]
        self._at += 1
        return self._conv_row(row)

    def fetchone(self) -> Any:
        """The next row; None after the last."""
        self._check_executed()
        row = self.read_next()
        if row is not None:
            self.rownumber += 1
        return row

    def fetchall(self) -> list[Any]:
        """The rows that are left, in a list."""
        return list(self.fetchall_unbuffered())

    def fetchall_unbuffered(self) -> Iterator[Any]:
        """An iterator of the rows that are left."""
        return iter(self.fetchone, None)

    def fetchmany(self, size: Optional[int] = None) -> Any:
        """The next `size` rows, or `arraysize`; fewer at the end, `()` after it."""
        self._check_executed()
        rows = []
        for _ in range(self.arraysize if size is None else size):
            row = self.read_next()
            if row is None:
                break
            rows.append(row)
        self.rownumber += len(rows)
        return rows or ()

    def scroll(self, value: int, mode: str = "relative") -> None:
        """Skips rows: so many, or (`"absolute"`) up to that one. There is no way back."""
        self._check_executed()
        if mode not in ("relative", "absolute"):
            raise err.ProgrammingError(f"unknown scroll mode {mode}")
        ahead = value if mode == "relative" else value - self.rownumber
        if ahead < 0:
            raise err.NotSupportedError("Backwards scrolling not supported by this cursor")
        for _ in range(ahead):
            self.read_next()
        self.rownumber += ahead


class SSDictCursor(DictCursorMixin, SSCursor):
    """An `SSCursor` whose rows are dictionaries."""

    def _take(self, result: Any) -> int:
        self._fields = None
        return super()._take(result)

    def nextset(self) -> Optional[bool]:
        """Goes on to the statement's next set of rows; None if there is none."""
        self._fields = None
        return super().nextset()
