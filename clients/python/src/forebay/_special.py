"""Statements that this package does itself, or for which it does something
first: those of transactions, SET, USE, SHOW WARNINGS, LOCK TABLES, and those
that commit implicitly.

Nothing here does I/O: these are flows, as in `_conversation`.
"""

from __future__ import annotations

from typing import Any, Callable, Optional

from . import _statement as kinds
from . import err
from ._conversation import Conversation, Flow
from ._local import LocalResult, number_row, warning_count_rows, warning_rows
from ._replies import Result
from ._set import set_variables
from ._statement import Statement, statement, unquoted

_Handler = Callable[[Conversation, Statement, Any], Flow[Any]]


def run(conversation: Conversation, known: Statement, args: Any) -> Flow[Any]:
    """Does a statement of a kind other than PLAIN; gives its result."""
    if args is not None and known.kind not in _KEEP_ARGUMENTS:
        # What it does is in its text, so that its arguments have to be in there.
        text = known.template.literal_text(args, conversation.escape)
        known = statement(text)
        args = None
        if not known.kind:
            return (yield from conversation.run(known))
    return (yield from _HANDLERS[known.kind](conversation, known, args))


def _begin(conversation: Conversation, known: Statement, args: Any) -> Flow[LocalResult]:
    how = ((known.match and known.match.groupdict().get("how")) or "").upper()
    read_only = None
    if "READ" in how:
        if "ONLY" in how and "WRITE" in how:
            raise err.ProgrammingError(
                1064, f"Both READ ONLY and READ WRITE in '{known.text}'"
            )
        read_only = "ONLY" in how
    yield from conversation.begin(read_only)
    return conversation.done()


def _commit(conversation: Conversation, known: Statement, args: Any) -> Flow[LocalResult]:
    chain = _chain(conversation, known)
    characteristics = conversation.characteristics
    yield from conversation.commit()
    if chain:
        yield from _begin_again(conversation, *characteristics)
    return conversation.done()


def _rollback(conversation: Conversation, known: Statement, args: Any) -> Flow[LocalResult]:
    chain = _chain(conversation, known)
    characteristics = conversation.characteristics
    yield from conversation.rollback()
    if chain:
        yield from _begin_again(conversation, *characteristics)
    return conversation.done()


def _chain(conversation: Conversation, known: Statement) -> bool:
    """Whether another transaction is to begin at once."""
    match = known.match
    if match is None:
        return False
    text = known.text.upper().split()
    if text[-1] == "RELEASE" and text[-2:-1] != ["NO"]:
        raise err.NotSupportedError(
            1235, f"{known.text}: end the connection by its close() instead of RELEASE"
        )
    return match.group("chain") is not None and match.group("no") is None


def _begin_again(
    conversation: Conversation, isolation: Optional[int], read_only: Optional[bool]
) -> Flow[None]:
    """As AND CHAIN has it: with what the one before was begun with."""
    conversation.next_isolation = isolation or conversation.next_isolation
    yield from conversation.begin(read_only)


def _savepoint(conversation: Conversation, known: Statement, args: Any) -> Flow[Any]:
    if conversation.token is None and conversation.autocommit:
        # As in MySQL, where it is a transaction of its own that ends at once.
        conversation.raise_if_lost()
        return conversation.done()
    return (yield from conversation.run(known))


def _named_savepoint(conversation: Conversation, known: Statement, args: Any) -> Flow[Any]:
    if conversation.token is None:
        conversation.raise_if_lost()
        name = unquoted(known.match.group("name")) if known.match else ""
        raise err.OperationalError(1305, f"SAVEPOINT {name} does not exist", sqlstate="42000")
    return (yield from conversation.run(known))


def _use(conversation: Conversation, known: Statement, args: Any) -> Flow[LocalResult]:
    assert known.match is not None
    yield from conversation.select(unquoted(known.match.group("name")))
    return conversation.done()


def _show_warnings(conversation: Conversation, known: Statement, args: Any) -> Flow[LocalResult]:
    match = known.match
    assert match is not None
    shown = last_warnings(conversation)
    is_errors = match.group("what").upper() == "ERRORS"
    if is_errors:
        shown = [warning for warning in shown if warning[0] == "Error"]
    if match.group("count"):
        name = "@@session.error_count" if is_errors else "@@session.warning_count"
        count = len(shown)
        if not is_errors:
            count = max(count, getattr(conversation.warnings_of, "warning_count", 0))
        return LocalResult(warning_count_rows(name, count))
    skipped, limit = 0, match.group("first")
    if match.group("second"):
        first, second = int(match.group("first")), int(match.group("second"))
        skipped, limit = (first, second) if match.group("comma") == "," else (second, first)
    stop = None if limit is None else skipped + int(limit)
    return LocalResult(warning_rows(shown[skipped:stop]))
    yield  # A flow like the others.


