"""What a connection of asyncio's tells of itself without asking anybody, by PyMySQL's
and aiomysql's names: attributes and literals."""

from __future__ import annotations

import time
from typing import Any, Optional

from .. import connections, converters, err
from ._link import Link


class Arguments(connections.Connection):
    """The arguments of a connection, the attributes that they come to, and its
    literals. It is never opened itself."""

    def _escape_string(self, s: str) -> str:
        # Whether backslashes escape is asked of the database where a statement needs
        # it, which cannot be awaited here. Without one in the text, it is the same.
        talk = self._conversation
        if talk.known_facts is None and "\\" in s:
            raise err.ProgrammingError(
                "the shard's sql_mode, by which a backslash is escaped, is not known yet: "
                "`await connection.server_version()` first, or leave it to execute's arguments"
            )
        if talk.known_facts is None or talk.no_backslash_escapes:
            return s.replace("'", "''")
        return converters.escape_string(s)


class Attributes:
    """A part of `Connection`, which has what these work on."""

    _link: Link
    _plain: Arguments

    @property
    def host(self) -> str:
        """The service's host or hosts, as they were given."""
        return str(self._plain.host)

    @property
    def port(self) -> int:
        """The port of hosts that name none."""
        return self._plain.port

    @property
    def unix_socket(self) -> Optional[str]:
        """The Unix socket's path."""
        path: Optional[str] = self._plain.unix_socket
        return path

    @property
    def db(self) -> Optional[str]:
        """The shard's name."""
        name: Optional[str] = self._plain.db
        return name

    @property
    def user(self) -> Optional[str]:
        """Who was said to connect."""
        return self._plain.user

    @property
    def charset(self) -> str:
        """The character set's name."""
        return self._plain.charset

    @property
    def encoding(self) -> str:
        """Python's name of it."""
        return self._plain.encoding

    @property
    def host_info(self) -> str:
        """Where the session is."""
        return self._plain.host_info

    @property
    def last_usage(self) -> float:
        """When the last reply came, on the clock of `time.monotonic`."""
        return self._link.used_at

    @property
    def idle_seconds(self) -> float:
        """How long ago that was."""
        return time.monotonic() - self._link.used_at

    @property
    def server_status(self) -> int:
        """Flags of `constants.SERVER_STATUS`, as far as they are known here."""
        return self._plain.server_status

    def character_set_name(self) -> str:
        """The character set's name."""
        return self._plain.charset

    def get_host_info(self) -> str:
        """Where the session is."""
        return self._plain.host_info

    def get_proto_info(self) -> int:
        """The number of MySQL's protocol, which programs expect; the service's is another."""
        return self._plain.get_proto_info()

    def escape(self, obj: Any) -> str:
        """A value's SQL, quotes and all. Prefer arguments of `execute`.

        :raises ProgrammingError: text with a backslash, before `server_version` was
            awaited.
        """
        return self._plain.escape(obj)

    def literal(self, obj: Any) -> str:
        """The same."""
        return self._plain.escape(obj)

    def escape_string(self, s: str) -> str:
        """Text as it stands between single quotes; see escape."""
        return self._plain.escape_string(s)
