"""Cursors and connections of a program's own, which override what PyMySQL's sources
have beside the public methods: the same as over PyMySQL."""

from __future__ import annotations

import pymysql
import pytest

import forebay
from same import both  # noqa: F401

KINDS = ["Cursor", "DictCursor", "SSCursor", "SSDictCursor"]
SELECT = "SELECT id, name, amount FROM things WHERE id > %s ORDER BY id"


def text(statement):
    return bytes(statement).decode() if not isinstance(statement, str) else statement


def logs_query(kind, log):
    class Logging(kind):
        def _query(self, q):
            log.append(text(q))
            return super()._query(q)

    return Logging


def is_copied_execute(kind, log):
    class Copied(kind):
        def execute(self, query, args=None):
            while self.nextset():
                pass
            query = self.mogrify(query, args)
            log.append(text(query))
            result = self._query(query)
            self._executed = query
            return result

    return Copied


def comments(kind, log):
    class Commenting(kind):
        def _mogrify(self, query, args):
            made = super()._mogrify(query, args) + " /* 100% of it's */"
            log.append(made)
            return made

    return Commenting


def looks_at_results(kind, log):
    class Looking(kind):
        def _do_get_result(self):
            super()._do_get_result()
            log.append((self.rowcount, self.lastrowid, self.description is None, self._rows))

    return Looking


def changes_rows(kind, log):
    class Changing(kind):
        def _do_get_result(self):
            super()._do_get_result()
            if self._rows:
                self._rows = [(len(row), row) for row in self._rows]

    return Changing


def logs_execute(kind, log):
    class Logging(kind):
        def execute(self, query, args=None):
            log.append((text(query), args))
            count = super().execute(query, args)
            log.append((count, text(self._executed)))
            return count

    return Logging


def sets_executed(kind, log):
    class Setting(kind):
        def __init__(self, connection):
            super().__init__(connection)
            self._executed = None
            self.max_stmt_length = 60

    return Setting


MAKERS = [
    logs_query,
    is_copied_execute,
    comments,
    looks_at_results,
    changes_rows,
    logs_execute,
    sets_executed,
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", MAKERS)
def test_cursors_of_the_programs_own(both, kind, make):
    def steps(connection, cursors):
        log = []
        cursor = connection.cursor(make(getattr(cursors, kind), log))
        seen = [cursor.execute(SELECT, (1,)), cursor.fetchone(), list(cursor.fetchall())]
        seen += [cursor.execute("UPDATE things SET name = %s WHERE id = 1", ("it's 100%",))]
        seen += [cursor.rowcount, cursor.executemany("INSERT INTO things (name) VALUES (%s)", "ab")]
        rows = [(f"name {number}", number) for number in range(9)]
        insert = "INSERT INTO things (name, amount) VALUES (%s, %s) ON DUPLICATE KEY UPDATE id=id"
        seen += [cursor.executemany(insert, rows), cursor.rowcount]
        update = "UPDATE things SET amount = %(amount)s WHERE id = %(id)s"
        seen += [cursor.executemany(update, [{"amount": 5, "id": 1}, {"amount": 6, "id": 2}])]
        connection.commit()
        seen += [cursor.execute("SELECT '100%%', %s", ("%s",)), list(cursor)]
        with pytest.raises((forebay.ProgrammingError, pymysql.err.ProgrammingError)):
            cursor.execute("SELECT * FROM no_such_table WHERE id = %s", (1,))
        return seen, log

    seen, log = both.same(steps)
    assert seen[0] in (2, 18446744073709551615)
    assert bool(log) == (make not in (changes_rows, sets_executed))


@pytest.mark.parametrize("kind", KINDS)
def test_a_query_overridden_in_the_connection(both, kind, monkeypatch):
    log = []

    def logging(connection):
        class Logging(type(connection)):
            def query(self, sql, unbuffered=False):
                log.append(text(sql))
                return super().query(sql, unbuffered)

            def escape(self, obj, mapping=None):
                return "'escaped'" if obj == "this" else super().escape(obj, mapping)

        return Logging

    def steps(connection, cursors):
        log.clear()
        others = {"host": "127.0.0.1", "port": connection.port, "user": "root", "database": "test"}
        with logging(connection)(**others) as own, own.cursor(getattr(cursors, kind)) as cursor:
            cursor.execute(SELECT, (1,))
            seen = [list(cursor)]
            cursor.execute("INSERT INTO things (name) VALUES (%s)", ("this",))
            cursor.executemany("INSERT INTO things (name) VALUES (%s)", [("x",), ("100%",)])
            own.commit()
            cursor.execute("SELECT name FROM things")
            return seen, list(cursor), list(log)

    seen = both.same(steps)
    assert "('escaped')" in seen[2][1] and len(seen[2]) == 4


def test_a_query_patched_into_the_classes(both, monkeypatch):
    log = []

    def patch(kind):
        own = kind._query

        def logging(self, q):
            log.append(text(q))
            return own(self, q)

        monkeypatch.setattr(kind, "_query", logging)

    patch(pymysql.cursors.Cursor)
    patch(forebay.cursors.Cursor)

    def steps(connection, cursors):
        log.clear()
        with connection.cursor(cursors.DictCursor) as cursor:
            cursor.execute(SELECT, (2,))
            return cursor.fetchall(), list(log)

    assert len(both.same(steps)[1]) == 1
