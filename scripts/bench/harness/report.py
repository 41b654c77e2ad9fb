"""Samples as tables for people and as JSON lines for programs."""

import json
import statistics

from relay import DELAY_MS


def values(samples, figure):
    """One figure of every sample; `a.b` is b in a."""
    found = []
    for sample in samples:
        for key in figure.split("."):
            sample = sample.get(key, {})
        if isinstance(sample, (int, float)):
            found.append(sample)
    return found


def median(samples, figure):
    return statistics.median(values(samples, figure))


def count_errors(samples):
    return sum(sum(values(found, "errors")) for found in samples.values())


def print_setting(setting):
    print("Setting: " + ", ".join(f"{name} {value}" for name, value in setting.items()))
    print("Median of the rounds, with the lowest and the highest.")


def spread(samples, figure, scale=1.0, digits=0):
    found = [value * scale for value in values(samples, figure)]
    if not found:
        return "–"
    middle = f"{statistics.median(found):,.{digits}f}"
    if len(found) == 1:
        return middle
    return f"{middle} ({min(found):,.{digits}f}–{max(found):,.{digits}f})"


def print_table(title, head, rows):
    widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
    print(f"\n{title}")
    for row in [head, ["-" * width for width in widths], *rows]:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("  ".join(cells))


LOAD_HEAD = ["", "per s", "p50 ms", "p99 ms", "CPU µs: forebay", "mariadbd", "client"]


def load_row(title, samples):
    return [title, spread(samples, "throughput"),
            spread(samples, "p50_us", 1e-3, 2), spread(samples, "p99_us", 1e-3, 2),
            spread(samples, "cpu_us.forebay", digits=1),
            spread(samples, "cpu_us.mariadbd", digits=1), spread(samples, "cpu_us.load", digits=1)]


def share(samples, direct):
    """Of the direct throughput in the same round."""
    pairs = zip(values(samples, "throughput"), values(direct, "throughput"))
    return f"{statistics.median(one / other for one, other in pairs) * 100:.0f} %"


def print_load(samples):
    direct = samples["direct"]
    titles = {"direct": "mysql crate, 8 connections"}
    titles |= {name: sessions(name.split()[1]) for name in samples if name.startswith("forebay ")}
    titles |= {name: f"{sessions(name.split()[1])}, prepared"
               for name in samples if name.startswith("prepared ")}
    titles["ping 16"] = "ping, no database, 16 sessions"
    rows = [load_row(title, samples[name]) + [share(samples[name], direct)]
            for name, title in titles.items()]
    print_table("Point SELECT by primary key, closed loop", [*LOAD_HEAD, "of direct"], rows)


def sessions(number):
    return f"forebay, {number} session{'s' * (number != '1')}"


def print_open(samples):
    rows = [load_row(f"{name.split()[1]}/s due", found)
            for name, found in samples.items() if name.startswith("open ")]
    print_table("The same, open loop: 64 sessions, latency from when it was due", LOAD_HEAD, rows)


def print_slow(samples):
    rows = [load_row(name, samples[name]) for name in ("healthy alone", "healthy beside slow")]
    print_table("A shard, 16 sessions, beside one with 64 callers of SLEEP(1)", LOAD_HEAD, rows)


def print_idle(samples):
    rows = []
    for name, (sample, *_) in samples.items():
        if not name.startswith("idle "):
            continue
        count = name.split()[1]
        for when, key in (("before", "before"), (f"{count} sessions", "with")):
            forebay = sample[key]["forebay"]
            rows.append([when, f"{forebay['rss_kb'] / 1024:.1f}", str(forebay["threads"])])
    print_table("Idle sessions, a fresh service", ["", "RSS MB", "threads"], rows)


def print_python(samples):
    head = ["", "wall µs", "p50 µs", "p99 µs", "CPU µs: client", "forebay", "mariadbd"]
    rows = []
    for name, found in samples.items():
        if not name.startswith("python "):
            continue
        _, client, count = name.split()
        title = {"pymysql": "PyMySQL, persistent connection",
                 "forebay": "generated client, to tuples"}[client]
        rows.append([f"{title}, {int(count):,} row{'s' * (count != '1')}"] + [
            spread(found, figure) for figure in (
                "wall_us", "p50_us", "p99_us", "cpu_us.client", "cpu_us.forebay", "cpu_us.mariadbd")])
    print_table("One Python caller (several rows: 5 columns)", head, rows)


UNIT_TITLES = {
    "pymysql-each": "PyMySQL, each child by itself",
    "pymysql-many": "PyMySQL, executemany",
    "transaction-each": "transaction, each child by itself",
    "transaction-many": "transaction, insert of the children",
    "batch": "one atomic batch",
}


def print_units(samples):
    head = ["", "round trips", "p50 ms", "p99 ms", "CPU µs: client", "forebay", "mariadbd"]
    for where, title in (
            ("near", "A parent, 10 children and a counter, one transaction"),
            ("far", f"The same, {DELAY_MS} ms each way between the caller and what it calls"),
            ("third", f"The same, and {DELAY_MS} ms each way between the service and MariaDB")):
        rows = [[UNIT_TITLES[name.split()[2]], spread(found, "sends"),
                 spread(found, "p50_us", 1e-3, 2), spread(found, "p99_us", 1e-3, 2),
                 *caller_cpu(found)]
                for name, found in samples.items() if name.startswith(f"units {where} ")]
        print_table(title, head, rows)


def caller_cpu(samples):
    return [spread(samples, f"cpu_us.{name}") for name in ("client", "forebay", "mariadbd")]


MULTI_TITLES = {
    "pymysql": "PyMySQL, one after the other",
    "gevent-pymysql": "PyMySQL, a greenlet each",
    "gevent-forebay": "generated client, a greenlet each",
    "gevent-multi": "multi, sockets of gevent",
    "multi": "multi",
}


def print_multi(samples):
    head = ["", "p50 ms", "p99 ms", "CPU µs: client", "forebay", "mariadbd", "connections"]
    rows = [[title, spread(found, "p50_us", 1e-3, 2), spread(found, "p99_us", 1e-3, 2),
             *caller_cpu(found), spread(found, "connections")]
            for name, title in MULTI_TITLES.items() if (found := samples.get(f"multi {name}"))]
    print_table("One row of each of 8 shards, one caller", head, rows)


PRINTERS = {
    "load": print_load,
    "open": print_open,
    "idle": print_idle,
    "slow": print_slow,
    "python": print_python,
    "units": print_units,
    "multi": print_multi,
}

UNITS = {"throughput": "1/s", "requests": "1", "errors": "1", "sessions": "1", "threads": "1",
         "connect_seconds": "s", "rss_kb": "kB"}


def write_figures(path, samples, setting):
    """One line for each figure."""
    with path.open("w") as file:
        for name, found in samples.items():
            for figure in figures(found[0]):
                numbers = values(found, figure)
                last = figure.rpartition(".")[2]
                line = {
                    "measurement": name,
                    "figure": figure,
                    "unit": UNITS.get(last, "µs" if "_us" in figure else "1"),
                    "median": statistics.median(numbers),
                    "min": min(numbers),
                    "max": max(numbers),
                    "samples": numbers,
                    "setting": setting,
                }
                file.write(json.dumps(line, ensure_ascii=False) + "\n")


def figures(sample, prefix=""):
    """Names of all numbers in a sample."""
    for key, value in sample.items():
        if isinstance(value, dict):
            yield from figures(value, f"{prefix}{key}.")
        else:
            yield prefix + key
