"""What a transaction may change of its connection, and that all of it ends with
the transaction; what is refused inside, and outside, and with which advice."""

import pytest

from columns import only, rows
from errors import assert_error, caught
from forebay_thrift.ttypes import ErrorCode, Isolation
from threads import run_in_threads
from wires import Session

SHARD = "pool_of_two"


def end_by_commit(session, transaction):
    session.commit(transaction)


def end_by_rollback(session, transaction):
    session.rollback(transaction)


def end_by_going_away(session, transaction):
    session.transport.close()


ENDS = [end_by_commit, end_by_rollback, end_by_going_away]

# What a transaction does to its connection, and where it would be seen afterwards.
CHANGES = [
    "SET @left_behind = 'mine'",
    "SET SESSION sql_mode = 'ANSI_QUOTES'",
    "SET SESSION group_concat_max_len = 12",
    "SET @@session.lock_wait_timeout = 3",
    "USE mysql",
    "CREATE TEMPORARY TABLE test.left_behind (n INT)",
    "INSERT INTO test.left_behind VALUES (1)",
    "SELECT GET_LOCK('left_behind', 0)",
]
LOOK = (
    "SELECT @left_behind, @@sql_mode, @@group_concat_max_len, @@lock_wait_timeout, @@tx_isolation, DATABASE(),"
    " IS_FREE_LOCK('left_behind')"
)


def from_every_connection(service, sql):
    """What a query gives on each of the two connections of the pool."""
    found = {}

    def look():
        with Session(service.port) as session:
            session.run_query(SHARD, "SELECT 1", timeout_ms=20_000)
            slowly = sql.replace("SELECT", "SELECT CONNECTION_ID(), SLEEP(0.3),", 1)
            ((connection_id, _, *seen),) = rows(session.run_query(SHARD, slowly, timeout_ms=20_000).rows)
            found[connection_id] = tuple(seen)

    run_in_threads([look, look])
    assert len(found) == 2, "one connection was asked twice"
    return set(found.values())


@pytest.mark.parametrize("end", ENDS)
def test_changes_of_the_connection_end_with_the_transaction(service, new_table, end):
    before = from_every_connection(service, LOOK)
    assert len(before) == 1
    table = new_table(SHARD, "n INT")
    with Session(service.port) as session:
        transaction = session.begin(SHARD)
        for sql in CHANGES:
            session.run_execute(SHARD, sql, transaction=transaction)
        inside = session.run_query(
            SHARD, LOOK.replace("IS_FREE_LOCK", "IS_USED_LOCK") + ", (SELECT COUNT(*) FROM test.left_behind)",
            transaction=transaction,
        )
        ((variable, mode, length, timeout, _, database, lock, count),) = rows(inside.rows)
        assert (variable, mode, length, timeout, database, count) == ("mine", "ANSI_QUOTES", 12, 3, "mysql", 1)
        assert lock is not None
        session.run_execute(SHARD, f"INSERT INTO test.{table} VALUES (1)", transaction=transaction)
        end(session, transaction)
    with Session(service.port) as session:
        # The connection of the session that went away may take a moment.
        error = caught(session.run_query, SHARD, "SELECT * FROM test.left_behind", timeout_ms=20_000)
        assert error.mysql_errno == 1146
        after = from_every_connection(service, LOOK)
        assert after == before
        expected = 1 if end is end_by_commit else 0
        assert only(session.run_query(SHARD, f"SELECT COUNT(*) FROM {table}").rows) == expected


