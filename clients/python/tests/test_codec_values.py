"""Values of every type of column are those that PyMySQL gives, in both layouts."""

import datetime
from decimal import Decimal

import pymysql
import pytest
from raw import LISTS, Session

from forebay import converters
from forebay.constants import FIELD_TYPE

LAYOUTS = pytest.mark.parametrize("options", [LISTS, None], ids=["lists", "packed"])

NUL_TO_255 = "".join(f"{byte:02x}" for byte in range(256))

#: Types, and literals to store in a column of them; NULLs are added.
TYPES = {
    "TINYINT": ("-128", "0", "127"),
    "BOOLEAN": ("0", "1"),
    "SMALLINT UNSIGNED": ("0", "65535"),
    "MEDIUMINT": ("-8388608", "8388607"),
    "INT": ("-2147483648", "0", "2147483647"),
    "INT(7) ZEROFILL": ("0", "42", "123456789"),
    "TINYINT(3) UNSIGNED ZEROFILL": ("0", "255"),
    "BIGINT": ("-9223372036854775808", "9223372036854775807"),
    "BIGINT UNSIGNED": ("0", "9223372036854775807"),
    "BIGINT UNSIGNED /* large */": ("0", "7", "9223372036854775808", "18446744073709551615"),
    "BIGINT(20) UNSIGNED ZEROFILL": ("0", "18446744073709551615"),
    "BIGINT(5) ZEROFILL": ("0", "77"),
    "YEAR": ("0", "1901", "2155"),
    "FLOAT": ("0", "0.1", "-1.25", "3.40282e38", "1e-30", "123456.7", "1e15", "16777217"),
    "FLOAT(7,3)": ("0", "0.1", "-1234.567"),
    "FLOAT(7,3) ZEROFILL": ("0", "1.5"),
    "DOUBLE": (
        "0", "-0e0", "0.1", "-1.5", "1e300", "1.7976931348623157e308", "5e-324", "1e14", "1e15",
        "123456789012345678", "1e-14", "1e-15", "1e-16", "0.000012345", "100", "1e22", "1e23",
        "999999999999999", "12345678901234.5", "0.30000000000000004", "-2.5e-7",
    ),
    "DOUBLE(10,2)": ("0", "-12345.678", "0.005"),
    "DOUBLE ZEROFILL": ("1.5",),
    "DECIMAL(10,0)": ("0", "-9999999999"),
    "DECIMAL(5,2)": ("0", "-999.99", "12.5"),
    "DECIMAL(8,2) ZEROFILL": ("0", "12.5"),
    "DECIMAL(65,30)": ("'99999999999999999999999999999999999.999999999999999999999999999999'",
                       "'-0.000000000000000000000000000001'", "0"),
    "DATE": ("'0000-00-00'", "'2024-00-00'", "'2023-02-31'", "'1000-01-01'", "'2024-02-29'",
             "'9999-12-31'"),
    "DATE /* usual */": ("'1000-01-01'", "'2024-02-29'", "'9999-12-31'"),
    "TIME": ("'-838:59:59'", "'838:59:59'", "'00:00:00'", "'-00:00:01'", "'07:08:09'"),
    "TIME /* usual */": ("'00:00:00'", "'07:08:09'", "'23:59:59'", "'99:59:59'"),
    "TIME(1)": ("'-838:59:59.9'", "'00:00:00.5'"),
    "TIME(6)": ("'-838:59:59.999999'", "'838:59:59.999999'", "'00:00:00'", "'-00:00:00.000001'"),
    "DATETIME": ("'0000-00-00 00:00:00'", "'2024-02-00 01:02:03'", "'2023-02-31 01:02:03'",
                 "'1000-01-01 00:00:00'", "'9999-12-31 23:59:59'"),
    "DATETIME /* usual */": ("'1000-01-01 00:00:00'", "'9999-12-31 23:59:59'"),
    **{
        f"DATETIME({digits})": ("'1000-01-01 00:00:00'", "'2024-02-29 23:59:58.123456'")
        for digits in range(1, 7)
    },
    "DATETIME(6) /* zero */": ("'0000-00-00 00:00:00'", "'2024-02-29 23:59:59.999999'"),
    "TIMESTAMP NULL": ("'0000-00-00 00:00:00'", "'2001-09-09 01:46:40'", "'2037-12-31 00:00:00'"),
    "TIMESTAMP(3) NULL": ("'2001-09-09 01:46:40.123'", "'2001-09-09 01:46:40'"),
    "CHAR(10)": ("''", "'a'", "'Zoë 🚀'"),
    "CHAR(4) BINARY": ("'a'", "'B'"),
    "CHAR(10) CHARACTER SET latin1": ("'é'", "'ÿ€'"),
    "VARCHAR(100)": ("''", "'O''Neil \\\\ %s'", "'nul\\0 \\Z'", "'🚀 日本語'", "' blanks '"),
    "VARCHAR(100) /* ascii */": ("''", "'a'", "'bb'", "'a longer one'"),
    "VARCHAR(100) CHARACTER SET utf16": ("'日本 🚀'",),
    "VARCHAR(100) COLLATE utf8mb4_bin": ("'a binary collation'", "'é'"),
    "TINYTEXT": ("''", "'tiny é'"),
    "TEXT": ("''", "REPEAT('long ', 9000)"),
    "MEDIUMTEXT": ("REPEAT('é', 50000)",),
    "LONGTEXT": ("'long é'",),
    "ENUM('red','green','')": ("'red'", "'green'", "''"),
    "SET('a','b','c')": ("''", "'a'", "'a,c'", "'a,b,c'"),
    "JSON": ("'{\"a\": [1, null, \"ü\"]}'", "'null'", "'[]'"),
    "UUID": ("'123e4567-e89b-12d3-a456-426655440000'",),
    "INET6": ("'2001:db8::1'", "'::'"),
    "BINARY(4)": ("x'ff'", "x'00010203'"),
    "VARBINARY(300)": ("''", "'text'", f"x'{NUL_TO_255}'"),
    "TINYBLOB": ("''", "x'ff'"),
    "BLOB": ("''", "'looks like text'", f"x'{NUL_TO_255}'"),
    "LONGBLOB": (f"REPEAT(x'{NUL_TO_255}', 50)",),
    "BIT(1)": ("b'0'", "b'1'"),
    "BIT(9)": ("b'0'", "b'111111111'"),
    "BIT(64)": ("b'0'", "x'ffffffffffffffff'", "1"),
    "GEOMETRY": ("POINT(1, 2)", "ST_GeomFromText('LINESTRING(0 0, 1 1)')"),
}
SELECTS = (
    "SELECT NULL",
    "SELECT NULL UNION ALL SELECT NULL",
    "SELECT 1, 1.5, 1.5e0, 'a', x'61', TRUE, NULL, -9223372036854775808, 18446744073709551615",
    "SELECT CAST('[1]' AS CHAR), CAST('a' AS BINARY), NOW() > 0, CURDATE() IS NULL, CONCAT(1, 'a')",
    "SELECT DATE('2024-01-01'), TIME('01:02:03'), TIMESTAMP('2024-01-01'), MAKETIME(1, 2, 3.5)",
    "SELECT JSON_EXTRACT('{\"a\": 1}', '$.a'), INET6_ATON('::1'), UNHEX('ff'), MD5('a')",
    "SELECT COUNT(*), SUM(1), AVG(1), MAX('a'), GROUP_CONCAT('x'), BIT_AND(1), STD(1)",
    "SELECT 1 FROM DUAL WHERE FALSE",
    "SHOW VARIABLES LIKE 'character_set%'",
    "SHOW CHARACTER SET LIKE 'utf8%'",
    "EXPLAIN SELECT 1",
    "SELECT * FROM information_schema.columns ORDER BY table_schema, table_name, column_name "
    "LIMIT 50",
)


