"""One Python caller: PyMySQL on a persistent connection, and the generated client."""

from report import caller_cpu, print_table, spread

ROWS = (1, 100, 10_000)
TITLES = {"pymysql": "PyMySQL, persistent connection", "forebay": "generated client, to tuples"}


def measure(run, _):
    with run.service() as service:
        bench = run.bench(service)
        return run.in_turn({f"python {client} {rows}": bench.python(client, rows)
                            for rows in ROWS for client in TITLES})


def show(samples):
    head = ["", "wall µs", "p50 µs", "p99 µs", "CPU µs: client", "forebay", "mariadbd"]
    rows = []
    for name, found in samples.items():
        if not name.startswith("python "):
            continue
        _, client, count = name.split()
        rows.append([f"{TITLES[client]}, {int(count):,} row{'s' * (count != '1')}"]
                    + [spread(found, figure) for figure in ("wall_us", "p50_us", "p99_us")]
                    + caller_cpu(found))
    print_table("One Python caller (several rows: 5 columns)", head, rows)
