"""The shard whose statements are prepared answers as its twin whose values are
escaped into the text."""

import decimal

import pytest

from asking import step
from columns import only, rows, vector_name
from forebay_thrift.ttypes import DataError, ParamStyle, Value
from wires import Session

ESCAPED, PREPARED = "users", "users_prepared"

# A bound value could mean something else than its literal in any of these.
STATEMENTS = [
    ("SELECT ?", [1]),
    ("SELECT ?", ["text é 🚀 \0 ' \\"]),
    ("SELECT ?", [""]),
    ("SELECT ?", [None]),
    ("SELECT ?", [1.5]),
    ("SELECT ?", [1e300]),
    ("SELECT ?", [True]),
    ("SELECT ?", [2**63 - 1]),
    ("SELECT ?", [-(2**63)]),
    ("SELECT ?", [2**64 - 1]),
    ("SELECT ?", [b"\xff\0'\\"]),
    ("SELECT ?", [decimal.Decimal("12.50")]),
    ("SELECT ?", [Value(temporal="2024-02-29 23:59:59.5")]),
    ("SELECT ? + 1", ["12abc"]),
    ("SELECT ? + 1, ? / 3, ? * 2", [1, 1, decimal.Decimal("1.25")]),
    ("SELECT ? DIV 3, ? % 3, -?", [10, 10, -5]),
    ("SELECT ? = '1', ? = 1, ? <=> NULL", [1, "1", None]),
    ("SELECT CONCAT(?, ?)", ["a", 1]),
    ("SELECT CONCAT(?, ?)", ["a", b"\xff"]),
    ("SELECT LENGTH(?), CHAR_LENGTH(?), HEX(?)", ["é", "é", "é"]),
    ("SELECT COLLATION(?), CHARSET(?)", ["a", "a"]),
    ("SELECT ? LIKE ?", ["abc", "a%"]),
    ("SELECT seq FROM seq_1_to_10 LIMIT ?", [3]),
    ("SELECT seq FROM seq_1_to_10 LIMIT ? OFFSET ?", [3, 2]),
    ("SELECT seq FROM seq_1_to_3 ORDER BY ? DESC", [1]),
    ("SELECT seq, -seq AS m FROM seq_1_to_3 ORDER BY ?", [2]),
    ("SELECT COUNT(*) FROM seq_1_to_3 GROUP BY ?", ["x"]),
    ("SELECT seq FROM seq_1_to_20 WHERE seq IN (?) ORDER BY seq", [[3, 5, 99]]),
    ("SELECT seq FROM seq_1_to_20 WHERE seq IN (?) ORDER BY seq", [["3", 5.0, None]]),
    ("SELECT seq FROM seq_1_to_20 WHERE seq BETWEEN ? AND ? ORDER BY seq", [3, 5]),
    ("SELECT DATE_ADD(?, INTERVAL ? DAY)", [Value(temporal="2024-02-28"), 2]),
    ("SELECT DATE_FORMAT(?, ?)", [Value(temporal="2024-02-29"), "%d.%m.%Y %%"]),
    ("SELECT CAST(? AS SIGNED), CAST(? AS CHAR), CAST(? AS DATE)", ["5", 5, "2024-02-29"]),
    ("SELECT JSON_OBJECT('a', ?, 'b', ?, 'c', ?)", [True, 1, "x"]),
    ("SELECT JSON_ARRAY(?, ?)", [1.5, None]),
    ("SELECT IF(?, 'yes', 'no'), COALESCE(?, ?)", [0, None, 3]),
    ("SELECT CASE ? WHEN 1 THEN 'one' ELSE ? END", [1, "other"]),
    ("SELECT ROUND(?, ?), FLOOR(?)", [decimal.Decimal("2.345"), 2, 1.5]),
    ("SELECT ? IS NULL, ? IS TRUE", [None, 1]),
    ("SELECT ? AS a UNION ALL SELECT ?", [1, "x"]),
    ("SELECT * FROM (SELECT ? AS a, ? AS b) AS t", [1, "x"]),
    ("WITH t AS (SELECT ? AS a) SELECT a FROM t", ["x"]),
    ("SELECT BIT_COUNT(?), ? | 1, ~?", [7, 8, 0]),
    ("SELECT ? REGEXP ?", ["abc", "^a.c$"]),
    ("SELECT MAX(seq), ? FROM seq_1_to_3", ["x"]),
    ("SHOW VARIABLES LIKE ?", ["max_connections"]),
    ("EXPLAIN SELECT ?", [1]),
    ("SELECT ?, ?", [1]),
    ("SELECT ? FROM WHERE", [1]),
    ("SELECT no_such_column FROM seq_1_to_3 WHERE seq = ?", [1]),
    ("SELECT '?', \"?\", /* ? */ ? -- ?", [1]),
]


