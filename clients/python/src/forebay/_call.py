"""One call of the service, as the layers of this package hand it to each other."""

from __future__ import annotations

from typing import Any, Callable, Optional


class Call:
    """A request that is encoded already, and how to read what comes back.

    Nothing here does I/O: `_link` and `aio` carry calls, `_requests` and
    `_replies` make them and read their replies.
    """

    __slots__ = ("body", "function", "read", "resend", "session", "timeout")

    def __init__(
        self,
        function: bytes,
        body: bytes,
        read: Callable[[bytes, int], Any],
        *,
        resend: bool = False,
        timeout: Optional[float] = None,
        session: Optional[int] = None,
    ) -> None:
        #: The function's name in the IDL: `b"query"`.
        self.function = function
        #: Its struct of arguments, to the STOP at its end.
        self.body = body
        #: From the bytes of the reply's message, and where in them its result
        #: struct begins, to what the call returns; raises what the service threw.
        self.read = read
        #: Whether it may be sent again although it may have been carried out.
        self.resend = resend
        #: Seconds in all, connecting included; None: the link's own bound.
        self.timeout = timeout
        #: It has sense in this session only (`Link.session`), where a
        #: transaction was begun; None: in any.
        self.session = session
