"""What the arguments of `connect` come to: PyMySQL's, checked, with those of an
option file, and those that a service without TLS or character sets has to refuse.

Nothing here opens a connection.
"""

from __future__ import annotations

import configparser
import functools
import getpass
import os
import sys
import warnings
from typing import Any, Optional

from . import err
from ._set import UTF8_NAMES, refused_charset

CONNECT_TIMEOUT_MAX_SECONDS = 31536000

_TLS_REMEDY = (
    "the service speaks plain TCP for now: put stunnel or a private network between, use "
    "unix_socket=, or leave out ssl= and its like"
)


def deprecated_names(
    database: Optional[str],
    shard: Optional[str],
    db: Optional[str],
    password: Any,
    passwd: Any,
) -> tuple[Optional[str], Any]:
    """The shard's name and the password, by whichever name they were given."""
    if db is not None and database is None:
        warnings.warn("'db' is deprecated, use 'database'", DeprecationWarning, 4)
        database = db
    if passwd is not None and not password:
        warnings.warn("'passwd' is deprecated, use 'password'", DeprecationWarning, 4)
        password = passwd
    if shard is not None:
        if database is not None and database != shard:
            raise err.ProgrammingError(
                f"database={database!r} and shard={shard!r} are two names of one argument"
            )
        database = shard
    return database, password


def shard_name(database: Any) -> Optional[str]:
    """None, as in PyMySQL, also where it is empty."""
    if isinstance(database, (bytes, bytearray)):
        database = database.decode("utf-8")
    return database or None


class OptionFile:
    """A section of a my.cnf; what it does not have, or what was given anyway, is kept."""

    def __init__(self, path: Optional[str], group: Optional[str]) -> None:
        if group and not path:
            path = "c:\\my.ini" if sys.platform.startswith("win") else "/etc/my.cnf"
        self._group = group or "client"
        self._values: dict[str, str] = {}
        if path:
            parser = configparser.RawConfigParser(allow_no_value=True, strict=False)
            parser.read(os.path.expanduser(path))
            if parser.has_section(self._group):
                for key, value in parser.items(self._group):
                    if value is not None:
                        self._values[key.replace("_", "-")] = value.strip("\"'")

    def get(self, key: str, given: Any) -> Any:
        """What was given, or else what the file has under that key."""
        return given if given else self._values.get(key, given)


def check_tls(ssl: Any, others: dict[str, Any], disabled: Any, options: OptionFile) -> None:
    """:raises NotSupportedError: TLS is asked for, rather than merely allowed."""
    if disabled:
        return
    asked = [name for name, value in others.items() if value]
    if ssl:
        asked.insert(0, "ssl")
    asked.extend(
        f"ssl-{key}" for key in ("ca", "capath", "cert", "key") if options.get(f"ssl-{key}", None)
    )
    if asked:
        names = ", ".join(asked)
        raise err.NotSupportedError(2026, f"TLS is asked for by {names}, but {_TLS_REMEDY}")


def checked_port(port: Any, default: int) -> int:
    """:raises ValueError: it is no int."""
    port = port or default
    if type(port) is not int:
        raise ValueError("port should be of type int")
    return port


def checked_connect_timeout(seconds: Any) -> float:
    """:raises ValueError: out of range."""
    if not 0 < seconds <= CONNECT_TIMEOUT_MAX_SECONDS:
        raise ValueError("connect_timeout should be >0 and <=31536000")
    return float(seconds)


def checked_timeout(name: str, seconds: Any) -> Optional[float]:
    """:raises ValueError: not over 0."""
    if seconds is not None and seconds <= 0:
        raise ValueError(f"{name} should be > 0")
    return None if seconds is None else float(seconds)


def checked_charset(charset: str) -> str:
    """:raises NotSupportedError: not UTF-8, as which text goes to and from the service."""
    if charset.lower() not in UTF8_NAMES:
        raise refused_charset(charset)
    return charset


@functools.lru_cache(maxsize=1)
def default_user() -> Optional[str]:
    """Who the process's user is; None if that has no name."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return None
