"""Many multis at once, and a multi beside the requests of others."""

import random
import threading

from asking import batch_request, execute_request, insert_request, multi_request, query_request, step
from columns import only, rows
from messages import RawSession, call, frame, parse_reply
from processes import wait_until_running
from threads import run_in_threads
from wires import WIRES, Session

SHARDS = ["users", "users_prepared", "users_matched", "slave001", "pool_of_two", "users_lite", "slave001_lite"]


def test_one_shard_many_times_leaves_room_for_others(service, other_session, database):
    """Fifty slow items on a pool of two: they run a few at a time, so that
    another session's requests are answered between them."""
    outcomes = []

    def many_slow_ones():
        with Session(service.port) as session:
            asked = [query_request("pool_of_two", "SELECT ? + SLEEP(0.05)", [n]) for n in range(50)]
            outcomes.extend(session.run_multi(*asked, timeout_ms=20_000))

    worker = threading.Thread(target=many_slow_ones, daemon=True)
    worker.start()
    wait_until_running(database, "SELECT 2 + SLEEP")
    answered_meanwhile = 0
    while worker.is_alive():
        assert only(other_session.run_query("pool_of_two", "SELECT ?", [7], timeout_ms=20_000).rows) == 7
        answered_meanwhile += 1
    worker.join()
    assert [only(outcome.query.rows) for outcome in outcomes] == list(range(50))
    # If they had to wait for all items it would be one.
    assert answered_meanwhile > 10


def test_many_multis_at_once(service, new_table):
    """Each gets its own answers, in its own order, and every write is there once."""
    tables = {shard: new_table(shard, "worker INT, n INT") for shard in SHARDS}
    workers, rounds = 12, 6

    def work(worker):
        chance = random.Random(worker)
        with Session(service.port, WIRES[worker % len(WIRES)]) as session:
            for n in range(rounds):
                shards = chance.sample(SHARDS * 2, 10)
                reads = [query_request(shard, "SELECT ?", [f"{worker}/{n}/{i}"]) for i, shard in enumerate(shards)]
                writes = [
                    kind_of_write(shard, tables[shard], worker, n) for shard in SHARDS
                ]
                outcomes = session.run_multi(*reads, *writes, timeout_ms=20_000)
                assert [outcome.error for outcome in outcomes] == [None] * len(outcomes)
                got = [only(outcome.query.rows) for outcome in outcomes[: len(reads)]]
                assert got == [f"{worker}/{n}/{i}" for i in range(len(reads))]

    run_in_threads([lambda worker=worker: work(worker) for worker in range(workers)])
    expected = [(worker, n) for worker in range(workers) for n in range(rounds)]
    with Session(service.port) as session:
        for shard, table in tables.items():
            found = session.run_query(shard, f"SELECT worker, n FROM {table} ORDER BY worker, n")
            assert rows(found.rows) == expected, shard


def kind_of_write(shard, table, worker, n):
    sql = f"INSERT INTO {table} VALUES (?, ?)"
    if n % 3 == 0:
        return execute_request(shard, sql, [worker, n])
    if n % 3 == 1:
        return insert_request(shard, table, ["worker", "n"], [[worker, n]])
    return batch_request(shard, step(sql, [worker, n]), step("SELECT 1"))


def test_client_that_goes_away_in_a_multi(service, usual_session):
    """Nobody takes the reply; the shards go on."""
    slow = multi_request(*[query_request("pool_of_two", "SELECT SLEEP(0.2)") for _ in range(10)], timeout_ms=20_000)
    for _ in range(3):
        with RawSession(service.port) as raw:
            raw.send(frame(call("binary", "multi", slow)))
    assert only(usual_session.run_query("pool_of_two", "SELECT 5", timeout_ms=20_000).rows) == 5


def test_requests_sent_behind_a_multi_are_answered_after_it(service):
    for protocol in ("binary", "compact"):
        with RawSession(service.port) as raw:
            multi = multi_request(query_request("users", "SELECT SLEEP(0.3)"), query_request("users_lite", "SELECT 1"))
            plain = query_request("slave001", "SELECT 2")
            raw.send(
                frame(call(protocol, "multi", multi, sequence_id=1))
                + frame(call(protocol, "query", plain, sequence_id=2))
                + frame(call(protocol, "multi", multi, sequence_id=3))
            )
            first, second, third = (parse_reply(protocol, raw.receive_frame()) for _ in range(3))
            assert [first[0], second[0], third[0]] == [1, 2, 3]
            assert only(first[1].outcomes[1].query.rows) == 1
            assert only(second[1].rows) == 2
            assert len(third[1].outcomes) == 2
