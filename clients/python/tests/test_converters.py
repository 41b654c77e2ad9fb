"""The converters give what PyMySQL's give, and fail where they fail."""

from __future__ import annotations

import datetime
import decimal
import enum
import random
import string
import time
import uuid
import warnings
from collections import OrderedDict, namedtuple

import pymysql.converters as theirs
import pytest

from forebay import converters as ours

UTC = datetime.timezone.utc
SEED = 20_241


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Text(str):
    pass


Point = namedtuple("Point", "x y")

VALUES = [
    None,
    True,
    False,
    0,
    -1,
    2**63,
    -(2**70),
    0.0,
    -0.0,
    1.5,
    1e300,
    5e-324,
    0.1 + 0.2,
    float("nan"),
    float("inf"),
    float("-inf"),
    decimal.Decimal("1.10"),
    decimal.Decimal("1E+5"),
    decimal.Decimal("-1E-12"),
    decimal.Decimal("NaN"),
    decimal.Decimal("sNaN"),
    decimal.Decimal("-Infinity"),
    "",
    "it's",
    'a "b" \\ c \x00\n\r\x1a\t\b % %s',
    "żółw 🐢",
    b"",
    b"abc",
    b"\x00\xff'\\",
    bytearray(b"xyz"),
    datetime.date(1, 1, 1),
    datetime.date(9999, 12, 31),
    datetime.datetime(2024, 2, 29, 23, 59, 59),
    datetime.datetime(2024, 2, 29, 23, 59, 59, 7),
    datetime.datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC),
    datetime.time(0, 0),
    datetime.time(23, 59, 59, 999_999),
    datetime.time(1, 2, tzinfo=UTC),
    datetime.timedelta(0),
    datetime.timedelta(days=34, hours=22, minutes=59, seconds=59),
    datetime.timedelta(microseconds=-1),
    datetime.timedelta(days=-1, seconds=1, microseconds=1),
    datetime.timedelta.max,
    datetime.timedelta.min,
    time.struct_time((2024, 2, 29, 1, 2, 3, 0, 0, 0)),
    time.struct_time((2024, 2, 29, 1, 2, 61, 0, 0, 0)),
    (),
    (1, "a"),
    [],
    [1, None],
    {1},
    frozenset((1,)),
    {},
    {"a": 1},
    OrderedDict(a=1),
    Point(1, 2),
    Colour.RED,
    Level.HIGH,
    Text("it's"),
    uuid.UUID(int=7),
    object,
    range(3),
]


def outcome(function, *args):
    """What it gives, or the class and the text of what it raises, with its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = ("gives", type(function(*args)), repr(function(*args)))
        except Exception as error:
            # Python's own words on a value of a wrong type are no matter.
            is_own = "can not be used" in str(error) or "no default" in str(error)
            result = ("raises", type(error).__name__, str(error) if is_own else "")
    return result, [(item.category, str(item.message)) for item in caught]


ESCAPERS = [name for name in dir(theirs) if name.startswith("escape_")]
ESCAPERS = [name for name in ESCAPERS if callable(getattr(theirs, name))]


def test_escape_item_of_every_value():
    for value in VALUES:
        for charset, mapping in [(None, None), ("utf8mb4", None)]:
            assert outcome(ours.escape_item, value, charset, mapping) == outcome(
                theirs.escape_item, value, charset, mapping
            ), value


@pytest.mark.parametrize("name", [*ESCAPERS, "Thing2Literal", "through", "convert_bit"])
def test_an_escaper_of_every_value(name):
    """Of values of another type too, since programs register them for theirs."""
    for value in VALUES:
        assert outcome(getattr(ours, name), value) == outcome(getattr(theirs, name), value), value


def test_a_decimals_literal():
    for value in VALUES:
        if isinstance(value, decimal.Decimal):
            assert outcome(ours.Decimal2Literal, value, None) == outcome(
                theirs.Decimal2Literal, value, None
            )


def test_escape_string_of_every_character():
    every = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    assert ours.escape_string(every) == theirs.escape_string(every)
    for character in every[:0x300]:
        assert ours.escape_str(character) == theirs.escape_str(character)


def mappings(module):
    """Ways in which programs change the encoders."""
    return [
        {},
        {str: module.escape_str},
        {int: module.escape_int},
        {**module.encoders, int: lambda value, mapping: f"<{value}>"},
        {**module.encoders, list: module.escape_sequence, tuple: module.escape_sequence},
        {**module.encoders, set: module.escape_set},
        {**module.encoders, uuid.UUID: lambda value, mapping: f"X'{value.hex}'"},
        {**module.encoders, str: lambda value, mapping: f"N'{value}'"},
    ]


@pytest.mark.parametrize("number", range(len(mappings(theirs))))
def test_encoders_of_the_programs_own(number):
    for value in VALUES:
        assert outcome(ours.escape_item, value, "utf8", mappings(ours)[number]) == outcome(
            theirs.escape_item, value, "utf8", mappings(theirs)[number]
        ), value


DECODERS = ["convert_date", "convert_datetime", "convert_time", "convert_timedelta"]
TEXTS = """
2007-02-25 23:06:20|2007-02-25T23:06:20|2007-02-31T23:06:20|0000-00-00 00:00:00|0000-00-00
2007-02-26|2007-02-31|2007-00-10|2007-2-6|7-2-6|2007-02-26 |-2007-02-26|2007-02-26-1|2007-02
25:06:17|-25:06:17|random crap|15:06:17|15:06:17.5|15:06:17.123456|15:06:17.1234567|15:06:17.
838:59:59|-838:59:59.999999|839:00:00|1:2:3|00:60:00|00:00:60|24:00:00|23:59:59.000001|::
2024-02-29 23:59:59.9|2024-02-29 23:59:59.000009|2023-02-29 23:59:59.9|10000-01-01 00:00:00
2024-02-29 24:00:00|2024-02-29 23:60:00|2024-02-29  23:00:00|2024-13-01 00:00:00|٢٠٠٧-٠٢-٢٦
2007-02-26 23:06|2007-02-26 |--|-|:|0|20070226|2007-02-26T|-00:00:00|-00:00:00.5|+01:00:00
 2007-02-26|2007-02-26\n|12:00:00\n|2007- 2-26|2_0-02-26|999:99:99|-999:99:99
