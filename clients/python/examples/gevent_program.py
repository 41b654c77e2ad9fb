"""Several shards at once under gevent: a greenlet each, and the one call that does the
same. A greenlet that is late is cut off, and its connection is not used again.

    FOREBAY_HOST=127.0.0.1:9090 python gevent_program.py
"""

from gevent import monkey

monkey.patch_all()

import os

import gevent

import forebay

pool = forebay.Pool(host=os.environ.get("FOREBAY_HOST", "127.0.0.1:9090"), database="users",
                    autocommit=True, max_connections=10)


def ask(shard: str, statement: str) -> tuple:
    with pool.connection() as connection:
        connection.select_db(shard)
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()


jobs = [gevent.spawn(ask, "users", "SELECT 1"),
        gevent.spawn(ask, "slave001", "SELECT 2"),
        gevent.spawn(ask, "slave001", "SELECT SLEEP(5)")]
gevent.joinall(jobs, timeout=1)
print("joinall:", [job.value for job in jobs])
# What has not ended is cut off where it waits.
gevent.killall(jobs)

outcomes = forebay.multi(
    [("users", "SELECT 1"), ("slave001", "SELECT 2"), ("slave001", "SELECT SLEEP(5)")],
    timeout=1, on=pool)
print("multi:", [outcome.value[0] if outcome.successful() else None for outcome in outcomes])
pool.close()
