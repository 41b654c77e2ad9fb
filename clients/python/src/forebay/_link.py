"""One session with the service over a blocking socket: calls go out, whole replies
come in, and a session that is lost is replaced where nothing is lost by it.

What the bytes mean is left to `_requests`, `_replies` and `_thrift`.
"""

from __future__ import annotations

import itertools
import socket
import struct
import time
from typing import Any, NoReturn, Optional, Union

from . import _replies, _requests, _thrift, err
from ._call import Call
from ._failures import (
    Attempts,
    Closed,
    Lost,
    busy,
    cannot_connect,
    is_draining,
    is_foreign,
    request_too_large,
    session_lost,
)
from ._site import FORKS, Address, Site
from ._stream import NO_SIGNAL, RECEIVE_BYTES, Stream

#: A reply may be larger than the limit on results by so much: names, a header.
REPLY_MARGIN_BYTES = 64 * 1024
#: The largest reply while the service's own limit is not known.
REPLY_MAX_BYTES = 17 * 1024 * 1024
#: The same of a request.
REQUEST_MAX_BYTES = 2**31 - 1

#: A session that was silent for longer is looked at before it is used.
IDLE_LOOK_SECONDS = 0.1

#: What a reply may take beyond the service's own bounds.
REPLY_SLACK_SECONDS = 0.25
#: A call's bound while the service's limits are not known.
CALL_BOUND_SECONDS = 30.0

#: With several addresses no more of `connect_timeout` is spent on one, but the last.
CONNECT_SHARE_MAX_SECONDS = 2.0

SEQUENCE_ID_MAX = 2**31 - 1

#: No two sessions of a process have the same number, those of `aio` counted in.
SESSION_NUMBERS = itertools.count(1)
_frame_size = struct.Struct(">I").unpack_from
_pack_start = struct.Struct(">i4si").pack
_pack_sequence_id = struct.Struct(">i").pack


