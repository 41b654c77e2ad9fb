"""Transactions: the same as with PyMySQL, by methods and by statements."""

from __future__ import annotations

import pytest

import forebay
from same import attempt, both  # noqa: F401

COUNT = "SELECT COUNT(*), SUM(amount) FROM things"


def run(connection, *statements):
    """What each statement comes to: its count and its rows."""
    seen = []
    for statement in statements:
        cursor = connection.cursor()
        count = attempt(cursor.execute, statement)
        seen.append((count, cursor.fetchall() if cursor.description else None))
    return seen


INSERT = "INSERT INTO things (name) VALUES ('four')"
UPDATE = "UPDATE things SET amount = amount + 1"


def test_nothing_is_kept_without_commit(both):
    both.same(lambda connection, cursors: run(connection, INSERT, COUNT))


def test_commit_keeps(both):
    def steps(connection, cursors):
        run(connection, INSERT)
        connection.commit()
        return run(connection, COUNT)

    both.same(steps)


def test_rollback_undoes(both):
    def steps(connection, cursors):
        run(connection, INSERT, UPDATE)
        connection.rollback()
        return run(connection, COUNT)

    both.same(steps)


def test_commit_and_rollback_without_a_transaction(both):
    def steps(connection, cursors):
        return connection.commit(), connection.rollback(), connection.commit()

    both.same(steps)


def test_autocommit_from_the_start(both):
    both.same(lambda connection, cursors: run(connection, INSERT, UPDATE), autocommit=True)


def test_begin_under_autocommit(both):
    def steps(connection, cursors):
        connection.begin()
        seen = [run(connection, INSERT, COUNT)]
        connection.rollback()
        seen.append(run(connection, COUNT, INSERT))
        connection.rollback()
        return seen, connection.get_autocommit()

    both.same(steps, autocommit=True)


def test_begin_commits_what_is_open(both):
    def steps(connection, cursors):
        connection.begin()
        run(connection, INSERT)
        connection.begin()
        run(connection, UPDATE)
        connection.rollback()

    both.same(steps, autocommit=True)
    both.same(steps)


def test_turning_autocommit_on_commits(both):
    def steps(connection, cursors):
        run(connection, INSERT)
        connection.autocommit(True)
        connection.rollback()
        seen = [connection.get_autocommit()]
        connection.autocommit(False)
        run(connection, UPDATE)
        return [*seen, connection.get_autocommit()]

    both.same(steps)


def test_autocommit_on_again_does_not_commit(both):
    def steps(connection, cursors):
        connection.begin()
        run(connection, INSERT)
        connection.autocommit(True)
        connection.rollback()

    both.same(steps, autocommit=True)


