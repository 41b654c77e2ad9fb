"""One measurement is one run of the load generator, or of a Python client, and
gives one sample. Measurements that are compared are run in turn, round by round."""

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import servers

# Beyond the window itself: connecting, warming up, the last replies.
PATIENCE_S = 30
# The slow callers come so much earlier than those that are measured.
SLEEPERS_LEAD_S = 0.5


class Bench:
    """Makes measurements of one service and its database."""

    def __init__(self, service, database, rounds, seconds, port=None):
        """`port`: of what callers reach the service through, if not its own."""
        port = port or service.port
        self.service = service
        self.database = database
        self.rounds = rounds
        self.window = ["--seconds", str(seconds),
                       "--watch", f"forebay={service.pid}", "--watch", f"mariadbd={database.pid}"]
        self.target = ["--to", f"127.0.0.1:{port}"]
        self.seconds = seconds
        self.port = port

    def in_turn(self, plan):
        """A B A B …: a list of samples for each name of the plan."""
        samples = {name: [] for name in plan}
        for _ in range(self.rounds):
            for name, measurement in plan.items():
                samples[name].append(measurement())
                progress(name)
        progress("")
        return samples

    def closed(self, sessions, request="point", shard="bench"):
        return self.load("closed", *self.target, "--request", request, "--shard", shard,
                         "--rows", servers.ROWS, "--sessions", sessions, *self.window)

    def open(self, sessions, rate):
        return self.load("open", *self.target, "--rows", servers.ROWS, "--sessions", sessions,
                         "--rate", int(rate), *self.window)

    def direct(self):
        link = ["--socket", self.database.socket] if self.database.link == "socket" else []
        return self.load("direct", "--port", self.database.port, *link,
                         "--connections", servers.POOL_MAX_CONNECTIONS,
                         "--rows", servers.ROWS, *self.window)

    def idle(self, sessions):
        return self.load("idle", *self.target, "--request", "ping", "--sessions", sessions,
                         "--warm-up-seconds", 1, *self.window)

    @contextmanager
    def sleepers(self, callers):
        """Callers of SLEEP(1) on the other shard, all the while."""
        seconds = str(self.seconds + SLEEPERS_LEAD_S)
        command = [load_program(), "closed", *self.target, "--shard", "slow",
                   "--request", "sleep", "--sessions", str(callers), "--seconds", seconds]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            time.sleep(SLEEPERS_LEAD_S)
            yield
            # Those that still wait for their turn are waited for.
            if process.wait(PATIENCE_S) != 0:
                raise SystemExit("the callers of SLEEP(1) failed")
        finally:
            process.kill()
            process.wait()

    def load(self, *arguments):
        command = [load_program(), *map(str, arguments)]
        return lambda: run(command, self.seconds)

    def python(self, client, rows):
        return self.caller("python_client.py", client, "--rows", rows)

    def unit(self, client):
        return self.caller("unit_client.py", client, "--mysql-port", self.database.port)

    def multi(self, client):
        return self.caller("multi_client.py", client)

    def caller(self, program, client, *arguments):
        """A Python client, which is told where both are that it may ask."""
        path = Path(__file__).with_name(program)
        command = [sys.executable, str(path), client, *map(str, arguments),
                   "--mysql", self.database.link, "--port", str(self.port), *self.window]
        return lambda: run(command, self.seconds)


def load_program():
    return os.environ["FOREBAY_BENCH_LOAD"]


def run(command, seconds):
    """The JSON that a measurement prints."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          timeout=seconds + PATIENCE_S, check=False)
    if done.returncode != 0:
        raise SystemExit(f"a measurement failed: {' '.join(command)}")
    return json.loads(done.stdout)


def progress(name):
    """On a terminal only: what was measured last."""
    if sys.stderr.isatty():
        print(f"\r\033[K{name}", end="", file=sys.stderr, flush=True)
