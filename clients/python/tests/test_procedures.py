"""callproc, nextset and what CALL gives: the same as PyMySQL's."""

from __future__ import annotations

import pytest

import forebay
from same import attempt, both  # noqa: F401

PROCEDURES = {
    "nothing": "() BEGIN END",
    "one_set": "() SELECT id, name FROM things ORDER BY id",
    "two_sets": "(a INT, b VARCHAR(20)) BEGIN SELECT a; SELECT b, a; END",
    "changes": "(a INT) BEGIN SELECT 'x'; UPDATE things SET amount = a; END",
    "adds": "(name VARCHAR(20)) INSERT INTO things (name) VALUES (name)",
    "gives": "(a INT, OUT b INT, INOUT c INT) BEGIN SET b = a * 2; SET c = c + a; END",
    "fails": "() BEGIN SELECT 1; SELECT * FROM no_such_table; END",
}


@pytest.fixture(autouse=True)
def procedures(both):
    for name, body in PROCEDURES.items():
        both.run(f"DROP PROCEDURE IF EXISTS {name}", f"CREATE PROCEDURE {name}{body}")
    yield
    both.run(*[f"DROP PROCEDURE {name}" for name in PROCEDURES])


def all_sets(cursor):
    seen = []
    while True:
        columns = [column[:2] for column in cursor.description or ()]
        seen.append((cursor.rowcount, cursor.lastrowid, columns, list(cursor.fetchall())))
        if not cursor.nextset():
            return seen


@pytest.mark.parametrize("autocommit", [True, False])
@pytest.mark.parametrize("kind", ["Cursor", "DictCursor", "SSCursor", "SSDictCursor"])
@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("nothing", ()),
        ("one_set", ()),
        ("two_sets", (1, "it's")),
        ("changes", [7]),
        ("adds", ("q",)),
        ("fails", ()),
        ("no_such", ()),
        ("two_sets", (1,)),
        ("one`set", ()),
    ],
)
def test_callproc(both, name, args, kind, autocommit):
    def steps(connection, cursors):
        cursor = connection.cursor(getattr(cursors, kind))
        given = attempt(cursor.callproc, name, args)
        # PyMySQL names its columns by variables where it gives any.
        sets = [] if given[:1] == ("raised",) else all_sets(cursor)
        return given, [(count, last, rows) for count, last, _, rows in sets]

    def tell_values(seen):
        given, sets = seen
        return given, [
            (count, last, [tuple(row.values()) if isinstance(row, dict) else row for row in rows])
            for count, last, rows in sets
        ]

    if name == "fails":
        # An error after the first set is known at once, where all sets come together.
        assert both.ours(steps)[0][0] == ("raised", "ProgrammingError", 1146)
        return
    theirs = both.theirs(steps, autocommit=autocommit)
    ours = both.ours(steps, autocommit=autocommit)
    assert ours[1] == theirs[1]
    assert attempt(tell_values, ours[0]) == attempt(tell_values, theirs[0])


@pytest.mark.parametrize("call", ["CALL one_set()", "CALL two_sets(1, 'b')", "CALL changes(3)",
                                  "/* so */ call nothing()", "SELECT 1"])
def test_sets_of_a_statement(both, call):
    def steps(connection, cursors):
        cursor = connection.cursor()
        cursor.execute(call)
        return all_sets(cursor), cursor.nextset(), cursor.fetchall()

    both.same(steps)


def test_out_arguments_within_a_transaction(both):
    def steps(connection, cursors):
        cursor = connection.cursor()
        given = cursor.callproc("gives", (21, 0, 5))
        cursor.execute("SELECT @_gives_0, @_gives_1, @_gives_2")
        return given, cursor.fetchall()

    assert both.same(steps)[1] == ((21, 42, 26),)


def test_out_arguments_outside_a_transaction(ours):
    with ours(autocommit=True) as connection, connection.cursor() as cursor:
        with pytest.raises(forebay.OperationalError, match="begin") as raised:
            cursor.callproc("gives", (21, 0, 5))
        assert raised.value.args[0] == 1414
        connection.begin()
        cursor.callproc("gives", (21, 0, 5))
        cursor.execute("SELECT @_gives_1")
        assert cursor.fetchone() == (42,)


def test_a_percent_sign_in_the_name(ours, both):
    both.run("DROP PROCEDURE IF EXISTS `100%s`", "CREATE PROCEDURE `100%s`(a INT) SELECT a")
    try:
        for autocommit in (True, False):
            with ours(autocommit=autocommit) as connection, connection.cursor() as cursor:
                assert cursor.callproc("100%s", (7,)) == (7,)
                assert cursor.fetchall() == ((7,),)
    finally:
        both.run("DROP PROCEDURE `100%s`")
