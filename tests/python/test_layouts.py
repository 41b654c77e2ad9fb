"""Options.result_layout: every result, wherever it stands in a reply, holds the same
with its columns packed into blobs as with lists."""

import random

import pytest

from asking import batch_request, execute_request, query_request, step
from columns import only, rows, unpacked, vector_name
from errors import assert_error, caught
from forebay_thrift.ttypes import (
    BatchMode,
    ErrorCode,
    InfoRequest,
    Options,
    PingRequest,
    ResultLayout,
)

LISTS, PACKED = ResultLayout.LISTS, ResultLayout.PACKED
# One column for each vector, with a NULL in each.
FOUR = "SELECT 1 AS i, 0.5e0 AS d, 'é' AS s, x'ff00' AS b UNION ALL SELECT NULL, NULL, NULL, NULL"


def is_packed(result_set):
    packed = {vector_name(column).startswith("packed_") for column in result_set.columns}
    assert len(packed) == 1, "columns of one result in two layouts"
    return packed.pop()


def assert_packed(result_set, lists):
    assert not is_packed(lists)
    assert unpacked(result_set) == lists


def test_lists_are_the_default(session, backend):
    default = session.run_query(backend.users, FOUR)
    assert not is_packed(default.rows)
    assert session.run_query(backend.users, FOUR, result_layout=LISTS).rows == default.rows
    assert "result_layout" in session.info(InfoRequest()).capabilities


def test_bytes_of_each_vector(session, backend):
    (i, d, s, b) = session.run_query(backend.users, FOUR, result_layout=PACKED).rows.columns
    assert i.packed_int64s == bytes.fromhex("0100000000000000 0000000000000000")
    assert d.packed_doubles == bytes.fromhex("000000000000e03f 0000000000000000")
    assert (s.packed_strings, s.packed_lengths) == ("é".encode(), bytes.fromhex("02000000 00000000"))
    assert (b.packed_blobs, b.packed_lengths) == (b"\xff\0", bytes.fromhex("02000000 00000000"))
    assert [column.nulls for column in (i, d, s, b)] == [b"\x02"] * 4


@pytest.mark.parametrize("shard", ["users", "users_prepared", "users_lite"])
def test_no_rows(session, new_table, shard):
    table = new_table(shard, "i BIGINT, d DOUBLE, s TEXT, b BLOB")
    sql = f"SELECT i, d, s, b FROM {table}"
    found = session.run_query(shard, sql, result_layout=PACKED)
    assert found.rows.row_count == 0
    assert_packed(found.rows, session.run_query(shard, sql).rows)


@pytest.mark.parametrize("shard", ["users", "users_prepared", "users_lite"])
def test_many_rows_of_any_values(usual_session, new_table, shard):
    chance = random.Random(7)

    def perhaps(item):
        return None if chance.random() < 0.2 else item

    table = new_table(shard, "n INTEGER PRIMARY KEY, i BIGINT, d DOUBLE, s TEXT, b BLOB")
    stored = [
        (
            number,
            perhaps(chance.randrange(-(2**63) + 1, 2**63)),
            perhaps(chance.uniform(-1e300, 1e300)),
            perhaps("".join(chance.choices("'\\\0aé中🚀", k=chance.randrange(40)))),
            perhaps(chance.randbytes(chance.randrange(300))),
        )
        for number in range(2_003)
    ]
    usual_session.run_insert(shard, table, ["n", "i", "d", "s", "b"], stored, options=Options(timeout_ms=20_000))
    for count in (1, 7, 8, 9, 255, 256, 2_003):
        sql = f"SELECT n, i, d, s, b FROM {table} WHERE n < ? ORDER BY n"
        packed = usual_session.run_query(shard, sql, [count], result_layout=PACKED)
        assert rows(packed.rows) == stored[:count]
        assert_packed(packed.rows, usual_session.run_query(shard, sql, [count]).rows)


def test_rows_of_execute_and_of_a_transaction(session, backend, new_table):
    table = new_table(backend.users, f"n {backend.auto_increment_key}, s TEXT")
    insert = f"INSERT INTO {table} (s) VALUES ('a'), (NULL) RETURNING n, s"
    done = session.run_execute(backend.users, insert, result_layout=PACKED)
    assert is_packed(done.rows)
    assert rows(done.rows) == [(1, "a"), (2, None)]
    transaction = session.begin(backend.users, result_layout=PACKED)
    # It holds for the request that has it, not for the transaction.
    lists = session.run_execute(None, FOUR, transaction=transaction)
    packed = session.run_execute(None, FOUR, transaction=transaction, result_layout=PACKED)
    assert_packed(packed.rows, lists.rows)
    session.commit(transaction, result_layout=PACKED)


