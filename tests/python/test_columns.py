"""Every MySQL column type: which vector it comes in, and its values and
metadata beside those that PyMySQL gets."""

import dataclasses
import math

import pytest

from columns import only, rows, unpacked, values, vector_name
from forebay_thrift.ttypes import ColumnType, ResultLayout, ResultLayout

ALL_BYTES = bytes(range(256))
POINT_1_2 = bytes.fromhex("000000000101000000000000000000f03f0000000000000040")


@dataclasses.dataclass(frozen=True)
class Case:
    """A column's type, literals to store in it, and what must come back."""

    definition: str
    literals: tuple
    vector: str
    expected: tuple

    def __str__(self):
        return self.definition


def case(definition, vector, **stored):
    return Case(definition, tuple(stored["literals"]), vector, tuple(stored["expected"]))


def numbers(definition, *stored, vector="int64s"):
    return case(definition, vector, literals=map(repr, stored), expected=stored)


def texts(definition, *stored):
    """Values that come back as they are written."""
    return case(definition, "strings", literals=map(hex_text, stored), expected=stored)


def blobs(definition, *stored):
    return case(definition, "blobs", literals=map(hex_literal, stored), expected=stored)


def hex_literal(data):
    return f"x'{data.hex()}'"


def hex_text(text):
    return f"_utf8mb4 {hex_literal(text.encode())}"


CASES = [
    numbers("TINYINT", -128, 0, 127),
    numbers("TINYINT UNSIGNED", 0, 255),
    numbers("BOOLEAN", 0, 1),
    numbers("SMALLINT", -32768, 0, 32767),
    numbers("SMALLINT UNSIGNED", 0, 65535),
    numbers("MEDIUMINT", -8388608, 0, 8388607),
    numbers("MEDIUMINT UNSIGNED", 0, 16777215),
    numbers("INT", -2147483648, 0, 2147483647),
    numbers("INT UNSIGNED", 0, 4294967295),
    numbers("INT(7) ZEROFILL", 0, 42),
    numbers("BIGINT", -(2**63), 0, 2**63 - 1),
    numbers("BIGINT UNSIGNED", 0, 2**63 - 1),
    case(
        "BIGINT UNSIGNED /* over 2^63-1 */",
        "strings",
        literals=["0", "9223372036854775808", "18446744073709551615"],
        expected=["0", "9223372036854775808", "18446744073709551615"],
    ),
    numbers("YEAR", 0, 1901, 2155),
    numbers("FLOAT", 0.0, 0.5, -1.25, 3.40282e38, 1e-30, vector="doubles"),
    numbers("FLOAT UNSIGNED", 0.0, 0.5, vector="doubles"),
    numbers("DOUBLE", 0.0, 0.1, -1.5, 1e300, 1.7976931348623157e308, 2.2250738585072014e-308, vector="doubles"),
    texts("DECIMAL(10,0)", "0", "-9999999999"),
    texts("DECIMAL(5,2)", "0.00", "-999.99", "12.50"),
    texts(
        "DECIMAL(65,30)",
        "99999999999999999999999999999999999.999999999999999999999999999999",
        "-99999999999999999999999999999999999.999999999999999999999999999999",
        "0.000000000000000000000000000001",
        "0.000000000000000000000000000000",
    ),
    texts("DATE", "0000-00-00", "2024-00-00", "1000-01-01", "2024-02-29", "9999-12-31"),
    texts("TIME", "-838:59:59", "838:59:59", "00:00:00", "-00:00:01", "07:08:09"),
    texts("TIME(6)", "-838:59:59.999999", "00:00:00.000000", "12:34:56.000001"),
    texts("DATETIME", "0000-00-00 00:00:00", "1000-01-01 00:00:00", "9999-12-31 23:59:59"),
    texts("DATETIME(6)", "0000-00-00 00:00:00.000000", "2024-02-29 23:59:59.999999"),
    texts("TIMESTAMP NULL", "0000-00-00 00:00:00", "2001-09-09 01:46:40", "2037-12-31 00:00:00"),
    texts("TIMESTAMP(3) NULL", "2001-09-09 01:46:40.123"),
    texts("CHAR(10)", "", "a", "Zoë 🚀"),
    texts("CHAR(10) CHARACTER SET ascii", "", "plain"),
    texts("CHAR(10) CHARACTER SET latin1", "é", "ÿ€"),
    texts("VARCHAR(100)", "", "O'Neil \"x\" \\ %s", "nul\0 ctrl-z\x1a", "🚀 日本語", " blanks "),
    texts("VARCHAR(100) CHARACTER SET gbk", "中文", "a"),
    texts("VARCHAR(100) CHARACTER SET utf16", "日本 🚀"),
    texts("VARCHAR(100) COLLATE utf8mb4_bin", "text with a binary collation", "é"),
    texts("TINYTEXT", "", "tiny é"),
    texts("TEXT", "", "text é\n", "x" * 60_000),
    texts("MEDIUMTEXT", "", "medium é", "y" * 100_000),
    texts("LONGTEXT", "", "long é"),
    texts("ENUM('red','grün','')", "red", "grün", ""),
    texts("SET('a','b','ü')", "", "a", "a,ü", "a,b,ü"),
    texts("JSON", '{"a": [1, null, "ü"]}', "null", "[]"),
    texts("UUID", "123e4567-e89b-12d3-a456-426655440000"),
    texts("INET6", "2001:db8::1", "::"),
    case("BINARY(4)", "blobs", literals=["x'ff'", "x'00010203'"], expected=[b"\xff\0\0\0", b"\0\1\2\3"]),
    blobs("VARBINARY(300)", b"", b"text", ALL_BYTES),
    blobs("TINYBLOB", b"", ALL_BYTES[1:]),
    blobs("BLOB", b"", b"looks like text", ALL_BYTES * 200),
    blobs("MEDIUMBLOB", b"", ALL_BYTES * 400),
    blobs("LONGBLOB", b"", ALL_BYTES),
    case("BIT(1)", "blobs", literals=["b'0'", "b'1'"], expected=[b"\0", b"\1"]),
    case("BIT(12)", "blobs", literals=["b'0'", "b'101000000001'"], expected=[b"\0\0", b"\x0a\x01"]),
    case("BIT(64)", "blobs", literals=["b'0'", "18446744073709551615"], expected=[bytes(8), b"\xff" * 8]),
    case("GEOMETRY", "blobs", literals=["ST_GeomFromText('POINT(1 2)')"], expected=[POINT_1_2]),
    case("POINT", "blobs", literals=["ST_GeomFromText('POINT(1 2)')"], expected=[POINT_1_2]),
]

