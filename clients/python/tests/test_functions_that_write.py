"""A SELECT of a function that writes is not run twice when its answer is lost."""

from __future__ import annotations

import time

import pytest

import forebay
from forebay._functions import may_write
from forebay._statement import statement
from relay import Relay
from same import both  # noqa: F401

READS = [
    "SELECT 1",
    "SELECT COUNT(*), MAX(id) FROM t WHERE a IN (1, 2) AND (b = 3 OR c = 4)",
    "SELECT `id` FROM `t` WHERE `id` IN (%s, %s)",
    "SELECT t.id FROM t JOIN (SELECT id FROM u) AS x ON (t.id = x.id)",
    "SELECT JSON_EXTRACT(a, '$.b'), DATE_FORMAT(d, '%%Y'), IF(a, b, c), COALESCE (a, b) FROM t",
    "SELECT CAST(a AS DECIMAL(10,2)), ROW_NUMBER() OVER (PARTITION BY a) FROM t",
    "SELECT CASE WHEN (a) THEN (b) ELSE (c) END FROM t WHERE EXISTS (SELECT 1)",
    "SELECT a FROM t WHERE b = ANY (SELECT 1) GROUP BY (a) HAVING (a > 1) ORDER BY (a) LIMIT 1",
]
WRITES = [
    "SELECT counted(1)",
    "SELECT a, test.COUNT(1) FROM t",
    "SELECT `count`(1)",
    "SELECT counted/* of course */(1)",
    "SELECT counted -- of course\n(1)",
    "SELECT counted # of course\n\n (1)",
    "SELECT NEXTVAL(s)",
    "SELECT NEXT VALUE FOR s",
    "SELECT SETVAL(s, 5)",
    "SELECT gezählt(1)",
]


@pytest.mark.parametrize("sql", READS)
def test_what_reads(sql):
    assert not may_write(sql)
    assert statement(sql).reads


@pytest.mark.parametrize("sql", WRITES)
def test_what_may_write(sql):
    assert may_write(sql)
    assert not statement(sql).reads
    assert statement(sql).gives_rows


@pytest.mark.parametrize("sql", ["a" * 1_000_000, "a/* " * 250_000, "(" * 99_999, "a\n" * 99_999])
def test_a_long_text_takes_no_longer_than_its_length(sql):
    begun_at = time.monotonic()
    statement(f"SELECT '{sql}'")
    assert time.monotonic() - begun_at < 5


@pytest.fixture
def losing(service):
    """A relay that cuts a session in place of handing on its answer."""
    made = LosingRelay(service.port)
    yield made
    made.close()


class LosingRelay(Relay):
    loses = False

    def _pass(self, source, target):
        super()._pass(_Losing(self, source), target)


class _Losing:
    """A socket that ends with the next answer."""

    def __init__(self, relay, opened):
        self._relay = relay
        self._opened = opened
        self._is_service = opened.getpeername()[1] == relay._service_port

    def recv(self, size):
        data = self._opened.recv(size)
        if self._is_service and self._relay.loses and data:
            return b""
        return data

    def __getattr__(self, name):
        return getattr(self._opened, name)


def test_a_function_that_writes_runs_once(both, ours, losing):
    both.run(
        "DROP TABLE IF EXISTS counts",
        "CREATE TABLE counts (n INT)",
        "DROP FUNCTION IF EXISTS counted",
        "CREATE FUNCTION counted(n INT) RETURNS INT MODIFIES SQL DATA"
        " BEGIN INSERT INTO counts VALUES (n); RETURN n; END",
    )
    connection = ours(port=losing.port, autocommit=True)
    cursor = connection.cursor()
    cursor.execute("SELECT counted(1)")
    assert cursor.fetchall() == ((1,),)
    losing.loses = True
    with pytest.raises(forebay.OperationalError) as raised:
        cursor.execute("SELECT counted(2)")
    losing.loses = False
    assert raised.value.args[0] == 2013
    assert raised.value.outcome == "UNKNOWN"
    assert both.rows("SELECT n FROM counts") == ((1,), (2,))
    both.run("DROP FUNCTION counted", "DROP TABLE counts")
