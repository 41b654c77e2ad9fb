"""The database with its tables, the service, and the setting they make."""

import os
import platform
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import pymysql

ROWS = 100_000
WIDE_ROWS = 10_000
POOL_MAX_CONNECTIONS = 8
PREPARED = "prepared"
START_TIMEOUT_S = 20
STOP_TIMEOUT_S = 20

TABLES = (
    "CREATE TABLE users (id BIGINT PRIMARY KEY, username VARCHAR(64) NOT NULL) ENGINE=InnoDB",
    f"INSERT INTO users SELECT seq, CONCAT('user', LPAD(seq, 8, '0')) FROM seq_1_to_{ROWS}",
    "CREATE TABLE wide (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL,"
    " amount DECIMAL(12,2) NOT NULL, created DATETIME NOT NULL, note VARCHAR(40)) ENGINE=InnoDB",
    "INSERT INTO wide SELECT seq, CONCAT('name ', seq), seq * 1.37,"
    " '2024-02-29 12:00:00' + INTERVAL seq MINUTE, IF(seq % 3, CONCAT('note ', seq), NULL)"
    f" FROM seq_1_to_{WIDE_ROWS}",
    "ANALYZE TABLE users, wide",
)

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


class Database:
    """The MariaDB that scripts/with-mariadb has started."""

    def __init__(self, link, port=None):
        self.link = link
        self.pid = int(os.environ["FOREBAY_TEST_MYSQL_PID"])
        self.port = port or int(os.environ["FOREBAY_TEST_MYSQL_PORT"])
        self.socket = os.environ["FOREBAY_TEST_MYSQL_SOCKET"]

    def connect(self, database="test", open_connection=pymysql.connect):
        # PyMySQL tries TLS first unless told not to, on loopback as well.
        where = {"unix_socket": self.socket} if self.link == "socket" else {
            "host": "127.0.0.1", "port": self.port}
        return open_connection(user="root", database=database, ssl_disabled=True,
                               autocommit=True, **where)

    def fill(self):
        with self.connect() as connection, connection.cursor() as cursor:
            for statement in TABLES:
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

    def url(self, database="test"):
        if self.link == "socket":
            return f"mysql+unix://root@localhost/{database}?socket={self.socket}"
        return f"mysql://root@127.0.0.1:{self.port}/{database}"

    def shards(self):
        """Pools of one database; the last one prepares its statements."""
        return {"bench": self.url(), "slow": self.url(), PREPARED: self.url()}

    def multi_shards(self):
        return {multi_shard(number): self.url(multi_database(number))
                for number in range(MULTI_SHARDS)}

    def variables(self):
        names = ("version", "innodb_buffer_pool_size", "innodb_flush_log_at_trx_commit",
                 "innodb_doublewrite", "thread_handling", "query_cache_type")
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT " + ", ".join(f"@@{name}" for name in names))
            return dict(zip(names, cursor.fetchone()))


def shard_table(name, url):
    path = 'statements = "prepared"\n' if name == PREPARED else ""
    return f'[shards.{name}]\nurl = "{url}"\n{path}'


class Service:
    """`forebay serve` on shards of these names and URLs."""

    def __init__(self, shards, log):
        self.directory = Path(tempfile.mkdtemp(prefix="forebay-bench."))
        self.port = free_port()
        self.log = log
        config = self.directory / "forebay.toml"
        config.write_text(
            f'[server]\nlisten = ["127.0.0.1:{self.port}"]\n'
            f"[shard_defaults]\npool_max_connections = {POOL_MAX_CONNECTIONS}\n"
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
            self.wait_until_it_listens()
        except BaseException:
            self.__exit__()
            raise
        return self

    def wait_until_it_listens(self):
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"forebay does not listen; see {self.log}") from None
                time.sleep(0.05)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory)


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


def setting(database, options):
    """Everything that a figure depends on."""
    known = database.variables()
    shown = subprocess.run([os.environ["FOREBAY_BENCH_SERVER"], "--version"],
                           capture_output=True, text=True, check=True)
    pinned = "no" if options.core is None else f"everything on core {options.core}"
    return {
        "pinned": pinned,
        "cores": os.cpu_count(),
        "processor": processor(),
        "kernel": platform.release(),
        "rows": ROWS,
        "pool": POOL_MAX_CONNECTIONS,
        "direct_connections": POOL_MAX_CONNECTIONS,
        "protocol": "binary",
        "transport": "framed, TCP loopback",
        "database_link": "Unix socket" if database.link == "socket" else "TCP loopback, no TLS",
        "statement_path": "escaped text",
        "rounds": options.rounds,
        "seconds": options.seconds,
        "forebay": shown.stdout.split()[-1],
        "mariadb": known["version"],
        "buffer_pool_mb": known["innodb_buffer_pool_size"] >> 20,
        "flush_log_at_trx_commit": known["innodb_flush_log_at_trx_commit"],
        "doublewrite": known["innodb_doublewrite"],
        "thread_handling": known["thread_handling"],
        "query_cache": known["query_cache_type"],
        "python": platform.python_version(),
        "pymysql": version("pymysql"),
        "thrift": version("thrift"),
        "gevent": version("gevent"),
    }


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()
