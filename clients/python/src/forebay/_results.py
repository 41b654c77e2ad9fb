"""What calls return: the contract's results, without what only its wire needs."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from ._columns import RowSet
from ._thrift import I32, I64, STRING, Fields, read_i32, read_i64, read_struct, read_text

#: The fields of a ReplyHeader.
HEADER_FIELDS: Fields = {
    1: (STRING, read_text),
    2: (STRING, read_text),
    3: (I64, read_i64),
    4: (I64, read_i64),
    5: (I32, read_i32),
}


class ServiceError:
    """The contract's DataError, field by field; `err.from_service` makes an
    exception of it. Enumerations are their numbers."""

    __slots__ = (
        "attempts",
        "code",
        "execute_us",
        "item",
        "limit",
        "message",
        "mysql_errno",
        "outcome",
        "phase",
        "queue_us",
        "request_id",
        "retry_hint",
        "seen",
        "shard",
        "sqlstate",
    )

    def __init__(self, values: Dict[int, Any]) -> None:
        get = values.get
        self.code: int = get(1, 0)
        self.outcome: int = get(2, 0)
        self.retry_hint: int = get(3, 0)
        self.message: str = get(4, "")
        self.mysql_errno: int = get(5, 0)
        self.sqlstate: str = get(6, "")
        self.shard: str = get(7, "")
        self.phase: int = get(8, 0)
        self.request_id: str = get(9, "")
        self.limit: Optional[int] = get(10)
        self.seen: Optional[int] = get(11)
        self.item: Optional[int] = get(12)
        self.queue_us: int = get(13, 0)
        self.execute_us: int = get(14, 0)
        self.attempts: int = get(15, 0)


class Answer:
    """What every result begins with, which is read when it is asked for. A step
    of a batch has none of its own."""

    #: The fields of the header, or the message and where in it the header begins.
    _header: Union[Dict[int, Any], Tuple[bytes, int]] = {}

    def _told(self) -> Dict[int, Any]:
        header = self._header
        if isinstance(header, tuple):
            header, _ = read_struct(*header, HEADER_FIELDS)
            self._header = header
        return header

    @property
    def request_id(self) -> str:
        """The request's own id; empty if it had none."""
        text: str = self._told().get(1, "")
        return text

    @property
    def shard(self) -> str:
        """The shard that answered; empty where none was asked."""
        text: str = self._told().get(2, "")
        return text

    @property
    def queue_us(self) -> int:
        """Microseconds from the request's arrival to a worker taking it."""
        number: int = self._told().get(3, 0)
        return number

    @property
    def execute_us(self) -> int:
        """Microseconds from there to the result being complete."""
        number: int = self._told().get(4, 0)
        return number

    @property
    def attempts(self) -> int:
        """How often the request was given to the database."""
        number: int = self._told().get(5, 0)
        return number


class Result(Answer):
    """What one statement, or an insert, came to."""

    #: Rows changed; of a query the rows that it returned.
    affected_rows = 0
    #: Rows that the condition of an UPDATE met; of others as `affected_rows`.
    matched_rows = 0
    #: The AUTO_INCREMENT value of the first row, unsigned; 0 if there is none.
    insert_id = 0
    #: Rows that an INSERT or REPLACE has added.
    insert_count = 0
    #: How many statements an insert took; 1 of others.
    statements = 1
    warning_count = 0
    #: Level, code and message of each that was asked for.
    warnings: Sequence[Tuple[str, int, str]] = ()
    #: The rows, if the statement returns any.
    rows: Optional[RowSet] = None
    #: The result sets after the first, which a CALL may have.
    more_rows: Sequence[RowSet] = ()


#: What became of a step: its result, its error, or None if it was not run.
StepOutcome = Union[Result, Exception, None]


class BatchResult(Answer):
    """What a batch came to."""

    def __init__(self, steps: List[StepOutcome], runs: int) -> None:
        #: In their order: a Result, the exception of a step that failed, or None
        #: for one that was not run.
        self.steps = steps
        #: How often the whole batch was run, more than once after deadlocks.
        self.runs = runs


#: What became of an item of a multi.
ItemOutcome = Union[Result, BatchResult, Exception]


class ShardInfo:
    """What the service tells of a shard, by the contract's names."""

    __slots__ = (
        "affected_rows",
        "available",
        "kind",
        "name",
        "pool_max_connections",
        "queue_max_requests",
        "reason",
        "transactions_max",
    )

    def __init__(self, values: Dict[int, Any]) -> None:
        get = values.get
        self.name: str = get(1, "")
        self.kind: int = get(2, 0)
        self.available: bool = get(3, False)
        self.reason: str = get(4, "")
        self.pool_max_connections: int = get(5, 0)
        self.queue_max_requests: int = get(6, 0)
        self.transactions_max: int = get(7, 0)
        self.affected_rows: int = get(8, 0)


class Limits:
    """Limits in force on the server, by the contract's names; 0 where it tells none."""

    __slots__ = (
        "batch_steps_max",
        "default_timeout_ms",
        "max_timeout_ms",
        "multi_items_max",
        "multi_parallel_max",
        "reply_grace_ms",
        "request_max_bytes",
        "result_max_bytes",
        "result_max_rows",
        "transaction_idle_timeout_ms",
        "transaction_timeout_ms",
    )

    def __init__(self, values: Dict[int, int]) -> None:
        get = values.get
        self.request_max_bytes = get(1, 0)
        self.result_max_bytes = get(2, 0)
        self.result_max_rows = get(3, 0)
        self.default_timeout_ms = get(4, 0)
        self.max_timeout_ms = get(5, 0)
        self.multi_items_max = get(6, 0)
        self.multi_parallel_max = get(7, 0)
        self.batch_steps_max = get(8, 0)
        self.transaction_idle_timeout_ms = get(9, 0)
        self.transaction_timeout_ms = get(10, 0)
        self.reply_grace_ms = get(11, 0)


class Info(Answer):
    """What the service is."""

    def __init__(self, values: Dict[int, Any]) -> None:
        get = values.get
        self.api_version: str = get(2, "")
        self.server_version: str = get(3, "")
        #: Functions and options beyond API 1.0.
        self.capabilities: List[str] = get(4, [])
        self.limits: Limits = get(5) or Limits({})
        #: The shards that the caller may use, by name.
        self.shards: Dict[str, ShardInfo] = {shard.name: shard for shard in get(6, ())}
        self._header = get(1, {})
