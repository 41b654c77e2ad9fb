"""A healthy shard while 64 sessions hammer another one that sleeps, that is down, or
that accepts connections and never answers; beside the same shard alone."""

import contextlib
import socket
import statistics
import threading

import report
from charts import Bars

CALLERS = 64
SESSIONS = 16
TIMEOUT_MS = 2000
# What a caller waits before it asks again after it was refused: at once, it would be
# one more load on the same core, and not only on its shard.
PAUSE_S = 0.1
TITLES = {
    "alone": "alone",
    "slow": "beside one that sleeps",
    "down": "beside one that is down",
    "silent": "beside one that never answers",
    "down-at-once": "beside one that is down, no pause",
}


def measure(run, _):
    with down_address() as down, silent_address() as silent:
        shards = {"bench": run.database.url(), "slow": run.database.url(),
                  "down": f"mysql://root@{down}/test", "silent": f"mysql://root@{silent}/test"}
        with run.service(shards, log="forebay-isolation.log") as service:
            bench = run.bench(service)
            closed = bench.closed(SESSIONS)
            plan = {"isolation alone": closed}
            for name in TITLES:
                if name != "alone":
                    plan[f"isolation {name}"] = beside(bench, closed, name)
            return run.in_turn(plan)


def beside(bench, closed, name):
    shard = name.removesuffix("-at-once")
    pause = 0 if name.endswith("-at-once") else PAUSE_S

    def measured():
        with bench.hammered(CALLERS, shard, "--sleep-timeout-ms", TIMEOUT_MS,
                            "--pause-seconds", pause) as end:
            sample = closed()
            return sample | {"hammer": end()}

    return measured


@contextlib.contextmanager
def down_address():
    """Where nobody listens, nor will: the port is taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield address(taken)


@contextlib.contextmanager
def silent_address():
    """Where everybody is let in and hears nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        threading.Thread(target=let_in, args=[listener], daemon=True).start()
        yield address(listener)
        # Ends accept(), which close() would leave waiting.
        listener.shutdown(socket.SHUT_RDWR)


def let_in(listener):
    """Keeps each until its caller has gone."""
    with contextlib.suppress(OSError):
        while True:
            one, _ = listener.accept()
            threading.Thread(target=hear_out, args=[one], daemon=True).start()


def hear_out(one):
    with one, contextlib.suppress(OSError):
        while one.recv(4096):
            pass


def address(of):
    return "{}:{}".format(*of.getsockname())


def show(samples):
    alone = samples["isolation alone"]
    rows = []
    for name, title in TITLES.items():
        found = samples[f"isolation {name}"]
        shares = ([report.share(found, alone), report.share(found, alone, "p99_us")]
                  if name != "alone" else ["", ""])
        rows.append([*report.load_row(title, found), *shares,
                     report.spread(found, "hammer.answers_per_s"),
                     report.spread(found, "hammer.refusals_per_s")])
    report.print_table(
        f"A healthy shard with {SESSIONS} sessions, beside another that {CALLERS} sessions hammer",
        [*report.LOAD_HEAD, "of alone: per s", "p99", "the other: answers/s", "refusals/s"], rows)


def draw(out, samples):
    alone = samples["isolation alone"]
    bars = Bars(f"A healthy shard while {CALLERS} sessions hammer another", "% of alone")
    for name, title in TITLES.items():
        if name != "alone":
            found = samples[f"isolation {name}"]
            bars.add(title, {
                label: statistics.median(report.ratios(found, alone, figure)) * 100
                for label, figure in (("throughput", "throughput"), ("p99", "p99_us"))})
    return [bars.write(out / "isolation.svg")]
