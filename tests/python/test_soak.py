"""That the soak notices what it looks for: each fault is made, and must be counted."""

import time

import pymysql
import pytest

from forebay_thrift.ttypes import DataError, ErrorCode, Outcome, QueryResult, ReplyHeader
from soak import database
from soak.__main__ import leftovers
from soak.book import APPLIED, NOT_APPLIED, UNKNOWN, Book, proof
from soak.caller import Caller
from soak.worker import Worker

SHARD = database.SHARDS[0]


@pytest.fixture
def book(mysql_port):
    database.prepare(mysql_port)
    return Book()


@pytest.fixture(scope="module")
def soaked(mysql_port, start_service):
    database.prepare(mysql_port)
    return start_service(database.configuration(mysql_port))


def run(mysql_port, sql):
    with database.connect(mysql_port) as connection, connection.cursor() as cursor:
        cursor.execute(sql)


def faults(book):
    return {fault: book.counts[fault] for fault in Book.FAULTS if book.counts[fault]}


def read_until_all_was_read(soaked, book):
    worker = Worker("reader", soaked.port, book, 1)
    for _ in range(400):
        worker.read()
        if not book.is_clean():
            break
    worker.close()
    assert book.counts["rows read"] > 0


def test_right_rows_are_no_fault(soaked, book):
    read_until_all_was_read(soaked, book)
    assert faults(book) == {}


@pytest.mark.parametrize(
    "tampering",
    [
        f"UPDATE {SHARD}.fixed SET proof = '' WHERE id % 10 = 0",
        f"DELETE FROM {SHARD}.fixed WHERE id % 10 = 0",
        # The row of another key, and of another shard.
        f"UPDATE {SHARD}.fixed AS a JOIN {SHARD}.fixed AS b ON b.id = a.id + 1 SET a.proof = b.proof",
        f"UPDATE {SHARD}.fixed AS a JOIN {database.SHARDS[1]}.fixed AS b ON b.id = a.id SET a.proof = b.proof",
    ],
    ids=["empty", "missing", "other_key", "other_shard"],
)
def test_wrong_row_is_counted(soaked, book, mysql_port, tampering):
    run(mysql_port, tampering)
    read_until_all_was_read(soaked, book)
    assert faults(book).keys() == {"wrong rows"}
    database.check(mysql_port, book)
    assert book.counts["wrong rows"] > 1


def test_answer_to_another_question_is_counted(book):
    caller = Caller("caller", 0, book, 1)
    caller.session = type("Session", (), {"socket": type("Socket", (), {"setTimeout": lambda *_: None})})()
    caller.close = lambda: None
    stale = QueryResult(ReplyHeader(request_id="caller-of-before"))
    caller.call(lambda session, **options: stale, 1)
    assert faults(book) == {"wrong answers": 1}

    def fails(session, **options):
        raise DataError(ErrorCode.SQL_ERROR, Outcome.NOT_APPLIED, request_id="another")

    caller.call(fails, 1)
    assert faults(book) == {"wrong answers": 2}

    def unreadable(session, **options):
        raise ValueError("bytes that are no message")

    caller.call(unreadable, 1)
    assert faults(book) == {"wrong answers": 3}
    book.check_rows("fixed", (SHARD, [1], "this one"), [(1, proof(SHARD, "fixed", 1), "the one before")])
    assert book.counts["wrong rows"] == 1


def insert(mysql_port, *keys, text=None):
    for key in keys:
        run(mysql_port, f"INSERT INTO {SHARD}.written VALUES ({key}, '{text or proof(SHARD, 'written', key)}')")


@pytest.mark.parametrize(
    ("outcome", "keys", "written", "fault"),
    [
        (APPLIED, [1, 2], [1, 2], None),
        (NOT_APPLIED, [1, 2], [], None),
        (UNKNOWN, [1, 2], [1, 2], None),
        (UNKNOWN, [1, 2], [], None),
        (APPLIED, [1], [], "wrong outcomes"),
        (NOT_APPLIED, [1], [1], "wrong outcomes"),
        (UNKNOWN, [1, 2], [2], "wrong outcomes"),
        (UNKNOWN, [1], [1, 7], "wrong rows"),
    ],
)
def test_write_that_is_not_as_was_said_is_counted(book, mysql_port, outcome, keys, written, fault):
    insert(mysql_port, *written)
    book.wish(SHARD, keys, outcome, "the test")
    database.check(mysql_port, book)
    assert faults(book) == ({fault: 1} if fault else {})


def test_write_of_something_else_is_counted(book, mysql_port):
    insert(mysql_port, 1, text="something else")
    book.wish(SHARD, [1], UNKNOWN, "the test")
    database.check(mysql_port, book)
    assert faults(book) == {"wrong rows": 1}


def test_write_that_is_applied_twice_is_counted(book, mysql_port):
    book.raise_counter(SHARD, 1, APPLIED)
    book.raise_counter(SHARD, 1, UNKNOWN)
    for number, fault in ((0, True), (1, False), (2, False), (3, True)):
        before = book.counts["wrong outcomes"]
        run(mysql_port, f"UPDATE {SHARD}.counters SET number = {number} WHERE id = 1")
        database.check(mysql_port, book)
        assert (book.counts["wrong outcomes"] > before) == fault, number


def test_what_is_left_over_is_seen(soaked, mysql_port):
    assert leftovers(soaked, mysql_port) == []
    with pymysql.connect(
        host="127.0.0.1", port=mysql_port, user="root", database=SHARD, ssl_disabled=True
    ) as connection:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO written VALUES (-1, '')")
        deadline = time.monotonic() + 10
        # InnoDB's table of transactions is renewed once nobody has read it for a while.
        while leftovers(soaked, mysql_port) != ["1 transactions"]:
            assert time.monotonic() < deadline, leftovers(soaked, mysql_port)
            time.sleep(0.3)
