"""executemany: the same rows and counts as PyMySQL's, in few calls."""

from __future__ import annotations

import datetime
import decimal

import pytest

import forebay
from same import TABLE, attempt, both  # noqa: F401

INSERT = "INSERT INTO things (name, amount) VALUES (%s, %s)"


def many(sql, rows):
    """Steps that run it and give what is to be the same."""

    def steps(connection, cursors):
        cursor = connection.cursor()
        count = attempt(cursor.executemany, sql, rows() if callable(rows) else rows)
        # PyMySQL's cursor has no lastrowid before its first statement.
        seen = (count, cursor.rowcount, getattr(cursor, "lastrowid", None), cursor.description)
        connection.commit()
        return seen

    return steps


CASES = {
    "insert": (INSERT, [("a", 1), ("b", 2), ("c", None or 3)]),
    "one row": (INSERT, [("a", 1)]),
    "lists": (INSERT, [["a", 1], ["b", 2]]),
    "a tuple of tuples": (INSERT, (("a", 1), ("b", 2))),
    "empty": (INSERT, []),
    "empty tuple": (INSERT, ()),
    "None": (INSERT, None),
    "generator": (INSERT, lambda: ((f"g{i}", i) for i in range(5))),
    "named": (
        "INSERT INTO things (name, amount) VALUES (%(name)s, %(amount)s)",
        [{"name": "a", "amount": 1}, {"name": "b", "amount": 2}],
    ),
    "named, more than are used": (
        "INSERT INTO things (name) VALUES (%(name)s)",
        [{"name": "a", "amount": 1}, {"name": "b", "amount": 2}],
    ),
    "on duplicate": (
        INSERT + " ON DUPLICATE KEY UPDATE amount = VALUES(amount)",
        [("one", 10), ("new", 1), ("two", 2.5)],
    ),
    "ignore": ("INSERT IGNORE INTO things (name, amount) VALUES (%s, %s)", [("one", 1), ("x", 2)]),
    "replace": ("REPLACE INTO things (name, amount) VALUES (%s, %s)", [("one", 7), ("x", 2)]),
    "percent": ("INSERT INTO things (name, amount) VALUES (%s, 7 %% 4)", [("a",), ("b%",)]),
    "lower case": ("insert into things (name) values (%s);", [("a",), ("b",)]),
    "functions": ("INSERT INTO things (name) VALUES (UPPER(%s))", [("a",), ("b",)]),
    "select": ("INSERT INTO things (name) SELECT %s FROM DUAL", [("a",), ("b",)]),
    "update": (
        "UPDATE things SET amount = %s WHERE name = %s",
        [(9, "one"), (2.5, "two"), (1, "-")],
    ),
    "delete": ("DELETE FROM things WHERE name = %s", [("one",), ("nobody",), ("two",)]),
    "sequences": ("DELETE FROM things WHERE name IN %s", [(["one", "two"],), (("three",),)]),
    "of selects": ("SELECT id FROM things WHERE name = %s", [("one",), ("two",)]),
    "duplicate key": (INSERT, [("a", 1), ("one", 1)]),
    "null": ("UPDATE things SET amount = %s WHERE id = %s", [(1, 1), (None, 2)]),
    "too few": (INSERT, [("a", 1), ("b",)]),
    "too many": (INSERT, [("a", 1), ("b", 1, 2)]),
    "bad SQL": ("INSERT INTO things (nothing) VALUES (%s)", [(1,), (2,)]),
    "bad value": (INSERT, [("a", float("nan"))]),
    "no placeholders": ("INSERT INTO things (amount) VALUES (1)", [(), ()]),
    "set": ("SET @a = %s", [(1,), (2,)]),
}


@pytest.mark.parametrize("name", CASES)
def test_executemany(both, name):
    if name in ("too few", "too many", "duplicate key", "null"):
        # PyMySQL finds out halfway; here nothing is done.
        theirs, _left = both.theirs(many(*CASES[name]))
        ours, left = both.ours(many(*CASES[name]))
        assert ours[0] == theirs[0] and ours[0][0] == "raised"
        assert len(left) == 3
        return
    if name in ("percent", "functions", "select"):
        # PyMySQL makes a statement for each row of these, and has the last one's id.
        theirs, left = both.theirs(many(*CASES[name]))
        ours, left_by_us = both.ours(many(*CASES[name]))
        assert left_by_us == left
        assert ours == (2, 2, 4, None) and theirs == (2, 2, 5, None)
        return
    both.same(many(*CASES[name]))


