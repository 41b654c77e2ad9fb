"""How the values of one column are read: chosen by its type and its converter.

A converter that is the default one for its type is done in another way, for the
whole column at once where that is possible, and comes to the same values.
"""

from __future__ import annotations

import struct
import sys
from array import array
from decimal import Decimal
from itertools import accumulate, compress
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Tuple

from . import converters
from ._dates import Memo, dates, datetimes, times, usual_datetime
from ._thrift import malformed

if TYPE_CHECKING:
    from ._columns import Column

#: Kinds of vectors: which one of a column's fields is set.
INT64S, DOUBLES, STRINGS, BLOBS = 0, 1, 2, 3

Convert = Callable[[Any], Any]

#: From the bytes that hold a column's values, where its first value begins, how
#: many bytes all take, where the lengths begin, how many values there are, and a
#: byte for each that is 1 where it is NULL (or None), to the values.
Many = Callable[[bytes, int, int, int, int, Optional[bytes]], List[Any]]

#: From a value that is not NULL as its vector holds it (int, float, str or bytes)
#: to Python's; None: it is that already.
One = Optional[Callable[[Any], Any]]

_ZEROFILL = 64
_DECIMALS_VARY = 31
_LONGLONG = 8
_DECIMAL_TYPES = (0, 246)
#: Numbers, dates and times.
_NEVER_BYTES = frozenset((0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 246))
_JSON = 245
#: The types whose values are such numbers: integers and YEAR; FLOAT and DOUBLE.
_NUMBER_TYPES = {INT64S: (1, 2, 3, 8, 9, 13), DOUBLES: (4, 5)}
_LITTLE = sys.byteorder == "little"
_INVERTED = bytes((1, 0)) + bytes(254)

_pack_length = struct.Struct("<I").pack


def decoder(column: Column, converter: Optional[Convert]) -> Tuple[Many, One]:
    """How to read many of that column's values, and how to read one, with a
    converter that is given text or bytes; None: these are the values."""
    if converter is converters.through:
        converter = None
    kind, column_type = column.kind, column.type
    if kind in _NUMBER_TYPES and column_type not in _NUMBER_TYPES[kind]:
        malformed(f"a column of the type {column_type} has numbers for its values")
    if kind == INT64S:
        return _number_decoder("q", _int_text(column), int, converter)
    if kind == DOUBLES:
        return _number_decoder("d", _double_text(column), float, converter)
    if kind == BLOBS:
        if column_type == _JSON:
            # Text whatever its collation says.
            return _blob_decoder(_decoded if converter is None else _then(_decoded, converter))
        if column_type in _NEVER_BYTES:
            malformed(f"a column of the type {column_type} has bytes for its values")
        return (_read_blobs, None) if converter is None else _blob_decoder(converter)
    if column_type == _LONGLONG:
        # Some are over 2^63-1, and all come as digits, without ZEROFILL's zeros.
        if converter is int:
            return _text_decoder(_checked(int))
        width = column.length if column.flags & _ZEROFILL else 0
        return _text_decoder(_padded(width, converter))
    if converter is None:
        return _read_texts, None
    if converter is Decimal and column_type in _DECIMAL_TYPES:
        return _decimals, _checked(Decimal)
    if converter in _TEMPORAL:
        return _TEMPORAL[converter]
    if converter is converters.decoders.get(column_type):
        return _text_decoder(_checked(converter))
    return _text_decoder(converter)


# ------------------------------------------------------------------- vectors


def numbers(code: Any, source: bytes, start: int, stop: int) -> List[Any]:
    """Little-endian numbers of the `array` type `code`: `q`, `d` or `I`."""
    if _LITTLE:
        items: List[Any] = memoryview(source)[start:stop].cast(code).tolist()
        return items
    values = array(code, source[start:stop])
    values.byteswap()
    return values.tolist()


def ends_of(source: bytes, lengths_start: int, count: int, size: int) -> List[int]:
    """Where each of `count` strings or blobs ends, of which all take `size` bytes."""
    ends = list(accumulate(numbers("I", source, lengths_start, lengths_start + 4 * count)))
    if (ends[-1] if ends else 0) != size:
        malformed("the lengths of a column's values are not those of its bytes")
    return ends


