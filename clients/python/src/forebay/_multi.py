"""Independent statements on any shards, run in parallel in one call: what
`gevent.joinall(jobs, timeout=2)` does, without greenlets and connections."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, NoReturn, Optional, Sequence, Union

from . import _replies, _requests, err
from ._call import Call
from ._link import REPLY_SLACK_SECONDS, Link
from ._site import Site
from ._statement import statement
from .connections import Connection
from .converters import decoders as default_decoders
from .converters import encoders as default_encoders
from .cursors import description_of

if TYPE_CHECKING:
    from .pool import Pool

#: Policies: every item has its own outcome; or the first error stops the others.
TAKE_WHAT_CAME = "take_what_came"
FAIL_ON_FIRST_ERROR = "fail_on_first_error"

_POLICIES = {
    TAKE_WHAT_CAME: _requests.TAKE_WHAT_CAME,
    FAIL_ON_FIRST_ERROR: _requests.FAIL_ON_FIRST_ERROR,
}

#: The grace of a service that does not tell its own.
REPLY_GRACE_MS = 250

_default_pool: Optional[Pool] = None


def set_default_pool(pool: Optional[Pool]) -> None:
    """The pool that `multi` uses where it is not told another."""
    global _default_pool
    _default_pool = pool


class Outcome:
    """What became of one item, in the image of a finished greenlet of gevent."""

    __slots__ = ("_decoders", "_result", "_value", "exception")

    def __init__(self, result: Any, decoders: Any) -> None:
        #: The item's error; None if it succeeded.
        self.exception: Optional[Exception] = result if isinstance(result, Exception) else None
        self._result: Any = None if self.exception is not None else result
        self._decoders = decoders
        self._value: Any = None

    def successful(self) -> bool:
        """Whether it has no error."""
        return self.exception is None

    @property
    def value(self) -> Any:
        """The rows, a list of tuples, of a statement that returns some; of another its
        result, with `affected_rows`, `insert_id`, `warnings`. None after an error."""
        if self._value is None and self._result is not None:
            rows = self._result.rows
            self._value = self._result if rows is None else rows.rows(self._decoders)
        return self._value

    def get(self) -> Any:
        """`value`; raises the item's error if it has one."""
        if self.exception is not None:
            raise self.exception
        return self.value

    @property
    def rowcount(self) -> int:
        """As `Cursor.rowcount`: rows returned or affected; -1 after an error."""
        if self._result is None:
            return -1
        rows = self._result.rows
        return int(self._result.affected_rows if rows is None else rows.row_count)

    @property
    def lastrowid(self) -> Optional[int]:
        """As `Cursor.lastrowid`: the AUTO_INCREMENT value of the first row inserted."""
        return None if self._result is None else int(self._result.insert_id)

    @property
    def description(self) -> Optional[tuple[tuple[Any, ...], ...]]:
        """As `Cursor.description`; None if it returned no rows."""
        if self._result is None or self._result.rows is None:
            return None
        return description_of(self._result.rows)

    def __repr__(self) -> str:
        if self.exception is not None:
            return f"<Outcome {self.exception!r}>"
        return f"<Outcome of {self.rowcount} rows>"


Item = Union[tuple[str, str], tuple[str, str, Any]]


def multi(
    items: Sequence[Item],
    timeout: Optional[float] = 2.0,
    *,
    on: Union[Connection, Pool, str, None] = None,
    policy: str = TAKE_WHAT_CAME,
) -> list[Outcome]:
    """Runs independent statements in parallel, in one call to the service.

    :param items: `(shard, sql)` or `(shard, sql, args)`, with `%s` as in
        `Cursor.execute`. Each commits itself. The service takes so many as its
        `multi_items_max` says (256 by default), and refuses more.
    :param timeout: seconds for all together; what is not done by then is stopped, and
        has OperationalError 3024. None: the service's default.
    :param on: a `Connection` (an open transaction of which is left alone), a `Pool`,
        or a host as `connect` takes it; default: the pool of `set_default_pool`.
    :param policy: "take_what_came", or "fail_on_first_error": then the first error
        stops the items that still run, and is raised; its `item` is the item's number.
    :returns: one `Outcome` for each item, in their order.
    :raises Error: none of it was done, or its answer was lost (then `outcome` is
        "UNKNOWN" if there is anything but reads among the items).
    """
    items = checked(items, timeout, policy)
    if not items:
        return []
    if on is None:
        on = _default_pool
        if on is None:
            raise err.InterfaceError(
                0, "multi needs on=, a Connection, a Pool or a host, or set_default_pool(pool)"
            )
    deadline = None if timeout is None else time.monotonic() + timeout
    if isinstance(on, str):
        link = Link(Site.of(on))
        try:
            return _run(link, items, deadline, policy, default_encoders, default_decoders)
        finally:
            link.close()
    if isinstance(on, Connection):
        return _run_on(on, items, deadline, policy)
    with on.connection(timeout) as connection:
        return _run_on(connection, items, deadline, policy)


