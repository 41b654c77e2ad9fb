"""The public compliance suite of DB-API 2.0 (`dbapi-compliance` on PyPI), on this
package. What it leaves to drivers is filled in here: a stored procedure, result
sets, and column sizes."""

from __future__ import annotations

import dbapi20
import pymysql
import pytest

import forebay

PROCEDURES = ("lower", "deleteme")


@pytest.fixture(scope="class")
def use_service(request, service, mysql_port):
    # A body with a `;` in it is for a client of the database itself.
    request.cls.database = {"host": "127.0.0.1", "port": mysql_port, "user": "root"}
    request.cls.connect_kw_args = {
        "host": "127.0.0.1",
        "port": service.port,
        "database": "test",
    }


@pytest.mark.usefixtures("use_service")
class TestCompliance(dbapi20.DatabaseAPI20Test):
    driver = forebay
    connect_args = ()
    connect_kw_args = {}

    def setUp(self):
        self.tearDown()
        self._run("CREATE PROCEDURE `lower`(word TEXT) SELECT LOWER(word)")

    def tearDown(self):
        super().tearDown()
        for name in PROCEDURES:
            self._run(f"DROP PROCEDURE IF EXISTS `{name}`")

    def _run(self, sql):
        with pymysql.connect(database="test", ssl_disabled=True, **self.database) as connection:
            connection.cursor().execute(sql)

    def help_nextset_setUp(self, cur):
        self._run(
            "CREATE PROCEDURE deleteme() BEGIN"
            f" SELECT COUNT(*) FROM {self.table_prefix}booze;"
            f" SELECT name FROM {self.table_prefix}booze; END"
        )

    def help_nextset_tearDown(self, cur):
        cur.execute("DROP PROCEDURE deleteme")

    def test_nextset(self):
        connection = self._connect()
        try:
            cursor = connection.cursor()
            self.executeDDL1(cursor)
            for sql in self._populate():
                cursor.execute(sql)
            self.help_nextset_setUp(cursor)
            cursor.callproc("deleteme")
            assert cursor.fetchone() == (len(self.samples),)
            assert cursor.nextset()
            assert len(cursor.fetchall()) == len(self.samples)
            # MySQL's own answer to the CALL, which has no rows.
            assert cursor.nextset()
            assert cursor.description is None
            assert len(cursor.fetchall()) == 0
            assert cursor.nextset() is None
        finally:
            connection.close()

    def test_setoutputsize(self):
        with self._connect() as connection:
            cursor = connection.cursor()
            cursor.setoutputsize(3)
            cursor.execute("SELECT 'longer than that'")
            assert cursor.fetchone() == ("longer than that",)
