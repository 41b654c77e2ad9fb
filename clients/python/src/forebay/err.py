"""PyMySQL's exceptions (PEP 249, "Exceptions"), and which of them an error of
the service is.

An error of the database has the class and the number that it has in PyMySQL:
`error.args == (errno, message)`. Whatever came from the service also tells what
to do about it: see `Error`.
"""

from __future__ import annotations

import builtins
from typing import Any, NoReturn, Optional, Protocol

from .constants import ER


class MySQLError(Exception):
    """What all exceptions of this package are."""


class Warning(builtins.Warning, MySQLError):
    """Something important that is not an error, such as truncated data (PEP 249)."""


class Error(MySQLError):
    """What all exceptions but `Warning` are (PEP 249): `except Error` catches every error.

    Attributes but `sqlstate` are None where the error did not come from the service.
    """

    #: The five characters of the SQLSTATE; None if the error is not a database's.
    sqlstate: Optional[str] = None
    #: The service's name for it: `"DEADLINE_EXCEEDED"`.
    code: Optional[str] = None
    #: Whether the statement took effect: `"NOT_APPLIED"`, `"APPLIED"` or `"UNKNOWN"`.
    outcome: Optional[str] = None
    #: Whether to send the same again: `"NO"`, `"AT_ONCE"` or `"AFTER_PAUSE"`.
    retry: Optional[str] = None
    #: The shard's name; None if no shard was asked.
    shard: Optional[str] = None
    #: Where the request was: `"REQUEST"`, `"QUEUE"`, `"CONNECT"`, `"EXECUTE"`,
    #: `"FETCH"` or `"ENCODE"`.
    phase: Optional[str] = None
    #: The caller's own id of the request, or the one that the service made.
    request_id: Optional[str] = None
    #: The limit that was met, in the unit that the message names, and what was seen.
    limit: Optional[int] = None
    seen: Optional[int] = None
    #: Which step of a batch or item of a multi failed, from 0.
    item: Optional[int] = None
    #: How often the database was given the request before it failed.
    attempts: Optional[int] = None

    def __init__(self, *args: Any, sqlstate: Optional[str] = None) -> None:
        super().__init__(*args)
        self.sqlstate = sqlstate


class InterfaceError(Error):
    """The interface to the database was misused, rather than the database (PEP 249)."""


class DatabaseError(Error):
    """An error that has to do with the database (PEP 249)."""


class DataError(DatabaseError):
    """A value cannot be processed: out of range, too long, a division by zero (PEP 249)."""


class OperationalError(DatabaseError):
    """The database's operation went wrong, often not by the program's fault: a lost
    connection, a deadlock, a deadline that passed (PEP 249)."""


class IntegrityError(DatabaseError):
    """The relations in the database would be hurt: a duplicate key, a foreign key (PEP 249)."""


class InternalError(DatabaseError):
    """The database, the service or this package met an error of its own (PEP 249)."""


class ProgrammingError(DatabaseError):
    """The program is wrong: bad SQL, no such table, a wrong number of parameters (PEP 249)."""


class NotSupportedError(DatabaseError):
    """The database or the service does not have what was asked for (PEP 249)."""


class ParameterError(ProgrammingError, TypeError):
    """The parameters do not fit the statement's placeholders."""


