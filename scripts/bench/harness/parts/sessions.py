"""Ten thousand sessions, of which few are active, beside the same few alone. Two
services, so that nobody need come and go in between; both are there all the time."""

import measure as measuring
import servers
from charts import Chart, by_number, line
from report import LOAD_HEAD, load_row, print_table, share

SILENT = 10_000
ACTIVE = (16, 64, 512)


def measure(run, _):
    counted = run.database.url(user=servers.COUNTED_USER)
    with (run.service({"bench": run.database.url()}) as alone,
          run.service({"bench": counted}, log="forebay-sessions.log") as crowded):
        bench = run.bench(crowded)
        # It has answered somebody: its threads are there.
        bench.closed(1)()
        before = measuring.status(crowded.pid)
        with bench.held(SILENT) as held:
            after = measuring.status(crowded.pid)
            plan = {}
            for active in ACTIVE:
                plan[f"sessions alone {active}"] = run.bench(alone).closed(active)
                plan[f"sessions beside {active}"] = bench.closed(active)
            samples = run.in_turn(plan)
            after_load = measuring.status(crowded.pid)
            connections = run.database.connections(f"user = '{servers.COUNTED_USER}'")
    each = (after["rss_kb"] - before["rss_kb"]) * 1024 / SILENT
    idle = held | {"before": before, "with": after, "after_load": after_load,
                   "each_bytes": each, "connections": connections}
    return samples | {"idle": [idle]}


def show(samples):
    (idle,) = samples["idle"]
    rows = [[title, f"{idle[when]['rss_kb'] / 1024:.1f}", str(idle[when]["threads"])]
            for title, when in (("a fresh service", "before"),
                                (f"{SILENT:,} silent sessions", "with"),
                                (f"the same, after {max(ACTIVE)} were active", "after_load"))]
    print_table(f"{SILENT:,} sessions: {idle['each_bytes'] / 1024:.1f} kB each,"
                f" {idle['connections']} MySQL connections in all", ["", "RSS MB", "threads"], rows)
    rows = []
    for active in ACTIVE:
        alone, beside = (samples[f"sessions {where} {active}"] for where in ("alone", "beside"))
        rows.append([*load_row(f"{active} alone", alone), "", ""])
        rows.append([*load_row(f"{active} beside {SILENT:,} silent", beside),
                     share(beside, alone), share(beside, alone, "p99_us")])
    print_table("Active sessions, closed loop", [*LOAD_HEAD, "of alone: per s", "p99"], rows)


def draw(out, samples):
    charts = ((Chart("Active sessions beside 10,000 silent ones", "active sessions",
                     "requests per second"), "throughput", 1, "sessions-throughput.svg"),
              (Chart("The same, 99th percentile", "active sessions", "ms", log_y=True),
               "p99_us", 1e-3, "sessions-p99.svg"))
    for chart, figure, scale, _ in charts:
        for title, where in (("nobody idle", "alone"), (f"beside {SILENT:,}\nsilent", "beside")):
            chart.add(title, line(by_number(samples, f"sessions {where} "), figure, scale))
    return [chart.write(out / file) for chart, _, _, file in charts]
