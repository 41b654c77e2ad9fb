"""Every member of Value: into a statement, into a column, and back."""

import datetime
import decimal
import random

import pytest

from columns import only, rows, values
from forebay_thrift.ttypes import ParamStyle, Value

HARD_TEXTS = {
    "empty": "",
    "quotes": "O'Neil said \"no\" to `this`",
    "doubled quotes": "'' \"\" ``",
    "backslashes": "\\ \\\\ \\' \\n \\0 trailing \\",
    "control characters": "nul \0 ctrl-z \x1a \r\n\t\x08",
    "unicode": "Zoë 🚀 日本語 \u202e \ufeff \uffff",
    "placeholders": "? :name %s %(name)s %% ; --",
    "comment": "*/ /* -- # */",
    "injection": "' OR 1=1; DROP TABLE users; -- ",
    "blanks": "  leading and trailing  ",
    "long": "x'\\" * 30_000,
}
# In big5 and gbk the second byte of a character may be a backslash or a quote.
HARD_BYTES = {
    "empty": b"",
    "all": bytes(range(256)),
    "invalid utf-8": b"\xff\xfe\xc3\x28\xed\xa0\x80",
    "ends in a backslash": b"\xbf\x5c",
    "ends in a quote": b"\xbf\x27 OR 1=1 -- ",
    "looks like text": b"plain 'text' \\",
    "looks like a number": b"12",
    "random": random.Random(2).randbytes(70_000),
}
INTEGERS = [0, 1, -1, 2**31, -(2**31), 2**53 + 1, 2**63 - 1, -(2**63) + 1, -(2**63)]
UNSIGNED = [2**63, 2**64 - 1]
DOUBLES = [0.0, 0.1, -1.5, 1e15, 1e16, 1e300, 5e-324, 1.7976931348623157e308]
DECIMALS = ["0", "-0.5", "12.50", "9" * 65, "-" + "9" * 27 + "." + "9" * 38, "0." + "0" * 37 + "1"]
TEMPORALS = ["2024-02-29", "-838:59:59.999999", "2024-02-29 23:59:59.5", "0000-00-00 00:00:00"]


@pytest.mark.parametrize("text", HARD_TEXTS.values(), ids=HARD_TEXTS)
def test_text(session, backend, text):
    assert only(session.run_query(backend.users, "SELECT ?", [text]).rows) == text


@pytest.mark.parametrize("data", HARD_BYTES.values(), ids=HARD_BYTES)
def test_bytes(session, backend, data):
    (column,) = session.run_query(backend.users, "SELECT ?", [data]).rows.columns
    assert column.blobs == [data]


@pytest.mark.parametrize("number", INTEGERS)
def test_signed_integer(session, backend, number):
    (column,) = session.run_query(backend.users, "SELECT ?", [Value(int64=number)]).rows.columns
    assert column.int64s == [number]


@pytest.mark.parametrize("number", [0, 1, 2**63 - 1])
def test_unsigned_integer_that_fits(session, backend, number):
    (column,) = session.run_query(backend.users, "SELECT ?", [Value(uint64=number)]).rows.columns
    assert column.int64s == [number]


@pytest.mark.parametrize("number", UNSIGNED)
def test_unsigned_integer_over_the_signed_range(session, number):
    (column,) = session.run_query("users", "SELECT ?", [number]).rows.columns
    assert column.strings == [str(number)]


@pytest.mark.parametrize("number", DOUBLES)
def test_double(session, backend, number):
    (column,) = session.run_query(backend.users, "SELECT ?", [number]).rows.columns
    assert column.doubles == [number]


@pytest.mark.parametrize("digits", DECIMALS)
def test_decimal(session, digits):
    found = only(session.run_query("users", "SELECT ?", [Value(decimal=digits)]).rows)
    assert decimal.Decimal(found) == decimal.Decimal(digits)


def test_decimal_into_a_column_and_back(session, new_table):
    table = new_table("users", "v DECIMAL(65,30)")
    digits = "9" * 35 + "." + "9" * 30
    session.run_execute("users", f"INSERT INTO {table} VALUES (?)", [Value(decimal=digits)])
    assert only(session.run_query("users", f"SELECT v FROM {table}").rows) == digits


@pytest.mark.parametrize("text", TEMPORALS)
def test_temporal(session, backend, text):
    found = only(session.run_query(backend.users, "SELECT ?", [Value(temporal=text)]).rows)
    assert found == text


def test_temporal_into_columns_and_back(session, new_table):
    table = new_table("users", "d DATE, t TIME(6), dt DATETIME(6)")
    stored = ("2024-02-29", "-838:59:59.999999", "2024-02-29 23:59:59.500000")
    session.run_execute(
        "users", f"INSERT INTO {table} VALUES (?, ?, ?)", [Value(temporal=text) for text in stored]
    )
    assert rows(session.run_query("users", f"SELECT * FROM {table}").rows) == [stored]
    with_t = [Value(temporal="2024-02-29T23:59:59.5")]
    found = session.run_query("users", f"SELECT COUNT(*) FROM {table} WHERE dt = ?", with_t)
    assert only(found.rows) == 1


