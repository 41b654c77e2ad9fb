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
WARM_UP_S = 0.3
# Those who disturb come so much earlier than those that are measured.
HAMMER_LEAD_S = 0.5


class Run:
    """What all parts of one run share."""

    def __init__(self, database, options, out):
        self.database = database
        self.rounds = options.rounds
        self.seconds = options.seconds
        self.quick = options.quick
        self.out = out

    def service(self, shards=None, pool=servers.POOL_MAX_CONNECTIONS, log="forebay.log"):
        return servers.Service(shards or self.database.shards(), self.out / log, pool)

    def bench(self, service, database=None, port=None):
        return Bench(self, service, database, port)

    def in_turn(self, plan, rounds=None):
        """A B A B …: a list of samples for each name of the plan."""
        samples = {name: [] for name in plan}
        for _ in range(rounds or self.rounds):
            for name, measurement in plan.items():
                samples[name].append(measurement())
                progress(name)
        progress("")
        return samples

    def window(self, watch, seconds=None):
        pairs = (("--watch", f"{name}={pid}") for name, pid in watch.items())
        words = (word for pair in pairs for word in pair)
        return ["--seconds", str(seconds or self.seconds), *words]

    def direct(self, connections, to=None, seconds=None, warm_up_s=WARM_UP_S):
        """The `mysql` crate, straight to MariaDB or to a proxy before it."""
        to = to or self.database
        return load("direct", *to.arguments, "--connections", connections,
                    "--rows", servers.ROWS, *self.window(to.watch, seconds),
                    "--warm-up-seconds", warm_up_s)

    def crowd(self, client, processes, sessions_each, database=None, service=None):
        """Many Python callers; of the service, or of MariaDB itself."""
        database = database or self.database
        watch = database.watch | ({"forebay": service.pid} if service else {})
        command = [sys.executable, str(Path(__file__).with_name("crowd_client.py")), client,
                   "--processes", str(processes), "--sessions-each", str(sessions_each),
                   "--mysql", database.link, "--port", str(service.port if service else 0),
                   *self.window(watch)]
        return Measurement(command, self.seconds, database.environment)


class Bench:
    """Makes measurements of one service and its database."""

    def __init__(self, run, service, database=None, port=None):
        """`port`: of what callers reach the service through, if not its own."""
        self.run = run
        self.service = service
        self.database = database or run.database
        self.watch = {"forebay": service.pid} | self.database.watch
        self.window = run.window(self.watch)
        self.port = port or service.port
        self.target = ["--to", f"127.0.0.1:{self.port}"]
        self.seconds = run.seconds

    def closed(self, sessions, request="point", shard="bench", seconds=None,
               warm_up_s=WARM_UP_S):
        return load("closed", *self.target, "--request", request, "--shard", shard,
                    "--rows", servers.ROWS, "--sessions", sessions,
                    *self.run.window(self.watch, seconds), "--warm-up-seconds", warm_up_s)

    def open(self, sessions, rate):
        return load("open", *self.target, "--rows", servers.ROWS, "--sessions", sessions,
                    "--rate", int(rate), *self.window)

    @contextmanager
    def held(self, sessions):
        """So many sessions that have asked once and are silent; what connecting took."""
        with Aside("hold", *self.target, "--rows", servers.ROWS, "--sessions", sessions) as aside:
            yield aside.tell()
            if (lost := aside.end()["lost"]):
                raise SystemExit(f"{lost} or more of the silent sessions were closed")

    @contextmanager
    def hammered(self, sessions, shard, *arguments):
        """So many callers of SLEEP(1) on a shard, all the while; a function that stops
        them and tells how they fared."""
        with Aside("hammer", *self.target, "--shard", shard, "--request", "sleep",
                   "--sessions", sessions, *arguments) as aside:
            time.sleep(HAMMER_LEAD_S)
            yield aside.end
        self.database.wait_until_quiet()

    def python(self, client, rows):
        return self.caller("python_client.py", client, "--rows", rows)

    def driver(self, client, *arguments):
        return self.caller("drivers_client.py", client, *arguments)

    def unit(self, client):
        return self.caller("unit_client.py", client, "--mysql-port", self.database.port)

    def multi(self, client):
        return self.caller("multi_client.py", client)

    def caller(self, program, client, *arguments):
        """A Python client, which is told where both are that it may ask."""
        path = Path(__file__).with_name(program)
        command = [sys.executable, str(path), client, *map(str, arguments),
                   "--mysql", self.database.link, "--port", str(self.port), *self.window]
        return Measurement(command, self.seconds)


class Aside:
    """The load program beside what is measured, until it is told to end."""

    def __init__(self, *arguments):
        command = [load_program(), *map(str, arguments)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def tell(self):
        """What it says next, a line of JSON."""
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"ended early: {' '.join(self.process.args)}")
        return json.loads(line)

    def end(self):
        self.process.stdin.close()
        return self.tell()

    def __exit__(self, *_):
        if not self.process.stdin.closed:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def status(pid):
    """Memory and threads of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {"rss_kb": int(fields["VmRSS"].split()[0]), "threads": int(fields["Threads"])}


def load(*arguments):
    command = [load_program(), *map(str, arguments)]
    return Measurement(command, float(command[command.index("--seconds") + 1]))


class Measurement:
    """A program that prints one JSON object; each call runs it once and gives that."""

    def __init__(self, command, seconds, environment=os.environ):
        self.command, self.environment = command, environment
        self.timeout_s = seconds + PATIENCE_S

    def __call__(self):
        with self.begun() as result:
            return result()

    @contextmanager
    def begun(self):
        """Runs it, and gives what waits for the result."""
        process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, env=self.environment)
        try:
            yield lambda: self.result(process)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def result(self, process):
        try:
            printed, _ = process.communicate(timeout=self.timeout_s)
        except subprocess.TimeoutExpired:
            raise SystemExit(f"no end after {self.timeout_s:.0f} s:"
                             f" {' '.join(self.command)}") from None
        if process.returncode != 0:
            raise SystemExit(f"a measurement failed: {' '.join(self.command)}")
        return json.loads(printed)


def load_program():
    return os.environ["FOREBAY_BENCH_LOAD"]


def progress(name):
    """On a terminal only: what was measured last."""
    if sys.stderr.isatty():
        print(f"\r\033[K{name}", end="", file=sys.stderr, flush=True)
