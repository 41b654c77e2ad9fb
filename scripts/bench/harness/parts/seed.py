"""The case that all this is for: 30 app servers with 30 processes each, 900 sessions in
all. Here they are 30 Python processes with 30 greenlets each, through the service by
the generated client, and by PyMySQL with a connection each. On a MariaDB of its own,
which nobody has asked before, so that its memory tells something."""

import measure as measuring
import servers
from report import print_table, spread

PROCESSES, SESSIONS_EACH = 30, 30
TITLES = {"forebay": "generated client, through forebay",
          "pymysql": "PyMySQL, a connection each"}


def measure(run, _):
    with servers.another_mariadb(run.database.link) as database:
        database.row("SELECT SUM(LENGTH(username)) FROM users")
        fresh = measuring.status(database.pid)
        with run.service(database.shards()) as service:
            plan = {f"seed {client}": run.crowd(client, PROCESSES, SESSIONS_EACH, database, service)
                    for client in TITLES}
            samples = run.in_turn(plan)
    for found in samples.values():
        # The first round only: what MariaDB has taken it does not give back.
        first = found[0]
        first["mariadb_more"] = {
            "rss_kb": first["rss_kb"]["mariadbd"] - fresh["rss_kb"],
            "threads": first["threads"]["mariadbd"] - fresh["threads"]}
    return samples


def show(samples):
    head = ["", "per s", "p50 ms", "p99 ms", "CPU µs: client", "forebay", "mariadbd",
            "MariaDB: threads", "more MB", "forebay: MB", "threads"]
    rows = []
    for client, title in TITLES.items():
        found = samples[f"seed {client}"]
        rows.append([title, spread(found, "throughput"), spread(found, "p50_us", 1e-3, 2),
                     spread(found, "p99_us", 1e-3, 2),
                     *(spread(found, f"cpu_us.{who}", digits=1)
                       for who in ("client", "forebay", "mariadbd")),
                     spread(found, "threads.mariadbd"),
                     spread(found, "mariadb_more.rss_kb", 1 / 1024, 1),
                     spread(found, "rss_kb.forebay", 1 / 1024, 1),
                     spread(found, "threads.forebay")])
    print_table(f"{PROCESSES * SESSIONS_EACH} sessions: {PROCESSES} Python processes with"
                f" {SESSIONS_EACH} greenlets each", head, rows)
