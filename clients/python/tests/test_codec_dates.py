"""Dates and times that are read a column at a time come to what PyMySQL's
converters make of each text, also of texts that no database sends."""

import random
import struct

import pytest
from pymysql import converters as theirs

from forebay import _columns, converters, err
from forebay.constants import FIELD_TYPE

DATETIMES = (
    "2024-02-29 23:59:59", "2024-02-29T23:59:59", "0000-00-00 00:00:00", "2023-02-29 00:00:00",
    "2024-02-29 24:00:00", "2024-02-29 23:60:00", "2024-W09-4 01:02:03", "2024-02-29 01:02+05",
    "2024-02-29 01:02:+5", "2024-02-29 01:02:0Z", "20240229T000000.000", "2024-02-29 01:02:03Z",
    "2024-02-29 01:02:03+00:00", "2024-02-29 01:02:03.+05:00", "2024-02-29 01:02:03,123456",
    "2024-02-29 01:02:03.5", "2024-02-29 01:02:03.12", "2024-02-29 01:02:03.123",
    "2024-02-29 01:02:03.1234", "2024-02-29 01:02:03.12345", "2024-02-29 01:02:03.123456",
    "2024-02-29 01:02:03.1234567", "2024-02-29 01:02:03.", "2024-02-29 01:02", "2024-02-29",
    "2024-2-9 1:2:3", "2024-02-29_01:02:03", " 2024-02-29 1:02:03", "2024-02-29  1:02:03",
    "2024-02-2٣ 01:02:03", "٢٠٢٤-02-29 01:02:03", "text", "", "+024-02-29 01:02:03",
    "2024-02-29 -1:02:03", "2024-02-29 01:-2:03", "2024-02-29 01:02:03.-12345",
)  # fmt: skip
DATES = (
    "2024-02-29", "2023-02-29", "0000-00-00", "9999-12-31", "2024-W09-4", "2024-00-01", "20240229",
    "2024-2-9", "2024-060", "24-02-29", "2024-02-2٣", "text", "", "-024-02-29", "2024--2-29",
)  # fmt: skip
TIMES = (
    "23:59:59", "00:00:00", "-00:00:01", "838:59:59", "-838:59:59.999999", "99:99:99", "1:2:3",
    "01:02:03.5", "+1:02:03", " 1:02:03", "01:02:0٣", "0102:03", "text", "", "--1:02:03",
    "1:-2:003",
)  # fmt: skip
KINDS = pytest.mark.parametrize(
    ("column_type", "texts", "convert"),
    [
        (FIELD_TYPE.DATETIME, DATETIMES, theirs.convert_datetime),
        (FIELD_TYPE.TIMESTAMP, DATETIMES, theirs.convert_datetime),
        (FIELD_TYPE.DATE, DATES, theirs.convert_date),
        (FIELD_TYPE.TIME, TIMES, theirs.convert_timedelta),
    ],
    ids=["datetime", "timestamp", "date", "time"],
)


def read(column_type, texts):
    """The values of a packed column with these texts; None is NULL."""
    parts = [(text or "").encode() for text in texts]
    bits = sum(1 << row for row, text in enumerate(texts) if text is None)
    nulls = bits.to_bytes((len(texts) + 7) // 8, "little") if bits else b""
    data, lengths = b"".join(parts), struct.pack(f"<{len(parts)}I", *map(len, parts))
    source = data + lengths + nulls
    end = len(data) + len(lengths)
    column = _columns.Column("c", column_type, 0, 63, 0, 19, _columns.STRINGS)
    vector = (source, 0, len(data), len(data), end, len(source))
    rows = _columns.RowSet(len(texts), _columns.Shape([column]), [vector])
    return [value for (value,) in rows.rows(converters.decoders)]


def expected(texts, convert):
    return shown(None if text is None else convert(text) for text in texts)


def shown(values):
    return [(type(value), repr(value)) for value in values]


def assert_same(column_type, column, convert):
    try:
        wanted = expected(column, convert)
    except (TypeError, OverflowError):
        # PyMySQL's converter fails: this is no date at all.
        with pytest.raises(err.InternalError, match="Malformed reply"):
            read(column_type, column)
    else:
        assert shown(read(column_type, column)) == wanted, column


@KINDS
def test_each_text_alone(column_type, texts, convert):
    shape = _columns.Shape([_columns.Column("c", column_type, 0, 63, 0, 0, _columns.STRINGS)])
    (one,) = shape.ones(converters.decoders)
    for text in texts:
        for column in ([text], [text] * 5, [None, text, None]):
            assert_same(column_type, column, convert)
        try:
            wanted = expected([text], convert)
        except (TypeError, OverflowError):
            continue
        assert shown([one(text)]) == wanted, text


@KINDS
def test_texts_of_one_width_and_mixed(column_type, texts, convert):
    chance = random.Random(8)
    for _ in range(300):
        width = len(chance.choice(texts))
        chosen = [text for text in texts if len(text) == width] if chance.random() < 0.7 else texts
        column = chance.choices([*chosen, None], k=chance.randint(1, 20))
        assert_same(column_type, column, convert)


@KINDS
def test_texts_with_random_changes(column_type, texts, convert):
    chance = random.Random(9)
    for _ in range(4000):
        text = list(chance.choice([text for text in texts if text]))
        for _ in range(chance.randint(1, 3)):
            text[chance.randrange(len(text))] = chance.choice("0123456789-:. +TZW,\n")
        column = ["".join(text)] * chance.choice((1, 2))
        assert_same(column_type, column, convert)
