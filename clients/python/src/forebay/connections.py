"""Connections (PEP 249), as PyMySQL has them: arguments, methods and attributes by
its names. What a connection says to the service is in `_conversation`; this puts
it on a blocking socket.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Optional, TypeVar, Union, overload

from . import _arguments, _hooks, _many, _special, converters, err
from ._conversation import Conversation, Flow
from ._error_attributes import ErrorAttributes
from ._link import Link
from ._session import SessionMethods
from ._set import check_collation, set_at_first
from ._site import DEFAULT_PORT, Site
from ._statement import as_text, statement
from ._template import template
from .constants import CLIENT, SERVER_STATUS
from .cursors import Cursor

T = TypeVar("T")
C = TypeVar("C", bound=Cursor)
DEFAULT_CHARSET = "utf8mb4"


class Connection(ErrorAttributes, SessionMethods):
    """A connection to a service: where PyMySQL's names a database, `database` (or
    `shard`) names a shard.

    :param host: the service's name or address; several with commas between, each
        perhaps with a port: `"a,b:9091"`. Default: localhost.
    :param port: of the addresses that name none. Default: 9090.
    :param unix_socket: the path of a Unix socket instead of both.
    :param database: the shard's name; also `shard`, and `db`, which is deprecated.
    :param user: accepted, as is `password`: the service does not ask for them yet.
    :param autocommit: False: the first statement begins a transaction, and commit()
        or rollback() ends it. None means True here.
    :param charset: utf8mb4 or another name of UTF-8; nothing else.
    :param collation: must be that of the service's connections to the database.
    :param sql_mode: with autocommit off every transaction begins with it; else it must be
        that of the shard. See SET in the package's README.
    :param init_command: a statement that is run at first; of a SET as of sql_mode.
    :param conv: converters by the type of a parameter, and by the type code of a
        column; see `converters`.
    :param client_flag: of `constants.CLIENT` FOUND_ROWS has an effect: `rowcount`
        of an UPDATE is then the rows that its condition met.
    :param connect_timeout: seconds for opening a session in all.
    :param read_timeout: seconds that a statement may take, by the service's clock,
        and at most so much longer here as the service needs to say so. None: the
        service's default.
    :param write_timeout: accepted; read_timeout bounds all of a call.
    :param max_rows: of a result; more are an error. None: the service's limit.
    :param request_id: a name for this connection's requests in the service's log.
    :param bind_address: the address to connect from.
    :param read_default_file: an option file with user, host, port, database, socket.
    :param defer_connect: True: connect() opens the session.
    :param ssl: and all that begins with it: an error unless TLS is merely allowed.

    What else PyMySQL takes is accepted and has no effect.
    """

    _closed = False
    _link: Any = None
    #: A statement's text, and what that was made from; see `_hooks`.
    _meant: Any = None

    def __init__(
        self,
        *,
        user: Optional[str] = None,
        password: Union[str, bytes] = "",
        host: Optional[str] = None,
        database: Optional[str] = None,
        unix_socket: Optional[str] = None,
        port: int = 0,
        charset: str = "",
        collation: Optional[str] = None,
        sql_mode: Optional[str] = None,
        read_default_file: Optional[str] = None,
        conv: Optional[dict[Any, Any]] = None,
        use_unicode: bool = True,
        client_flag: int = 0,
        cursorclass: Any = Cursor,
        init_command: Optional[str] = None,
        connect_timeout: float = 10,
        read_default_group: Optional[str] = None,
        autocommit: Optional[bool] = False,
        local_infile: bool = False,
        max_allowed_packet: int = 16 * 1024 * 1024,
        defer_connect: bool = False,
        auth_plugin_map: Optional[dict[Any, Any]] = None,
        read_timeout: Optional[float] = None,
        write_timeout: Optional[float] = None,
        bind_address: Optional[str] = None,
        binary_prefix: bool = False,
        program_name: Optional[str] = None,
        server_public_key: Any = None,
        ssl: Any = None,
        ssl_ca: Optional[str] = None,
        ssl_cert: Optional[str] = None,
        ssl_disabled: Optional[bool] = None,
        ssl_key: Optional[str] = None,
        ssl_key_password: Optional[str] = None,
        ssl_verify_cert: Optional[bool] = None,
        ssl_verify_identity: Optional[bool] = None,
        compress: Any = None,
        named_pipe: Any = None,
        passwd: Any = None,
        db: Optional[str] = None,
        shard: Optional[str] = None,
        request_id: Optional[str] = None,
        max_rows: Optional[int] = None,
    ) -> None:
        database, password = _arguments.deprecated_names(database, shard, db, password, passwd)
        if compress or named_pipe:
            raise NotImplementedError("compress and named_pipe arguments are not supported")
        options = _arguments.OptionFile(read_default_file, read_default_group)
        tls = {
            "ssl_ca": ssl_ca,
            "ssl_cert": ssl_cert,
            "ssl_key": ssl_key,
            "ssl_verify_cert": ssl_verify_cert,
            "ssl_verify_identity": ssl_verify_identity,
        }
        _arguments.check_tls(ssl, tls, ssl_disabled, options)
        self.ssl = False
        self.host = options.get("host", host) or "localhost"
        self.port = _arguments.checked_port(int(options.get("port", 0)) or port, DEFAULT_PORT)
        self.user = options.get("user", user) or _arguments.default_user()
        self.password = options.get("password", password) or b""
        self.db = _arguments.shard_name(options.get("database", database))
        self.unix_socket = options.get("socket", unix_socket)
        self.bind_address = options.get("bind-address", bind_address)
        self.connect_timeout = _arguments.checked_connect_timeout(connect_timeout)
        self._read_timeout = _arguments.checked_timeout("read_timeout", read_timeout)
        self._write_timeout = _arguments.checked_timeout("write_timeout", write_timeout)
        charset = options.get("default-character-set", charset) or DEFAULT_CHARSET
        self.charset = _arguments.checked_charset(charset)
        self.collation = collation
        self.encoding = "utf8"
        self.use_unicode = use_unicode
        self.client_flag = client_flag | CLIENT.CAPABILITIES
        self.cursorclass = cursorclass
        self.host_info = "Not connected"
        self.autocommit_mode = autocommit
        conv = converters.conversions if conv is None else conv
        self.encoders = {key: value for key, value in conv.items() if type(key) is not int}
        self.decoders = {key: value for key, value in conv.items() if type(key) is int}
        if not use_unicode:
            converters.leave_undecoded(self.decoders)
        self.sql_mode = sql_mode
        self.init_command = init_command
        self.max_allowed_packet = max_allowed_packet
        self.program_name = program_name
        self._found_rows = bool(client_flag & CLIENT.FOUND_ROWS)
        self._is_hooked = _hooks.are_overridden(
            type(self), *_hooks.CONNECTION_HOOKS
        ) or _hooks.are_overridden(Cursor, *_hooks.CURSOR_HOOKS)
        self._result: Any = None
        #: The same, also after commit() and rollback().
        self._counted: Any = None
        #: Whether the last statement was a CALL.
        self._calls = False
        site = Site.of(self.host, self.port, self.unix_socket)
        self._link = Link(
            site, connect_timeout=self.connect_timeout, bind_address=self.bind_address
        )
        self._conversation = talk = Conversation(
            self._link, encoders=self.encoders, autocommit=autocommit is None or bool(autocommit)
        )
        talk.escape = self.escape
        talk.timeout_seconds = self._read_timeout
        talk.max_rows = max_rows
        talk.request_id = request_id or program_name
        talk.set_limits()
        self._is_open = False
        if not defer_connect:
            self.connect()

    # ------------------------------------------------------------ opening, closing

    def connect(self, sock: None = None) -> None:
        """Opens the session, within connect_timeout in all; again after close()."""
        self._closed = False
        talk = self._conversation
        try:
            self._link.close()
            talk.reset()
            self._link.connect()
            self._is_open = True
            self._run(self._opening(self._link))
        except BaseException:
            self._force_close()
            raise

    def _opening(self, link: Any) -> Flow[None]:
        """What is to be done once the link has a session."""
        talk = self._conversation
        talk.info = link.site.info
        talk.set_limits()
        self.host_info = (
            "Localhost via UNIX socket" if self.unix_socket else f"socket {link.address}"
        )
        talk.set_shard(None)
        # What is set at first is no part of a transaction.
        talk.autocommit = True
        if self.db is not None:
            yield from talk.select(self.db)
        if self.collation is not None:
            yield from check_collation(talk, self.collation)
        if self.sql_mode is not None:
            yield from set_at_first(talk, "SET sql_mode=%s", (self.sql_mode,), self.autocommit_mode)
        if self.init_command is not None:
            yield from set_at_first(talk, self.init_command, None, self.autocommit_mode)
        if self.autocommit_mode is not None:
            yield from talk.set_autocommit(bool(self.autocommit_mode))

    def close(self) -> None:
        """Ends the session; an open transaction is rolled back.

        :raises Error: it is closed already.
        """
        if self._closed:
            raise err.Error("Already closed")
        self._closed = True
        talk = self._conversation
        try:
            if self._is_open and talk.locked and talk.autocommit:
                # Not a transaction to the program, whose statements have each been answered.
                self._run(talk.commit())
        finally:
            self._force_close()

    @property
    def open(self) -> bool:
        """Whether it was connected and not closed since."""
        return self._is_open

    def _force_close(self) -> None:
        self._is_open = False
        if self._link is not None:
            self._link.close()
            self._conversation.reset()

    def __del__(self) -> None:
        link = self._link
        if link is not None:
            link.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    # ------------------------------------------------------------------ statements

    def _run(self, flow: Flow[T]) -> T:
        """Drives a flow over the link."""
        if not self._is_open:
            raise err.InterfaceError(0, "")
        call = self._link.call
        step, given = flow.send, None
        try:
            while True:
                request = step(given)
                try:
                    given = call(request)
                    step = flow.send
                except BaseException as error:
                    given = error
                    step = flow.throw
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        finally:
            # An error's traceback has this frame: no cycle is to keep both.
            given = None

    def _execute(self, query: Any, args: Any) -> Any:
        """Runs a statement; gives its result."""
        if not self._is_open:
            raise err.InterfaceError(0, "")
        if type(query) is not str:
            query = as_text(query)
        talk = self._conversation
        call = talk.single(query, args)
        if call is None:
            result = self._run(talk.execute(query, args))
            self._calls = statement(query).calls
        else:
            try:
                result = self._link.call(call)
            except BaseException as error:
                if not self._is_open and not isinstance(error, Exception):
                    # Closed meanwhile, and killed: the kill is what is to be known.
                    raise
                result = self._run(talk.recover(error, statement(query), args))
            talk.took(result)
            self._calls = False
        self._result = self._counted = result
        return result

    def _execute_many(self, query: Any, rows: Iterable[Any]) -> Any:
        """Runs a statement for each of the rows; see `_many.execute_many`."""
        query = as_text(query)
        done = self._run(_many.execute_many(self._conversation, query, rows))
        self._result = self._counted = done[0]
        self._calls = statement(query).calls
        return done

    def _keeps_variables(self) -> bool:
        """Whether a variable that is set now is there for the next statement."""
        return self._conversation.token is not None or not self._conversation.autocommit

    def _literal_text(self, query: str, args: Any) -> str:
        return template(as_text(query)).literal_text(args, self.escape)

    @overload
    def cursor(self, cursor: None = None) -> Cursor: ...

    @overload
    def cursor(self, cursor: type[C]) -> C: ...

    def cursor(self, cursor: Optional[type[Cursor]] = None) -> Cursor:
        """A new cursor: of the class that is given, or of `cursorclass`."""
        made: Cursor = (cursor or self.cursorclass)(self)
        return made

    def query(self, sql: Union[str, bytes], unbuffered: bool = False) -> int:
        """Runs a statement without a cursor; gives its affected_rows."""
        meant = self._meant
        if meant is not None and sql is meant[0]:
            result = self._execute(meant[1], meant[2])
        else:
            result = self._execute(sql, None)
        return int(result.matched_rows if self._found_rows else result.affected_rows)

    def affected_rows(self) -> int:
        """Rows that the last statement changed or gave."""
        result = self._counted
        if result is None:
            return 0
        if result.rows is not None:
            return int(result.rows.row_count)
        return int(result.matched_rows if self._found_rows else result.affected_rows)

    def insert_id(self) -> Optional[int]:
        """The last statement's first AUTO_INCREMENT value; 0 if it made none."""
        result = self._result
        if result is None:
            return 0
        return None if result.rows is not None else result.insert_id

    def show_warnings(self) -> tuple[tuple[str, int, str], ...]:
        """Level, number and message of each warning that the last statement had."""
        return tuple(_special.last_warnings(self._conversation))

    # ---------------------------------------------------------------- transactions

    def begin(self) -> None:
        """Begins a transaction; commits one that is open."""
        self._run(self._conversation.begin())
        self._result = None

    def commit(self) -> None:
        """Commits the open transaction; without one nothing is done."""
        self._run(self._conversation.commit())
        self._result = None

    def rollback(self) -> None:
        """Rolls back the open transaction; without one nothing is done."""
        self._run(self._conversation.rollback())
        self._result = None

    def autocommit(self, value: bool) -> None:
        """Turned on, an open transaction is committed first."""
        self.autocommit_mode = bool(value)
        self._run(self._conversation.set_autocommit(bool(value)))

    def get_autocommit(self) -> bool:
        """Whether each statement commits itself."""
        return self._conversation.autocommit

    @property
    def server_status(self) -> int:
        """Flags of `constants.SERVER_STATUS`, as far as they are known here."""
        talk = self._conversation
        status = SERVER_STATUS.SERVER_STATUS_AUTOCOMMIT if talk.autocommit else 0
        if talk.token is not None:
            status |= SERVER_STATUS.SERVER_STATUS_IN_TRANS
        if talk.no_backslash_escapes:
            status |= SERVER_STATUS.SERVER_STATUS_NO_BACKSLASH_ESCAPES
        return status


_hooks.remember_own(Connection, *_hooks.CONNECTION_HOOKS)
