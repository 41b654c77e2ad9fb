"""A connected socket, and the waits on it, each of which ends by a deadline.

Sockets are made by whatever `socket.socket` is at that moment, so that patching
it, as gevent and eventlet do, makes the waits cooperative.
"""

from __future__ import annotations

import socket
import sys
import time
from _socket import socket as PlainSocket
from typing import Any, Optional

from ._failures import Closed, Silent, malformed
from ._site import Resolved

#: What one `recv` asks for: most replies come whole in one.
RECEIVE_BYTES = 64 * 1024
#: The same of the rest of a larger one; nothing is allocated by what is announced.
RECEIVE_REST_BYTES = 256 * 1024

#: A socket's time-out of 0 would mean not to wait at all.
ARM_MIN_SECONDS = 0.001

NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)

#: How long a silent peer is let be, how long between probes, and how many of them.
_KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))


class Stream:
    """A connection with one address. `deadline`s are on `time.monotonic`'s clock.

    The socket waits with its own time-out, which CPython keeps whatever signals
    arrive; SO_RCVTIMEO would spare a poll, some 0.4 µs, but begins anew after each
    signal, so that a program with an interval timer would never time out. Sending
    and looking go by a second object on the same descriptor, without polling.
    """

    __slots__ = ("_is_tcp", "_plain", "_socket", "armed", "is_shut", "receive", "send")

    def __init__(self, resolved: Resolved, bind_address: Optional[str], deadline: float) -> None:
        family, where = resolved
        self._is_tcp = family in (socket.AF_INET, socket.AF_INET6)
        self._plain: Any = None
        self._socket: Any = socket.socket(family, socket.SOCK_STREAM)
        #: The socket's time-out in seconds.
        self.armed = 0.0
        #: Whether this side has ended it.
        self.is_shut = False
        try:
            if self._is_tcp:
                set_options(self._socket)
                if bind_address is not None:
                    self._socket.bind((bind_address, 0))
            self.arm_until(deadline)
            self._socket.connect(where)
            made = self._socket
            self._plain = PlainSocket(family, socket.SOCK_STREAM, made.proto, made.fileno())
            self._plain.settimeout(0)
        except BaseException:
            self.close()
            raise
        #: Takes bytes and flags, and gives how many it took; BlockingIOError if none.
        self.send = self._plain.send
        #: Takes how many bytes to give at the most; waits as `arm` said.
        self.receive = self._socket.recv

    def arm(self, seconds: float) -> None:
        """Every wait from here on takes no longer."""
        self._socket.settimeout(max(seconds, ARM_MIN_SECONDS))
        self.armed = seconds

    def arm_until(self, deadline: float) -> None:
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            raise Silent("timed out")
        self.arm(seconds)

    def send_rest(self, request: bytes, sent: int, deadline: float) -> None:
        """What `send` did not take at once."""
        rest = memoryview(request)[sent:]
        while rest:
            self.arm_until(deadline)
            rest = rest[self._socket.send(rest, NO_SIGNAL) :]

    def receive_rest(self, reply: bytes, size_max: int, deadline: float) -> bytes:
        """The whole message, without its length before it; `reply` came first.

        Memory grows with what comes, whatever length is announced. Raises `Closed`
        at its end, InternalError if it is larger than `size_max` bytes.
        """
        while len(reply) < 4:
            more = self._receive_some(reply, RECEIVE_BYTES, deadline)
            reply += more
        size = int.from_bytes(reply[:4], "big")
        if size > size_max:
            raise malformed(
                f"it announces {size} bytes, over the limit of {size_max}. Is a Forebay"
                " service listening at this address?"
            )
        parts = [reply[4:]]
        missing = size - len(parts[0])
        while missing > 0:
            more = self._receive_some(reply, min(missing, RECEIVE_REST_BYTES), deadline)
            parts.append(more)
            missing -= len(more)
        if missing < 0 or size == 0:
            raise malformed(f"it announces {size} bytes and has {size - missing}")
        return b"".join(parts)

    def _receive_some(self, before: bytes, wanted: int, deadline: float) -> bytes:
        if before:
            self.arm_until(deadline)
            more: bytes = self.receive(wanted)
            if more:
                return more
        raise Closed("the service closed the session")

    def has_ended(self) -> bool:
        """Whether the other side has closed it, or sent what nobody asked for."""
        try:
            self._plain.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    def unacknowledged_bytes(self) -> int:
        """See `unacknowledged_bytes`."""
        return unacknowledged_bytes(self._plain) if self._is_tcp else 0

    def shut_down(self) -> None:
        """Ends the connection, also for whoever waits on it, and for forked children
        that hold it too."""
        self.is_shut = True
        try:
            self._plain.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self) -> None:
        """Gives the descriptor up."""
        if self._plain is not None:
            # Its descriptor is not its own.
            self._plain.detach()
        try:
            self._socket.close()
        except OSError:
            pass


def set_options(opened: Any) -> None:
    """Of a TCP socket: small messages go at once, and a peer that is gone is noticed."""
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        if hasattr(socket, name):
            opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def unacknowledged_bytes(opened: Any) -> int:
    """Of what a TCP socket has sent, the bytes that have not reached the other side's
    kernel, as far as this one knows; 0 where the system does not tell."""
    if not sys.platform.startswith("linux"):
        return 0
    import fcntl
    import termios

    try:
        answer = fcntl.ioctl(opened.fileno(), termios.TIOCOUTQ, bytes(4))
    except (OSError, ValueError):
        return 0
    return int.from_bytes(answer, sys.byteorder)