def test_values_are_escaped_under_the_modes_of_the_transaction(usual_session):
    """A backslash is a plain character under NO_BACKSLASH_ESCAPES."""
    text = "it's a \\ back\\'slash \\"
    transaction = usual_session.begin(SHARD)
    for mode in ("NO_BACKSLASH_ESCAPES", "", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES"):
        usual_session.run_execute(SHARD, f"SET SESSION sql_mode = '{mode}'", transaction=transaction)
        found = usual_session.run_query(SHARD, "SELECT ?, LENGTH(?)", [text, text], transaction=transaction)
        assert rows(found.rows) == [(text, len(text))], mode
    usual_session.rollback(transaction)
    assert only(usual_session.run_query(SHARD, "SELECT ?", [text]).rows) == text


def test_one_session_after_the_other_on_one_connection(service, usual_session):
    """Open transactions that were left, one by one: none is taken over."""
    for number in range(5):
        with Session(service.port) as session:
            transaction = session.begin(SHARD, isolation=Isolation.READ_COMMITTED, timeout_ms=20_000)
            found = session.run_query(SHARD, "SELECT @left_behind", transaction=transaction)
            assert only(found.rows) is None
            session.run_execute(SHARD, "SET @left_behind = ?", [number], transaction=transaction)


def test_what_tells_of_the_last_statement(usual_session, new_table):
    table = new_table("users", "id INT AUTO_INCREMENT PRIMARY KEY, n TINYINT")
    transaction = usual_session.begin("users")

    def run(sql):
        return usual_session.run_execute("users", sql, transaction=transaction)

    assert run(f"INSERT INTO {table} (n) VALUES (1), (2), (3)").insert_id == 1
    assert only(run("SELECT LAST_INSERT_ID()").rows) == 1
    run(f"UPDATE {table} SET n = n + 1")
    assert only(run("SELECT ROW_COUNT()").rows) == 3
    run(f"SELECT SQL_CALC_FOUND_ROWS n FROM {table} LIMIT 1")
    assert only(run("SELECT FOUND_ROWS()").rows) == 3
    run(f"INSERT INTO {table} (n) VALUES (1000)")
    assert [row[1] for row in rows(run("SHOW WARNINGS").rows)] == [1264]
    usual_session.rollback(transaction)


def test_savepoints(usual_session, backend, new_table):
    table = new_table(backend.slave001, "n INTEGER")
    transaction = usual_session.begin(backend.slave001)

    def run(sql):
        usual_session.run_execute(backend.slave001, sql, transaction=transaction)

    run(f"INSERT INTO {table} VALUES (1)")
    run("SAVEPOINT here")
    run(f"INSERT INTO {table} VALUES (2)")
    run("ROLLBACK TO SAVEPOINT here")
    run(f"INSERT INTO {table} VALUES (3)")
    run("RELEASE SAVEPOINT here")
    usual_session.commit(transaction)
    found = usual_session.run_query(backend.slave001, f"SELECT n FROM {table} ORDER BY n")
    assert rows(found.rows) == [(1,), (3,)]


def test_lock_tables_as_the_first_statement(usual_session, other_session, new_table):
    table = new_table("users", "n INT")
    transaction = usual_session.begin("users")
    usual_session.run_execute("users", f"LOCK TABLES {table} WRITE", transaction=transaction)
    usual_session.run_execute("users", f"INSERT INTO {table} VALUES (1)", transaction=transaction)
    error = caught(other_session.run_query, "users", f"SELECT * FROM {table}", timeout_ms=300)
    assert error.code == ErrorCode.DEADLINE_EXCEEDED
    usual_session.rollback(transaction)
    found = other_session.run_query("users", f"SELECT COUNT(*) FROM {table}", timeout_ms=10_000)
    assert only(found.rows) == 0


# ------------------------------------------------------------------------ refusals

# With what the refusal advises.
REFUSED_INSIDE = [
    ("BEGIN", "transaction"),
    ("START TRANSACTION", "transaction"),
    ("COMMIT", "commit_transaction"),
    ("/* x */ commit -- y", "commit_transaction"),
    ("ROLLBACK", "rollback_transaction"),
    ("CREATE TABLE never_made (n INT)", "commit"),
    ("ALTER TABLE {table} ADD m INT", "commit"),
    ("TRUNCATE TABLE {table}", "commit"),
    ("DROP TABLE {table}", "commit"),
    ("RENAME TABLE {table} TO never_made", "commit"),
    ("LOCK TABLES {table} READ", "first"),
    ("UNLOCK TABLES", ""),
    ("SET NAMES gbk", ""),
    ("SET autocommit = 1", ""),
    ("SET @@autocommit = 1", ""),
    ("SET `autocommit` = 1", ""),
    ("SET @x = 1, SESSION character_set_client = gbk", ""),
    ("SET GLOBAL max_connections = 5", ""),
    ("XA START 'x'", ""),
    ("PREPARE x FROM 'COMMIT'", ""),
    ("EXECUTE IMMEDIATE 'COMMIT'", ""),
    ("FLUSH TABLES", ""),
    ("/*! COMMIT */", ""),
]


@pytest.mark.parametrize("sql, advice", REFUSED_INSIDE)
def test_what_would_end_the_transaction_is_refused(usual_session, other_session, new_table, sql, advice):
    table = new_table("users", "n INT")
    transaction = usual_session.begin("users")
    usual_session.run_execute("users", f"INSERT INTO {table} VALUES (1)", transaction=transaction)
    error = caught(usual_session.run_execute, "users", sql.format(table=table), transaction=transaction)
    assert_error(error, ErrorCode.STATEMENT_NOT_ALLOWED, advice)
    # It is still there, and not committed.
    seen = f"SELECT COUNT(*) FROM {table}"
    assert only(other_session.run_query("users", seen).rows) == 0
    assert only(usual_session.run_query("users", seen, transaction=transaction).rows) == 1
    usual_session.rollback(transaction)
    assert only(other_session.run_query("users", seen).rows) == 0


REFUSED_OUTSIDE = [
    ("SET @x = 1", "begin_transaction"),
    ("SET SESSION sql_mode = ''", "begin_transaction"),
    ("USE mysql", "begin_transaction"),
    ("CREATE TEMPORARY TABLE x (n INT)", "begin_transaction"),
    ("LOCK TABLES t READ", "begin_transaction"),
    ("SAVEPOINT x", "begin_transaction"),
    ("BEGIN", "begin_transaction"),
    ("START TRANSACTION", "begin_transaction"),
    ("START TRANSACTION READ ONLY", "read_only"),
    ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "isolation"),
    ("COMMIT", "commit_transaction"),
    ("ROLLBACK", "rollback_transaction"),
    ("SHOW WARNINGS", "warnings_max"),
    ("SELECT LAST_INSERT_ID()", "insert_id"),
    ("SELECT ROW_COUNT()", "affected_rows"),
]


