"""The database with its tables, and the service."""

import functools
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pymysql

ROWS = 100_000
WIDE_ROWS = 10_000
POOL_MAX_CONNECTIONS = 8
# Where peers that share connections are compared, each has so many.
PEER_POOL = 16
PREPARED = "prepared"
SESSIONS_PER_PEER_MAX = 15_000
START_TIMEOUT_S = 20
STOP_TIMEOUT_S = 20

TABLES = (
    "CREATE TABLE users (id BIGINT PRIMARY KEY, username VARCHAR(64) NOT NULL) ENGINE=InnoDB",
    f"INSERT INTO users SELECT seq, CONCAT('user', LPAD(seq, 8, '0')) FROM seq_1_to_{ROWS}",
    "CREATE TABLE wide (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL,"
    " amount DECIMAL(12,2) NOT NULL, created DATETIME NOT NULL, note VARCHAR(40),"
    " gone VARCHAR(40)) ENGINE=InnoDB",
    "INSERT INTO wide SELECT seq, CONCAT('name ', seq), seq * 1.37,"
    " '2024-02-29 12:00:00' + INTERVAL seq MINUTE, IF(seq % 3, CONCAT('note ', seq), NULL), NULL"
    f" FROM seq_1_to_{WIDE_ROWS}",
    "ANALYZE TABLE users, wide",
)

# Users without more rights than are needed: one that proxies log in with, and one
# by which a service's connections can be told from others.
PROXY_USER, PROXY_PASSWORD = "proxied", "proxied"
COUNTED_USER = "counted"
USERS = (
    f"CREATE USER {PROXY_USER}@'%' IDENTIFIED BY '{PROXY_PASSWORD}'",
    f"CREATE USER {COUNTED_USER}@'%'",
    f"GRANT ALL PRIVILEGES ON test.* TO {PROXY_USER}@'%', {COUNTED_USER}@'%'",
)

# How long statements may run on whose callers have gone.
QUIET_TIMEOUT_S = 20

# Of the part `multi`: databases of one MariaDB, each a shard of its own.
MULTI_SHARDS = 8
MULTI_ROWS = 10_000
MULTI_DATABASES = "multi"


def multi_shard(number):
    return f"shard{number}"


def multi_database(number):
    return f"{MULTI_DATABASES}{number}"


def multi_name(shard, number):
    """What the row of a database holds, and of no other."""
    return f"{multi_database(shard)} user{number}"


def pin(core, pids):
    """Ties processes, with all their threads and what they start later, to one core."""
    for pid in pids:
        for thread in os.listdir(f"/proc/{pid}/task"):
            os.sched_setaffinity(int(thread), {core})


def another_core():
    """One that nothing of this is tied to, where everything is tied to one."""
    own = os.sched_getaffinity(0)
    others = sorted(set(range(os.cpu_count())) - own)
    return others[0] if len(own) == 1 and others else None


