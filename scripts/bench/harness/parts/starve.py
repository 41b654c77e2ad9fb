"""Within one shard: 64 callers who loop SELECT SLEEP(1), and one who reads rows by
their keys. How often is it answered in ten seconds, and how soon?"""

import subprocess
import time
from contextlib import ExitStack, contextmanager

import measure as measuring
import proxies
import servers
from report import print_table, spread

SLEEPERS = 64
SECONDS, SECONDS_QUICK = 10, 3
# It shows in seconds or not at all: no need of many rounds.
ROUNDS_MAX = 2
LEAD_S = 1
# The reader must know what a right answer looks like before it is kept from them.
LEARNING_S = 0.5
# Where the sleepers come from when they are not on the reader's own machine.
ELSEWHERE = "127.0.0.2"
TITLES = {
    "direct": "mysql crate, a connection each",
    "proxysql": f"ProxySQL, {servers.PEER_POOL} connections",
    "same-peer": f"forebay, a pool of {servers.PEER_POOL}",
    "other-peer": "the same, sleepers of another address",
}


def measure(run, _):
    seconds = SECONDS_QUICK if run.quick else SECONDS
    with ExitStack() as stack:
        service = stack.enter_context(run.service(pool=servers.PEER_POOL, log="forebay-starve.log"))
        between = proxies.start_those_there(stack, (proxies.ProxySql,), run)
        plan = {f"starve {name}": directly(run, to, seconds)
                for name, to in ({"direct": run.database} | between).items()}
        bench = run.bench(service)
        for name, elsewhere in (("same-peer", ()), ("other-peer", ("--from", ELSEWHERE))):
            plan[f"starve {name}"] = through(bench, seconds, elsewhere)
        return run.in_turn(plan, min(run.rounds, ROUNDS_MAX))


def through(bench, seconds, arguments):
    closed = bench.closed(1, seconds=seconds, warm_up_s=LEARNING_S + LEAD_S)

    def measured():
        with closed.begun() as result:
            time.sleep(LEARNING_S)
            with bench.hammered(SLEEPERS, "bench", *arguments) as end:
                return answers(result()) | {"sleepers": end()}

    return measured


def directly(run, to, seconds):
    direct = run.direct(1, to, seconds)

    def measured():
        with sleepers(to):
            sample = direct()
        run.database.wait_until_quiet()
        return answers(sample)

    return measured


@contextmanager
def sleepers(to):
    """Of MySQL's protocol; ended as callers end who have seen enough."""
    command = [measuring.load_program(), "direct", *to.arguments, "--request", "sleep",
               "--connections", str(SLEEPERS), "--rows", "1", "--seconds", "3600"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        time.sleep(LEAD_S)
        yield
        if process.poll() is not None:
            raise SystemExit("the callers of SLEEP(1) ended early; see above")
    finally:
        process.kill()
        process.wait()


def answers(sample):
    """A refusal is a figure here, and no fault of the measurement."""
    refused = sample.pop("errors")
    count = sample["requests"] - refused
    if count == 0:
        sample = {name: value for name, value in sample.items() if not name.endswith("_us")}
    return sample | {"answers": count, "refused": refused}


def show(samples):
    rows = [[title, spread(found, "answers"), spread(found, "refused"),
             spread(found, "p50_us", 1e-3, 2), spread(found, "p99_us", 1e-3, 2),
             spread(found, "max_us", 1e-3, 1), spread(found, "sleepers.answers_per_s", digits=1)]
            for name, title in TITLES.items() if (found := samples.get(f"starve {name}"))]
    print_table(f"One reader beside {SLEEPERS} callers of SELECT SLEEP(1) on one shard",
                ["", "answers", "refused", "p50 ms", "p99 ms", "max ms", "sleeps/s"], rows)
