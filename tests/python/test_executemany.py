"""A step of a batch with many rows of parameters, as DB-API's executemany."""

import pytest

from asking import batch_request, insert_request, item, step
from columns import only, rows
from errors import assert_error, caught
from forebay_thrift.ttypes import BatchMode, ErrorCode, ParamStyle, StepStatus

ROWS = 5_000
MODES = {"each": BatchMode.EACH, "stop": BatchMode.STOP_ON_ERROR, "atomic": BatchMode.ATOMIC}
SHARDS = pytest.mark.parametrize("shard", ["users", "users_prepared", "users_lite"])


@pytest.fixture
def run_many(usual_session):
    """A function that runs one statement for many rows, and gives its result."""

    def run(shard, sql, param_rows, style=None, mode=None, **options):
        options.setdefault("timeout_ms", 20_000)
        one = step(sql, style=style, param_rows=param_rows)
        (done,) = usual_session.run_batch(shard, one, mode=mode, **options).steps
        assert done.status == StepStatus.DONE
        return done.result

    return run


def stored(session, shard, table):
    found = session.run_query(shard, f"SELECT id, v FROM {table} ORDER BY id", timeout_ms=20_000)
    return rows(found.rows)


def auto_increment_key(shard):
    return "INTEGER PRIMARY KEY AUTOINCREMENT" if shard.endswith("lite") else "BIGINT AUTO_INCREMENT PRIMARY KEY"


@SHARDS
def test_insert(usual_session, run_many, new_table, shard):
    table = new_table(shard, f"id {auto_increment_key(shard)}, v VARCHAR(100)")
    texts = [f"text '{n}' \\ % ? :v 🚀" for n in range(ROWS)]
    done = run_many(shard, f"INSERT INTO {table} (v) VALUES (?)", [[text] for text in texts])
    assert done.affected_rows == ROWS
    assert done.insert_count == ROWS
    assert done.insert_id == 1
    assert done.rows is None
    assert stored(usual_session, shard, table) == list(enumerate(texts, 1))


@SHARDS
def test_insert_with_names_functions_and_percents(usual_session, run_many, new_table, shard):
    table = new_table(shard, "id INTEGER, v VARCHAR(100)")
    sql = f"INSERT INTO {table} (id, v) VALUES (%(id)s, COALESCE(%(v)s, UPPER('a)%%,(')))"
    named = [{"id": n, "v": None if n % 2 else f"({n})"} for n in range(100)]
    done = run_many(shard, sql, named, style=ParamStyle.PYFORMAT)
    assert done.affected_rows == 100
    expected = [(n, "A)%,(" if n % 2 else f"({n})") for n in range(100)]
    assert stored(usual_session, shard, table) == expected


@SHARDS
def test_update(usual_session, run_many, new_table, shard):
    table = new_table(shard, "id INTEGER PRIMARY KEY, v INTEGER")
    run_many(shard, f"INSERT INTO {table} VALUES (?, 0)", [[n] for n in range(ROWS)])
    done = run_many(shard, f"UPDATE {table} SET v = ? WHERE id = ?", [[n * 2, n] for n in range(1, ROWS)])
    assert (done.affected_rows, done.matched_rows, done.insert_count) == (ROWS - 1, ROWS - 1, 0)
    assert stored(usual_session, shard, table) == [(n, n * 2) for n in range(ROWS)]


@SHARDS
def test_replace(usual_session, run_many, new_table, shard):
    table = new_table(shard, "id INTEGER PRIMARY KEY, v INTEGER")
    run_many(shard, f"INSERT INTO {table} VALUES (?, 0)", [[n] for n in range(10)])
    done = run_many(shard, f"REPLACE INTO {table} (id, v) VALUES (?, ?)", [[n, n + 1] for n in range(ROWS)])
    assert done.insert_count == ROWS
    # MySQL counts a row that was replaced twice.
    assert done.affected_rows == (ROWS if shard.endswith("lite") else ROWS + 10)
    assert stored(usual_session, shard, table) == [(n, n + 1) for n in range(ROWS)]


@SHARDS
def test_on_duplicate_key(usual_session, run_many, new_table, shard):
    table = new_table(shard, "id INTEGER PRIMARY KEY, v INTEGER")
    run_many(shard, f"INSERT INTO {table} VALUES (?, 1000000)", [[n] for n in range(10)])
    tail = "ON DUPLICATE KEY UPDATE v = v + VALUES(v)"
    if shard.endswith("lite"):
        tail = "ON CONFLICT (id) DO UPDATE SET v = v + excluded.v"
    run_many(shard, f"INSERT INTO {table} (id, v) VALUES (?, ?) {tail}", [[n, n] for n in range(ROWS)])
    expected = [(n, n + 1_000_000 if n < 10 else n) for n in range(ROWS)]
    assert stored(usual_session, shard, table) == expected


