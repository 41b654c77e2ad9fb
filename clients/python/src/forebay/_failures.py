"""What goes wrong on the way to the service and back, and whether a call may then be
sent again. No I/O: the blocking link and the asyncio one decide by this alike.
"""

from __future__ import annotations

import socket
from typing import NoReturn, Union

from . import err
from ._call import Call
from .constants import CR, ER

#: A read is sent again so often after its session was lost.
RESENDS_MAX = 2


class Closed(ConnectionError):
    """The service has ended the connection."""


class Silent(socket.timeout):
    """A deadline has passed, seen here rather than by the socket."""


class Lost(Exception):
    """The session broke within a call."""

    def __init__(self, reason: str, *, begun: bool, final: bool = False) -> None:
        super().__init__(reason)
        #: Whether the service may have begun the call.
        self.begun = begun
        #: It is not to be sent again: the time is up, or somebody here has closed it.
        self.final = final


class Attempts:
    """The attempts at one call, and whether there may be another.

    What certainly was not begun (it was not sent whole, or DRAINING was the answer)
    is sent to each address and once more; what may have been, only if the call says
    that this does no harm; and nothing that belongs to a transaction, whose session
    is gone.
    """

    __slots__ = ("_call", "_resends", "_unbegun", "_unbegun_max")

    def __init__(self, call: Call, address_count: int) -> None:
        self._call = call
        self._resends = 0
        self._unbegun = 0
        self._unbegun_max = address_count + 1

    def failed(self, failure: Union[Lost, err.Error], seconds_left: float) -> None:
        """Returns if there is to be another; otherwise raises what the caller gets."""
        call = self._call
        may = call.session is None and seconds_left > 0
        may = may and not (isinstance(failure, Lost) and failure.final)
        if isinstance(failure, Lost) and failure.begun:
            self._resends += 1
            may = may and call.resend and self._resends <= RESENDS_MAX
        else:
            self._unbegun += 1
            may = may and self._unbegun <= self._unbegun_max
        if may:
            return
        if isinstance(failure, Lost):
            raise_lost(call, failure)
        raise failure


def raise_lost(call: Call, lost: Lost) -> NoReturn:
    """2013, as a program gets it that has lost its connection within a query."""
    is_unknown = lost.begun and not call.resend
    message = f"Lost connection to the service during query ({lost})"
    if is_unknown:
        message += "; it may have been carried out, so it was not sent again"
    outcome = "UNKNOWN" if is_unknown else "NOT_APPLIED"
    raise operational(CR.CR_SERVER_LOST, message, outcome) from lost.__cause__


def is_draining(error: err.Error) -> bool:
    """Nothing was begun, and another instance of the service takes the call."""
    return error.code == "DRAINING" and error.outcome == "NOT_APPLIED"


def is_foreign(error: OSError) -> bool:
    """Whether it was thrown into the wait by somebody else, as by
    `gevent.Timeout(1, TimeoutError)`, rather than by the socket."""
    if error.errno is not None or isinstance(error, (Closed, Silent, socket.gaierror)):
        return False
    # Two classes before Python 3.10.
    if isinstance(error, (socket.timeout, TimeoutError)):
        # The words of CPython's sockets, gevent's and eventlet's.
        return error.args[:1] != ("timed out",)
    return not error.args


def operational(errno: int, message: str, outcome: str) -> err.OperationalError:
    error = err.OperationalError(errno, message)
    error.outcome = outcome
    return error


def cannot_connect(failures: list[str]) -> err.OperationalError:
    """`failures`: each address with what came of it."""
    message = f"Can't connect to the service on {'; '.join(failures)}"
    return operational(CR.CR_CONN_HOST_ERROR, message, "NOT_APPLIED")


def session_lost() -> err.OperationalError:
    return operational(
        CR.CR_SERVER_LOST,
        "Lost connection to the service: the session of this transaction is lost, and the"
        " transaction is rolled back; begin it anew",
        "NOT_APPLIED",
    )


def request_too_large(size: int, limit: int) -> err.OperationalError:
    """As the service would say it, which then closes the session."""
    error = operational(
        ER.NET_PACKET_TOO_LARGE,
        f"the request has {size} bytes, over the service's request_max_bytes of {limit}; send"
        " fewer values at once, or raise request_max_bytes",
        "NOT_APPLIED",
    )
    error.code, error.limit, error.seen = "REQUEST_TOO_LARGE", limit, size
    return error


def busy() -> err.InterfaceError:
    return err.InterfaceError(
        0,
        "this connection has a call under way in another thread or greenlet; take one"
        " connection for each, from a forebay.Pool",
    )


def malformed(what: str) -> err.InternalError:
    return err.InternalError(CR.CR_MALFORMED_PACKET, f"Malformed reply: {what}")