EXPRESSIONS = [
    "1 + 1",
    "1 / 3",
    "1e0 / 3",
    "-1",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "1.50",
    "TRUE",
    "NULL",
    "''",
    "'text é'",
    "_binary 'bytes'",
    "x'00ff'",
    "b'101'",
    "CONCAT('a', 1)",
    "CONCAT('a', x'ff')",
    "CAST('2024-02-29' AS DATE)",
    "CAST('-12:00:01.5' AS TIME(1))",
    "TIMESTAMP'2024-02-29 12:00:00'",
    "CAST(5 AS UNSIGNED)",
    "CAST(5 AS CHAR)",
    "CAST('5' AS BINARY)",
    "COUNT(*)",
    "SUM(1)",
    "AVG(1)",
    "GROUP_CONCAT('x', 'y')",
    "JSON_OBJECT('a', 1)",
    "ROUND(2.5e0)",
    "IF(TRUE, 1, 'a')",
    "COALESCE(NULL, 1)",
    "MD5('x')",
    "UNHEX('ff00')",
    "VERSION()",
    "POINT(1, 2)",
]


@pytest.fixture(scope="module", params=CASES, ids=str)
def stored_case(request, database):
    """A case and the table that holds it, with a NULL after each value."""
    stored = request.param
    table = f"columns_{CASES.index(stored)}"
    with database.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {table} (n INT AUTO_INCREMENT PRIMARY KEY, v {stored.definition})")
        for literal in stored.literals:
            cursor.execute(f"INSERT INTO {table} (v) VALUES ({literal}), (NULL)")
    yield stored, table
    with database.cursor() as cursor:
        cursor.execute(f"DROP TABLE {table}")


def test_column_comes_in_its_vector_with_its_values(session, stored_case):
    stored, table = stored_case
    result = session.run_query("users", f"SELECT v FROM {table} ORDER BY n")
    (column,) = result.rows.columns
    assert vector_name(column) == stored.vector
    expected = [value for stored_value in stored.expected for value in (stored_value, None)]
    assert values(column) == expected
    assert column.name == "v"


@pytest.mark.parametrize("shard", ["users", "users_prepared"])
def test_packed_column_is_the_same(session, stored_case, shard):
    stored, table = stored_case
    sql = f"SELECT v FROM {table} ORDER BY n"
    lists = session.run_query(shard, sql, result_layout=ResultLayout.LISTS)
    packed = session.run_query(shard, sql, result_layout=ResultLayout.PACKED)
    assert vector_name(packed.rows.columns[0]) == f"packed_{stored.vector}"
    assert unpacked(packed.rows) == lists.rows
    assert rows(packed.rows) == [(value,) for found in stored.expected for value in (found, None)]


