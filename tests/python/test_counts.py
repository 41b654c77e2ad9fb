"""What a statement tells beside its rows: warnings, the rows that it changed or
met, the ids that it made, and the result sets after the first."""

import pytest

from asking import execute_request, query_request, step
from columns import only, rows, values
from errors import assert_error, caught
from forebay_thrift.ttypes import AffectedRows, ErrorCode, InfoRequest, InsertMode, Options

PATHS = pytest.mark.parametrize("shard", ["users", "users_prepared"])


# --------------------------------------------------------------------- warnings


@PATHS
def test_warnings_are_given_if_asked_for(session, new_table, shard):
    table = new_table(shard, "n TINYINT")
    insert = f"INSERT INTO {table} VALUES (?), (?), (5), (?), (?), (?)"
    too_large = [1000, 2000, 3000, 4000, 5000]
    done = session.run_execute(shard, insert, too_large)
    assert done.warning_count == 5
    assert not done.warnings
    done = session.run_execute(shard, insert, too_large, warnings_max=2)
    assert (done.warning_count, done.affected_rows) == (5, 6)
    assert [(warning.level, warning.code) for warning in done.warnings] == [("Warning", 1264)] * 2
    assert "Out of range value" in done.warnings[0].message
    assert "row 1" in done.warnings[0].message
    done = session.run_execute(shard, insert, too_large, warnings_max=1000)
    assert len(done.warnings) == 5


@PATHS
def test_warnings_of_every_function(usual_session, new_table, shard):
    table = new_table(shard, "n TINYINT")
    read = "SELECT CAST(? AS SIGNED)"
    queried = usual_session.run_query(shard, read, ["12x"], warnings_max=5)
    assert only(queried.rows) == 12
    assert (queried.warning_count, [warning.code for warning in queried.warnings]) == (1, [1292])
    inserted = usual_session.run_insert(shard, table, ["n"], [[1000], [2000], [3]], options=Options(warnings_max=5))
    assert (inserted.warning_count, [warning.code for warning in inserted.warnings]) == (2, [1264, 1264])
    steps = step(f"INSERT INTO {table} VALUES (1000)"), step("SELECT 1"), step(read, ["x"])
    results = [one.result for one in usual_session.run_batch(shard, *steps, warnings_max=5).steps]
    assert [[warning.code for warning in result.warnings or []] for result in results] == [[1264], [], [1292]]
    (outcome,) = usual_session.run_multi(query_request(shard, read, ["x"], warnings_max=5))
    assert [warning.code for warning in outcome.query.warnings] == [1292]
    transaction = usual_session.begin(shard)
    within = usual_session.run_query(shard, read, ["x"], warnings_max=5, transaction=transaction)
    assert [warning.code for warning in within.warnings] == [1292]
    usual_session.rollback(transaction)


def test_notes_and_long_messages(usual_session):
    note = usual_session.run_execute("users", "DROP TABLE IF EXISTS no_such_table", warnings_max=5)
    assert [(warning.level, warning.code) for warning in note.warnings] == [("Note", 1051)]
    long = usual_session.run_query("users", "SELECT CAST(? AS SIGNED)", ["é" * 100_000], warnings_max=5)
    (warning,) = long.warnings
    assert 0 < len(warning.message.encode()) <= 1100


def test_warnings_are_bounded(usual_session, new_table):
    table = new_table("users", "n TINYINT")
    sql = f"INSERT INTO {table} SELECT 1000 + seq FROM seq_1_to_3000"
    done = usual_session.run_execute("users", sql, warnings_max=1000)
    assert done.affected_rows == 3000
    assert done.warning_count >= 3000
    # As many as MySQL keeps: max_error_count.
    assert len(done.warnings) == 64
    for wrong in (-1, 1001):
        error = caught(usual_session.run_query, "users", "SELECT 1", warnings_max=wrong)
        assert_error(error, ErrorCode.INVALID_ARGUMENT, "warnings_max")
    assert not usual_session.run_query("users", "SELECT 1", warnings_max=0).warnings


def test_sqlite_has_no_warnings(usual_session):
    found = usual_session.run_query("users_lite", "SELECT CAST('x' AS INTEGER)", warnings_max=5)
    assert (found.warning_count, list(found.warnings or [])) == (0, [])


# ------------------------------------------------------------- changed and matched

