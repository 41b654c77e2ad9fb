"""What a PyMySQL program did, by every transport and protocol, on both kinds of
database: the three examples of the README."""

import pytest

from columns import only, rows, values, vector_name
from errors import assert_error
from forebay_thrift.constants import API_VERSION
from forebay_thrift.ttypes import (
    AffectedRows,
    DataError,
    ErrorCode,
    InfoRequest,
    Options,
    ParamStyle,
    PingRequest,
    ShardKind,
)


@pytest.fixture
def tables(service, backend, usual_session):
    definitions = {
        backend.users: f"users (id {backend.auto_increment_key}, username VARCHAR(50), password VARCHAR(50))",
        backend.slave001: "follow_user (user_id1 BIGINT, user_id2 BIGINT)",
    }
    for shard, definition in definitions.items():
        usual_session.run_execute(shard, f"DROP TABLE IF EXISTS {definition.split()[0]}")
        usual_session.run_execute(shard, f"CREATE TABLE {definition}")
    follows = [(1, 2), (1, 2), (1, 3), (2, 1)]
    usual_session.run_insert(backend.slave001, "follow_user", ["user_id1", "user_id2"], follows)
    yield
    usual_session.run_execute(backend.users, "DROP TABLE users")
    usual_session.run_execute(backend.slave001, "DROP TABLE follow_user")


def test_delete_tells_the_affected_rows(session, backend, tables):
    sql = "DELETE FROM follow_user WHERE user_id1=%s AND user_id2=%s"
    first = session.run_execute(backend.slave001, sql, [1, 2], style=ParamStyle.PYFORMAT)
    assert first.affected_rows == 2
    assert first.rows is None
    again = session.run_execute(backend.slave001, sql, [1, 2], style=ParamStyle.PYFORMAT)
    assert again.affected_rows == 0
    left = session.run_query(backend.slave001, "SELECT user_id1, user_id2 FROM follow_user ORDER BY 1, 2")
    assert rows(left.rows) == [(1, 3), (2, 1)]


def test_insert_tells_the_insert_id(session, backend, tables):
    sql = "INSERT INTO users (username, password) VALUES (%s, %s)"
    names = ["alice", "O'Neil \\ \"x\" %s ? :name", "Zoë 🚀"]
    ids = []
    for name in names:
        done = session.run_execute(backend.users, sql, [name, "se\0cret"], style=ParamStyle.PYFORMAT)
        assert done.affected_rows == 1
        ids.append(done.insert_id)
    assert ids == [1, 2, 3]
    stored = session.run_query(backend.users, "SELECT username, password FROM users ORDER BY id")
    assert rows(stored.rows) == [(name, "se\0cret") for name in names]


def test_select_gives_typed_columns(session, backend, tables):
    session.run_insert(backend.users, "users", ["username", "password"], [["alice", "a"], ["bob", None]])
    found = session.run_query(
        backend.users,
        "SELECT id, username, password FROM users WHERE id IN (:ids) AND username <> :not ORDER BY id",
        {"ids": [1, 2, 3], "not": "carol"},
    )
    assert [column.name for column in found.rows.columns] == ["id", "username", "password"]
    assert [vector_name(column) for column in found.rows.columns] == ["int64s", "strings", "strings"]
    assert found.rows.row_count == 2
    assert rows(found.rows) == [(1, "alice", "a"), (2, "bob", None)]


def test_every_placeholder_style(session, backend):
    for sql, params, style in [
        ("SELECT ?", [7], ParamStyle.NATIVE),
        ("SELECT :seven", {"seven": 7}, ParamStyle.NATIVE),
        ("SELECT %s", [7], ParamStyle.PYFORMAT),
        ("SELECT %(seven)s", {"seven": 7}, ParamStyle.PYFORMAT),
        ("SELECT 107 %% %s", [100], ParamStyle.PYFORMAT),
        ("SELECT 107 % 100", None, ParamStyle.PYFORMAT),
    ]:
        assert only(session.run_query(backend.users, sql, params, style=style).rows) == 7, sql


def test_placeholders_in_literals_and_comments_are_text(session, backend):
    sql = "SELECT '? :a %s', /* ? :a %s */ ? -- ? :a"
    found = session.run_query(backend.users, sql, ["x"])
    assert rows(found.rows) == [("? :a %s", "x")]


def test_reply_tells_request_shard_and_times(session, backend):
    result = session.run_query(backend.users, "SELECT 1", request_id="order-4711 ü")
    assert result.header.request_id == "order-4711 ü"
    assert result.header.shard == backend.users
    assert 0 <= result.header.queue_us < 60_000_000
    assert 0 < result.header.execute_us < 60_000_000
    assert session.run_query(backend.users, "SELECT 1").header.request_id == ""


