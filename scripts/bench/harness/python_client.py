"""One Python caller, in a process of its own: PyMySQL on a persistent connection,
or the client that the Thrift compiler generates. Prints one JSON object."""

import argparse
import json
import os
import random
import sys
import time
from pathlib import Path
from statistics import quantiles

import servers

POINT = "SELECT id, username FROM users WHERE id = {}"
WIDE = "SELECT id, name, amount, created, note FROM wide WHERE id <= {}"
WARM_UP_S = 0.2
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def main():
    options = parse()
    ask = CLIENTS[options.client](options)
    run(ask, options.rows, WARM_UP_S)
    watched = dict(pair.split("=") for pair in options.watch)
    before = {name: cpu_seconds(pid) for name, pid in watched.items()}
    own = time.process_time()
    walls, errors = run(ask, options.rows, options.seconds)
    cpu = {"client": time.process_time() - own}
    cpu |= {name: cpu_seconds(pid) - before[name] for name, pid in watched.items()}
    cuts = quantiles(walls, n=100) if len(walls) > 1 else walls * 99
    print(json.dumps({
        "requests": len(walls),
        "errors": errors,
        "wall_us": sum(walls) / len(walls) * 1e6,
        "p50_us": cuts[49] * 1e6,
        "p99_us": cuts[98] * 1e6,
        "cpu_us": {name: used / len(walls) * 1e6 for name, used in cpu.items()},
    }))


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--mysql", choices=("socket", "tcp"))
    parser.add_argument("--port", type=int)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--watch", action="append", default=[])
    return parser.parse_args()


def run(ask, rows, seconds):
    """Wall time of each query, and how many had a wrong answer."""
    chosen = random.Random(1)
    walls, errors = [], 0
    now = time.perf_counter()
    end = now + seconds
    while now < end:
        began = now
        number = chosen.randint(1, servers.ROWS) if rows == 1 else rows
        result = ask(number)
        now = time.perf_counter()
        walls.append(now - began)
        errors += len(result) != rows or result[-1][0] != number
    return walls, errors


def pymysql_client(options):
    cursor = servers.Database(options.mysql).connect().cursor()
    statement = (POINT if options.rows == 1 else WIDE).format("%s")

    def ask(number):
        cursor.execute(statement, (number,))
        return cursor.fetchall()

    return ask


def forebay_client(options):
    sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "gen" / "py"))
    from forebay_thrift import Forebay
    from forebay_thrift.ttypes import QueryRequest, Statement, Value
    from thrift.protocol.TBinaryProtocol import TBinaryProtocolAccelerated
    from thrift.transport.TSocket import TSocket
    from thrift.transport.TTransport import TFramedTransport

    transport = TFramedTransport(TSocket("127.0.0.1", options.port))
    client = Forebay.Client(TBinaryProtocolAccelerated(transport, fallback=False))
    transport.open()
    sql = (POINT if options.rows == 1 else WIDE).format("?")

    def ask(number):
        statement = Statement(sql=sql, params=[Value(int64=number)])
        result = client.query(QueryRequest(shard="bench", statement=statement))
        return list(zip(*map(values, result.rows.columns)))

    return ask


def values(column):
    """A column's values, None for NULL; decimals and times stay text."""
    found = column.int64s or column.strings or column.doubles or column.blobs or ()
    nulls = column.nulls
    if not nulls:
        return found
    return [None if row >> 3 < len(nulls) and nulls[row >> 3] >> (row & 7) & 1 else value
            for row, value in enumerate(found)]


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


CLIENTS = {"pymysql": pymysql_client, "forebay": forebay_client}

if __name__ == "__main__":
    main()