#: Which class an error of the database has, by its number; see `error_class`.
error_map: dict[int, type[DatabaseError]] = {
    # The statement.
    ER.DB_CREATE_EXISTS: ProgrammingError,
    ER.PARSE_ERROR: ProgrammingError,
    ER.WRONG_DB_NAME: ProgrammingError,
    ER.WRONG_TABLE_NAME: ProgrammingError,
    ER.FIELD_SPECIFIED_TWICE: ProgrammingError,
    ER.INVALID_GROUP_FUNC_USE: ProgrammingError,
    ER.UNSUPPORTED_EXTENSION: ProgrammingError,
    ER.TABLE_MUST_HAVE_COLUMNS: ProgrammingError,
    ER.NO_SUCH_TABLE: ProgrammingError,
    ER.SYNTAX_ERROR: ProgrammingError,
    ER.WRONG_COLUMN_NAME: ProgrammingError,
    ER.CANT_DO_THIS_DURING_AN_TRANSACTION: ProgrammingError,
    # Its values.
    ER.PRIMARY_CANT_HAVE_NULL: DataError,
    ER.NO_DEFAULT: DataError,
    ER.WARN_NULL_TO_NOTNULL: DataError,
    ER.WARN_DATA_OUT_OF_RANGE: DataError,
    ER.WARN_DATA_TRUNCATED: DataError,
    ER.TRUNCATED_WRONG_VALUE_FOR_FIELD: DataError,
    ER.ILLEGAL_VALUE_FOR_TYPE: DataError,
    ER.DATA_TOO_LONG: DataError,
    ER.DATETIME_FUNCTION_OVERFLOW: DataError,
    # Constraints.
    ER.BAD_NULL_ERROR: IntegrityError,
    ER.DUP_ENTRY: IntegrityError,
    ER.CANNOT_ADD_FOREIGN: IntegrityError,
    ER.NO_REFERENCED_ROW: IntegrityError,
    ER.ROW_IS_REFERENCED: IntegrityError,
    ER.ROW_IS_REFERENCED_2: IntegrityError,
    ER.NO_REFERENCED_ROW_2: IntegrityError,
    # What the server does not do.
    ER.WARNING_NOT_COMPLETE_ROLLBACK: NotSupportedError,
    ER.NOT_SUPPORTED_YET: NotSupportedError,
    ER.UNKNOWN_STORAGE_ENGINE: NotSupportedError,
    ER.FEATURE_DISABLED: NotSupportedError,
    # Its operation.
    ER.CON_COUNT_ERROR: OperationalError,
    ER.DBACCESS_DENIED_ERROR: OperationalError,
    ER.ACCESS_DENIED_ERROR: OperationalError,
    ER.TABLEACCESS_DENIED_ERROR: OperationalError,
    ER.COLUMNACCESS_DENIED_ERROR: OperationalError,
    ER.LOCK_DEADLOCK: OperationalError,
    ER.CONSTRAINT_FAILED: OperationalError,
}


def error_class(errno: int) -> type[DatabaseError]:
    """The class of an error of the database, as PyMySQL chooses it."""
    return error_map.get(errno, InternalError if errno < 1000 else OperationalError)


def raise_mysql_exception(data: bytes) -> NoReturn:
    """Raises what an ERR packet of MySQL's protocol says (MySQL Source Code
    Documentation, "ERR_Packet"). For programs that have such packets; the
    service sends none."""
    errno = int.from_bytes(data[1:3], "little", signed=True)
    sqlstate, text = None, data[3:]
    if text[0] == ord("#"):
        sqlstate, text = text[1:6].decode(), text[6:]
    raise error_class(errno)(errno, text.decode("utf-8", "replace"), sqlstate=sqlstate)


class ServiceErrorLike(Protocol):
    """The service's `DataError` as it was read: the fields of the IDL by their names."""

    code: int
    outcome: int
    retry_hint: int
    message: str
    mysql_errno: int
    sqlstate: str
    shard: str
    phase: int
    request_id: str
    limit: Optional[int]
    seen: Optional[int]
    item: Optional[int]
    attempts: int


_NOT_APPLIED = 1
_ABORTED = 22
_OUTCOMES = {1: "NOT_APPLIED", 2: "APPLIED", 3: "UNKNOWN"}
_RETRIES = {1: "NO", 2: "AT_ONCE", 3: "AFTER_PAUSE"}
_PHASES = {1: "REQUEST", 2: "QUEUE", 3: "CONNECT", 4: "EXECUTE", 5: "FETCH", 6: "ENCODE"}