CHANGED, MATCHED = AffectedRows.CHANGED, AffectedRows.MATCHED
COUNTING_SHARDS = {
    "users": CHANGED,
    "users_prepared": CHANGED,
    "users_matched": MATCHED,
    "users_prepared_matched": MATCHED,
    "users_lite": MATCHED,
}


@pytest.mark.parametrize("shard, counts", COUNTING_SHARDS.items(), ids=COUNTING_SHARDS)
def test_update_counts_what_changed_or_what_matched(usual_session, new_table, shard, counts):
    told = {info.name: info.affected_rows for info in usual_session.info(InfoRequest()).shards}
    assert told[shard] == counts
    table = new_table(shard, "id INTEGER PRIMARY KEY, n INTEGER")
    usual_session.run_insert(shard, table, ["id", "n"], [[1, 1], [2, 1], [3, 2], [4, 1]])
    update = f"UPDATE {table} SET n = ? WHERE id <= ?"

    def both(done):
        return done.affected_rows, done.matched_rows

    matches = (lambda changed, matched: (matched if counts == MATCHED else changed, matched))
    assert both(usual_session.run_execute(shard, update, [1, 3])) == matches(1, 3)
    assert both(usual_session.run_execute(shard, update, [1, 3])) == matches(0, 3)
    assert both(usual_session.run_execute(shard, update, [1, 0])) == (0, 0)
    assert both(usual_session.run_execute(shard, f"DELETE FROM {table} WHERE id = ?", [4])) == (1, 1)
    transaction = usual_session.begin(shard)
    assert both(usual_session.run_execute(shard, update, [1, 3], transaction=transaction)) == matches(0, 3)
    usual_session.rollback(transaction)
    (outcome,) = usual_session.run_multi(execute_request(shard, update, [1, 3]))
    assert both(outcome.execute) == matches(0, 3)


def test_all_wires_tell_matched_rows(session, new_table):
    table = new_table("users", "n INT")
    session.run_insert("users", table, ["n"], [[1], [1]])
    done = session.run_execute("users", f"UPDATE {table} SET n = 1")
    assert (done.affected_rows, done.matched_rows, done.insert_count) == (0, 2, 0)


# -------------------------------------------------------------------- ids and counts


@pytest.mark.parametrize("shard", ["users", "users_prepared", "users_matched"])
def test_ids_of_many_rows(usual_session, new_table, shard):
    table = new_table(shard, "id BIGINT AUTO_INCREMENT PRIMARY KEY, n INT UNIQUE")

    def run(sql, *params):
        done = usual_session.run_execute(shard, sql.format(table=table), params)
        return done.insert_id, done.insert_count

    assert run("INSERT INTO {table} (n) VALUES (?), (?), (?)", 1, 2, 3) == (1, 3)
    assert run("INSERT INTO {table} (n) VALUES (?)", 4) == (4, 1)
    assert run("INSERT INTO {table} (n) SELECT n + 100 FROM {table} WHERE n < ? ORDER BY n", 3) == (5, 2)
    assert run("INSERT IGNORE INTO {table} (n) VALUES (?), (?)", 1, 2)[1] == 0
    assert run("UPDATE {table} SET n = ? WHERE n = 1", 50) == (0, 0)
    assert run("DELETE FROM {table} WHERE n = ?", 50) == (0, 0)
    usual_session.run_execute(shard, f"DELETE FROM {table}")
    first, count = run("INSERT INTO {table} (n) VALUES (?), (?), (?)", 7, 8, 9)
    found = usual_session.run_query(shard, f"SELECT id FROM {table} ORDER BY n")
    assert values(found.rows.columns[0]) == list(range(first, first + count))
    assert run("REPLACE INTO {table} (n) VALUES (?), (?)", 9, 10)[1] == 2
    assert run("INSERT INTO {table} (n) VALUES (?) ON DUPLICATE KEY UPDATE n = n + 1000", 10)[1] == 0
    assert run("INSERT INTO {table} (n) VALUES (?) ON DUPLICATE KEY UPDATE n = n", 11)[1] == 1


def test_ids_of_the_function_insert(session, backend, new_table):
    table = new_table(backend.users, f"id {backend.auto_increment_key}, n INTEGER UNIQUE")

    def insert(*numbers, mode=InsertMode.INSERT):
        done = session.run_insert(backend.users, table, ["n"], [[n] for n in numbers], mode=mode)
        return done.first_insert_id, done.insert_count

    assert insert(1, 2, 3) == (1, 3)
    assert insert(4, 5) == (4, 2)
    assert insert(5, 6, mode=InsertMode.IGNORE)[1] == 1
    assert insert(6, 7, mode=InsertMode.REPLACE)[1] == 2


