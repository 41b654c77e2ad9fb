"""SET and what else asks for a session of its own: what is done, and what is refused
with an error that says what to do."""

from __future__ import annotations

import pytest

import forebay
from same import attempt, both  # noqa: F401


@pytest.fixture
def cursor(ours):
    with ours(autocommit=True) as connection:
        yield connection.cursor()


#: Outside a transaction: refused, and what the message has to say.
REFUSED = {
    "SET sql_mode = 'ANSI_QUOTES'": "`sql_mode`",
    "SET SESSION time_zone = '+05:00'": "`time_zone`",
    "SET @@session.foreign_key_checks = 0": "begin()",
    "SET foreign_key_checks = OFF, unique_checks = OFF": "foreign_key_checks",
    "SET unique_checks = ON, foreign_key_checks = OFF": "foreign_key_checks",
    "SET SESSION max_statement_time = 3": "read_timeout",
    "SET @counter = 1": "begin()",
    "SET @a := 1, autocommit = 0": "begin()",
    "SET GLOBAL max_connections = 5": "SET",
    "SET character_set_results = 'latin1'": "UTF-8",
    "SET character_set_client = gbk": "UTF-8",
    "SET collation_connection = 'utf8mb4_bin'": "UTF-8",
    "SET NAMES latin1": "utf8mb4",
    "SET NAMES 'gbk'": "utf8mb4",
    "SET NAMES utf8mb4 COLLATE utf8mb4_icelandic_ci": "`collation`",
    "SET CHARACTER SET big5": "utf8mb4",
    "set /* hidden */ names -- so\n sjis": "utf8mb4",
    "CREATE TEMPORARY TABLE passing (a INT)": "begin()",
    "SELECT GET_LOCK('a', 0)": "begin()",
    "COMMIT RELEASE": "close()",
    "PREPARE s FROM 'SELECT 1'": "PREPARE",
    "/*!40101 SET NAMES gbk */": "comment",
    "LOCK INSTANCE FOR BACKUP": "lock",
}


@pytest.mark.parametrize("sql", REFUSED)
def test_refused_outside_a_transaction(cursor, sql):
    with pytest.raises(forebay.NotSupportedError) as raised:
        cursor.execute(sql)
    errno, message = raised.value.args
    assert errno == 1235
    assert REFUSED[sql] in message
    # Nothing was done, and the connection is in order.
    cursor.execute("SELECT @@autocommit, @@foreign_key_checks, @@character_set_client")
    assert cursor.fetchone() == (1, 1, "utf8mb4")
    assert cursor.connection.get_autocommit()


#: Done without an error, since the server's values are those already.
NOTHING_TO_DO = [
    "SET foreign_key_checks = 1",
    "SET SESSION foreign_key_checks = ON, unique_checks = 1",
    "SET @@session.sql_auto_is_null = OFF",
    "SET SQL_AUTO_IS_NULL = 0",
    "SET sql_mode = @@sql_mode",
    "SET SESSION sql_mode = (SELECT @@sql_mode)",
    "SET time_zone = 'SYSTEM'",
    "SET sort_buffer_size = DEFAULT",
    "SET NAMES utf8mb4",
    "SET NAMES 'utf8'",
    'SET NAMES "utf8mb3"',
    "SET NAMES DEFAULT",
    "SET CHARACTER SET utf8mb4;",
    "SET character_set_results = utf8mb4",
    "SET autocommit = 1, unique_checks = 1",
    "UNLOCK TABLES",
    "SAVEPOINT a",
    "USE test",
    "use `test`;",
]


@pytest.mark.parametrize("autocommit", [True, False])
@pytest.mark.parametrize("sql", NOTHING_TO_DO)
def test_what_is_so_already(ours, sql, autocommit):
    with ours(autocommit=autocommit) as connection, connection.cursor() as cursor:
        assert cursor.execute(sql) == 0
        assert cursor.description is None
        assert cursor.lastrowid == 0


def test_arguments_of_set(ours):
    with ours() as connection, connection.cursor() as cursor:
        cursor.execute("SET NAMES %s", ("utf8mb4",))
        cursor.execute("SET autocommit = %s", (1,))
        assert connection.get_autocommit()
        cursor.execute("SET autocommit = %(on)s", {"on": 0})
        assert not connection.get_autocommit()
        with pytest.raises(forebay.NotSupportedError, match="gbk"):
            cursor.execute("SET NAMES %s", ("gbk",))


