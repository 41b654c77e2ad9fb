"""What a connection says to the service to do what is asked of it. What it
remembers from one call to the next is in `_state`.

Nothing here does I/O. What takes more than one call is a flow: a generator that
yields a `Call` and is sent the reply, or thrown what came instead of it.
`connections` drives flows over a blocking socket, `aio` by `await`.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Optional, TypeVar

from . import _requests as requests
from . import err
from ._call import Call
from ._replies import read_begin, read_done, read_execute, read_info, read_query
from ._state import NO_BACKSLASH_ESCAPES, State
from ._statement import Statement, statement
from ._values import params as params_field
from .converters import decoders

T = TypeVar("T")
Flow = Generator[Call, Any, T]

#: After these the service has ended the transaction, or will not go on with it.
_ENDS_TRANSACTION = frozenset(
    ["DEADLOCK", "TRANSACTION_ABORTED", "TRANSACTION_EXPIRED", "TRANSACTION_NOT_FOUND"]
)
#: After these its end has not begun, and the transaction is as it was; so it is after
#: an InterfaceError, where the connection is in use by another thread.
_NOT_BEGUN = frozenset(["INVALID_ARGUMENT", "QUEUE_FULL", "QUEUE_TIMEOUT"])
#: What more time would have helped.
_TOO_LATE = frozenset(["DEADLINE_EXCEEDED", "QUEUE_TIMEOUT"])
_TRANSACTION_REMEDY = (
    " (by this package: call begin(), or autocommit(False), and run it within the transaction)"
)
_TIME_REMEDY = " ({} ms were allowed; by this package: connect with read_timeout=, in seconds)"


class Conversation(State):
    """The state of one connection, and its flows."""

    # -------------------------------------------------------------- statements

    def single(self, sql: str, args: Any) -> Optional[Call]:
        """The one call that runs the statement; None where it takes a flow."""
        known = statement(sql)
        if known.kind or known.calls or self.lost is not None or self.shard is None:
            return None
        token = self.token
        if token is None:
            if not self.autocommit or self.read_only or self.next_read_only:
                return None
            options = self._options
        else:
            options = self._transaction_options
        template = known.template
        values = None if args is None else template.values(args, self.encoders)
        if values:
            field, params = template.field, params_field(values)
        else:
            field, params = template.bind(args, self.encoders)
        body = requests.run(self._shard_field, field, params, options)
        if known.reads:
            return Call(
                b"query",
                body,
                read_query,
                resend=token is None,
                timeout=self._bound,
                session=self.session,
            )
        return Call(
            b"execute", body, read_execute, timeout=self._bound, session=self.session
        )

    def execute(self, sql: str, args: Any = None) -> Flow[Any]:
        """Runs a statement of any kind; gives its `Result`."""
        known = statement(sql)
        if known.kind:
            from ._special import run

            return (yield from run(self, known, args))
        return (yield from self.run(known, args))

    def run(self, known: Statement, args: Any = None) -> Flow[Any]:
        """Sends a statement as it is, within a transaction where one has to be."""
        yield from self.enter()
        if self.token is not None or not self.is_read_only_alone() or known.reads:
            return (yield from self.send_statement(known, args))
        # The database is to refuse what SET TRANSACTION READ ONLY is against.
        yield from self.begin()
        try:
            result = yield from self.send_statement(known, args)
        except BaseException:
            yield from self.rollback()
            raise
        yield from self.commit()
        return result

    def is_read_only_alone(self) -> bool:
        """Whether a statement that commits itself is not to write."""
        return bool(self.read_only if self.next_read_only is None else self.next_read_only)

    def enter(self) -> Flow[None]:
        """With autocommit off, begins the transaction that a statement needs."""
        self.raise_if_lost()
        if self.token is None and not self.autocommit:
            yield from self.begin()

    def send_statement(self, known: Statement, args: Any = None) -> Flow[Any]:
        """Sends a statement as it is."""
        field, params = known.template.bind(args, self.encoders)
        body = field + params + requests.PYFORMAT
        if known.reads:
            call = self.call(
                b"query",
                requests.query(self.shard_field, body, self.options),
                read_query,
                resend=self.token is None,
            )
        else:
            call = self.call(
                b"execute", requests.execute(self.shard_field, body, self.options), read_execute
            )
        try:
            result = yield call
        except BaseException as error:
            result = yield from self.recover(error, known, args)
        self.took(result)
        return result

    def recover(self, error: BaseException, known: Statement, args: Any) -> Flow[Any]:
        """After what came instead of a statement's reply: raises it again, with the
        transaction's state set right, or does the statement in another way."""
        if not isinstance(error, err.Error):
            self._see_loss(str(error) or type(error).__name__)
            raise error
        code = error.code
        if known.reads and code == "STATEMENT_NOT_ALLOWED" and "use execute" in str(error):
            known.reads = False
            return (yield from self.send_statement(known, args))
        if code == "INVALID_ARGUMENT" and "there is no statement" in str(error):
            error = err.OperationalError(1065, "Query was empty", sqlstate="42000")
        self.warnings_of = error
        yield from self.after_error(error)
        _tell_remedy(error)
        raise error

    def after_error(self, error: err.Error) -> Flow[None]:
        """Sets the transaction's state right after an error."""
        if self.token is None:
            return
        code = error.code
        if code in _ENDS_TRANSACTION:
            # As in MySQL, where a deadlock ends the transaction and the next
            # statement begins another.
            if code != "TRANSACTION_NOT_FOUND":
                yield from self._abandon()
            self._ended()
        else:
            self._see_loss(str(error.args[-1]) if error.args else "")

    # ------------------------------------------------------------ transactions

    def begin(self, read_only: Optional[bool] = None) -> Flow[None]:
        """Begins a transaction; one that is open is committed first, as in MySQL."""
        yield from self.open_transaction(read_only)
        yield from self.apply_settings()

    def open_transaction(self, read_only: Optional[bool] = None) -> Flow[None]:
        """Begins one that no statement has run in yet."""
        if self.token is not None:
            yield from self.commit()
        self.lost = None
        isolation = self.next_isolation or self.isolation
        if read_only is None:
            read_only = self.next_read_only if self.next_read_only is not None else self.read_only
        body = requests.begin(self.shard_field, isolation, read_only, self._options)
        try:
            token, _idle_timeout_ms, _timeout_ms = yield self.call(
                b"begin_transaction", body, read_begin
            )
        except err.Error as error:
            _tell_remedy(error)
            raise
        self.token = token
        self.characteristics = isolation, read_only
        self.session = self.link.session
        self.next_isolation = None
        self.next_read_only = None
        self._transaction_options = self._options_with(token)

    def apply_settings(self) -> Flow[None]:
        """What SET has set with autocommit off holds in every transaction."""
        if self.autocommit or not self.settings:
            return
        try:
            if "sql_mode" in self.settings:
                yield from self.facts()
            yield from self.ask("SET " + ", ".join(self.settings.values()))
            if "sql_mode" in self.settings:
                yield from self.learn_mode()
        except err.Error:
            yield from self.rollback()
            raise

    def commit(self) -> Flow[None]:
        """Commits the open transaction; without one nothing is sent."""
        try:
            self.raise_if_lost()
        finally:
            self.lost = None
        if self.token is None:
            return
        call = self.call(
            b"commit_transaction", requests.commit(self._transaction_options), read_done
        )
        try:
            yield call
        except err.Error as error:
            code = error.code
            if code in _NOT_BEGUN or isinstance(error, err.InterfaceError):
                raise
            if code in ("TRANSACTION_ABORTED", "TRANSACTION_EXPIRED"):
                yield from self._abandon()
            self._ended()
            raise
        except BaseException:
            self._ended()
            raise
        self._ended()

    def rollback(self) -> Flow[None]:
        """Rolls back the open transaction; without one, or when it is lost, nothing is sent."""
        self.lost = None
        if self.token is None:
            return
        if self.locked and self.autocommit:
            # Each statement under LOCK TABLES has committed itself, as the program knows it.
            yield from self.commit()
            return
        try:
            yield self._rollback_call()
        except err.Error as error:
            code = error.code
            if code in _NOT_BEGUN or isinstance(error, err.InterfaceError):
                raise
            # The service rolls back what its session has lost, and what it does not know.
            is_undone = self.link.session != self.session or code == "TRANSACTION_NOT_FOUND"
            self._ended()
            if not is_undone:
                raise
            return
        except BaseException:
            self._ended()
            raise
        self._ended()

    def _rollback_call(self) -> Call:
        body = requests.rollback(self._transaction_options)
        return self.call(b"rollback_transaction", body, read_done)

    def _abandon(self) -> Flow[None]:
        """Lets the service forget a transaction that it has ended; what it says of
        it adds nothing to the error that is on its way."""
        try:
            yield self._rollback_call()
        except err.Error:
            pass

    def set_autocommit(self, value: bool) -> Flow[None]:
        """Turned on, an open transaction is committed first, as in MySQL."""
        if value and not self.autocommit:
            yield from self.commit()
            self.settings = {}
        self.autocommit = value
        if self.token is None:
            self.settle_mode()

    # ------------------------------------------------------------------- others

    def ping(self) -> Flow[None]:
        """Asks the service, and the shard's database through it."""
        body = requests.ping(self._shard_field, self.options)
        call = self.call(b"ping", body, read_done, resend=self.token is None)
        try:
            yield call
        except err.Error as error:
            yield from self.after_error(error)
            raise
        except BaseException:
            self._see_loss("ping")
            raise

    def learn(self) -> Flow[Any]:
        """Asks the service for its limits and shards."""
        info = yield self.call(b"info", requests.info(self._options), read_info, resend=True)
        self.info = info
        self.set_limits()
        return info

    def ask(self, sql: str) -> Flow[Any]:
        """A question of this package's own to the database, which begins no transaction
        and leaves the last statement's warnings."""
        warnings_of = self.warnings_of
        result = yield from self.send_statement(statement(sql))
        self.warnings_of = warnings_of
        return result

    def facts(self) -> Flow[tuple[str, str]]:
        """The database's version, and the sql_mode of the connections to it."""
        if self.known_facts is None:
            result = yield from self.ask("SELECT VERSION(), @@sql_mode")
            self.known_facts = version, mode = result.rows.rows(decoders, 0, 1)[0]
            self.no_backslash_escapes = NO_BACKSLASH_ESCAPES in mode.split(",")
        return self.known_facts

    def learn_mode(self) -> Flow[None]:
        """After the transaction has changed its sql_mode."""
        yield from self.facts()
        result = yield from self.ask("SELECT @@sql_mode")
        mode = result.rows.rows(decoders, 0, 1)[0][0]
        self.mode_changed = True
        self.no_backslash_escapes = NO_BACKSLASH_ESCAPES in mode.split(",")

    def select(self, name: str) -> Flow[None]:
        """Turns to another shard, which the service must know."""
        if name == self.shard:
            return
        if self.token is not None:
            raise err.NotSupportedError(
                1235,
                f"USE {name} within a transaction: a transaction lives on one shard; "
                "commit() or rollback() first",
            )
        if self.info is None or name not in self.info.shards:
            info = yield from self.learn()
            if name not in info.shards:
                raise err.OperationalError(1049, f"Unknown database '{name}': no such shard")
        self.set_shard(name)


def _tell_remedy(error: err.Error) -> None:
    """Adds how this package names what the service says would help."""
    if error.code == "STATEMENT_NOT_ALLOWED" and "begin_transaction" in str(error.args[-1]):
        error.args = (error.args[0], f"{error.args[-1]}{_TRANSACTION_REMEDY}")
    elif error.code in _TOO_LATE:
        error.args = (error.args[0], error.args[-1] + _TIME_REMEDY.format(error.limit))
