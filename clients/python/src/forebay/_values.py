"""From Python's values to the contract's `Value`, which the server escapes or
binds: no text in a value becomes part of a statement.

What the database gets is what PyMySQL would have written for the same value.
Bytes go as `bytes`, a string of the binary character set, since PyMySQL writes
them as `X'…'`, which is the same: compared byte for byte, and stored unchanged.
"""

from __future__ import annotations

import datetime
import struct
import time
from decimal import Decimal
from math import isfinite
from typing import Any, Callable, Dict, Iterable, NoReturn, Sequence

from . import err

#: MySQL's number for a wrong argument.
_WRONG_ARGUMENTS = 1210

#: The longest TIME that MySQL has.
_HOURS_MAX = 838

_TEXT = 7
_BYTES = 8

# The field of the union, its value, and the STOP of the union, in one.
_pack_bool = struct.Struct(">bh?b").pack
_pack_int64 = struct.Struct(">bhqb").pack
_pack_uint64 = struct.Struct(">bhQb").pack
_pack_double = struct.Struct(">bhdb").pack
_pack_string = struct.Struct(">bhi").pack
_pack_list = struct.Struct(">bhbi").pack
_pack_count = struct.Struct(">bi").pack

#: What precedes a text of so many bytes.
_TEXT_HEADS = tuple(_pack_string(11, _TEXT, length) for length in range(256))

_NULL = _pack_bool(2, 1, True, 0)


def value(item: Any) -> bytes:
    """One Value, with its STOP, as the type of `item` says.

    Of a subclass the class that is known counts, but a subclass of a number
    whose `str()` is the number goes as that text, and so does any object of an
    unknown class by its `str()`: PyMySQL writes both in quotes. Raises
    `ProgrammingError` for what has no SQL form (NaN, an infinity, a lone
    surrogate), `TypeError` for a dict.
    """
    encode = _ENCODERS.get(type(item))
    if encode is None:
        encode = _encoder_of(item)
    return encode(item)


def binary_value(item: Any) -> bytes:
    """One Value of bytes, with its STOP: for `bytes`, `bytearray` and `memoryview`."""
    return _string(_BYTES, bytes(item))


def params(values: Sequence[Any]) -> bytes:
    """Field 2 of a Statement: the values for its `%s`, in order."""
    return _pack_list(15, 2, 12, len(values)) + _joined(values)


def value_list(values: Sequence[Any]) -> bytes:
    """A list of Values without a field's header: an element of `param_rows`."""
    return _pack_count(12, len(values)) + _joined(values)


def _joined(values: Iterable[Any]) -> bytes:
    # As `value`, without a call of it for each: rows of an executemany come here.
    known = _ENCODERS.get
    return b"".join([(known(type(item)) or _encoder_of(item))(item) for item in values])


def _string(number: int, data: bytes) -> bytes:
    try:
        return _pack_string(11, number, len(data)) + data + b"\0"
    except struct.error:
        _refuse(f"a value of {len(data)} bytes is longer than any request may be")


def _refuse(why: str) -> NoReturn:
    raise err.ProgrammingError(_WRONG_ARGUMENTS, why)


def _none(item: None) -> bytes:
    return _NULL


def _bool(item: bool) -> bytes:
    # 1 and 0, as PyMySQL: JSON functions tell them from TRUE and FALSE.
    return _pack_int64(10, 3, item, 0)


def _int(item: int) -> bytes:
    try:
        return _pack_int64(10, 3, item, 0)
    except struct.error:
        pass
    if 0 <= item < 1 << 64:
        return _pack_uint64(10, 4, item, 0)
    return _string(6, b"%d" % item)


def _float(item: float) -> bytes:
    if not isfinite(item):
        raise err.ProgrammingError(f"{float(item)!r} can not be used with MySQL")
    return _pack_double(4, 5, item, 0)


def _decimal(item: Decimal) -> bytes:
    if not item.is_finite():
        raise err.ProgrammingError(f"{str(item).lower()} can not be used with MySQL")
    return _string(6, format(item, "f").encode())


def _str(item: str) -> bytes:
    try:
        data = str.encode(item)
    except UnicodeEncodeError as error:
        _refuse(
            f"a text holds the lone surrogate {item[error.start]!a}, which is no character: "
            "decode it rightly, or pass bytes"
        )
    length = len(data)
    if length < 256:
        return _TEXT_HEADS[length] + data + b"\0"
    return _string(_TEXT, data)


def _datetime(item: datetime.datetime) -> bytes:
    if item.tzinfo is not None:
        item = item.replace(tzinfo=None)
    return _temporal(datetime.datetime.isoformat(item, " "))


def _date(item: datetime.date) -> bytes:
    return _temporal(datetime.date.isoformat(item))


def _time(item: datetime.time) -> bytes:
    if item.tzinfo is not None:
        item = item.replace(tzinfo=None)
    return _temporal(datetime.time.isoformat(item))


def _timedelta(item: datetime.timedelta) -> bytes:
    sign = ""
    if item.days < 0:
        sign = "-"
        item = -item
    minutes, seconds = divmod(item.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    hours += item.days * 24
    text = f"{sign}{hours:02d}:{minutes:02d}:{seconds:02d}"
    if item.microseconds:
        text += f".{item.microseconds:06d}"
    if hours > _HOURS_MAX:
        # Out of TIME's range, where the database says so or bends it: its choice.
        return _string(_TEXT, text.encode())
    return _temporal(text)


def _struct_time(item: time.struct_time) -> bytes:
    return _datetime(datetime.datetime(*item[:6]))


def _temporal(text: str) -> bytes:
    return _string(9, text.encode())


def _items(items: Any) -> bytes:
    if not items:
        _refuse("an empty list has no SQL form: leave the condition out, or make it false")
    for item in items:
        if isinstance(item, (list, tuple, set, frozenset)):
            _refuse("a list in a list has no SQL form")
    return _pack_list(15, 10, 12, len(items)) + _joined(items) + b"\0"


def _dict(item: Any) -> bytes:
    raise TypeError(f"{type(item).__name__} can not be used as parameter")


def _by_str(item: Any) -> bytes:
    return _str(str(item))


def _encoder_of(item: Any) -> Callable[[Any], bytes]:
    """The encoder for what is not exactly of a known class."""
    number = next((kind for kind in _NUMBERS if isinstance(item, kind)), None)
    if number is not None and str(item) == number.__str__(item):
        return _by_str
    for kind in type(item).__mro__:
        encode = _ENCODERS.get(kind)
        if encode is not None:
            return encode
    return _by_str


_NUMBERS = (int, float, Decimal)

#: By exact type: what most values are.
_ENCODERS: Dict[type, Callable[[Any], bytes]] = {
    type(None): _none,
    bool: _bool,
    int: _int,
    float: _float,
    Decimal: _decimal,
    str: _str,
    bytes: binary_value,
    bytearray: binary_value,
    memoryview: binary_value,
    datetime.datetime: _datetime,
    datetime.date: _date,
    datetime.time: _time,
    datetime.timedelta: _timedelta,
    time.struct_time: _struct_time,
    list: _items,
    tuple: _items,
    set: _items,
    frozenset: _items,
    dict: _dict,
}