def test_info_and_ping(session):
    info = session.info(InfoRequest(options=Options(request_id="who")))
    assert info.header.request_id == "who"
    assert info.api_version == API_VERSION == "1.3"
    assert info.server_version
    assert info.limits.request_max_bytes == 16_000_000
    shards = {shard.name: shard for shard in info.shards}
    assert sorted(shards) == [shard.name for shard in info.shards]
    assert set(shards) > {"dead", "slave001", "slave001_lite", "users", "users_lite"}
    assert shards["users"].kind == ShardKind.MYSQL
    assert shards["users_lite"].kind == ShardKind.SQLITE
    assert shards["users"].available
    assert shards["users"].pool_max_connections == 8
    assert shards["users"].queue_max_requests == 1000
    assert shards["users"].transactions_max == 4
    assert shards["pool_of_two"].transactions_max == 1
    assert shards["users"].affected_rows == AffectedRows.CHANGED
    assert shards["users_matched"].affected_rows == AffectedRows.MATCHED
    assert shards["users_lite"].affected_rows == AffectedRows.MATCHED
    assert info.limits.multi_items_max == 256
    assert info.limits.multi_parallel_max == 4
    assert info.limits.batch_steps_max == 1000
    assert info.limits.transaction_idle_timeout_ms == 10_000
    assert info.limits.transaction_timeout_ms == 60_000
    assert info.limits.reply_grace_ms == 250
    assert {"batch", "multi", "begin_transaction"} <= set(info.capabilities)
    assert session.ping(PingRequest(options=Options(request_id="p"))).header.request_id == "p"
    assert session.ping(PingRequest()).header.shard == ""


def test_reply_tells_how_often_it_was_sent(session, backend, new_table):
    assert session.run_query(backend.users, "SELECT 1").header.attempts == 1
    assert session.info(InfoRequest()).header.attempts == 0
    assert session.ping(PingRequest()).header.attempts == 0
    with pytest.raises(DataError) as caught:
        session.run_query(backend.users, "SELECT ?")
    assert caught.value.attempts == 0
    table = new_table(backend.users, "id BIGINT, name VARCHAR(10)")
    written = session.run_execute(backend.users, f"INSERT INTO {table} VALUES (1, 'a')", idempotent=True)
    assert (written.affected_rows, written.header.attempts) == (1, 1)


def test_nothing_is_sent_twice_within_a_transaction(session, backend):
    transaction = session.begin(backend.users)
    with pytest.raises(DataError) as caught:
        session.run_execute(backend.users, "SELECT 1", transaction=transaction, idempotent=True)
    assert_error(caught.value, ErrorCode.INVALID_ARGUMENT, "options.idempotent")
    session.rollback(transaction)


def test_ping_asks_the_database(session, backend):
    assert session.ping(PingRequest(shard=backend.users)).header.shard == backend.users


def test_empty_result_keeps_its_columns(session, backend, new_table):
    table = new_table(backend.users, "id BIGINT, name VARCHAR(10)")
    found = session.run_query(backend.users, f"SELECT id, name FROM {table}")
    assert found.rows.row_count == 0
    assert [column.name for column in found.rows.columns] == ["id", "name"]
    assert [values(column) for column in found.rows.columns] == [[], []]


def test_read_sees_what_another_connection_committed(session, database, new_table):
    table = new_table("users", "n BIGINT")
    count = f"SELECT COUNT(*) FROM {table}"
    assert only(session.run_query("users", count).rows) == 0
    for committed in (1, 2, 3):
        with database.cursor() as cursor:
            cursor.execute(f"INSERT INTO {table} VALUES (1)")
        assert only(session.run_query("users", count).rows) == committed


def test_write_is_seen_by_another_connection(session, database, new_table):
    table = new_table("users", "n BIGINT")
    session.run_execute("users", f"INSERT INTO {table} VALUES (?)", [5])
    with database.cursor() as cursor:
        cursor.execute(f"SELECT n FROM {table}")
        assert cursor.fetchall() == ((5,),)


def test_execute_gives_rows_if_there_are_any(session, backend):
    result = session.run_execute(backend.users, "SELECT ? AS n", [9])
    assert only(result.rows) == 9


def test_execute_counts_changed_rows_and_warnings(session, new_table):
    table = new_table("users", "n TINYINT")
    inserted = session.run_execute("users", f"INSERT INTO {table} VALUES (1), (1000)")
    assert (inserted.affected_rows, inserted.insert_id, inserted.warning_count) == (2, 0, 1)
    same = session.run_execute("users", f"UPDATE {table} SET n = 1 WHERE n = 1")
    assert same.affected_rows == 0
