"""Drivers of DB-API 2.0, one caller each: rows, inserts, connections."""

from contextlib import ExitStack

import proxies
import servers
from report import caller_cpu, print_table, share, spread

TITLES = {
    "forebay": "forebay",
    "forebay-unix": "forebay, Unix socket",
    "generated": "generated client",
    "pymysql": "PyMySQL",
    "mysqlclient": "mysqlclient",
    "proxysql": "PyMySQL, ProxySQL",
    "pymysql-tls": "PyMySQL, its defaults (TLS)",
}
WIDE = (1, 20, 100, 1_000, 10_000)
MANY = (100, 1_000)


# What is also measured with the client on a core of its own.
APART = (("point", 1), ("rows", 100), ("rows", 10_000))


def measure(run, _):
    with ExitStack() as stack:
        service = stack.enter_context(run.service())
        bench = run.bench(service)
        between = proxies.start_those_there(stack, (proxies.ProxySql,), run)
        clients = ["forebay", "forebay-unix", "pymysql"]
        clients += ["mysqlclient"] * proxies.has_mysqlclient() + list(between)
        where = ["--forebay-socket", service.socket]
        where += [word for found in between.values() for word in ("--proxy-port", found.port)]
        checked = bench.driver("check", *where, "--clients", "generated", *clients)()
        if checked["errors"]:
            raise SystemExit("drivers give different answers; see above")
        return run.in_turn({name: bench.driver(*words, *where)
                            for name, words in plan(clients).items()})


def plan(clients):
    """The arguments of the client's program by the measurement's name."""
    found = {}

    def add(name, client, operation, count, *more):
        found[f"driver {client} {name}"] = (client, operation, "--count", count, *more)

    for operation, count in titles():
        for client in measured_by(clients, operation):
            add(f"{operation} {count}", client, operation, count)
    if (core := servers.another_core()) is not None:
        for operation, count in APART:
            for client in clients:
                add(f"{operation} {count} apart", client, operation, count, "--core", core)
    return found


def measured_by(clients, operation):
    if operation == "pooled":
        return ["forebay"]
    return clients + {"mixed": ["generated"], "connect": ["pymysql-tls"]}.get(operation, [])


def titles():
    """The operation and the count of rows, in the order of the tables."""
    found = {("point", 1): "Point SELECT by primary key, 2 columns"}
    found |= {("rows", count): f"{rows(count)} × 5: int, varchar, decimal, datetime, NULL"
              for count in WIDE}
    found[("mixed", WIDE[-1])] = f"{rows(WIDE[-1])} × 5, the last one text or NULL"
    found[("insert", 1)] = "INSERT of one row, autocommit"
    found |= {("many", count): f"executemany, {rows(count)}" for count in MANY}
    found[("connect", 1)] = "Connect, one point SELECT, close"
    found[("pooled", 1)] = "The same out of a pool of one connection"
    return found


def rows(count):
    return f"{count:,} row{'s' * (count != 1)}"


HEAD = ["", "p50 µs", "p99 µs", "of PyMySQL", "CPU µs: client", "forebay", "mariadbd"]


def show(samples):
    for (operation, count), title in titles().items():
        # The pool is compared with PyMySQL's connection that stays.
        beside = "point" if operation == "pooled" else operation
        show_table(samples, title, f"{operation} {count}", f"{beside} {count}")
    for operation, count in APART:
        name = f"{operation} {count} apart"
        title = f"{titles()[operation, count]}; the client on a core of its own"
        show_table(samples, title, name, name)


def show_table(samples, title, name, beside):
    lines = [[TITLES[client], spread(found, "p50_us"), spread(found, "p99_us"),
              share(found, samples[f"driver pymysql {beside}"], "p50_us"), *caller_cpu(found)]
             for client in TITLES if (found := samples.get(f"driver {client} {name}"))]
    if lines:
        print_table(title, HEAD, lines)
