"""Results over the limits of rows, of bytes and of memory, and what large ones cost."""

import pytest

from asking import query_request, step
from columns import only, rows
from errors import assert_error, caught, code_name
from forebay_thrift.ttypes import DataError, ErrorCode, InfoRequest, ResultLayout, Retry
from messages import RawSession, call, frame
from processes import wait_for
from threads import run_in_threads
from wires import Session

RESULT_MAX_BYTES = 3_000_000
# A result is held twice for a moment: two large ones fit, and a third does not.
MEMORY_MAX_BYTES = 16_000_000
# 2.5 MB, whose rows come over half a second: those of several readers together.
SLOW_AND_LARGE = "SELECT REPEAT('x', 100000) FROM seq_1_to_25 WHERE SLEEP(0.02) = 0"
NUMBERS_LITE = "WITH RECURSIVE s(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM s WHERE seq < {}) SELECT {} FROM s"


def numbers(shard, count, columns):
    """A statement that gives so many rows."""
    if shard.endswith("lite"):
        return NUMBERS_LITE.format(count, columns.replace("REPEAT('x', 100000)", "hex(zeroblob(50000))"))
    return f"SELECT {columns} FROM seq_1_to_{count}"


SHARDS = pytest.mark.parametrize("shard", ["users", "users_prepared", "users_lite"])
LAYOUTS = pytest.mark.parametrize("layout", [None, ResultLayout.PACKED], ids=["lists", "packed"])


@pytest.fixture(scope="module")
def narrow_service(start_service, mysql_url):
    """One that takes small results only, and few at once."""
    shards = f"""
[shards.users]
url = "{mysql_url}"

[shards.users_prepared]
url = "{mysql_url}"
statements = "prepared"

[shards.users_lite]
url = "sqlite::memory:"
"""
    limits = {"result_max_bytes": RESULT_MAX_BYTES, "result_memory_max_bytes": MEMORY_MAX_BYTES}
    return start_service(shards, result_max_rows=50_000, **limits)


@pytest.fixture
def narrow_session(narrow_service):
    with Session(narrow_service.port) as session:
        yield session


def assert_too_large(error, limit):
    assert_error(error, ErrorCode.RESULT_TOO_LARGE)
    assert error.limit == limit
    assert error.seen > limit


@SHARDS
@LAYOUTS
def test_rows_over_the_limit(narrow_session, shard, layout):
    sql = numbers(shard, 60_000, "seq")
    given = {"timeout_ms": 20_000, "result_layout": layout}
    assert_too_large(caught(narrow_session.run_query, shard, sql, **given), 50_000)
    assert_too_large(caught(narrow_session.run_query, shard, sql, max_rows=10, **given), 10)
    # A caller's own limit may not be wider than the server's.
    error = caught(narrow_session.run_query, shard, sql, max_rows=1_000_000, **given)
    assert_too_large(error, 50_000)
    whole = narrow_session.run_query(shard, numbers(shard, 50_000, "seq"), **given)
    assert [row[0] for row in rows(whole.rows)] == list(range(1, 50_001))


@SHARDS
@LAYOUTS
def test_bytes_over_the_limit(narrow_session, shard, layout):
    column = "REPEAT('x', 100000)"
    given = {"timeout_ms": 20_000, "result_layout": layout}
    error = caught(narrow_session.run_query, shard, numbers(shard, 200, column), **given)
    assert_too_large(error, RESULT_MAX_BYTES)
    assert "result_max_bytes" in error.message
    fitting = narrow_session.run_query(shard, numbers(shard, 25, column), **given)
    assert [len(row[0]) for row in rows(fitting.rows)] == [100_000] * 25


@SHARDS
@LAYOUTS
def test_limits_hold_for_all_items_of_a_request(narrow_session, shard, layout):
    """Each of the two would fit alone."""
    given = {"timeout_ms": 20_000, "result_layout": layout}
    large = numbers(shard, 20, "REPEAT('x', 100000)")
    one, two = (step(large), step(large))
    error = caught(narrow_session.run_batch, shard, one, two, **given)
    assert_error(error, ErrorCode.RESULT_TOO_LARGE)
    assert error.item == 1
    outcomes = narrow_session.run_multi(*[query_request(shard, large)] * 2, **given)
    names = [code_name(outcome.error) for outcome in outcomes]
    assert sorted(names, key=str) == [None, "RESULT_TOO_LARGE"] or names == ["RESULT_TOO_LARGE"] * 2
    assert only(narrow_session.run_query(shard, "SELECT 1").rows) == 1


