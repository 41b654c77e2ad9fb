"""Curves as SVG, written by hand: a few lines over a logarithmic x axis, or bars."""

import math
from html import escape

import report

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 78, 150, 44, 50
COLOURS = ("#0b63b5", "#d1495b", "#2e8540", "#6b6b6b", "#b35c00", "#7b3fa0", "#0f8b8d", "#c2185b")


def by_number(samples, prefix):
    found = [(int(name[len(prefix):]), one) for name, one in samples.items()
             if name.startswith(prefix)]
    return sorted(found)


def line(points, figure, scale=1.0):
    """(x, median, lowest, highest) for each x."""
    result = []
    for x, samples in points:
        numbers = [value * scale for value in report.values(samples, figure)]
        result.append((x, report.median(samples, figure) * scale, min(numbers), max(numbers)))
    return result


class Chart:
    def __init__(self, title, x_title, y_title, log_x=True, log_y=False):
        self.titles = (title, x_title, y_title)
        self.log_x, self.log_y = log_x, log_y
        self.lines = []

    def add(self, name, points):
        self.lines.append((name, points))

    def write(self, path):
        points = [point for _, found in self.lines for point in found]
        xs = sorted({point[0] for point in points})
        y_ticks = ticks(min(point[2] for point in points), max(point[3] for point in points),
                        self.log_y)
        x_at = scale(xs[0], xs[-1], LEFT, WIDTH - RIGHT, self.log_x)
        y_at = scale(y_ticks[0], y_ticks[-1], HEIGHT - BOTTOM, TOP, self.log_y)
        parts = opening(HEIGHT)
        parts += self.axes(xs, y_ticks, x_at, y_at)
        for at, (name, found) in enumerate(self.lines):
            parts += curve(name, found, COLOURS[at % len(COLOURS)], x_at, y_at, at)
        path.write_text("\n".join([*parts, "</svg>\n"]))
        return path.name

    def axes(self, xs, y_ticks, x_at, y_at):
        title, x_title, y_title = self.titles
        middle = (LEFT + WIDTH - RIGHT) / 2
        parts = [text(LEFT, 24, title, weight="bold", size=14),
                 text(middle, HEIGHT - 10, x_title, anchor="middle"),
                 text(8, TOP - 10, y_title)]
        for y in y_ticks:
            parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y_at(y):.1f}"'
                         f' y2="{y_at(y):.1f}" stroke="#ddd"/>')
            parts.append(text(LEFT - 8, y_at(y) + 4, f"{y:,g}", anchor="end"))
        for x in xs:
            parts.append(text(x_at(x), HEIGHT - BOTTOM + 18, f"{x:,g}", anchor="middle"))
        return parts


class Bars:
    """A few figures, in the same order and unit for each of a few cases."""

    def __init__(self, title, unit):
        self.titles = (title, unit)
        self.cases = []

    def add(self, name, figures):
        self.cases.append((name, figures))

    def write(self, path):
        title, unit = self.titles
        most = max(value for _, figures in self.cases for value in figures.values())
        x_at = scale(0, most, LEFT * 3, WIDTH - LEFT, False)
        parts = [text(8, 24, f"{title}, {unit}", weight="bold", size=14)]
        y = TOP
        for name, figures in self.cases:
            parts.append(text(8, y + 12, name))
            for colour, (label, value) in zip(COLOURS, figures.items()):
                parts.append(f'<rect x="{x_at(0):.1f}" y="{y}" height="14" fill="{colour}"'
                             f' width="{max(1, x_at(value) - x_at(0)):.1f}"/>')
                parts.append(text(x_at(value) + 6, y + 12, f"{value:,.0f} {label}", colour=colour))
                y += 18
            y += 14
        path.write_text("\n".join([*opening(y + 10), *parts, "</svg>\n"]))
        return path.name


def opening(height):
    return [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
            ' font-family="sans-serif" font-size="12" fill="#222">',
            f'<rect width="{WIDTH}" height="{height}" fill="white"/>']


def curve(name, points, colour, x_at, y_at, index):
    """The medians as a line, lowest to highest as bars."""
    places = " ".join(f"{x_at(x):.1f},{y_at(y):.1f}" for x, y, _, _ in points)
    parts = [f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2"/>']
    for x, y, low, high in points:
        parts.append(f'<line x1="{x_at(x):.1f}" x2="{x_at(x):.1f}" y1="{y_at(low):.1f}"'
                     f' y2="{y_at(high):.1f}" stroke="{colour}"/>')
        parts.append(f'<circle cx="{x_at(x):.1f}" cy="{y_at(y):.1f}" r="3.5" fill="{colour}"/>')
    for row, words in enumerate(name.split("\n")):
        y = TOP + 16 + 38 * index + 15 * row
        parts.append(text(WIDTH - RIGHT + 16, y, words, colour=colour))
    return parts


def text(x, y, words, anchor="start", weight="normal", size=12, colour="#222"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}"'
            f' font-size="{size}" fill="{colour}">{escape(words)}</text>')


def scale(low, high, begin, end, logarithmic):
    """A function from values to places."""
    measure = math.log if logarithmic else float
    width = measure(high) - measure(low) or 1.0
    return lambda value: begin + (measure(value) - measure(low)) / width * (end - begin)


def ticks(low, high, logarithmic):
    """Round numbers from below the lowest to above the highest."""
    if logarithmic:
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        return [10.0**power for power in range(first, max(last, first + 1) + 1)]
    step = 10 ** math.floor(math.log10(high))
    if high / step < 2:
        step /= 5
    elif high / step < 5:
        step /= 2
    return [step * count for count in range(math.ceil(high / step) + 1)]
