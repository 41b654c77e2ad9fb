"""The asyncio client beside aiomysql, which is connected to the same database: one
program, the same rows, counts and errors."""

from __future__ import annotations

import asyncio
import datetime
import decimal
import uuid

import aiomysql
import pymysql
import pytest

import forebay
import forebay.aio
import forebay.cursors

#: The bytes as hexadecimal digits: aiomysql 0.3.2 cannot take bytes, or lists, with
#: the PyMySQL that it is installed with here.
VALUES = [
    (1, "plain", decimal.Decimal("1.50"), datetime.datetime(2026, 1, 2, 3, 4, 5), "00ff", 0.5),
    (2, "it's \\ \"quoted\" ☃ %s", decimal.Decimal("-2.25"), None, "", None),
    (3, "", None, datetime.datetime(1970, 1, 1), None, -1e300),
    (4, None, None, None, None, 0.0),
]


@pytest.fixture
def table():
    return f"aio_{uuid.uuid4().hex[:12]}"


@pytest.fixture
def both(service, mysql_port, table):
    """Runs a coroutine function with a connect and its module over both, on a table
    of each one's own, and gives what it returned for each."""

    def run(program, **arguments):
        def ours(**more):
            where = {"host": "127.0.0.1", "port": service.port, "db": "test"}
            return forebay.aio.connect(**where | arguments | more)

        def theirs(**more):
            where = {"host": "127.0.0.1", "port": mysql_port, "user": "root", "db": "test"}
            return aiomysql.connect(**where | arguments | more)

        async def main():
            found = [
                await program(ours, forebay.aio, f"{table}_ours"),
                await program(theirs, aiomysql, f"{table}_theirs"),
            ]
            async with ours(autocommit=True) as connection, connection.cursor() as cursor:
                for name in ("ours", "theirs"):
                    await cursor.execute(f"DROP TABLE IF EXISTS {table}_{name}")
            return found

        return asyncio.run(main())

    return run


async def make(connect, table):
    async with connect(autocommit=True) as connection, connection.cursor() as cursor:
        await cursor.execute(
            f"CREATE TABLE {table} (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(99) UNIQUE,"
            " price DECIMAL(9,2), at DATETIME, raw BLOB, ratio DOUBLE) ENGINE=InnoDB"
        )
        insert = f"INSERT INTO {table} VALUES (%s,%s,%s,%s,UNHEX(%s),%s)"
        return await cursor.executemany(insert, VALUES)


def test_rows_and_values_are_the_same(both):
    async def program(connect, module, table):
        seen = [await make(connect, table)]
        async with connect() as connection:
            cursor = await connection.cursor()
            seen.append(await cursor.execute(f"SELECT * FROM {table} ORDER BY id"))
            seen.append([column[:2] for column in cursor.description])
            seen.append(await cursor.fetchone())
            seen.append(list(await cursor.fetchmany(2)))
            seen.append(list(await cursor.fetchall()))
            seen.append(await cursor.fetchone())
            await cursor.scroll(1, mode="absolute")
            seen.append([row async for row in cursor])
            asked = f"SELECT name FROM {table} WHERE id IN (%s,%s) ORDER BY id"
            await cursor.execute(asked, (3, 1))
            seen.append(list(await cursor.fetchall()))
            await cursor.close()
            async with connection.cursor(module.DictCursor) as dicts:
                await dicts.execute(f"SELECT id, name FROM {table} WHERE id=%(id)s", {"id": 2})
                seen.append(await dicts.fetchone())
            async with connection.cursor(module.SSCursor) as large:
                await large.execute(f"SELECT id FROM {table} ORDER BY id")
                seen.append([row async for row in large])
            async with connection.cursor(module.SSDictCursor) as large:
                await large.execute(f"SELECT id FROM {table} ORDER BY id")
                seen.append(await large.fetchmany(2))
        return seen

    ours, theirs = both(program)
    assert ours == theirs
    assert ours[0] == len(VALUES)


@pytest.mark.parametrize("kind", ["DictCursor", "SSDictCursor"])
def test_columns_of_one_name_are_told_by_their_tables(both, kind):
    async def program(connect, module, table):
        await make(connect, table)
        seen = []
        async with connect() as connection:
            cursor = await connection.cursor(getattr(module, kind))
            for first, second in ("ab", "ab", "ba"):
                await cursor.execute(
                    f"SELECT {first}.*, {second}.*, 5 AS id FROM {table} {first}"
                    f" JOIN {table} {second} ON {second}.id = {first}.id ORDER BY 1"
                )
                seen += await cursor.fetchall()
            await cursor.close()
        return seen

    ours, theirs = both(program)
    assert ours == theirs
    assert {"id", "b.id", ".id"} < set(ours[0])
    assert "a.name" in ours[-1]


