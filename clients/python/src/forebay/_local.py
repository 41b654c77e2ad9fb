"""Results that this package makes itself, without asking the service: those of
SET, BEGIN, SHOW WARNINGS. They look as `_replies.Result` does.

Nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

from .constants import FIELD_TYPE, FLAG

_NOT_NULL_UNSIGNED = FLAG.NOT_NULL | FLAG.UNSIGNED
#: Name, type, flags, decimals, length in bytes: as MySQL describes SHOW WARNINGS.
_LEVEL = ("Level", FIELD_TYPE.VAR_STRING, FLAG.NOT_NULL, 31, 28)
_CODE = ("Code", FIELD_TYPE.LONG, _NOT_NULL_UNSIGNED, 0, 4)
_MESSAGE = ("Message", FIELD_TYPE.VAR_STRING, FLAG.NOT_NULL, 31, 2048)


class LocalColumn:
    """What a cursor asks of a column."""

    __slots__ = ("collation", "decimals", "flags", "length", "name", "type")

    #: Of none.
    table = ""

    def __init__(self, name: str, type: int, flags: int, decimals: int, length: int) -> None:
        self.name = name
        self.type = type
        self.flags = flags
        self.collation = 45 if type == FIELD_TYPE.VAR_STRING else 63
        self.decimals = decimals
        self.length = length


class LocalRows:
    """Rows that are Python values already."""

    __slots__ = ("_rows", "columns", "row_count")

    def __init__(self, columns: Sequence[LocalColumn], rows: Sequence[tuple[Any, ...]]) -> None:
        self.columns = list(columns)
        self.row_count = len(rows)
        self._rows = list(rows)

    def rows(
        self, decoders: Mapping[int, Any], start: int = 0, stop: Optional[int] = None
    ) -> list[tuple[Any, ...]]:
        """The rows from `start` to `stop`; `decoders` are not asked."""
        return self._rows[start:stop]


class LocalResult:
    """What a statement came to that the service was not asked to run."""

    __slots__ = (
        "affected_rows",
        "attempts",
        "execute_us",
        "insert_count",
        "insert_id",
        "matched_rows",
        "more_rows",
        "queue_us",
        "request_id",
        "rows",
        "shard",
        "warning_count",
        "warnings",
    )

    def __init__(self, rows: Optional[LocalRows] = None) -> None:
        self.affected_rows = 0
        self.matched_rows = 0
        self.insert_id = 0
        self.insert_count = 0
        self.warning_count = 0
        self.warnings: list[tuple[str, int, str]] = []
        self.rows = rows
        self.more_rows: list[LocalRows] = []
        self.shard = ""
        self.request_id = ""
        self.queue_us = 0
        self.execute_us = 0
        self.attempts = 0


def warning_rows(warnings: Sequence[tuple[str, int, str]]) -> LocalRows:
    """The answer of SHOW WARNINGS."""
    return LocalRows([LocalColumn(*known) for known in (_LEVEL, _CODE, _MESSAGE)], warnings)


def warning_count_rows(name: str, count: int) -> LocalRows:
    """The answer of SHOW COUNT(*) WARNINGS."""
    column = LocalColumn(name, FIELD_TYPE.LONGLONG, FLAG.UNSIGNED | FLAG.BINARY, 0, 21)
    return LocalRows([column], [(count,)])


def number_row(name: str, value: int, asked: str) -> LocalRows:
    """One number, as MySQL describes LAST_INSERT_ID(), ROW_COUNT() or a variable."""
    flags = FLAG.BINARY
    if not asked.startswith("@@"):
        flags |= FLAG.NOT_NULL
    if not asked.startswith("ROW_COUNT"):
        flags |= FLAG.UNSIGNED
    length = 1 if asked.endswith("AUTOCOMMIT") else 21
    return LocalRows([LocalColumn(name, FIELD_TYPE.LONGLONG, flags, 0, length)], [(value,)])