#: `ErrorCode` of the IDL: its name, and the class and number where the database
#: gave no number. Numbers are MySQL's whose meaning to programs is the same:
#: 1213 says "the transaction is gone, the connection is well, begin it anew" (1205
#: does not: after that a transaction goes on), 2013 and 2003 say "the connection is
#: of no use".
_CODES: dict[int, tuple[str, type[DatabaseError], int]] = {
    1: ("INVALID_ARGUMENT", ProgrammingError, 1210),
    2: ("UNKNOWN_SHARD", OperationalError, 1049),
    3: ("UNAUTHENTICATED", OperationalError, 1045),
    4: ("PERMISSION_DENIED", OperationalError, 1142),
    5: ("STATEMENT_NOT_ALLOWED", NotSupportedError, 1235),
    6: ("SQL_ERROR", OperationalError, 1105),
    7: ("DUPLICATE_KEY", IntegrityError, 1062),
    8: ("CONSTRAINT", IntegrityError, 1452),
    9: ("DATA_ERROR", DataError, 1366),
    10: ("DEADLOCK", OperationalError, 1213),
    11: ("LOCK_TIMEOUT", OperationalError, 1205),
    12: ("QUEUE_FULL", OperationalError, 1040),
    13: ("QUEUE_TIMEOUT", OperationalError, 3024),
    14: ("DEADLINE_EXCEEDED", OperationalError, 3024),
    15: ("CANCELLED", OperationalError, 1317),
    16: ("REQUEST_TOO_LARGE", OperationalError, 1153),
    17: ("RESULT_TOO_LARGE", OperationalError, 1104),
    18: ("SHARD_UNAVAILABLE", OperationalError, 2003),
    19: ("SHARD_READ_ONLY", OperationalError, 1290),
    20: ("CONNECTION_LOST", OperationalError, 2013),
    21: ("TRANSACTION_NOT_FOUND", OperationalError, 1213),
    22: ("TRANSACTION_ABORTED", OperationalError, 1213),
    23: ("TRANSACTION_EXPIRED", OperationalError, 1213),
    24: ("DRAINING", OperationalError, 1053),
    25: ("INTERNAL", InternalError, 1105),
}

#: SQLite's extended result codes of constraints ("Result and Error Codes") that
#: MySQL has a number of its own for.
_SQLITE_ERRNOS = {
    275: ER.CONSTRAINT_FAILED,  # SQLITE_CONSTRAINT_CHECK
    787: ER.NO_REFERENCED_ROW_2,  # SQLITE_CONSTRAINT_FOREIGNKEY
    1299: ER.BAD_NULL_ERROR,  # SQLITE_CONSTRAINT_NOTNULL
}


def from_service(error: ServiceErrorLike) -> DatabaseError:
    """The exception for an error that the service sent. Its class and number are
    those of PyMySQL where the database gave a number."""
    name, kind, errno = _CODES.get(error.code) or (str(error.code), InternalError, 1105)
    if error.code == _ABORTED and error.outcome != _NOT_APPLIED:
        # A procedure has committed what came before: who runs the transaction again, as
        # programs do after 1213, would have that twice.
        errno = ER.COMMIT_NOT_ALLOWED_IN_SF_OR_TRG
    if error.mysql_errno > 0:
        errno = error.mysql_errno
        kind = error_class(errno)
    elif -error.mysql_errno in _SQLITE_ERRNOS:
        errno = _SQLITE_ERRNOS[-error.mysql_errno]
        kind = error_class(errno)
    made = kind(errno, error.message, sqlstate=error.sqlstate or None)
    made.code = name
    made.outcome = _OUTCOMES.get(error.outcome, str(error.outcome))
    made.retry = _RETRIES.get(error.retry_hint, str(error.retry_hint))
    made.shard = error.shard or None
    made.phase = _PHASES.get(error.phase, str(error.phase))
    made.request_id = error.request_id or None
    made.limit = error.limit
    made.seen = error.seen
    made.item = error.item
    made.attempts = error.attempts
    return made
