"""What else a site may put between its callers and MariaDB, or leave out: everybody at
the same numbers of sessions, closed loop."""

import itertools
from contextlib import ExitStack

import proxies
import servers
from charts import Chart, by_number, line
from report import lowest, print_table, spread

SESSIONS = (1, 16, 64, 512)
# Python callers are at most so many processes, and share the sessions evenly.
PROCESSES_MAX = 16
TITLES = {
    "forebay": f"forebay, a pool of {servers.PEER_POOL}",
    "proxysql": f"ProxySQL, {servers.PEER_POOL} connections",
    "haproxy": "HAProxy, TCP",
    "direct": "mysql crate, direct",
    "pymysql": "PyMySQL, direct",
    "mysqlclient": "mysqlclient, direct",
}
CLIENTS = ("load", "client")
BETWEEN = ("forebay", "proxysql", "haproxy")


def measure(run, _):
    with ExitStack() as stack:
        service = stack.enter_context(run.service(pool=servers.PEER_POOL))
        bench = run.bench(service)
        between = proxies.start_those_there(stack, (proxies.ProxySql, proxies.HaProxy), run)
        python = ["pymysql"] + ["mysqlclient"] * proxies.has_mysqlclient()
        plan = {}
        # The few connections first: what MariaDB took for many it does not give back.
        for sessions in SESSIONS:
            plan[f"peer forebay {sessions}"] = bench.closed(sessions)
            for name, proxy in between.items():
                plan[f"peer {name} {sessions}"] = run.direct(sessions, proxy)
            plan[f"peer direct {sessions}"] = run.direct(sessions)
            processes = min(sessions, PROCESSES_MAX)
            for client in python:
                plan[f"peer {client} {sessions}"] = run.crowd(client, processes,
                                                              sessions // processes)
        return run.in_turn(plan)


def show(samples):
    for sessions in SESSIONS:
        rows = [row(TITLES[name], found) for name in TITLES
                if (found := samples.get(f"peer {name} {sessions}"))]
        print_table(f"Point SELECT by primary key, {sessions} session{'s' * (sessions != 1)},"
                    " closed loop", HEAD, rows)


HEAD = ["", "per s", "p50 ms", "p99 ms", "CPU µs: client", "between", "mariadbd", "all",
        "MariaDB: threads", "MB"]


def row(title, found):
    found = [sample | {"cpu": cpu(sample)} for sample in found]
    return [title, spread(found, "throughput"), spread(found, "p50_us", 1e-3, 2),
            spread(found, "p99_us", 1e-3, 2),
            *(spread(found, f"cpu.{who}", digits=1)
              for who in ("client", "between", "mariadbd", "all")),
            lowest(found, "threads.mariadbd"), lowest(found, "rss_kb.mariadbd", 1 / 1024)]


def cpu(sample):
    """Who uses it, by role."""
    used = sample["cpu_us"]
    roles = {"client": CLIENTS, "between": BETWEEN, "mariadbd": ("mariadbd",)}
    found = {role: sum(used[name] for name in names if name in used)
             for role, names in roles.items() if any(name in used for name in names)}
    return found | {"all": sum(used.values())}


def draw(out, samples):
    charts = (
        (Chart("Point SELECT, closed loop", "sessions", "requests per second"),
         "throughput", 1, "peers-throughput.svg"),
        (Chart("99th percentile, closed loop", "sessions", "ms", log_y=True),
         "p99_us", 1e-3, "peers-p99.svg"),
        (Chart("CPU per request: client, between and MariaDB", "sessions", "µs"),
         "cpu.all", 1, "peers-cpu.svg"),
    )
    with_cpu = {name: [sample | {"cpu": cpu(sample)} for sample in found]
                for name, found in samples.items()}
    for (chart, figure, scale, _), name in itertools.product(charts, TITLES):
        if (found := by_number(with_cpu, f"peer {name} ")):
            chart.add(TITLES[name].replace(", ", ",\n", 1), line(found, figure, scale))
    return [chart.write(out / file) for chart, _, _, file in charts]
