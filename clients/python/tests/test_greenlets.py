"""Under gevent and eventlet: patched sockets make calls cooperative, and a greenlet that
is timed out or killed leaves no answer behind for the next call."""

from __future__ import annotations

import pathlib

import pytest

import greenlet_programs
from programs import run_program, scenarios

PROGRAM = pathlib.Path(greenlet_programs.__file__)


@pytest.mark.parametrize("library", ["gevent", "eventlet"])
@pytest.mark.parametrize("scenario", scenarios(greenlet_programs, "library", "port"))
def test_greenlets(service, library, scenario):
    pytest.importorskip(library)
    run_program(PROGRAM, library, scenario, service.port)


def test_greenlets_without_patching_take_turns(service):
    """Nothing is cooperative then, and nothing is wrong."""
    pytest.importorskip("gevent")
    program = f"""
import gevent, forebay
def ask(number):
    with forebay.connect(host="127.0.0.1", port={service.port}, database="test") as connection:
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s", (number,))
            return cursor.fetchall()
made = [gevent.spawn(ask, number) for number in range(10)]
gevent.joinall(made, timeout=30)
assert [one.get() for one in made] == [((number,),) for number in range(10)]
print("done")
"""
    run_program("-c", program)


@pytest.mark.parametrize("library", ["gevent", "eventlet"])
def test_patching_after_the_import_is_early_enough(service, library):
    """The package looks sockets and locks up when it needs them."""
    pytest.importorskip(library)
    patch = {
        "gevent": "from gevent import monkey; monkey.patch_all(); import gevent as library",
        "eventlet": "import eventlet as library; library.monkey_patch()",
    }[library]
    program = f"""
import forebay
{patch}
ticks = []
def tick():
    while True:
        ticks.append(1)
        library.sleep(0.01)
library.spawn(tick)
with forebay.connect(host="localhost", port={service.port}, database="test") as connection:
    with connection.cursor() as cursor:
        cursor.execute("SELECT SLEEP(0.3)")
assert len(ticks) > 5, "nobody else ran during the call"
print("done")
"""
    run_program("-c", program)
