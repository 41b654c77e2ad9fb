"""A pool of connections for asyncio's tasks, by aiomysql's names.

    async with forebay.aio.create_pool(host="10.0.0.7", database="users", maxsize=20) as pool:
        async with pool.acquire() as connection, connection.cursor() as cursor:
            await cursor.execute("SELECT username FROM users WHERE id = %s", (7,))
"""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Generator, Sequence
from typing import Any, Optional

from .. import err
from .._multi import TAKE_WHAT_CAME, Item, Outcome
from ..constants import ER
from ..pool import MAX_IDLE_SECONDS, WAIT_TIMEOUT_SECONDS
from ._context import Opening
from ._multi import multi
from .connections import Connection


class Pool:
    """At most `maxsize` connections, lent to one task at a time; for one event loop.
    Made by `create_pool`, which tells of its arguments.

    Who finds none free waits in the order of arrival. A connection comes back
    without a transaction, what was not committed being rolled back, and with the
    settings that it was made with.
    """

    def __init__(
        self,
        *,
        minsize: int = 1,
        maxsize: int = 10,
        wait_timeout: float = WAIT_TIMEOUT_SECONDS,
        max_idle_seconds: float = MAX_IDLE_SECONDS,
        **arguments: Any,
    ) -> None:
        if minsize < 0:
            raise ValueError(f"minsize is {minsize}; it must be 0 or more")
        if maxsize < max(minsize, 1):
            raise ValueError(f"maxsize is {maxsize}; it must be 1 or more, and minsize or more")
        if max_idle_seconds <= 0 or wait_timeout < 0:
            raise ValueError("max_idle_seconds must be over 0 and wait_timeout at least 0 seconds")
        self.minsize = minsize
        self.maxsize = maxsize
        self.wait_timeout = wait_timeout
        self.max_idle_seconds = max_idle_seconds
        self._arguments = arguments
        #: Connections that nobody has; the last was used last.
        self._idle: collections.deque[Connection] = collections.deque()
        #: Connections that somebody has, and what each is to be like when it comes back.
        self._lent: dict[Connection, tuple[Any, ...]] = {}
        #: Connections that are being opened, or rolled back.
        self._between = 0
        #: How many more may be lent.
        self._places = maxsize
        self._waiters: collections.deque[asyncio.Future[None]] = collections.deque()
        self._closing = False
        self._all_back: Optional[asyncio.Future[None]] = None
        self._returning: dict[asyncio.Future[None], tuple[Connection, tuple[Any, ...]]] = {}

    def __repr__(self) -> str:
        return (
            f"<forebay.aio.Pool of {self.size}/{self.maxsize} connections,"
            f" {len(self._lent)} lent, {len(self._waiters)} waiters>"
        )

    @property
    def size(self) -> int:
        """The connections that are lent, opened for somebody, or idle."""
        return len(self._lent) + len(self._idle) + self._between

    @property
    def freesize(self) -> int:
        """The connections that nobody has."""
        return len(self._idle)

    @property
    def closed(self) -> bool:
        """Whether it was closed, and every connection is."""
        return self._closing and self._places == self.maxsize

    # ------------------------------------------------------------- lending

    def acquire(self, wait_timeout: Optional[float] = None) -> Acquiring:
        """Lends a connection: `async with pool.acquire() as connection`, or `await
        pool.acquire()` with a `release` after it.

        :param wait_timeout: seconds to wait at the most; None: the pool's own.
        :raises OperationalError: 1040, all were lent for as long as that; or what
            `connect` raises.
        :raises InterfaceError: the pool is closed.
        """
        return Acquiring(self, self.wait_timeout if wait_timeout is None else wait_timeout)

    async def _acquire(self, seconds: float) -> Connection:
        await self._take_place(seconds)
        connection: Optional[Connection] = None
        try:
            self._close_stale()
            if self._idle:
                connection = self._idle.pop()
            else:
                connection = await self._open()
            self._check_open()
            self._lent[connection] = _settings(connection)
        except BaseException:
            if connection is not None:
                connection.close()
            self._give_place()
            raise
        return connection

    async def _open(self) -> Connection:
        connection = Connection(**self._arguments)
        self._between += 1
        try:
            await connection.connect()
        finally:
            self._between -= 1
        return connection

    def release(self, connection: Connection) -> asyncio.Future[None]:
        """Takes a connection back: await what it returns to know that it is there. One
        that is closed, or whose transaction cannot be rolled back, is dropped.

        :raises InterfaceError: it is not lent by this pool, or came back already.
        """
        settings = self._lent.pop(connection, None)
        if settings is None:
            raise err.InterfaceError(0, "this connection is not lent by this pool")
        loop = asyncio.get_running_loop()
        if connection.open and connection.get_transaction_status() and not self._closing:
            # A task of its own: whoever gives it back may be cancelled meanwhile, and
            # the task too, even before it begins.
            self._between += 1
            returning = loop.create_task(_roll_back(connection))
            self._returning[returning] = (connection, settings)
            returning.add_done_callback(self._came_back)
            return returning
        self._put_back(connection, settings)
        done: asyncio.Future[None] = loop.create_future()
        done.set_result(None)
        return done

    def _came_back(self, returning: asyncio.Future[None]) -> None:
        connection, settings = self._returning.pop(returning)
        self._between -= 1
        if returning.cancelled() or returning.exception() is not None:
            connection.close()
        self._put_back(connection, settings)

    def _put_back(self, connection: Connection, settings: tuple[Any, ...]) -> None:
        if connection.open and not self._closing and not connection._is_busy:
            _restore(connection, settings)
            self._idle.append(connection)
        else:
            connection.close()
        self._give_place()

    def _close_stale(self) -> None:
        while self._idle and self._idle[0].idle_seconds > self.max_idle_seconds:
            self._idle.popleft().close()

    # -------------------------------------------------------------- places

    def _check_open(self) -> None:
        if self._closing:
            raise err.InterfaceError(0, "this pool is closed")

    async def _take_place(self, seconds: float) -> None:
        """The leave to have a connection, in the order of arrival."""
        self._check_open()
        if self._places:
            self._places -= 1
            return
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiters.append(waiter)
        timer = loop.call_later(seconds, self._refuse, waiter, seconds)
        try:
            await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                # Cancelled when it had been handed the place already.
                self._give_place()
            raise
        finally:
            timer.cancel()
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def _refuse(self, waiter: asyncio.Future[None], seconds: float) -> None:
        if not waiter.done():
            waiter.set_exception(
                err.OperationalError(
                    ER.CON_COUNT_ERROR,
                    f"all {self.maxsize} connections of the pool were in use for {seconds} s:"
                    " raise maxsize or wait_timeout, or hold them shorter",
                )
            )

    def _give_place(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._places += 1
        if self._all_back is not None and self.closed and not self._all_back.done():
            self._all_back.set_result(None)

    # ------------------------------------------------------------- the end

    async def clear(self) -> None:
        """Closes the connections that nobody has."""
        while self._idle:
            await self._idle.pop().ensure_closed()

    def close(self) -> None:
        """Lends no more. Connections that are lent are closed when they come back; who
        waits for one gets InterfaceError."""
        self._closing = True
        while self._idle:
            self._idle.pop().close()
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(err.InterfaceError(0, "this pool is closed"))

    def terminate(self) -> None:
        """The same, and closes those that are lent at once."""
        self.close()
        for connection in list(self._lent):
            connection.close()

    async def wait_closed(self) -> None:
        """Waits until every connection has come back, after close()."""
        if not self._closing:
            raise err.InterfaceError(0, "wait_closed() is for after close()")
        if not self.closed:
            if self._all_back is None:
                self._all_back = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._all_back)

    async def _open_first(self) -> Pool:
        """Opens `minsize` connections, so that what is wrong is known at once."""
        borrowed: list[Connection] = []
        try:
            for _ in range(self.minsize):
                borrowed.append(await self._acquire(self.wait_timeout))
        except BaseException:
            self.close()
            raise
        finally:
            for connection in borrowed:
                self.release(connection)
        return self

    async def _close_all(self) -> None:
        self.close()
        await self.wait_closed()

    async def __aenter__(self) -> Pool:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._close_all()

    async def multi(
        self,
        items: Sequence[Item],
        timeout: Optional[float] = 2.0,
        *,
        policy: str = TAKE_WHAT_CAME,
    ) -> list[Outcome]:
        """`forebay.aio.multi` on one of the pool's connections."""
        return await multi(items, timeout, on=self, policy=policy)


