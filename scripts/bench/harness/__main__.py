"""What is measured, beside what, and how often. Run by scripts/bench/run."""

import argparse
import os
import signal
import sys
from pathlib import Path

import measure
import report
import servers
from parts import PARTS
from relay import DELAY_MS
from setting import setting


def main():
    options = parse()
    # So that `finally` stops what was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    database = servers.Database(options.link)
    if options.core is not None:
        servers.pin(options.core, [os.getpid(), database.pid])
    database.fill()
    out = Path(os.environ["FOREBAY_BENCH_OUT"])
    out.mkdir(parents=True, exist_ok=True)
    known = setting(database, options) | {"relay_delay_ms": DELAY_MS}
    report.print_setting(known)
    run = measure.Run(database, options, out)
    samples, drawn = {}, []
    for part in (PARTS[name] for name in options.only):
        found = part.measure(run, samples)
        part.show(found)
        if hasattr(part, "draw"):
            drawn += part.draw(out, found)
        samples |= found
        # What has been measured outlives what may go wrong later.
        report.write_figures(out / "figures.jsonl", samples, known)
    errors = report.count_errors(samples)
    print(f"\nIn {out}: figures.jsonl {' '.join(drawn)}")
    print(f"Wrong or missing replies: {errors}")
    return 1 if errors else 0


def parse():
    cores = sorted(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(
        prog="scripts/bench/run",
        description="Measures Forebay beside what else there is, on one MariaDB.",
    )
    parser.add_argument("--quick", action="store_true",
                        help="one short round of everything: a look, not a measurement")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART",
                        help=f"only these parts: {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, help="how often each is measured, in turn (5)")
    parser.add_argument("--seconds", type=float, help="length of one measurement (1.5)")
    parser.add_argument("--link", choices=("socket", "tcp"), default="socket",
                        help="how everybody reaches MariaDB (socket)")
    parser.add_argument("--core", type=int, choices=cores, default=cores[-1],
                        help=f"the one that all processes share ({cores[-1]})")
    parser.add_argument("--unpinned", action="store_const", const=None, dest="core",
                        help="let them use every core")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (0.7 if options.quick else 1.5)
    return options


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
