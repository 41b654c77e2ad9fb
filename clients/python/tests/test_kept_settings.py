"""SET with autocommit off, PyMySQL's default: what it sets outlives the transaction,
as in MySQL, though every transaction may have another connection of the database."""

from __future__ import annotations

import pytest

import forebay
from same import attempt, both  # noqa: F401

ASKED = "SELECT @@foreign_key_checks, @@group_concat_max_len, @@time_zone, @@sql_mode"


def seen(connection):
    with connection.cursor() as cursor:
        cursor.execute(ASKED)
        return cursor.fetchone()


def run(connection, *statements):
    with connection.cursor() as cursor:
        for sql in statements:
            cursor.execute(sql)


PROGRAMS = {
    "set at first": ["SET foreign_key_checks = 0", None, "rollback", None, "commit", None],
    "set within": ["SELECT 1", "SET group_concat_max_len = 9999", None, "rollback", None],
    "several": [
        "SET SESSION foreign_key_checks = 0, group_concat_max_len = 5000",
        "SET time_zone = '+05:00', sql_mode = 'ANSI_QUOTES'",
        None,
        "commit",
        None,
        "SET foreign_key_checks = 1",
        "rollback",
        None,
    ],
    "set back": [
        "SET foreign_key_checks = 0",
        None,
        "SET foreign_key_checks = 1",
        "commit",
        None,
        "SET group_concat_max_len = 77",
        "commit",
        "SET group_concat_max_len = DEFAULT",
        None,
    ],
    "set twice": [
        "SET group_concat_max_len = 77",
        "SET group_concat_max_len = 78",
        None,
        "commit",
        None,
    ],
    "begun by hand": ["SET group_concat_max_len = 77", "BEGIN", None, "COMMIT", None],
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_outlives_the_transaction(both, program):
    def steps(connection, cursors):
        found = []
        for step in PROGRAMS[program]:
            if step is None:
                found.append(seen(connection))
            elif step in ("commit", "rollback"):
                getattr(connection, step)()
            else:
                run(connection, step)
        return found

    assert both.ours(steps)[0] == both.theirs(steps)[0]


def test_nothing_is_begun_by_it(ours):
    with ours() as connection:
        run(connection, "SET group_concat_max_len = 77")
        assert not connection._conversation.token, "a transaction would wait for the program"
        assert seen(connection)[1] == 77


def test_is_no_other_connections(ours):
    with ours() as connection, ours() as other:
        run(connection, "SET group_concat_max_len = 77")
        assert seen(connection)[1] == 77
        connection.rollback()
        assert seen(other)[1] != 77


def test_wrong_values_are_refused_at_once(both):
    def steps(connection, cursors):
        wrong = (
            "SET sql_mode = 'NONSENSE'",
            "SET nothing_of_the_kind = 1",
            "SET group_concat_max_len = 'x'",
        )
        return [*(attempt(run, connection, sql) for sql in wrong), seen(connection)]

    assert both.ours(steps)[0] == both.theirs(steps)[0]


def test_what_commits_by_itself_is_refused_with_it(ours):
    """It would run on a connection that has not what was set."""
    with ours() as connection:
        run(connection, "SET foreign_key_checks = 0")
        with pytest.raises(forebay.NotSupportedError) as raised:
            run(connection, "TRUNCATE TABLE nowhere")
        assert raised.value.args[0] == 1235
        assert "foreign_key_checks" in raised.value.args[1]
        run(connection, "SET foreign_key_checks = 1")
        with pytest.raises(forebay.ProgrammingError) as raised:
            run(connection, "TRUNCATE TABLE nowhere")
        assert raised.value.args[0] == 1146
        run(connection, "SELECT 1", "SET foreign_key_checks = 0", "SET foreign_key_checks = 1")
        with pytest.raises(forebay.ProgrammingError):
            run(connection, "TRUNCATE TABLE nowhere")


def test_ends_with_autocommit(ours):
    with ours() as connection:
        run(connection, "SET group_concat_max_len = 77")
        connection.autocommit(True)
        assert seen(connection)[1] != 77


@pytest.mark.parametrize("autocommit", [False, True])
def test_within_begin_with_autocommit_it_ends(ours, autocommit):
    with ours(autocommit=autocommit) as connection:
        connection.begin()
        run(connection, "SET group_concat_max_len = 77")
        connection.commit()
        assert (seen(connection)[1] == 77) is not autocommit


def test_a_pool_lends_none_of_it(service):
    arguments = {"host": "127.0.0.1", "port": service.port, "database": "test"}
    with forebay.Pool(max_connections=1, **arguments) as pool:
        with pool.connection() as connection:
            before = seen(connection)
            run(connection, "SET group_concat_max_len = 77")
            assert seen(connection) != before
        with pool.connection() as connection:
            assert seen(connection) == before


def test_another_shard_has_its_own(ours):
    with ours() as connection:
        run(connection, "SET group_concat_max_len = 77", "USE users")
        assert seen(connection)[1] == 77
        connection.rollback()
        run(connection, "SET group_concat_max_len = DEFAULT")
        assert seen(connection)[1] != 77


def test_a_wrong_value_leaves_the_one_before(ours):
    with ours() as connection:
        run(connection, "SET group_concat_max_len = 77")
        with pytest.raises(forebay.Error):
            run(connection, "SET group_concat_max_len = 'x'")
        assert seen(connection)[1] == 77


def test_lock_tables_is_a_transactions_first_statement(both):
    def steps(connection, cursors):
        cursor = connection.cursor()
        seen = []
        for sql in ("SET sql_mode = 'NO_BACKSLASH_ESCAPES'", "COMMIT", "LOCK TABLES things WRITE",
                    "SELECT @@sql_mode", "SELECT * FROM other", "UNLOCK TABLES"):
            seen += [attempt(cursor.execute, sql), cursor.rowcount]
        return [*seen, connection.escape("\\")]

    both.same(steps)
