"""One Python caller of DB-API 2.0, by each of the drivers: the same statements through
the same functions. What it reads and writes is compared with PyMySQL's by `check`."""

import argparse
import datetime
import itertools
import json
import os
import random
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import caller
import servers

POINT = "SELECT id, username FROM users WHERE id = %s"
ROWS = "SELECT id, name, amount, created, gone FROM wide WHERE id <= %s"
MIXED = "SELECT id, name, amount, created, note FROM wide WHERE id <= %s"
INSERT = "INSERT INTO driven (name, amount, created, gone) VALUES (%s, %s, %s, %s)"
WRITTEN = "SELECT name, amount, created, gone FROM driven ORDER BY id"
TABLE = (
    "CREATE TABLE IF NOT EXISTS driven (id BIGINT AUTO_INCREMENT PRIMARY KEY,"
    " name VARCHAR(40) NOT NULL, amount DECIMAL(12,2) NOT NULL, created DATETIME NOT NULL,"
    " gone VARCHAR(40)) ENGINE=InnoDB",
    "TRUNCATE TABLE driven",
)
# Of the table of point reads, drawn before anything is timed.
KEYS = 4096
CHECKED_ROWS = 1000
CHECKED_KEYS = (1, 7, servers.ROWS)


def main():
    options = parse()
    if options.core is not None:
        os.sched_setaffinity(0, {options.core})
    if options.client == "check":
        print(json.dumps({"errors": check(options)}))
        return
    result = OPERATIONS[options.operation](options, options.count)
    print(json.dumps(result))


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("client", choices=(*CONNECT, "generated", "check"))
    parser.add_argument("operation", choices=OPERATIONS, nargs="?")
    parser.add_argument("--count", type=int, default=1, help="rows of each operation")
    parser.add_argument("--clients", nargs="*", help="to check")
    parser.add_argument("--proxy-port", type=int)
    parser.add_argument("--forebay-socket", help="its path")
    parser.add_argument("--core", type=int, help="one of its own")
    caller.add_options(parser)
    return parser.parse_args()


def keys():
    chosen = random.Random(1)
    return itertools.cycle([chosen.randint(1, servers.ROWS) for _ in range(KEYS)])


def row(number):
    """What an insert writes."""
    created = datetime.datetime(2024, 2, 29, 12) + datetime.timedelta(minutes=number)
    return (f"name {number}", Decimal(number * 137) / 100, created, None)


# Each measures what it is named for.

def point(options, _):
    read = reader(options, POINT)
    numbers = keys()

    def ask():
        number = next(numbers)
        rows = read(number)
        return len(rows) == 1 and rows[0][0] == number

    return caller.measure(ask, options)


def rows(options, count, statement=ROWS):
    read = reader(options, statement)

    def ask():
        found = read(count)
        return len(found) == count and found[-1][0] == count

    return caller.measure(ask, options)


def mixed(options, count):
    return rows(options, count, MIXED)


def insert(options, _):
    cursor = emptied(options).cursor()
    values = row(1)

    def ask():
        cursor.execute(INSERT, values)
        return cursor.rowcount == 1 and cursor.lastrowid > 0

    return measure_writes(ask, options, 1)


def many(options, count):
    cursor = emptied(options).cursor()
    values = [row(number) for number in range(count)]

    def ask():
        cursor.executemany(INSERT, values)
        return cursor.rowcount == count

    return measure_writes(ask, options, count)


def connect(options, _):
    """A connection for each request, or one out of a pool."""
    opened = CONNECT[options.client](options)
    numbers = keys()

    def ask():
        number = next(numbers)
        with closing(opened()) as connection:
            cursor = connection.cursor()
            cursor.execute(POINT, (number,))
            found = cursor.fetchall()
        return len(found) == 1 and found[0][0] == number

    return caller.measure(ask, options)


def pooled(options, _):
    pool = forebay_pool(options)
    numbers = keys()

    def ask():
        number = next(numbers)
        with pool.connection() as connection:
            cursor = connection.cursor()
            cursor.execute(POINT, (number,))
            found = cursor.fetchall()
        return len(found) == 1 and found[0][0] == number

    return caller.measure(ask, options)


OPERATIONS = {"point": point, "rows": rows, "mixed": mixed, "insert": insert, "many": many,
              "connect": connect, "pooled": pooled}


def reader(options, statement):
    """A function that reads on a connection that stays."""
    if options.client == "generated":
        return generated_reader(options, statement)
    cursor = CONNECT[options.client](options)().cursor()

    def read(number):
        cursor.execute(statement, (number,))
        return cursor.fetchall()

    return read


