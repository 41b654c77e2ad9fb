"""A pool of connections, for threads and greenlets.

    pool = forebay.Pool(host="10.0.0.7", database="users", max_connections=20)
    with pool.connection() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT username FROM users WHERE id = %s", (7,))

Nothing here knows gevent or eventlet: locks and threads are the standard library's,
which they patch. Patch before the pool is made.
"""

from __future__ import annotations

import collections
import contextlib
import inspect
import threading
import time
from typing import Any, Iterator, Optional, Sequence

from . import err
from ._multi import TAKE_WHAT_CAME, Outcome, multi
from ._site import FORKS
from .connections import Connection
from .constants import ER

#: How long `acquire` waits for a connection, by default.
WAIT_TIMEOUT_SECONDS = 10.0
#: A connection that nobody has used for so long is closed, by default.
MAX_IDLE_SECONDS = 300.0


class _Waiter:
    """Somebody who waits for a connection, or for the leave to open one."""

    __slots__ = ("connection", "gate", "is_served")

    def __init__(self) -> None:
        # Taken at once, so that to take it again is to wait for its release.
        self.gate = threading.Lock()
        self.gate.acquire()
        self.is_served = False
        self.connection: Optional[Connection] = None


class Pool:
    """At most `max_connections` connections, lent to one thread or greenlet at a time.

    Who finds none free waits in the order of arrival, at most `wait_timeout`
    seconds, and then gets OperationalError 1040. A connection comes back without a
    transaction (what was not committed is rolled back) and with the settings it was
    made with; the one that was used last is lent first, and one that was idle for
    `max_idle_seconds` is closed. In a forked child the pool begins empty.

    Its other arguments are those of `connect`.
    """

    def __init__(
        self,
        *,
        max_connections: int = 10,
        max_idle_seconds: float = MAX_IDLE_SECONDS,
        wait_timeout: float = WAIT_TIMEOUT_SECONDS,
        **arguments: Any,
    ) -> None:
        if max_connections < 1:
            raise ValueError(f"max_connections is {max_connections}; it must be 1 or more")
        if max_idle_seconds <= 0 or wait_timeout < 0:
            raise ValueError("max_idle_seconds must be over 0 and wait_timeout at least 0 seconds")
        if arguments.get("defer_connect"):
            raise ValueError("defer_connect has no sense in a pool: it connects when it is asked")
        # An argument that connect() does not know is to be told of here, not by the first user.
        inspect.signature(Connection).bind(**arguments)
        self.max_connections = max_connections
        self.max_idle_seconds = max_idle_seconds
        self.wait_timeout = wait_timeout
        self._arguments = arguments
        self._is_closed = False
        #: Lent by the parent process before the fork that made this one.
        self._inherited: set[Connection] = set()
        self._begin_empty()

    def _begin_empty(self) -> None:
        self._forks = FORKS.count
        self._lock = threading.Lock()
        #: Connections that nobody has, with the time since when; the last was used last.
        self._idle: collections.deque[tuple[Connection, float]] = collections.deque()
        #: Connections that somebody has, and what each is to be like when it comes back.
        self._lent: dict[Connection, tuple[Any, ...]] = {}
        #: The idle, the lent, and those that are being opened or closed.
        self._size = 0
        self._waiters: collections.deque[_Waiter] = collections.deque()

    def __repr__(self) -> str:
        return (
            f"<forebay.Pool of {self._size}/{self.max_connections} connections,"
            f" {len(self._lent)} lent, {len(self._waiters)} waiters>"
        )

    @contextlib.contextmanager
    def connection(self, wait_timeout: Optional[float] = None) -> Iterator[Connection]:
        """Lends a connection for a `with` block. What the block has not committed is
        rolled back at its end."""
        connection = self.acquire(wait_timeout)
        try:
            yield connection
        finally:
            self.release(connection)

    def acquire(self, wait_timeout: Optional[float] = None) -> Connection:
        """Lends a connection, which must come back by `release`.

        :param wait_timeout: seconds to wait at the most; None: the pool's own.
        :raises OperationalError: 1040, all were lent for as long as that; or what
            `connect` raises.
        :raises InterfaceError: the pool is closed.
        """
        if wait_timeout is None:
            wait_timeout = self.wait_timeout
        if self._forks != FORKS.count:
            self._forget_parents()
        stale: list[Connection] = []
        waiter: Optional[_Waiter] = None
        connection: Optional[Connection] = None
        with self._lock:
            self._check_open()
            self._take_stale(stale)
            if self._idle:
                connection = self._idle.pop()[0]
            elif self._size < self.max_connections:
                self._size += 1
            else:
                waiter = _Waiter()
                self._waiters.append(waiter)
        if waiter is not None:
            connection = self._wait(waiter, wait_timeout)
        # From here on there is a place for it, which an error has to give back.
        try:
            for old in stale:
                _close(old)
            if connection is None:
                connection = Connection(**self._arguments)
            self._lent[connection] = _settings(connection)
        except BaseException:
            if connection is not None:
                _close(connection)
            self._give_place_back()
            raise
        return connection

    def release(self, connection: Connection) -> None:
        """Takes a connection back. One that is closed, or whose transaction cannot be
        rolled back, is dropped.

        :raises InterfaceError: it is not lent by this pool, or came back already.
        """
        if self._forks != FORKS.count:
            self._forget_parents()
        settings = self._lent.pop(connection, None)
        if settings is None:
            if connection in self._inherited:
                # Lent before the fork: the child only lets go of it.
                self._inherited.discard(connection)
                _close(connection)
                return
            raise err.InterfaceError(0, "this connection is not lent by this pool")
        is_sound = False
        try:
            is_sound = not self._is_closed and _restore(connection, settings)
        finally:
            if not is_sound:
                _close(connection)
                self._give_place_back()
            else:
                self._hand_on(connection)

    def close(self) -> None:
        """Closes all connections, those that are lent when they come back. Who waits
        for one gets InterfaceError."""
        if self._forks != FORKS.count:
            self._forget_parents()
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, collections.deque()
            self._size -= len(idle)
            waiters, self._waiters = self._waiters, collections.deque()
        for connection, _ in idle:
            _close(connection)
        for waiter in waiters:
            waiter.gate.release()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def multi(
        self,
        items: Sequence[Any],
        timeout: Optional[float] = 2.0,
        *,
        policy: str = TAKE_WHAT_CAME,
    ) -> list[Outcome]:
        """`forebay.multi` on one of the pool's connections."""
        return multi(items, timeout, on=self, policy=policy)

    # -------------------------------------------------------------- places

    def _check_open(self) -> None:
        if self._is_closed:
            raise err.InterfaceError(0, "this pool is closed")

    def _wait(self, waiter: _Waiter, seconds: float) -> Optional[Connection]:
        """What it was handed: a connection, or None: the leave to open one."""
        try:
            waiter.gate.acquire(True, seconds)
        except BaseException:
            # Killed while it waited: what it was handed meanwhile is the next one's.
            if not self._stop_waiting(waiter):
                self._pass_on(waiter)
            raise
        if self._stop_waiting(waiter):
            raise err.OperationalError(
                ER.CON_COUNT_ERROR,
                f"all {self.max_connections} connections of the pool were in use for"
                f" {seconds} s: raise max_connections or wait_timeout, or hold them shorter",
            )
        if not waiter.is_served:
            self._check_open()
        return waiter.connection

    def _stop_waiting(self, waiter: _Waiter) -> bool:
        """False: it was served already, or the pool is closed."""
        with self._lock:
            try:
                self._waiters.remove(waiter)
            except ValueError:
                return False
            return True

    def _pass_on(self, waiter: _Waiter) -> None:
        if waiter.connection is not None:
            self._hand_on(waiter.connection)
        elif waiter.is_served:
            self._give_place_back()

    def _hand_on(self, connection: Connection) -> None:
        """Gives it to whoever has waited longest, or keeps it."""
        with self._lock:
            if not self._is_closed:
                if not self._serve(connection):
                    self._idle.append((connection, time.monotonic()))
                return
            self._size -= 1
        _close(connection)

    def _give_place_back(self) -> None:
        """A connection is no more: another may be opened."""
        with self._lock:
            if not self._serve(None):
                self._size -= 1

    def _serve(self, connection: Optional[Connection]) -> bool:
        """Within the lock."""
        if not self._waiters:
            return False
        waiter = self._waiters.popleft()
        waiter.connection = connection
        waiter.is_served = True
        waiter.gate.release()
        return True

    def _take_stale(self, stale: list[Connection]) -> None:
        """Within the lock: those that were idle for too long, to be closed outside."""
        oldest = time.monotonic() - self.max_idle_seconds
        while self._idle and self._idle[0][1] < oldest:
            stale.append(self._idle.popleft()[0])
            self._size -= 1

    # --------------------------------------------------------------- forks

    def _forget_parents(self) -> None:
        """In a forked child: the connections are the parent's, and the lock may have
        been held by a thread that is not here."""
        parents = [connection for connection, _ in self._idle]
        self._inherited.update(self._lent)
        self._begin_empty()
        for connection in parents:
            _close(connection)


def _settings(connection: Connection) -> tuple[Any, ...]:
    talk = connection._conversation
    plain = connection
    return (
        (talk.autocommit, talk.shard, talk.isolation, talk.read_only, talk.settings),
        # What it begins with if it is opened again.
        (plain.db, plain.autocommit_mode),
    )


def _restore(connection: Connection, settings: tuple[Any, ...]) -> bool:
    """Ends its transaction and undoes what its borrower has set. False: it is of no
    more use."""
    if not connection.open:
        return False
    try:
        connection.rollback()
    except err.Error:
        return False
    talk = connection._conversation
    if _settings(connection) != settings:
        own, (connection.db, connection.autocommit_mode) = settings
        talk.autocommit, shard, talk.isolation, talk.read_only, talk.settings = own
        talk.set_shard(shard)
        talk.settle_mode()
    talk.next_isolation = talk.next_read_only = None
    talk.insert_id, talk.insert_token, talk.warnings_of = 0, None, None
    return True


def _close(connection: Connection) -> None:
    connection._force_close()
