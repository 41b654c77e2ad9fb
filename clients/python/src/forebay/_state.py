"""What a connection remembers: its shard, autocommit, isolation, an open transaction,
what the last statement left; and what of it goes along with every call.

Nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from . import _requests as requests
from . import err
from ._call import Call
from ._local import LocalResult
from .constants import CR

#: Warnings that every reply is to bring along: what SHOW WARNINGS shows by default
#: (max_error_count). They cost nothing where there are none.
WARNINGS_MAX = 64
#: The bound of a call's answer is its own timeout, the service's grace, and this.
SOCKET_MARGIN_SECONDS = 0.25
#: The grace of a service that does not tell its own.
REPLY_GRACE_MS = 250
#: The longest timeout that a call can have.
MS_MAX = 2**31 - 1
NO_BACKSLASH_ESCAPES = "NO_BACKSLASH_ESCAPES"
_ROLL_BACK_FIRST = "; call rollback(), and begin the transaction anew"
_LOST = "Lost connection to the service within a transaction, which is rolled back"


class State:
    """What one connection remembers.

    `link` is asked for nothing but the number of its session.
    """

    def __init__(self, link: Any, *, encoders: Mapping[Any, Any], autocommit: bool) -> None:
        self.link = link
        self.encoders = encoders
        self.autocommit = autocommit
        self.shard: Optional[str] = None
        #: What the service has told of itself: `_replies.Info`.
        self.info: Any = None
        #: Of transactions from now on, as SET SESSION TRANSACTION has it; None: the database's.
        self.isolation: Optional[int] = None
        self.read_only: Optional[bool] = None
        #: Of the next transaction only, as SET TRANSACTION has it.
        self.next_isolation: Optional[int] = None
        self.next_read_only: Optional[bool] = None
        #: What SET has set with autocommit off, by the variable's name: as in MySQL it
        #: outlives a transaction, so every one begins with it.
        self.settings: dict[str, str] = {}
        #: What the server has for those that were set, by itself.
        self.own_values: dict[str, Any] = {}
        #: The open transaction, and the session that it belongs to.
        self.token: Optional[str] = None
        self.session: Optional[int] = None
        #: The isolation, and whether it reads only, that it was begun with.
        self.characteristics: tuple[Optional[int], Optional[bool]] = (None, None)
        #: Whether LOCK TABLES has begun it.
        self.locked = False
        #: Why a transaction is gone that nobody has ended.
        self.lost: Optional[str] = None
        #: What SHOW WARNINGS shows: of the last statement's reply, or its error.
        self.warnings_of: Any = None
        #: Version and sql_mode of the shard's database, once they were asked for.
        self.known_facts: Optional[tuple[str, str]] = None
        #: Writes a value into SQL, for what is in a statement's text.
        self.escape: Any = None
        #: The last AUTO_INCREMENT value that a statement made, and the transaction it was in.
        self.insert_id = 0
        self.insert_token: Optional[str] = None
        #: Whether the transaction has changed its sql_mode.
        self.mode_changed = False
        #: Whether text goes into SQL with quotes doubled and no backslashes.
        self.no_backslash_escapes = False
        self.timeout_seconds: Optional[float] = None
        self.max_rows: Optional[int] = None
        self.request_id: Optional[str] = None
        self._timeout_ms: Optional[int] = None
        self._bound: Optional[float] = None
        self._shard_field = b""
        self._options = b""
        self._transaction_options = b""
        self.set_limits()

    def set_limits(self) -> None:
        """Takes over timeout_seconds, max_rows, request_id and the service's own limits."""
        seconds = self.timeout_seconds
        if seconds is not None:
            seconds = min(seconds, MS_MAX / 1000)
        self._timeout_ms = None if seconds is None else max(1, int(seconds * 1000))
        self._bound = None
        if seconds is not None:
            limits = getattr(self.info, "limits", None)
            grace_ms = getattr(limits, "reply_grace_ms", None) or REPLY_GRACE_MS
            self._bound = seconds + grace_ms / 1000 + SOCKET_MARGIN_SECONDS
        self._options = self._options_with(None)
        if self.token is not None:
            self._transaction_options = self._options_with(self.token)

    def _options_with(self, transaction: Optional[str]) -> bytes:
        return requests.options(
            timeout_ms=self._timeout_ms,
            request_id=self.request_id,
            transaction=transaction,
            max_rows=self.max_rows,
            warnings_max=WARNINGS_MAX,
        )

    def set_shard(self, name: Optional[str]) -> None:
        """The shard that statements go to from now on; None: none yet."""
        if name != self.shard:
            self.known_facts = None
            self.no_backslash_escapes = False
            self.own_values = {}
        self.shard = name
        self._shard_field = b"" if name is None else requests.shard_field(name)

    def call(self, function: bytes, body: bytes, read: Any, *, resend: bool = False) -> Call:
        """A call within the open transaction, if there is one."""
        return Call(
            function, body, read, resend=resend, timeout=self._bound, session=self.session
        )

    @property
    def shard_field(self) -> bytes:
        """Field 1 of a request."""
        if self.shard is None:
            raise err.OperationalError(
                1046, "No database selected: connect with database=, the name of a shard"
            )
        return self._shard_field

    @property
    def options(self) -> bytes:
        """Field 15 of a request: of the open transaction, if there is one."""
        return self._options if self.token is None else self._transaction_options

    def took(self, result: Any) -> None:
        """Remembers what is asked for later of a statement's result."""
        self.warnings_of = result
        if result.insert_id:
            self.insert_id = result.insert_id
            self.insert_token = self.token

    def _see_loss(self, why: str) -> None:
        if self.token is not None and self.link.session != self.session:
            self._ended()
            self.lost = f"{_LOST} ({why})" if why else _LOST

    def raise_if_lost(self) -> None:
        """Raises that the transaction is gone that the caller relies on: until its end is
        asked for, or else a program that goes on after an error would commit the tail of
        a transaction without its head."""
        if self.lost is not None:
            raise err.OperationalError(CR.CR_SERVER_LOST, self.lost + _ROLL_BACK_FIRST)

    def _ended(self) -> None:
        self.token = None
        self.session = None
        self.characteristics = None, None
        self.locked = False
        self.settle_mode()

    def settle_mode(self) -> None:
        """With no transaction open: text is escaped as the next statement reads it, by
        the shard's own sql_mode, or by one that every transaction begins with."""
        begins_with_another = "sql_mode" in self.settings and not self.autocommit
        if self.mode_changed and not begins_with_another:
            self.mode_changed = False
            mode = self.known_facts[1] if self.known_facts is not None else ""
            self.no_backslash_escapes = NO_BACKSLASH_ESCAPES in mode.split(",")

    def reset(self) -> None:
        """As a connection is that has just been opened."""
        self.settings = {}
        self._ended()
        self.lost = None
        self.isolation = self.read_only = None
        self.next_isolation = self.next_read_only = None
        self.warnings_of = None
        self.insert_id = 0
        self.insert_token = None

    def done(self) -> LocalResult:
        """The result of what was done without a statement of the service's."""
        result = LocalResult()
        self.warnings_of = result
        return result