def test_id_over_the_signed_range(usual_session, new_table):
    table = new_table("users", "id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, n INT")
    for shard in ("users", "users_prepared"):
        usual_session.run_execute(shard, f"TRUNCATE TABLE {table}")
        usual_session.run_execute(shard, f"INSERT INTO {table} VALUES (?, 1)", [2**64 - 10])
        done = usual_session.run_execute(shard, f"INSERT INTO {table} (n) VALUES (?)", [2])
        assert done.insert_id == -9


# ------------------------------------------------------------------- several results


@pytest.fixture
def procedure(database):
    """A function that makes a procedure of its parameters and its body."""
    made = []

    def make(parameters, body):
        name = f"procedure_{len(made)}"
        database.query(f"DROP PROCEDURE IF EXISTS {name}")
        database.query(f"CREATE PROCEDURE {name}({parameters}) BEGIN {body} END")
        made.append(name)
        return name

    yield make
    for name in made:
        database.query(f"DROP PROCEDURE {name}")


@PATHS
def test_all_result_sets_come_back(session, new_table, procedure, shard):
    table = new_table(shard, "n INT")
    sets = "SELECT a AS first, 'é' AS e; SELECT 1 WHERE FALSE; SELECT 2 AS n UNION ALL SELECT NULL;"
    name = procedure("a INT", f"{sets} INSERT INTO {table} VALUES (a), (a);")
    done = session.run_execute(shard, f"CALL {name}(?)", [7])
    assert rows(done.rows) == [(7, "é")]
    assert [rows(result) for result in done.more_rows] == [[], [(2,), (None,)]]
    assert [column.name for column in done.rows.columns] == ["first", "e"]
    assert only(session.run_query(shard, f"SELECT COUNT(*) FROM {table} WHERE n = ?", [7]).rows) == 2
    result = session.run_batch(shard, step(f"CALL {name}(?)", [8]), step("SELECT 1"))
    assert rows(result.steps[0].result.rows) == [(8, "é")]
    assert len(result.steps[0].result.more_rows) == 2
    (outcome,) = session.run_multi(execute_request(shard, f"CALL {name}(?)", [9]))
    assert len(outcome.execute.more_rows) == 2
    transaction = session.begin(shard)
    within = session.run_execute(shard, f"CALL {name}(?)", [10], transaction=transaction)
    assert [rows(result) for result in within.more_rows] == [[], [(2,), (None,)]]
    session.commit(transaction)
    assert only(session.run_query(shard, f"SELECT COUNT(*) FROM {table}").rows) == 8


@PATHS
def test_procedure_that_fails_after_a_result(usual_session, procedure, shard):
    name = procedure("", "SELECT 1; SELECT * FROM no_such_table; SELECT 2;")
    error = caught(usual_session.run_execute, shard, f"CALL {name}()")
    assert (error.code, error.mysql_errno) == (ErrorCode.SQL_ERROR, 1146)
    for n in range(10):
        assert only(usual_session.run_query(shard, "SELECT ?", [n]).rows) == n


def test_limits_hold_over_all_result_sets(usual_session, procedure):
    loop = "WHILE i < sets DO SELECT i; SET i = i + 1; END WHILE;"
    name = procedure("sets INT", f"DECLARE i INT DEFAULT 0; {loop}")
    done = usual_session.run_execute("users", f"CALL {name}(1000)", timeout_ms=20_000)
    assert [only(result) for result in done.more_rows] == list(range(1, 1000))
    error = caught(usual_session.run_execute, "users", f"CALL {name}(5000)", timeout_ms=20_000)
    assert error.code == ErrorCode.RESULT_TOO_LARGE
    transaction = usual_session.begin("users")
    error = caught(
        usual_session.run_execute, "users", f"CALL {name}(5000)", transaction=transaction, timeout_ms=20_000
    )
    assert error.code == ErrorCode.RESULT_TOO_LARGE
    usual_session.rollback(transaction)
    for n in range(10):
        assert only(usual_session.run_query("users", "SELECT ?", [n]).rows) == n


@PATHS
def test_call_without_results(usual_session, procedure, shard):
    name = procedure("", "DO 1;")
    done = usual_session.run_execute(shard, f"CALL {name}()")
    assert done.rows is None
    assert not done.more_rows
