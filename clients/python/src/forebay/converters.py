"""Python values to SQL's literals and MySQL's text to Python values, by PyMySQL's names.

Parameters of statements do not pass through the literals here: they are sent as
values, and the service writes or binds them. The literals serve `mogrify`,
`escape` and programs that call them, and encoders of a program's own
(`connect(conv=…)`) are put into the statement as they are.
"""

from __future__ import annotations

import datetime
import re
import time
import warnings
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Callable, Optional, Union

from .constants import FIELD_TYPE
from .err import ProgrammingError

#: From a value, and the encoders for what is in it, to its SQL.
Encoder = Callable[..., str]
#: From a column's text, or bytes, to a value.
Decoder = Callable[[Any], Any]
Encoders = Mapping[type, Encoder]

#: Not for use; a release of aiomysql imports the names.
escape_dict = escape_bytes_prefixed = "Not a function; kept because aiomysql imports its name."


def escape_item(
    val: Any, charset: Optional[str] = None, mapping: Optional[Encoders] = None
) -> str:
    """A value's SQL by the encoder of exactly its type, or else by that of `str`.

    :raises TypeError: there is neither, or the type cannot be a parameter.
    """
    known = encoders if mapping is None else mapping
    encoder = known.get(type(val)) or known.get(str)
    if encoder is None:
        raise TypeError("no default type converter defined")
    if encoder is escape_sequence:
        return encoder(val, charset, known)
    return encoder(val, known)


def escape_not_supported(
    val: Any, charset: Optional[str] = None, mapping: Optional[Encoders] = None
) -> str:
    """:raises TypeError: always; for types that no single value of SQL is made of."""
    raise TypeError(f"{type(val).__name__} can not be used as parameter")


def escape_sequence(
    val: Iterable[Any], charset: Optional[str] = None, mapping: Optional[Encoders] = None
) -> str:
    """`(1,2)`. Deprecated in PyMySQL, as here."""
    warnings.warn("escape_sequence is deprecated", DeprecationWarning, stacklevel=2)
    return "(" + ",".join([escape_item(item, charset, mapping) for item in val]) + ")"


def escape_set(
    val: Iterable[Any], charset: Optional[str] = None, mapping: Optional[Encoders] = None
) -> str:
    """`1,2`. Deprecated in PyMySQL, as here."""
    warnings.warn("escape_set is deprecated", DeprecationWarning, stacklevel=2)
    return ",".join([escape_item(item, charset, mapping) for item in val])


def escape_bool(value: Any, mapping: Optional[Encoders] = None) -> str:
    """`1` or `0`."""
    return str(int(value))


def escape_int(value: Any, mapping: Optional[Encoders] = None) -> str:
    """The digits."""
    return str(value)


def escape_float(value: float, mapping: Optional[Encoders] = None) -> str:
    """The shortest digits of the same double, with an exponent, which makes it a
    double for MySQL too ("Numeric Literals").

    :raises ProgrammingError: for NaN and the infinities, which SQL does not have.
    """
    text = repr(value)
    if text in ("nan", "inf", "-inf"):
        raise ProgrammingError(f"{text} can not be used with MySQL")
    return text if "e" in text else text + "e0"


#: MySQL Reference Manual, "String Literals": all that needs a backslash, for
#: reading as for the tools that show it.
_ESCAPES = str.maketrans(
    {
        "\0": r"\0",
        "\n": r"\n",
        "\r": r"\r",
        "\x1a": r"\Z",
        '"': r"\"",
        "'": r"\'",
        "\\": r"\\",
    }
)


def escape_string(value: str, mapping: Optional[Encoders] = None) -> str:
    """Text with backslashes where MySQL's default sql_mode needs them, without quotes.

    Right in utf8mb4 and its like, which is all that the service's connections have.
    """
    return value.translate(_ESCAPES)


def escape_bytes(value: Union[bytes, bytearray], mapping: Optional[Encoders] = None) -> str:
    """A binary string in hexadecimal digits."""
    return f"_binary X'{value.hex()}'"


