"""The asyncio pool: its bounds, its order, and what a borrower may leave behind."""

from __future__ import annotations

import asyncio
import time
import uuid

import pytest

import forebay
import forebay.aio


@pytest.fixture
def where(service):
    return {"host": "127.0.0.1", "port": service.port, "database": "test"}


async def ask(connection, sql, args=None):
    async with connection.cursor() as cursor:
        await cursor.execute(sql, args)
        return await cursor.fetchall()


def test_many_tasks_share_few_connections(where):
    async def main():
        async with forebay.aio.create_pool(minsize=1, maxsize=3, **where) as pool:
            most = 0

            async def work(number):
                nonlocal most
                async with pool.acquire() as connection:
                    most = max(most, pool.size)
                    return await ask(connection, "SELECT %s, SLEEP(0.005)", (number,))

            found = await asyncio.gather(*map(work, range(30)))
            assert found == [((number, 0),) for number in range(30)]
            assert most == 3 == pool.size == pool.freesize
        assert pool.closed

    asyncio.run(main())


def test_wait_is_bounded_and_names_the_limit(where):
    async def main():
        async with forebay.aio.create_pool(maxsize=1, wait_timeout=0.2, **where) as pool:
            async with pool.acquire():
                begun_at = time.monotonic()
                with pytest.raises(forebay.OperationalError, match="maxsize") as caught:
                    await pool.acquire()
                assert caught.value.args[0] == 1040
                assert time.monotonic() - begun_at >= 0.19
            async with pool.acquire() as connection:
                assert await ask(connection, "SELECT 1") == ((1,),)

    asyncio.run(main())


def test_who_waits_is_served_in_order_and_a_cancelled_one_passes_it_on(where):
    async def main():
        async with forebay.aio.create_pool(maxsize=1, **where) as pool:
            order = []

            async def work(number):
                async with pool.acquire():
                    order.append(number)

            held = await pool.acquire()
            waiting = [asyncio.ensure_future(work(number)) for number in range(4)]
            await asyncio.sleep(0)
            waiting[1].cancel()
            await pool.release(held)
            # It has been handed the place already, and is cancelled before it runs.
            waiting[0].cancel()
            await asyncio.wait(waiting, timeout=5)
            assert order == [2, 3]
            assert pool.freesize == pool.size

    asyncio.run(main())


def test_borrower_leaves_nothing_behind(where):
    async def main():
        table = f"pool_{uuid.uuid4().hex[:12]}"
        async with forebay.aio.create_pool(maxsize=1, **where) as pool:
            async with pool.acquire() as connection:
                await ask(connection, f"CREATE TABLE {table} (id INT) ENGINE=InnoDB")
                await ask(connection, f"INSERT INTO {table} VALUES (1)")
            async with pool.acquire() as connection:
                assert not connection.get_transaction_status()
                assert await ask(connection, f"SELECT * FROM {table}") == ()
                await connection.autocommit(True)
                await connection.select_db("users")
            async with pool.acquire() as connection:
                assert connection.get_autocommit() is False
                assert connection._conversation.shard == "test"
                await ask(connection, f"DROP TABLE {table}")

    asyncio.run(main())


@pytest.mark.parametrize("steps", range(4))
def test_cancelled_release_gives_the_place_back(where, steps):
    async def main():
        async with forebay.aio.create_pool(maxsize=1, wait_timeout=5, **where) as pool:
            connection = await pool.acquire()
            await ask(connection, "SELECT 1")
            assert connection.get_transaction_status()
            releasing = pool.release(connection)
            for _ in range(steps):
                await asyncio.sleep(0)
            releasing.cancel()
            async with pool.acquire() as another:
                assert not another.get_transaction_status()
                assert await ask(another, "SELECT 2") == ((2,),)

    asyncio.run(main())


def test_closed_connection_is_not_lent_again(where):
    async def main():
        async with forebay.aio.create_pool(maxsize=1, **where) as pool:
            async with pool.acquire() as first:
                first.close()
            async with pool.acquire() as second:
                assert second is not first
                assert await ask(second, "SELECT 1") == ((1,),)
            with pytest.raises(forebay.InterfaceError, match="not lent"):
                pool.release(second)

    asyncio.run(main())


def test_pool_that_cannot_connect_says_so_and_keeps_its_places():
    async def main():
        nowhere = {"host": "127.0.0.1", "port": 1, "database": "test"}
        with pytest.raises(forebay.OperationalError) as caught:
            await forebay.aio.create_pool(**nowhere)
        assert caught.value.args[0] == 2003
        pool = await forebay.aio.create_pool(minsize=0, maxsize=1, wait_timeout=1, **nowhere)
        for _ in range(3):
            with pytest.raises(forebay.OperationalError) as caught:
                await pool.acquire()
            assert caught.value.args[0] == 2003
        assert pool.size == 0

    asyncio.run(main())


def test_close_refuses_the_waiting_and_waits_for_the_lent(where):
    async def main():
        pool = await forebay.aio.create_pool(maxsize=1, **where)
        held = await pool.acquire()
        waiting = asyncio.ensure_future(pool._acquire(10))
        await asyncio.sleep(0)
        pool.close()
        with pytest.raises(forebay.InterfaceError, match="closed"):
            await waiting
        with pytest.raises(forebay.InterfaceError, match="closed"):
            await pool.acquire()
        ending = asyncio.ensure_future(pool.wait_closed())
        await asyncio.sleep(0.05)
        assert not ending.done()
        await pool.release(held)
        await asyncio.wait_for(ending, 5)
        assert pool.closed and held.closed

    asyncio.run(main())


def test_idle_connections_are_closed(where):
    async def main():
        async with forebay.aio.create_pool(maxsize=2, pool_recycle=0.1, **where) as pool:
            async with pool.acquire() as first:
                pass
            await asyncio.sleep(0.2)
            async with pool.acquire() as second:
                assert second is not first and first.closed

    asyncio.run(main())


@pytest.mark.parametrize(
    "wrong", [{"minsize": -1}, {"maxsize": 0}, {"minsize": 3, "maxsize": 2}, {"wait_timeout": -1}]
)
def test_limits_without_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=next(reversed(wrong))):
        forebay.aio.create_pool(**wrong)