def emptied(options):
    """A connection, when the table of the inserts is there and empty."""
    empty_table()
    return CONNECT[options.client](options)()


def empty_table():
    with servers.Database("socket").connect() as connection, connection.cursor() as cursor:
        for statement in TABLE:
            cursor.execute(statement)


def measure_writes(ask, options, count):
    """What it says of itself, and whether as many rows have come to the table."""
    asked = 0

    def counted():
        nonlocal asked
        asked += 1
        return ask()

    result = caller.measure(counted, options)
    written, = servers.Database("socket").row("SELECT COUNT(*) FROM driven")
    result["errors"] += abs(written - asked * count)
    return result


# The drivers: a function that opens a connection.

def pymysql_driver(options):
    return servers.Database(options.mysql).connect


def pymysql_tls_driver(options):
    """With its own defaults, which try TLS."""
    import pymysql
    where = servers.Database(options.mysql).where()
    return lambda: pymysql.connect(user="root", database="test", autocommit=True, **where)


def proxysql_driver(options):
    import pymysql
    return lambda: pymysql.connect(
        host="127.0.0.1", port=options.proxy_port, user=servers.PROXY_USER,
        password=servers.PROXY_PASSWORD, database="test", autocommit=True, ssl_disabled=True)


def mysqlclient_driver(options):
    import MySQLdb
    where = servers.Database(options.mysql).where()
    return lambda: MySQLdb.connect(user="root", database="test", autocommit=True,
                                   charset="utf8mb4", **where)


def forebay_arguments(options):
    sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "clients" / "python" / "src"))
    return {"host": "127.0.0.1", "port": options.port, "database": "bench", "autocommit": True}


def forebay_driver(options):
    arguments = forebay_arguments(options)
    import forebay
    return lambda: forebay.connect(**arguments)


def forebay_unix_driver(options):
    arguments = forebay_arguments(options) | {"unix_socket": options.forebay_socket}
    import forebay
    return lambda: forebay.connect(**arguments)


def forebay_pool(options):
    arguments = forebay_arguments(options)
    import forebay
    return forebay.Pool(max_connections=1, **arguments)


CONNECT = {"forebay": forebay_driver, "forebay-unix": forebay_unix_driver,
           "pymysql": pymysql_driver, "pymysql-tls": pymysql_tls_driver,
           "mysqlclient": mysqlclient_driver, "proxysql": proxysql_driver}


def generated_reader(options, statement):
    """The client that the Thrift compiler generates, to the same tuples."""
    client, _ = caller.generated_client(options.port)
    from forebay_thrift.ttypes import ParamStyle, QueryRequest, Statement, Value

    def read(number):
        request = QueryRequest(shard="bench", statement=Statement(
            sql=statement, params=[Value(int64=number)], param_style=ParamStyle.PYFORMAT))
        found = list(map(caller.values, client.query(request).rows.columns))
        if len(found) == 5:
            found[2] = map(Decimal, found[2])
            found[3] = map(datetime.datetime.fromisoformat, found[3])
        return tuple(zip(*found))

    return read


# Before anything is timed.

def check(options):
    """Whether every driver reads and writes what PyMySQL does, values and their types."""
    expected = answers("pymysql", options)
    errors = 0
    for client in options.clients:
        found = answers(client, options)
        for name, rows in found.items():
            if rows != expected[name]:
                print(f"{client}, {name}: {differing(rows, expected[name])}", file=sys.stderr)
                errors += 1
    return errors


def answers(client, options):
    """The text of what a driver gives for each statement."""
    options.client = client
    reads = {f"point {number}": (POINT, number) for number in CHECKED_KEYS}
    reads |= {"rows": (ROWS, CHECKED_ROWS), "mixed": (MIXED, CHECKED_ROWS)}
    found = {name: list(map(repr, reader(options, statement)(number)))
             for name, (statement, number) in reads.items()}
    if client != "generated":
        found["written"] = written(options)
    return found


def written(options):
    cursor = emptied(options).cursor()
    cursor.execute(INSERT, row(0))
    cursor.executemany(INSERT, [row(number) for number in range(1, CHECKED_ROWS)])
    with servers.Database("socket").connect() as connection, connection.cursor() as cursor:
        cursor.execute(WRITTEN)
        return list(map(repr, cursor.fetchall()))


def differing(found, expected):
    if len(found) != len(expected):
        return f"{len(found)} rows and not {len(expected)}"
    return next(f"{one} and not {other}" for one, other in zip(found, expected) if one != other)


if __name__ == "__main__":
    main()