def answer(session, shard, sql, params):
    """What two paths must agree in: the rows and their vectors, or the error."""
    try:
        result = session.run_query(shard, sql, params)
    except DataError as error:
        return error.code, error.mysql_errno, error.message.replace(shard, "SHARD")
    kinds = [(column.name, vector_name(column)) for column in result.rows.columns]
    return kinds, rows(result.rows), result.warning_count


@pytest.mark.parametrize("sql, params", STATEMENTS, ids=lambda item: repr(item)[:60])
def test_both_paths_agree(usual_session, sql, params):
    escaped = answer(usual_session, ESCAPED, sql, params)
    # Twice: the second time the statement is prepared already.
    for _ in range(2):
        assert answer(usual_session, PREPARED, sql, params) == escaped


def test_statements_are_prepared_once_and_run_often(usual_session, database):
    before = status(database)
    for n in range(200):
        found = usual_session.run_query(PREPARED, "SELECT seq FROM seq_1_to_500 WHERE seq = ?", [n + 1])
        assert only(found.rows) == n + 1
    after = status(database)
    assert after["Com_stmt_execute"] - before["Com_stmt_execute"] >= 200
    # Once for each connection of the pool, and not for every call.
    assert after["Com_stmt_prepare"] - before["Com_stmt_prepare"] <= 20


def test_prepared_statements_do_not_pile_up(usual_session, database):
    for n in range(1_500):
        usual_session.run_query(PREPARED, f"SELECT {n} + ?", [1])
    for length in range(1, 200):
        usual_session.run_query(PREPARED, "SELECT 1 IN (?)", [list(range(length))])
    # 64 for each of the eight connections of two shards.
    assert status(database)["Prepared_stmt_count"] <= 2 * 8 * 64


def status(database):
    with database.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS WHERE variable_name LIKE 'Com_stmt_%' OR variable_name LIKE 'Prepared_stmt%'")
        return {name: int(value) for name, value in cursor.fetchall()}


def test_table_that_changes_under_a_prepared_statement(usual_session, new_table):
    table = new_table(PREPARED, "a INT")
    usual_session.run_execute(PREPARED, f"INSERT INTO {table} VALUES (?)", [1])
    sql = f"SELECT * FROM {table} WHERE a = ?"
    assert rows(usual_session.run_query(PREPARED, sql, [1]).rows) == [(1,)]
    for number, (change, expected) in enumerate(
        [
            (f"ALTER TABLE {table} ADD b VARCHAR(10) DEFAULT 'x'", (1, "x")),
            (f"ALTER TABLE {table} MODIFY a DECIMAL(5,2)", ("1.00", "x")),
            (f"ALTER TABLE {table} DROP b", ("1.00",)),
        ]
    ):
        usual_session.run_execute(PREPARED, change)
        for _ in range(10):
            assert rows(usual_session.run_query(PREPARED, sql, [1]).rows) == [expected], number
    usual_session.run_execute(PREPARED, f"DROP TABLE {table}")
    with pytest.raises(DataError) as caught:
        usual_session.run_query(PREPARED, sql, [1])
    assert caught.value.mysql_errno == 1146


def test_within_a_transaction_and_a_batch(session, new_table):
    table = new_table(PREPARED, "id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(20)")
    transaction = session.begin(PREPARED)
    insert = f"INSERT INTO {table} (v) VALUES (%s)"
    for text in ("a", "b"):
        session.run_execute(PREPARED, insert, [text], style=ParamStyle.PYFORMAT, transaction=transaction)
    result = session.run_batch(
        PREPARED,
        step(insert, ["c"], style=ParamStyle.PYFORMAT),
        step(f"SELECT v FROM {table} WHERE id > ? ORDER BY id", [1]),
        transaction=transaction,
    )
    assert rows(result.steps[1].result.rows) == [("b",), ("c",)]
    session.commit(transaction)
    found = session.run_query(PREPARED, f"SELECT v FROM {table} WHERE id >= ? ORDER BY id", [1])
    assert rows(found.rows) == [("a",), ("b",), ("c",)]


def test_connection_that_was_killed_forgets_its_statements(service, database):
    with Session(service.port) as session:
        for _ in range(3):
            connection_id = only(session.run_query(PREPARED, "SELECT CONNECTION_ID() + ?", [0]).rows)
            database.query(f"KILL {connection_id}")
            # A read is sent again after a lost connection.
            assert only(session.run_query(PREPARED, "SELECT CONNECTION_ID() + ?", [0]).rows) != connection_id