def _session_value(conversation: Conversation, known: Statement, args: Any) -> Flow[Any]:
    """What a session of the database would know, and a shared connection cannot:
    the last insert id, the last count of rows, autocommit."""
    match = known.match
    assert match is not None
    what = match.group("what").upper()
    name = unquoted(match.group("alias") or match.group("what")).strip("'\"")
    conversation.raise_if_lost()
    if what.endswith("AUTOCOMMIT"):
        return LocalResult(number_row(name, int(conversation.autocommit), what))
    if "ROW_COUNT" in what:
        last = conversation.warnings_of
        known_count = isinstance(last, (Result, LocalResult))
        count = last.affected_rows if known_count and last.rows is None else -1
        return LocalResult(number_row(name, count, what))
    if conversation.token is not None and conversation.insert_token == conversation.token:
        # It was made in this transaction, whose connection knows best.
        return (yield from conversation.run(known))
    return LocalResult(number_row(name, conversation.insert_id, what))


def _of_insert_id(conversation: Conversation, known: Statement, args: Any) -> Flow[Any]:
    """A statement with LAST_INSERT_ID() in it: the transaction's connection is told the
    number if it was made before, on another."""
    yield from conversation.enter()
    token = conversation.token
    if token is not None and conversation.insert_token != token:
        yield from conversation.ask(f"SET last_insert_id = {conversation.insert_id:d}")
        conversation.insert_token = token
    return (yield from conversation.run(known, args))


def last_warnings(conversation: Conversation) -> list[tuple[str, int, str]]:
    """What SHOW WARNINGS shows: the last statement's warnings, or its error."""
    last = conversation.warnings_of
    if isinstance(last, err.Error):
        return [("Error", last.args[0], str(last.args[-1]))] if last.args else []
    return [] if last is None else list(last.warnings)


def _lock_tables(conversation: Conversation, known: Statement, args: Any) -> Flow[Any]:
    # The service takes it as a transaction's first statement only.
    yield from conversation.open_transaction()
    try:
        result = yield from conversation.send_statement(known, args)
    except BaseException:
        # Or what follows would be in a transaction that the program has not begun.
        yield from conversation.rollback()
        raise
    conversation.locked = True
    yield from conversation.apply_settings()
    return result


def _unlock_tables(conversation: Conversation, known: Statement, args: Any) -> Flow[LocalResult]:
    conversation.raise_if_lost()
    if conversation.locked:
        yield from conversation.commit()
    return conversation.done()


def _commits(conversation: Conversation, known: Statement, args: Any) -> Flow[Any]:
    if conversation.settings and not conversation.autocommit:
        changed = ", ".join(sorted(conversation.settings))
        raise err.NotSupportedError(
            1235,
            f"{known.text.split(None, 1)[0]} with what SET has changed ({changed}): it commits by "
            "itself, so it runs on a shared connection, which has the shard's own settings; SET "
            f"{changed.split(', ')[0]} back first, or have it so in the service's configuration",
        )
    yield from conversation.commit()
    return (yield from conversation.send_statement(known, args))


def _temporary(conversation: Conversation, known: Statement, args: Any) -> Flow[Any]:
    return (yield from conversation.run(known, args))


def _isolation(conversation: Conversation, known: Statement, args: Any) -> Flow[Any]:
    """A statement that asks for the session's isolation, which this package
    remembers: asked where it is set."""
    levels = {1: "READ UNCOMMITTED", 2: "READ COMMITTED", 3: "REPEATABLE READ", 4: "SERIALIZABLE"}
    level = levels.get(conversation.isolation or 0)
    read_only = conversation.read_only
    if level is None and read_only is None:
        return (yield from conversation.run(known, args))
    conversation.raise_if_lost()
    is_alone = conversation.token is None and conversation.autocommit
    yield from (conversation.begin() if is_alone else conversation.enter())
    parts = [] if level is None else [f"ISOLATION LEVEL {level}"]
    if read_only is not None:
        parts.append("READ ONLY" if read_only else "READ WRITE")
    setting = "SET SESSION TRANSACTION " + ", ".join(parts)
    try:
        yield from conversation.send_statement(statement(setting))
        return (yield from conversation.send_statement(known, args))
    finally:
        if is_alone:
            yield from conversation.rollback()


#: Kinds whose statements are sent, so that their arguments go along as values.
_KEEP_ARGUMENTS = frozenset([kinds.COMMITS, kinds.TEMPORARY, kinds.ISOLATION, kinds.INSERT_ID])

_HANDLERS: dict[int, _Handler] = {
    kinds.BEGIN: _begin,
    kinds.COMMIT: _commit,
    kinds.ROLLBACK: _rollback,
    kinds.SAVEPOINT: _savepoint,
    kinds.ROLLBACK_TO: _named_savepoint,
    kinds.RELEASE: _named_savepoint,
    kinds.SET: set_variables,
    kinds.USE: _use,
    kinds.SHOW_WARNINGS: _show_warnings,
    kinds.LOCK_TABLES: _lock_tables,
    kinds.UNLOCK_TABLES: _unlock_tables,
    kinds.COMMITS: _commits,
    kinds.TEMPORARY: _temporary,
    kinds.ISOLATION: _isolation,
    kinds.SESSION_VALUE: _session_value,
    kinds.INSERT_ID: _of_insert_id,
}
