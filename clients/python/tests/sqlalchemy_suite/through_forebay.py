"""A pytest plugin: what SQLAlchemy imports as `pymysql` is this package."""

from __future__ import annotations

import os
import sys

import forebay
import mariadb_requirements

forebay.install_as_pymysql()

mariadb_requirements.close(*os.environ.get("SUITE_WITHOUT", "").split())


def pytest_sessionfinish():
    # Else the run would prove nothing: who drove it?
    assert sys.modules["pymysql"].connect is forebay.connect, "the suite did not run on forebay"
