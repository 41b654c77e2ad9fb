"""What the tests share: the database, the service in front of it, and sessions
with it. The database is the one that scripts/with-mariadb starts."""

import dataclasses
import itertools
import os

import pymysql
import pytest

from service import Service, free_port
from wires import WIRES, Session


@dataclasses.dataclass(frozen=True)
class Backend:
    """A kind of database, and the shards that lie on it."""

    kind: str
    users: str
    slave001: str
    auto_increment_key: str


BACKENDS = {
    "mysql": Backend("mysql", "users", "slave001", "BIGINT AUTO_INCREMENT PRIMARY KEY"),
    "sqlite": Backend("sqlite", "users_lite", "slave001_lite", "INTEGER PRIMARY KEY AUTOINCREMENT"),
}

table_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def mysql_port():
    if "FOREBAY_TEST_MYSQL_PORT" not in os.environ:
        pytest.exit("no database: run `scripts/test python`", returncode=2)
    return int(os.environ["FOREBAY_TEST_MYSQL_PORT"])


@pytest.fixture(scope="session")
def database(mysql_port):
    """PyMySQL's own connection."""
    with pymysql.connect(**connection_arguments(mysql_port)) as connection:
        yield connection


@pytest.fixture(scope="session")
def raw_database(mysql_port):
    """A PyMySQL connection that gives what MySQL sends: str or bytes or None."""
    with pymysql.connect(**connection_arguments(mysql_port), conv={}) as connection:
        yield connection


def connection_arguments(port):
    return dict(
        host="127.0.0.1",
        port=port,
        user="root",
        password="",
        database="test",
        charset="utf8mb4",
        ssl_disabled=True,
        autocommit=True,
        # As on the shard `users`: every value fits, and metadata depends on it too.
        sql_mode="",
        connect_timeout=10,
        read_timeout=30,
        write_timeout=30,
    )


@pytest.fixture(scope="session")
def mysql_url(mysql_port):
    return f"mysql://root@127.0.0.1:{mysql_port}/test"


@pytest.fixture(scope="session")
def start_service(tmp_path_factory):
    """A function that starts a service, on a configuration of its own, until the
    tests end; none of them may end before."""
    started = []

    def start(shards, **server):
        running = Service(tmp_path_factory.mktemp("forebay"), shards, server=server)
        started.append(running)
        return running

    yield start
    failures = [failure for running in started if (failure := failure_at_end(running))]
    assert not failures, "\n".join(failures)


def failure_at_end(running):
    survived = running.is_running()
    exit_code = running.stop()
    if not survived:
        return f"the service ended by itself, with {exit_code}:\n{running.log()}"
    if exit_code != 0:
        return f"the service ended with {exit_code}:\n{running.log()}"
    return None


@pytest.fixture(scope="session")
def service(mysql_url, start_service, tmp_path_factory):
    """The service that nearly every test asks: shards of MySQL and of SQLite."""
    # Every value fits somehow in `users` and its twins; `slave001` has the
    # server's own mode.
    return start_service(f"""
[shards.users]
url = "{mysql_url}"
sql_mode = ""

[shards.users_prepared]
url = "{mysql_url}"
sql_mode = ""
statements = "prepared"

[shards.users_matched]
url = "{mysql_url}"
sql_mode = ""
affected_rows = "matched"

[shards.users_prepared_matched]
url = "{mysql_url}"
sql_mode = ""
statements = "prepared"
affected_rows = "matched"

[shards.pool_of_two]
url = "{mysql_url}"
pool_max_connections = 2
long_statement_ms = 0

[shards.slave001]
url = "{mysql_url}"

[shards.users_lite]
url = "sqlite::memory:"

[shards.slave001_lite]
url = "sqlite:{tmp_path_factory.mktemp('sqlite') / 'slave001.sqlite'}"

[shards.dead]
url = "mysql://root@127.0.0.1:{free_port()}/test"
connect_timeout_ms = 500
""")


@pytest.fixture(params=WIRES, ids=str)
def wire(request):
    """Every transport and protocol in turn."""
    return request.param


@pytest.fixture
def session(service, wire):
    """A new session by every transport and protocol in turn."""
    with Session(service.port, wire) as opened:
        yield opened


@pytest.fixture
def usual_session(service):
    """A new session by the one that most Python clients use."""
    with Session(service.port) as opened:
        yield opened


@pytest.fixture
def other_session(service):
    """Somebody else's session."""
    with Session(service.port) as opened:
        yield opened


@pytest.fixture(params=BACKENDS.values(), ids=BACKENDS)
def backend(request):
    """Every kind of database in turn."""
    return request.param


@pytest.fixture
def new_table(service):
    """A function that makes a table from its columns' definitions, and gives its name."""
    made = []

    def make(shard, definition):
        name = f"t{next(table_numbers)}"
        with Session(service.port) as maker:
            maker.run_execute(shard, f"CREATE TABLE {name} ({definition})")
        made.append((shard, name))
        return name

    yield make
    if service.is_running():
        with Session(service.port) as remover:
            for shard, name in made:
                remover.run_execute(shard, f"DROP TABLE IF EXISTS {name}", timeout_ms=20_000)