SCRIPTS = {
    "begin": ["BEGIN", INSERT, "ROLLBACK", UPDATE, "COMMIT"],
    "begin work": ["begin work", INSERT, "commit work;"],
    "start transaction": ["START TRANSACTION", INSERT, "ROLLBACK WORK", COUNT],
    "read only": ["START TRANSACTION READ ONLY", COUNT, INSERT, "COMMIT", INSERT],
    "read write": ["START TRANSACTION READ WRITE", INSERT, "COMMIT"],
    "snapshot": ["START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", COUNT, INSERT, "COMMIT"],
    "comments": ["/* why */ BEGIN -- now", INSERT, "# so\nROLLBACK"],
    "begin commits": ["BEGIN", INSERT, "BEGIN", UPDATE, "ROLLBACK"],
    "chain": ["BEGIN", INSERT, "COMMIT AND CHAIN", UPDATE, "ROLLBACK", COUNT],
    "rollback chain": ["BEGIN", INSERT, "ROLLBACK AND CHAIN", UPDATE, "ROLLBACK", COUNT],
    "no chain": ["BEGIN", INSERT, "COMMIT AND NO CHAIN NO RELEASE", UPDATE],
    "set autocommit": ["SET autocommit=0", INSERT, "ROLLBACK", UPDATE, "SET autocommit=1", COUNT],
    "set autocommit off": ["SET @@autocommit = OFF", INSERT, "SET SESSION autocommit=ON"],
    "savepoint": ["BEGIN", INSERT, "SAVEPOINT a", UPDATE, "ROLLBACK TO a", "COMMIT", COUNT],
    "savepoints": ["BEGIN", "SAVEPOINT `a b`", INSERT, "ROLLBACK TO SAVEPOINT `a b`", "COMMIT"],
    "release": ["BEGIN", "SAVEPOINT a", INSERT, "RELEASE SAVEPOINT a", "ROLLBACK TO a", "COMMIT"],
    "savepoint alone": ["SAVEPOINT a", INSERT, "ROLLBACK TO a", "RELEASE SAVEPOINT a"],
    "ddl": ["BEGIN", INSERT, "CREATE TABLE IF NOT EXISTS other (a INT)", UPDATE, "ROLLBACK"],
    "ddl fails": ["BEGIN", INSERT, "CREATE TABLE things (a INT)", "ROLLBACK", COUNT],
    "truncate": ["BEGIN", INSERT, "TRUNCATE TABLE things", "ROLLBACK", COUNT],
    "analyze": ["BEGIN", INSERT, "ANALYZE TABLE other", "ROLLBACK", COUNT],
    "error": ["BEGIN", INSERT, "INSERT INTO things (name) VALUES ('one')", "COMMIT", COUNT],
    "lock": ["LOCK TABLES things WRITE", INSERT, "SELECT * FROM other", "UNLOCK TABLES", COUNT],
    "lock commits": ["BEGIN", INSERT, "LOCK TABLES things READ", "ROLLBACK", "UNLOCK TABLES"],
    "unlock": ["BEGIN", INSERT, "UNLOCK TABLES", "ROLLBACK", COUNT],
    "temporary": ["BEGIN", INSERT, "CREATE TEMPORARY TABLE kept (a INT)",
                  "INSERT INTO kept VALUES (1)", "SELECT * FROM kept",
                  "DROP TEMPORARY TABLE kept", "ROLLBACK", COUNT],
    "user variables": ["BEGIN", "SET @a = 5, @b := 'x,y'", "SELECT @a, @b", "COMMIT"],
    "session variables": ["BEGIN", "SET SESSION sort_buffer_size = 65536",
                          "SELECT @@sort_buffer_size", "COMMIT"],
    "level in it": ["BEGIN", INSERT, "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "ROLLBACK"],
    "wrong level": ["SET TRANSACTION ISOLATION LEVEL MAYBE", "SET tx_isolation = 'MAYBE'"],
    "access": ["SET TRANSACTION READ ONLY", "BEGIN", INSERT, "COMMIT", INSERT],
    "session access": ["SET SESSION TRANSACTION READ ONLY", "BEGIN", INSERT, "COMMIT",
                       "SET SESSION tx_read_only = 0", "BEGIN", INSERT, "COMMIT"],
}


@pytest.mark.parametrize("autocommit", [True, False])
@pytest.mark.parametrize("name", SCRIPTS)
def test_statements(both, name, autocommit):
    both.run("DROP TABLE IF EXISTS other")
    both.run("CREATE TABLE other (a INT)")
    both.same(lambda connection, cursors: run(connection, *SCRIPTS[name]), autocommit=autocommit)


LEVELS = ["READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]


@pytest.mark.parametrize("autocommit", [True, False])
@pytest.mark.parametrize("level", LEVELS)
def test_isolation_of_the_session_is_what_is_asked_for(both, level, autocommit):
    def steps(connection, cursors):
        seen = run(connection, f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
        seen += run(connection, "SELECT @@tx_isolation", "SELECT @@session.tx_isolation, 1")
        connection.rollback()
        connection.begin()
        seen += run(connection, COUNT, "SELECT @@tx_isolation")
        connection.commit()
        return seen + run(connection, "SELECT @@tx_isolation")

    both.same(steps, autocommit=autocommit)


@pytest.mark.parametrize(
    "setting",
    [
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "SET SESSION tx_isolation = 'READ-COMMITTED'",
        "SET @@session.tx_isolation = 'read-committed'",
        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ WRITE",
    ],
)
def test_what_others_commit_is_seen_by_isolation(both, setting):
    def steps(connection, cursors):
        seen = run(connection, setting)
        for _ in range(2):
            connection.begin()
            seen += run(connection, "SELECT SUM(amount) FROM other")
            if "SERIALIZABLE" not in setting:
                both.run("UPDATE other SET amount = amount + 1")
            seen += run(connection, "SELECT SUM(amount) FROM other")
            connection.commit()
        return seen

    setup = [
        "DROP TABLE IF EXISTS other",
        "CREATE TABLE other (amount INT) ENGINE=InnoDB",
        "INSERT INTO other VALUES (1)",
    ]
    both.same(steps, setup=setup)


def test_the_next_transaction_alone(both):
    def steps(connection, cursors):
        seen = run(connection, "SET TRANSACTION READ ONLY")
        connection.begin()
        seen += run(connection, INSERT)
        connection.commit()
        connection.begin()
        seen += run(connection, INSERT)
        connection.commit()
        return seen

    seen = both.same(steps)
    assert seen[1][0] == ("raised", "OperationalError", 1792) and seen[2][0] == 1


def test_server_status(both):
    def steps(connection, cursors):
        def flags():
            return connection.server_status & 3

        seen = [flags()]
        connection.begin()
        run(connection, UPDATE)
        seen.append(flags())
        connection.commit()
        connection.autocommit(False)
        return [*seen, flags()]

    both.same(steps, autocommit=True)


def test_closing_rolls_back(both):
    def steps(connection, cursors):
        run(connection, INSERT)
        connection.close()
        return connection.open

    both.same(steps)


def test_a_read_only_transaction_by_argument_of_begin_is_one_call(ours, both):
    both.run(*["DROP TABLE IF EXISTS things", "CREATE TABLE things (id INT)"])
    with ours() as connection, connection.cursor() as cursor:
        cursor.execute("START TRANSACTION READ ONLY")
        with pytest.raises(forebay.OperationalError) as raised:
            cursor.execute("INSERT INTO things VALUES (1)")
        assert raised.value.args[0] == 1792


@pytest.mark.parametrize("end", ["close", "rollback", "UNLOCK TABLES"])
def test_lock_tables_with_autocommit_keeps_what_was_done(both, end):
    def steps(connection, cursors):
        cursor = connection.cursor()
        cursor.execute("LOCK TABLES things WRITE")
        cursor.execute("INSERT INTO things (name) VALUES ('locked')")
        if end == "UNLOCK TABLES":
            cursor.execute(end)
        else:
            getattr(connection, end)()
        if connection.open:
            connection.close()
        return [name for (name,) in both.rows("SELECT name FROM things ORDER BY id")]

    assert both.same(steps, autocommit=True)[-1] == "locked"


def test_a_session_that_reads_only_writes_nothing_with_autocommit(both):
    def steps(connection, cursors):
        cursor = connection.cursor()
        insert = "INSERT INTO things (name) VALUES (%s)"
        cursor.execute("SET SESSION TRANSACTION READ ONLY")
        seen = [
            attempt(cursor.execute, insert, ("a",)),
            attempt(cursor.executemany, insert, [("b",), ("c",)]),
            attempt(cursor.execute, "SELECT COUNT(*) FROM things"),
        ]
        cursor.execute("SET SESSION TRANSACTION READ WRITE")
        cursor.execute(insert, ("d",))
        return seen

    both.same(steps, autocommit=True)


@pytest.mark.parametrize("autocommit", [False, True])
def test_last_insert_id_of_another_transaction(both, autocommit):
    def steps(connection, cursors):
        cursor = connection.cursor()
        cursor.execute("INSERT INTO things (name) VALUES ('parent')")
        connection.commit()
        connection.begin()
        cursor.execute("UPDATE things SET amount = LAST_INSERT_ID() + %s WHERE id = 1", (5,))
        cursor.executemany(
            "UPDATE things SET amount = LAST_INSERT_ID() + %s WHERE id = %s", [(6, 2), (7, 3)]
        )
        cursor.execute("SELECT LAST_INSERT_ID() + 1, @@last_insert_id + 2")
        seen = cursor.fetchall()
        connection.commit()
        return seen

    both.same(steps, autocommit=autocommit)


@pytest.mark.parametrize("autocommit", [False, True])
def test_lock_tables_that_fails_begins_nothing(both, autocommit):
    def steps(connection, cursors):
        cursor = connection.cursor()
        seen = [attempt(cursor.execute, "LOCK TABLES nowhere WRITE")]
        cursor.execute("INSERT INTO things (name) VALUES ('after')")
        connection.close()
        return [*seen, both.rows("SELECT name FROM things ORDER BY id")]

    both.same(steps, autocommit=autocommit)


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_a_chained_transaction_is_as_the_one_before(both, end):
    def steps(connection, cursors):
        cursor = connection.cursor()
        cursor.execute("START TRANSACTION READ ONLY")
        cursor.execute(f"{end} AND CHAIN")
        seen = attempt(cursor.execute, "INSERT INTO things (name) VALUES ('chained')")
        connection.commit()
        return seen

    assert both.same(steps, autocommit=True)[2] == 1792


def test_the_next_statement_reads_only_with_autocommit(both):
    def steps(connection, cursors):
        cursor = connection.cursor()
        cursor.execute("SET TRANSACTION READ ONLY")
        return attempt(cursor.execute, "INSERT INTO things (name) VALUES ('a')")

    assert both.same(steps, autocommit=True)[2] == 1792


def test_the_last_insert_id_of_an_earlier_transaction(both):
    def steps(connection, cursors):
        cursor = connection.cursor()
        cursor.execute("INSERT INTO things (name) VALUES ('four')")
        connection.commit()
        cursor.execute("INSERT INTO things (name, amount) VALUES ('five', LAST_INSERT_ID())")
        connection.commit()
        cursor.executemany(
            "INSERT INTO things (name, amount) VALUES (%s, LAST_INSERT_ID())", [("six",), ("seven",)]
        )
        connection.commit()
        cursor.execute("SELECT name, amount, LAST_INSERT_ID() FROM things WHERE id > 3")
        return cursor.fetchall()

    both.same(steps)