def test_null_and_booleans(session, backend):
    for holder in (Value(is_null=True), Value(is_null=False)):
        assert only(session.run_query(backend.users, "SELECT ?", [holder]).rows) is None
    found = session.run_query(backend.users, "SELECT ?, ?", [True, False])
    assert rows(found.rows) == [(1, 0)]


def test_list(session, backend):
    found = session.run_query(backend.users, "SELECT 2 IN (?), 'b' IN (?), 5 IN (?)", [[1, 2, 3], ["a", "b"], [1]])
    assert rows(found.rows) == [(1, 1, 0)]


def test_list_of_many(session):
    sql = "SELECT 65534 IN (:ids), 65535 IN (:ids)"
    found = session.run_query("users", sql, {"ids": list(range(65_535))}, timeout_ms=20_000)
    assert rows(found.rows) == [(1, 0)]


def test_list_of_many_for_sqlite(session):
    """SQLite binds at most 32,766 values."""
    sql = "SELECT 29999 IN (:ids)"
    found = session.run_query("users_lite", sql, {"ids": list(range(30_000))}, timeout_ms=20_000)
    assert only(found.rows) == 1


def test_named_parameter_used_twice(session, backend):
    found = session.run_query(backend.users, "SELECT :a, :b, :a", {"a": 1, "b": "x"})
    assert rows(found.rows) == [(1, "x", 1)]


def test_random_text_and_bytes_into_columns_and_back(usual_session, backend, new_table):
    chance = random.Random(1)
    table = new_table(backend.users, "n INTEGER, t TEXT, b BLOB")
    alphabet = "'\"\\`%?:;\0\x1a\n\r- ab中é🚀"
    stored = [
        (
            number,
            "".join(chance.choices(alphabet, k=chance.randrange(40))),
            bytes(chance.choices(b"'\"\\\0\x1a\x5c\xbf\xff\x81a", k=chance.randrange(40))),
        )
        for number in range(300)
    ]
    for row in stored[:100]:
        usual_session.run_execute(backend.users, f"INSERT INTO {table} VALUES (?, ?, ?)", row)
    usual_session.run_insert(backend.users, table, ["n", "t", "b"], stored[100:])
    found = usual_session.run_query(backend.users, f"SELECT n, t, b FROM {table} ORDER BY n")
    assert rows(found.rows) == stored
    for number, text, data in stored[:100]:
        found = usual_session.run_query(
            backend.users, f"SELECT n FROM {table} WHERE n = ? AND t = ? AND b = ?", [number, text, data]
        )
        assert values(found.rows.columns[0]) == [number]


# Values that PyMySQL escapes, and the `Value` that says the same.
PYMYSQL_PARAMETERS = [
    None,
    True,
    7,
    -(2**63) + 1,
    2**64 - 1,
    0.1,
    1e300,
    decimal.Decimal("12.50"),
    "O'Neil \\ \0 🚀 %s",
    b"\xff\0'\\",
    datetime.date(2024, 2, 29),
    datetime.datetime(2024, 2, 29, 23, 59, 59, 500_000),
    datetime.time(12, 34, 56, 7),
]


@pytest.mark.parametrize("parameter", PYMYSQL_PARAMETERS, ids=repr)
def test_parameter_means_what_it_means_to_pymysql(usual_session, database, parameter):
    # The text of the value, whatever its type: `SELECT %s` alone has no table
    # whose column would make it one type for both.
    sql = "SELECT CAST(%s AS CHAR CHARACTER SET binary), %s IS NULL"
    with database.cursor() as cursor:
        cursor.execute(sql, (parameter, parameter))
        ((expected, expected_null),) = cursor.fetchall()
    found = usual_session.run_query("users", sql, [parameter, parameter], style=ParamStyle.PYFORMAT)
    ((text, null),) = rows(found.rows)
    assert null == expected_null
    if isinstance(parameter, float):
        text, expected = float(text), float(expected)
    assert text == expected


def test_list_means_what_it_means_to_pymysql(usual_session, database):
    sql = "SELECT GROUP_CONCAT(seq) FROM seq_1_to_20 WHERE seq IN %s"
    with database.cursor() as cursor:
        cursor.execute(sql, ([3, 5, 99],))
        ((expected,),) = cursor.fetchall()
    # PyMySQL writes the brackets of a list; here they stand in the statement.
    found = usual_session.run_query("users", sql.replace("%s", "(%s)"), [[3, 5, 99]], style=ParamStyle.PYFORMAT)
    assert only(found.rows) == expected == "3,5"