def test_values_and_metadata_are_pymysqls(usual_session, raw_database, stored_case):
    _, table = stored_case
    assert_same_as_pymysql(usual_session, raw_database, f"SELECT v FROM {table} ORDER BY n")


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expressions_are_pymysqls(usual_session, raw_database, expression):
    sql = f"SELECT {expression} AS e"
    assert_same_as_pymysql(usual_session, raw_database, sql)
    packed = usual_session.run_query("users", sql, result_layout=ResultLayout.PACKED)
    assert unpacked(packed.rows) == usual_session.run_query("users", sql).rows


@pytest.mark.parametrize(
    "sql",
    [
        "SHOW VARIABLES LIKE 'max_connections'",
        "DESCRIBE mysql.user",
        "EXPLAIN SELECT * FROM mysql.user",
        "SELECT * FROM information_schema.columns ORDER BY 1, 2, 3, 4 LIMIT 500",
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT i, i % 3 AS m FROM n",
        "VALUES (1, 'a'), (2, NULL)",
    ],
)
def test_statements_are_pymysqls(usual_session, raw_database, sql):
    assert_same_as_pymysql(usual_session, raw_database, sql)


def assert_same_as_pymysql(session, raw_database, sql):
    result = session.run_query("users", sql)
    with raw_database.cursor() as cursor:
        cursor.execute(sql)
        expected_rows = cursor.fetchall()
        fields = cursor._result.fields
    for column, field in zip(result.rows.columns, fields, strict=True):
        assert column.name == field.name
        assert column.type == field.type_code
        assert column.flags == field.flags
        assert column.collation == field.charsetnr
        assert column.decimals == field.scale
        assert column.length == field.length
        assert column.table == field.table_name
    assert result.rows.row_count == len(expected_rows)
    kinds = [vector_name(column) for column in result.rows.columns]
    for row, expected_row in zip(rows(result.rows), expected_rows, strict=True):
        expected = tuple(from_pymysql(kind, text) for kind, text in zip(kinds, expected_row))
        assert row == expected


def from_pymysql(kind, text):
    """MySQL's text of a value, as PyMySQL hands it on unconverted, in the form of a vector."""
    if text is None:
        return None
    if kind == "int64s":
        return int(text)
    if kind == "doubles":
        return float(text)
    if kind == "blobs":
        return text if isinstance(text, bytes) else text.encode()
    assert isinstance(text, str), "PyMySQL has bytes where the service has text"
    return text


def test_unsigned_column_is_strings_only_if_it_must(usual_session, new_table):
    table = new_table("users", "v BIGINT UNSIGNED")
    usual_session.run_insert("users", table, ["v"], [[1], [2**64 - 1]])
    fitting = usual_session.run_query("users", f"SELECT v FROM {table} WHERE v = 1")
    assert fitting.rows.columns[0].int64s == [1]
    both = usual_session.run_query("users", f"SELECT v FROM {table} ORDER BY v")
    assert both.rows.columns[0].strings == ["1", "18446744073709551615"]


def test_null_bitmap(session, backend):
    unions = " UNION ALL ".join(
        f"SELECT {n} AS n, {'NULL' if n in (0, 8, 9) else n} AS v, 'x' AS w" for n in range(11)
    )
    result = session.run_query(backend.users, f"SELECT n, v, w FROM ({unions}) AS all_rows ORDER BY n")
    n, v, w = result.rows.columns
    assert n.nulls == b""
    assert w.nulls == b""
    assert v.nulls == bytes([0b0000_0001, 0b0000_0011])
    assert v.int64s == [0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 10]


def test_column_of_nulls(session, backend):
    result = session.run_query(backend.users, "SELECT NULL AS v")
    (column,) = result.rows.columns
    assert column.type == ColumnType.NULL_TYPE
    assert column.strings == [""]
    assert column.nulls == b"\x01"


TABLES_OF = {
    "SELECT id, name FROM {a}": ["{a}", "{a}"],
    "SELECT * FROM {a} AS x": ["x", "x"],
    "SELECT x.id, 1 AS one, x.id + 1, `é b`.* FROM {a} x JOIN {b} `é b` ON TRUE": ["x", "", "", "é b", "é b"],
    "SELECT * FROM {a} JOIN {a} AS twin ON twin.id = {a}.id": ["{a}", "{a}", "twin", "twin"],
    "SELECT d.id, d.name FROM (SELECT * FROM {a}) AS d": ["d", "d"],
    "SELECT COUNT(*), MAX(id) FROM {a}": ["", ""],
    "SELECT id FROM {a} UNION ALL SELECT id FROM {b}": [""],
    "SELECT 1": [""],
    # None of them has rows.
    "SELECT y.id, x.name FROM {a} x LEFT JOIN {b} y ON x.id = y.id WHERE x.id < 0": ["y", "x"],
}


