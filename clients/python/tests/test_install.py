"""install_as_pymysql and install_as_MySQLdb, each in a process of its own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import textwrap

import pytest

import forebay

SOURCE = os.path.dirname(os.path.dirname(forebay.__file__))
PROCESS_TIMEOUT_S = 60


@pytest.fixture
def python(service):
    """Runs a program in which PORT is the service's; gives what it printed."""

    def run(program):
        code = f"PORT = {service.port}\n" + textwrap.dedent(program)
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            capture_output=True,
            text=True,
            timeout=PROCESS_TIMEOUT_S,
            env={**os.environ, "PYTHONPATH": SOURCE},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    return run


def test_pymysql(python):
    seen = python(
        """
        import forebay
        forebay.install_as_pymysql()
        forebay.install_as_pymysql()
        import pymysql, pymysql.cursors, pymysql.err, pymysql.converters, pymysql.times
        import pymysql.constants.CLIENT, pymysql.connections, pymysql.charset
        from pymysql.constants import CLIENT, CR, ER, FIELD_TYPE, FLAG, SERVER_STATUS, COMMAND
        from pymysql.cursors import DictCursor
        from pymysql import OperationalError, Connection
        from pymysql.converters import escape_string, conversions, through
        assert pymysql.err.OperationalError is pymysql.OperationalError is forebay.OperationalError
        assert pymysql.connections.Connection is Connection is forebay.Connection
        assert pymysql.cursors is forebay.cursors
        assert pymysql.VERSION >= (1, 0, 0) and pymysql.version_info >= (1, 4, 3)
        assert tuple(map(int, pymysql.__version__.split(".")[:2])) >= (1, 4)
        connection = pymysql.connect(host="127.0.0.1", port=PORT, user="root", password="x",
                                     database="test", cursorclass=DictCursor, charset="utf8mb4")
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT %s AS a", ("it's",))
            print(cursor.fetchone()["a"])
            # As in PyMySQL, fetching is no error here.
            cursor.execute("DO 1")
            print(cursor.fetchall())
        pymysql.install_as_MySQLdb()
        import MySQLdb
        print(MySQLdb.version_info[0], pymysql.__name__, "Pool" in dir(pymysql))
        """
    )
    assert seen == ["it's", "[]", "2", "pymysql", "True"]


def test_mysqldb(python):
    seen = python(
        """
        import forebay
        forebay.install_as_MySQLdb()
        forebay.install_as_MySQLdb()
        import MySQLdb, MySQLdb.cursors, MySQLdb._mysql, MySQLdb._exceptions, MySQLdb.release
        import MySQLdb.constants.CLIENT, MySQLdb.connections, MySQLdb.times
        from MySQLdb.constants import CLIENT, FIELD_TYPE
        from MySQLdb.converters import conversions
        from MySQLdb import _mysql, IntegrityError
        assert MySQLdb.version_info >= (1, 4, 3) and MySQLdb.paramstyle == "format"
        assert MySQLdb._exceptions.IntegrityError is IntegrityError is _mysql.IntegrityError
        connection = MySQLdb.connect("127.0.0.1", "root", "", "test", PORT, conv=conversions,
                                     charset="utf8mb4", ssl_mode="PREFERRED")
        cursor = connection.cursor(MySQLdb.cursors.DictCursor)
        cursor.execute("SELECT %s AS a", [7])
        print(cursor.fetchone()["a"])
        connection.close()
        MySQLdb.connect(host="127.0.0.1", user="root", passwd="", db="test", port=PORT).close()
        print(MySQLdb.escape_string("it's").decode(), MySQLdb.string_literal(5).decode())
        try:
            MySQLdb.connect(host="127.0.0.1", db="test", port=PORT, ssl_mode="REQUIRED")
        except MySQLdb.NotSupportedError as error:
            print(error.args[0])
        """
    )
    assert seen == ["7", "it\\'s", "'5'", "2026"]


@pytest.mark.parametrize("name", ["pymysql", "MySQLdb"])
def test_after_the_real_one_it_is_an_error(python, name):
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"no {name} here: it has to be built, which the tests do not ask for")
    seen = python(
        f"""
        import {name}, forebay, sys
        real = sys.modules[{name!r}]
        try:
            forebay.install_as_{name}()
        except RuntimeError as error:
            print("imported already" in str(error), f"install_as_{name}()" in str(error))
        print({name} is real is sys.modules[{name!r}])
        """
    )
    assert seen == ["True", "True", "True"]


def test_submodules_are_this_packages_own(python):
    seen = python(
        """
        import forebay, importlib, sys
        forebay.install_as_pymysql()
        try:
            importlib.import_module("pymysql.protocol")
        except ImportError as error:
            print(type(error).__name__)
        print(sum(name.startswith("pymysql") for name in sys.modules) > 10)
        """
    )
    assert seen == ["ModuleNotFoundError", "True"]


def test_connections_by_mysqlclients_arguments(python):
    written = python(
        """
        import forebay
        forebay.install_as_MySQLdb()
        import MySQLdb, MySQLdb.connections, MySQLdb.cursors

        class Own(MySQLdb.connections.Connection):
            def __init__(self, *places, **named):
                super().__init__(*places, **named)
                self.made = True

            def query(self, sql, unbuffered=False):
                print("query", sql)
                return super().query(sql, unbuffered)

        own = Own("127.0.0.1", "root", "", "test", PORT)
        cursor = own.cursor()
        cursor.execute("SELECT %s", (1,))
        print(cursor.fetchall(), own.made, isinstance(cursor, MySQLdb.cursors.BaseCursor))
        own.close()
        zeros = {"connect_timeout": 0, "read_timeout": 0, "write_timeout": 0, "compress": True}
        connection = MySQLdb.connect(host="127.0.0.1", user="root", db="test", port=PORT,
                                     unix_socket="", local_infile=1, **zeros)
        print(isinstance(connection, MySQLdb.connections.Connection), connection.connect_timeout)
        """
    )
    assert written == ["query", "SELECT", "1", "((1,),)", "True", "True", "True", "10.0"]
