"""Every example of the package's README, run in its order; each section is a program
of its own, and prints what the lines after `#>` show."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

import pytest

PACKAGE = pathlib.Path(__file__).resolve().parents[1]
TIMEOUT_S = 60
#: What must come before anything else is imported begins a program.
FIRST = ("forebay.install_as", "monkey.patch_all")


def programs():
    """(name, text) of each: the examples of a section, anew where one has to be first."""
    found, name = [], ""
    text = (PACKAGE / "README.md").read_text()
    for heading, example in re.findall(r"^## ([^\n]+)$|^```python\n(.*?)^```$", text, re.M | re.S):
        if heading:
            name = heading
        elif found and found[-1][0] == name and not any(word in example for word in FIRST):
            found[-1][1].append(example)
        else:
            found.append((name, [example]))
    return [(name, "".join(examples)) for name, examples in found]


PROGRAMS = programs()


@pytest.fixture(scope="module")
def demo(start_service, mysql_url):
    shards = [f'[shards.{name}]\nurl = "{mysql_url}"\n' for name in ("users", "slave001")]
    return start_service("\n".join(shards))


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder that the package is installed in, with what it says to SQLAlchemy."""
    folder = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--no-index", "--no-build-isolation", "--target", folder, PACKAGE]
    subprocess.run(command, stdin=subprocess.DEVNULL, timeout=TIMEOUT_S, check=True)
    return folder


def test_readme_has_its_examples():
    assert len(PROGRAMS) >= 9
    assert sum(text.count("#>") for _, text in PROGRAMS) >= 15


@pytest.mark.parametrize(
    "number", range(len(PROGRAMS)), ids=lambda number: PROGRAMS[number][0].replace(" ", "-")
)
def test_example(number, demo, installed):
    text = PROGRAMS[number][1]
    shown = [line.strip()[3:] for line in text.splitlines() if line.strip().startswith("#>")]
    assert shown, "an example that shows nothing proves nothing"
    program = text.replace("9090", str(demo.port))
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(installed)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.replace(str(demo.port), "9090").splitlines() == shown