@pytest.mark.parametrize("layout", [ResultLayout.LISTS, ResultLayout.PACKED], ids=["lists", "packed"])
@pytest.mark.parametrize("shard", ["users", "users_prepared", "users_lite"])
def test_tables_of_columns(session, new_table, shard, layout):
    a, b = (new_table(shard, "id INTEGER PRIMARY KEY, name VARCHAR(20)") for _ in "ab")
    for table in (a, b):
        session.run_insert(shard, table, ["id", "name"], [[1, "x"], [2, None]])
    for sql, tables in TABLES_OF.items():
        found = session.run_query(shard, sql.format(a=a, b=b), result_layout=layout)
        told = [column.table for column in found.rows.columns]
        # SQLite tells of none.
        assert told == ["" if shard == "users_lite" else table.format(a=a) for table in tables], sql


@pytest.mark.parametrize("shard", ["users", "users_prepared"])
def test_tables_of_columns_beside_a_value(session, new_table, shard):
    table = new_table(shard, "id INTEGER PRIMARY KEY, name VARCHAR(20)")
    session.run_insert(shard, table, ["id", "name"], [[1, "x"]])
    sql = f"SELECT x.id, y.name, x.id + 1 FROM {table} x JOIN {table} AS y ON y.id = x.id WHERE x.id = ?"
    for _ in range(2):
        found = session.run_query(shard, sql, [1])
        assert [column.table for column in found.rows.columns] == ["x", "y", ""]
        assert rows(found.rows) == [(1, "x", 2)]


def test_columns_of_one_name(session, backend):
    result = session.run_query(backend.users, "SELECT 1 AS a, 2 AS a")
    assert [column.name for column in result.rows.columns] == ["a", "a"]
    assert rows(result.rows) == [(1, 2)]


# SQLite's types belong to values, so a column's vector follows from them all.
SQLITE_COLUMNS = [
    ([1, None, -(2**63), 2**63 - 1], "int64s", [1, None, -(2**63), 2**63 - 1]),
    ([1, 2.5, None], "doubles", [1.0, 2.5, None]),
    ([0.1, -1e300], "doubles", [0.1, -1e300]),
    (["a", None, "é\0"], "strings", ["a", None, "é\0"]),
    (["a", 1], "strings", ["a", "1"]),
    ([b"\xff\0", None], "blobs", [b"\xff\0", None]),
    ([b"\xff", "a"], "blobs", [b"\xff", b"a"]),
    ([None, None], "strings", [None, None]),
]


@pytest.mark.parametrize("stored, vector, expected", SQLITE_COLUMNS)
def test_sqlite_column_follows_its_values(session, new_table, stored, vector, expected):
    table = new_table("users_lite", "n INTEGER PRIMARY KEY, v")
    session.run_insert("users_lite", table, ["v"], [[value] for value in stored])
    result = session.run_query("users_lite", f"SELECT v FROM {table} ORDER BY n")
    (column,) = result.rows.columns
    assert vector_name(column) == vector
    assert values(column) == expected
    sql = f"SELECT v FROM {table} ORDER BY n"
    packed = session.run_query("users_lite", sql, result_layout=ResultLayout.PACKED)
    assert unpacked(packed.rows) == result.rows


def test_sqlite_keeps_the_digits_of_integers_beside_reals(usual_session, new_table):
    table = new_table("users_lite", "n INTEGER PRIMARY KEY, v")
    usual_session.run_insert("users_lite", table, ["v"], [[2**53 + 1], [0.5]])
    result = usual_session.run_query("users_lite", f"SELECT v FROM {table} ORDER BY n")
    (column,) = result.rows.columns
    assert vector_name(column) == "strings"
    assert [float(text) for text in values(column)] == [float(2**53 + 1), 0.5]
    assert values(column)[0] == str(2**53 + 1)


def test_doubles_survive_bit_for_bit(session, backend):
    for number in (0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -2.5, 123456789.123456789):
        found = only(session.run_query(backend.users, "SELECT ? + 0e0", [number]).rows)
        assert math.isclose(found, number, rel_tol=0, abs_tol=0), number
