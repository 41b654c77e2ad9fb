"""Runs the soak: see scripts/soak."""

import argparse
import os
import pathlib
import random
import sys
import tempfile
import time

from service import Service
from soak import database
from soak.book import Book
from soak.worker import Worker
from threads import run_in_threads

# What was written is checked, and removed, after each of these.
ROUND_S = 60
WORKERS = 24

# After a round everything must be at rest within this.
REST_S = 20
# Beside sessions and connections: the log, the listeners, the runtime's own.
OTHER_FILES_MAX = 40
THREADS_MAX = 200


def main():
    arguments = parse()
    port = int(os.environ["FOREBAY_TEST_MYSQL_PORT"])
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 32)
    seconds = arguments.hours * 3600 if arguments.hours else arguments.seconds
    print(f"soak: {seconds:g} s with {arguments.workers} workers, seed {seed}", flush=True)
    book = Book()
    database.prepare(port)
    with tempfile.TemporaryDirectory(prefix="forebay-soak.") as folder:
        service = Service(pathlib.Path(folder), database.configuration(port))
        try:
            end = time.monotonic() + seconds
            rounds = 0
            while (left := end - time.monotonic()) > 0 or rounds == 0:
                rounds += 1
                run_round(service, port, book, min(left, ROUND_S), arguments.workers, seed + rounds)
                if rounds > 1 or left > ROUND_S:
                    print(f"soak: round {rounds}: {'clean' if book.is_clean() else 'NOT clean'}", flush=True)
        finally:
            exit_code = service.stop()
        if exit_code != 0:
            book.fault("leftovers", f"the service ended with {exit_code}")
        report(book, service, seed)
    return 0 if book.is_clean() else 1


def run_round(service, port, book, seconds, workers, seed):
    """Everybody at once for that time, then a look at what they leave behind."""
    database.prepare(port)
    book.start_anew()
    until = time.monotonic() + seconds
    administrator = database.Administrator(port, book, until, seed)
    administrator.start()
    team = [Worker(f"{seed}-{number}", service.port, book, f"{seed}/{number}") for number in range(workers)]
    try:
        run_in_threads([lambda worker=worker: worker.run(until) for worker in team], seconds + 120)
    except AssertionError as hangs:
        book.fault("broken workers", hangs)
    administrator.join(30)
    look_for_leftovers(service, port, book)
    database.check(port, book)


def look_for_leftovers(service, port, book):
    deadline = time.monotonic() + REST_S
    while (left := leftovers(service, port)) and time.monotonic() < deadline:
        # InnoDB's table of transactions stays as it is while it is read more often.
        time.sleep(0.3)
    for what in left:
        book.fault("leftovers", f"{REST_S} s after the last client has gone: {what}")


def leftovers(service, port):
    if not service.is_running():
        return ["the service has ended"]
    open_now, running, transactions = database.connections(port)
    connections_max = database.POOL * len(database.SHARDS) + database.QUIET_POOL
    left = []
    if open_now > connections_max:
        left.append(f"{open_now} connections, of {connections_max} in all pools")
    if running:
        left.append(f"{running} statements")
    if transactions:
        left.append(f"{transactions} transactions")
    of_process = pathlib.Path(f"/proc/{service.process.pid}")
    files = len(list((of_process / "fd").iterdir()))
    # A session that is not given up is a file.
    if files > open_now + OTHER_FILES_MAX:
        left.append(f"{files} open files, {open_now} of them connections to databases")
    threads = len(list((of_process / "task").iterdir()))
    if threads > THREADS_MAX:
        left.append(f"{threads} threads")
    return left


def report(book, service, seed):
    print(book.summary())
    if book.is_clean():
        print("soak: clean")
        return
    print(f"soak: FAILED (seed {seed}); the end of the service's log:")
    print("\n".join(service.log().splitlines()[-40:]))


def parse():
    parser = argparse.ArgumentParser(prog="scripts/soak", description=sys.modules["soak"].__doc__)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=float, default=60, help="how long (default: 60)")
    length.add_argument("--hours", type=float, help="how long, in hours")
    parser.add_argument("--workers", type=int, default=WORKERS, help=f"clients at once (default: {WORKERS})")
    parser.add_argument("--seed", type=int, help="as a run that failed has told, for the same choices")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
