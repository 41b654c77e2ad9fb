"""Forked children have sessions of their own, and leave their parent's alone."""

from __future__ import annotations

import pathlib

import pytest

import fork_programs
from programs import run_program, scenarios

PROGRAM = pathlib.Path(fork_programs.__file__)


@pytest.mark.parametrize("scenario", scenarios(fork_programs, "port"))
def test_forks(service, scenario):
    run_program(PROGRAM, scenario, service.port)
