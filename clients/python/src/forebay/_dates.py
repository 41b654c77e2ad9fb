"""Texts of dates and times, of a whole column at once where all have the usual
form; what has not is left to the converters, which know every form.

`fromisoformat` is fast, but takes more than PyMySQL does (from Python 3.11 weeks
and zones, from 3.14 the hour 24), so its texts are looked through before.
"""

from __future__ import annotations

import datetime
import re
from typing import Any, Callable, Dict, List, Optional


class Memo(Dict[str, Any]):
    """What each text was converted to: dates repeat. Lives as long as one column is read."""

    __slots__ = ("convert",)

    def __init__(self, convert: Callable[[str], Any]) -> None:
        self.convert = convert

    def __missing__(self, text: str) -> Any:
        value = self[text] = self.convert(text)
        return value


_WIDTH_PATTERNS = {
    width: re.compile("(?s).{%d}" % width).findall for width in (8, 10, 19, 21, 22, 23, 24, 25, 26)
}
_datetime = datetime.datetime.fromisoformat
_date = datetime.date.fromisoformat


def _has_at(text: str, width: int, mark: str, *places: int) -> bool:
    count = len(text) // width
    return all(text[place::width].count(mark) == count for place in places)


def datetimes(text: str, width: int) -> Optional[List[Any]]:
    """`2024-02-29 23:59:59.123456`. What `fromisoformat` takes beyond that form,
    other than PyMySQL, is sorted out before."""
    split = _WIDTH_PATTERNS.get(width)
    if (
        split is None
        or width < 19
        or not _has_at(text, width, "-", 4, 7)
        or not _has_at(text, width, " ", 10)
        or not _has_at(text, width, ":", 13, 16)
        or (width > 19 and not _has_at(text, width, ".", 19))
        or text.count("-") != 2 * (len(text) // width)
        or "+" in text
        or "Z" in text
        or " 24" in text
    ):
        return None
    texts = split(text)
    if width not in (19, 23, 26):
        texts = [item.ljust(26, "0") for item in texts]
    try:
        return list(map(_datetime, texts))
    except ValueError:
        return None


def dates(text: str, width: int) -> Optional[List[Any]]:
    """`2024-02-29`."""
    if width != 10 or not _has_at(text, 10, "-", 4, 7):
        return None
    try:
        return list(map(_date, _WIDTH_PATTERNS[10](text)))
    except ValueError:
        return None


def times(text: str, width: int) -> Optional[List[Any]]:
    """`23:59:59`."""
    if width != 8 or not _has_at(text, 8, ":", 2, 5):
        return None
    digits = text.replace(":", "")
    if not digits.isdigit() or len(digits) != len(text) // 8 * 6:
        return None
    return list(map(Memo(_clock).__getitem__, _WIDTH_PATTERNS[8](text)))


def _clock(text: str) -> datetime.timedelta:
    seconds = int(text[:2]) * 3600 + int(text[3:5]) * 60 + int(text[6:])
    return datetime.timedelta(0, seconds)


def usual_datetime(text: str) -> Optional[datetime.datetime]:
    """The DATETIME `2024-02-29 23:59:59`, perhaps with `.123456`; None if it is
    none of that form."""
    # PyMySQL's form and no other; `fromisoformat` takes more.
    if (
        text[4:17:3] == "-- ::"
        and (len(text) == 19 or (len(text) == 26 and text[19] == "." and text[20:].isdigit()))
        and text[11:13] != "24"
    ):
        try:
            return _datetime(text)
        except ValueError:
            pass
    return None
