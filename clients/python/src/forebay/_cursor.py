"""`Cursor`, which the other cursors are made from: see `cursors`."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Optional, TypeVar

from . import err
from ._hooks import CURSOR_HOOKS, CursorHooks, remember_own

if TYPE_CHECKING:
    from .connections import Connection

C = TypeVar("C", bound="Cursor")

#: Bytes of a character, where MySQL counts a VARCHAR's length in them, by collation.
_CHARACTER_BYTES = {8: 1, 33: 3, 88: 2, 91: 2}
_VAR_STRING = 253


class Cursor(CursorHooks):
    """Runs statements, and holds the last one's result. Made by `Connection.cursor`."""

    #: PyMySQL's bound for the statements that `executemany` makes; of no effect here,
    #: where the service makes them.
    max_stmt_length = 1024000

    #: Whether fetching is an error after a statement that cannot give rows (INSERT,
    #: CREATE …), as PEP 249 has it. PyMySQL gives None, () or []: so does this after
    #: `install_as_pymysql()` or `install_as_MySQLdb()`, and where a subclass says False.
    raises_without_rows = True

    def __init__(self, connection: Connection) -> None:
        self.connection: Any = connection
        self.warning_count = 0
        self.rownumber = 0
        self.rowcount = -1
        self.arraysize = 1
        self.lastrowid: Optional[int] = None
        self._result: Any = None
        #: The rows as they came, and what makes values of them.
        self._row_set: Any = None
        self._decoders: Any = None
        #: The same as values, once one was fetched.
        self._rows: Any = None
        #: The sets of rows that `nextset` goes on to.
        self._left: Any = None
        self._description: Any = None
        self._asked: Any = None
        #: Whether it was a CALL, which may give rows and may not.
        self._called = False

    def close(self) -> None:
        """Lets go of the connection; what was fetched stays. May be called again."""
        self.connection = None
        self._left = None

    def __enter__(self: C) -> C:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _get_db(self) -> Any:
        if not self.connection:
            raise err.ProgrammingError("Cursor closed")
        return self.connection

    def _check_executed(self) -> None:
        if self._asked is None:
            raise err.ProgrammingError("execute() first")

    def _check_may_have_rows(self) -> None:
        if self.raises_without_rows and self._result is not None and not self._called:
            raise err.ProgrammingError(
                "nothing to fetch: the statement gives no rows (set raises_without_rows = False "
                "on the cursor or its class to get none instead, as from PyMySQL)"
            )

    def _conv_row(self, row: Any) -> Any:
        return row

    def setinputsizes(self, *args: Any) -> None:
        """Does nothing (PEP 249 allows that)."""

    def setoutputsize(self, *args: Any) -> None:
        """Does nothing (PEP 249 allows that)."""

    #: PyMySQL's name for it.
    setoutputsizes = setoutputsize

    @property
    def description(self) -> Optional[tuple[tuple[Any, ...], ...]]:
        """A tuple for each column: name, type, None, length, length, decimals, whether
        it may be NULL; None where the statement gave no rows."""
        made = self._description
        if made is None and self._row_set is not None:
            made = self._description = description_of(self._row_set)
        return made  # type: ignore[no-any-return]

    @property
    def _executed(self) -> Optional[str]:
        """The last statement with its arguments in it, as `mogrify` gives it."""
        if self._asked is None:
            return None
        query, args = self._asked
        if args is None or self.connection is None:
            return query  # type: ignore[no-any-return]
        return self._mogrify(query, args)

    @_executed.setter
    def _executed(self, text: Optional[str]) -> None:
        self._asked = (text, None) if text else None

    # ------------------------------------------------------------------ execution

    def execute(self, query: str, args: Any = None) -> int:
        """Runs a statement; gives the number of rows that it changed or gave.

        :param args: a list or tuple for `%s`, or a dict for `%(name)s`.
        """
        connection = self.connection
        if connection is None:
            raise err.ProgrammingError("Cursor closed")
        if self._is_hooked or connection._is_hooked:
            return self._execute_by_hooks(query, args)  # type: ignore[no-any-return]
        try:
            result = connection._execute(query, args)
        except BaseException as error:
            if not _is_of_arguments(error):
                self._clear_result()
            raise
        self._asked = (query, args)
        return self._take(result)

    def _take(self, result: Any) -> int:
        """Makes a result this cursor's, at its first set of rows."""
        self._result = result
        self._rows = self._description = self._left = None
        self.rownumber = 0
        self.warning_count = result.warning_count
        self._row_set = row_set = result.rows
        connection = self.connection
        self._called = calls = connection._calls
        if row_set is None:
            self.rowcount = count = (
                result.matched_rows if connection._found_rows else result.affected_rows
            )
            self.lastrowid = result.insert_id
            return count  # type: ignore[no-any-return]
        self._decoders = connection.decoders
        self.lastrowid = None
        self.rowcount = count = row_set.row_count
        if calls or result.more_rows:
            self._left = iter([*result.more_rows, None] if calls else result.more_rows)
        return count  # type: ignore[no-any-return]

    def _clear_result(self) -> None:
        self.rownumber = 0
        self.rowcount = 0
        self.warning_count = 0
        self.lastrowid = None
        self._result = None
        self._row_set = self._rows = self._left = self._description = None

    def nextset(self) -> Optional[bool]:
        """Goes on to the statement's next set of rows; None if there is none. After
        the last set of a CALL comes one without rows, as in PyMySQL."""
        self._get_db()
        if self._left is None:
            return None
        row_set: Any = next(self._left, self)
        if row_set is self:
            self._left = None
            return None
        self.rownumber = 0
        self._rows = self._description = None
        self._row_set = row_set
        self.lastrowid = None
        if row_set is None:
            self._left = None
            self.rowcount = self._result.affected_rows
            self.lastrowid = self._result.insert_id
        else:
            self.rowcount = row_set.row_count
        return True

    def executemany(self, query: str, args: Iterable[Any]) -> Optional[int]:
        """Runs the statement once for each of `args`, in few calls of the service:
        an INSERT or REPLACE … VALUES becomes statements of many rows, other
        statements one batch. Such a call changes all or nothing; there are several for
        more than 20,000 rows, or than the service's request_max_bytes holds, and then
        what came before an error stays: with autocommit for good, within a transaction
        until rollback().

        Gives the number of rows that were changed; None if `args` is empty.
        """
        if not args:
            return None
        connection = self._get_db()
        if self._is_hooked or self._overrides_execute or connection._is_hooked:
            return self._execute_many_by_hooks(query, args)
        try:
            result, last = connection._execute_many(query, args)
        except BaseException as error:
            if not _is_of_arguments(error):
                self._clear_result()
            raise
        if result is None:
            return None
        self._asked = (query, last)
        self._take(result)
        if result.rows is not None:
            # Of all statements, while the rows are the last one's.
            self.rowcount = result.affected_rows
        return self.rowcount

    def callproc(self, procname: str, args: Sequence[Any] = ()) -> Sequence[Any]:
        """Calls a stored procedure; gives `args` as they were given.

        Within a transaction (autocommit off counts, too) the arguments are put into
        `@_procname_0`, `@_procname_1` …, where OUT and INOUT arguments are found
        after it. Outside of one they are given directly, and OUT arguments are an
        error that says so.
        """
        steps = self._calling(procname, args)
        try:
            step = next(steps)
            while True:
                try:
                    self.execute(*step)
                except err.Error as error:
                    step = steps.throw(error)
                else:
                    step = next(steps)
        except StopIteration:
            return args

    def _calling(
        self, procname: str, args: Sequence[Any]
    ) -> Generator[tuple[str, Any], None, None]:
        """The statements, with their arguments, that a call takes: each is to be
        executed, and what it raises thrown in."""
        name = procname.replace("`", "``")
        if args and self._get_db()._keeps_variables():
            variables = [f"@`_{name}_{index}`" for index in range(len(args))]
            assigned = ",".join([variable.replace("%", "%%") + "=%s" for variable in variables])
            yield f"SET {assigned}", args
            yield f"CALL `{name}`({','.join(variables)})", None
            return
        if not args:
            yield f"CALL `{name}`()", None
            return
        places = ",".join(["%s"] * len(args))
        try:
            yield f"CALL `{name.replace('%', '%%')}`({places})", list(args)
        except err.Error as error:
            if error.args[:1] == (1414,):
                error.args = (
                    1414,
                    f"{error.args[1]} (call begin(), or autocommit(False), before callproc: "
                    f"within a transaction OUT arguments are found in @_{procname}_0 …)",
                )
            raise

    def mogrify(self, query: str, args: Any = None) -> str:
        """The statement with its arguments written into it."""
        return query if args is None else self._mogrify(query, args)

    def _mogrify(self, query: str, args: Any) -> str:
        connection = self._get_db()
        if not isinstance(args, (dict, list, tuple)):
            warnings.warn(
                "single argument is deprecated and will be removed in the next version.",
                DeprecationWarning,
                stacklevel=3,
            )
        return connection._literal_text(query, args)  # type: ignore[no-any-return]

    # -------------------------------------------------------------------- fetching

    def _decode(self) -> Any:
        """All rows as values; None where there are none to be had."""
        if self._asked is None:
            raise err.ProgrammingError("execute() first")
        row_set = self._row_set
        if row_set is None:
            self._check_may_have_rows()
            return None
        self._rows = rows = tuple(row_set.rows(self._decoders))
        return rows

    def fetchone(self) -> Any:
        """The next row; None after the last."""
        rows = self._rows
        if rows is None:
            rows = self._decode()
            if rows is None:
                return None
        number = self.rownumber
        if number >= len(rows):
            return None
        self.rownumber = number + 1
        return rows[number]

    def fetchmany(self, size: Optional[int] = None) -> Any:
        """The next `size` rows, or `arraysize`; fewer at the end."""
        rows = self._rows
        if rows is None:
            rows = self._decode()
            if rows is None:
                return ()
        end = self.rownumber + (size or self.arraysize)
        found = rows[self.rownumber : end]
        self.rownumber = min(end, len(rows))
        return found

    def fetchall(self) -> Any:
        """The rows that are left."""
        rows = self._rows
        if rows is None:
            rows = self._decode()
            if rows is None:
                return []
        found = rows[self.rownumber :] if self.rownumber else rows
        self.rownumber = len(rows)
        return found

    def scroll(self, value: int, mode: str = "relative") -> None:
        """Moves to another row: by so many, or (`"absolute"`) to that one, from 0."""
        self._check_executed()
        if mode == "relative":
            number = self.rownumber + value
        elif mode == "absolute":
            number = value
        else:
            raise err.ProgrammingError(f"unknown scroll mode {mode}")
        rows = self._rows if self._rows is not None else self._decode()
        if not 0 <= number < len(rows or ()):
            raise IndexError("out of range")
        self.rownumber = number

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row


remember_own(Cursor, "execute", *CURSOR_HOOKS)


def _is_of_arguments(error: BaseException) -> bool:
    """Whether the statement was not even sent, so that the last one's result stays."""
    if isinstance(error, err.ProgrammingError):
        return not (error.args and isinstance(error.args[0], int))
    return isinstance(error, (TypeError, ValueError, KeyError))


def description_of(row_set: Any) -> tuple[tuple[Any, ...], ...]:
    """The columns of a set of rows, as `Cursor.description` tells them."""
    return tuple(map(_described, row_set.columns))


def _described(column: Any) -> tuple[Any, ...]:
    length = column.length
    if column.type == _VAR_STRING:
        length //= _CHARACTER_BYTES.get(column.collation, 1)
    return (
        column.name,
        column.type,
        None,
        length,
        length,
        column.decimals,
        column.flags % 2 == 0,
    )