def mark(text):
    """A converter that shows what it was given."""
    return ("converted", type(text), text)


def none_at_all(theirs):
    return {key: value for key, value in theirs.items() if type(key) is not int}


def foreign_for_all(theirs):
    return {**theirs, **{number: mark for number in range(256)}}


def through_for_all(theirs):
    return {**theirs, **{number: module_through(theirs) for number in range(256)}}


def module_through(theirs):
    ours = theirs is converters.conversions
    return converters.through if ours else pymysql.converters.through


def without_dates(theirs):
    gone = (FIELD_TYPE.DATE, FIELD_TYPE.DATETIME, FIELD_TYPE.TIME, FIELD_TYPE.TIMESTAMP)
    return {key: value for key, value in theirs.items() if key not in gone}


def of_other_types(theirs):
    others = {
        FIELD_TYPE.NEWDECIMAL: float,
        FIELD_TYPE.LONGLONG: Decimal,
        FIELD_TYPE.LONG: float,
        FIELD_TYPE.TINY: lambda text: bool(int(text)),
        FIELD_TYPE.DOUBLE: Decimal,
        FIELD_TYPE.DATETIME: datetime.datetime.fromisoformat,
    }
    return {**theirs, **others}


CONVERSIONS = pytest.mark.parametrize(
    "choose",
    [dict, none_at_all, foreign_for_all, through_for_all, without_dates],
    ids=lambda choose: choose.__name__,
)


