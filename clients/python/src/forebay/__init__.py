"""PyMySQL's drop-in for Forebay: DB-API 2.0 (PEP 249) over a service that runs
SQL on a few pooled connections per named MySQL shard.

`connect(host=…, port=…, database=…)` gives a `Connection`, where `database` names
a shard. `install_as_pymysql()` and `install_as_MySQLdb()` let programs run on it
that import those.
"""

from __future__ import annotations

from typing import Any

from . import connections, constants, converters, cursors, err
from ._install import install_as_MySQLdb, install_as_pymysql
from ._multi import Outcome, multi, set_default_pool
from .connections import Connection
from .constants import FIELD_TYPE
from .err import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    MySQLError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    Warning,
)
from .pool import Pool
from .times import (
    Date,
    DateFromTicks,
    Time,
    TimeFromTicks,
    Timestamp,
    TimestampFromTicks,
)

__version__ = "0.1.0"

#: PEP 249: threads may share the module, not connections; see `Pool`.
threadsafety = 1
apilevel = "2.0"
paramstyle = "pyformat"


class DBAPISet(frozenset[int]):
    """Type codes of columns that are equal to this type of PEP 249:
    `description[0][1] == forebay.STRING`."""

    def __eq__(self, other: object) -> bool:
        return frozenset.__eq__(self, other) if isinstance(other, frozenset) else other in self

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return frozenset.__hash__(self)


STRING = DBAPISet([FIELD_TYPE.ENUM, FIELD_TYPE.STRING, FIELD_TYPE.VAR_STRING])
BINARY = DBAPISet(
    [FIELD_TYPE.BLOB, FIELD_TYPE.LONG_BLOB, FIELD_TYPE.MEDIUM_BLOB, FIELD_TYPE.TINY_BLOB]
)
NUMBER = DBAPISet(
    [
        FIELD_TYPE.DECIMAL,
        FIELD_TYPE.DOUBLE,
        FIELD_TYPE.FLOAT,
        FIELD_TYPE.INT24,
        FIELD_TYPE.LONG,
        FIELD_TYPE.LONGLONG,
        FIELD_TYPE.TINY,
        FIELD_TYPE.YEAR,
    ]
)
DATE = DBAPISet([FIELD_TYPE.DATE, FIELD_TYPE.NEWDATE])
TIME = DBAPISet([FIELD_TYPE.TIME])
TIMESTAMP = DBAPISet([FIELD_TYPE.TIMESTAMP, FIELD_TYPE.DATETIME])
DATETIME = TIMESTAMP
ROWID = DBAPISet()
NULL = "NULL"

connect = Connect = Connection

#: The releases of PyMySQL and of mysqlclient that this package stands for: programs
#: such as Django and SQLAlchemy look at them.
VERSION = (1, 2, 4, "final")
VERSION_STRING = "1.2.4"
version_info = (2, 2, 8, "final", 1)


def Binary(x: Any) -> bytes:
    """A value for a binary column."""
    return bytes(x)


def get_client_info() -> str:
    """The release of mysqlclient that this package stands for."""
    return ".".join(map(str, version_info[:3]))


def thread_safe() -> bool:
    """True, as MySQLdb says of itself; see `threadsafety` for what is meant."""
    return True


__all__ = [
    "BINARY",
    "DATE",
    "DATETIME",
    "FIELD_TYPE",
    "NULL",
    "NUMBER",
    "ROWID",
    "STRING",
    "TIME",
    "TIMESTAMP",
    "Binary",
    "Connect",
    "Connection",
    "DBAPISet",
    "DataError",
    "DatabaseError",
    "Date",
    "DateFromTicks",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "MySQLError",
    "NotSupportedError",
    "OperationalError",
    "Outcome",
    "Pool",
    "ProgrammingError",
    "Time",
    "TimeFromTicks",
    "Timestamp",
    "TimestampFromTicks",
    "Warning",
    "__version__",
    "apilevel",
    "connect",
    "connections",
    "constants",
    "converters",
    "cursors",
    "err",
    "get_client_info",
    "install_as_MySQLdb",
    "install_as_pymysql",
    "multi",
    "paramstyle",
    "set_default_pool",
    "thread_safe",
    "threadsafety",
    "version_info",
]
