"""What a connection tells of its session and changes in it, and the literals that it
makes: methods of `Connection` by PyMySQL's names."""

from __future__ import annotations

import warnings
from typing import Any, Optional

from . import _arguments, converters, err
from ._conversation import Conversation
from ._set import check_collation


class SessionMethods:
    """A part of `Connection`, which has what these methods work on."""

    charset: str
    collation: Optional[str]
    db: Optional[str]
    encoders: dict[Any, Any]
    encoding: str
    host_info: str
    _conversation: Conversation
    _is_open: bool
    _run: Any
    connect: Any
    query: Any

    def ping(self, reconnect: bool = False) -> None:
        """Asks the service, and the shard's database through it. A session that was
        lost outside a transaction is opened again by itself.

        :raises Error: it is closed, and reconnect is False.
        """
        if reconnect:
            warnings.warn(
                "The 'reconnect' argument is deprecated. Create a new connection if you want to "
                "reconnect.",
                DeprecationWarning,
                2,
            )
        if not self._is_open:
            if not reconnect:
                raise err.Error("Already closed")
            self.connect()
        self._run(self._conversation.ping())
        if reconnect:
            # As after PyMySQL's reconnecting, a transaction that was lost is behind it.
            self._conversation.lost = None

    def select_db(self, db: str) -> None:
        """Turns to another shard. Not within a transaction."""
        self._run(self._conversation.select(db))
        self.db = db

    def set_charset(self, charset: str) -> None:
        """Deprecated; see set_character_set."""
        warnings.warn(
            "'set_charset' is deprecated, use 'set_character_set' instead", DeprecationWarning, 2
        )
        self.set_character_set(charset)

    def set_character_set(self, charset: str, collation: Optional[str] = None) -> None:
        """Takes a name of UTF-8.

        :raises NotSupportedError: any other.
        """
        _arguments.checked_charset(charset)
        if not self._is_open:
            raise err.InterfaceError(0, "")
        if collation:
            self._run(check_collation(self._conversation, collation))
        self.charset = charset
        self.collation = collation

    def character_set_name(self) -> str:
        """The character set's name."""
        return self.charset

    def kill(self, thread_id: int) -> None:
        """Sends KILL to the database."""
        if not isinstance(thread_id, int):
            raise TypeError("thread_id must be an integer")
        self.query(f"KILL {thread_id:d}")

    def thread_id(self) -> int:
        """The number of the database's connection within a transaction; 0 outside,
        where each statement may run on another."""
        if self._conversation.token is None:
            return 0
        result = self._run(self._conversation.ask("SELECT CONNECTION_ID()"))
        return int(result.rows.rows(converters.decoders, 0, 1)[0][0])

    @property
    def server_version(self) -> str:
        """The version of the shard's database."""
        version: str = self._run(self._conversation.facts())[0]
        return version

    def get_server_info(self) -> str:
        """The version of the shard's database."""
        return self.server_version

    def get_host_info(self) -> str:
        """Where the session is."""
        return self.host_info

    def get_proto_info(self) -> int:
        """The number of MySQL's protocol, which programs expect; the service's is another."""
        return 10

    def escape(self, obj: Any, mapping: Any = None) -> str:
        """A value's SQL, quotes and all. Prefer arguments of `execute`."""
        if isinstance(obj, str):
            return f"'{self._escape_string(obj)}'"
        if isinstance(obj, (bytes, bytearray)):
            return f"X'{obj.hex()}'"
        # By exact type, as PyMySQL does: a struct_time is a tuple, too.
        if type(obj) in (tuple, list, set, frozenset):
            return "(" + ",".join([self.escape(item, mapping) for item in obj]) + ")"
        return converters.escape_item(
            obj, self.encoding, mapping=self.encoders if mapping is None else mapping
        )

    def literal(self, obj: Any) -> str:
        """Deprecated; see escape."""
        warnings.warn(
            "literal() is deprecated and will be removed in the next version.",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.escape(obj)

    def escape_string(self, s: str) -> str:
        """Text as it stands between single quotes. Prefer arguments of `execute`."""
        return self._escape_string(s)

    def _escape_string(self, s: str) -> str:
        talk = self._conversation
        if talk.known_facts is None and self._is_open and talk.shard is not None:
            self._run(talk.facts())
        if talk.no_backslash_escapes:
            return s.replace("'", "''")
        return converters.escape_string(s)