@pytest.mark.parametrize("sql, advice", REFUSED_OUTSIDE)
def test_refusal_outside_names_what_to_use_instead(usual_session, sql, advice):
    for shard in ("users", "users_prepared"):
        error = caught(usual_session.run_execute, shard, sql)
        assert_error(error, ErrorCode.STATEMENT_NOT_ALLOWED, advice)


def test_definitions_in_a_transaction_of_sqlite(usual_session):
    """There they are undone with the rest."""
    transaction = usual_session.begin("slave001_lite")
    usual_session.run_execute("slave001_lite", "CREATE TABLE undone (n INTEGER)", transaction=transaction)
    usual_session.run_execute("slave001_lite", "INSERT INTO undone VALUES (1)", transaction=transaction)
    usual_session.rollback(transaction)
    error = caught(usual_session.run_query, "slave001_lite", "SELECT * FROM undone")
    assert_error(error, ErrorCode.SQL_ERROR, "undone")


@pytest.mark.parametrize("sql", ["BEGIN", "COMMIT", "END", "ROLLBACK", "PRAGMA query_only = 1", "ATTACH 'x' AS x"])
def test_what_sqlite_refuses_in_a_transaction(usual_session, other_session, new_table, sql):
    table = new_table("slave001_lite", "n INTEGER")
    transaction = usual_session.begin("slave001_lite")
    usual_session.run_execute("slave001_lite", f"INSERT INTO {table} VALUES (1)", transaction=transaction)
    error = caught(usual_session.run_execute, "slave001_lite", sql, transaction=transaction)
    assert_error(error, ErrorCode.STATEMENT_NOT_ALLOWED)
    usual_session.rollback(transaction)
    assert only(other_session.run_query("slave001_lite", f"SELECT COUNT(*) FROM {table}").rows) == 0
