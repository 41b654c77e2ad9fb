"""The package is typed without a gap, and so are the programs that use it."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parent
PACKAGE = TESTS.parent
TIMEOUT_S = 240


@pytest.fixture(scope="module")
def mypy(tmp_path_factory):
    """A function that runs mypy on the package; both runs share what it has read."""
    cache = tmp_path_factory.mktemp("mypy")

    def check(*arguments):
        options = [f"--cache-dir={cache}", "--no-error-summary"]
        done = subprocess.run(
            [sys.executable, "-m", "mypy", *options, *arguments],
            cwd=PACKAGE,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        return done.stdout + done.stderr

    return check


def test_package_is_strictly_typed(mypy):
    assert mypy() == ""


def test_program_is_strictly_typed(mypy):
    assert mypy("tests/typed_program.py") == ""


def test_wrong_program_is_found_out(mypy, tmp_path):
    """That the types say something: what is wrong is not Any."""
    wrong = tmp_path / "wrong_program.py"
    wrong.write_text(
        "import forebay\n"
        "connection = forebay.connect(host=1)\n"
        "connection.cursor().execute(5)\n"
        "connection.comit()\n"
    )
    told = mypy(str(wrong))
    for line in (2, 3, 4):
        assert f"wrong_program.py:{line}: error" in told, told