def escape_str(value: Any, mapping: Optional[Encoders] = None) -> str:
    """`str(value)` in single quotes."""
    return f"'{escape_string(str(value))}'"


def escape_None(value: Any, mapping: Optional[Encoders] = None) -> str:
    """`NULL`, whatever the value."""
    return "NULL"


def _clock(hours: int, minutes: int, seconds: int, microseconds: int) -> str:
    text = f"{hours:02d}:{minutes:02d}:{seconds:02d}"
    return f"{text}.{microseconds:06d}" if microseconds else text


def escape_timedelta(obj: datetime.timedelta, mapping: Optional[Encoders] = None) -> str:
    """A TIME: hours may be more than 23, and the sign is the whole's."""
    sign, size = ("-", -obj) if obj.days < 0 else ("", obj)
    minutes, seconds = divmod(size.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"'{sign}{_clock(size.days * 24 + hours, minutes, seconds, size.microseconds)}'"


def escape_time(obj: datetime.time, mapping: Optional[Encoders] = None) -> str:
    """A TIME; a zone is left out."""
    return f"'{_clock(obj.hour, obj.minute, obj.second, obj.microsecond)}'"


def escape_datetime(obj: datetime.datetime, mapping: Optional[Encoders] = None) -> str:
    """A DATETIME; a zone is left out."""
    clock = _clock(obj.hour, obj.minute, obj.second, obj.microsecond)
    return f"'{obj.year:04d}-{obj.month:02d}-{obj.day:02d} {clock}'"


def escape_date(obj: datetime.date, mapping: Optional[Encoders] = None) -> str:
    """A DATE."""
    return f"'{obj.year:04d}-{obj.month:02d}-{obj.day:02d}'"


def escape_struct_time(obj: time.struct_time, mapping: Optional[Encoders] = None) -> str:
    """A DATETIME in whole seconds."""
    return escape_datetime(datetime.datetime(*obj[:6]))


def Decimal2Literal(o: Decimal, d: Any) -> str:
    """The digits, without an exponent, which would make it a double for MySQL.

    :raises ProgrammingError: for NaN and the infinities, which SQL does not have.
    """
    if o.is_finite():
        return format(o, "f")
    raise ProgrammingError(f"{str(o).lower()} can not be used with MySQL")


_FRACTION = r"(?:\.(\d{1,6}))?"
DATETIME_RE = re.compile(
    r"(\d{1,4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{1,2}):(\d{1,2})" + _FRACTION
)
TIMEDELTA_RE = re.compile(r"(-)?(\d{1,3}):(\d{1,2}):(\d{1,2})" + _FRACTION)
TIME_RE = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})" + _FRACTION)


def _text(obj: Union[str, bytes, bytearray]) -> str:
    return obj.decode("ascii") if isinstance(obj, (bytes, bytearray)) else obj


def _microseconds(digits: Optional[str]) -> int:
    """Of a second's fraction: `5` is half a second."""
    return int(digits.ljust(6, "0")) if digits else 0


def convert_datetime(
    obj: Union[str, bytes, bytearray],
) -> Union[datetime.datetime, datetime.date, str]:
    """A DATETIME or TIMESTAMP from MySQL's text; what is no date, such as
    `0000-00-00 00:00:00`, stays text."""
    text = _text(obj)
    found = DATETIME_RE.fullmatch(text)
    if not found:
        return convert_date(text)
    *whole, fraction = found.groups()
    try:
        year, month, day, hour, minute, second = map(int, whole)
        return datetime.datetime(
            year, month, day, hour, minute, second, _microseconds(fraction)
        )
    except ValueError:
        return convert_date(text)


def convert_timedelta(obj: Union[str, bytes, bytearray]) -> Union[datetime.timedelta, str]:
    """A TIME from MySQL's text `[-]HHH:MM:SS[.ffffff]`; anything else stays text."""
    text = _text(obj)
    found = TIMEDELTA_RE.fullmatch(text)
    if not found:
        return text
    sign, hours, minutes, seconds, fraction = found.groups()
    size = datetime.timedelta(
        hours=int(hours),
        minutes=int(minutes),
        seconds=int(seconds),
        microseconds=_microseconds(fraction),
    )
    return -size if sign else size