@SHARDS
@pytest.mark.parametrize(
    "count, columns, options",
    [
        (11, "seq", {"max_rows": 10}),
        (60_000, "seq", {}),
        (200, "REPEAT('x', 100000)", {}),
    ],
    ids=["just over", "rows", "bytes"],
)
def test_transaction_goes_on_after_a_result_too_large(narrow_session, shard, count, columns, options):
    create = "CREATE TABLE IF NOT EXISTS narrow (n INTEGER)"
    narrow_session.run_execute(shard, create)
    try:
        transaction = narrow_session.begin(shard)
        within = {"transaction": transaction, "timeout_ms": 20_000}
        narrow_session.run_execute(shard, "INSERT INTO narrow VALUES (1)", **within)
        for _ in range(3):
            sql = numbers(shard, count, columns)
            error = caught(narrow_session.run_query, shard, sql, **within, **options)
            assert_error(error, ErrorCode.RESULT_TOO_LARGE)
            assert only(narrow_session.run_query(shard, "SELECT COUNT(*) FROM narrow", **within).rows) == 1
        narrow_session.run_execute(shard, "INSERT INTO narrow VALUES (2)", **within)
        narrow_session.commit(transaction)
        assert only(narrow_session.run_query(shard, "SELECT COUNT(*) FROM narrow").rows) == 2
    finally:
        narrow_session.run_execute(shard, "DROP TABLE narrow", timeout_ms=20_000)


def test_endless_result_in_a_transaction_is_stopped(narrow_session, database):
    """It would take minutes to read it to its end."""
    endless = "SELECT a.seq FROM seq_1_to_1000000 AS a, seq_1_to_1000000 AS b"
    transaction = narrow_session.begin("users")
    error = caught(narrow_session.run_query, "users", endless, transaction=transaction, timeout_ms=20_000)
    assert_too_large(error, 50_000)
    assert only(narrow_session.run_query("users", "SELECT 1", transaction=transaction).rows) == 1
    narrow_session.commit(transaction)
    error = caught(narrow_session.run_query, "users", endless, timeout_ms=20_000)
    assert_too_large(error, 50_000)

    def nobody_reads():
        with database.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT a.seq%'")
            return cursor.fetchall() == ((0,),)

    wait_for(nobody_reads, "the end of the endless statement")


def test_memory_of_all_results_together(narrow_service):
    """Too many large results at once: some are refused, and all memory comes back."""
    refused, served = [], []

    def read():
        with Session(narrow_service.port) as session:
            try:
                served.append(session.run_query("users", SLOW_AND_LARGE, timeout_ms=20_000).rows.row_count)
            except DataError as error:
                refused.append(error)

    for _ in range(2):
        run_in_threads([read] * 6)
    assert refused
    for error in refused:
        assert_error(error, ErrorCode.RESULT_TOO_LARGE, "result_memory_max_bytes")
        assert error.retry_hint == Retry.AFTER_PAUSE
        assert error.limit == MEMORY_MAX_BYTES
    assert set(served) <= {25}
    with Session(narrow_service.port) as session:
        for _ in range(10):
            found = session.run_query("users", numbers("users", 25, "REPEAT('x', 100000)"), timeout_ms=20_000)
            assert found.rows.row_count == 25


def test_memory_of_clients_that_went_away(narrow_service):
    message = frame(call("binary", "query", query_request("users", SLOW_AND_LARGE, timeout_ms=20_000)))
    for _ in range(3):
        with RawSession(narrow_service.port) as raw:
            raw.send(message)
    found = []

    def is_served():
        with Session(narrow_service.port) as session:
            try:
                found.append(session.run_query("users", SLOW_AND_LARGE, timeout_ms=20_000).rows.row_count)
            except DataError as error:
                assert code_name(error) == "RESULT_TOO_LARGE"
                return False
        return True

    wait_for(is_served, "the memory of those who went away", 15)


@pytest.mark.parametrize("shard", ["users", "users_lite"])
def test_a_million_short_rows_cost_what_their_bytes_do(start_service, mysql_url, shard):
    fresh = start_service(f'[shards.users]\nurl = "{mysql_url}"\n[shards.users_lite]\nurl = "sqlite::memory:"\n')
    with Session(fresh.port) as session:
        session.socket.setTimeout(60_000)
        limit = session.info(InfoRequest()).limits.result_max_bytes
        session.run_query(shard, numbers(shard, 10, "'short'"))
        before = fresh.peak_memory_bytes()
        found = session.run_query(shard, numbers(shard, 1_000_000, "'short'"), timeout_ms=60_000)
        assert found.rows.row_count == 1_000_000
        assert set(found.rows.columns[0].strings) == {"short"}
    grown = fresh.peak_memory_bytes() - before
    assert grown <= 2 * limit + 16_000_000


def test_paging_by_key(session, backend, new_table):
    table = new_table(backend.users, "id INTEGER PRIMARY KEY, name VARCHAR(20)")
    stored = [(n * 3, f"name {n}") for n in range(1, 1001)]
    session.run_insert(backend.users, table, ["id", "name"], stored)
    found, last = [], 0
    while True:
        page = session.run_query(
            backend.users, f"SELECT id, name FROM {table} WHERE id > ? ORDER BY id LIMIT ?", [last, 300]
        )
        found += rows(page.rows)
        if page.rows.row_count < 300:
            break
        last = found[-1][0]
    assert found == stored
