"""Arguments of connect(): what comes of them is what comes of PyMySQL's."""

from __future__ import annotations

import pytest

import forebay
from same import both  # noqa: F401


@pytest.mark.parametrize("use_unicode", [True, False, None])
def test_use_unicode(both, use_unicode):
    def steps(connection, cursors):
        cursor = connection.cursor()
        cursor.execute(
            "SELECT 1, 1.5e0, 'é', _binary'\\xff', NULL, b'1', NOW() > '2000-01-01', CURDATE() - 1 > 0,"
            " CAST('2020-01-02' AS DATE), CAST('01:02:03' AS TIME), '', JSON_OBJECT('a', 'é')"
        )
        return cursor.fetchall()

    both.same(steps, use_unicode=use_unicode)


@pytest.mark.parametrize("database", [b"test", bytearray(b"test")])
def test_database_as_bytes(both, database):
    def steps(connection, cursors):
        with connection.cursor() as cursor:
            cursor.execute("SELECT DATABASE()")
            return cursor.fetchall()

    assert both.same(steps, database=database) == (("test",),)


@pytest.mark.parametrize("database", ["", None])
def test_without_a_database(ours, database):
    connection = ours(database=database)
    assert connection.db is None
    with pytest.raises(forebay.OperationalError, match="No database selected.*the name of a shard"):
        connection.cursor().execute("SELECT 1")
    connection.select_db("test")
    assert connection.cursor().execute("SELECT 1") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        {"sql_mode": "ANSI_QUOTES"},
        {"sql_mode": ""},
        {"init_command": "SET time_zone = '+05:00', SESSION group_concat_max_len = 2000"},
        {"init_command": "SET sql_mode = 'NO_BACKSLASH_ESCAPES'"},
        {"init_command": "INSERT INTO things (name) VALUES ('first')"},
        {"init_command": "SELECT 1"},
        {"init_command": "SET autocommit = 0", "autocommit": None},
    ],
)
def test_settings_of_a_connection_that_commits_itself(both, arguments):
    def steps(connection, cursors):
        seen = [connection.get_autocommit()]
        with connection.cursor() as cursor:
            for end in (connection.commit, connection.rollback):
                cursor.execute("SELECT @@sql_mode, @@time_zone, @@group_concat_max_len, %s", ("\\'",))
                seen += cursor.fetchall()
                end()
        return seen

    both.same(steps, **arguments)
