"""What one worker does, at random, until it is told to stop."""

import time

from thrift.transport.TTransport import TTransportException

from asking import execute_request, insert_request, multi_request, query_request, step
from forebay_thrift.ttypes import (
    BatchMode,
    BeginRequest,
    CommitRequest,
    DataError,
    ErrorCode,
    MultiPolicy,
    Options,
    RollbackRequest,
    StepStatus,
)
from soak.book import APPLIED, NOT_APPLIED, UNKNOWN, proof
from soak.caller import OUTCOMES, Answer, Caller
from soak.database import COUNTERS, QUIET, ROWS, SHARDS

TIMEOUT_MS = 3_000
SHORT_TIMEOUTS_MS = (1, 2, 5, 10, 20, 50)

READ = "SELECT id, proof, ? FROM fixed WHERE id IN (?) ORDER BY id"
# Among the columns: where it decides on a row, MariaDB leaves out the last one when
# it is killed there, and says that all is well.
SLOW_READ = "SELECT id, proof, ?, SLEEP(0.002) FROM fixed WHERE id IN (?) ORDER BY id"
WRITE = "INSERT INTO written (id, proof) VALUES (?, ?)"
RAISE = "UPDATE counters SET number = number + 1 WHERE id = ?"


class Worker(Caller):
    def __init__(self, name, port, book, seed):
        super().__init__(name, port, book, seed)
        self.actions = [
            (self.read, 30),
            (self.write, 12),
            (self.raise_counter, 10),
            (self.insert, 8),
            (self.batch_atomic, 8),
            (self.batch_each, 5),
            (self.transaction, 8),
            (self.multi, 8),
            (self.failing_multi, 5),
            (self.over_a_limit, 4),
            (self.hang_up, 4),
            (self.go_on_after_timeout, 4),
        ]

    def run(self, until):
        actions, weights = zip(*self.actions)
        try:
            while time.monotonic() < until:
                self.random.choices(actions, weights)[0]()
                if self.random.random() < 0.01:
                    self.close()
        except Exception as error:  # noqa: BLE001: whatever it is, the round has failed
            self.book.fault("broken workers", f"{self.name}: {error!r}")
        finally:
            self.close()

    # ---- how they ask

    def timeout_ms(self):
        short = self.random.random() < 0.1
        return self.random.choice(SHORT_TIMEOUTS_MS) if short else TIMEOUT_MS

    def ask(self, ask):
        """Mostly with patience; now and then the client leaves its socket early."""
        patience_ms = self.random.choice((5, 20, 50)) if self.random.random() < 0.03 else None
        return self.call(ask, self.timeout_ms(), patience_ms=patience_ms)

    def shard(self):
        return self.random.choice(SHARDS)

    def question(self, shard):
        keys = self.random.sample(range(1, ROWS + 1), self.random.randint(1, 20))
        return shard, keys, self.new_id()

    def written_row(self, shard, key):
        return [key, proof(shard, "written", key)]

    # ---- reads

    def read(self):
        asked = self.question(self.shard())
        sql = self.random.choice((READ, READ, SLOW_READ))
        answer = self.ask(lambda session, **options: session.run_query(asked[0], sql, read_params(asked), **options))
        if answer.result is not None:
            self.check_read(asked, answer.result)

    def check_read(self, asked, result):
        self.book.check_rows("fixed", asked, rows_of(result.rows))

    def over_a_limit(self):
        shard = self.shard()
        sql = "SELECT id FROM fixed LIMIT 100"
        answer = self.ask(lambda session, **options: session.run_query(shard, sql, max_rows=10, **options))
        if answer.result is not None:
            self.book.fault("wrong answers", "100 rows, where 10 was the limit")

    # ---- writes

    def write(self):
        shard, keys = self.shard(), self.book.new_keys(1)
        row = self.written_row(shard, keys[0])
        answer = self.ask(lambda session, **options: session.run_execute(shard, WRITE, row, **options))
        self.book.wish(shard, keys, answer.outcome(), f"write: {answer}")

    def raise_counter(self):
        shard, key = self.shard(), self.random.randint(1, COUNTERS)
        answer = self.ask(lambda session, **options: session.run_execute(shard, RAISE, [key], **options))
        self.book.raise_counter(shard, key, answer.outcome())

    def insert(self):
        shard, keys = self.shard(), self.book.new_keys(self.random.randint(2, 30))
        rows = [self.written_row(shard, key) for key in keys]
        answer = self.ask(
            lambda session, **options: session.run_insert(
                shard, "written", ["id", "proof"], rows, options=Options(**options)
            )
        )
        self.book.wish(shard, keys, answer.outcome(), f"insert: {answer}")

    def batch_atomic(self):
        shard, keys = self.shard(), self.book.new_keys(3)
        steps = [step(WRITE, self.written_row(shard, key)) for key in keys]
        answer = self.ask(lambda session, **options: session.run_batch(shard, *steps, **options))
        self.book.wish(shard, keys, answer.outcome(), f"atomic batch: {answer}")

    def batch_each(self):
        shard, keys = self.shard(), self.book.new_keys(3)
        steps = [step(WRITE, self.written_row(shard, key)) for key in keys]
        mode = self.random.choice((BatchMode.EACH, BatchMode.STOP_ON_ERROR))
        answer = self.ask(lambda session, **options: session.run_batch(shard, *steps, mode=mode, **options))
        outcomes = [UNKNOWN if answer.outcome() == APPLIED else answer.outcome()] * 3
        if answer.result is not None:
            outcomes = [outcome_of_step(one) for one in answer.result.steps]
        for key, outcome in zip(keys, outcomes, strict=True):
            self.book.wish(shard, [key], outcome, f"batch: {answer}")

    def transaction(self):
        shard, keys = self.shard(), self.book.new_keys(2)
        begun = self.call(
            lambda session, **options: begin(session, shard, options),
            TIMEOUT_MS,
        )
        outcome = NOT_APPLIED
        said_by = f"begin: {begun}"
        if begun.result is not None:
            outcome, said_by = self.within_transaction(shard, keys, begun.result.transaction)
        self.book.wish(shard, keys, outcome, said_by)

    def within_transaction(self, shard, keys, token):
        for key in keys:
            row = self.written_row(shard, key)
            done = self.ask(
                lambda session, **options: session.run_execute(shard, WRITE, row, transaction=token, **options)
            )
            if done.result is None and done.error is None:
                # It ended with its session.
                return NOT_APPLIED, f"in a transaction: {done}"
            if done.error is not None:
                self.end(token)
                return NOT_APPLIED, f"in a transaction: {done}"
        if self.random.random() < 0.3:
            self.end(token)
            return NOT_APPLIED, "rollback"
        answer = self.ask(lambda session, **options: session.client.commit_transaction(commit(token, options)))
        if answer.error is not None:
            # It may be as it was, if nothing was begun.
            self.end(token)
        return answer.outcome(), f"commit: {answer}"

    def end(self, token):
        self.ask(
            lambda session, **options: session.client.rollback_transaction(
                RollbackRequest(Options(transaction=token, **options))
            )
        )

    # ---- many at once

    def multi(self):
        shards = [self.shard() for _ in range(4)]
        asked = self.question(shards[0])
        keys = [self.book.new_keys(1), self.book.new_keys(2)]
        items = [
            query_request(shards[0], READ, read_params(asked)),
            execute_request(shards[1], WRITE, self.written_row(shards[1], keys[0][0])),
            insert_request(
                shards[2], "written", ["id", "proof"], [self.written_row(shards[2], key) for key in keys[1]]
            ),
            query_request(shards[3], "SELECT SLEEP(0.02)"),
        ]
        answer = self.ask(lambda session, **options: run_multi(session, items, None, options))
        outcomes = [answer.outcome()] * 2
        if answer.result is not None:
            of_items = answer.result.outcomes
            if of_items[0].query is not None:
                self.check_read(asked, of_items[0].query)
            outcomes = [outcome_of_item(of_items[1]), outcome_of_item(of_items[2])]
        for shard, written, outcome in zip(shards[1:3], keys, outcomes, strict=True):
            self.book.wish(shard, written, outcome, f"multi: {answer}")

    def failing_multi(self):
        """One item fails, and the others are stopped wherever they are."""
        shards = [self.shard() for _ in range(3)]
        keys = self.book.new_keys(1)
        items = [
            query_request(shards[0], "SELECT SLEEP(1)"),
            execute_request(shards[1], WRITE, self.written_row(shards[1], keys[0])),
            query_request(shards[2], "SELECT no_such_column FROM fixed"),
        ]
        policy = MultiPolicy.FAIL_ON_FIRST_ERROR
        answer = self.ask(lambda session, **options: run_multi(session, items, policy, options))
        if answer.result is not None:
            self.book.fault("wrong answers", "a multi with an item that fails did not")
        # It is that of all items together: certain is only that nothing was done.
        outcome = NOT_APPLIED if answer.outcome() == NOT_APPLIED else UNKNOWN
        self.book.wish(shards[1], keys, outcome, f"failing multi: {answer}")

    # ---- clients without manners

    def hang_up(self):
        """The request is sent, and nobody waits for its answer."""
        shard, keys = self.shard(), self.book.new_keys(1)
        row = self.written_row(shard, keys[0])
        try:
            session = self.open()
            session.client.send_execute(execute_request(shard, WRITE, row))
            time.sleep(self.random.choice((0, 0, 0.001, 0.01)))
        except (TTransportException, OSError):
            pass
        self.close()
        self.book.count("hung up")
        self.book.wish(shard, keys, UNKNOWN, "hung up")

    def go_on_after_timeout(self):
        """A socket that timed out and is used again. The shard is one where nothing is
        killed: an answer that comes between the two requests could not be told."""
        session = self.open()
        session.socket.setTimeout(self.random.choice((20, 50, 100)))
        try:
            session.run_query(QUIET, "SELECT SLEEP(60)", timeout_ms=60_000, request_id=self.new_id())
            self.book.fault("wrong answers", "to SLEEP(60), at once")
        except DataError as error:
            return self.book.error(ErrorCode._VALUES_TO_NAMES[error.code])
        except TTransportException as error:
            if error.type != TTransportException.TIMED_OUT:
                # It had been closed before.
                self.book.count("sessions ended")
                return self.close()
        time.sleep(self.random.choice((0, 0, 0.01, 0.05)))
        asked = self.question(self.shard())
        answer = self.follow_up(asked)
        if answer.result is not None or answer.error is not None:
            self.book.fault("wrong answers", f"on a socket that had timed out: {answer}")
        self.book.count("went on after timeout")
        self.close()

    def follow_up(self, asked):
        if self.session is None:
            return Answer()
        return self.call(
            lambda session, **options: session.run_query(asked[0], READ, read_params(asked), **options), TIMEOUT_MS
        )


def read_params(asked):
    _, keys, word = asked
    return [word, keys]


def rows_of(rows):
    """The key, the proof and the word of each row."""
    columns = [column.int64s if column.int64s is not None else column.strings for column in rows.columns[:3]]
    return list(zip(*columns))


def begin(session, shard, options):
    return session.client.begin_transaction(BeginRequest(shard, options=Options(**options)))


def commit(token, options):
    return CommitRequest(Options(transaction=token, **options))


def run_multi(session, items, policy, options):
    return session.client.multi(multi_request(*items, policy=policy, **options))


def outcome_of_step(one):
    if one.status == StepStatus.DONE:
        return APPLIED
    if one.status == StepStatus.FAILED:
        return OUTCOMES[one.error.outcome]
    return NOT_APPLIED


def outcome_of_item(item):
    return OUTCOMES[item.error.outcome] if item.error is not None else APPLIED
