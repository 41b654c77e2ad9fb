"""Samples as tables for people and as JSON lines for programs."""

import json
import statistics


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


def share(samples, others, figure="throughput"):
    """Of what the others reached in the same round."""
    return f"{statistics.median(ratios(samples, others, figure)) * 100:.0f} %"


def ratios(samples, others, figure):
    """One for each round."""
    pairs = zip(values(samples, figure), values(others, figure))
    return [one / other for one, other in pairs]


def lowest(samples, figure, scale=1.0, digits=0):
    """Of what only grows from round to round."""
    return f"{min(values(samples, figure)) * scale:,.{digits}f}"


def caller_cpu(samples):
    return [spread(samples, f"cpu_us.{name}") for name in ("client", "forebay", "mariadbd")]


# By how a figure's name ends, or that of what it is part of; all else is counted.
UNITS = {"throughput": "1/s", "_per_s": "1/s", "_us": "µs", "_ms": "ms", "_seconds": "s",
         "_kb": "kB", "_bytes": "B"}


def unit(figure):
    for name in reversed(figure.split(".")):
        for end, found in UNITS.items():
            if name.endswith(end):
                return found
    return "1"


def write_figures(path, samples, setting):
    """One line for each figure."""
    with path.open("w") as file:
        for name, found in samples.items():
            for figure in figures(found[0]):
                numbers = values(found, figure)
                line = {
                    "measurement": name,
                    "figure": figure,
                    "unit": unit(figure),
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