def _with_nulls(values: List[Any], mask: bytes) -> List[Any]:
    """All values, of which those that are NULL hold anything, with None for these."""
    return [None if null else value for value, null in zip(values, mask)]


def _among_nulls(values: List[Any], mask: bytes) -> List[Any]:
    """The values that are not NULL, and None where the others are."""
    following = iter(values)
    return [None if null else next(following) for null in mask]


def _slices(
    source: bytes, start: int, size: int, lengths_start: int, count: int
) -> List[str]:
    ends = ends_of(source, lengths_start, count, size)
    starts = [0, *ends]
    data = source[start : start + size]
    try:
        if data.isascii():
            text = data.decode("ascii")
            return [text[first:last] for first, last in zip(starts, ends)]
        return [data[first:last].decode() for first, last in zip(starts, ends)]
    except UnicodeDecodeError:
        malformed("a text is not UTF-8")


def _read_texts(
    source: bytes, start: int, size: int, lengths_start: int, count: int, mask: Optional[bytes]
) -> List[Any]:
    texts = _slices(source, start, size, lengths_start, count)
    return texts if mask is None else _with_nulls(texts, mask)


def _read_blobs(
    source: bytes, start: int, size: int, lengths_start: int, count: int, mask: Optional[bytes]
) -> List[Any]:
    ends = ends_of(source, lengths_start, count, size)
    data = source[start : start + size]
    blobs = [data[first:last] for first, last in zip([0, *ends], ends)]
    return blobs if mask is None else _with_nulls(blobs, mask)


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        malformed("a text is not UTF-8")


def _then(first: Convert, second: Convert) -> Convert:
    return lambda item: second(first(item))


def _text_decoder(convert: Convert) -> Tuple[Many, One]:
    """By a converter that is given each text."""

    def many(
        source: bytes, start: int, size: int, lengths_start: int, count: int, mask: Optional[bytes]
    ) -> List[Any]:
        texts = _slices(source, start, size, lengths_start, count)
        if mask is None:
            return list(map(convert, texts))
        return _among_nulls(list(map(convert, compress(texts, mask.translate(_INVERTED)))), mask)

    return many, convert


def _blob_decoder(convert: Convert) -> Tuple[Many, One]:
    """By a converter that is given each value's bytes."""

    def many(
        source: bytes, start: int, size: int, lengths_start: int, count: int, mask: Optional[bytes]
    ) -> List[Any]:
        blobs = _read_blobs(source, start, size, lengths_start, count, mask)
        return [None if blob is None else convert(blob) for blob in blobs]

    return many, convert


# ------------------------------------------------------------------- numbers


def _number_decoder(
    code: str,
    text_of: Callable[[Any], str],
    default: Convert,
    converter: Optional[Convert],
) -> Tuple[Many, One]:
    """Numbers as they are for the default converter; their text for another one."""

    def many(
        source: bytes, start: int, size: int, lengths_start: int, count: int, mask: Optional[bytes]
    ) -> List[Any]:
        values = numbers(code, source, start, start + size)
        return values if mask is None else _with_nulls(values, mask)

    if converter is default:
        return many, None
    convert = text_of if converter is None else _then(text_of, converter)

    def many_converted(
        source: bytes, start: int, size: int, lengths_start: int, count: int, mask: Optional[bytes]
    ) -> List[Any]:
        values = many(source, start, size, lengths_start, count, mask)
        return [None if value is None else convert(value) for value in values]

    return many_converted, convert


def _int_text(column: Column) -> Callable[[Any], str]:
    """From an integer to MySQL's text of it."""
    width = column.length
    if column.flags & _ZEROFILL:
        return lambda item: str(item).zfill(width)
    return str


def _padded(width: int, converter: Optional[Convert]) -> Convert:
    """A converter that is given ZEROFILL's zeros before the digits."""
    if converter is None:
        return lambda text: text.zfill(width)
    convert = converter
    return lambda text: convert(text.zfill(width))


