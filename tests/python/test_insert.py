"""The function `insert`: many rows, modes, names."""

import pytest

from columns import only, rows
from forebay_thrift.ttypes import DataError, ErrorCode, InsertMode, Options
from wires import Session, Wire

BULK_WIRES = [Wire("framed", "binary_accelerated"), Wire("unframed", "compact"), Wire("framed", "compact_accelerated")]


@pytest.mark.parametrize("bulk_wire", BULK_WIRES, ids=str)
def test_ten_thousand_rows(service, backend, new_table, bulk_wire):
    table = new_table(backend.users, f"id {backend.auto_increment_key}, name VARCHAR(50), score DOUBLE, note BLOB")
    stored = [
        (f"name '{n}' \\", n / 7, None if n % 3 == 0 else n.to_bytes(4, "big")) for n in range(10_000)
    ]
    with Session(service.port, bulk_wire) as session:
        options = Options(timeout_ms=20_000)
        done = session.run_insert(backend.users, table, ["name", "score", "note"], stored, options=options)
        assert done.affected_rows == 10_000
        assert done.first_insert_id == 1
        assert 1 <= done.statements < 100
        found = session.run_query(backend.users, f"SELECT name, score, note FROM {table} ORDER BY id", timeout_ms=20_000)
        assert rows(found.rows) == stored


def test_rows_beyond_one_packet(service, database, new_table):
    """15 MB of quotes double when escaped: no single statement takes them."""
    table = new_table("users", "n INT, t MEDIUMTEXT")
    text = "'" * 1_000_000
    with Session(service.port) as session:
        stored = [(n, text) for n in range(15)]
        done = session.run_insert("users", table, ["n", "t"], stored, options=Options(timeout_ms=30_000))
        assert done.affected_rows == 15
        assert done.statements >= 2
        found = session.run_query("users", f"SELECT COUNT(*), SUM(LENGTH(t)) FROM {table}", timeout_ms=20_000)
        assert [str(value) for value in rows(found.rows)[0]] == ["15", "15000000"]
        # The last row fails: none of the statements before it may stay.
        database.query(f"TRUNCATE {table}")
        database.query(f"ALTER TABLE {table} ADD UNIQUE (n)")
        with pytest.raises(DataError) as caught:
            stored[-1] = (0, text)
            session.run_insert("users", table, ["n", "t"], stored, options=Options(timeout_ms=30_000))
        assert caught.value.code == ErrorCode.DUPLICATE_KEY
        assert only(session.run_query("users", f"SELECT COUNT(*) FROM {table}").rows) == 0


def test_modes(session, backend, new_table):
    table = new_table(backend.users, "id INTEGER PRIMARY KEY, v VARCHAR(10)")

    def insert(mode, *new_rows):
        return session.run_insert(backend.users, table, ["id", "v"], new_rows, mode=mode)

    assert insert(InsertMode.INSERT, (1, "a"), (2, "b")).affected_rows == 2
    with pytest.raises(DataError) as caught:
        insert(InsertMode.INSERT, (3, "c"), (2, "x"))
    assert caught.value.code == ErrorCode.DUPLICATE_KEY
    assert insert(InsertMode.IGNORE, (2, "x"), (3, "c")).affected_rows == 1
    insert(InsertMode.REPLACE, (1, "new"))
    found = session.run_query(backend.users, f"SELECT id, v FROM {table} ORDER BY id")
    assert rows(found.rows) == [(1, "new"), (2, "b"), (3, "c")]


def test_names_are_quoted(session, backend, service):
    table, column = "we`ird \"table\" ' .x", "sel`ect ? '"
    quoted_table, quoted_column = (f"`{name.replace('`', '``')}`" for name in (table, column))
    session.run_execute(backend.users, f"CREATE TABLE {quoted_table} ({quoted_column} BIGINT)")
    try:
        assert session.run_insert(backend.users, table, [column], [[1], [2]]).affected_rows == 2
        assert only(session.run_query(backend.users, f"SELECT COUNT(*) FROM {quoted_table}").rows) == 2
    finally:
        session.run_execute(backend.users, f"DROP TABLE {quoted_table}")


def test_into_another_database(session, database):
    database.query("CREATE DATABASE `other db`")
    try:
        database.query("CREATE TABLE `other db`.t (n INT)")
        assert session.run_insert("users", "t", ["n"], [[1]], database="other db").affected_rows == 1
        assert only(session.run_query("users", "SELECT n FROM `other db`.t").rows) == 1
    finally:
        database.query("DROP DATABASE `other db`")


@pytest.mark.parametrize(
    "change, hint",
    [
        ({"table": None}, "table"),
        ({"table": ""}, "table"),
        ({"table": "t" * 65}, "table"),
        ({"columns": []}, "columns"),
        ({"columns": ["a", "a"]}, "columns"),
        ({"columns": [""], "rows": [[1]]}, "columns"),
        ({"rows": []}, "rows"),
        ({"rows": [[1, 2], [1]]}, "rows"),
        ({"rows": [[1, 2, 3]]}, "rows"),
        ({"rows": [[1, [2]]]}, "rows"),
        ({"rows": [[1, float("nan")]]}, "rows"),
    ],
    ids=repr,
)
def test_wrong_inserts_are_refused(usual_session, backend, new_table, change, hint):
    request = {"table": new_table(backend.users, "a BIGINT, b BIGINT"), "columns": ["a", "b"], "rows": [[1, 2]]}
    request.update(change)
    with pytest.raises(DataError) as caught:
        usual_session.run_insert(backend.users, **request)
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT
    assert hint.rstrip("s") in caught.value.message
    assert usual_session.run_query(backend.users, "SELECT 1").rows.row_count == 1
