"""What is measured: a module for each part, in the order in which they run. Each has

- `measure(run, samples)`: gives samples by their names; `samples` are those of the
  parts before it,
- `show(samples)`: prints them as tables,
- `draw(out, samples)`, where there is something to draw: gives the files' names."""

from parts import (active, drivers, isolation, load, multi, overload, peers, python, rates, seed,
                   sessions, shards, starve, units)

PARTS = {
    "load": load,
    "open": rates,
    "overload": overload,
    "peers": peers,
    "active": active,
    "sessions": sessions,
    "seed": seed,
    "isolation": isolation,
    "starve": starve,
    "shards": shards,
    "python": python,
    "drivers": drivers,
    "units": units,
    "multi": multi,
}
