"""One client: makes every call unmistakable, and books what became of it."""

import itertools
import random

from thrift.transport.TTransport import TTransportException

from forebay_thrift.ttypes import DataError, ErrorCode, Outcome
from soak.book import APPLIED, NOT_APPLIED, UNKNOWN
from wires import WIRES, Session

# What the contract adds to timeout_ms, and much more for a busy machine: a call
# that takes longer than this was met with silence.
GRACE_MS = 250
MARGIN_MS = 30_000

OUTCOMES = {Outcome.APPLIED: APPLIED, Outcome.NOT_APPLIED: NOT_APPLIED, Outcome.UNKNOWN: UNKNOWN}


class Answer:
    """What a call came to: `result`, `error`, or neither when the session ended."""

    def __init__(self, result=None, error=None):
        self.result = result
        self.error = error

    def outcome(self):
        if self.error is not None:
            return OUTCOMES[self.error.outcome]
        return UNKNOWN if self.result is None else APPLIED

    def __str__(self):
        if self.error is not None:
            return f"{ErrorCode._VALUES_TO_NAMES[self.error.code]} {self.error.message}"
        return "nothing" if self.result is None else "a result"


class Caller:
    def __init__(self, name, port, book, seed):
        self.name = name
        self.port = port
        self.book = book
        self.random = random.Random(seed)
        self.numbers = itertools.count()
        self.session = None

    def new_id(self):
        return f"{self.name}-{next(self.numbers)}"

    def open(self):
        if self.session is None:
            self.session = Session(self.port, self.random.choice(WIRES))
            self.book.count("sessions")
        return self.session

    def close(self):
        if self.session is not None:
            self.session.transport.close()
            self.session = None

    def call(self, ask, timeout_ms, *, patience_ms=None):
        """`ask(session, request_id=…, timeout_ms=…)`. With a patience of its own the
        client leaves its socket when that passes; otherwise it keeps to the contract,
        and silence is a fault."""
        request_id = self.new_id()
        try:
            session = self.open()
            session.socket.setTimeout(patience_ms or timeout_ms + GRACE_MS + MARGIN_MS)
            result = ask(session, request_id=request_id, timeout_ms=timeout_ms)
        except DataError as error:
            self.check_id(request_id, error.request_id, error)
            self.book.error(ErrorCode._VALUES_TO_NAMES[error.code])
            return Answer(error=error)
        except (TTransportException, OSError) as ended:
            self.close()
            timed_out = getattr(ended, "type", None) == TTransportException.TIMED_OUT
            if not timed_out:
                self.book.count("sessions ended")
            elif patience_ms:
                self.book.count("impatient")
            else:
                self.book.fault("silence", f"{request_id}: nothing within {timeout_ms} ms and much more")
            return Answer()
        except Exception as unreadable:  # noqa: BLE001: whatever it is, it was no answer
            self.close()
            self.book.fault("wrong answers", f"{request_id}: {unreadable!r}")
            return Answer()
        self.check_id(request_id, result.header.request_id, result)
        self.book.count("answers")
        return Answer(result=result)

    def check_id(self, asked, answered, answer):
        if asked != answered:
            self.book.fault("wrong answers", f"asked as {asked}, answered as {answered}: {str(answer)[:300]}")
            self.close()