def checked(items: Sequence[Item], timeout: Optional[float], policy: str) -> list[Item]:
    """The items; ProgrammingError if an argument of `multi` has no sense."""
    if policy not in _POLICIES:
        raise err.ProgrammingError(
            f"policy={policy!r} is none; use {' or '.join(map(repr, _POLICIES))}"
        )
    items = list(items)
    if items and timeout is not None and timeout <= 0:
        raise err.ProgrammingError(f"timeout={timeout} is not over 0 seconds")
    return items


def _run_on(
    connection: Connection, items: list[Item], deadline: Optional[float], policy: str
) -> list[Outcome]:
    if not connection.open:
        raise err.InterfaceError(0, "")
    link, encoders, decoders = connection._link, connection.encoders, connection.decoders
    return _run(link, items, deadline, policy, encoders, decoders)


def _run(
    link: Link,
    items: list[Item],
    deadline: Optional[float],
    policy: str,
    encoders: Any,
    decoders: Any,
) -> list[Outcome]:
    link.connect()
    calls = outcomes(link.site, items, deadline, policy, encoders, decoders)
    try:
        call = next(calls)
        while True:
            call = calls.send(link.call(call))
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def outcomes(
    site: Site,
    items: list[Item],
    deadline: Optional[float],
    policy: str,
    encoders: Any,
    decoders: Any,
) -> Generator[Call, Any, list[Outcome]]:
    """The calls that a multi takes, each of which is to be sent its reply; without
    I/O, for the blocking link and the asyncio one. The site's `info` is known."""
    prepared = [_Prepared(index, item, encoders) for index, item in enumerate(items)]
    results = yield _call(site, prepared, deadline, policy)
    # What begins like a read may be none: SELECT … FOR UPDATE, or of a function that
    # writes. The service has not begun it.
    again = [one for one in prepared if one.reads and _is_refused_read(results[one.index])]
    if again:
        for one in again:
            one.reads = False
        for one, result in zip(again, (yield _call(site, again, deadline, policy))):
            results[one.index] = result
    return [Outcome(result, decoders) for result in results]


class _Prepared:
    """An item whose statement and values are encoded."""

    __slots__ = ("body", "index", "reads", "shard")

    def __init__(self, index: int, item: Item, encoders: Any) -> None:
        if not isinstance(item, (tuple, list)) or not 2 <= len(item) <= 3:
            _refuse(index, f"is {item!r}, not (shard, sql) or (shard, sql, args)")
        shard, sql = item[0], item[1]
        if not isinstance(shard, str) or not isinstance(sql, str):
            _refuse(index, "has a shard or a statement that is no str")
        known = statement(sql)
        self.index = index
        self.reads = known.reads
        self.shard = _requests.shard_field(shard)
        field, params = known.template.bind(item[2] if len(item) == 3 else None, encoders)
        self.body = field + params + _requests.PYFORMAT


def _refuse(index: int, why: str) -> NoReturn:
    raise err.ProgrammingError(f"item {index} of multi {why}")


def _call(
    site: Site, prepared: list[_Prepared], deadline: Optional[float], policy: str
) -> Call:
    encoded = [
        (_requests.query_item if one.reads else _requests.execute_item)(one.shard, one.body)
        for one in prepared
    ]
    timeout_ms = bound = None
    if deadline is not None:
        left = max(deadline - time.monotonic(), 0.001)
        timeout_ms = max(int(left * 1000), 1)
        info = site.info
        grace_ms = REPLY_GRACE_MS if info is None else info.limits.reply_grace_ms
        bound = left + grace_ms / 1000 + REPLY_SLACK_SECONDS
    body = _requests.multi(encoded, _POLICIES[policy], _requests.options(timeout_ms=timeout_ms))
    return Call(
        b"multi",
        body,
        _replies.read_multi,
        resend=all(one.reads for one in prepared),
        timeout=bound,
    )


def _is_refused_read(result: Any) -> bool:
    return (
        isinstance(result, err.Error)
        and result.code == "STATEMENT_NOT_ALLOWED"
        and "use execute" in str(result)
    )
