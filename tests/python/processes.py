"""MySQL's list of processes: what runs there, and what has ended."""

import time


def running(database, statement):
    """How many processes run a statement that begins so."""
    sql = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE %s AND id <> CONNECTION_ID()"
    with database.cursor() as cursor:
        cursor.execute(sql, (statement + "%",))
        return cursor.fetchall()[0][0]


def wait_until_gone(database, statement, seconds=5):
    """MySQL ends a killed statement a moment after it has been told to."""
    wait_for(lambda: running(database, statement) == 0, f"the end of {statement}", seconds)


def wait_until_running(database, statement, seconds=5):
    wait_for(lambda: running(database, statement) > 0, statement, seconds)


def wait_for(condition, what, seconds=5):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        time.sleep(0.02)
