"""What the package does, told by one program that needs nothing else: run by
test_packaging.py with every Python that there is.

    python every_python.py PORT        the service's, with a shard `test`
"""

from __future__ import annotations

import asyncio
import datetime
import decimal
import os
import sys
import threading

import forebay
import forebay.aio
from forebay.cursors import DictCursor, SSCursor

PORT = int(sys.argv[1])
TABLE = f"every_python_{os.getpid()}"
WHERE = {"host": "127.0.0.1", "port": PORT, "database": "test"}
ROWS = [
    (1, "plain", decimal.Decimal("1.50"), datetime.datetime(2026, 1, 2, 3, 4, 5), b"\x00\xff"),
    (2, "it's \\ \"quoted\" ☃ %s", decimal.Decimal("-2.25"), None, b""),
    (3, "", None, datetime.datetime(1970, 1, 1), None),
]


def check_values(connection):
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE {TABLE} (id INT PRIMARY KEY, name VARCHAR(99),"
            " price DECIMAL(9,2), at DATETIME, raw BLOB) ENGINE=InnoDB"
        )
        written = cursor.executemany(f"INSERT INTO {TABLE} VALUES (%s, %s, %s, %s, %s)", ROWS)
        assert written == len(ROWS)
        connection.commit()
        cursor.execute(f"SELECT * FROM {TABLE} ORDER BY id")
        assert list(cursor.fetchall()) == ROWS
        assert [column[0] for column in cursor.description] == ["id", "name", "price", "at", "raw"]
        cursor.execute(f"SELECT name FROM {TABLE} WHERE id IN %s ORDER BY id", ([1, 3],))
        assert list(cursor) == [("plain",), ("",)]
    with connection.cursor(DictCursor) as cursor:
        cursor.execute(f"SELECT id, price FROM {TABLE} WHERE id = %(id)s", {"id": 1})
        assert cursor.fetchone() == {"id": 1, "price": decimal.Decimal("1.50")}
    with connection.cursor(SSCursor) as cursor:
        cursor.execute(f"SELECT id FROM {TABLE} ORDER BY id")
        assert [row[0] for row in cursor.fetchall_unbuffered()] == [1, 2, 3]


def check_transactions(connection):
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {TABLE} WHERE id = 1")
        connection.rollback()
        cursor.execute(f"SELECT COUNT(*) FROM {TABLE}")
        assert cursor.fetchone() == (3,)
        connection.commit()
        try:
            cursor.execute(f"INSERT INTO {TABLE} (id) VALUES (1)")
        except forebay.IntegrityError as error:
            assert error.args[0] == 1062
        else:
            raise AssertionError("a duplicate was taken")
        connection.rollback()


def check_pool():
    seen = []
    with forebay.Pool(max_connections=2, wait_timeout=20, autocommit=True, **WHERE) as pool:

        def ask(number):
            with pool.connection() as connection, connection.cursor() as cursor:
                cursor.execute("SELECT %s + SLEEP(0.01)", (number,))
                seen.append((number, cursor.fetchone()[0]))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(seen) == [(number, number) for number in range(6)], seen
        first, second = pool.multi([("test", "SELECT 1"), ("test", "SELECT nothing")], timeout=5)
    assert first.successful() and list(first.value) == [(1,)]
    assert isinstance(second.exception, forebay.OperationalError)


async def check_asyncio():
    connection = await forebay.aio.connect(**WHERE)
    async with connection, connection.cursor() as cursor:
        await cursor.execute(f"SELECT id, name FROM {TABLE} ORDER BY id")
        assert [row async for row in cursor] == [row[:2] for row in ROWS]
        await connection.rollback()
    async with forebay.aio.create_pool(minsize=1, maxsize=2, **WHERE) as pool:

        async def ask(number):
            async with pool.acquire() as taken, taken.cursor() as cursor:
                await cursor.execute("SELECT %s", (number,))
                return await cursor.fetchone()

        answers = await asyncio.gather(*map(ask, range(6)))
        assert answers == [(number,) for number in range(6)]


def main():
    connection = forebay.connect(**WHERE)
    try:
        check_values(connection)
        check_transactions(connection)
        check_pool()
        asyncio.run(check_asyncio())
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")
        connection.close()
    print(f"python{sys.version_info[0]}.{sys.version_info[1]}: all well")


main()
