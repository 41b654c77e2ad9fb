"""Several shards at once under eventlet. A greenlet that is late is cut off, and its
connection is not used again.

    FOREBAY_HOST=127.0.0.1:9090 python eventlet_program.py
"""

import eventlet

eventlet.monkey_patch()

import os

import forebay

pool = forebay.Pool(host=os.environ.get("FOREBAY_HOST", "127.0.0.1:9090"), database="users",
                    autocommit=True, max_connections=10)


def ask(job: tuple) -> object:
    shard, statement = job
    with eventlet.Timeout(1, False), pool.connection() as connection:
        connection.select_db(shard)
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()


greenlets = eventlet.GreenPool(10)
jobs = [("users", "SELECT 1"), ("slave001", "SELECT 2"), ("slave001", "SELECT SLEEP(5)")]
print("imap:", list(greenlets.imap(ask, jobs)))
pool.close()
