"""What programs override in cursors and connections of their own beside the public
methods: `_query`, `_do_get_result` and `_mogrify` of PyMySQL's Cursor, `query` and
`escape` of its Connection; to log statements, to add comments, to change rows.

Where any of them is overridden, statements go PyMySQL's way through all of them;
elsewhere none of them is called.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from . import err
from ._statement import as_text

CURSOR_HOOKS = ("_query", "_do_get_result", "_mogrify")
CONNECTION_HOOKS = ("query", "escape")

#: This package's own functions by these names.
_own: dict[str, Any] = {}

#: Of a statement that may have many rows: what is before the first row, the row's
#: placeholders, and what is after it.
_BULK = re.compile(
    r"(\s*(?:INSERT|REPLACE)\b.+?\bVALUES?\s*)"
    r"(\(\s*%(?:\([^()]+\))?s(?:\s*,\s*%(?:\([^()]+\))?s)*\s*\))"
    r"(\s*(?:(?:AS|ON\s+DUPLICATE)\s.*)?);?\s*\Z",
    re.IGNORECASE | re.DOTALL,
)


def remember_own(kind: type, *names: str) -> None:
    """These are the class's own, which nothing overrides."""
    _own.update({name: getattr(kind, name) for name in names})


def are_overridden(kind: type, *names: str) -> bool:
    """Whether a class has other functions by any of these names."""
    return any(getattr(kind, name) is not _own[name] for name in names)


class CursorHooks:
    """The part of `Cursor` that goes PyMySQL's way."""

    connection: Any
    max_stmt_length: int
    rowcount: int
    _asked: Any
    _clear_result: Any
    _decode: Any
    _get_db: Any
    _mogrify: Any
    _row_set: Any
    _take: Any
    execute: Any
    nextset: Any

    #: Whether the class overrides any of CURSOR_HOOKS, and execute().
    _is_hooked = False
    _overrides_execute = False
    #: False of cursors that make values of rows only as they are fetched.
    _is_buffered = True

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if _own:
            cls._is_hooked = are_overridden(cls, *CURSOR_HOOKS)
            cls._overrides_execute = are_overridden(cls, "execute")

    def _execute_by_hooks(self, query: Any, args: Any) -> Any:
        while self.nextset():
            pass
        connection = self._get_db()
        text = query
        if args is not None:
            text = self._mogrify(query, args)
            if not are_overridden(type(self), "_mogrify") and not are_overridden(
                type(connection), "escape"
            ):
                # What is asked to run this very text is sent with its values beside it.
                connection._meant = (text, query, args)
        try:
            return self._query(text)
        finally:
            connection._meant = None

    def _query(self, q: Any) -> int:
        """Runs a statement's text, and takes what came of it."""
        connection = self._get_db()
        self._clear_result()
        if self._is_buffered:
            connection.query(q)
        else:
            connection.query(q, unbuffered=True)
        self._asked = (q, None)
        self._do_get_result()
        return self.rowcount

    def _do_get_result(self) -> None:
        """Takes the connection's last result; a subclass may change `_rows` after it."""
        self._take(self._get_db()._result)
        if self._is_buffered and self._row_set is not None:
            self._decode()

    def _execute_many_by_hooks(self, query: Any, args: Iterable[Any]) -> int:
        """By execute(), which sees every statement: of many rows each, where it can be."""
        query = as_text(query)
        found = _BULK.match(query)
        if found is None:
            self.rowcount = sum([self.execute(query, row) for row in args])
            return self.rowcount
        try:
            before, after = (found.group(number) % () for number in (1, 3))
        except (TypeError, ValueError) as error:
            raise err.ProgrammingError(str(error)) from error
        count, size = 0, 0
        rows: list[str] = []
        for row in args:
            text = self._mogrify(found.group(2), row)
            size += len(text.encode("utf-8", "replace")) + 1
            if rows and size + len(before) + len(after) > self.max_stmt_length:
                count += self.execute(before + ",".join(rows) + after)
                size, rows = len(text), []
            rows.append(text)
        if rows:
            count += self.execute(before + ",".join(rows) + after)
        self.rowcount = count
        return count