def test_transactions_are_the_same(both):
    async def program(connect, module, table):
        await make(connect, table)
        seen = []
        async with connect() as connection, connect(autocommit=True) as other:

            async def count(viewer):
                async with viewer.cursor() as cursor:
                    await cursor.execute(f"SELECT COUNT(*) FROM {table}")
                    return (await cursor.fetchone())[0]

            async with connection.cursor() as cursor:
                await cursor.execute(f"DELETE FROM {table} WHERE id = 1")
                seen += [await count(connection), await count(other)]
                await connection.rollback()
                seen += [await count(connection), connection.get_autocommit()]
                await connection.begin()
                seen.append(await cursor.execute(f"INSERT INTO {table} (name) VALUES ('new')"))
                seen.append(cursor.lastrowid)
                await connection.commit()
                seen += [await count(other), other.get_autocommit()]
                await connection.autocommit(True)
                await cursor.execute(f"DELETE FROM {table} WHERE id = 2")
                seen.append(await count(other))
                await connection.ping()
        return seen

    ours, theirs = both(program)
    assert ours == theirs == [3, 4, 4, False, 1, 5, 5, True, 4]


def test_errors_are_the_same(both):
    statements = [
        "SELECT nothing",
        "SELECT * FROM missing_table",
        "THIS IS NO SQL",
        "INSERT INTO {table} (id) VALUES (1)",
        "INSERT INTO {table} (price) VALUES ('no number')",
    ]

    async def program(connect, module, table):
        await make(connect, table)
        seen = []
        async with connect() as connection, connection.cursor() as cursor:
            for statement in statements:
                try:
                    await cursor.execute(statement.format(table=table))
                except (forebay.Error, pymysql.Error) as error:
                    seen.append((type(error).__name__, error.args[0]))
                await connection.rollback()
            await cursor.execute("SELECT 1")
            seen.append(await cursor.fetchall())
        for later in (cursor.execute("SELECT 1"), connection.commit()):
            with pytest.raises((forebay.Error, pymysql.Error)) as caught:
                await later
            seen.append(type(caught.value).__name__)
        return [list(each) if isinstance(each, tuple) else each for each in seen]

    ours, theirs = both(program)
    theirs[len(statements)] = tuple(theirs[len(statements)])
    ours[len(statements)] = tuple(ours[len(statements)])
    assert ours == theirs
    assert [errno for _, errno in ours[: len(statements)]] == [1054, 1146, 1064, 1062, 1366]


def test_callproc_and_nextset_are_the_same(both, theirs, table):
    with theirs() as direct, direct.cursor() as cursor:
        cursor.execute(
            f"CREATE PROCEDURE p_{table} (IN a INT, OUT b INT)"
            " BEGIN SET b = a + 1; SELECT a; SELECT a * 2, 'two'; END"
        )

    async def program(connect, module, _):
        seen = []
        async with connect() as connection, connection.cursor() as cursor:
            seen.append(await cursor.callproc(f"p_{table}", (20, 0)))
            seen.append(list(await cursor.fetchall()))
            while await cursor.nextset():
                seen.append(list(await cursor.fetchall()))
            await cursor.execute(f"SELECT @_p_{table}_1")
            seen.append(await cursor.fetchone())
        return seen

    answers = both(program)
    assert answers[0] == answers[1]
    assert answers[0][1:3] == [[(20,)], [(40, "two")]] and answers[0][-1] == (21,)
    with theirs() as direct, direct.cursor() as cursor:
        cursor.execute(f"DROP PROCEDURE p_{table}")


def test_mogrify_is_the_same(both):
    async def program(connect, module, table):
        async with connect() as connection, connection.cursor() as cursor:
            if module is forebay.aio:
                await connection.server_version()
            return [
                cursor.mogrify("SELECT %s, %s, %s", ("it's \\ new\n", 1, None)),
                cursor.mogrify("SELECT %(a)s", {"a": "b"}),
                connection.escape("it's"),
            ]

    ours, theirs = both(program)
    assert ours == theirs


