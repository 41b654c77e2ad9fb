"""`executemany`: one statement with many rows of parameters, in as few calls of
the service as its limits allow.

Nothing here does I/O: these are flows, as in `_conversation`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Optional

from . import _requests as requests
from . import err
from ._conversation import Conversation, Flow
from ._replies import BatchResult, Result, read_batch
from ._statement import PLAIN, Statement, statement
from ._template import are_plain
from ._values import value_list

#: Of one call, while the service's own limit is not known, and the part of that
#: limit that rows may take.
REQUEST_MAX_BYTES = 8 * 1024 * 1024
ROWS_SHARE = 0.75
#: Values of one call: the service counts lists' elements, and refuses 1,500,000.
VALUES_MAX = 500_000
#: Rows of one call: what the service has to do within one timeout.
ROWS_MAX = 20_000

_RETURNING = re.compile(r"\bRETURNING\b", re.IGNORECASE)

#: A batch refuses these before anything is done, and they are then run one by one.
_NOT_IN_BATCH = frozenset(["STATEMENT_NOT_ALLOWED", "INVALID_ARGUMENT"])


def execute_many(
    conversation: Conversation, sql: str, rows: Iterable[Any]
) -> Flow[tuple[Optional[Any], Any]]:
    """Runs the statement for each of `rows`; gives the last result, with the counts of
    all, and the last row; no result if there are no rows."""
    known = statement(sql)
    left = iter(rows)
    total: Any = None
    last: Any = None
    gives_rows = known.gives_rows or known.calls or _RETURNING.search(sql) is not None
    is_alone = conversation.token is None and conversation.autocommit
    if known.kind == PLAIN and not gives_rows and not (
        is_alone and conversation.is_read_only_alone()
    ):
        conversation.raise_if_lost()
        while True:
            chunk, field, left = _chunk(conversation, known, left)
            if not chunk:
                break
            # What makes the rows may have ended the transaction before.
            yield from conversation.enter()
            last = chunk[-1][0]
            result = yield from _send_chunk(conversation, known, chunk, field)
            total = _added(total, result)
    for row in left:
        last = row
        result = yield from conversation.execute(sql, row)
        total = _added(total, result)
    return total, last


def _chunk(
    conversation: Conversation, known: Statement, rows: Iterator[Any]
) -> tuple[list[tuple[Any, bytes]], bytes, Iterator[Any]]:
    """Rows for one call, each as it was given and encoded, the statement's text for
    them, and the rows that are left. None for a call if the next row cannot go by one."""
    info = conversation.info
    max_bytes = (info.limits.request_max_bytes if info is not None else 0) or REQUEST_MAX_BYTES
    room = int(max_bytes * ROWS_SHARE)
    values_left = VALUES_MAX
    chunk: list[tuple[Any, bytes]] = []
    template, encoders = known.template, conversation.encoders
    plain = are_plain(encoders)
    for row in rows:
        values = template.values(row, encoders, plain)
        if not values:
            # Wrong arguments are to be known before anything is sent.
            template.bind(row, encoders)
            return chunk, template.field, _before(row, rows)
        encoded = value_list(values)
        room -= len(encoded)
        values_left -= len(values) + 1
        if chunk and (room < 0 or values_left < 0 or len(chunk) >= ROWS_MAX):
            return chunk, template.field, _before(row, rows)
        chunk.append((row, encoded))
    return chunk, template.field, iter(())


def _before(row: Any, rows: Iterator[Any]) -> Iterator[Any]:
    yield row
    yield from rows


def _send_chunk(
    conversation: Conversation,
    known: Statement,
    chunk: list[tuple[Any, bytes]],
    field: bytes,
) -> Flow[Any]:
    step = requests.step(
        field + requests.PYFORMAT, encoded_rows=[encoded for _, encoded in chunk]
    )
    body = requests.batch(
        conversation.shard_field, [step], requests.ATOMIC, conversation.options
    )
    try:
        reply: BatchResult = yield conversation.call(b"batch", body, read_batch)
    except BaseException as error:
        if getattr(error, "code", None) not in _NOT_IN_BATCH:
            yield from conversation.recover(error, known, None)
        # A statement that gives rows, perhaps, or one that commits: each by itself.
        return (yield from _one_by_one(conversation, known, chunk))
    result = reply.steps[0]
    if not isinstance(result, Result):
        raise err.InternalError(1105, "a batch came back without the result of its step")
    conversation.took(result)
    return result


def _one_by_one(
    conversation: Conversation, known: Statement, chunk: list[tuple[Any, bytes]]
) -> Flow[Any]:
    total: Any = None
    for row, _encoded in chunk:
        total = _added(total, (yield from conversation.run(known, row)))
    return total


def _added(total: Any, result: Any) -> Any:
    """The later result, with the counts of both."""
    if total is not None:
        result.affected_rows += total.affected_rows
        result.matched_rows += total.matched_rows
        result.warning_count = min(65535, result.warning_count + total.warning_count)
    return result
