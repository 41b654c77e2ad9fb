"""The ways to MySQL that a configuration file can name, and the Unix socket to
the service."""

import os

import pytest

from columns import rows
from service import Service
from wires import USUAL_WIRE, WIRES, Session


@pytest.fixture(scope="module")
def configured_service(mysql_port, tmp_path_factory):
    folder = tmp_path_factory.mktemp("configured")
    user, tls_user = os.environ["FOREBAY_TEST_MYSQL_USER"], os.environ["FOREBAY_TEST_MYSQL_TLS_USER"]
    password = os.environ["FOREBAY_TEST_MYSQL_PASSWORD"]
    (folder / "password").write_text(f"{password}\n")
    shards = f"""
[shards.password_from_environment]
url = "mysql://{user}@127.0.0.1:{mysql_port}/test"
password_env = "SHARD_PASSWORD"

[shards.password_from_file]
url = "mysql://{user}@127.0.0.1:{mysql_port}/test"
password_file = "password"

[shards.prepared]
url = "mysql://{user}@127.0.0.1:{mysql_port}/test"
password_file = "password"
statements = "prepared"
prepared_statements_max = 2
affected_rows = "matched"
transactions_max = 0

[shards.wrong_password]
url = "mysql://{user}@127.0.0.1:{mysql_port}/test"

[shards.unix_socket]
url = "mysql+unix://root@localhost/test?socket={os.environ['FOREBAY_TEST_MYSQL_SOCKET']}"

[shards.tls]
url = "mysql://{tls_user}@127.0.0.1:{mysql_port}/test"
password_env = "SHARD_PASSWORD"
tls = "verify_identity"
tls_ca_file = "{os.environ['FOREBAY_TEST_MYSQL_CA']}"

[shards.tls_missing]
url = "mysql://{tls_user}@127.0.0.1:{mysql_port}/test"
password_env = "SHARD_PASSWORD"
"""
    running = Service(folder, shards, environment={"SHARD_PASSWORD": password})
    yield running
    assert running.stop() == 0
    assert password not in running.log()


WAYS = {
    "password_from_environment": ("tester@%", False),
    "password_from_file": ("tester@%", False),
    "prepared": ("tester@%", False),
    "unix_socket": ("root@localhost", False),
    "tls": ("tester_tls@%", True),
}


@pytest.mark.parametrize("shard", WAYS)
def test_way_to_mysql(configured_service, shard):
    sql = (
        "SELECT CURRENT_USER(), variable_value <> '' FROM information_schema.session_status"
        " WHERE variable_name = 'ssl_cipher'"
    )
    with Session(configured_service.port) as session:
        assert rows(session.run_query(shard, sql).rows) == [WAYS[shard]]


@pytest.mark.parametrize("shard", ["wrong_password", "tls_missing"])
def test_refused_login_is_told(configured_service, shard):
    with Session(configured_service.port) as session, pytest.raises(Exception) as caught:
        session.run_query(shard, "SELECT 1")
    assert "Access denied" in caught.value.message


@pytest.mark.parametrize("wire", [USUAL_WIRE, *WIRES[4:6]], ids=str)
def test_unix_socket_to_the_service(configured_service, wire):
    with Session(socket_path=str(configured_service.socket_path), wire=wire) as session:
        assert rows(session.run_query("unix_socket", "SELECT ?", ["x"]).rows) == [("x",)]