def test_backslash_is_not_escaped_on_a_guess(service):
    """Whether it escapes is the database's sql_mode to say, which is not known at first."""

    async def main():
        async with forebay.aio.connect(port=service.port, database="test") as connection:
            assert connection.escape("it's") == "'it''s'"
            with pytest.raises(forebay.ProgrammingError, match="server_version"):
                connection.escape("\\' OR 1=1 -- ")
            await connection.server_version()
            assert connection.escape("\\'") == r"'\\\''"

    asyncio.run(main())


def test_arguments_of_special_statements_are_escaped_by_the_known_mode(service):
    async def main():
        async with forebay.aio.connect(port=service.port, database="test") as connection:
            await connection.begin()
            async with connection.cursor() as cursor:
                await cursor.execute("SET @a = %s", ("back\\slash ' quote",))
                await cursor.execute("SELECT @a")
                assert await cursor.fetchone() == ("back\\slash ' quote",)

    asyncio.run(main())


def test_blocking_cursors_are_refused_with_the_remedy(service):
    with pytest.raises(forebay.ProgrammingError, match="forebay.aio"):
        forebay.aio.Connection(port=service.port, cursorclass=forebay.cursors.DictCursor)


def test_concurrent_use_of_a_connection_raises(service):
    async def main():
        async with forebay.aio.connect(port=service.port, database="test") as connection:
            first, second = connection.cursor(), connection.cursor()
            slow = asyncio.ensure_future(first.execute("SELECT SLEEP(0.3), 'first'"))
            await asyncio.sleep(0.05)
            for interferes in (second.execute("SELECT 2"), connection.commit(), connection.begin()):
                with pytest.raises(forebay.InterfaceError, match="another task"):
                    await interferes
            await slow
            assert await first.fetchall() == ((0, "first"),)

    asyncio.run(main())


def test_multi(service):
    async def main():
        where = {"port": service.port, "database": "test"}
        items = [("test", "SELECT %s", (1,)), ("users", "SELECT nothing"), ("nowhere", "SELECT 1")]
        async with forebay.aio.connect(**where) as connection:
            found = await forebay.aio.multi(items, timeout=5, on=connection)
        async with forebay.aio.create_pool(**where) as pool:
            assert [each.value for each in await pool.multi(items[:1])] == [[(1,)]]
        alone = await forebay.aio.multi(items[:1], on=f"127.0.0.1:{service.port}")
        assert alone[0].get() == [(1,)]
        assert await forebay.aio.multi([], on=connection) == []
        return found

    good, wrong, unknown = asyncio.run(main())
    assert good.successful() and good.value == [(1,)]
    assert wrong.exception.args[0] == 1054 and unknown.exception.args[0] == 1049


def test_connection_serves_another_event_loop_only_when_its_own_is_closed(service):
    async def ask(connection):
        async with connection.cursor() as cursor:
            await cursor.execute("SELECT 1")
            return await cursor.fetchone()

    async def open_and_ask():
        connection = await forebay.aio.connect(port=service.port, database="test", autocommit=True)
        await ask(connection)
        return connection

    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
    try:
        connection = first.run_until_complete(open_and_ask())
        with pytest.raises(forebay.InterfaceError, match="event loop"):
            second.run_until_complete(ask(connection))
        assert first.run_until_complete(ask(connection)) == (1,)
        first.close()
        assert second.run_until_complete(ask(connection)) == (1,)
        connection.close()
    finally:
        first.close()
        second.close()


def test_a_request_over_the_limit_leaves_the_transaction_as_it_is(start_service, mysql_url):
    """It is not sent: the service would close the session, and roll back with it."""
    shard = f'[shards.test]\nurl = "{mysql_url}"\n'
    service = start_service(shard, request_max_bytes=1_000_000)

    async def main():
        where = {"host": "127.0.0.1", "port": service.port, "database": "test"}
        async with forebay.aio.connect(**where) as connection, connection.cursor() as cursor:
            await connection.begin()
            await cursor.execute("SET @mine = 5")
            with pytest.raises(forebay.OperationalError) as raised:
                await cursor.execute("SELECT LENGTH(%s)", ("x" * 1_100_000,))
            assert raised.value.args[0] == 1153 and raised.value.code == "REQUEST_TOO_LARGE"
            await cursor.execute("SELECT @mine")
            assert await cursor.fetchone() == (5,)

    asyncio.run(main())
