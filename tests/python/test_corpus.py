"""Every MySQL type with the ends of its range: the same by every path, written and
read, and the same as PyMySQL has it."""

import pytest

import corpus
from asking import batch_request, insert_request, query_request, step
from columns import rows, vector_name
from forebay_thrift.ttypes import Options
from wires import Session

PATHS = ["users", "users_prepared"]
TABLES = ["corpus_pymysql", "corpus_escaped", "corpus_prepared", "corpus_insert", "corpus_many"]
# With a parameter, so that the prepared path has something to prepare.
READ = "SELECT * FROM {table} WHERE n >= ? ORDER BY n"


@pytest.fixture(scope="module")
def tables(service, database):
    """One table for each way to write: all must hold the same."""
    columns = ", ".join(corpus.NAMES)
    marks = ", ".join("?" * len(corpus.NAMES))
    params = corpus.param_rows()
    with database.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"CREATE TABLE {table} ({corpus.DEFINITION}) {corpus.TABLE_OPTIONS}")
        for row in corpus.pymysql_rows():
            cursor.execute(f"INSERT INTO corpus_pymysql VALUES ({marks.replace('?', '%s')})", row)
    with Session(service.port) as session:
        for shard, table in zip(PATHS, ("corpus_escaped", "corpus_prepared")):
            for row in params:
                done = session.run_execute(shard, f"INSERT INTO {table} ({columns}) VALUES ({marks})", row)
                assert done.affected_rows == 1
        session.insert(insert_request("users", "corpus_insert", corpus.NAMES, params))
        many = step(f"INSERT INTO corpus_many ({columns}) VALUES ({marks})", param_rows=params)
        session.run_batch("users", many)
    yield TABLES
    with database.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"DROP TABLE {table}")


def assert_is_the_corpus(result_set):
    assert [column.name for column in result_set.columns] == corpus.NAMES
    for column, expected in zip(result_set.columns[1:], corpus.COLUMNS, strict=True):
        assert vector_name(column) == expected.vector, expected.type
    for row, expected_row in zip(rows(result_set), corpus.EXPECTED_ROWS, strict=True):
        for name, value, expected in zip(("n", *(one.type for one in corpus.COLUMNS)), row, expected_row):
            assert value == expected, f"row {row[0]}, column {name}"


@pytest.mark.parametrize("shard", PATHS)
def test_read_by_every_wire(session, tables, shard):
    result = session.run_query(shard, READ.format(table="corpus_pymysql"), [0])
    assert_is_the_corpus(result.rows)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("shard", PATHS)
def test_however_it_was_written(usual_session, tables, shard, table):
    assert_is_the_corpus(usual_session.run_query(shard, READ.format(table=table), [0]).rows)


def test_the_database_finds_no_difference(tables, database):
    """Byte for byte, as MySQL itself compares."""
    with database.cursor() as cursor:
        for name, column in zip(corpus.NAMES[1:], corpus.COLUMNS):
            form = "HEX({}.{})" if column.vector in ("strings", "blobs") else "{}.{}"
            for table in TABLES[1:]:
                same = f"{form.format('a', name)} <=> {form.format('b', name)}"
                cursor.execute(f"SELECT a.n FROM corpus_pymysql AS a JOIN {table} AS b USING (n) WHERE NOT {same}")
                assert cursor.fetchall() == (), f"{table}: {column.type}"


@pytest.mark.parametrize("shard", PATHS)
def test_read_in_a_multi_a_batch_and_a_transaction(usual_session, tables, shard):
    sql = READ.format(table="corpus_pymysql")
    queried, batched = usual_session.run_multi(
        query_request(shard, sql, [0]), batch_request(shard, step("SELECT ?", [1]), step(sql, [0])), timeout_ms=20_000
    )
    assert_is_the_corpus(queried.query.rows)
    assert_is_the_corpus(batched.batch.steps[1].result.rows)
    assert_is_the_corpus(usual_session.run_batch(shard, step(sql, [0])).steps[0].result.rows)
    assert_is_the_corpus(usual_session.run_execute(shard, sql, [0]).rows)
    transaction = usual_session.begin(shard)
    within = {"transaction": transaction}
    assert_is_the_corpus(usual_session.run_query(shard, sql, [0], **within).rows)
    assert_is_the_corpus(usual_session.run_batch(shard, step(sql, [0]), **within).steps[0].result.rows)
    usual_session.rollback(transaction)


def test_written_in_a_transaction(usual_session, tables, database):
    for shard in PATHS:
        transaction = usual_session.begin(shard)
        within = {"transaction": transaction}
        usual_session.run_execute(shard, "DELETE FROM corpus_many WHERE n >= ?", [0], **within)
        request = insert_request(shard, "corpus_many", corpus.NAMES, corpus.param_rows(), options=Options(**within))
        usual_session.insert(request)
        assert_is_the_corpus(usual_session.run_query(shard, READ.format(table="corpus_many"), [0], **within).rows)
        usual_session.commit(transaction)
        assert_is_the_corpus(usual_session.run_query(shard, READ.format(table="corpus_many"), [0]).rows)


@pytest.mark.parametrize("shard", PATHS)
def test_values_and_metadata_are_pymysqls(usual_session, raw_database, tables, shard):
    result = usual_session.run_query(shard, READ.format(table="corpus_pymysql"), [0])
    with raw_database.cursor() as cursor:
        cursor.execute(READ.format(table="corpus_pymysql").replace("?", "0"))
        expected_rows = cursor.fetchall()
        fields = cursor._result.fields
    for column, field, described in zip(result.rows.columns[1:], fields[1:], corpus.COLUMNS, strict=True):
        found = (column.table, column.type, column.flags, column.collation, column.decimals, column.length)
        expected = (field.table_name, field.type_code, field.flags, field.charsetnr, field.scale, field.length)
        assert found == expected, described.type
    kinds = [vector_name(column) for column in result.rows.columns]
    for row, expected_row in zip(rows(result.rows), expected_rows, strict=True):
        assert row == tuple(from_pymysql(kind, text) for kind, text in zip(kinds, expected_row))


def from_pymysql(kind, text):
    """MySQL's text of a value, unconverted, in the form of a vector."""
    if text is None:
        return None
    if kind == "blobs":
        return text if isinstance(text, bytes) else text.encode()
    return {"int64s": int, "doubles": float, "strings": str}[kind](text)


@pytest.mark.parametrize("shard", PATHS)
def test_found_by_its_value(usual_session, tables, shard):
    """A parameter equals the value that was stored of it."""
    for name, column in zip(corpus.NAMES[1:], corpus.COLUMNS):
        # A FLOAT, or a DOUBLE of so many digits, is not quite what was sent.
        if (column.vector == "doubles" and column.type != "DOUBLE") or column.vector == "blobs":
            continue
        for number, sent in enumerate(column.sent):
            sql = f"SELECT n FROM corpus_pymysql WHERE {name} = ? AND n = ?"
            found = usual_session.run_query(shard, sql, [corpus.param(column, sent), number])
            assert rows(found.rows) == [(number,)], f"{column.type}, row {number}"