"""
TEXTS = ["", *TEXTS.replace("\n", "|").replace("\\n", "\n").split("|")]


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_of_every_text(name):
    for text in TEXTS:
        assert outcome(getattr(ours, name), text) == outcome(getattr(theirs, name), text), text
        for kind in (bytes, bytearray):
            data = kind(text.encode())
            assert outcome(getattr(ours, name), data) == outcome(getattr(theirs, name), data)


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_of_random_texts(name):
    """Near what MySQL writes, so that every part of the rules is met."""
    source = random.Random(SEED)
    pick = source.randint
    for _ in range(20_000):
        date = f"{pick(-1, 10_000):04}-{pick(0, 13):02}-{pick(0, 32):02}"
        clock = f"{pick(-900, 900)}:{pick(0, 61):02}:{pick(0, 61):02}"
        text = source.choice([date, clock])
        if source.random() < 0.5:
            text += source.choice(" T") + f"{pick(0, 25):02}:{pick(0, 60):02}:07"
        if source.random() < 0.3:
            text += f".{source.randint(0, 10_000_000)}"
        if source.random() < 0.2:
            place = source.randrange(len(text) + 1)
            text = text[:place] + source.choice(string.printable) + text[place + 1 :]
        assert outcome(getattr(ours, name), text) == outcome(getattr(theirs, name), text), text


def test_random_values_have_the_same_literals():
    source = random.Random(SEED)
    epoch = datetime.datetime(1, 1, 1)
    for _ in range(5_000):
        for value in (
            source.randint(-(2**70), 2**70),
            source.uniform(-1, 1) * 10 ** source.randint(-320, 300),
            decimal.Decimal(source.randint(-(10**30), 10**30)).scaleb(source.randint(-30, 30)),
            datetime.timedelta(microseconds=source.randint(-(10**16), 10**16)),
            epoch + datetime.timedelta(microseconds=source.randrange(10**17)),
            source.randbytes(source.randrange(20)),
            "".join(chr(source.randrange(0xD800)) for _ in range(source.randrange(20))),
        ):
            assert ours.escape_item(value) == theirs.escape_item(value)


def test_the_tables_hold_the_same_types_and_functions():
    for table in ("encoders", "decoders", "conversions"):
        mine, known = getattr(ours, table), getattr(theirs, table)
        assert mine.keys() == known.keys()
        for key, function in known.items():
            assert mine[key].__name__ == function.__name__, key
    for pattern in ("DATETIME_RE", "TIME_RE", "TIMEDELTA_RE"):
        assert getattr(ours, pattern).pattern == getattr(theirs, pattern).pattern
    assert isinstance(ours.escape_dict, str)
    assert isinstance(ours.escape_bytes_prefixed, str)
