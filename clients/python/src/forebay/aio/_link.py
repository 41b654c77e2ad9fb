"""One session with the service for one asyncio event loop: what `forebay._link`
is for blocking sockets, by the same rules of failover, re-sending and bounds.

What the bytes mean is left to `_requests`, `_replies` and `_thrift`.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import Any, Optional

from .. import _thrift, err
from .._call import Call
from .._failures import (
    Attempts,
    Lost,
    cannot_connect,
    is_draining,
    request_too_large,
    session_lost,
)
from .._link import (
    CALL_BOUND_SECONDS,
    CONNECT_SHARE_MAX_SECONDS,
    IDLE_LOOK_SECONDS,
    REPLY_MARGIN_BYTES,
    REPLY_MAX_BYTES,
    REPLY_SLACK_SECONDS,
    REQUEST_MAX_BYTES,
    SEQUENCE_ID_MAX,
    SESSION_NUMBERS,
    info_call,
)
from .._site import FORKS, Address, Resolved, Site
from .._stream import set_options
from ._session import Session


class Link:
    """A session with one of a site's addresses; opens another when that is lost.

    For one task at a time: a call while another is under way raises
    InterfaceError. For one event loop: on another one, an open session is an
    InterfaceError too. `connect_timeout` (seconds) bounds the opening of a session
    in all.
    """

    def __init__(
        self, site: Site, *, connect_timeout: float = 10.0, bind_address: Optional[str] = None
    ) -> None:
        self.site = site
        self.connect_timeout = connect_timeout
        self.bind_address = bind_address
        self._session: Optional[Session] = None
        self._is_busy = False
        self._address: Optional[Address] = None
        self._bound = CALL_BOUND_SECONDS
        self._request_max_bytes = REQUEST_MAX_BYTES
        self._forks = FORKS.count
        self._sequence_id = 0
        #: When the last reply came, or the session was opened, on `time.monotonic`'s clock.
        self.used_at = 0.0

    @property
    def session(self) -> int:
        """The number of the open session, which no other of this process has had; 0: none."""
        opened = self._session
        return 0 if opened is None or opened.is_lost else opened.number

    @property
    def is_open(self) -> bool:
        """Whether a session is open, as far as is known here."""
        return self.session != 0

    @property
    def address(self) -> Optional[str]:
        """Where the session is, or was last."""
        return None if self._address is None else str(self._address)

    # ------------------------------------------------------------------ calls

    async def call(self, call: Call) -> Any:
        """Sends a call and gives what its `read` makes of the reply.

        Raises what the service threw; OperationalError 2003 if no session can be
        opened, 2013 if it was lost or silent for too long, with `outcome`
        "NOT_APPLIED" or "UNKNOWN". A task that is cancelled meanwhile closes the
        session.
        """
        if self._is_busy:
            raise busy()
        self._is_busy = True
        try:
            begun_at = time.monotonic()
            opened = self._session
            failure: Optional[Exception] = None
            if (
                opened is None
                or opened.is_lost
                or begun_at - self.used_at > IDLE_LOOK_SECONDS
                or opened.loop is not asyncio.get_running_loop()
                or (call.session is not None and call.session != opened.number)
            ):
                self._look()
                if call.session is not None and call.session != self.session:
                    raise session_lost()
            else:
                timeout = self._bound if call.timeout is None else call.timeout
                try:
                    return await self._exchange(opened, call, begun_at + timeout)
                except Lost as lost:
                    failure = lost
                except err.OperationalError as error:
                    if not is_draining(error):
                        raise
                    failure = error
            return await self._call_until_answered(call, begun_at, failure)
        finally:
            self._is_busy = False

    async def _call_until_answered(
        self, call: Call, begun_at: float, failure: Optional[Exception]
    ) -> Any:
        """Until it is answered, may not be sent again, or its time is up. `failure`
        is that of an attempt before."""
        attempts = Attempts(call, len(self.site.addresses))
        while True:
            timeout = self._bound if call.timeout is None else call.timeout
            left = begun_at + timeout - time.monotonic()
            if isinstance(failure, (Lost, err.Error)):
                if isinstance(failure, err.Error):
                    self._leave()
                attempts.failed(failure, left)
            opened = self._session
            if opened is None or opened.is_lost:
                opened = await self._open(min(self.connect_timeout, left))
                # The bound may be known only now.
                timeout = self._bound if call.timeout is None else call.timeout
            try:
                return await self._exchange(opened, call, begun_at + timeout)
            except Lost as lost:
                failure = lost
            except err.OperationalError as error:
                if not is_draining(error):
                    raise
                failure = error

    async def _exchange(self, opened: Session, call: Call, deadline: float) -> Any:
        """One attempt on the open session. `Lost` if that breaks."""
        self._sequence_id = sequence_id = self._sequence_id % SEQUENCE_ID_MAX + 1
        try:
            request = _thrift.frame(call.function, sequence_id, call.body)
            if len(request) - 4 > self._request_max_bytes:
                raise request_too_large(len(request) - 4, self._request_max_bytes)
            message = (await opened.ask(request, deadline))[4:]
            self.used_at = time.monotonic()
            offset = _thrift.reply_start(message, call.function, sequence_id)
            return call.read(message, offset)
        except Lost:
            if opened.is_silent and self._address is not None:
                self.site.failed(self._address)
            self._drop()
            raise
        except err.Error as error:
            # One that the service sent leaves the session in order.
            if error.code is None:
                self._drop()
            raise
        except BaseException:
            self._drop()
            raise

    # --------------------------------------------------------------- sessions

    async def connect(self) -> None:
        """Opens a session, if none is open, within `connect_timeout`."""
        if self._is_busy:
            raise busy()
        self._is_busy = True
        try:
            self._look()
            if not self.session:
                await self._open(self.connect_timeout)
        finally:
            self._is_busy = False

    def close(self) -> None:
        """Closes the session; a transaction in it is rolled back by the service. A
        call that another task has under way ends with an error."""
        opened, self._session = self._session, None
        if opened is not None and self._forks == FORKS.count:
            opened.close()

    def __del__(self) -> None:
        # Perhaps in another thread than the loop's, which holds on to the session.
        opened = getattr(self, "_session", None)
        if opened is not None and self._forks == FORKS.count:
            opened.shut_down()

    def _look(self) -> None:
        """Leaves a session that the service has closed, or that is the parent process's."""
        if self._forks != FORKS.count:
            self._session = None
            self._forks = FORKS.count
        opened = self._session
        if opened is None or opened.is_lost:
            return
        if opened.loop is not asyncio.get_running_loop():
            if not opened.loop.is_closed():
                raise err.InterfaceError(
                    0,
                    "this connection belongs to another event loop, where it was opened;"
                    " open one for each loop",
                )
            self._drop()
        elif time.monotonic() - self.used_at > IDLE_LOOK_SECONDS:
            opened.look()

    async def _open(self, seconds: float) -> Session:
        """Opens a session with the first address that takes one."""
        deadline = time.monotonic() + seconds
        order = self.site.order()
        failures: list[str] = []
        for index, address in enumerate(order):
            left = deadline - time.monotonic()
            if left <= 0 and failures:
                failures.append(f"{address}: no time was left for it")
                continue
            others = len(order) - 1 - index
            if others:
                left = min(left / (others + 1), CONNECT_SHARE_MAX_SECONDS)
            try:
                return await self._open_within(address, left)
            except (OSError, Lost, err.Error) as error:
                self.site.failed(address)
                failures.append(f"{address}: {error}")
        raise cannot_connect(failures)

    async def _open_within(self, address: Address, seconds: float) -> Session:
        # A task of its own, since what was cancelled may yet succeed: then it
        # closes what it has opened.
        opening = asyncio.ensure_future(self._open_at(address, time.monotonic() + seconds))
        is_taken = False
        try:
            await asyncio.wait({opening}, timeout=max(seconds, 0.0))
            is_taken = opening.done()
        finally:
            if not is_taken:
                opening.cancel()
                opening.add_done_callback(_end_late)
        if not is_taken:
            raise TimeoutError("timed out")
        opened = self._session = opening.result()
        self._address = address
        self._forks = FORKS.count
        self.used_at = time.monotonic()
        self._take_limits(opened)
        self.site.answered(address)
        return opened

    async def _open_at(self, address: Address, deadline: float) -> Session:
        opened = await self._connect(address, deadline)
        try:
            if self.site.wants_info():
                call = info_call(0.0)
                request = _thrift.frame(call.function, SEQUENCE_ID_MAX, call.body)
                reply = (await opened.ask(request, deadline))[4:]
                offset = _thrift.reply_start(reply, call.function, SEQUENCE_ID_MAX)
                self.site.keep_info(call.read(reply, offset))
        except BaseException:
            opened.end()
            raise
        return opened

    async def _connect(self, address: Address, deadline: float) -> Session:
        failure: Optional[OSError] = None
        for resolved in await _where(address, max(deadline - time.monotonic(), 0.001)):
            try:
                return await self._connect_to(resolved)
            except OSError as error:
                failure = error
        address.forget()
        raise failure or OSError("the name has no address")

    async def _connect_to(self, resolved: Resolved) -> Session:
        family, where = resolved
        loop = asyncio.get_running_loop()
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.setblocking(False)
            if family in (socket.AF_INET, socket.AF_INET6):
                set_options(made)
                if self.bind_address is not None:
                    made.bind((self.bind_address, 0))
            await loop.sock_connect(made, where)
            session = Session(loop, made, next(SESSION_NUMBERS), REPLY_MAX_BYTES)
            await loop.create_connection(lambda: session, sock=made)
        except BaseException:
            made.close()
            raise
        return session

    def _take_limits(self, opened: Session) -> None:
        limits = self.site.info.limits
        bound_ms = limits.max_timeout_ms + limits.reply_grace_ms
        self._bound = bound_ms / 1000 + REPLY_SLACK_SECONDS
        self._request_max_bytes = limits.request_max_bytes
        opened.reply_max_bytes = limits.result_max_bytes + REPLY_MARGIN_BYTES

    def _leave(self) -> None:
        """Another address is to take the next session."""
        if self._address is not None:
            self.site.failed(self._address)
        self._drop()

    def _drop(self) -> None:
        opened, self._session = self._session, None
        if opened is not None and self._forks == FORKS.count:
            opened.end()


def busy() -> err.InterfaceError:
    """What is raised where one connection is used by two tasks at once."""
    return err.InterfaceError(
        0,
        "this connection has a call under way in another task; take one connection each,"
        " from a pool",
    )


def _end_late(opening: asyncio.Task[Session]) -> None:
    """Of an attempt to connect that nobody waits for any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().end()


async def _where(address: Address, seconds: float) -> list[Resolved]:
    """What to connect to. A name is waited for by a thread of its own, which ends
    within `seconds`: the event loop's threads would be held up by a slow resolver."""
    known = address.at_hand()
    if known is not None:
        return known
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[Resolved]] = loop.create_future()

    def tell(set_it: Any, what: Any) -> None:
        if not found.done():
            set_it(what)

    def resolve() -> None:
        try:
            told: tuple[Any, Any] = (found.set_result, address.where(seconds))
        except Exception as error:
            told = (found.set_exception, error)
        try:
            loop.call_soon_threadsafe(tell, *told)
        except RuntimeError:
            # The loop was closed meanwhile.
            pass

    name = f"forebay waits for {address.host}"
    threading.Thread(target=resolve, name=name, daemon=True).start()
    return await found
