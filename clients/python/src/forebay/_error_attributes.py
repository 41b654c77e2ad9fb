"""The exceptions as attributes of a connection, an optional extension of PEP 249."""

from __future__ import annotations

from . import err


class ErrorAttributes:
    """What both kinds of connections have of it."""

    Warning = err.Warning
    Error = err.Error
    InterfaceError = err.InterfaceError
    DatabaseError = err.DatabaseError
    DataError = err.DataError
    OperationalError = err.OperationalError
    IntegrityError = err.IntegrityError
    InternalError = err.InternalError
    ProgrammingError = err.ProgrammingError
    NotSupportedError = err.NotSupportedError