#: Within a transaction these go to the server.
WITHIN = [
    ("SET foreign_key_checks = 0", "@@foreign_key_checks", 0),
    ("SET SESSION time_zone = '+05:00'", "@@time_zone", "+05:00"),
    ("SET sql_mode = 'ANSI_QUOTES'", "@@sql_mode", "ANSI_QUOTES"),
    ("SET @counter = 41 + 1", "@counter", 42),
]


@pytest.mark.parametrize(("sql", "variable", "value"), WITHIN)
def test_set_within_a_transaction_ends_with_it(cursor, sql, variable, value):
    cursor.execute(f"SELECT {variable}")
    (before,) = cursor.fetchone()
    cursor.connection.begin()
    cursor.execute(sql)
    cursor.execute(f"SELECT {variable}")
    assert cursor.fetchone() == (value,)
    cursor.connection.commit()
    cursor.execute(f"SELECT {variable}")
    assert cursor.fetchone() == (before,) != (value,)


@pytest.mark.parametrize(
    "sql", ["SET NAMES gbk", "SET character_set_client = gbk", "SET @@character_set_client='gbk'",
            "SET collation_connection = gbk_chinese_ci", "SET GLOBAL sql_mode = ''"]
)
def test_set_that_no_transaction_takes(cursor, sql):
    cursor.connection.begin()
    with pytest.raises(forebay.NotSupportedError):
        cursor.execute(sql)
    cursor.execute("SELECT @@character_set_client, @@character_set_connection")
    assert cursor.fetchone() == ("utf8mb4", "utf8mb4")


def test_escapes_follow_the_transactions_sql_mode(cursor):
    value = "it's a \\ backslash"
    connection = cursor.connection
    for mode in ("NO_BACKSLASH_ESCAPES", ""):
        connection.begin()
        cursor.execute("SET sql_mode = %s", (mode,))
        assert ("\\\\" in connection.escape(value)) == (mode == "")
        cursor.execute("SELECT " + connection.escape(value))
        assert cursor.fetchone() == (value,)
        cursor.execute("SELECT %s", (value,))
        assert cursor.fetchone() == (value,)
        connection.rollback()
        cursor.execute("SELECT " + connection.escape(value))
        assert cursor.fetchone() == (value,)


def test_escapes_follow_the_sql_mode_that_transactions_begin_with(ours):
    value = "it's a \\\\ backslash"

    def check(connection):
        cursor = connection.cursor()
        for text in (value, "\\\\"):
            sql = "SELECT " + connection.escape(text)
            cursor.execute(sql)
            assert cursor.fetchone() == (text,)
            cursor.execute(cursor.mogrify("SELECT %s", (text,)))
            assert cursor.fetchone() == (text,)

    with ours() as connection, connection.cursor() as cursor:
        check(connection)
        connection.commit()
        for end in (connection.commit, connection.rollback):
            cursor.execute("SET sql_mode = 'NO_BACKSLASH_ESCAPES'")
            check(connection)
            end()
            check(connection)
            end()
        cursor.execute("SET sql_mode = ''")
        check(connection)
        cursor.execute("SET sql_mode = 'NO_BACKSLASH_ESCAPES'")
        connection.autocommit(True)
        check(connection)
        connection.autocommit(False)
        check(connection)
        cursor.execute("SET sql_mode = 'NO_BACKSLASH_ESCAPES'")
        connection.rollback()
        cursor.execute("SET sql_mode = DEFAULT")
        check(connection)


def test_escapes_follow_the_shards_sql_mode(start_service, mysql_url, theirs):
    shard = f"[shards.plain]\nurl = \"{mysql_url}\"\nsql_mode = \"NO_BACKSLASH_ESCAPES\"\n"
    service = start_service(shard)
    value = "\\'; DROP TABLE things; -- it's"
    with forebay.connect(port=service.port, database="plain") as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT " + connection.escape(value))
        assert cursor.fetchone() == (value,)
        cursor.execute(cursor.mogrify("SELECT %s", (value,)))
        assert cursor.fetchone() == (value,)
        # NO_BACKSLASH_ESCAPES, as PyMySQL would learn from the server.
        assert connection.server_status & 512


