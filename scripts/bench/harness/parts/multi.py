"""The same row of every shard, in the ways that there are."""

import servers
from report import caller_cpu, print_table, spread

TITLES = {
    "pymysql": "PyMySQL, one after the other",
    "gevent-pymysql": "PyMySQL, a greenlet each",
    "gevent-forebay": "generated client, a greenlet each",
    "gevent-multi": "multi, sockets of gevent",
    "multi": "multi",
}


def measure(run, _):
    run.database.fill_multi()
    with run.service(run.database.multi_shards()) as service:
        bench = run.bench(service)
        return run.in_turn({f"multi {client}": bench.multi(client) for client in TITLES})


def show(samples):
    head = ["", "p50 ms", "p99 ms", "CPU µs: client", "forebay", "mariadbd", "connections"]
    rows = [[title, spread(found, "p50_us", 1e-3, 2), spread(found, "p99_us", 1e-3, 2),
             *caller_cpu(found), spread(found, "connections")]
            for name, title in TITLES.items() if (found := samples.get(f"multi {name}"))]
    print_table(f"One row of each of {servers.MULTI_SHARDS} shards, one caller", head, rows)
