"""A parent with its children, in the ways that there are; then with a network."""

import servers
from relay import DELAY_MS, Relay
from report import caller_cpu, print_table, spread

TITLES = {
    "pymysql-each": "PyMySQL, each child by itself",
    "pymysql-many": "PyMySQL, executemany",
    "transaction-each": "transaction, each child by itself",
    "transaction-many": "transaction, insert of the children",
    "batch": "one atomic batch",
}
THIRD = ("transaction-many", "batch")


def measure(run, _):
    with run.service() as service:
        bench = run.bench(service)
        samples = run.in_turn({f"units near {client}": bench.unit(client) for client in TITLES})
        return samples | measure_far(run, service)


def measure_far(run, service):
    """The callers on another machine than the rest, and the service on a third one."""
    with Relay(run.database.port) as to_database, Relay(service.port) as to_service:
        database = servers.Database("tcp", to_database.port)
        far = run.bench(service, database, to_service.port)
        plan = {f"units far {client}": far.unit(client) for client in TITLES}
        with (run.service(database.shards(), log="forebay-third.log") as third_service,
              Relay(third_service.port) as to_third):
            third = run.bench(third_service, database, to_third.port)
            plan |= {f"units third {client}": third.unit(client) for client in THIRD}
            return run.in_turn(plan)


def show(samples):
    head = ["", "round trips", "p50 ms", "p99 ms", "CPU µs: client", "forebay", "mariadbd"]
    for where, title in (
            ("near", "A parent, 10 children and a counter, one transaction"),
            ("far", f"The same, {DELAY_MS} ms each way between the caller and what it calls"),
            ("third", f"The same, and {DELAY_MS} ms each way between the service and MariaDB")):
        rows = [[TITLES[name.split()[2]], spread(found, "sends"),
                 spread(found, "p50_us", 1e-3, 2), spread(found, "p99_us", 1e-3, 2),
                 *caller_cpu(found)]
                for name, found in samples.items() if name.startswith(f"units {where} ")]
        print_table(title, head, rows)
