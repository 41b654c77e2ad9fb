"""Runs the same code over this package and over PyMySQL, connected to the same
database, and compares what comes of it: values, exceptions, the tables afterwards."""

from __future__ import annotations

import warnings

import pymysql
import pytest

import forebay
import forebay.cursors

STANDARD = [
    "IntegrityError",
    "DataError",
    "OperationalError",
    "ProgrammingError",
    "NotSupportedError",
    "InternalError",
    "InterfaceError",
    "DatabaseError",
    "Error",
]

TABLE = [
    "DROP TABLE IF EXISTS things",
    "CREATE TABLE things (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20) UNIQUE,"
    " amount DECIMAL(10,2) NOT NULL DEFAULT 0) ENGINE=InnoDB",
    "INSERT INTO things (name, amount) VALUES ('one', 1), ('two', 2.5), ('three', 3)",
]


def raised(error):
    """What is to be the same of an exception: its class of PEP 249 or Python's, and its number."""
    names = [kind.__name__ for kind in type(error).__mro__]
    is_database = isinstance(error, (forebay.Error, pymysql.Error))
    kind = next((name for name in names if name in STANDARD), names[0]) if is_database else names[0]
    number = error.args[0] if error.args and isinstance(error.args[0], int) else None
    return ("raised", kind, number)


def attempt(function, *arguments):
    """What a function returns, or what is to be the same of its exception."""
    try:
        return function(*arguments)
    except Exception as error:
        return raised(error)


class Both:
    """Calls `function(connection, cursors)` over PyMySQL and over this package."""

    def __init__(self, ours, theirs, mysql_port):
        self._ours = ours
        self._theirs = theirs
        self.port = mysql_port

    def run(self, *statements):
        """Runs statements directly in the database."""
        with self._theirs(autocommit=True) as connection:
            for statement in statements:
                connection.cursor().execute(statement)

    def rows(self, sql):
        """Asks the database directly."""
        with self._theirs(autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def theirs(self, function, setup=TABLE, **arguments):
        return self._one(self._theirs, pymysql.cursors, function, setup, arguments)

    def ours(self, function, setup=TABLE, **arguments):
        return self._one(self._ours, forebay.cursors, function, setup, arguments)

    def _one(self, connect, cursors, function, setup, arguments):
        self.run(*setup)
        if "cursorclass" in arguments:
            arguments = {**arguments, "cursorclass": getattr(cursors, arguments["cursorclass"])}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            connection = connect(**arguments)
            try:
                outcome = attempt(function, connection, cursors)
            finally:
                if connection.open:
                    connection.close()
        left = self.rows("SELECT * FROM things ORDER BY id") if setup is TABLE else None
        return outcome, left

    def same(self, function, setup=TABLE, **arguments):
        """Asserts that both come to the same, and gives it."""
        theirs = self.theirs(function, setup, **arguments)
        ours = self.ours(function, setup, **arguments)
        assert ours == theirs, f"ours:   {ours}\ntheirs: {theirs}"
        return ours[0]


@pytest.fixture
def both(ours, theirs, mysql_port, monkeypatch):
    # As after install_as_pymysql(): fetching after a statement without rows gives none.
    monkeypatch.setattr(forebay.cursors.Cursor, "raises_without_rows", False)
    yield Both(ours, theirs, mysql_port)
