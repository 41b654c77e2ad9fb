"""What a template sends means what PyMySQL would have sent: both are run on the
same MariaDB, one through the service, one directly."""

from __future__ import annotations

import random
import warnings

import pymysql
import pytest

from forebay import _template, err
from forebay._template import template
from placeholders import ARGUMENTS, HOSTILE, SCALARS, TEMPLATES
from raw_calls import session


@pytest.fixture(scope="module")
def raw(service):
    with session(service.port) as made:
        yield made


@pytest.fixture(scope="module")
def direct(mysql_port):
    connection = pymysql.connect(
        host="127.0.0.1",
        port=mysql_port,
        user="root",
        database="test",
        ssl_disabled=True,
        autocommit=True,
    )
    yield connection
    connection.close()


def by_pymysql(direct, sql, args):
    with direct.cursor() as cursor:
        cursor.execute(sql, args)
        return list(cursor.fetchall())


def outcome(function, *args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function(*args)
        except Exception as error:
            return error


def types_of(rows):
    return [list(map(type, row)) for row in rows]


def may_refuse(sql, args):
    """Where a value cannot be sent: its placeholder stands in quotes, at a word,
    or is of a form that the contract does not have."""
    template(sql).values((), {})
    return args is not None and template(sql)._state in (_template._INLINE, _template._ODD)


@pytest.mark.parametrize("sql", TEMPLATES)
def test_the_same_rows_as_pymysql(raw, direct, sql):
    refused = 0
    for args in ARGUMENTS:
        theirs = outcome(by_pymysql, direct, sql, args)
        ours = outcome(raw.rows, sql, args)
        if isinstance(ours, Exception):
            names = [kind.__name__ for kind in type(ours).__mro__]
            if isinstance(theirs, Exception):
                is_same = type(theirs).__name__ in names
                assert is_same or isinstance(ours, err.ProgrammingError), (sql, args, theirs, ours)
            else:
                assert isinstance(ours, err.ProgrammingError), (sql, args, theirs, ours)
                assert may_refuse(sql, args), (sql, args, theirs, ours)
                refused += 1
        else:
            assert ours == theirs, (sql, args)
            assert types_of(ours) == types_of(theirs), (sql, args)
    assert refused < len(ARGUMENTS)


@pytest.fixture(scope="module")
def table(direct):
    with direct.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS parameters")
        cursor.execute(
            "CREATE TABLE parameters (id INT PRIMARY KEY AUTO_INCREMENT, t LONGTEXT, b LONGBLOB)"
            " DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_bin"
        )
        yield "parameters"
        cursor.execute("DROP TABLE parameters")


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_a_hostile_value_comes_back_as_it_is(raw, direct, table, number):
    value = HOSTILE[number]
    column = "t" if isinstance(value, str) else "b"
    assert raw.rows("SELECT %s", (value,)) == [(value,)]
    assert raw.rows("SELECT %(v)s, %(v)s", {"v": value}) == [(value, value)]
    assert raw.rows("SELECT %s IN %s, %s", (value, [value, "x"], 1)) == [(1, 1)]
    assert raw.rows("SELECT (%s, 1) IN %s", (value, [(value, 1), ("x", 2)])) == [(1,)]
    made = raw.execute(f"INSERT INTO {table} ({column}) VALUES (%s)", (value,))
    found = f"SELECT {column} FROM {table} WHERE id = %s AND {column} = %s"
    assert raw.rows(found, (made.insert_id, value)) == [(value,)]
    assert by_pymysql(direct, found, (made.insert_id, value)) == [(value,)]


def test_a_string_in_quotes_is_never_part_of_the_statement(raw, table):
    for value in HOSTILE:
        for sql in (
            f"SELECT COUNT(*) FROM {table} WHERE t = '%s'",
            f'SELECT COUNT(*) FROM {table} WHERE t = "%s"',
            f"SELECT COUNT(*) FROM {table} -- %s",
            f"SELECT COUNT(*) FROM {table} /* %s */",
            f"SELECT COUNT(*) FROM `{table}%s`",
        ):
            with pytest.raises(err.ProgrammingError, match="take the quotes away"):
                raw.execute(sql, (value,))


@pytest.mark.parametrize("value", SCALARS, ids=lambda value: type(value).__name__)
def test_a_value_is_stored_as_by_pymysql(raw, direct, table, value):
    column = "b" if isinstance(value, (bytes, bytearray)) else "t"
    sql = f"INSERT INTO {table} ({column}) VALUES (%s)"
    made = raw.execute(sql, (value,))
    with direct.cursor() as cursor:
        cursor.execute(sql, (value,))
        ids = (made.insert_id, cursor.lastrowid)
    rows = by_pymysql(direct, f"SELECT t, b FROM {table} WHERE id IN %s", (ids,))
    assert len(rows) == 2
    assert rows[0] == rows[1]


MODES = ["", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES"]

#: Where what is in quotes depends on the sql_mode.
AMBIGUOUS = [
    r"SELECT '\', %s, '", r"SELECT '\' , %s", r"SELECT '\'', %s", r"SELECT '\\', %s",
    r'SELECT "\", %s, "', r'SELECT "\" , %s', r'SELECT "\"", %s', r"SELECT '\'' AS `\`, %s",
    r"SELECT 'a' LIKE 'a' ESCAPE '\', %s", r"SELECT '\', %s, '\', %s, ''",
    r"SELECT '\' -- ', %s" + "\n, %s", r"SELECT '\' /* ', %s, '*/ '", r"SELECT '\' # ', %s",
    r"""SELECT "it's", %s""", r"""SELECT '"', %s, '"'""", r"""SELECT "'", %s, "'" """,
    r"""SELECT '\"', %s, "\'" """, r"SELECT 1 AS '\', %s, 2 AS '\'", r"SELECT '%s\', %s",
    r"SELECT '\%s', %s", r"SELECT '\', '%s', %s",
]  # fmt: skip

STRINGS = ["x", "' OR 1=1 -- ", '" OR 1=1 -- ', "\\", "\\' OR 1=1 #", "*/ 1 /*", "%s", "`"]


@pytest.fixture(scope="module")
def by_mode(start_service, mysql_url):
    shards = [
        f'[shards.mode{number}]\nurl = "{mysql_url}"\nsql_mode = "{mode}"\n'
        for number, mode in enumerate(MODES)
    ]
    return start_service("\n".join(shards))


@pytest.mark.parametrize("number", range(len(MODES)), ids=lambda number: MODES[number] or "none")
def test_another_sql_mode_makes_an_error_at_worst(by_mode, mysql_port, number):
    """Whatever we take for quoted: a row has the value as it is, or what PyMySQL
    gets, which knows NO_BACKSLASH_ESCAPES; else it is an error before anything runs."""
    mode = MODES[number]
    direct = pymysql.connect(
        host="127.0.0.1", port=mysql_port, user="root", sql_mode=mode, ssl_disabled=True
    )
    rows = 0
    with direct, session(by_mode.port, f"mode{number}") as raw:
        assert raw.rows("SELECT @@sql_mode") == [(mode,)]
        for sql in AMBIGUOUS:
            for value in [*STRINGS, 5, -1.5, None]:
                args = (value,) * sql.count("%s")
                ours = outcome(raw.rows, sql, args)
                if isinstance(ours, Exception):
                    assert isinstance(ours, (err.ProgrammingError, err.OperationalError)), ours
                    assert ours.outcome in (None, "NOT_APPLIED")
                    continue
                rows += 1
                theirs = outcome(by_pymysql, direct, sql, args)
                assert ours == theirs, (sql, args)
    assert rows > len(AMBIGUOUS)


#: Each makes a column 4242 of its own if it gets out of where it was put.
ESCAPING = ["', 4242, '", '", 4242, "', "\\', 4242, '", "*/ 4242, /*", "\n, 4242 -- ", "`, 4242, `"]
PLACES = [
    "%s", "%s", "'%s'", '"%s"', r"'\', %s, '", r"'\', %s, ''", r"'\\', %s", "/* %s */ 1",
    "1 -- %s\n", "1 # %s\n", "1 AS `%s`", r"'\'', %s", r"'\' , '%s', '", "'it''s', %s",
    r'"\", %s, "', r'"\"", %s',
    r"`\`, %s", "/*! %s */", "'' -- '\n, %s", r"'\' -- ', %s" "\n", "'\\\n', %s, '\\'",
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(MODES)), ids=lambda number: MODES[number] or "none")
def test_no_value_gets_out_of_its_place_whatever_stands_around_it(by_mode, mysql_port, number):
    source = random.Random(number)
    by_theirs = rows = 0
    direct = pymysql.connect(
        host="127.0.0.1", port=mysql_port, user="root", sql_mode=MODES[number], ssl_disabled=True
    )
    with direct, session(by_mode.port, f"mode{number}") as raw:
        for _ in range(700):
            sql = "SELECT " + ", ".join(source.choices(PLACES, k=source.randrange(1, 4)))
            args = source.choices([*ESCAPING, 7], k=sql.count("%s"))
            theirs = outcome(by_pymysql, direct, sql, args)
            ours = outcome(raw.rows, sql, args)
            if not isinstance(theirs, Exception):
                by_theirs += any(4242 in row for row in theirs)
            if not isinstance(ours, Exception):
                rows += 1
                assert not any(4242 in row for row in ours), (sql, args)
    assert rows > 50
    # PyMySQL's comments are open to it, so that this test would see it.
    assert by_theirs > 0


def test_a_list_longer_than_one_value_of_the_contract_holds(raw):
    numbers = list(range(150_000))
    assert raw.rows("SELECT 149999 IN %s, 150000 IN %s", (numbers, numbers)) == [(1, 0)]