class Link:
    """A session with one of a site's addresses; opens another when that is lost.

    For one thread or greenlet at a time: a call while another is under way raises
    InterfaceError. `connect_timeout` (seconds) bounds the opening of a session in
    all: names, every address that is tried, and what the service says first.
    """

    __slots__ = (
        "__weakref__",
        "_address",
        "_bound",
        "_forks",
        "_free",
        "_reply_max_bytes",
        "_request_max_bytes",
        "_sequence_id",
        "_stream",
        "_used_at",
        "bind_address",
        "connect_timeout",
        "session",
        "site",
    )

    def __init__(
        self,
        site: Site,
        *,
        connect_timeout: float = 10.0,
        bind_address: Optional[str] = None,
    ) -> None:
        self.site = site
        self.connect_timeout = connect_timeout
        self.bind_address = bind_address
        #: The number of the open session, which no other of this process has had; 0: none.
        self.session = 0
        #: Holds one token while no call is under way: to take it is atomic.
        self._free: list[None] = [None]
        self._stream: Optional[Stream] = None
        self._address: Optional[Address] = None
        self._bound = CALL_BOUND_SECONDS
        self._reply_max_bytes = REPLY_MAX_BYTES
        self._request_max_bytes = REQUEST_MAX_BYTES
        self._forks = FORKS.count
        self._sequence_id = 0
        self._used_at = 0.0

    def __del__(self) -> None:
        try:
            self._drop()
        except Exception:
            # At the interpreter's end there may be nothing left to close it with.
            pass

    @property
    def is_open(self) -> bool:
        """Whether a session is open, as far as is known here."""
        return self.session != 0

    @property
    def address(self) -> Optional[str]:
        """Where the session is, or was last."""
        return None if self._address is None else str(self._address)

    def call(self, call: Call) -> Any:
        """Sends a call and gives what its `read` makes of the reply.

        Raises what the service threw; OperationalError 2003 if no session can be
        opened, 2013 if it was lost or silent for too long, with `outcome`
        "NOT_APPLIED" or "UNKNOWN". Whatever else comes up on the way, gevent's
        Timeout and GreenletExit among it, closes the socket.
        """
        try:
            self._free.pop()
        except IndexError:
            raise busy() from None
        try:
            begun_at = time.monotonic()
            timeout = call.timeout
            if timeout is None:
                timeout = self._bound
            if (
                self._stream is None
                or begun_at - self._used_at > IDLE_LOOK_SECONDS
                or self._forks != FORKS.count
                or (call.session is not None and call.session != self.session)
            ):
                self._look()
                if call.session is not None and call.session != self.session:
                    raise session_lost()
                return self._call_until_answered(call, begun_at, None)
            try:
                return self._exchange(self._stream, call, begun_at, timeout, timeout)
            except Lost as lost:
                return self._call_until_answered(call, begun_at, lost)
            except err.OperationalError as error:
                if not is_draining(error):
                    raise
                return self._call_until_answered(call, begun_at, error)
        finally:
            self._free.append(None)

    def connect(self) -> None:
        """Opens a session, if none is open, within `connect_timeout`."""
        self._take()
        try:
            self._look()
            if self._stream is None:
                self._open(self.connect_timeout)
        finally:
            self._free.append(None)

    def close(self) -> None:
        """Closes the session; a transaction in it is rolled back by the service. A
        call that another thread or greenlet has under way ends with an error."""
        try:
            self._take()
        except err.InterfaceError:
            stream = self._stream
            if stream is not None and self._forks == FORKS.count:
                stream.shut_down()
            return
        try:
            self._drop()
        finally:
            self._free.append(None)

    # ---------------------------------------------------------------- calls

    def _take(self) -> None:
        try:
            self._free.pop()
        except IndexError:
            raise busy() from None

    def _call_until_answered(
        self, call: Call, begun_at: float, failure: Union[Lost, err.Error, None]
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
            stream = self._stream
            if stream is None:
                stream = self._open(min(self.connect_timeout, left))
                # The bound may be known only now.
                timeout = self._bound if call.timeout is None else call.timeout
                left = begun_at + timeout - time.monotonic()
            try:
                return self._exchange(stream, call, begun_at, timeout, left)
            except Lost as lost:
                failure = lost
            except err.OperationalError as error:
                if not is_draining(error):
                    raise
                failure = error

    def _exchange(
        self, stream: Stream, call: Call, begun_at: float, timeout: float, left: float
    ) -> Any:
        """One attempt, with `left` of `timeout` seconds. `Lost` if the session breaks."""
        self._sequence_id = sequence_id = self._sequence_id % SEQUENCE_ID_MAX + 1
        is_sent = has_none = False
        try:
            function, body = call.function, call.body
            # `_thrift.frame`, without a call of it.
            name_size = len(function)
            request = b"".join(
                (
                    _pack_start(12 + name_size + len(body), _thrift.CALL, name_size),
                    function,
                    _pack_sequence_id(sequence_id),
                    body,
                )
            )
            if len(request) - 4 > self._request_max_bytes:
                raise request_too_large(len(request) - 4, self._request_max_bytes)
            try:
                sent = stream.send(request, NO_SIGNAL)
            except BlockingIOError:
                sent = 0
            if sent != len(request):
                stream.send_rest(request, sent, begun_at + timeout)
            is_sent = True
            if left != stream.armed:
                stream.arm(left)
            reply = stream.receive(RECEIVE_BYTES)
            if len(reply) > 4 and _frame_size(reply)[0] + 4 == len(reply):
                message = reply[4:]
                # As a rule its header is the request's but for the type.
                start = 12 + name_size
                if reply[4:8] == _thrift.REPLY and message[4:start] == request[8 : start + 4]:
                    self._used_at = begun_at
                    return call.read(message, start)
            else:
                has_none = not reply
                message = stream.receive_rest(reply, self._reply_max_bytes, begun_at + timeout)
            self._used_at = begun_at
            return call.read(message, _thrift.reply_start(message, call.function, sequence_id))
        except OSError as error:
            # When a service that stops closes a session, that may cross with a request.
            # What had not reached it whole by then is not run: it runs whole ones.
            has_crossed = (
                has_none
                and isinstance(error, Closed)
                and not stream.is_shut
                and stream.unacknowledged_bytes() > 0
            )
            self._raise_broken(stream, error, is_sent and not has_crossed)
        except err.Error as error:
            # One that the service sent leaves the session in order.
            if error.code is None:
                self._drop()
            raise
        except BaseException:
            self._drop()
            raise

    def _raise_broken(self, stream: Stream, error: OSError, begun: bool) -> NoReturn:
        if is_foreign(error):
            self._drop()
            raise error
        is_late = isinstance(error, socket.timeout) and error.errno is None
        if is_late and self._address is not None:
            self.site.failed(self._address)
        is_shut = stream.is_shut
        self._drop()
        if is_shut:
            raise Lost("closed by another thread or greenlet", begun=begun, final=True) from error
        reason = str(error) or type(error).__name__
        raise Lost(reason, begun=begun, final=is_late) from error

    # ------------------------------------------------------------- sessions

    def _look(self) -> None:
        """Leaves a session that the service has closed, or that is the parent process's."""
        if self._forks != FORKS.count:
            self._drop()
            self._forks = FORKS.count
        is_idle = time.monotonic() - self._used_at > IDLE_LOOK_SECONDS
        if self._stream is not None and is_idle and self._stream.has_ended():
            self._drop()

    def _open(self, seconds: float) -> Stream:
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
                return self._open_at(address, time.monotonic() + left)
            except (OSError, Lost, err.Error) as error:
                self._drop()
                if isinstance(error, OSError) and is_foreign(error):
                    raise
                self.site.failed(address)
                failures.append(f"{address}: {error}")
            except BaseException:
                self._drop()
                raise
        raise cannot_connect(failures)

    def _open_at(self, address: Address, deadline: float) -> Stream:
        stream = self._connected(address, deadline)
        self._stream = stream
        self._forks = FORKS.count
        self._address = address
        self._used_at = now = time.monotonic()
        self.session = next(SESSION_NUMBERS)
        if self.site.wants_info() or not address.is_proven:
            left = max(deadline - now, 0.0)
            self.site.keep_info(self._exchange(stream, info_call(left), now, left, left))
        self._take_limits()
        self.site.answered(address)
        return stream

    def _connected(self, address: Address, deadline: float) -> Stream:
        failure: Optional[OSError] = None
        for resolved in address.where(max(deadline - time.monotonic(), 0.0)):
            try:
                return Stream(resolved, self.bind_address, deadline)
            except OSError as error:
                if is_foreign(error):
                    raise
                failure = error
        address.forget()
        raise failure or OSError("the name has no address")

    def _take_limits(self) -> None:
        limits = self.site.info.limits
        bound_ms = limits.max_timeout_ms + limits.reply_grace_ms
        self._bound = bound_ms / 1000 + REPLY_SLACK_SECONDS
        self._reply_max_bytes = limits.result_max_bytes + REPLY_MARGIN_BYTES
        self._request_max_bytes = limits.request_max_bytes

    def _leave(self) -> None:
        """Another address is to take the next session."""
        if self._address is not None:
            self.site.failed(self._address)
        self._drop()

    def _drop(self) -> None:
        """Closes the session, whatever is under way in it."""
        stream, self._stream = self._stream, None
        self.session = 0
        if stream is not None:
            # A parent's session is not for the child to end.
            if self._forks == FORKS.count:
                stream.shut_down()
            stream.close()


def info_call(timeout: float) -> Call:
    """Asks the service for its limits and shards, within `timeout` seconds."""
    body = _requests.info(_requests.options())
    return Call(b"info", body, _replies.read_info, resend=True, timeout=timeout)
