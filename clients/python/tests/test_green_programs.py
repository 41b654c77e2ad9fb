"""The example programs of gevent and eventlet, run as they stand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CLIENT = Path(__file__).resolve().parent.parent
TIMEOUT_S = 30


@pytest.mark.parametrize(("program", "printed"), [
    # What sleeps for 5 s is given up after one.
    ("gevent_program.py", "joinall: [(1,), (2,), None]\nmulti: [(1,), (2,), None]\n"),
    ("eventlet_program.py", "imap: [(1,), (2,), None]\n"),
])
def test_the_others_are_answered_while_one_is_cut_off(service, program, printed):
    environment = os.environ | {
        "FOREBAY_HOST": f"127.0.0.1:{service.port}",
        "PYTHONPATH": str(CLIENT / "src"),
    }
    done = subprocess.run([sys.executable, CLIENT / "examples" / program], env=environment,
                          capture_output=True, text=True, timeout=TIMEOUT_S)
    assert (done.returncode, done.stdout) == (0, printed), done.stderr
