"""asyncio's connections: `forebay.connections.Connection` with methods to await,
by aiomysql's names. What a connection says to the service is in `_conversation`,
as there; this carries it by asyncio's transports.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Optional, TypeVar, Union, overload

from .. import _arguments, _many, _special, converters, cursors, err
from .._conversation import Flow
from .._error_attributes import ErrorAttributes
from .._set import check_collation
from .._statement import as_text, statement
from ._attributes import Arguments, Attributes
from ._context import Opening
from ._link import Link, busy
from .cursors import Cursor

T = TypeVar("T")
C = TypeVar("C", bound=Cursor)


class Connection(ErrorAttributes, Attributes):
    """A connection to a service, for one task at a time and one event loop.

    Takes the arguments of `forebay.connect`; `cursorclass` is one of `forebay.aio`'s.
    Made by `await forebay.aio.connect(…)`.

    A task that is cancelled, or timed out by `asyncio.timeout` or `wait_for`, while
    a statement is under way closes the session: the service stops the statement, and
    rolls back an open transaction. The connection is well: its next statement opens
    another session.
    """

    def __init__(self, *, cursorclass: Any = Cursor, **arguments: Any) -> None:
        self.cursorclass = _checked(cursorclass)
        arguments.pop("defer_connect", None)
        # aiomysql's name for it, and not deprecated there.
        if arguments.get("db") is not None and arguments.get("database") is None:
            arguments["database"] = arguments.pop("db")
        self._plain = plain = Arguments(defer_connect=True, **arguments)
        site, plain._link = plain._link.site, None
        self._link = Link(
            site, connect_timeout=plain.connect_timeout, bind_address=plain.bind_address
        )
        self._conversation = plain._conversation
        self._conversation.link = self._link
        self._is_open = False
        #: Held by a statement for all of its calls.
        self._is_busy = False

    # ------------------------------------------------------------ opening, closing

    async def connect(self) -> None:
        """Opens the session, within connect_timeout in all; again after close()."""
        self._link.close()
        self._conversation.reset()
        try:
            await self._link.connect()
            self._is_open = True
            await self._run(self._plain._opening(self._link))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ends the session at once; an open transaction is rolled back by the
        service. May be called again, and while a statement is under way, which then
        ends with an error."""
        self._is_open = False
        self._link.close()
        self._conversation.reset()

    async def ensure_closed(self) -> None:
        """The same, and lets the event loop give the socket up. What was done under
        LOCK TABLES with autocommit is kept, which close() cannot wait for."""
        talk = self._conversation
        try:
            if self._is_open and talk.locked and talk.autocommit and not self._is_busy:
                await self._run(talk.commit())
        finally:
            self.close()
        await asyncio.sleep(0)

    @property
    def open(self) -> bool:
        """Whether it was connected and not closed since."""
        return self._is_open

    @property
    def closed(self) -> bool:
        """Whether it was closed, or never connected."""
        return not self._is_open

    async def __aenter__(self) -> Connection:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.ensure_closed()

    # ------------------------------------------------------------------ statements

    async def _run(self, flow: Flow[T]) -> T:
        """Drives a flow over the link, as the only one to do so."""
        self._take()
        try:
            return await self._drive(flow)
        finally:
            self._is_busy = False

    def _take(self) -> None:
        if not self._is_open:
            raise err.InterfaceError(0, "")
        if self._is_busy:
            raise busy()
        self._is_busy = True

    async def _drive(self, flow: Flow[T]) -> T:
        step: Any = flow.send
        given: Any = None
        try:
            while True:
                request = step(given)
                try:
                    given = await self._link.call(request)
                    step = flow.send
                except BaseException as error:
                    given = error
                    step = flow.throw
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    async def _execute(self, query: Any, args: Any) -> Any:
        """Runs a statement; gives its result."""
        self._take()
        try:
            if type(query) is not str:
                query = as_text(query)
            talk = self._conversation
            call = talk.single(query, args)
            if call is None:
                result = await self._execute_flow(query, args)
            else:
                try:
                    result = await self._link.call(call)
                except BaseException as error:
                    result = await self._drive(talk.recover(error, statement(query), args))
                talk.took(result)
            self._plain._result = self._plain._counted = result
            self._plain._calls = result.rows is not None and statement(query).calls
            return result
        finally:
            self._is_busy = False

    async def _execute_flow(self, query: str, args: Any) -> Any:
        talk = self._conversation
        if args and statement(query).kind and talk.known_facts is None and talk.shard is not None:
            # Its arguments are written into its text, perhaps: see `_attributes.Arguments`.
            await self._drive(talk.facts())
        return await self._drive(talk.execute(query, args))

    async def _execute_many(self, query: Any, rows: Iterable[Any]) -> Any:
        """Runs a statement for each of the rows; gives a result, and the last row."""
        flow = _many.execute_many(self._conversation, as_text(query), rows)
        result, last = await self._run(flow)
        self._plain._result = self._plain._counted = result
        self._plain._calls = False
        return result, last

    @overload
    def cursor(self, cursor: None = None) -> Cursor: ...

    @overload
    def cursor(self, cursor: type[C]) -> C: ...

    def cursor(self, cursor: Optional[type[Cursor]] = None) -> Cursor:
        """A new cursor: of the class that is given, or of `cursorclass`. May be
        awaited, or entered by `async with`."""
        made: Cursor = (_checked(cursor) if cursor else self.cursorclass)(self)
        return made

    async def query(self, sql: Union[str, bytes]) -> int:
        """Runs a statement without a cursor; gives its affected_rows."""
        await self._execute(sql, None)
        return self.affected_rows()

    def affected_rows(self) -> int:
        """Rows that the last statement changed or gave."""
        plain = self._plain
        result = plain._result
        if result is None:
            return 0
        return int(result.matched_rows if plain._found_rows else result.affected_rows)

    def insert_id(self) -> Optional[int]:
        """The last statement's first AUTO_INCREMENT value; 0 if it made none."""
        return self._plain.insert_id()

    async def show_warnings(self) -> tuple[tuple[str, int, str], ...]:
        """Level, number and message of each warning that the last statement had."""
        return tuple(_special.last_warnings(self._conversation))

    # ---------------------------------------------------------------- transactions

    async def begin(self) -> None:
        """Begins a transaction; commits one that is open."""
        await self._run(self._conversation.begin())

    async def commit(self) -> None:
        """Commits the open transaction; without one nothing is done."""
        await self._run(self._conversation.commit())

    async def rollback(self) -> None:
        """Rolls back the open transaction; without one nothing is done."""
        await self._run(self._conversation.rollback())

    async def autocommit(self, value: bool) -> None:
        """Turned on, an open transaction is committed first."""
        self._plain.autocommit_mode = bool(value)
        await self._run(self._conversation.set_autocommit(bool(value)))

    def get_autocommit(self) -> bool:
        """Whether each statement commits itself."""
        return self._conversation.autocommit

    def get_transaction_status(self) -> bool:
        """Whether a transaction is open."""
        return self._conversation.token is not None

    # --------------------------------------------------------------------- session

    async def ping(self, reconnect: bool = True) -> None:
        """Asks the service, and the shard's database through it. A closed connection
        is opened again.

        :raises Error: it is closed, and reconnect is False.
        """
        if not self._is_open:
            if not reconnect:
                raise err.Error("Already closed")
            await self.connect()
        await self._run(self._conversation.ping())
        if reconnect:
            self._conversation.lost = None

    async def select_db(self, db: str) -> None:
        """Turns to another shard. Not within a transaction."""
        await self._run(self._conversation.select(db))
        self._plain.db = db

    async def set_charset(self, charset: str) -> None:
        """Takes a name of UTF-8.

        :raises NotSupportedError: any other.
        """
        await self.set_character_set(charset)

    async def set_character_set(self, charset: str, collation: Optional[str] = None) -> None:
        """The same, with a collation, which must be that of the service's connections."""
        _arguments.checked_charset(charset)
        if collation:
            await self._run(check_collation(self._conversation, collation))
        self._plain.charset = charset
        self._plain.collation = collation

    async def kill(self, thread_id: int) -> None:
        """Sends KILL to the database."""
        if not isinstance(thread_id, int):
            raise TypeError("thread_id must be an integer")
        await self.query(f"KILL {thread_id:d}")

    async def server_version(self) -> str:
        """The version of the shard's database."""
        return (await self._run(self._conversation.facts()))[0]

    async def thread_id(self) -> int:
        """The number of the database's connection within a transaction; 0 outside,
        where each statement may run on another."""
        if self._conversation.token is None:
            return 0
        result = await self._run(self._conversation.ask("SELECT CONNECTION_ID()"))
        return int(result.rows.rows(converters.decoders, 0, 1)[0][0])


def _checked(cursorclass: Any) -> Any:
    if isinstance(cursorclass, type) and issubclass(cursorclass, cursors.Cursor):
        raise err.ProgrammingError(
            f"{cursorclass.__name__} of forebay.cursors is for blocking connections: give "
            "one of forebay.aio's"
        )
    return cursorclass


async def _connect(arguments: dict[str, Any]) -> Connection:
    connection = Connection(**arguments)
    await connection.connect()
    return connection


def connect(**arguments: Any) -> Opening[Connection]:
    """Opens a connection: `await connect(…)`, or `async with connect(…) as connection`.

    Takes what `forebay.connect` does; `cursorclass` is one of `forebay.aio`'s.

    :raises OperationalError: 2003, no address of the service could be reached within
        connect_timeout; 1049, it has no shard of that name.
    """
    return Opening(_connect(arguments), Connection.ensure_closed)
