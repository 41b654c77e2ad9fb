"""Latency when requests come at a fixed rate, whatever the service does: open loop."""

import report
from charts import Chart, by_number, line

SESSIONS = 64
# Of what the same sessions reach in the closed loop.
LOADS = (0.25, 0.5, 0.7, 0.9)


def measure(run, samples):
    with run.service() as service:
        bench = run.bench(service)
        closed = samples.get(f"forebay {SESSIONS}")
        if closed is None:
            closed = run.in_turn({"closed": bench.closed(SESSIONS)})["closed"]
        reached = report.median(closed, "throughput")
        rates = [round(reached * load, -2) for load in LOADS]
        return run.in_turn({f"open {rate:.0f}": bench.open(SESSIONS, rate) for rate in rates})


def show(samples):
    rows = [report.load_row(f"{name.split()[1]}/s due", found)
            for name, found in samples.items() if name.startswith("open ")]
    report.print_table(f"The same, open loop: {SESSIONS} sessions, latency from when it was due",
                       report.LOAD_HEAD, rows)


def draw(out, samples):
    chart = Chart("Latency from when a request was due, open loop", "requests per second", "ms",
                  log_x=False, log_y=True)
    for name in ("p50", "p99"):
        chart.add(name, line(by_number(samples, "open "), f"{name}_us", 1e-3))
    return [chart.write(out / "open.svg")]
