"""Tasks that are cancelled or timed out in the middle of a call: no later call reads
an answer that is not its own, and nothing is left in a transaction."""

from __future__ import annotations

import asyncio
import random
import uuid

import pytest

import forebay
import forebay.aio

TASKS = 8
ROUNDS = 60
SECONDS_MAX = 60


@pytest.fixture
def where(service):
    return {"host": "127.0.0.1", "port": service.port, "database": "test", "autocommit": True}


async def one(cursor, number):
    await cursor.execute("SELECT %s", (number,))
    return (await cursor.fetchone())[0]


def test_cancelled_statement_closes_its_session(where):
    async def main():
        async with forebay.aio.connect(**where) as connection, connection.cursor() as cursor:
            before = connection._link.session
            slow = asyncio.ensure_future(cursor.execute("SELECT SLEEP(5), 'old'"))
            await asyncio.sleep(0.1)
            slow.cancel()
            with pytest.raises(asyncio.CancelledError):
                await slow
            assert connection._link.session == 0 != before
            assert connection.open
            assert await one(cursor, 7) == 7
            assert connection._link.session > before

    asyncio.run(main())


def test_wait_for_closes_the_session_too(where):
    async def main():
        async with forebay.aio.connect(**where) as connection, connection.cursor() as cursor:
            for number in range(3):
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(cursor.execute("SELECT SLEEP(5), 'old'"), 0.1)
                assert await one(cursor, number) == number

    asyncio.run(main())


def test_cancelled_statement_is_stopped_in_the_database(where):
    async def main():
        mark = f"mark {uuid.uuid4().hex}"
        async with forebay.aio.connect(**where) as connection, connection.cursor() as cursor:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(cursor.execute("SELECT SLEEP(30), %s", (mark,)), 0.2)
            for _ in range(100):
                await cursor.execute(
                    "SELECT COUNT(*) FROM information_schema.processlist"
                    " WHERE info LIKE %s AND id <> CONNECTION_ID()",
                    (f"%{mark}%",),
                )
                if await cursor.fetchone() == (0,):
                    return
                await asyncio.sleep(0.05)
            raise AssertionError("the statement still runs")

    asyncio.run(main())


def test_transaction_of_a_cancelled_statement_is_rolled_back(where):
    async def main():
        table = f"cancel_{uuid.uuid4().hex[:12]}"
        async with forebay.aio.connect(**where) as connection, connection.cursor() as cursor:
            await cursor.execute(f"CREATE TABLE {table} (id INT PRIMARY KEY) ENGINE=InnoDB")
            try:
                await connection.begin()
                await cursor.execute(f"INSERT INTO {table} VALUES (1)")
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(cursor.execute("SELECT SLEEP(5)"), 0.1)
                # The transaction is gone, which is told once, not passed over.
                with pytest.raises(forebay.OperationalError) as caught:
                    await cursor.execute(f"INSERT INTO {table} VALUES (2)")
                assert caught.value.args[0] == 2013
                await connection.rollback()
                await cursor.execute(f"SELECT COUNT(*) FROM {table}")
                assert await cursor.fetchone() == (0,)
            finally:
                await connection.rollback()
                await cursor.execute(f"DROP TABLE {table}")

    asyncio.run(main())


def test_connecting_may_be_cancelled_at_any_moment(where):
    """However far it had come: nothing hangs, and what is opened meanwhile is closed."""

    async def main():
        for step in range(40):
            opening = asyncio.ensure_future(forebay.aio.Connection(**where).connect())
            for _ in range(step // 4):
                await asyncio.sleep(0)
            opening.cancel()
            await asyncio.wait({opening}, timeout=5)
            assert opening.done()
        async with forebay.aio.connect(**where) as connection, connection.cursor() as cursor:
            assert await one(cursor, 1) == 1
        await asyncio.sleep(0.05)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        assert not others

    asyncio.run(main())


def test_soak_of_cancelled_tasks_finds_no_foreign_answer(where):
    """Many tasks on a small pool, cancelled at random moments: connecting, waiting for
    a connection, in the middle of a call, while the connection is given back."""
    dice = random.Random(20260127)
    seen = {"answers": 0, "cancelled": 0}

    async def ask(pool, number):
        async with pool.acquire() as connection, connection.cursor() as cursor:
            if number % 3 == 0:
                await connection.begin()
            await cursor.execute("SELECT %s, SLEEP(%s)", (number, (number % 4) / 500))
            rows = await cursor.fetchall()
            assert rows == ((number, 0),), (number, rows)
            assert await one(cursor, -number) == -number
            if number % 6 == 0:
                await connection.commit()
            seen["answers"] += 1

    async def worker(pool, base):
        # So that some are cancelled and some are not, however fast the machine is.
        seconds = 0.02
        for round_number in range(ROUNDS):
            asking = asyncio.ensure_future(ask(pool, base + round_number))
            await asyncio.wait({asking}, timeout=dice.random() * seconds)
            if asking.done():
                seconds *= 0.8
            else:
                asking.cancel()
                seen["cancelled"] += 1
                seconds = min(seconds * 1.3, 1.0)
            try:
                await asking
            except asyncio.CancelledError:
                pass

    async def main():
        arguments = where | {"autocommit": None, "read_timeout": 20}
        async with forebay.aio.create_pool(minsize=0, maxsize=3, **arguments) as pool:
            await asyncio.wait_for(
                asyncio.gather(*(worker(pool, index * 1000) for index in range(TASKS))),
                SECONDS_MAX,
            )
            await ask(pool, 12)
            for _ in range(100):
                if pool.freesize == pool.size:
                    break
                await asyncio.sleep(0.01)
            assert pool.freesize == pool.size <= 3, pool

    asyncio.run(main())
    assert seen["answers"] > TASKS and seen["cancelled"] > TASKS, seen
