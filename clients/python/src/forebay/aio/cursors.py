"""asyncio's cursors, by aiomysql's names: what executes or fetches is awaited, and
`async for` gives the rows. Results and rows are `forebay.cursors`' work.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Optional, TypeVar

from .. import cursors, err

if TYPE_CHECKING:
    from .connections import Connection


C = TypeVar("C", bound="Cursor")


class Cursor:
    """Runs statements, and holds the last one's result. Made by `Connection.cursor`,
    which may be awaited or not: both give the cursor."""

    #: Whether fetching raises after a statement that gave no rows, as PEP 249 has it;
    #: aiomysql's cursors give none.
    raises_without_rows = False
    #: What holds the result and makes rows of it.
    _holder: type[cursors.Cursor] = cursors.Cursor

    def __init__(self, connection: Connection) -> None:
        self._connection: Optional[Connection] = connection
        self._cursor = self._holder(connection._plain)
        self._cursor.raises_without_rows = self.raises_without_rows

    def __await__(self: C) -> Generator[Any, Any, C]:
        yield from ()
        return self

    async def __aenter__(self: C) -> C:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Lets go of the connection; what was fetched stays. May be called again."""
        self._connection = None
        self._cursor.close()

    def _get_db(self) -> Connection:
        connection = self._connection
        if connection is None:
            raise err.ProgrammingError("Cursor closed")
        return connection

    # ------------------------------------------------------------------ attributes

    @property
    def connection(self) -> Optional[Connection]:
        """The connection that made it; None once it is closed."""
        return self._connection

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._connection is None

    @property
    def description(self) -> Optional[tuple[tuple[Any, ...], ...]]:
        """A tuple for each column: name, type, None, length, length, decimals, whether
        it may be NULL; None where the statement gave no rows."""
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        """Rows that the last statement changed or gave; -1 before the first."""
        return self._cursor.rowcount

    @property
    def rownumber(self) -> int:
        """The next row's number, from 0."""
        return self._cursor.rownumber

    @property
    def lastrowid(self) -> Optional[int]:
        """The first AUTO_INCREMENT value that the last statement made."""
        return self._cursor.lastrowid

    @property
    def arraysize(self) -> int:
        """How many rows fetchmany() gives by default."""
        return self._cursor.arraysize

    @arraysize.setter
    def arraysize(self, rows: int) -> None:
        self._cursor.arraysize = rows

    @property
    def warning_count(self) -> int:
        """Warnings that the last statement had."""
        return self._cursor.warning_count

    def setinputsizes(self, *args: Any) -> None:
        """Does nothing (PEP 249 allows that)."""

    def setoutputsizes(self, *args: Any) -> None:
        """Does nothing (PEP 249 allows that)."""

    # ------------------------------------------------------------------- execution

    async def execute(self, query: str, args: Any = None) -> int:
        """Runs a statement; gives the number of rows that it changed or gave.

        :param args: a list or tuple for `%s`, or a dict for `%(name)s`.
        """
        holder = self._cursor
        try:
            result = await self._get_db()._execute(query, args)
        except BaseException:
            holder._clear_result()
            raise
        holder._asked = (query, args)
        return holder._take(result)

    async def executemany(self, query: str, args: Iterable[Any]) -> Optional[int]:
        """Runs the statement once for each of `args`, in few calls of the service;
        see `forebay.cursors.Cursor.executemany`."""
        if not args:
            return None
        holder = self._cursor
        try:
            result, last = await self._get_db()._execute_many(query, args)
        except BaseException:
            holder._clear_result()
            raise
        if result is None:
            return None
        holder._asked = (query, last)
        return holder._take(result)

    async def callproc(self, procname: str, args: Sequence[Any] = ()) -> Sequence[Any]:
        """Calls a stored procedure; gives `args` as they were given. OUT arguments
        are found as `forebay.cursors.Cursor.callproc` says."""
        steps = self._cursor._calling(procname, args)
        try:
            step: Any = next(steps)
            while True:
                try:
                    await self.execute(*step)
                except err.Error as error:
                    step = steps.throw(error)
                else:
                    step = next(steps)
        except StopIteration:
            return args

    async def nextset(self) -> Optional[bool]:
        """Goes on to the statement's next set of rows; None if there is none."""
        return self._cursor.nextset()

    def mogrify(self, query: str, args: Any = None) -> str:
        """The statement with its arguments written into it; see `Connection.escape`."""
        return self._cursor.mogrify(query, args)

    # -------------------------------------------------------------------- fetching

    async def fetchone(self) -> Any:
        """The next row; None after the last."""
        return self._cursor.fetchone()

    async def fetchmany(self, size: Optional[int] = None) -> Any:
        """The next `size` rows, or `arraysize`; fewer at the end."""
        return self._cursor.fetchmany(size)

    async def fetchall(self) -> Any:
        """The rows that are left."""
        return self._cursor.fetchall()

    async def scroll(self, value: int, mode: str = "relative") -> None:
        """Moves to another row: by so many, or (`"absolute"`) to that one, from 0."""
        self._cursor.scroll(value, mode)

    def __aiter__(self: C) -> C:
        return self

    async def __anext__(self) -> Any:
        row = self._cursor.fetchone()
        if row is None:
            raise StopAsyncIteration
        return row


class DictCursor(Cursor):
    """A cursor whose rows are dictionaries."""

    _holder: type[cursors.Cursor] = cursors.DictCursor
    #: May be replaced in a subclass by another type that `dict` can stand for.
    dict_type: Any = dict

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._cursor.dict_type = self.dict_type  # type: ignore[attr-defined]


class SSCursor(Cursor):
    """A cursor that makes values of its rows in slices, as they are fetched. Its
    result is bounded by the service's limits: see `forebay.cursors.SSCursor`."""

    _holder = cursors.SSCursor


class SSDictCursor(DictCursor):
    """An `SSCursor` whose rows are dictionaries."""

    _holder = cursors.SSDictCursor
