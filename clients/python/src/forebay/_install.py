"""Lets programs that import pymysql or MySQLdb run on this package: under their
names stand modules that have its classes and the versions that programs look at.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any, Optional

#: Modules of this package that go by the same names in PyMySQL and MySQLdb.
_SHARED = ("connections", "constants", "converters", "cursors", "times")
_PYMYSQL_ALONE = ("charset", "err")
_CONSTANTS = ("CLIENT", "COMMAND", "CR", "ER", "FIELD_TYPE", "FLAG", "SERVER_STATUS")


class StandIn(ModuleType):
    """A module under another's name, with the attributes of this package's."""

    def __init__(self, name: str, stands_for: ModuleType, **attributes: Any) -> None:
        super().__init__(name, stands_for.__doc__)
        self.__dict__.update(attributes)
        self.__dict__["_stands_for"] = stands_for
        #: A package, so that `import name.cursors` looks in sys.modules.
        self.__dict__["__path__"] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return getattr(self.__dict__["_stands_for"], name)

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *dir(self.__dict__["_stands_for"])})


def install_as_pymysql() -> None:
    """From now on `import pymysql`, and its submodules, give this package.

    May be called again. Call it before anything imports pymysql.

    :raises RuntimeError: PyMySQL itself is imported already.
    """
    package = _stand_in("pymysql")
    if package is None:
        return
    modules: dict[str, ModuleType] = {"pymysql": package}
    for name in _SHARED + _PYMYSQL_ALONE:
        modules[f"pymysql.{name}"] = importlib.import_module(f"forebay.{name}")
    for name in _CONSTANTS:
        modules[f"pymysql.constants.{name}"] = importlib.import_module(f"forebay.constants.{name}")
    _register(modules)


def install_as_MySQLdb() -> None:
    """From now on `import MySQLdb`, and its submodules, give this package.

    May be called again. Call it before anything imports MySQLdb: for Django, in
    the project's `__init__.py` or at the top of its settings.

    :raises RuntimeError: MySQLdb itself is imported already.
    """
    from . import connections, converters, cursors, err
    from ._mysqldb import MySQLdbConnection, connect_as_MySQLdb

    package = _stand_in(
        "MySQLdb",
        connect=connect_as_MySQLdb,
        Connect=connect_as_MySQLdb,
        Connection=connect_as_MySQLdb,
        paramstyle="format",
        escape_string=escape_bytes_or_text,
        string_literal=string_literal,
        debug=lambda flags: None,
    )
    if package is None:
        return
    modules: dict[str, ModuleType] = {"MySQLdb": package}
    for name in _SHARED:
        modules[f"MySQLdb.{name}"] = importlib.import_module(f"forebay.{name}")
    modules["MySQLdb.connections"] = StandIn(
        "MySQLdb.connections", connections, Connection=MySQLdbConnection
    )
    modules["MySQLdb.cursors"] = StandIn(
        "MySQLdb.cursors", cursors, BaseCursor=cursors.Cursor
    )
    for name in _CONSTANTS:
        modules[f"MySQLdb.constants.{name}"] = importlib.import_module(f"forebay.constants.{name}")
    modules["MySQLdb._exceptions"] = err
    modules["MySQLdb._mysql"] = StandIn(
        "MySQLdb._mysql",
        err,
        __version__=package.__version__,
        version_info=package.version_info,
        get_client_info=package.get_client_info,
        connect=connect_as_MySQLdb,
        connection=MySQLdbConnection,
        escape=converters.escape_item,
        escape_string=escape_bytes_or_text,
        string_literal=string_literal,
        NULL="NULL",
    )
    modules["MySQLdb.release"] = StandIn(
        "MySQLdb.release",
        err,
        __version__=package.__version__,
        version_info=package.version_info,
    )
    _register(modules)


def _stand_in(name: str, **attributes: Any) -> Optional[StandIn]:
    """The module to register; None if it is registered already."""
    import forebay

    there = sys.modules.get(name)
    if isinstance(there, StandIn):
        return None
    if there is not None:
        place = getattr(there, "__file__", "an unknown place")
        raise RuntimeError(
            f"{name} is imported already, from {place}: call forebay.install_as_{name}() before "
            f"anything that imports {name}"
        )
    version = ".".join(map(str, forebay.version_info[:3]))
    return StandIn(name, forebay, __version__=version, **attributes)


def _register(modules: dict[str, ModuleType]) -> None:
    from .cursors import Cursor

    # Programs of PyMySQL fetch after any statement.
    Cursor.raises_without_rows = False
    for name, module in modules.items():
        sys.modules[name] = module
        package, _, own = name.rpartition(".")
        if isinstance(modules.get(package), StandIn):
            setattr(modules[package], own, module)


def escape_bytes_or_text(value: Any) -> bytes:
    """`MySQLdb.escape_string`: text with backslashes, without quotes, as bytes."""
    from .converters import escape_string

    text = value if isinstance(value, str) else bytes(value).decode("utf-8", "surrogateescape")
    return escape_string(text).encode("utf-8", "surrogateescape")


def string_literal(value: Any) -> bytes:
    """`MySQLdb.string_literal`: text with backslashes in single quotes, as bytes."""
    if not isinstance(value, (str, bytes, bytearray)):
        value = str(value)
    return b"'" + escape_bytes_or_text(value) + b"'"
