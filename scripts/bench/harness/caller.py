"""What the Python callers share: the window in which they count, and the client
that the Thrift compiler generates. Each is a process of its own and prints one
JSON object."""

import os
import sys
import time
from pathlib import Path
from statistics import quantiles

WARM_UP_S = 0.2
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def add_options(parser):
    parser.add_argument("--mysql", choices=("socket", "tcp"))
    parser.add_argument("--port", type=int)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--watch", action="append", default=[])


def measure(ask, options, sends=lambda: 0):
    """Calls `ask`, which tells whether the answer was right, throughout the window.
    `sends` counts what has gone out so far."""
    run(ask, WARM_UP_S)
    watched = dict(pair.split("=") for pair in options.watch)
    before = {name: cpu_seconds(pid) for name, pid in watched.items()}
    sent, own = sends(), time.process_time()
    walls, errors = run(ask, options.seconds)
    cpu = {"client": time.process_time() - own}
    cpu |= {name: cpu_seconds(pid) - before[name] for name, pid in watched.items()}
    sent = sends() - sent
    cuts = quantiles(walls, n=100) if len(walls) > 1 else walls * 99
    return {
        "requests": len(walls),
        "errors": errors,
        "wall_us": sum(walls) / len(walls) * 1e6,
        "p50_us": cuts[49] * 1e6,
        "p99_us": cuts[98] * 1e6,
        "cpu_us": {name: used / len(walls) * 1e6 for name, used in cpu.items()},
    } | ({"sends": sent / len(walls)} if sent else {})


def run(ask, seconds):
    """Wall time of each call, and how many had a wrong answer."""
    walls, errors = [], 0
    now = time.perf_counter()
    end = now + seconds
    while now < end:
        began = now
        right = ask()
        now = time.perf_counter()
        walls.append(now - began)
        errors += not right
    return walls, errors


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def generated_client(port):
    """The generated client, connected, and its socket, whose `sends` count."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "gen" / "py"))
    from forebay_thrift import Forebay
    from thrift.protocol.TBinaryProtocol import TBinaryProtocolAccelerated
    from thrift.transport.TSocket import TSocket
    from thrift.transport.TTransport import TFramedTransport

    class CountingSocket(TSocket):
        sends = 0

        def write(self, buff):
            self.sends += 1
            super().write(buff)

    socket = CountingSocket("127.0.0.1", port)
    transport = TFramedTransport(socket)
    client = Forebay.Client(TBinaryProtocolAccelerated(transport, fallback=False))
    transport.open()
    return client, socket


def rows(result_set):
    """A result's rows as tuples."""
    return list(zip(*map(values, result_set.columns)))


def values(column):
    """A column's values, None for NULL; decimals and times stay text."""
    found = column.int64s or column.strings or column.doubles or column.blobs or ()
    nulls = column.nulls
    if not nulls:
        return found
    return [None if row >> 3 < len(nulls) and nulls[row >> 3] >> (row & 7) & 1 else value
            for row, value in enumerate(found)]
