"""Runs test programs in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys

LIMIT_SECONDS = 120


def run_program(*arguments):
    """Runs Python on these arguments, with the paths of this process; the program says
    "done" at its end, or the test fails with what it wrote."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, map(str, sys.path)))}
    ended = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
    )
    assert ended.returncode == 0 and "done" in ended.stdout, ended.stdout + ended.stderr


def scenarios(module, *parameters):
    """The names of a module's functions that have just these parameters."""
    return [
        name
        for name, value in vars(module).items()
        if (code := getattr(value, "__code__", None)) is not None
        and not name.startswith("_")
        and code.co_varnames[: code.co_argcount] == parameters
    ]
