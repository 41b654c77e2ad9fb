"""A thousand sessions that all ask at once: with a connection for each, with MariaDB's
own thread pool, through a proxy, through the service."""

from contextlib import ExitStack

import proxies
import servers
from parts import peers
from report import print_table, share

SESSIONS = 1000
# Long enough for the slowest, which answers a session twice in a second.
SECONDS, SECONDS_QUICK = 3, 1.5
WARM_UP_S = 1
THREAD_POOL = "--thread-handling=pool-of-threads"
TITLES = peers.TITLES | {
    "direct": "mysql crate, a thread each in MariaDB",
    "thread-pool": "mysql crate, MariaDB's thread pool",
}


def measure(run, _):
    window = {"seconds": SECONDS_QUICK if run.quick else SECONDS, "warm_up_s": WARM_UP_S}
    with ExitStack() as stack:
        bench = run.bench(stack.enter_context(run.service(pool=servers.PEER_POOL)))
        between = proxies.start_those_there(stack, (proxies.ProxySql,), run)
        pooled = stack.enter_context(servers.another_mariadb(run.database.link, THREAD_POOL))
        plan = {"active forebay": bench.closed(SESSIONS, **window)}
        for name, proxy in between.items():
            plan[f"active {name}"] = run.direct(SESSIONS, proxy, **window)
        plan["active thread-pool"] = run.direct(SESSIONS, pooled, **window)
        plan["active direct"] = run.direct(SESSIONS, **window)
        return run.in_turn(plan)


def show(samples):
    direct = samples["active direct"]
    rows = [peers.row(TITLES[name], found) + [share(found, direct, "p99_us")]
            for name in TITLES if (found := samples.get(f"active {name}"))]
    print_table(f"{SESSIONS:,} sessions, all active", [*peers.HEAD, "p99 of direct"], rows)