class Acquiring:
    """What `Pool.acquire` returns: awaited, it lends a connection; as a context it
    also takes it back."""

    __slots__ = ("_connection", "_pool", "_seconds")

    def __init__(self, pool: Pool, seconds: float) -> None:
        self._pool = pool
        self._seconds = seconds
        self._connection: Optional[Connection] = None

    def __await__(self) -> Generator[Any, Any, Connection]:
        return self._pool._acquire(self._seconds).__await__()

    async def __aenter__(self) -> Connection:
        self._connection = connection = await self._pool._acquire(self._seconds)
        return connection

    async def __aexit__(self, *exc_info: object) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # Goes on if this task is cancelled: the next borrower waits for it.
            await asyncio.shield(self._pool.release(connection))


def create_pool(
    minsize: int = 1,
    maxsize: int = 10,
    *,
    wait_timeout: float = WAIT_TIMEOUT_SECONDS,
    max_idle_seconds: float = MAX_IDLE_SECONDS,
    **arguments: Any,
) -> Opening[Pool]:
    """A pool: `await create_pool(…)`, or `async with create_pool(…) as pool`.

    :param minsize: connections that are opened at once; 0: none until they are used.
    :param maxsize: connections at the most.
    :param wait_timeout: seconds that `acquire` waits at the most for a free one.
    :param max_idle_seconds: one that nobody has used for so long is closed; also
        `pool_recycle`, of which -1 means the default.

    Its other arguments are those of `connect`.
    """
    recycle = arguments.pop("pool_recycle", -1)
    for name in ("echo", "loop"):
        # aiomysql's, which mean nothing here.
        arguments.pop(name, None)
    pool = Pool(
        minsize=minsize,
        maxsize=maxsize,
        wait_timeout=wait_timeout,
        max_idle_seconds=recycle if recycle > 0 else max_idle_seconds,
        **arguments,
    )
    return Opening(pool._open_first(), Pool._close_all)


async def _roll_back(connection: Connection) -> None:
    try:
        await connection.rollback()
    except err.Error:
        connection.close()


def _settings(connection: Connection) -> tuple[Any, ...]:
    talk = connection._conversation
    plain = connection._plain
    return (
        (talk.autocommit, talk.shard, talk.isolation, talk.read_only, talk.settings),
        # What it begins with if it is opened again.
        (plain.db, plain.autocommit_mode),
    )


def _restore(connection: Connection, settings: tuple[Any, ...]) -> None:
    """Undoes what its borrower has set."""
    talk = connection._conversation
    if _settings(connection) != settings:
        own, (connection._plain.db, connection._plain.autocommit_mode) = settings
        talk.autocommit, shard, talk.isolation, talk.read_only, talk.settings = own
        talk.set_shard(shard)
        talk.settle_mode()
    talk.next_isolation = talk.next_read_only = None
    talk.insert_id, talk.insert_token, talk.warnings_of = 0, None, None
    talk.lost = None
