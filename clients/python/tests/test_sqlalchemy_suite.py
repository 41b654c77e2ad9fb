"""SQLAlchemy's dialect compliance suite: what passes by `mysql+pymysql` on a
MariaDB passes with this package in PyMySQL's place, through the service to the
same MariaDB.

Each run is a process of its own on databases that are made for it. There is no
list of the tests expected to pass: PyMySQL's run, ten seconds, is that list.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree

import pymysql
import pytest

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")

FOLDER = pathlib.Path(__file__).parent / "sqlalchemy_suite"
SOURCES = FOLDER.parents[1] / "src"

DATABASE = "sqlalchemy_suite"
# The other two names are the suite's own.
DATABASES = (DATABASE, "test_schema", "test_schema_2")
RUN_TIMEOUT_S = 240
# What PyMySQL passes here with SQLAlchemy 2.1: fewer means that the suite did not
# run as it should, and that the comparison says little.
PASSED_MIN = 1_700

# Tests that PyMySQL passes and this package cannot, each with its reason.
OUTLIVES = "a temporary table that is used after the transaction that made it has ended"
DEVIATIONS = {
    "ComponentReflectionTest::test_get_temp_table_columns": OUTLIVES,
    "ComponentReflectionTest::test_get_temp_table_indexes": OUTLIVES,
    "ComponentReflectionTest::test_get_temp_table_unique_constraints": OUTLIVES,
    "ComponentReflectionTest::test_reflect_table_temp_table": OUTLIVES,
    "HasTableTest::test_has_table_temp_table": OUTLIVES,
}
# What these tests need is made once for all tests of their classes, and none of
# those could run with it. So the suite runs without these requirements, and again,
# for what needs them within one transaction, with them.
WITHOUT = ("has_temp_table", "temp_table_reflection")
WITHIN_A_TRANSACTION = "TempTableElementsTest"


def empty_databases(mysql_port):
    connection = pymysql.connect(
        host="127.0.0.1", port=mysql_port, user="root", ssl_disabled=True, autocommit=True
    )
    with connection, connection.cursor() as cursor:
        for name in DATABASES:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")


def run_suite(report_path, url, *arguments, **environment):
    """The outcome of every test of the suite by its name, and what pytest printed."""
    command = [sys.executable, "-m", "pytest", "-c", FOLDER / "setup.cfg", "--rootdir", FOLDER]
    command += [*arguments, "--dburi", url, "--junitxml", report_path, FOLDER]
    environment["PYTHONPATH"] = f"{FOLDER}{os.pathsep}{SOURCES}"
    ended = subprocess.run(
        [str(part) for part in command],
        cwd=FOLDER,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_TIMEOUT_S,
    )
    # 0: all passed; 1: some failed; others: it did not get to the tests' end.
    assert ended.returncode in (0, 1), ended.stdout[-10_000:]
    return outcomes(report_path), ended.stdout


def outcomes(report_path):
    found = {}
    for case in xml.etree.ElementTree.parse(report_path).iter("testcase"):
        # The class's name as it is in the suite, without the database's version.
        group = case.get("classname").rpartition(".")[2].partition("_mariadb+")[0]
        name = f"{group}::{case.get('name')}"
        parts = {part.tag: part.get("message") or "" for part in case}
        if "failure" in parts or "error" in parts:
            found[name] = "failed: " + (parts.get("failure") or parts.get("error") or "")
        elif "skipped" in parts:
            found[name] = "skipped: " + parts["skipped"]
        else:
            found[name] = "passed"
    return found


def test_all_that_pymysql_passes(mysql_port, start_service, tmp_path):
    empty_databases(mysql_port)
    url = f"mysql://root@127.0.0.1:{mysql_port}/{DATABASE}"
    service = start_service(f'[shards.{DATABASE}]\nurl = "{url}"\n')
    theirs, _ = run_suite(
        tmp_path / "pymysql.xml",
        f"mysql+pymysql://root@127.0.0.1:{mysql_port}/{DATABASE}?ssl_disabled=1",
    )
    passed = {name for name, outcome in theirs.items() if outcome == "passed"}
    assert len(passed) >= PASSED_MIN

    empty_databases(mysql_port)
    here = f"mysql+pymysql://root@127.0.0.1:{service.port}/{DATABASE}"
    ours, output = run_suite(
        tmp_path / "forebay.xml", here, "-pthrough_forebay", SUITE_WITHOUT=" ".join(WITHOUT)
    )
    more, more_output = run_suite(
        tmp_path / "more.xml", here, "-pthrough_forebay", "-k", WITHIN_A_TRANSACTION
    )
    ours |= more
    output += more_output
    differences = {
        name: ours.get(name, "absent")
        for name in sorted(passed)
        if ours.get(name) != "passed" and name not in DEVIATIONS
    }
    listed = "\n".join(f"{name}: {outcome}" for name, outcome in differences.items())
    assert not differences, (
        f"{len(differences)} of {len(passed)} that PyMySQL passes:\n{listed}\n{output[-20_000:]}"
    )
    # A deviation that is none any more goes off the list.
    assert [name for name in DEVIATIONS if ours.get(name) == "passed"] == []
