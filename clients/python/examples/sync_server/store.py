"""What the sync server keeps: users and who follows whom on the shard `users`, every
user's records on the shard `slave001`. No HTTP here."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from contextlib import contextmanager
from typing import Any, Callable, Iterator, NamedTuple, Optional, Sequence, TypeVar

import forebay

USERS = "users"
RECORDS = "slave001"

PAGE_ROWS_MAX = 100
HOME_TIMEOUT_S = 2.0
# Enough for an example; a site takes what its processors bear.
PASSWORD_COST = 1024
# Between the attempts of what failed for a reason that passes.
PAUSES_S = (0.0, 0.1, 0.3)
# The server is shutting down, a deadlock, not connected, gone away, lost.
PASSING_ERRORS = {1053, 1213, 2003, 2006, 2013}
DUPLICATE_KEY = 1062

Found = TypeVar("Found")


class NameTaken(Exception):
    """Somebody else has registered by this name."""


class UnknownUser(Exception):
    """Nobody has this name, or not with this password."""


class Record(NamedTuple):
    """What a client synchronises; a body of None marks what it has deleted."""

    guid: str
    body: Optional[str]


class Place(NamedTuple):
    """How far a client has pulled: to this record of this version."""

    version: int
    record_id: int


class Store:
    """The data of all users. One for a process: its connections come from a pool that
    threads and greenlets share."""

    def __init__(self, pool: forebay.Pool) -> None:
        self.pool = pool

    @contextmanager
    def cursor(self, shard: str) -> Iterator[Any]:
        """A cursor on the shard of this name, each statement by itself."""
        with self.pool.connection() as connection:
            connection.select_db(shard)
            with connection.cursor() as cursor:
                yield cursor

    @contextmanager
    def transaction(self, shard: str) -> Iterator[Any]:
        """A cursor in a transaction. What ends it by an exception, be it a greenlet's
        timeout, is rolled back when the pool takes its connection back."""
        with self.cursor(shard) as cursor:
            cursor.connection.begin()
            yield cursor
            cursor.connection.commit()

    # Users

    def register(self, name: str, password: str) -> tuple[int, str]:
        """The number and the token of a new user; raises NameTaken."""
        token = secrets.token_urlsafe(24)
        values = (name, password_hash(name, password), token)

        def insert() -> int:
            with self.cursor(USERS) as cursor:
                cursor.execute(
                    "INSERT INTO users (name, password, token) VALUES (%s, %s, %s)", values
                )
                return int(cursor.lastrowid)

        try:
            return again(insert), token
        except forebay.IntegrityError as error:
            if error.args[0] != DUPLICATE_KEY:
                raise
        # An attempt whose answer was lost may have been ours.
        user_id = self.user_of_token(token)
        if user_id is None:
            raise NameTaken(name)
        return user_id, token

    def login(self, name: str, password: str) -> tuple[int, str]:
        """The number and the token of a user; raises UnknownUser."""
        row = self.row(USERS, "SELECT id, token, password FROM users WHERE name = %s", name)
        if row is None or not hmac.compare_digest(row[2], password_hash(name, password)):
            raise UnknownUser(name)
        return row[0], row[1]

    def user_of_token(self, token: str) -> Optional[int]:
        row = self.row(USERS, "SELECT id FROM users WHERE token = %s", token)
        return row and row[0]

    def follow(self, user_id: int, name: str) -> None:
        self.change_following("INSERT IGNORE INTO follow_user (user_id, follows_id)"
                              " VALUES (%s, %s)", user_id, name)

    def unfollow(self, user_id: int, name: str) -> None:
        self.change_following("DELETE FROM follow_user WHERE user_id = %s AND follows_id = %s",
                              user_id, name)

    def change_following(self, statement: str, user_id: int, name: str) -> None:
        followed = self.row(USERS, "SELECT id FROM users WHERE name = %s", name)
        if followed is None:
            raise UnknownUser(name)

        def change() -> None:
            with self.cursor(USERS) as cursor:
                cursor.execute(statement, (user_id, followed[0]))

        again(change)

    def followers(self, user_id: int, after: int) -> list[tuple[int, str]]:
        """Numbers and names of those who follow a user, a page after a number."""
        return self.rows(
            USERS,
            "SELECT users.id, name FROM follow_user JOIN users ON users.id = user_id"
            " WHERE follows_id = %s AND user_id > %s ORDER BY user_id LIMIT %s",
            user_id, after, PAGE_ROWS_MAX,
        )

    # Records

    def push(self, user_id: int, records: Sequence[Record]) -> tuple[int, dict[str, int]]:
        """Writes a batch, all of it or nothing: the version that it has become, and
        each record's number by its guid. A batch that is pushed twice is there once."""
        return again(lambda: self.push_once(user_id, records))

    def push_once(self, user_id: int, records: Sequence[Record]) -> tuple[int, dict[str, int]]:
        with self.transaction(RECORDS) as cursor:
            # The row stays locked: a user's versions are committed in their order, so
            # that nobody who pulls passes one that comes later.
            cursor.execute("INSERT INTO versions (user_id, version) VALUES (%s, 1)"
                           " ON DUPLICATE KEY UPDATE version = version + 1", (user_id,))
            cursor.execute("SELECT version FROM versions WHERE user_id = %s", (user_id,))
            version = cursor.fetchone()[0]
            # One call, whatever their number.
            cursor.executemany(
                "INSERT INTO records (user_id, version, guid, body) VALUES (%s, %s, %s, %s)"
                " ON DUPLICATE KEY UPDATE version = VALUES(version), body = VALUES(body)",
                [(user_id, version, record.guid, record.body) for record in records],
            )
            cursor.execute("SELECT guid, id FROM records WHERE user_id = %s AND version = %s",
                           (user_id, version))
            return version, dict(cursor.fetchall())

    def pull(self, user_id: int, since: Place) -> list[tuple[int, int, str, Optional[str]]]:
        """What has changed since a place: version, number, guid and body of each."""
        return self.rows(
            RECORDS,
            "SELECT version, id, guid, body FROM records WHERE user_id = %s"
            " AND (version > %s OR (version = %s AND id > %s)) ORDER BY version, id LIMIT %s",
            user_id, since.version, since.version, since.record_id, PAGE_ROWS_MAX,
        )

    def home(self, user_id: int) -> dict[str, Any]:
        """All that a user's page shows, of both shards at once. What is not there in
        time is None: the page is shown without it."""
        items = {
            "name": (USERS, "SELECT name FROM users WHERE id = %s"),
            "followers": (USERS, "SELECT COUNT(*) FROM follow_user WHERE follows_id = %s"),
            "following": (USERS, "SELECT COUNT(*) FROM follow_user WHERE user_id = %s"),
            "records": (RECORDS, "SELECT COUNT(*) FROM records WHERE user_id = %s"),
            "version": (RECORDS, "SELECT COALESCE(MAX(version), 0) FROM versions"
                                 " WHERE user_id = %s"),
        }
        outcomes = forebay.multi([(*item, (user_id,)) for item in items.values()],
                                 timeout=HOME_TIMEOUT_S, on=self.pool)
        return {name: outcome.value[0][0] if outcome.successful() else None
                for name, outcome in zip(items, outcomes)}

    # Reads

    def row(self, shard: str, statement: str, *values: Any) -> Any:
        found = self.rows(shard, statement, *values)
        return found[0] if found else None

    def rows(self, shard: str, statement: str, *values: Any) -> list[Any]:
        def read() -> list[Any]:
            with self.cursor(shard) as cursor:
                cursor.execute(statement, values)
                return list(cursor.fetchall())

        return again(read)


def again(work: Callable[[], Found]) -> Found:
    """Does what has the same effect however often it is done; once more after what
    passes, such as a deadlock, or a Forebay that is being restarted."""
    for pause_s in PAUSES_S:
        try:
            return work()
        except forebay.OperationalError as error:
            if not passes(error):
                raise
        time.sleep(pause_s)
    return work()


def passes(error: forebay.Error) -> bool:
    """Whether the same may succeed in a moment. The service says so of its own errors."""
    return error.args[0] in PASSING_ERRORS or error.retry in ("AT_ONCE", "AFTER_PAUSE")


def password_hash(name: str, password: str) -> str:
    """What is kept of a password."""
    return hashlib.scrypt(password.encode(), salt=name.encode(), n=PASSWORD_COST, r=8, p=1).hex()
