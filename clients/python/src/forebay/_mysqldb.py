"""What `install_as_MySQLdb()` gives for mysqlclient's connections: their order of
arguments, and the names and values of arguments that it alone takes."""

from __future__ import annotations

from typing import Any, Optional

from . import err
from .connections import Connection

#: What mysqlclient takes and this package has no use for.
_UNUSED = (
    "auth_plugin",
    "compress",
    "local_infile",
    "multi_statements",
    "named_pipe",
    "server_public_key_path",
)
#: Of these mysqlclient takes 0 for its own default.
_TIMEOUTS = ("connect_timeout", "read_timeout", "write_timeout")


class MySQLdbConnection(Connection):
    """A `Connection` that takes mysqlclient's arguments: by their names, the first
    also by their places."""

    def __init__(
        self,
        host: Optional[str] = None,
        user: Optional[str] = None,
        password: Any = "",
        database: Optional[str] = None,
        port: int = 0,
        unix_socket: Optional[str] = None,
        conv: Optional[dict[Any, Any]] = None,
        **arguments: Any,
    ) -> None:
        mode = str(arguments.pop("ssl_mode", None) or "PREFERRED").upper()
        if mode not in ("DISABLED", "PREFERRED"):
            raise err.NotSupportedError(
                2026, f"ssl_mode={mode!r}: the service speaks plain TCP for now"
            )
        for name in _UNUSED:
            arguments.pop(name, None)
        for name in _TIMEOUTS:
            if arguments.get(name, 1) == 0:
                del arguments[name]
        # Not deprecated in mysqlclient, unlike in PyMySQL.
        database = database or arguments.pop("db", None)
        password = password or arguments.pop("passwd", None) or ""
        super().__init__(
            host=host,
            user=user,
            password=password,
            database=database,
            port=port,
            unix_socket=unix_socket or None,
            conv=conv,
            **arguments,
        )


def connect_as_MySQLdb(*places: Any, **arguments: Any) -> MySQLdbConnection:
    """`MySQLdb.connect`: a function, as it is there, not the class."""
    return MySQLdbConnection(*places, **arguments)