@pytest.fixture(scope="module")
def tables(mysql_port):
    """A table for each type, with NULLs among its values; the names by type."""
    connection = pymysql.connect(
        host="127.0.0.1", port=mysql_port, user="root", database="test", ssl_disabled=True
    )
    names = {}
    with connection.cursor() as cursor:
        cursor.execute("SET sql_mode = 'ALLOW_INVALID_DATES'")
        for number, (definition, literals) in enumerate(TYPES.items()):
            name = names[definition] = f"codec_{number}"
            cursor.execute(f"CREATE OR REPLACE TABLE {name} (id INT PRIMARY KEY, v {definition})")
            values = [*literals, "NULL", *literals, "NULL", "NULL", literals[0]]
            rows = ", ".join(f"({row}, {literal})" for row, literal in enumerate(values))
            cursor.execute(f"INSERT INTO {name} VALUES {rows}")
    connection.commit()
    yield names
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {', '.join(names.values())}")
    connection.close()


@pytest.fixture(scope="module", params=[LISTS, None], ids=["lists", "packed"])
def session(request, service):
    with Session(service.port, options=request.param) as opened:
        yield opened


@pytest.fixture
def same(session, theirs):
    """Asserts that a query gives the same rows, of the same types, as PyMySQL's."""

    def compare(sql, choose):
        ours = converters.conversions
        decoders = {key: value for key, value in choose(ours).items() if type(key) is int}
        with theirs(conv=choose(pymysql.converters.conversions)).cursor() as cursor:
            cursor.execute(sql)
            expected = cursor.fetchall()
            description = cursor.description
        result = session.query(sql).rows
        assert [(c.name, c.type) for c in result.columns] == [field[:2] for field in description]
        assert typed(result.rows(decoders)) == typed(expected), sql
        for size in (1, 3):
            parts = range(0, result.row_count, size)
            rows = [row for start in parts for row in result.rows(decoders, start, start + size)]
            assert typed(rows) == typed(expected), f"{sql} in parts of {size}"
        return expected

    return compare


def typed(rows):
    return [[(type(value), repr(value)) for value in row] for row in rows]


@CONVERSIONS
@pytest.mark.parametrize("definition", TYPES)
def test_every_type_is_as_in_pymysql(definition, tables, same, choose):
    table = tables[definition]
    conversion = choose
    for rows in ("", "WHERE v IS NOT NULL ", "WHERE v IS NULL ", "WHERE id = 0 ", "WHERE id < 0 "):
        seen = same(f"SELECT v, id, v FROM {table} {rows}ORDER BY id", conversion)
        assert bool(seen) == (rows != "WHERE id < 0 ")


@pytest.mark.parametrize(
    "definition",
    ["DECIMAL(5,2)", "BIGINT", "INT", "BOOLEAN", "DOUBLE", "DATETIME /* usual */"],
)
def test_converters_of_other_types_are_given_the_text(definition, tables, same):
    same(f"SELECT v FROM {tables[definition]} ORDER BY id", of_other_types)


@CONVERSIONS
@pytest.mark.parametrize("sql", SELECTS)
def test_expressions_are_as_in_pymysql(sql, same, choose):
    same(sql, choose)


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, 0, -1, 2**63 - 1, 2**63, 2**64 - 1, -(2**63), 2**70, 0.1, -1e300, 5e-324,
        Decimal("1.50"), Decimal("1E-7"), Decimal("12345678901234567890.123456789"),
        "", "text", "O'Neil \"x\" \\ % %s", "nul\0 ctrl-z\x1a\r\n", "🚀 日本語",
        b"", b"text", b"\xff\x00'\\", bytearray(b"\x80"),
        datetime.datetime(2024, 2, 29, 23, 59, 59), datetime.datetime(2024, 2, 29, 0, 0, 0, 1),
        datetime.date(1, 1, 1), datetime.time(1, 2, 3), datetime.time(1, 2, 3, 4),
        datetime.timedelta(hours=-838, minutes=-59), datetime.timedelta(hours=839),
        datetime.timedelta(microseconds=-1),
    ],
    ids=repr,
)
def test_a_parameter_is_for_the_database_what_it_is_from_pymysql(value, session, theirs):
    sql = (
        "SELECT %s AS v, CHARSET(%s), HEX(%s), %s = 'TEXT', CONCAT(%s, 'x'), JSON_ARRAY(%s), "
        "LENGTH(%s), %s + 0 IS NULL"
    )
    with theirs().cursor() as cursor:
        cursor.execute(sql, (value,) * 8)
        expected = cursor.fetchall()
    assert typed(session.rows(sql, (value,) * 8)) == typed(expected)


def test_thousands_of_rows_are_as_in_pymysql(same):
    same(
        "SELECT seq, CONCAT('name', seq * seq), seq / 100, "
        "TIMESTAMP('2024-01-01') + INTERVAL seq * 37 MINUTE, NULL, IF(seq % 3, NULL, seq), "
        "IF(seq % 5, CONCAT('é', seq), NULL), IF(seq % 7, SEC_TO_TIME(seq * 9), NULL), "
        "IF(seq % 2, DATE('2020-02-02') + INTERVAL seq DAY, NULL) FROM seq_1_to_5000",
        dict,
    )
