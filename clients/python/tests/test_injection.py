"""SET NAMES gbk, by which a client's right escaping becomes an injection: it works
with PyMySQL on the same database, and cannot be said to this package in any way.

In GBK the bytes BF 5C are one character, so that a server that reads GBK takes the
backslash, which a client put before a quote as it escaped UTF-8 or latin1, for the
character's second half; and the quote ends the literal.
"""

from __future__ import annotations

import warnings

import pytest

import forebay
from same import TABLE, both  # noqa: F401

#: Escaped by a client that reads latin1: BF 5C 27, then SQL.
ATTACK = "\xbf' OR 1=1 -- "


def found_by_pymysql(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM things WHERE name = %s", (ATTACK,))
        return cursor.fetchall()


def test_pymysql_is_injected_after_set_names_gbk(theirs, both):
    both.run(*TABLE)
    with theirs(charset="latin1") as connection:
        # The charset that PyMySQL escapes and encodes by stays latin1.
        connection.cursor().execute("SET NAMES gbk")
        assert len(found_by_pymysql(connection)) == 3


def by_statement(sql, args=None):
    return lambda connection: connection.cursor().execute(sql, args)


WAYS = {
    "names": by_statement("SET NAMES gbk"),
    "collate": by_statement("SET NAMES 'gbk' COLLATE 'gbk_bin'"),
    "argument": by_statement("SET NAMES %s", ("gbk",)),
    "executable comment": by_statement("/*!40101 SET NAMES gbk */"),
    "variable": by_statement("SET character_set_client = gbk"),
    "system variable": by_statement("SET @@character_set_client = 'gbk'"),
    "number": by_statement("SET SESSION character_set_client = 28"),
    "second": by_statement("SET autocommit=1, @@character_set_client=gbk"),
    "character set": by_statement("SET CHARACTER SET gbk"),
    "charset": by_statement("SET CHARSET 'gbk'"),
    "for a statement": by_statement("SET STATEMENT character_set_client=gbk FOR SELECT 1"),
    "query": lambda connection: connection.query("SET NAMES gbk"),
    "set_charset": lambda connection: connection.set_charset("gbk"),
    "set_character_set": lambda connection: connection.set_character_set("gbk", "gbk_chinese_ci"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("transaction", [True, False])
def test_gbk_is_refused_however_it_is_said(ours, both, way, transaction):
    both.run(*TABLE)
    with ours(autocommit=True) as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        if transaction:
            connection.begin()
        with pytest.raises(forebay.Error) as refused:
            WAYS[way](connection)
        assert isinstance(refused.value, forebay.NotSupportedError)
        assert found_by_pymysql(connection) == ()
        cursor = connection.cursor()
        cursor.execute("SELECT @@character_set_client, @@character_set_connection, %s", (ATTACK,))
        assert cursor.fetchone() == ("utf8mb4", "utf8mb4", ATTACK)
        # What a program has escaped itself is as safe.
        sql = "SELECT name FROM things WHERE name = " + connection.escape(ATTACK)
        assert cursor.execute(sql) == 0


@pytest.mark.parametrize("charset", ["gbk", "big5", "sjis", "gb18030", "cp932", "latin1", "ucs2"])
def test_other_charsets_are_refused_at_connecting(ours, charset):
    with pytest.raises(forebay.NotSupportedError, match="utf8mb4"):
        ours(charset=charset)


@pytest.mark.parametrize("charset", ["utf8mb4", "utf8mb3", "utf8", "UTF8MB4", ""])
def test_names_of_utf8_are_taken(ours, charset):
    with ours(charset=charset) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT %s", ("ü€😀",))
        assert cursor.fetchone() == ("ü€😀",)


def test_by_init_command(ours):
    with pytest.raises(forebay.NotSupportedError, match="gbk"):
        ours(init_command="SET NAMES gbk")
    with pytest.raises(forebay.NotSupportedError, match="gbk"):
        ours(init_command="SET NAMES gbk", autocommit=True)


def test_by_option_file(ours, tmp_path):
    options = tmp_path / "my.cnf"
    options.write_text("[client]\ndefault-character-set = gbk\n")
    with pytest.raises(forebay.NotSupportedError, match="gbk"):
        ours(read_default_file=str(options))


def test_a_transaction_that_ended_leaves_no_charset(ours, both):
    both.run(*TABLE)
    with ours(autocommit=True) as connection:
        connection.begin()
        for sql in ("SET NAMES gbk", "SET @@session.character_set_client = gbk"):
            with pytest.raises(forebay.NotSupportedError):
                connection.cursor().execute(sql)
        connection.commit()
        assert found_by_pymysql(connection) == ()


@pytest.mark.parametrize("transaction", [True, False])
def test_a_procedure_cannot_either(ours, both, transaction):
    both.run(*TABLE, "DROP PROCEDURE IF EXISTS turn",
             "CREATE PROCEDURE turn() BEGIN SET NAMES gbk; END")
    try:
        with ours(autocommit=True) as connection, connection.cursor() as cursor:
            if transaction:
                connection.begin()
            try:
                cursor.execute("CALL turn()")
                assert found_by_pymysql(connection) == ()
            except forebay.Error:
                # Refused rather than run in another character set.
                connection.rollback()
            for _ in range(20):
                assert found_by_pymysql(connection) == ()
    finally:
        both.run("DROP PROCEDURE turn")