def test_show_warnings(both):
    def steps(connection, cursors):
        cursor = connection.cursor()
        seen = []
        for sql in ("SHOW WARNINGS", "SELECT 1/0, CAST('x' AS SIGNED)", "SHOW WARNINGS",
                    "SHOW COUNT(*) WARNINGS", "SELECT 1/0", "SHOW WARNINGS LIMIT 1",
                    "SELECT * FROM nowhere", "SHOW ERRORS", "SHOW COUNT(*) ERRORS",
                    "SELECT CAST('x' AS SIGNED), CAST('y' AS SIGNED)", "SHOW WARNINGS LIMIT 1, 1",
                    "SHOW WARNINGS LIMIT 1 OFFSET 1", "SELECT 1 FROM things", "SHOW WARNINGS"):
            seen.append(attempt(cursor.execute, sql))
            rows = cursor.fetchall() if "WARN" in sql or "ERR" in sql else None
            seen += [rows, cursor.warning_count]
            seen.append([column[:2] for column in cursor.description or ()])
        cursor.execute("SELECT CAST('x' AS SIGNED)")
        return [*seen, connection.show_warnings()]

    both.same(steps)


def test_use_turns_to_another_shard(ours):
    with ours() as connection, connection.cursor() as cursor:
        cursor.execute("USE slave001")
        cursor.execute("SELECT 1")
        assert cursor._result.shard == "slave001"
        with pytest.raises(forebay.NotSupportedError, match="commit"):
            cursor.execute("USE users")
        connection.commit()
        connection.select_db("users")
        cursor.execute("SELECT 1")
        assert cursor._result.shard == "users"
        connection.rollback()
        assert attempt(cursor.execute, "USE nowhere") == ("raised", "OperationalError", 1049)
        assert attempt(connection.select_db, "nowhere") == ("raised", "OperationalError", 1049)
        cursor.execute("SELECT 1")
        assert cursor._result.shard == "users"


def test_unknown_variable(both):
    def steps(connection, cursors):
        return connection.cursor().execute("SET no_such_variable = 1")

    assert both.same(steps, autocommit=True) == ("raised", "OperationalError", 1193)


INSERT = "INSERT INTO things (name) VALUES ('new')"
VALUES = {
    "insert id": [INSERT, "SELECT LAST_INSERT_ID()", "SELECT last_insert_id( ) AS id"],
    "insert id after others": [INSERT, "SELECT 1", "UPDATE things SET amount = 1",
                               "SELECT LAST_INSERT_ID() id FROM DUAL", "SELECT @@last_insert_id"],
    "none": ["SELECT LAST_INSERT_ID()", "SELECT @@identity"],
    "after commit": [INSERT, "COMMIT", "SELECT LAST_INSERT_ID()", "SELECT @@SESSION.identity"],
    "in a transaction": ["BEGIN", INSERT, "SELECT LAST_INSERT_ID()", "ROLLBACK",
                         "SELECT LAST_INSERT_ID()", "BEGIN", "SELECT LAST_INSERT_ID()"],
    "by hand": ["BEGIN", "UPDATE things SET amount = LAST_INSERT_ID(41) WHERE id = 1",
                "SELECT LAST_INSERT_ID()", "COMMIT"],
    "row count": ["UPDATE things SET amount = 9 WHERE id < 3", "SELECT ROW_COUNT()",
                  "SELECT ROW_COUNT()", "DELETE FROM things WHERE id = 3",
                  "SELECT ROW_COUNT() AS `how many`", "SELECT 1 FROM things", "SELECT ROW_COUNT()",
                  "SELECT * FROM nowhere", "SELECT ROW_COUNT()"],
    "autocommit": ["SELECT @@autocommit", "SET autocommit = 0", "SELECT @@autocommit AS a", INSERT,
                   "SELECT @@session.autocommit", "SET autocommit = 1", "SELECT @@autocommit"],
}


@pytest.mark.parametrize("autocommit", [True, False])
@pytest.mark.parametrize("name", VALUES)
def test_what_a_session_knows(both, name, autocommit):
    def steps(connection, cursors):
        seen = []
        for sql in VALUES[name]:
            cursor = connection.cursor()
            count = attempt(cursor.execute, sql)
            seen.append((count, cursor.fetchall(), cursor.description))
        return seen

    both.same(steps, autocommit=autocommit)
