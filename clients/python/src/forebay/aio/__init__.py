"""asyncio's client, by aiomysql's names, with the arguments, errors and values of
`forebay` itself:

    connection = await forebay.aio.connect(host=…, database=…)
    async with connection.cursor() as cursor:
        await cursor.execute("SELECT name FROM users WHERE id = %s", (1,))
        async for row in cursor:
            …

One connection is for one task at a time; `create_pool` gives many tasks their own.
"""

from __future__ import annotations

from .._multi import FAIL_ON_FIRST_ERROR, TAKE_WHAT_CAME, Outcome
from ._multi import multi
from .connections import Connection, connect
from .cursors import Cursor, DictCursor, SSCursor, SSDictCursor
from .pool import Pool, create_pool

__all__ = [
    "Connection",
    "FAIL_ON_FIRST_ERROR",
    "TAKE_WHAT_CAME",
    "Cursor",
    "DictCursor",
    "SSCursor",
    "SSDictCursor",
    "Outcome",
    "Pool",
    "connect",
    "create_pool",
    "multi",
]
