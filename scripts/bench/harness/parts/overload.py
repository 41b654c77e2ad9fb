"""Goodput when more comes than can be done: open loop, each request of use until its
deadline only, and gone if it finds no session."""

import report
from charts import Chart, line
from measure import WARM_UP_S, load

# What it saturates with, and how many times that then comes. A nap costs a
# connection's time, so that twenty times as many fit a core beside it; a point read
# costs the core itself, which those who ask need as well.
LOADS = {"nap": (0.5, 1, 2, 5, 10, 20), "point": (0.5, 1, 2, 4)}
SATURATING_SESSIONS = 64
SESSIONS = 512
TIMEOUT_MS = 100
# The release gate: of the peak, at any load from saturation on.
GATE = 0.9

TITLES = {"nap": "SELECT SLEEP(0.004)", "point": "Point reads"}


def measure(run, _):
    samples = {}
    with run.service() as service:
        bench = run.bench(service)
        for request, loads in LOADS.items():
            name = f"saturating {request}"
            samples |= run.in_turn({name: bench.closed(SATURATING_SESSIONS, request=request)})
            most = report.median(samples[name], "throughput")
            samples |= run.in_turn({
                f"overload {request} {times}": offer(bench, request, most * times)
                for times in loads})
    return samples


def offer(bench, request, rate):
    return load("overload", *bench.target, "--request", request, "--rows", 100_000,
                "--sessions", SESSIONS, "--rate", int(rate), "--timeout-ms", TIMEOUT_MS,
                *bench.window, "--warm-up-seconds", WARM_UP_S)


HEAD = ["times saturation", "due per s", "in time per s", "of peak", "p50 ms", "p99 ms",
        "refused %", "late %", "dropped %", "refusal p99 ms", "CPU µs: forebay"]


def show(samples):
    for request in LOADS:
        found = points(samples, request)
        peak = max(report.median(one, "goodput") for _, one in found)
        title = (f"{TITLES[request]}, open loop, deadline {TIMEOUT_MS} ms; saturating: "
                 f"{report.spread(samples[f'saturating {request}'], 'throughput')} per s")
        report.print_table(title, HEAD, [row(times, one, peak) for times, one in found])
        worst = min(report.median(one, "goodput") for times, one in found if times >= 1) / peak
        print(f"From saturation on at least {worst * 100:.0f} % of the peak"
              f" (gate: {GATE * 100:.0f} %)")


def row(times, samples, peak):
    return [f"{times:g}", report.spread(samples, "due_per_s"), report.spread(samples, "goodput"),
            f"{report.median(samples, 'goodput') / peak * 100:.0f} %",
            report.spread(samples, "good_p50_us", 1e-3, 1),
            report.spread(samples, "good_p99_us", 1e-3, 1),
            share(samples, "refused"), share(samples, "late", "stopped"),
            share(samples, "dropped"), report.spread(samples, "refused_p99_us", 1e-3, 1),
            report.spread(samples, "cpu_us.forebay", digits=1)]


def share(samples, *figures):
    some = sum(report.median(samples, figure) for figure in figures)
    return f"{some / report.median(samples, 'due') * 100:.1f}"


def points(samples, request):
    return [(times, samples[f"overload {request} {times}"]) for times in LOADS[request]]


def draw(out, samples):
    chart = Chart(f"In time, open loop, deadline {TIMEOUT_MS} ms", "times saturation",
                  "answered in time, % of saturation")
    for request in LOADS:
        most = report.median(samples[f"saturating {request}"], "throughput")
        chart.add(TITLES[request].replace("SELECT ", "SELECT\n"),
                  line(points(samples, request), "goodput", 100 / most))
    return [chart.write(out / "overload.svg")]
