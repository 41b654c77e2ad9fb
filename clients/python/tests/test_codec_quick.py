"""Replies as the service writes them are read quickly, and to what the general
reader makes of them."""

import random
import sys
import threading

import pytest
from forebay_thrift.ttypes import Column, ExecuteResult, QueryResult, ReplyHeader, ResultSet
from generated import SEQUENCE_ID, Chance, reply
from test_codec_replies import assert_execute, assert_query, read

from forebay import _columns, _quick, _replies, _thrift, converters, err


def usual_query(chance, row_count, warning_count=0):
    """A packed reply with every field set, and its rows."""
    header = ReplyHeader("", "test", chance.i64(), chance.i64(), chance.i32())
    pairs = [chance.column(row_count, packed=True) for _ in range(chance.random.randint(1, 6))]
    result_set = ResultSet(row_count, [column for column, _ in pairs])
    result = QueryResult(header, result_set, warning_count, [])
    result.expected_rows = [list(zip(*[values for _, values in pairs]))]
    return result


@pytest.mark.parametrize("row_count", [0, 1, 2, 8, 9, 100])
def test_usual_replies_are_read_quickly_and_to_the_same(row_count):
    quick = 0
    for seed in range(60):
        returned = usual_query(Chance(seed), row_count)
        message = reply("query", success=returned)
        start = _thrift.reply_start(message, b"query", SEQUENCE_ID)
        for _ in range(2):
            assert_query(read("query", message), returned)
        quick += _quick.query_rows(message, start) is not None
    # All but those of one row with a bitmap that holds no NULL.
    assert quick == 60 if row_count != 1 else quick > 10


def test_a_changed_usual_reply_is_read_as_an_unusual_one():
    chance = random.Random(7)
    for seed in range(12):
        message = reply("query", success=usual_query(Chance(seed), seed % 4))
        read("query", message)
        start = _thrift.reply_start(message, b"query", SEQUENCE_ID)
        for _ in range(400):
            changed = bytearray(message)
            changed[chance.randrange(start, len(changed))] ^= 1 << chance.randrange(8)
            assert slowly(bytes(changed)) == quickly(bytes(changed))


def slowly(message):
    start = _thrift.reply_start(message, b"query", SEQUENCE_ID)
    try:
        returned = _replies._returned(message, start, _replies._QUERY_REPLY)
        return shown(_replies._query_result(returned))
    except err.DatabaseError as error:
        return str(error)


def quickly(message):
    start = _thrift.reply_start(message, b"query", SEQUENCE_ID)
    try:
        return shown(_replies.read_query(message, start))
    except err.DatabaseError as error:
        return str(error)


def shown(result):
    rows = result.rows.rows(converters.decoders)
    columns = [[getattr(c, name) for name in c.__slots__] for c in result.rows.columns]
    return repr((rows, columns, result.shard, result.queue_us, result.warning_count))


@pytest.mark.parametrize("seed", range(20))
def test_counts_of_a_usual_execute_are_read_quickly_and_to_the_same(seed):
    chance = Chance(seed)
    header = ReplyHeader(chance.text(), "test", chance.i64(), chance.i64(), chance.i32())
    numbers = [chance.i64() for _ in range(4)]
    returned = ExecuteResult(
        header, numbers[0], numbers[1], seed, None, [], [], numbers[2], numbers[3]
    )
    returned.expected_rows = []
    message = reply("execute", success=returned)
    start = _thrift.reply_start(message, b"execute", SEQUENCE_ID)
    assert _quick.execute_counts(message, start) is not None
    assert_execute(read("execute", message), returned)
    for length in range(start, len(message)):
        assert _quick.execute_counts(message[:length], start) is None


def numbers_reply(names, tables):
    """A reply of one row of zeros."""
    columns = [
        Column(name, 3, 0, 63, 0, 11, b"", packed_int64s=bytes(8), table=table)
        for name, table in zip(names, tables)
    ]
    result = QueryResult(ReplyHeader("", "t", 1, 1, 1), ResultSet(1, columns), 0, [])
    return reply("query", success=result)


def test_many_columns_of_the_same_beginning_are_told_apart():
    for number in range(40):
        for _ in range(2):
            names = ["id", f"other{number}"]
            rows = read("query", numbers_reply(names, "aa")).rows
            assert [column.name for column in rows.columns] == names
            assert rows.rows(converters.decoders) == [(0, 0)]
            assert rows.rows(converters.decoders, 0, 0) == rows.rows(converters.decoders, 1) == []


def test_threads_learn_of_columns_at_the_same_time(monkeypatch):
    """Of which one looks at what all have learnt while another adds to it."""
    monkeypatch.setattr(_quick, "_known", {})
    failures = []

    def learn(number):
        try:
            for place in range(150):
                name = f"c{number}_{place}"
                column = _columns.Column(name, 3, 0, 63, 0, 11, _columns.INT64S)
                _quick.remember(_columns.Shape([column]))
        except RuntimeError as error:
            failures.append(error)

    threads = [threading.Thread(target=learn, args=(number,)) for number in range(8)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not failures


def test_tables_of_one_form_are_all_read_quickly():
    messages = [numbers_reply(["id", "n"], [f"users_{number}"] * 2) for number in range(100)]
    for message in messages:
        read("query", message)
    for number, message in enumerate(messages):
        start = _thrift.reply_start(message, b"query", SEQUENCE_ID)
        rows = _quick.query_rows(message, start)
        assert [column.table for column in rows.columns] == [f"users_{number}"] * 2


def test_columns_that_differ_by_their_tables_are_told_apart():
    every = [(a, b) for a in ("", "a", "é", None) for b in ("", "a", "b", None)]
    messages = {tables: numbers_reply(["id", "id"], tables) for tables in every}
    for _ in range(2):
        for tables, message in messages.items():
            rows = read("query", message).rows
            assert [column.table for column in rows.columns] == [table or "" for table in tables]
            start = _thrift.reply_start(message, b"query", SEQUENCE_ID)
            # One that does not tell of tables is from an older service.
            assert (_quick.query_rows(message, start) is not None) == (None not in tables)