def _double_text(column: Column) -> Callable[[Any], str]:
    """From a floating point number to MySQL's text of it."""
    decimals = column.decimals
    width = column.length if column.flags & _ZEROFILL else 0
    if decimals < _DECIMALS_VARY:
        return lambda item: f"{Decimal(repr(item)):.{decimals}f}".zfill(width)
    return lambda item: double_text(item).zfill(width)


def double_text(item: float) -> str:
    """A number's shortest digits, in the form that MySQL gives them: `1e15`, `0.001`."""
    number = Decimal(repr(item)).normalize()
    sign, digits, exponent = number.as_tuple()
    point = len(digits) + int(exponent)
    if -14 <= point <= 15 or not number:
        return f"{number:f}"
    text = "".join(map(str, digits))
    mantissa = text[0] + ("." + text[1:] if len(text) > 1 else "")
    return f"{'-' if sign else ''}{mantissa}e{point - 1}"


def _decimals(
    source: bytes, start: int, size: int, lengths_start: int, count: int, mask: Optional[bytes]
) -> List[Any]:
    """Text of numbers, which is the reply's fault if it is none."""
    texts = _slices(source, start, size, lengths_start, count)
    try:
        if mask is None:
            return list(map(Decimal, texts))
        return [None if null else Decimal(text) for text, null in zip(texts, mask)]
    except ArithmeticError:
        malformed("a column of numbers has a value that is none")


def _checked(default: Convert) -> Convert:
    """A default converter, of which a text that it cannot take is the reply's fault."""

    def convert(text: str) -> Any:
        try:
            return default(text)
        except (TypeError, ValueError, ArithmeticError):
            malformed("a column of numbers or dates has a value that is none")

    return convert


# ----------------------------------------------------------- dates and times


def _temporal_decoder(
    fast: Callable[[str, int], Optional[List[Any]]], convert: Convert, one: Convert
) -> Tuple[Many, One]:
    """Of a column whose texts are all of one width and of the usual form all at
    once; else one by one, each text once."""

    def many(
        source: bytes, start: int, size: int, lengths_start: int, count: int, mask: Optional[bytes]
    ) -> List[Any]:
        there = count if mask is None else mask.count(0)
        width = size // there
        if width and _all_wide(source, lengths_start, count, width, mask):
            data = source[start : start + size]
            if len(data) == width * there and data.isascii():
                values = fast(data.decode("ascii"), width)
                if values is not None:
                    return values if mask is None else _among_nulls(values, mask)
        texts = _slices(source, start, size, lengths_start, count)
        if mask is not None:
            texts = list(compress(texts, mask.translate(_INVERTED)))
        values = list(map(Memo(convert).__getitem__, texts))
        return values if mask is None else _among_nulls(values, mask)

    return many, one


def _all_wide(
    source: bytes, lengths_start: int, count: int, width: int, mask: Optional[bytes]
) -> bool:
    """Whether every value that is not NULL has that many bytes, and NULLs have none."""
    if mask is None:
        return source[lengths_start : lengths_start + 4 * count] == _pack_length(width) * count
    lengths = numbers("I", source, lengths_start, lengths_start + 4 * count)
    there = mask.count(0)
    return lengths.count(width) == there and lengths.count(0) == count - there


_convert_datetime = _checked(converters.convert_datetime)
_convert_date = _checked(converters.convert_date)


def _one_datetime(text: str) -> Any:
    moment = usual_datetime(text)
    return moment or _convert_datetime(text)


#: The default converters whose columns are read in another way.
_TEMPORAL: Dict[Any, Tuple[Many, One]] = {
    converters.convert_datetime: _temporal_decoder(
        datetimes, _convert_datetime, _one_datetime
    ),
    converters.convert_date: _temporal_decoder(dates, _convert_date, _convert_date),
    converters.convert_timedelta: _temporal_decoder(
        times, converters.convert_timedelta, converters.convert_timedelta
    ),
}
