"""The bytes of one session, as asyncio's transports bring them: one request out,
one whole reply in, under a deadline."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any, Optional

from .._failures import Lost, malformed
from .._stream import unacknowledged_bytes

_CLOSED = "the service closed the session"


class Session(asyncio.Protocol):
    """Made for a socket that is connected; ends with the first fault.

    A request has a future of its own, which gets the reply's frame, or the
    exception that came instead of it. Its deadline costs nothing as long as it is
    met: one timer serves many requests, and is set anew only when it fires.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        opened: socket.socket,
        number: int,
        reply_max_bytes: int,
    ) -> None:
        self.loop = loop
        #: Which no other session of the process has.
        self.number = number
        self.is_lost = False
        #: It was ended for want of an answer.
        self.is_silent = False
        self.reply_max_bytes = reply_max_bytes
        self._socket = opened
        self._transport: Any = None
        self._waiter: Optional[asyncio.Future[bytes]] = None
        #: Whether the transport holds bytes that the socket has not taken.
        self._is_sending = False
        self._parts: list[bytes] = []
        self._received = 0
        self._size = -1
        self._deadline = 0.0
        self._timer: Optional[asyncio.TimerHandle] = None
        self._timer_at = 0.0

    # --------------------------------------------------------------- requests

    def ask(self, request: bytes, deadline: float) -> asyncio.Future[bytes]:
        """Sends a request, and gives the future of its reply: the frame, with its
        length before it. `deadline` is on `time.monotonic`'s clock."""
        waiter = self._waiter = self.loop.create_future()
        if self.is_lost:
            waiter.set_exception(Lost(_CLOSED, begun=False))
            return waiter
        self._deadline = deadline
        if self._timer is None or deadline < self._timer_at:
            self._set_timer()
        self._transport.write(request)
        return waiter

    def look(self) -> None:
        """Notices that the service has ended the session, or said what nobody
        asked for, before the event loop does."""
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return
        except (OSError, ValueError):
            pass
        self.end()

    def close(self) -> None:
        """Closes the socket for good: what is under way is not sent again."""
        self._fail(Lost("it was closed here", begun=not self._is_sending, final=True))

    def end(self) -> None:
        """Closes the socket, whatever is under way on it."""
        self.is_lost = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._parts.clear()
        self.shut_down()
        if self._transport is not None and not self.loop.is_closed():
            self._transport.abort()

    def shut_down(self) -> None:
        """Ends the connection, which a forked child may hold open too. May be
        called by any thread: the event loop then finds it closed."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except (OSError, ValueError):
            pass

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = self._deadline
        seconds = max(self._deadline - time.monotonic(), 0.0)
        self._timer = self.loop.call_later(seconds, self._expired)

    def _expired(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if time.monotonic() < self._deadline:
            self._set_timer()
        else:
            self.is_silent = True
            self._fail(Lost("timed out", begun=not self._is_sending, final=True))

    def _fail(self, failure: Exception) -> None:
        waiter, self._waiter = self._waiter, None
        self.end()
        if waiter is not None and not waiter.done():
            waiter.set_exception(failure)

    # ------------------------------------------------ what the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The loop reads from now on."""
        self._transport = transport
        # So that `pause_writing` tells whether all was handed to the system.
        self._transport.set_write_buffer_limits(0)

    def pause_writing(self) -> None:
        """Some of the request waits in the transport."""
        self._is_sending = True

    def resume_writing(self) -> None:
        """The system has all of it."""
        self._is_sending = False

    def data_received(self, data: bytes) -> None:
        """Part of a reply, or mostly all of it."""
        waiter = self._waiter
        if waiter is None or waiter.done():
            self.end()
            return
        if not self._received and len(data) > 4:
            if int.from_bytes(data[:4], "big") + 4 == len(data):
                self._waiter = None
                waiter.set_result(data)
                return
        self._parts.append(data)
        self._received += len(data)
        if self._size < 0:
            self._read_size()
        if self._received == self._size:
            reply = b"".join(self._parts)
            self._parts.clear()
            self._received, self._size = 0, -1
            self._waiter = None
            waiter.set_result(reply)
        elif 0 <= self._size < self._received:
            self._fail(malformed(f"it announces {self._size} bytes and has {self._received}"))

    def _read_size(self) -> None:
        if self._received < 4:
            return
        self._parts = [b"".join(self._parts)]
        size = int.from_bytes(self._parts[0][:4], "big") + 4
        if size == 4:
            self._fail(malformed("it is empty"))
        elif size > self.reply_max_bytes:
            self._fail(
                malformed(
                    f"it announces {size} bytes, over the limit of {self.reply_max_bytes}. Is a"
                    " Forebay service listening at this address?"
                )
            )
        else:
            self._size = size

    def eof_received(self) -> None:
        """The service has closed its side."""
        # As `Link` has it: a request that had not all arrived was not begun.
        begun = not self._is_sending
        if begun and not self._received and self._socket.family != socket.AF_UNIX:
            begun = unacknowledged_bytes(self._socket) <= 0
        self._fail(Lost(_CLOSED, begun=begun))

    def connection_lost(self, failure: Optional[Exception]) -> None:
        """The socket is about to be closed."""
        reason = str(failure) if failure is not None else _CLOSED
        lost = Lost(reason, begun=not self._is_sending)
        lost.__cause__ = failure
        self._fail(lost)
