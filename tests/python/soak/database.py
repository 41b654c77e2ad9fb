"""The databases of a soak: their tables, the administrator who kills what runs in
them, and the check of what is in them at the end."""

import random
import threading
import time

import pymysql

from soak.book import proof

# Nothing is killed on QUIET, and nothing but sleeps runs there.
SHARDS = ("soak0", "soak1", "soak2")
QUIET = "quiet"
POOL = 4
QUIET_POOL = 64

ROWS = 2_000
COUNTERS = 20

OWN = "db IN ('soak0', 'soak1', 'soak2', 'soak_quiet')"


def connect(port, **more):
    return pymysql.connect(
        host="127.0.0.1", port=port, user="root", password="", ssl_disabled=True, autocommit=True, **more
    )


def prepare(port):
    """The tables, as they are before every round."""
    with connect(port) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE IF NOT EXISTS soak_quiet")
        for shard in SHARDS:
            cursor.execute(f"CREATE DATABASE IF NOT EXISTS {shard}")
            for table, columns in (
                ("fixed", "proof CHAR(32) NOT NULL"),
                ("written", "proof CHAR(32) NOT NULL"),
                ("counters", "number BIGINT NOT NULL"),
            ):
                cursor.execute(
                    f"CREATE TABLE IF NOT EXISTS {shard}.{table} (id BIGINT PRIMARY KEY, {columns}) ENGINE=InnoDB"
                )
                cursor.execute(f"DELETE FROM {shard}.{table}")
            rows = [(key, proof(shard, "fixed", key)) for key in range(1, ROWS + 1)]
            cursor.executemany(f"INSERT INTO {shard}.fixed VALUES (%s, %s)", rows)
            counters = [(key, 0) for key in range(1, COUNTERS + 1)]
            cursor.executemany(f"INSERT INTO {shard}.counters VALUES (%s, %s)", counters)


def configuration(port):
    """The service's shards."""
    shards = [(shard, shard, POOL) for shard in SHARDS] + [(QUIET, "soak_quiet", QUIET_POOL)]
    return "\n".join(
        f'[shards.{name}]\nurl = "mysql://root@127.0.0.1:{port}/{database}"\npool_max_connections = {pool}\n'
        for name, database, pool in shards
    )


def check(port, book):
    """Whether every row is as the book says."""
    with connect(port) as connection, connection.cursor() as cursor:
        for shard in SHARDS:
            cursor.execute(f"SELECT id, proof FROM {shard}.written")
            book.check_written(shard, "written", cursor.fetchall())
            cursor.execute(f"SELECT id, number FROM {shard}.counters")
            for key, number in cursor.fetchall():
                book.check_counter(shard, key, number)
            cursor.execute(f"SELECT id, proof FROM {shard}.fixed ORDER BY id")
            if list(cursor.fetchall()) != [(key, proof(shard, "fixed", key)) for key in range(1, ROWS + 1)]:
                book.fault("wrong rows", f"{shard}: the table that nobody writes has changed")


def connections(port):
    """The service's connections, those of them that run something, and the open
    transactions."""
    with connect(port) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*), COALESCE(SUM(command <> 'Sleep'), 0) "
            f"FROM information_schema.processlist WHERE {OWN}"
        )
        open_now, running = cursor.fetchone()
        cursor.execute(
            "SELECT COUNT(*) FROM information_schema.innodb_trx JOIN information_schema.processlist "
            f"ON trx_mysql_thread_id = processlist.id WHERE {OWN}"
        )
        (transactions,) = cursor.fetchone()
    return int(open_now), int(running), int(transactions)


class Administrator(threading.Thread):
    """Kills a connection, or what it runs, every now and then."""

    KILLED = "db IN ('soak0', 'soak1', 'soak2')"

    def __init__(self, port, book, until, seed):
        super().__init__(daemon=True)
        self.port = port
        self.book = book
        self.until = until
        self.random = random.Random(seed)

    def run(self):
        with connect(self.port) as connection, connection.cursor() as cursor:
            while time.monotonic() < self.until:
                time.sleep(self.random.uniform(0.02, 0.2))
                cursor.execute(
                    f"SELECT id FROM information_schema.processlist WHERE {self.KILLED} ORDER BY RAND() LIMIT 1"
                )
                for (number,) in cursor.fetchall():
                    how = self.random.choice(("KILL", "KILL QUERY"))
                    try:
                        cursor.execute(f"{how} {number}")
                        self.book.count(how)
                    except pymysql.err.MySQLError:
                        # It has gone by itself.
                        pass
