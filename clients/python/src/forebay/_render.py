"""From the values of a statement's placeholders to pieces of text and values to
send. The rules are PyMySQL's `Connection.escape`, but what that would write as
a string is sent as a value."""

from __future__ import annotations

import datetime
import re
import time
from decimal import Decimal
from typing import Any, Iterable, List, Optional

from . import converters
from ._holes import Hole
from .converters import Encoder, Encoders
from .err import ProgrammingError

#: Types that PyMySQL never looks up among the encoders, and those whose default
#: encoder says what `_values` does.
TEXTS = frozenset((str, bytes, bytearray, memoryview))
DEFAULTS: dict[type, Encoder] = {
    kind: converters.encoders[kind]
    for kind in (
        type(None),
        bool,
        int,
        float,
        Decimal,
        datetime.datetime,
        datetime.date,
        datetime.time,
        datetime.timedelta,
        time.struct_time,
    )
}
PLAIN = TEXTS.union(DEFAULTS)
_SEQUENCES = frozenset((list, tuple, set, frozenset))

#: MySQL's number for a wrong argument.
_WRONG_ARGUMENTS = 1210

#: The most that one value of the contract holds; it has a comma between any two,
#: and so has the text between two values.
_ITEMS_MAX = 65_535

#: What may be put into the text: numbers as `converters` writes them, and NULL.
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?(?:e[+-]?[0-9]+)?|NULL", re.ASCII)

#: Pieces of a text; None where a value is put.
Pieces = List[Optional[str]]


def are_plain(encoders: Encoders) -> bool:
    """Whether `encoders` has PyMySQL's own for every type that it has one for; for
    the argument `plain` of `_template`."""
    return all(encoders.get(kind) is default for kind, default in DEFAULTS.items())


def literal(value: Any, encoders: Encoders) -> str:
    """A value's SQL as PyMySQL's `Connection.escape` writes it by default; of a
    memoryview its bytes."""
    if isinstance(value, str):
        return f"'{converters.escape_string(value)}'"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"X'{value.hex()}'"
    if type(value) in _SEQUENCES:
        return "(" + ",".join([literal(item, encoders) for item in value]) + ")"
    return converters.escape_item(value, "utf8", encoders)


def put(
    pieces: Pieces, values: List[Any], hole: Hole, number: int, value: Any, encoders: Encoders
) -> None:
    """Adds what belongs at the placeholder of this number: numbers to the text where
    they must be, else a mark to the text and the value to `values`.

    :raises ProgrammingError: the value cannot stand there.
    """
    if hole.inline:
        digits = _number(value, encoders)
        if digits is not None:
            pieces.append(hole.form % digits)
            return
        if hole.quoted:
            name = f"%({hole.key})s" if hole.key is not None else f"placeholder {number + 1}"
            raise ProgrammingError(
                _WRONG_ARGUMENTS,
                f"{name} stands in quotes or in a comment, where only a number can be put: "
                "take the quotes away, they belong to the value (LIKE %s with '%text%' as value)",
            )
        if hole.introducer:
            if isinstance(value, (bytes, bytearray, memoryview)):
                # The service writes `_binary` itself, and a string has one only.
                if hole.introducer.rstrip().lower() != "_binary":
                    pieces.append(f"X'{bytes(memoryview(value)).hex()}'")
                    return
                pieces[-1] = (pieces[-1] or "")[: -len(hole.introducer)]
            elif isinstance(value, str):
                # The service wants a blank there; for the database it is the same.
                pieces.append(" ")
    _render(pieces, values, value, encoders)


def _render(pieces: Pieces, values: List[Any], value: Any, encoders: Encoders) -> None:
    kind = type(value)
    if kind in TEXTS:
        pieces.append(None)
        values.append(value)
    elif isinstance(value, (str, bytes, bytearray)):
        # Of a subclass the content counts, whatever its str() is.
        pieces.append(None)
        values.append(str.__str__(value) if isinstance(value, str) else bytes(memoryview(value)))
    elif kind in _SEQUENCES:
        _render_sequence(pieces, values, value, encoders)
    else:
        encoder = encoders.get(kind) or encoders.get(str)
        if encoder is converters.escape_str:
            value = str(value)
        elif encoder is None or encoder is not DEFAULTS.get(kind):
            pieces.append(str(converters.escape_item(value, "utf8", encoders)))
            return
        pieces.append(None)
        values.append(value)


def _render_sequence(
    pieces: Pieces, values: List[Any], items: Iterable[Any], encoders: Encoders
) -> None:
    """PyMySQL writes the parentheses, so that `IN %s` takes a list."""
    items = list(items)
    kinds = set(map(type, items))
    is_plain = kinds <= PLAIN and all(
        encoders.get(kind) is DEFAULTS[kind] for kind in kinds - TEXTS
    )
    pieces.append("(")
    if items and is_plain:
        # One value, so that the text is the same for any number of items.
        for start in range(0, len(items), _ITEMS_MAX):
            pieces += (",", None) if start else (None,)
            values.append(items[start : start + _ITEMS_MAX])
    else:
        for index, item in enumerate(items):
            if index:
                pieces.append(",")
            _render(pieces, values, item, encoders)
    pieces.append(")")


def _number(value: Any, encoders: Encoders) -> Optional[str]:
    """A value's SQL if it is a number or NULL."""
    if isinstance(value, (str, bytes, bytearray)):
        return None
    text = str(literal(value, encoders))
    return text if _NUMBER.fullmatch(text) else None


def joined(pieces: Pieces) -> str:
    """The text to send. Without any value the service reads no `%` in it."""
    if None not in pieces:
        return "".join([piece for piece in pieces if piece is not None])
    return "".join(["%s" if piece is None else piece.replace("%", "%%") for piece in pieces])


def check_unused(args: dict[Any, Any], keys: Iterable[Any], encoders: Encoders) -> None:
    """PyMySQL writes what is not used as well, and fails if it cannot."""
    used = set(keys)
    for key, value in args.items():
        if key not in used and type(value) not in TEXTS:
            literal(value, encoders)
