"""Cursors of all kinds: the same as PyMySQL's."""

from __future__ import annotations

import pytest

import forebay
from same import TABLE, attempt, both  # noqa: F401

KINDS = ["Cursor", "DictCursor", "SSCursor", "SSDictCursor"]
SELECT = "SELECT id, name, amount FROM things ORDER BY id"


def state(cursor):
    return (
        cursor.rowcount,
        cursor.rownumber,
        cursor.lastrowid,
        cursor.warning_count,
        cursor.description,
        cursor.arraysize,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_fetches_rows(both, kind):
    def steps(connection, cursors):
        cursor = connection.cursor(getattr(cursors, kind))
        seen = [attempt(cursor.fetchone), cursor.execute(SELECT), state(cursor)]
        seen += [cursor.fetchone(), cursor.rownumber, cursor.fetchmany(1), cursor.rownumber]
        seen += [list(cursor.fetchall()), cursor.rownumber, cursor.fetchone(), cursor.fetchmany(2)]
        seen += [list(cursor.fetchall()), cursor.rownumber]
        return seen

    assert len(both.same(steps)) == 13


@pytest.mark.parametrize("kind", KINDS)
def test_types_of_what_is_fetched(both, kind):
    def steps(connection, cursors):
        cursor = connection.cursor(getattr(cursors, kind))
        seen = []
        for sql in (SELECT, SELECT + " LIMIT 0"):
            cursor.execute(sql)
            seen += [type(cursor.fetchmany(2)).__name__, type(cursor.fetchall()).__name__]
            cursor.execute(sql)
            seen.append(type(cursor.fetchall()).__name__)
        cursor.execute("UPDATE things SET amount = 9 WHERE id = 1")
        seen += [cursor.fetchone(), cursor.fetchmany(), cursor.fetchall()]
        connection.rollback()
        return seen

    both.same(steps)


@pytest.mark.parametrize("kind", KINDS)
def test_iterates(both, kind):
    def steps(connection, cursors):
        cursor = connection.cursor(getattr(cursors, kind))
        cursor.execute(SELECT)
        seen = [next(cursor), [row for row in cursor], list(cursor)]
        with pytest.raises(StopIteration):
            next(cursor)
        return seen

    both.same(steps)


@pytest.mark.parametrize("kind", KINDS)
def test_arraysize_is_the_size_of_fetchmany(both, kind):
    def steps(connection, cursors):
        cursor = connection.cursor(getattr(cursors, kind))
        cursor.execute(SELECT)
        cursor.arraysize = 2
        return [list(cursor.fetchmany()), list(cursor.fetchmany()), list(cursor.fetchmany())]

    assert [len(rows) for rows in both.same(steps)] == [2, 1, 0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "moves",
    [
        [(1, "relative"), (1, "relative")],
        [(2, "absolute"), (0, "absolute")],
        [(2, "relative"), (-1, "relative")],
        [(3, "absolute")],
        [(-1, "absolute")],
        [(1, "sideways")],
    ],
)
def test_scrolls(both, kind, moves):
    def steps(connection, cursors):
        cursor = connection.cursor(getattr(cursors, kind))
        cursor.execute(SELECT)
        seen = []
        for value, mode in moves:
            seen += [attempt(cursor.scroll, value, mode), cursor.rownumber]
        return [*seen, cursor.fetchone()]

    both.same(steps)


def test_scroll_before_execute(both):
    both.same(lambda connection, cursors: connection.cursor().scroll(1))


@pytest.mark.parametrize("kind", KINDS)
def test_closed_cursor(both, kind):
    def steps(connection, cursors):
        cursor = connection.cursor(getattr(cursors, kind))
        cursor.execute(SELECT)
        cursor.close()
        cursor.close()
        return [
            attempt(cursor.execute, SELECT),
            attempt(cursor.nextset),
            attempt(cursor.mogrify, "%s", (1,)),
            attempt(cursor.executemany, "INSERT INTO things (name) VALUES (%s)", [(1,)]),
            attempt(cursor.callproc, "nothing"),
        ]

    seen = both.same(steps)
    assert seen[0] == ("raised", "ProgrammingError", None)


def test_rows_stay_after_close(both):
    def steps(connection, cursors):
        with connection.cursor() as cursor:
            cursor.execute(SELECT)
        return cursor.connection is None, cursor.fetchall(), cursor.rowcount

    both.same(steps)


def test_cursor_of_a_closed_connection(both):
    def steps(connection, cursors):
        cursor = connection.cursor()
        connection.close()
        return attempt(cursor.execute, SELECT)

    assert both.same(steps) == ("raised", "InterfaceError", 0)


def test_a_failed_statement_leaves_no_rows(both):
    def steps(connection, cursors):
        cursor = connection.cursor()
        cursor.execute(SELECT)
        error = attempt(cursor.execute, "SELECT * FROM no_such_table")
        return error, cursor.rowcount, cursor.description, cursor.fetchone(), cursor._executed

    seen = both.same(steps)
    assert seen[0] == ("raised", "ProgrammingError", 1146)


def test_statements_of_several_cursors(both):
    def steps(connection, cursors):
        first, second = connection.cursor(), connection.cursor(cursors.DictCursor)
        first.execute(SELECT)
        second.execute("SELECT COUNT(*) AS n FROM things")
        return first.fetchall(), second.fetchone(), first.fetchone()

    both.same(steps)


def test_cursorclass_of_the_connection(both):
    def steps(connection, cursors):
        with connection.cursor() as cursor:
            cursor.execute(SELECT)
            return type(cursor).__name__, cursor.fetchall()

    name, rows = both.same(steps, cursorclass="DictCursor")
    assert name == "DictCursor" and rows[0]["name"] == "one"


def test_dictionaries_of_another_type(both):
    def steps(connection, cursors):
        class Named(dict):
            def __getattr__(self, name):
                return self[name]

        class NamedCursor(cursors.DictCursor):
            dict_type = Named

        class Streaming(cursors.SSDictCursor):
            dict_type = Named

        seen = []
        for kind in (NamedCursor, Streaming):
            cursor = connection.cursor(kind)
            cursor.execute(SELECT)
            row = cursor.fetchone()
            seen += [type(row).__name__, row.name]
        return seen

    both.same(steps)


def test_a_subclass_converts_rows(both):
    def steps(connection, cursors):
        class Listed(cursors.DictCursor):
            def _conv_row(self, row):
                return [row[0], super()._conv_row(row)]

        cursor = connection.cursor(Listed)
        cursor.execute(SELECT)
        return cursor.fetchall()

    both.same(steps)


def test_unbuffered_rows_one_by_one(both):
    def steps(connection, cursors):
        cursor = connection.cursor(cursors.SSCursor)
        cursor.execute(SELECT)
        rows = cursor.fetchall_unbuffered()
        return next(rows), list(rows), cursor.rownumber, cursor.read_next()

    both.same(steps)


def test_unbuffered_rows_in_slices(ours):
    with ours() as connection, connection.cursor(forebay.cursors.SSCursor) as cursor:
        cursor.execute("SELECT seq FROM seq_1_to_1801")
        rows = [cursor.fetchone()]
        # Unlike PyMySQL's, the connection may be used meanwhile.
        with connection.cursor() as other:
            other.execute("SELECT 7")
            assert other.fetchone() == (7,)
        rows += cursor.fetchmany(700) + cursor.fetchall()
    assert rows == [(number,) for number in range(1, 1802)]


@pytest.mark.parametrize("kind", ["DictCursor", "SSDictCursor"])
def test_two_columns_of_one_name_without_a_table(both, kind):
    def steps(connection, cursors):
        cursor = connection.cursor(getattr(cursors, kind))
        cursor.execute("SELECT 1 AS a, 2 AS a, 3 AS b")
        return cursor.fetchall()

    assert both.same(steps) == [{"a": 1, ".a": 2, "b": 3}]


PARTS = [
    "DROP TABLE IF EXISTS parts",
    "CREATE TABLE parts (id INT PRIMARY KEY, name VARCHAR(20), thing_id INT)",
    "INSERT INTO parts VALUES (1, 'screw', 2), (2, 'nut', 2), (3, NULL, 3)",
]
JOINS = {
    "SELECT * FROM things JOIN parts ON thing_id = things.id ORDER BY 1, 4": "parts.id",
    "SELECT * FROM things a JOIN parts AS b ON b.thing_id = a.id ORDER BY 1, 4": "b.id",
    "SELECT * FROM things a JOIN things b ON b.id = a.id ORDER BY 1": "b.amount",
    "SELECT * FROM things JOIN things AS t2 USING (id) ORDER BY 1": "t2.name",
    "SELECT * FROM things a LEFT JOIN parts b ON b.thing_id = a.id JOIN things c ON c.id = a.id"
    " ORDER BY 1, 4": "c.id",
    "SELECT a.*, b.id, 7 AS id FROM things a JOIN parts b ON thing_id = a.id ORDER BY 1, 4": ".id",
    # The same name by the same table: PyMySQL has the last one's value, under `a.id`.
    "SELECT a.id, a.name AS id, a.amount AS id FROM things a ORDER BY 1": "a.id",
    "SELECT id, id + 1 AS id, UPPER(name) AS id FROM things ORDER BY 1": ".id",
    "SELECT a.id, d.id FROM things a JOIN (SELECT id FROM parts) d ON d.id = a.id"
    " ORDER BY 1": "d.id",
    "SELECT a.id, b.id FROM things a, test.parts b WHERE b.id = a.id ORDER BY 1": "b.id",
    "WITH w AS (SELECT id, name FROM parts) SELECT * FROM things JOIN w ON w.id = things.id"
    " ORDER BY 1": "w.name",
    "SELECT a.id, `b é`.id FROM things a JOIN parts `b é` ON `b é`.id = a.id ORDER BY 1": "b é.id",
    "SELECT DISTINCT a.name, b . name, b.id, a.id FROM things a JOIN parts b ON b.id = a.id"
    " ORDER BY 3": "b.name",
    "SELECT a.id, b.id FROM things a JOIN parts b ON b.id = a.id WHERE a.id < 0": None,
    "SELECT id, id FROM things UNION ALL SELECT 9, 10 ORDER BY 1": ".id",
    "SELECT a.id, b.id FROM things a JOIN parts b ON b.id = a.id WHERE a.id = %s": "b.id",
}


@pytest.mark.parametrize("kind", ["DictCursor", "SSDictCursor"])
@pytest.mark.parametrize("sql", JOINS)
def test_columns_of_one_name_are_told_by_their_tables(both, sql, kind):
    def steps(connection, cursors):
        cursor = connection.cursor(getattr(cursors, kind))
        rows = []
        # Again, when the reply's columns are known; and of another number of rows.
        for statement in (sql, sql, f"{sql} LIMIT 1", f"{sql} LIMIT 1"):
            cursor.execute(statement, (1,) if "%s" in statement else None)
            rows += cursor.fetchall()
        return rows

    rows = both.same(steps, setup=TABLE + PARTS)
    assert JOINS[sql] in rows[0] if JOINS[sql] else rows == []


@pytest.mark.parametrize("kind", ["DictCursor", "SSDictCursor"])
def test_columns_of_the_same_tables_by_other_aliases(both, kind):
    def steps(connection, cursors):
        cursor = connection.cursor(getattr(cursors, kind))
        names = []
        for first, second in ("ab", "ba", "ac", "ab"):
            cursor.execute(
                f"SELECT * FROM things {first} JOIN things {second}"
                f" ON {first}.id = {second}.id WHERE {first}.id = 1"
            )
            names.append(list(cursor.fetchone()))
            list(cursor.fetchall())
        return names

    assert [row[3] for row in both.same(steps)] == ["b.id", "a.id", "c.id", "b.id"]


def test_fetching_from_a_statement_without_rows_is_an_error(ours, both):
    with ours() as connection, connection.cursor() as cursor:
        cursor.raises_without_rows = True
        cursor.execute("DO 1")
        for fetch in (cursor.fetchone, cursor.fetchmany, cursor.fetchall):
            with pytest.raises(forebay.ProgrammingError, match="raises_without_rows"):
                fetch()


DESCRIBED = [
    "1", "-1", "1.5", "1e3", "'text'", "'ü'", "_binary 'x'", "NULL", "NOW()", "CURDATE()",
    "CURTIME(6)", "CAST(1 AS UNSIGNED)", "CAST('a' AS CHAR(10))", "id", "name", "amount",
    "JSON_OBJECT('a', 1)", "REPEAT('a', 70000)", "b'1'", "YEAR(NOW())", "COUNT(*)", "SUM(amount)",
]


@pytest.mark.parametrize("expression", DESCRIBED)
def test_description(both, expression):
    def steps(connection, cursors):
        cursor = connection.cursor()
        cursor.execute(f"SELECT {expression} FROM things")
        return cursor.description

    assert len(both.same(steps)[0]) == 7


def test_mogrify(both):
    import datetime
    import decimal

    values = [
        1, -5, 1.5, "it's", 'say "no"', "back\\slash", "line\nbreak", "\0\x1a", b"\xff\x00a",
        bytearray(b"ab"), None, True, decimal.Decimal("1.10"), datetime.date(2024, 2, 29),
        datetime.datetime(2024, 2, 29, 1, 2, 3, 4), datetime.time(1, 2, 3),
        datetime.timedelta(days=-1, seconds=5), [1, "a"], (1,), {3}, "%s", "ü€😀",
    ]

    def steps(connection, cursors):
        cursor = connection.cursor()
        seen = [cursor.mogrify("a=%s", (value,)) for value in values]
        seen += [cursor.mogrify("b=%(b)s c=%(c)s", {"b": 1, "c": "x"}), cursor.mogrify("100%")]
        seen += [cursor.mogrify("a %% %s", 5), attempt(cursor.mogrify, "%s", (1, 2))]
        seen += [attempt(cursor.mogrify, "%s %s", (1,)), attempt(cursor.mogrify, "%(a)s", {})]
        seen += [connection.escape(value) for value in values]
        return seen

    both.same(steps)


def test_what_was_executed(both):
    def steps(connection, cursors):
        cursor = connection.cursor()
        seen = [cursor._executed]
        cursor.execute("SELECT %s, %s", ("it's", 1))
        seen.append(cursor._executed)
        cursor.execute("SELECT 1")
        return [*seen, cursor._executed]

    both.same(steps)


def test_sizes_are_ignored(both):
    def steps(connection, cursors):
        cursor = connection.cursor()
        return cursor.setinputsizes([1]), cursor.setoutputsizes(1, 2)

    both.same(steps)
