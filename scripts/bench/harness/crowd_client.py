"""Many Python callers, as a site has them: processes, each with as many sessions as
it is told, that read one row again and again. With one session a process just waits
for its answers; with more it has a greenlet for each, or a thread where the client is
written in C and gevent cannot help it. Prints one JSON object for all of them."""

import sys

THREADED = ("mysqlclient",)
GREENLETS = (sys.argv[sys.argv.index("--sessions-each") + 1] != "1"
             and sys.argv[1] not in THREADED)
if GREENLETS:
    # As gevent asks: before anything else is imported. The processes are forked, so
    # that they need not import it all again.
    from gevent import monkey
    monkey.patch_all()

import argparse
import json
import os
import random
import struct
import threading
import time
from statistics import quantiles

import caller
import measure
import servers

POINT = "SELECT id, username FROM users WHERE id = {}"
WARM_UP_S = 0.5
# They go on for so long after the window: what is read at its end must find them busy,
# and may be read late on a core that many share.
COOL_DOWN_S = 0.5
# Before a session asks again whose last request has failed.
PAUSE_S = 0.01
WINDOW = struct.Struct("dd")


def main():
    options = parse()
    workers = [Worker(options, index) for index in range(options.processes)]
    for worker in workers:
        worker.wait_until_connected()
    begin = time.monotonic() + WARM_UP_S
    end = begin + options.seconds
    for worker in workers:
        worker.start(begin, end)
    pids = {name: [pid] for name, pid in (pair.split("=") for pair in options.watch)}
    pids["client"] = [worker.pid for worker in workers]
    before, after = (Look(when, pids) for when in (begin, end))
    results = [worker.result() for worker in workers]
    if (failures := [failure for _, _, failure in results if failure]):
        print(f"{options.client}: {failures[0]}", file=sys.stderr)
    print(json.dumps(summary(options, results, before, after)))


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("--processes", type=int, required=True)
    parser.add_argument("--sessions-each", type=int, required=True)
    caller.add_options(parser)
    return parser.parse_args()


class Look:
    """CPU time of each process, or of several together, and how large they are."""

    def __init__(self, when, pids):
        time.sleep(max(0, when - time.monotonic()))
        self.time = time.monotonic()
        self.cpu = {name: sum(map(caller.cpu_seconds, found)) for name, found in pids.items()}
        self.sizes = {name: measure.status(pid) for name, (pid, *others) in pids.items()
                      if not others}


def summary(options, results, before, after):
    latencies = [latency for found, *_ in results for latency in found]
    if len(latencies) < 2:
        raise SystemExit("nobody was answered within the window")
    cuts = quantiles(latencies, n=100)
    errors = sum(errors for _, errors, _ in results)
    requests_per_s = (len(latencies) + errors) / options.seconds
    used = {name: (after.cpu[name] - before.cpu[name]) / (after.time - before.time)
            for name in after.cpu}
    return {
        "requests": len(latencies) + errors,
        "errors": errors,
        "throughput": len(latencies) / options.seconds,
        "p50_us": cuts[49],
        "p99_us": cuts[98],
        "cpu_us": {name: share / requests_per_s * 1e6 for name, share in used.items()},
        "rss_kb": {name: size["rss_kb"] for name, size in after.sizes.items()},
        "threads": {name: size["threads"] for name, size in after.sizes.items()},
    }


class Worker:
    """One of the processes, and the pipes to and from it."""

    def __init__(self, options, index):
        to_read, self.to_write = os.pipe()
        self.to_read, to_write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                serve(options, index, to_read, to_write)
                status = 0
            finally:
                # Nothing of the parent's is to be flushed or ended here.
                os._exit(status)
        os.close(to_read)
        os.close(to_write)

    def wait_until_connected(self):
        if os.read(self.to_read, 1) != b"c":
            raise SystemExit("a Python client could not connect; see above")

    def start(self, begin, end):
        os.write(self.to_write, WINDOW.pack(begin, end))

    def result(self):
        """Latencies in µs, how many requests failed or had a wrong answer, and a reason."""
        with os.fdopen(self.to_read) as file:
            text = file.read()
        os.waitpid(self.pid, 0)
        if not text:
            raise SystemExit("a Python client has failed; see above")
        return json.loads(text)


def serve(options, index, to_read, to_write):
    """What a process does: connects its sessions, waits for the window, asks."""
    connect = CLIENTS[options.client]
    sessions = [connect(options) for _ in range(options.sessions_each)]
    os.write(to_write, b"c")
    window = WINDOW.unpack(os.read(to_read, WINDOW.size))
    tally = Tally(*window)

    def run(number):
        tally.count(sessions[number], random.Random(index * options.sessions_each + number))

    if options.sessions_each == 1:
        run(0)
    else:
        # Of gevent, where it has replaced them.
        threads = [threading.Thread(target=run, args=[number])
                   for number in range(options.sessions_each)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with os.fdopen(to_write, "w") as file:
        json.dump([tally.latencies, tally.errors, tally.failure], file)


class Tally:
    """What the sessions of a process have seen within the window."""

    def __init__(self, begin, end):
        self.begin, self.end = begin, end
        self.latencies, self.errors, self.failure = [], 0, None

    def count(self, read, chosen):
        """One session, until a while after the window has closed."""
        now = time.monotonic()
        while now < self.end + COOL_DOWN_S:
            began = now
            number = chosen.randint(1, servers.ROWS)
            right = self.is_answered(read, number)
            now = time.monotonic()
            if self.begin <= now < self.end:
                if right:
                    self.latencies.append(round((now - began) * 1e6, 1))
                else:
                    self.errors += 1

    def is_answered(self, read, number):
        try:
            row = read(number)
        except Exception as error:
            self.failure = self.failure or str(error)
            time.sleep(PAUSE_S)
            return False
        return row[0] == number


def pymysql_client(options):
    return by_cursor(servers.Database(options.mysql).connect())


def mysqlclient_client(options):
    import MySQLdb
    where = servers.Database(options.mysql).where()
    return by_cursor(MySQLdb.connect(user="root", database="test", autocommit=True, **where))


def by_cursor(connection):
    cursor = connection.cursor()
    statement = POINT.format("%s")

    def read(number):
        cursor.execute(statement, (number,))
        return cursor.fetchall()[0]

    return read


def forebay_client(options):
    client, _ = caller.generated_client(options.port)
    from forebay_thrift.ttypes import QueryRequest, Statement, Value
    sql = POINT.format("?")

    def read(number):
        statement = Statement(sql=sql, params=[Value(int64=number)])
        request = QueryRequest(shard="bench", statement=statement)
        return caller.rows(client.query(request).rows)[0]

    return read


CLIENTS = {"pymysql": pymysql_client, "mysqlclient": mysqlclient_client,
           "forebay": forebay_client}

if __name__ == "__main__":
    main()
