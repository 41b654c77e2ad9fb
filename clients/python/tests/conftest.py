"""What the tests share: the database that scripts/with-mariadb starts, the
service in front of it, and connections to both."""

from __future__ import annotations

import os

import pymysql
import pytest

import forebay
from service import Service

DATABASE = "test"


@pytest.fixture(scope="session")
def mysql_port():
    if "FOREBAY_TEST_MYSQL_PORT" not in os.environ:
        pytest.exit("no database: run `scripts/test client`", returncode=2)
    return int(os.environ["FOREBAY_TEST_MYSQL_PORT"])


@pytest.fixture(scope="session")
def mysql_url(mysql_port):
    return f"mysql://root@127.0.0.1:{mysql_port}/{DATABASE}"


@pytest.fixture(scope="session")
def start_service(tmp_path_factory):
    """A function that starts a service on a configuration of its own; all end with the tests."""
    started = []

    def start(shards, **server):
        running = Service(tmp_path_factory.mktemp("forebay"), shards, server=server)
        started.append(running)
        return running

    yield start
    for running in started:
        running.stop()


@pytest.fixture(scope="session")
def service(start_service, mysql_url):
    """The service that most tests ask. Its shard `test` is the database of that
    name, so that a program moves to it by its host and port alone."""
    shards = [f'[shards.{name}]\nurl = "{mysql_url}"\n' for name in ("test", "users", "slave001")]
    return start_service("\n".join(shards))


@pytest.fixture
def services(mysql_url, tmp_path):
    """A function that starts a service which the test may end as it likes."""
    started = []

    def start(**server):
        folder = tmp_path / str(len(started))
        folder.mkdir()
        shards = f'[shards.test]\nurl = "{mysql_url}"\n'
        started.append(Service(folder, shards, server=server))
        return started[-1]

    yield start
    for service in started:
        if service.is_running():
            # One that was stopped takes no SIGTERM.
            service.process.kill()
        service.process.wait()


@pytest.fixture
def ours(service):
    """A function that connects by this package."""
    opened = []

    def connect(**arguments):
        arguments = {"host": "127.0.0.1", "port": service.port, "database": DATABASE} | arguments
        connection = forebay.connect(**arguments)
        opened.append(connection)
        return connection

    yield connect
    for connection in opened:
        if connection.open:
            connection.close()


@pytest.fixture
def theirs(mysql_port):
    """A function that connects PyMySQL to the database itself."""
    opened = []

    def connect(**arguments):
        arguments = {
            "host": "127.0.0.1",
            "port": mysql_port,
            "user": "root",
            "database": DATABASE,
            "ssl_disabled": True,
        } | arguments
        connection = pymysql.connect(**arguments)
        opened.append(connection)
        return connection

    yield connect
    for connection in opened:
        if connection.open:
            connection.close()
