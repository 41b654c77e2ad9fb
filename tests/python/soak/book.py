"""The book: what was counted, and what every row must be in the end. Knows no
sessions; the workers write into it, and the check at the end reads it."""

import collections
import dataclasses
import hashlib
import threading

APPLIED, NOT_APPLIED, UNKNOWN = "applied", "not applied", "unknown"


def proof(shard, table, key):
    """What a row must hold: it can be of no other shard, table or key."""
    return hashlib.sha256(f"{shard}/{table}/{key}".encode()).hexdigest()[:32]


@dataclasses.dataclass
class Wish:
    """Rows that one request was to write, together or not at all."""

    shard: str
    keys: list
    outcome: str
    said_by: str


class Book:
    """Counts of all workers, and their wishes."""

    # What must be none in the end.
    FAULTS = ("wrong rows", "wrong answers", "wrong outcomes", "silence", "leftovers", "broken workers")
    EXAMPLES_MAX = 20

    def __init__(self):
        self.lock = threading.Lock()
        self.counts = collections.Counter()
        self.errors = collections.Counter()
        self.examples = []
        self.start_anew()

    def start_anew(self):
        """Forgets the wishes, once they have been checked and their rows removed."""
        self.wishes = []
        # Per counter's row: how often it was certainly raised, and how often perhaps.
        self.raised = collections.Counter()
        self.perhaps_raised = collections.Counter()
        self.next_key = 1

    def count(self, what, number=1):
        with self.lock:
            self.counts[what] += number

    def error(self, code):
        with self.lock:
            self.errors[code] += 1

    def fault(self, what, example):
        assert what in self.FAULTS
        with self.lock:
            self.counts[what] += 1
            if len(self.examples) < self.EXAMPLES_MAX:
                self.examples.append(f"{what}: {example}")

    def new_keys(self, number):
        """Keys that no other wish has."""
        with self.lock:
            first = self.next_key
            self.next_key += number
            return list(range(first, first + number))

    def wish(self, shard, keys, outcome, said_by):
        with self.lock:
            self.wishes.append(Wish(shard, keys, outcome, said_by))

    def raise_counter(self, shard, key, outcome):
        with self.lock:
            if outcome == APPLIED:
                self.raised[shard, key] += 1
            elif outcome == UNKNOWN:
                self.perhaps_raised[shard, key] += 1

    def check_rows(self, table, asked, rows):
        """An answer to a read: one row for each key that was asked for, each with
        its proof and the word that the question gave it."""
        shard, keys, word = asked
        self.count("rows read", len(rows))
        expected = [(key, proof(shard, table, key), word) for key in sorted(keys)]
        if rows != expected:
            self.fault("wrong rows", f"{shard}: asked for {expected}, got {rows}")

    def check_written(self, shard, table, found):
        """`found`: every row there is, as (key, proof)."""
        there = dict(found)
        known = set()
        for wish in (wish for wish in self.wishes if wish.shard == shard):
            known.update(wish.keys)
            present = [key for key in wish.keys if key in there]
            if wish.outcome == NOT_APPLIED and present:
                self.fault("wrong outcomes", f"said not to be applied, and is there: {wish}")
            if wish.outcome == APPLIED and len(present) < len(wish.keys):
                self.fault("wrong outcomes", f"said to be applied, and is not there: {wish}")
            if 0 < len(present) < len(wish.keys):
                self.fault("wrong outcomes", f"applied in part, {present} of {wish}")
        for key, text in found:
            if key not in known:
                self.fault("wrong rows", f"{shard}: row {key} that nobody wrote")
            elif text != proof(shard, table, key):
                self.fault("wrong rows", f"{shard}: row {key} with {text}")
        self.count("rows written", len(found))

    def check_counter(self, shard, key, number):
        least = self.raised[shard, key]
        most = least + self.perhaps_raised[shard, key]
        if not least <= number <= most:
            self.fault("wrong outcomes", f"{shard}: counter {key} is {number}, not from {least} to {most}")

    def is_clean(self):
        return not any(self.counts[fault] for fault in self.FAULTS)

    def summary(self):
        lines = [f"  {what:24} {number}" for what, number in sorted(self.counts.items()) if what not in self.FAULTS]
        lines += [f"  error {code:18} {number}" for code, number in sorted(self.errors.items())]
        lines += ["  these must be 0:"]
        lines += [f"  {fault:24} {self.counts[fault]}" for fault in self.FAULTS]
        lines += [f"  {example}" for example in self.examples]
        return "\n".join(lines)
