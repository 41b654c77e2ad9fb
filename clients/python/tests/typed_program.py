"""A program as a site would write it, read by mypy --strict alone (test_typing.py):
what the package returns has to fit without a cast, an ignore or an Any."""

from __future__ import annotations

from typing import Any, Optional

import forebay
import forebay.aio
from forebay.cursors import DictCursor, SSCursor, SSDictCursor


def names(connection: forebay.Connection, first: int) -> list[str]:
    with connection.cursor() as cursor:
        count: int = cursor.execute("SELECT name FROM users WHERE id > %s", (first,))
        row: Optional[tuple[Any, ...]] = cursor.fetchone()
        assert count and row
        return [str(each[0]) for each in cursor]


def by_name(connection: forebay.Connection) -> Optional[dict[str, Any]]:
    with connection.cursor(DictCursor) as cursor:
        cursor.execute("SELECT name FROM users WHERE id = %(id)s", {"id": 1})
        row: Optional[dict[str, Any]] = cursor.fetchone()
        return row


def large(connection: forebay.Connection) -> int:
    total = 0
    with connection.cursor(SSCursor) as cursor:
        cursor.execute("SELECT id FROM users")
        for row in cursor:
            total += int(row[0])
    with connection.cursor(SSDictCursor) as dicts:
        dicts.execute("SELECT id FROM users")
        total += len(dicts.fetchmany(10))
    return total


def write(connection: forebay.Connection) -> int:
    try:
        connection.begin()
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO users (name) VALUES (%s)", [("a",), ("b",)])
            inserted = cursor.lastrowid or 0
        connection.commit()
        return inserted
    except forebay.OperationalError as error:
        print(error.code, error.outcome, error.retry, error.args[0])
        connection.rollback()
        raise


def parallel(pool: forebay.Pool) -> list[Any]:
    outcomes = pool.multi([("users", "SELECT 1"), ("users", "SELECT %s", (2,))], timeout=2)
    return [outcome.value for outcome in outcomes if outcome.successful()]


async def awaited() -> Optional[tuple[Any, ...]]:
    async with forebay.aio.create_pool(host="127.0.0.1", db="users", maxsize=4) as pool:
        async with pool.acquire() as connection, connection.cursor() as cursor:
            await cursor.execute("SELECT 1")
            row: Optional[tuple[Any, ...]] = await cursor.fetchone()
            return row


def main() -> None:
    connection = forebay.connect(host="127.0.0.1", port=9090, database="users", autocommit=True)
    with connection:
        print(names(connection, 1), by_name(connection), large(connection), write(connection))
    with forebay.Pool(max_connections=4, host="127.0.0.1", database="users") as pool:
        with pool.connection() as pooled:
            print(names(pooled, 1))
        print(parallel(pool))
