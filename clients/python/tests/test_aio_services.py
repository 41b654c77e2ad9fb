"""The asyncio client before real services that are stopped, killed and asked to end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
import uuid

import pytest

import forebay
import forebay.aio
from forebay import err


@contextlib.contextmanager
def within(least, most):
    """Not a measure of speed: the bound is kept, or the test fails at once."""
    begun = time.monotonic()
    yield
    assert least <= time.monotonic() - begun <= most


def hosts(*places):
    return ",".join(f"127.0.0.1:{getattr(place, 'port', place)}" for place in places)


def test_stopped_service_is_given_up_by_read_timeout(services):
    stopped = services()

    async def main():
        where = {"port": stopped.port, "database": "test", "autocommit": True}
        async with forebay.aio.connect(read_timeout=0.5, **where) as connection:
            async with connection.cursor() as cursor:
                await cursor.execute("SELECT 1")
                os.kill(stopped.process.pid, signal.SIGSTOP)
                try:
                    with within(0.5, 10), pytest.raises(err.OperationalError) as raised:
                        await cursor.execute("INSERT INTO nowhere VALUES (1)")
                    assert raised.value.args[0] == 2013 and raised.value.outcome == "UNKNOWN"
                    # Another connection, which the system's kernel takes in its stead.
                    with within(0.5, 10), pytest.raises(err.OperationalError) as raised:
                        await cursor.execute("SELECT 1")
                    assert raised.value.args[0] == 2013 and raised.value.outcome == "NOT_APPLIED"
                finally:
                    os.kill(stopped.process.pid, signal.SIGCONT)

    asyncio.run(main())


def test_read_timeout_is_the_services_too(service):
    async def main():
        where = {"port": service.port, "database": "test", "autocommit": True}
        async with forebay.aio.connect(read_timeout=0.3, **where) as connection:
            async with connection.cursor() as cursor:
                with within(0.2, 5), pytest.raises(err.OperationalError) as raised:
                    await cursor.execute("SELECT SLEEP(20)")
                assert raised.value.args[0] == 3024
                assert raised.value.code == "DEADLINE_EXCEEDED"

    asyncio.run(main())


def test_reads_go_on_while_one_of_two_services_ends_and_no_write_is_repeated(services, theirs):
    """One of two is killed, the other asked to end and started no more: reads see
    nothing, and of writes no more are done than were not told to be in doubt."""
    first, second, third = services(), services(), services()
    table = f"aio_failover_{uuid.uuid4().hex[:12]}"
    with theirs(autocommit=True) as direct, direct.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {table} (id INT)")
    written, doubtful, failures = [], [], []

    async def work(number):
        where = {"host": hosts(first, second, third), "database": "test", "autocommit": True}
        async with forebay.aio.connect(**where) as connection, connection.cursor() as cursor:
            for step in range(60):
                token = number * 1000 + step
                try:
                    await cursor.execute(f"INSERT INTO {table} VALUES (%s)", (token,))
                    written.append(token)
                except err.OperationalError as error:
                    (doubtful if error.outcome == "UNKNOWN" else failures).append(token)
                try:
                    await cursor.execute("SELECT %s", (token,))
                    assert await cursor.fetchone() == (token,)
                except err.OperationalError as error:
                    failures.append(error)
                await asyncio.sleep(0.005)

    async def main():
        workers = [asyncio.ensure_future(work(number)) for number in range(6)]
        await asyncio.sleep(0.15)
        first.process.kill()
        await asyncio.sleep(0.15)
        second.process.terminate()
        await asyncio.wait_for(asyncio.gather(*workers), 60)

    asyncio.run(main())
    with theirs() as direct, direct.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {table}")
        done = [row[0] for row in cursor.fetchall()]
        cursor.execute(f"DROP TABLE {table}")
    assert not failures
    assert len(done) == len(set(done)), "a write was sent again"
    assert set(written) <= set(done) <= set(written) | set(doubtful)
    assert len(written) > 200
