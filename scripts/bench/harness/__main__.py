"""What is measured, beside what, and how often. Run by scripts/bench/run."""

import argparse
import os
import signal
import sys
from pathlib import Path

import curves
import report
import servers
from measure import Bench
from relay import DELAY_MS, Relay

SESSIONS = (1, 16, 64, 512)
PREPARED_SESSIONS = (16, 512)
PYTHON_ROWS = (1, 100, 10_000)
IDLE_SESSIONS = 10_000
OPEN_SESSIONS = 64
# Of what the same sessions reach in the closed loop.
OPEN_LOADS = (0.25, 0.5, 0.7, 0.9)
SLOW_CALLERS = 64
UNIT_CLIENTS = ("pymysql-each", "pymysql-many", "transaction-each", "transaction-many", "batch")
MULTI_CLIENTS = ("pymysql", "gevent-pymysql", "gevent-forebay", "gevent-multi", "multi")
PARTS = ("load", "open", "idle", "slow", "python", "units", "multi")


def main():
    options = parse()
    # So that `finally` stops what was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    database = servers.Database(options.link)
    if options.core is not None:
        servers.pin(options.core, [os.getpid(), database.pid])
    database.fill()
    if "multi" in options.only:
        database.fill_multi()
    out = Path(os.environ["FOREBAY_BENCH_OUT"])
    out.mkdir(parents=True, exist_ok=True)
    setting = servers.setting(database, options) | {"relay_delay_ms": DELAY_MS}
    report.print_setting(setting)
    samples = {}
    for part in options.only:
        shards = database.multi_shards() if part == "multi" else database.shards()
        with servers.Service(shards, out / "forebay.log") as service:
            bench = Bench(service, database, options.rounds, options.seconds)
            samples |= MEASURES[part](bench, samples)
        report.PRINTERS[part](samples)
    report.write_figures(out / "figures.jsonl", samples, setting)
    drawn = curves.draw(out, samples)
    errors = report.count_errors(samples)
    print(f"\nIn {out}: figures.jsonl {' '.join(drawn)}")
    print(f"Wrong or missing replies: {errors}")
    return 1 if errors else 0


def parse():
    cores = sorted(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(
        prog="scripts/bench/run",
        description="Measures Forebay beside the mysql crate and PyMySQL on one MariaDB.",
    )
    parser.add_argument("--quick", action="store_true",
                        help="one short round of everything: a look, not a measurement")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART",
                        help=f"only these parts: {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, help="how often each is measured, in turn (5)")
    parser.add_argument("--seconds", type=float, help="length of one measurement (1.5)")
    parser.add_argument("--link", choices=("socket", "tcp"), default="socket",
                        help="how everybody reaches MariaDB (socket)")
    parser.add_argument("--core", type=int, choices=cores, default=cores[-1],
                        help=f"the one that all processes share ({cores[-1]})")
    parser.add_argument("--unpinned", action="store_const", const=None, dest="core",
                        help="let them use every core")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (0.7 if options.quick else 1.5)
    return options


def measure_load(bench, _):
    """The service at several numbers of sessions; the limits on either side."""
    plan = {"direct": bench.direct()}
    for sessions in SESSIONS:
        plan[f"forebay {sessions}"] = bench.closed(sessions)
    for sessions in PREPARED_SESSIONS:
        plan[f"prepared {sessions}"] = bench.closed(sessions, shard=servers.PREPARED)
    plan["ping 16"] = bench.closed(16, request="ping")
    return bench.in_turn(plan)


def measure_open(bench, samples):
    """Latency when requests come at a fixed rate, whatever the service does."""
    closed = samples.get(f"forebay {OPEN_SESSIONS}")
    if closed is None:
        closed = bench.in_turn({"closed": bench.closed(OPEN_SESSIONS)})["closed"]
    reached = report.median(closed, "throughput")
    rates = [round(reached * load, -2) for load in OPEN_LOADS]
    return bench.in_turn({f"open {rate:.0f}": bench.open(OPEN_SESSIONS, rate) for rate in rates})


def measure_idle(bench, _):
    """Memory and threads of a fresh service with sessions that say nothing."""
    return {f"idle {IDLE_SESSIONS}": [bench.idle(IDLE_SESSIONS)()]}


def measure_slow(bench, _):
    """A shard beside one whose callers all wait for SLEEP(1)."""
    plan = {"healthy alone": bench.closed(16), "healthy beside slow": bench.closed(16)}
    with_sleepers = plan["healthy beside slow"]

    def beside():
        with bench.sleepers(SLOW_CALLERS):
            return with_sleepers()

    return bench.in_turn(plan | {"healthy beside slow": beside})


def measure_python(bench, _):
    """PyMySQL on a persistent connection, and the generated Python client."""
    plan = {}
    for rows in PYTHON_ROWS:
        for client in ("pymysql", "forebay"):
            plan[f"python {client} {rows}"] = bench.python(client, rows)
    return bench.in_turn(plan)


def measure_units(bench, _):
    """A parent with its children, in the ways that there are; then with a network."""
    samples = bench.in_turn({f"units near {client}": bench.unit(client)
                             for client in UNIT_CLIENTS})
    return samples | measure_units_far(bench)


def measure_units_far(bench):
    """The callers on another machine than the rest, and the service on a third one."""
    log = bench.service.log.with_name("forebay-third.log")
    with Relay(bench.database.port) as to_database, Relay(bench.service.port) as to_service:
        database = servers.Database("tcp", to_database.port)
        far = Bench(bench.service, database, bench.rounds, bench.seconds, to_service.port)
        plan = {f"units far {client}": far.unit(client) for client in UNIT_CLIENTS}
        with (servers.Service(database.shards(), log) as service,
              Relay(service.port) as to_third):
            third = Bench(service, database, bench.rounds, bench.seconds, to_third.port)
            plan |= {f"units third {client}": third.unit(client)
                     for client in ("transaction-many", "batch")}
            return far.in_turn(plan)


def measure_multi(bench, _):
    """The same row of every shard, in the ways that there are."""
    return bench.in_turn({f"multi {client}": bench.multi(client) for client in MULTI_CLIENTS})


MEASURES = {
    "load": measure_load,
    "open": measure_open,
    "idle": measure_idle,
    "slow": measure_slow,
    "python": measure_python,
    "units": measure_units,
    "multi": measure_multi,
}

if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