@pytest.mark.parametrize("autocommit", [True, False])
def test_all_types(both, autocommit):
    setup = [
        "DROP TABLE IF EXISTS all_types",
        "CREATE TABLE all_types (id INT PRIMARY KEY AUTO_INCREMENT, a BIGINT UNSIGNED, b DOUBLE,"
        " c DECIMAL(20,5), d DATETIME(6), e DATE, f TIME(6), g VARCHAR(50), h BLOB, i BOOLEAN)",
    ]
    rows = [
        (
            2**64 - 1,
            1.5e-300,
            decimal.Decimal("-1.50000"),
            datetime.datetime(2024, 2, 29, 1, 2, 3, 4),
            datetime.date(1, 1, 1),
            datetime.timedelta(hours=-800, microseconds=5),
            "it's ü😀%s\\",
            bytes(range(256)),
            True,
        ),
        (None,) * 9,
        (
            0,
            0.0,
            decimal.Decimal(0),
            datetime.datetime(9999, 12, 31),
            datetime.date(2024, 1, 1),
            datetime.timedelta(0),
            "",
            b"",
            False,
        ),
    ]

    def steps(connection, cursors):
        cursor = connection.cursor()
        places = ", ".join(["%s"] * 9)
        count = cursor.executemany(
            f"INSERT INTO all_types (a,b,c,d,e,f,g,h,i) VALUES ({places})", rows
        )
        cursor.execute("SELECT * FROM all_types ORDER BY id")
        return count, cursor.fetchall()

    assert both.same(steps, setup=setup, autocommit=autocommit)[0] == 3


def test_found_rows(both):
    from pymysql.constants import CLIENT

    steps = many(*CASES["update"])
    assert both.same(steps, client_flag=CLIENT.FOUND_ROWS)[0] == 2
    assert both.same(steps)[0] == 1


def test_within_a_transaction(both):
    def steps(connection, cursors):
        connection.begin()
        cursor = connection.cursor()
        seen = [cursor.executemany(INSERT, [("a", 1), ("b", 2)])]
        seen.append(attempt(cursor.executemany, INSERT, [("one", 1)]))
        seen.append(cursor.executemany(INSERT, [("c", 1)]))
        cursor.execute("SELECT COUNT(*) FROM things")
        seen.append(cursor.fetchone())
        connection.rollback()
        return seen

    both.same(steps, autocommit=True)
    both.same(steps)


def test_many_rows_in_several_calls(ours, both):
    both.run("DROP TABLE IF EXISTS wide", "CREATE TABLE wide (id INT PRIMARY KEY, text LONGTEXT)")
    rows = [(number, "x" * 40_000) for number in range(600)]
    with ours() as connection, connection.cursor() as cursor:
        assert cursor.executemany("INSERT INTO wide VALUES (%s, %s)", iter(rows)) == 600
        assert cursor.rowcount == 600
        connection.commit()
        cursor.execute("SELECT COUNT(*), MIN(id), MAX(id), SUM(LENGTH(text)) FROM wide")
        assert cursor.fetchone() == (600, 0, 599, 24_000_000)
    both.run("DROP TABLE wide")


def test_many_small_rows(ours, both):
    both.run("DROP TABLE IF EXISTS small", "CREATE TABLE small (id INT PRIMARY KEY, a INT)")
    with ours(autocommit=True) as connection, connection.cursor() as cursor:
        rows = [(number, number % 7) for number in range(30_000)]
        assert cursor.executemany("INSERT INTO small VALUES (%s, %s)", rows) == 30_000
        cursor.execute("SELECT COUNT(*), SUM(a) FROM small")
        assert cursor.fetchone() == (30_000, sum(a for _, a in rows))
    both.run("DROP TABLE small")


def test_an_error_leaves_nothing_under_autocommit(ours, both):
    both.run(*TABLE)
    with ours(autocommit=True) as connection, connection.cursor() as cursor:
        with pytest.raises(forebay.IntegrityError) as raised:
            cursor.executemany("UPDATE things SET name = %s WHERE id = %s", [("x", 1), ("two", 3)])
        assert raised.value.args[0] == 1062
        cursor.execute("SELECT name FROM things ORDER BY id")
        assert [name for (name,) in cursor.fetchall()] == ["one", "two", "three"]


def test_returning(both):
    def steps(connection, cursors):
        cursor = connection.cursor()
        cursor.executemany(INSERT + " RETURNING id, name", [("a", 1)])
        return cursor.fetchall()

    both.same(steps)


@pytest.mark.parametrize("ends, kept", [("commit", 20_000), ("rollback", 0)])
def test_rows_whose_making_ends_the_transaction(ours, both, ends, kept):
    """What comes after that is in the next transaction."""
    both.run("DROP TABLE IF EXISTS small", "CREATE TABLE small (id INT PRIMARY KEY)")
    with ours() as connection:

        def rows():
            for number in range(25_000):
                if number == 22_000:
                    getattr(connection, ends)()
                yield (number,)

        connection.cursor().executemany("INSERT INTO small VALUES (%s)", rows())
        connection.rollback()
    assert both.rows("SELECT COUNT(*) FROM small") == ((kept,),)
    both.run("DROP TABLE small")
