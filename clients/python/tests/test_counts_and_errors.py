"""Counts, ids and errors of statements of many kinds: the same as PyMySQL's."""

from __future__ import annotations

import pymysql
import pytest

from same import attempt, both  # noqa: F401


@pytest.mark.parametrize("flag", [0, pymysql.constants.CLIENT.FOUND_ROWS])
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE things SET amount = 1",
        "UPDATE things SET amount = 5 WHERE id > 1",
        "DELETE FROM things WHERE id = 2",
        "INSERT INTO things (name) VALUES ('q'), ('r')",
        "INSERT INTO things (id, name) VALUES (77, 'q')",
        "INSERT IGNORE INTO things (name) VALUES ('one')",
        "INSERT INTO things (name) VALUES ('one') ON DUPLICATE KEY UPDATE amount = amount + 1",
        "INSERT INTO things (name) VALUES ('one') ON DUPLICATE KEY UPDATE amount = amount",
        "INSERT INTO things (id, name) VALUES (1, 'x')"
        " ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id)",
        "REPLACE INTO things (name) VALUES ('one')",
        "DO 1",
        "INSERT INTO things (name) SELECT CONCAT(name, 'x') FROM things",
        "DELETE FROM things",
        "WITH a AS (SELECT 1 AS b) SELECT b FROM a",
        "(SELECT 1) UNION (SELECT 2)",
        "SHOW TABLES LIKE 'things'",
        "DESCRIBE things",
        "EXPLAIN SELECT 1",
        "SELECT id FROM things WHERE id = 1 FOR UPDATE",
        "SELECT 1 INTO @a",
        "TABLE_ things",
        "CHECK TABLE things",
        "ANALYZE SELECT 1",
        "INSERT INTO things (name) VALUES ('z') RETURNING id",
    ],
)
def test_counts_and_ids(both, sql, flag):
    def steps(connection, cursors):
        cursor = connection.cursor()
        count = attempt(cursor.execute, sql)
        rows = cursor.fetchall()
        if sql.startswith("ANALYZE"):
            rows = len(rows)
        seen = (count, cursor.rowcount, cursor.lastrowid, rows, cursor.warning_count)
        connection.commit()
        return seen

    if flag and sql.endswith((" amount = amount", "LAST_INSERT_ID(id)")):
        # MySQL counts the row that stays as it was; the service tells matched rows of
        # UPDATE alone.
        assert both.ours(steps, client_flag=flag)[0][1] == 0
        return
    both.same(steps, client_flag=flag)


def test_errors_have_pymysqls_class_and_number(both):
    wrong = [
        "SELEC 1",
        "",
        " ",
        "SELECT * FROM nowhere",
        "SELECT nothing FROM things",
        "INSERT INTO things (name) VALUES ('one')",
        "INSERT INTO things (id, id) VALUES (1, 1)",
        "INSERT INTO things (name) VALUES (REPEAT('x', 99))",
        "INSERT INTO things (amount) VALUES ('x')",
        "INSERT INTO things (amount) VALUES (NULL)",
        "INSERT INTO things (amount) VALUES (1e20)",
        "CREATE TABLE things (a INT)",
        "DROP TABLE nowhere",
        "SELECT NO_SUCH_FUNCTION()",
        "KILL 0",
        "CREATE DATABASE test",
        "USE nowhere",
        "SELECT 1 FROM things GROUP BY COUNT(*)",
    ]

    def steps(connection, cursors):
        cursor = connection.cursor()
        return [attempt(cursor.execute, sql) for sql in wrong]

    assert both.same(steps)[0] == ("raised", "ProgrammingError", 1064)
