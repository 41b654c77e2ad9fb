"""Proxies that speak MySQL's protocol, where their programs are on the PATH: each with
a configuration of its own, before the one MariaDB."""

import re
import resource
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import servers

THREADS = 2
CLIENTS_MAX = 2048


class Proxy:
    """One of them as the load program sees it: a port, a user, a process."""

    def __init__(self, database, out):
        self.directory = Path(tempfile.mkdtemp(prefix="forebay-bench."))
        self.port = servers.free_port()
        self.log = out / f"{self.program}.log"
        self.command = self.configure(database)
        self.database = database
        self.arguments = ["--port", str(self.port), "--user", servers.PROXY_USER,
                          "--password", servers.PROXY_PASSWORD]

    def __enter__(self):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        try:
            servers.wait_until_it_listens(self.process, self.port, self.log)
        except BaseException:
            self.__exit__()
            raise
        self.watch = {self.program: self.process.pid} | self.database.watch
        return self

    def __exit__(self, *_):
        servers.stop(self.process)
        shutil.rmtree(self.directory)


class HaProxy(Proxy):
    """Passes bytes on: each client has a connection of its own to MariaDB."""
    program = "haproxy"

    def configure(self, database):
        server = (f"unix@{database.socket}" if database.link == "socket"
                  else f"127.0.0.1:{database.port}")
        config = self.directory / "haproxy.cfg"
        config.write_text(f"""\
global
    nbthread {THREADS}
    maxconn {CLIENTS_MAX}
defaults
    mode tcp
    timeout connect 10s
    timeout client 60s
    timeout server 60s
listen mysql
    bind 127.0.0.1:{self.port}
    server mariadb {server}
""")
        return [self.program, "-db", "-f", str(config)]


class ProxySql(Proxy):
    """Shares as many connections to MariaDB between its clients as our own pool has."""
    program = "proxysql"

    def configure(self, database):
        # A port of 0 makes the address a Unix socket.
        address, port = ((database.socket, 0) if database.link == "socket"
                         else ("127.0.0.1", database.port))
        config = self.directory / "proxysql.cnf"
        # PostgreSQL's side, which version 3 has, listens where nobody comes.
        config.write_text(f"""\
datadir="{self.directory}"
admin_variables=
{{
    admin_credentials="admin:admin"
    mysql_ifaces="{self.directory}/admin.sock"
    pgsql_ifaces="{self.directory}/pgsql-admin.sock"
}}
mysql_variables=
{{
    threads={THREADS}
    max_connections={CLIENTS_MAX}
    interfaces="127.0.0.1:{self.port}"
    default_schema="test"
    server_version="10.11.0"
    default_query_timeout=3600000
    connect_timeout_server=10000
    connect_timeout_server_max=60000
    monitor_username="{servers.PROXY_USER}"
    monitor_password="{servers.PROXY_PASSWORD}"
}}
pgsql_variables=
{{
    threads=1
    interfaces="{self.directory}/pgsql.sock"
}}
mysql_servers=
(
    {{ address="{address}", port={port}, hostgroup=0, max_connections={servers.PEER_POOL} }}
)
mysql_users=
(
    {{ username="{servers.PROXY_USER}", password="{servers.PROXY_PASSWORD}",
       default_hostgroup=0, default_schema="test", max_connections={CLIENTS_MAX}, active=1 }}
)
""")
        return [self.program, "--foreground", "--initial", "--datadir", str(self.directory),
                "--config", str(config)]


def is_there(kind):
    if shutil.which(kind.program):
        return True
    print(f"\n{kind.program} is not on the PATH: not measured.")
    return False


def start_those_there(stack: ExitStack, kinds, run):
    """Those of these proxies that there are, by their programs' names."""
    return {kind.program: stack.enter_context(kind(run.database, run.out))
            for kind in kinds if is_there(kind)}


def has_mysqlclient():
    if find_spec("MySQLdb"):
        return True
    print("\nmysqlclient is not installed (see requirements-peers.txt): not measured.")
    return False


def versions():
    """Of everything here that is there."""
    found = {}
    for kind in (HaProxy, ProxySql):
        if shutil.which(kind.program):
            shown = subprocess.run([kind.program, "--version" if kind is ProxySql else "-v"],
                                   capture_output=True, text=True, check=False)
            number = re.search(r"\d+\.\d+\S*", shown.stdout + shown.stderr)
            found[kind.program] = number.group() if number else "unknown"
    try:
        found["mysqlclient"] = version("mysqlclient")
    except PackageNotFoundError:
        pass
    return found
