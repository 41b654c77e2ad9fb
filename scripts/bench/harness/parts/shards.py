"""A thousand shards configured, and 16 of them in use: what they cost at the start, in
threads, in memory and in MySQL connections, beside 16 configured."""

import time

import caller
import measure as measuring
import servers
from report import print_table, spread

USED = 16
CONFIGURED = (USED, 1000)
SESSIONS = 16
# Pools open connections in the background; so long without a new one is the end of it.
SETTLED_S, SETTLE_MAX_S = 0.3, 10


def measure(run, _):
    return run.in_turn({f"shards {count}": lambda count=count: start(run, count)
                        for count in CONFIGURED})


def start(run, count):
    """A service from its start on."""
    url = run.database.url(user=servers.COUNTED_USER)
    names = [f"shard{number}" for number in range(count)]
    began = time.monotonic()
    with run.service(dict.fromkeys(names, url), log="forebay-shards.log") as service:
        client, socket = caller.generated_client(service.port)
        read(client, names[0])
        first_answer = time.monotonic() - began
        fresh = measuring.status(service.pid)
        for name in names[:USED]:
            read(client, name)
        socket.close()
        sample = run.bench(service).closed(SESSIONS, shard=names[USED - 1])()
        connections = settled_connections(run)
        in_use = measuring.status(service.pid)
    return sample | {"first_answer_ms": first_answer * 1e3, "fresh": fresh, "in_use": in_use,
                     "connections": connections}


def settled_connections(run):
    """How many the service has, when it opens no more of them."""
    deadline = time.monotonic() + SETTLE_MAX_S
    seen = None
    while True:
        last, seen = seen, run.database.connections(f"user = '{servers.COUNTED_USER}'")
        if seen == last or time.monotonic() > deadline:
            return seen
        time.sleep(SETTLED_S)


def read(client, shard):
    from forebay_thrift.ttypes import QueryRequest, Statement
    statement = Statement(sql="SELECT id FROM users WHERE id = 1")
    result = client.query(QueryRequest(shard=shard, statement=statement))
    if caller.rows(result.rows) != [(1,)]:
        raise SystemExit(f"{shard} answered wrongly")


def show(samples):
    head = ["", "first answer ms", "RSS MB", f"{USED} in use: RSS MB", "threads",
            "connections", f"per s, {SESSIONS} sessions on one", "p99 ms"]
    rows = [[f"{count:,} shards"] + [spread(samples[f"shards {count}"], figure, scale, digits)
                                     for figure, scale, digits in (
            ("first_answer_ms", 1, 0), ("fresh.rss_kb", 1 / 1024, 1),
            ("in_use.rss_kb", 1 / 1024, 1), ("in_use.threads", 1, 0), ("connections", 1, 0),
            ("throughput", 1, 0), ("p99_us", 1e-3, 2))]
            for count in CONFIGURED]
    print_table("Shards configured, from the start of the service", head, rows)