def convert_time(obj: Union[str, bytes, bytearray]) -> Union[datetime.time, str]:
    """A time of day from MySQL's text `HH:MM:SS[.ffffff]`; anything else stays text.

    MySQL's TIME is a length of time, so `convert_timedelta` is the default; make
    this one the decoder of `FIELD_TYPE.TIME` for columns that hold times of day.
    """
    text = _text(obj)
    found = TIME_RE.fullmatch(text)
    if not found:
        return text
    hours, minutes, seconds, fraction = found.groups()
    try:
        return datetime.time(int(hours), int(minutes), int(seconds), _microseconds(fraction))
    except ValueError:
        return text


def convert_date(obj: Union[str, bytes, bytearray]) -> Union[datetime.date, str]:
    """A DATE from MySQL's text; what is no date, such as `0000-00-00`, stays text."""
    text = _text(obj)
    try:
        return datetime.date(*[int(part) for part in text.split("-", 2)])
    except ValueError:
        return text


def through(x: Any) -> Any:
    """What it was given."""
    return x


#: BIT stays bytes, as in MySQLdb.
convert_bit = through
Thing2Literal = escape_str

#: By the exact type of a parameter.
encoders: dict[type, Encoder] = {
    type(None): escape_None,
    bool: escape_bool,
    int: escape_int,
    float: escape_float,
    Decimal: Decimal2Literal,
    str: escape_str,
    bytes: escape_bytes,
    datetime.date: escape_date,
    datetime.datetime: escape_datetime,
    datetime.time: escape_time,
    datetime.timedelta: escape_timedelta,
    time.struct_time: escape_struct_time,
    **dict.fromkeys((tuple, list, set, frozenset, dict), escape_not_supported),
}

#: By the type code of a column (`constants.FIELD_TYPE`).
decoders: dict[int, Decoder] = {
    **dict.fromkeys(
        (
            FIELD_TYPE.TINY,
            FIELD_TYPE.SHORT,
            FIELD_TYPE.INT24,
            FIELD_TYPE.LONG,
            FIELD_TYPE.LONGLONG,
            FIELD_TYPE.YEAR,
        ),
        int,
    ),
    **dict.fromkeys((FIELD_TYPE.FLOAT, FIELD_TYPE.DOUBLE), float),
    **dict.fromkeys((FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL), Decimal),
    **dict.fromkeys((FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP), convert_datetime),
    FIELD_TYPE.DATE: convert_date,
    FIELD_TYPE.TIME: convert_timedelta,
    FIELD_TYPE.BIT: convert_bit,
    **dict.fromkeys(
        (
            FIELD_TYPE.TINY_BLOB,
            FIELD_TYPE.BLOB,
            FIELD_TYPE.MEDIUM_BLOB,
            FIELD_TYPE.LONG_BLOB,
            FIELD_TYPE.STRING,
            FIELD_TYPE.VAR_STRING,
            FIELD_TYPE.VARCHAR,
        ),
        through,
    ),
}

#: Both in one, as `connect(conv=…)` takes them.
conversions: dict[Any, Any] = {**encoders, **decoders}


_TEXT_TYPES = (
    FIELD_TYPE.BIT,
    FIELD_TYPE.JSON,
    FIELD_TYPE.TINY_BLOB,
    FIELD_TYPE.BLOB,
    FIELD_TYPE.MEDIUM_BLOB,
    FIELD_TYPE.LONG_BLOB,
    FIELD_TYPE.STRING,
    FIELD_TYPE.VAR_STRING,
    FIELD_TYPE.VARCHAR,
    FIELD_TYPE.GEOMETRY,
)


def _as_bytes(obj: Union[str, bytes]) -> bytes:
    return obj.encode() if isinstance(obj, str) else obj


def leave_undecoded(chosen: dict[int, Any]) -> None:
    """For `use_unicode=False`: text columns come as bytes, where a converter of the
    program's own makes nothing else of them."""
    for kind in _TEXT_TYPES:
        if chosen.get(kind) in (None, through):
            chosen[kind] = _as_bytes