@SHARDS
def test_delete(usual_session, run_many, new_table, shard):
    table = new_table(shard, "id INTEGER PRIMARY KEY, v INTEGER")
    run_many(shard, f"INSERT INTO {table} VALUES (?, 0)", [[n] for n in range(100)])
    done = run_many(shard, f"DELETE FROM {table} WHERE id = ?", [[n] for n in range(0, 200, 2)])
    assert done.affected_rows == 50
    assert stored(usual_session, shard, table) == [(n, 0) for n in range(1, 100, 2)]


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
@pytest.mark.parametrize("kind", ["insert", "update"])
@SHARDS
def test_all_or_nothing_in_every_mode(usual_session, new_table, shard, kind, mode):
    """The last row fails: of what was done before, in several statements, nothing stays."""
    table = new_table(shard, "id INTEGER PRIMARY KEY, v VARCHAR(2000) UNIQUE")
    before = [(-2, "before"), (-1, "other")]
    usual_session.run_insert(shard, table, ["id", "v"], before)
    if kind == "insert":
        long = "x" * 1000
        sql = f"INSERT INTO {table} VALUES (?, ?)"
        # 2.5 MB: more than the one megabyte of a statement.
        failing = step(sql, param_rows=[[n, f"{n}{long}"] for n in range(2500)] + [[-1, "duplicate"]])
    else:
        sql = f"UPDATE {table} SET v = ? WHERE id = ?"
        failing = step(sql, param_rows=[["changed", -2], ["changed again", -2], ["other", -2]])
    fine = step("SELECT 1")
    if mode == BatchMode.ATOMIC:
        error = caught(usual_session.run_batch, shard, fine, failing, fine, mode=mode, timeout_ms=20_000)
        assert error.item == 1
    else:
        result = usual_session.run_batch(shard, fine, failing, fine, mode=mode, timeout_ms=20_000)
        after = StepStatus.DONE if mode == BatchMode.EACH else StepStatus.NOT_RUN
        assert [one.status for one in result.steps] == [StepStatus.DONE, StepStatus.FAILED, after]
        error = result.steps[1].error
    assert_error(error, ErrorCode.DUPLICATE_KEY)
    assert stored(usual_session, shard, table) == before


@SHARDS
def test_within_a_transaction(usual_session, new_table, shard):
    table = new_table(shard, "id INTEGER PRIMARY KEY, v VARCHAR(2000)")
    sql = f"INSERT INTO {table} VALUES (?, ?)"
    long = "x" * 1000
    good, bad = [[n, long] for n in range(2000)], [[n, long] for n in range(5000, 7000)] + [[1, "duplicate"]]
    transaction = usual_session.begin(shard, timeout_ms=20_000)
    usual_session.run_batch(shard, step(sql, param_rows=good), transaction=transaction, timeout_ms=20_000)
    for mode in (BatchMode.EACH, BatchMode.STOP_ON_ERROR):
        result = usual_session.run_batch(
            shard, step(sql, param_rows=bad), mode=mode, transaction=transaction, timeout_ms=20_000
        )
        assert_error(result.steps[0].error, ErrorCode.DUPLICATE_KEY)
    error = caught(
        usual_session.run_batch, shard, step(sql, param_rows=bad), transaction=transaction, timeout_ms=20_000
    )
    assert_error(error, ErrorCode.DUPLICATE_KEY)
    usual_session.commit(transaction)
    assert only(usual_session.run_query(shard, f"SELECT COUNT(*) FROM {table}").rows) == 2000


@SHARDS
def test_statement_that_returns_rows_is_refused(usual_session, new_table, shard):
    table = new_table(shard, "id INTEGER PRIMARY KEY")
    for sql in ("SELECT ?", f"INSERT INTO {table} VALUES (?) RETURNING id"):
        error = caught(usual_session.run_batch, shard, step(sql, param_rows=[[1], [2]]))
        assert_error(error, ErrorCode.STATEMENT_NOT_ALLOWED)
        assert error.item == 0
    assert only(usual_session.run_query(shard, f"SELECT COUNT(*) FROM {table}").rows) == 0


@SHARDS
def test_row_that_does_not_fit_the_statement_is_named(usual_session, new_table, shard):
    table = new_table(shard, "id INTEGER, v INTEGER")
    insert = f"INSERT INTO {table} VALUES (?, ?)"
    good = [[n, n] for n in range(7)]
    for wrong in ([7], [7, 7, 7], [], [7, float("nan")], [7, []]):
        error = caught(usual_session.run_batch, shard, step(insert, param_rows=[*good, wrong]))
        assert_error(error, ErrorCode.INVALID_ARGUMENT, "row 7")
        assert error.item == 0
    named = [{"a": 1, "b": 2}, {"a": 1}]
    error = caught(usual_session.run_batch, shard, step(f"INSERT INTO {table} VALUES (:a, :b)", param_rows=named))
    assert_error(error, ErrorCode.INVALID_ARGUMENT, "row 1", "b")
    assert only(usual_session.run_query(shard, f"SELECT COUNT(*) FROM {table}").rows) == 0


def test_rows_beyond_one_packet(usual_session, run_many, new_table):
    """15 MB of quotes double when escaped: no single statement takes them."""
    table = new_table("users", "id INT, v MEDIUMTEXT")
    quotes = "'" * 1_000_000
    run_many("users", f"INSERT INTO {table} VALUES (?, ?)", [[n, quotes] for n in range(15)], timeout_ms=30_000)
    found = usual_session.run_query("users", f"SELECT COUNT(*), MIN(LENGTH(v)), COUNT(DISTINCT id) FROM {table}")
    assert rows(found.rows) == [(15, 1_000_000, 15)]


def test_by_every_wire_and_in_a_multi(session, backend, new_table):
    table = new_table(backend.users, "id INTEGER, v INTEGER")
    positional = step(f"INSERT INTO {table} VALUES (?, ?)", param_rows=[[1, 2], [3, None]])
    named = step(f"INSERT INTO {table} VALUES (:id, :v)", param_rows=[{"id": 5, "v": 6}])
    session.run_batch(backend.users, positional, named)
    first, second = session.run_multi(
        item(batch_request(backend.users, positional, named)),
        item(insert_request(backend.users, table, ["id", "v"], [[7, 8]])),
        timeout_ms=20_000,
    )
    assert first.error is None and second.error is None
    found = session.run_query(backend.users, f"SELECT id, COUNT(*) FROM {table} GROUP BY id ORDER BY id")
    assert rows(found.rows) == [(1, 2), (3, 2), (5, 2), (7, 1)]
