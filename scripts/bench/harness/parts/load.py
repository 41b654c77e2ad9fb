"""The service at several numbers of sessions; the limits on either side."""

import servers
from charts import Chart, by_number, line
from report import LOAD_HEAD, load_row, print_table, share

SESSIONS = (1, 16, 64, 512)
PREPARED_SESSIONS = (16, 512)


def measure(run, _):
    with run.service() as service:
        bench = run.bench(service)
        plan = {"direct": run.direct(servers.POOL_MAX_CONNECTIONS)}
        for sessions in SESSIONS:
            plan[f"forebay {sessions}"] = bench.closed(sessions)
        for sessions in PREPARED_SESSIONS:
            plan[f"prepared {sessions}"] = bench.closed(sessions, shard=servers.PREPARED)
        plan["ping 16"] = bench.closed(16, request="ping")
        return run.in_turn(plan)


def show(samples):
    direct = samples["direct"]
    titles = {"direct": f"mysql crate, {servers.POOL_MAX_CONNECTIONS} connections"}
    titles |= {f"forebay {count}": counted(count) for count in SESSIONS}
    titles |= {f"prepared {count}": f"{counted(count)}, prepared" for count in PREPARED_SESSIONS}
    titles["ping 16"] = "ping, no database, 16 sessions"
    rows = [load_row(title, samples[name]) + [share(samples[name], direct)]
            for name, title in titles.items()]
    print_table("Point SELECT by primary key, closed loop", [*LOAD_HEAD, "of direct"], rows)


def counted(number):
    return f"forebay, {number} session{'s' * (number != 1)}"


def draw(out, samples):
    found = by_number(samples, "forebay ")
    return [draw_throughput(out, found, samples["direct"]), draw_latency(out, found),
            draw_cpu(out, found)]


def draw_throughput(out, found, direct):
    ends = [(found[0][0], direct), (found[-1][0], direct)]
    chart = Chart("Point SELECT by primary key, closed loop", "sessions", "requests per second")
    chart.add("forebay", line(found, "throughput"))
    chart.add(f"mysql crate direct,\n{servers.POOL_MAX_CONNECTIONS} connections",
              line(ends, "throughput"))
    return chart.write(out / "throughput.svg")


def draw_latency(out, found):
    chart = Chart("Latency, closed loop", "sessions", "ms", log_y=True)
    for name in ("p50", "p99"):
        chart.add(name, line(found, f"{name}_us", 1e-3))
    return chart.write(out / "latency.svg")


def draw_cpu(out, found):
    chart = Chart("CPU per request", "sessions", "µs")
    for name in ("forebay", "mariadbd", "load"):
        chart.add(name, line(found, f"cpu_us.{name}"))
    return chart.write(out / "cpu.svg")