class Database:
    """A MariaDB that scripts/with-mariadb has started, and that tells of itself in
    the environment of what it runs."""

    def __init__(self, link, port=None, environment=os.environ):
        self.link = link
        self.environment = environment
        self.pid = int(environment["FOREBAY_TEST_MYSQL_PID"])
        self.port = port or int(environment["FOREBAY_TEST_MYSQL_PORT"])
        self.socket = environment["FOREBAY_TEST_MYSQL_SOCKET"]
        self.watch = {"mariadbd": self.pid}
        # How the load program reaches it.
        self.arguments = ["--port", str(self.port)]
        if link == "socket":
            self.arguments += ["--socket", self.socket]

    def connect(self, database="test", open_connection=pymysql.connect):
        # PyMySQL tries TLS first unless told not to, on loopback as well.
        return open_connection(user="root", database=database, ssl_disabled=True,
                               autocommit=True, **self.where())

    def where(self):
        """As drivers take it."""
        if self.link == "socket":
            return {"unix_socket": self.socket}
        return {"host": "127.0.0.1", "port": self.port}

    def fill(self):
        with self.connect() as connection, connection.cursor() as cursor:
            for statement in TABLES + USERS:
                cursor.execute(statement)

    def fill_multi(self):
        """The databases of `multi_shards`."""
        with self.connect() as connection, connection.cursor() as cursor:
            for shard in range(MULTI_SHARDS):
                table = f"{multi_database(shard)}.users"
                cursor.execute(f"CREATE DATABASE {multi_database(shard)}")
                cursor.execute(f"CREATE TABLE {table} LIKE test.users")
                cursor.execute(f"INSERT INTO {table} SELECT seq, CONCAT(%s, seq)"
                               f" FROM test.seq_1_to_{MULTI_ROWS}", (multi_name(shard, ""),))
                cursor.execute(f"ANALYZE TABLE {table}")

    def url(self, database="test", user="root"):
        if self.link == "socket":
            return f"mysql+unix://{user}@localhost/{database}?socket={self.socket}"
        return f"mysql://{user}@127.0.0.1:{self.port}/{database}"

    def shards(self):
        """Pools of one database; the last one prepares its statements."""
        return {"bench": self.url(), PREPARED: self.url()}

    def multi_shards(self):
        return {multi_shard(number): self.url(multi_database(number))
                for number in range(MULTI_SHARDS)}

    def variables(self, *names):
        row = self.row("SELECT " + ", ".join(f"@@{name}" for name in names))
        return dict(zip(names, row))

    def row(self, statement):
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()

    def connections(self, condition):
        """How many there are, by a condition on its list of processes."""
        return self.row("SELECT COUNT(*) FROM information_schema.processlist"
                        f" WHERE {condition}")[0]

    def wait_until_quiet(self):
        """Until nothing sleeps on: callers have gone, their statements may go on."""
        deadline = time.monotonic() + QUIET_TIMEOUT_S
        while self.connections("info LIKE 'SELECT SLEEP%'"):
            if time.monotonic() > deadline:
                raise SystemExit(f"after {QUIET_TIMEOUT_S} s statements of callers that"
                                 " have gone are still running")
            time.sleep(0.05)


@contextmanager
def another_mariadb(link, *arguments):
    """A MariaDB of the same settings and tables beside the first, with more options."""
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith("FOREBAY_TEST_MYSQL_")}
    environment["FOREBAY_MARIADB_ARGS"] = " ".join([os.environ["FOREBAY_MARIADB_ARGS"],
                                                    *arguments])
    # Tells where it is, and waits until its standard input is closed.
    tell = "import json, os, sys; print(json.dumps(dict(os.environ)), flush=True); sys.stdin.read()"
    process = subprocess.Popen(["scripts/with-mariadb", "--", sys.executable, "-c", tell],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    try:
        line = process.stdout.readline()
        if not line:
            raise SystemExit("another MariaDB did not start; see above")
        database = Database(link, environment=json.loads(line))
        database.fill()
        yield database
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def shard_table(name, url):
    path = 'statements = "prepared"\n' if name == PREPARED else ""
    return f'[shards.{name}]\nurl = "{url}"\n{path}'


@functools.cache
def known_keys():
    """The configuration's reference, as the server prints it."""
    return subprocess.run([os.environ["FOREBAY_BENCH_SERVER"], "config"],
                          capture_output=True, text=True, check=True).stdout


def server_limits():
    """What must not stop ten thousand sessions that all come from this machine."""
    key = "sessions_per_peer_max"
    return f"{key} = {SESSIONS_PER_PEER_MAX}\n" if f"# {key} = " in known_keys() else ""


class Service:
    """`forebay serve` on shards of these names and URLs, each with a pool of its own."""

    def __init__(self, shards, log, pool=POOL_MAX_CONNECTIONS):
        self.directory = Path(tempfile.mkdtemp(prefix="forebay-bench."))
        self.port = free_port()
        self.socket = self.directory / "socket"
        self.log = log
        config = self.directory / "forebay.toml"
        config.write_text(
            f'[server]\nlisten = ["127.0.0.1:{self.port}", "unix:{self.socket}"]\n{server_limits()}'
            f"[shard_defaults]\npool_max_connections = {pool}\n"
            + "".join(shard_table(name, url) for name, url in shards.items())
        )
        self.command = [os.environ["FOREBAY_BENCH_SERVER"], "serve", "--config", config]

    def __enter__(self):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        self.pid = self.process.pid
        try:
            wait_until_it_listens(self.process, self.port, self.log)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        stop(self.process)
        shutil.rmtree(self.directory)


def wait_until_it_listens(process, port, log):
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{process.args[0]} does not listen; see {log}") from None
            time.sleep(0.01)


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port():
    """One below 32768, where the system begins to pick ports of clients."""
    for port in range(20_000 + os.getpid() % 10_000, 32_768):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise SystemExit("no free port below 32768")