@pytest.mark.parametrize("mode", [BatchMode.EACH, BatchMode.STOP_ON_ERROR, BatchMode.ATOMIC])
def test_steps_of_a_batch(session, backend, mode):
    steps = step(FOUR), step("SELECT ? AS v", ["x"]), step("SELECT 1 AS none WHERE 1 = 0")
    lists = session.run_batch(backend.users, *steps, mode=mode)
    packed = session.run_batch(backend.users, *steps, mode=mode, result_layout=PACKED)
    for one, other in zip(packed.steps, lists.steps, strict=True):
        assert_packed(one.result.rows, other.result.rows)


def test_items_of_a_multi(session, backend):
    requests = [
        query_request(backend.users, FOUR),
        execute_request(backend.slave001, FOUR),
        batch_request(backend.users, step(FOUR), step(FOUR)),
        query_request(backend.users, "SELECT no_such_column"),
    ]
    lists, packed = (session.run_multi(*requests, result_layout=layout) for layout in (None, PACKED))
    assert_packed(packed[0].query.rows, lists[0].query.rows)
    assert_packed(packed[1].execute.rows, lists[1].execute.rows)
    for one, other in zip(packed[2].batch.steps, lists[2].batch.steps, strict=True):
        assert_packed(one.result.rows, other.result.rows)
    assert packed[3].error.message == lists[3].error.message


def test_an_item_may_have_a_layout_of_its_own(session, backend):
    """As with the other options, what it leaves unset is its multi's."""
    requests = [query_request(backend.users, FOUR, result_layout=layout) for layout in (None, LISTS, PACKED)]
    for layout, expected in ((None, [False, False, True]), (PACKED, [True, False, True])):
        outcomes = session.run_multi(*requests, result_layout=layout)
        assert [is_packed(outcome.query.rows) for outcome in outcomes] == expected
        assert rows(outcomes[0].query.rows) == rows(outcomes[1].query.rows) == rows(outcomes[2].query.rows)


@pytest.mark.parametrize("shard", ["users", "users_prepared"])
def test_all_sets_of_a_call(session, database, shard):
    name = "sets_in_both_layouts"
    database.query(f"DROP PROCEDURE IF EXISTS {name}")
    database.query(f"CREATE PROCEDURE {name}(a INT) BEGIN SELECT a; {FOUR}; SELECT 1 AS n FROM DUAL WHERE FALSE; END")
    try:
        call = f"CALL {name}(?)"
        lists = session.run_execute(shard, call, [7])
        assert len(lists.more_rows) == 2
        packed = session.run_execute(shard, call, [7], result_layout=PACKED)
        batch = session.run_batch(shard, step(call, [7]), result_layout=PACKED).steps[0].result
        (outcome,) = session.run_multi(execute_request(shard, call, [7]), result_layout=PACKED)
        for found in (packed, batch, outcome.execute):
            assert_packed(found.rows, lists.rows)
            for one, other in zip(found.more_rows, lists.more_rows, strict=True):
                assert_packed(one, other)
    finally:
        database.query(f"DROP PROCEDURE {name}")


@pytest.mark.parametrize("number", [0, 3, -1, 2**31 - 1])
def test_layout_that_is_unknown(session, backend, number, new_table):
    table = new_table(backend.users, "n INTEGER")
    insert = f"INSERT INTO {table} VALUES (1)"
    options = {"result_layout": number}
    refusals = [
        caught(session.run_query, backend.users, "SELECT 1", **options),
        caught(session.run_execute, backend.users, insert, **options),
        caught(session.run_insert, backend.users, table, ["n"], [[1]], options=Options(**options)),
        caught(session.run_batch, backend.users, step(insert), **options),
        caught(session.run_multi, execute_request(backend.users, insert), **options),
        caught(session.begin, backend.users, **options),
        caught(session.info, InfoRequest(Options(**options))),
        caught(session.ping, PingRequest(options=Options(**options))),
    ]
    for error in refusals:
        assert_error(error, ErrorCode.INVALID_ARGUMENT, "options.result_layout", str(number), "PACKED 2")
    wrong, fine = session.run_multi(
        execute_request(backend.users, insert, **options), query_request(backend.users, "SELECT 1")
    )
    assert_error(wrong.error, ErrorCode.INVALID_ARGUMENT, "items[0]", "options.result_layout")
    assert only(fine.query.rows) == 1
    assert only(session.run_query(backend.users, f"SELECT COUNT(*) FROM {table}").rows) == 0
