"""Programs of others' making: the examples that are written for SQLAlchemy, peewee,
Django, PyMySQL and MySQLdb print the same on this package, through the service, as
on PyMySQL and the same database. Each run is a process of its own."""

from __future__ import annotations

import importlib
import os
import pathlib
import subprocess
import sys

import pymysql
import pytest

EXAMPLES = pathlib.Path(__file__).resolve().parents[1] / "examples"
SOURCES = EXAMPLES.parent / "src"
DATABASE = "programs"
TEST_DATABASE = "programs_test"
PROGRAM_TIMEOUT_S = 120

# What a site does in one place, before it imports the driver that it was written for.
RUN = """
import runpy, sys, {driver}
{driver}.{install}()
sys.argv = sys.argv[1:]
sys.path.insert(0, "")
runpy.run_path(sys.argv[0], run_name="__main__")
"""


# What installing the package does by its entry point.
RUN_WITH_DIALECT = """
import runpy, sys
from sqlalchemy.dialects import registry
registry.register("mysql.forebay", "forebay.sqlalchemy", "ForebayDialect")
registry.register("mariadb.forebay", "forebay.sqlalchemy", "MariaDBForebayDialect")
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture
def empty_database(mysql_port):
    """A function that makes the programs' databases anew."""

    def make():
        arguments = {"host": "127.0.0.1", "port": mysql_port, "user": "root"}
        with pymysql.connect(**arguments, ssl_disabled=True) as connection:
            with connection.cursor() as cursor:
                for name in (DATABASE, TEST_DATABASE):
                    cursor.execute(f"DROP DATABASE IF EXISTS {name}")
                    cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")

    make()
    yield make
    make()


@pytest.fixture(scope="module")
def programs_service(start_service, mysql_port):
    url = f"mysql://root@127.0.0.1:{mysql_port}"
    names = (DATABASE, TEST_DATABASE)
    return start_service("\n".join(f'[shards.{name}]\nurl = "{url}/{name}"\n' for name in names))


def run(*command, folder=EXAMPLES, **environment):
    """What the program printed."""
    ended = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(SOURCES), "PYTHONIOENCODING": "utf-8"} | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        timeout=PROGRAM_TIMEOUT_S,
    )
    assert ended.returncode == 0, f"{command[-3:]}:\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout.splitlines()


def installed(driver, install):
    return "-c", RUN.format(driver=driver, install=install)


@pytest.mark.parametrize("program", ["pymysql_program.py", "peewee_program.py"])
def test_a_program_for_pymysql(program, mysql_port, programs_service, empty_database):
    if program.startswith("peewee"):
        pytest.importorskip("peewee")
    theirs = run(program, "127.0.0.1", mysql_port, DATABASE)
    empty_database()
    ours = run(
        *installed("forebay", "install_as_pymysql"),
        program,
        "127.0.0.1",
        programs_service.port,
        DATABASE,
    )
    assert ours == theirs


def test_a_program_for_mysqldb(mysql_port, programs_service, empty_database):
    program = "mysqldb_program.py"
    theirs = run(
        *installed("pymysql", "install_as_MySQLdb"), program, "127.0.0.1", mysql_port, DATABASE
    )
    empty_database()
    ours = run(
        *installed("forebay", "install_as_MySQLdb"),
        program,
        "127.0.0.1",
        programs_service.port,
        DATABASE,
    )
    assert ours == theirs


@pytest.mark.parametrize(
    "dialect", ["mysql+pymysql", "mysql+mysqldb", "mysql+forebay", "mariadb+forebay"]
)
def test_a_program_for_sqlalchemy(dialect, mysql_port, programs_service, empty_database):
    pytest.importorskip("sqlalchemy")
    program = "sqlalchemy_program.py"
    theirs = run(program, f"mysql+pymysql://root@127.0.0.1:{mysql_port}/{DATABASE}")
    empty_database()
    install = {
        "mysql+pymysql": installed("forebay", "install_as_pymysql"),
        "mysql+mysqldb": installed("forebay", "install_as_MySQLdb"),
        "mysql+forebay": ("-c", RUN_WITH_DIALECT),
        "mariadb+forebay": ("-c", RUN_WITH_DIALECT),
    }[dialect]
    url = f"{dialect}://root@127.0.0.1:{programs_service.port}/{DATABASE}"
    ours = run(*install, program, url)
    if dialect == "mysql+mysqldb":
        # The dialect for MySQLdb does not know a connection that was closed in its back.
        theirs = theirs[: theirs.index("== pooling")]
    assert ours == theirs


@pytest.mark.parametrize("dialect", ["mysql.forebay", "mariadb.forebay"])
def test_entry_point(dialect):
    pytest.importorskip("sqlalchemy")
    toml = pytest.importorskip("tomllib")
    project = toml.loads((SOURCES.parent / "pyproject.toml").read_text())["project"]
    module, _, name = project["entry-points"]["sqlalchemy.dialects"][dialect].partition(":")
    found = getattr(importlib.import_module(module), name)
    assert (found.name, found.driver) == tuple(dialect.split("."))


MANAGE = [
    ("migrate",),
    ("makemigrations", "--check", "--dry-run"),
    ("check", "--database", "default"),
    ("showmigrations",),
    ("createsuperuser", "--noinput", "--username", "admin", "--email", "a@example.org"),
    ("tour",),
    ("dumpdata", "bookshop", "--indent", "1", "--output", "{folder}/shop.json"),
    ("loaddata", "{folder}/shop.json"),
    ("sqlmigrate", "bookshop", "0002"),
    ("migrate", "bookshop", "0001"),
    ("migrate", "bookshop", "zero"),
    ("migrate", "bookshop"),
    ("test",),
]


def manage_all(folder, **environment):
    site = EXAMPLES / "django_site"
    environment |= {"SITE_DATABASE": DATABASE, "SITE_TEST_DATABASE": TEST_DATABASE}
    printed = []
    for command in MANAGE:
        arguments = [argument.format(folder=folder) for argument in command]
        printed.append(f"$ {' '.join(command)}")
        printed += run("manage.py", *arguments, folder=site, **environment)
    printed += (folder / "shop.json").read_text().splitlines()
    return printed


def test_a_django_site(mysql_port, programs_service, empty_database, tmp_path):
    pytest.importorskip("django")
    theirs = manage_all(tmp_path, SITE_DRIVER="pymysql", SITE_PORT=str(mysql_port))
    empty_database()
    (tmp_path / "shop.json").unlink()
    ours = manage_all(tmp_path, SITE_DRIVER="forebay", SITE_PORT=str(programs_service.port))
    assert ours == theirs
