"""SET: what this package remembers itself, what goes to the server within a
transaction, and what is refused because a shared connection cannot keep it.

Nothing here does I/O: these are flows, as in `_conversation`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from . import err
from ._conversation import Conversation, Flow
from ._settings import (
    CHARSET,
    GLOBAL,
    NEXT,
    USER,
    Assignment,
    as_expression,
    assigned,
    assignments,
    is_of_transaction,
    isolation_level,
    switch,
)
from ._statement import SET, Statement, statement
from .converters import decoders

#: Names under which UTF-8 goes. Every other character set would make the client's
#: escaping differ from what the server reads: the way of an injection.
UTF8_NAMES = frozenset(["utf8mb4", "utf8mb3", "utf8"])

_CHARSET_REMEDY = (
    "text goes to and from the service as UTF-8, and its connections' character set is the "
    "shard's `charset` in the service's configuration; leave this out, or say utf8mb4"
)
_KEYS = {"sql_mode": "sql_mode", "time_zone": "time_zone"}


def refused_charset(name: str) -> err.NotSupportedError:
    """The error for a character set other than UTF-8."""
    message = f"character set {name!r} is not supported: {_CHARSET_REMEDY}"
    return err.NotSupportedError(1235, message)


def set_variables(conversation: Conversation, known: Statement, args: Any) -> Flow[Any]:
    """Does a SET; nothing of it is done if a part of it is refused."""
    asked = assignments(known.text)
    if asked is None and is_of_transaction(known.text):
        raise err.ProgrammingError(
            1064, f"You have an error in your SQL syntax near '{known.text}'", sqlstate="42000"
        )
    if asked is None or any(item.scope == GLOBAL for item in asked):
        return (yield from conversation.run(known))
    own = [item for item in asked if _is_own(item)]
    for item in own:
        _check(conversation, item)
    others = [item for item in asked if not _is_own(item)]
    result: Any = conversation.done()
    if others:
        result = yield from _set_others(conversation, known, asked, others)
    for item in own:
        yield from _remember(conversation, item)
    return result


def set_at_first(
    conversation: Conversation, sql: str, args: Any, autocommit: Any
) -> Flow[Any]:
    """Does a statement of a connection that is opening. What it sets is kept where
    autocommit will be off: every transaction begins with it then."""
    known = statement(sql)
    asked = (assignments(known.text) if known.kind == SET else None) or []
    if autocommit or autocommit is None or any(item.scope == USER for item in asked):
        return (yield from conversation.execute(sql, args))
    conversation.autocommit = not asked
    result = yield from conversation.execute(sql, args)
    conversation.autocommit = True
    return result


def _is_own(item: Assignment) -> bool:
    return item.scope in (CHARSET, NEXT) or (
        item.scope != USER
        and item.name in ("autocommit", "transaction_isolation", "transaction_read_only")
    )


def _check(conversation: Conversation, item: Assignment) -> None:
    if item.scope == CHARSET:
        if item.value not in UTF8_NAMES and item.value != "default":
            raise refused_charset(item.value)
        return
    if item.scope == NEXT and conversation.token is not None:
        raise err.OperationalError(
            1568,
            "Transaction characteristics can't be changed while a transaction is in progress",
            sqlstate="25001",
        )
    if item.name == "transaction_isolation":
        if item.value.upper() != "DEFAULT" and isolation_level(item.value) is None:
            raise _wrong_value(item)
    elif switch(item.value) is None and item.value.upper() != "DEFAULT":
        raise _wrong_value(item)


def _wrong_value(item: Assignment) -> err.OperationalError:
    value = item.value.strip("'\"")
    message = f"Variable '{item.name}' can't be set to the value of '{value}'"
    return err.OperationalError(1231, message, sqlstate="42000")


def _remember(conversation: Conversation, item: Assignment) -> Flow[None]:
    if item.scope == CHARSET:
        if item.collation is not None:
            yield from check_collation(conversation, item.collation)
    elif item.name == "autocommit":
        value = switch(item.value)
        yield from conversation.set_autocommit(True if value is None else value)
    elif item.name == "transaction_isolation":
        level = isolation_level(item.value)
        if item.scope == NEXT:
            conversation.next_isolation = level
        else:
            conversation.isolation = level
    elif item.scope == NEXT:
        conversation.next_read_only = switch(item.value)
    else:
        conversation.read_only = switch(item.value)


def _set_others(
    conversation: Conversation, known: Statement, asked: list[Assignment], others: list[Assignment]
) -> Flow[Any]:
    """Variables that only a connection of the database can hold."""
    conversation.raise_if_lost()
    settings = {item.name: assigned(item) for item in others if item.scope != USER}
    if conversation.token is None:
        if conversation.autocommit or len(settings) == len(others):
            yield from _set_between(conversation, others)
            return conversation.done()
    sent = known
    if len(others) < len(asked):
        sent = statement("SET " + ", ".join(assigned(item) for item in others))
    if "sql_mode" in settings:
        # What it is without this is to be known before.
        yield from conversation.facts()
    kept = conversation.settings
    if settings and not conversation.autocommit:
        kept = yield from _kept_after(conversation, others)
    result = yield from conversation.run(sent)
    conversation.settings = kept
    if "sql_mode" in settings:
        yield from conversation.learn_mode()
    return result


def _kept_after(conversation: Conversation, others: list[Assignment]) -> Flow[dict[str, str]]:
    """What transactions are to begin with when this SET is done: without what it sets
    back to the server's own value."""
    own = [item for item in others if item.scope != USER]
    kept = dict(conversation.settings)
    for item, has, wanted in (yield from _compare(conversation, own)):
        if item.name not in kept:
            conversation.own_values[item.name] = has
        if _same(item.name, conversation.own_values.get(item.name), wanted):
            kept.pop(item.name, None)
        else:
            kept[item.name] = assigned(item)
    return kept


def _set_between(conversation: Conversation, others: list[Assignment]) -> Flow[None]:
    """Variables, with no transaction open. Nothing is to be done where the server's
    values are those already."""
    others = list({item.name: item for item in others}.values())
    changes: dict[str, str] = {}
    for item, has, wanted in (yield from _compare(conversation, others)):
        conversation.own_values[item.name] = has
        if not _same(item.name, has, wanted):
            if conversation.autocommit:
                raise _refused_setting(item, has)
            changes[item.name] = assigned(item)
    names = {item.name for item in others}
    kept = {name: text for name, text in conversation.settings.items() if name not in names}
    if changes:
        yield from _try(conversation, {**kept, **changes})
    else:
        conversation.settings = kept
        conversation.settle_mode()


def _try(conversation: Conversation, settings: dict[str, str]) -> Flow[None]:
    """With autocommit off and no transaction: sees that the server takes the settings,
    for every transaction from now on to begin with. None is left open, since the
    program may be slow to come with its first statement."""
    kept = conversation.settings
    following = conversation.next_isolation, conversation.next_read_only
    conversation.settings = settings
    try:
        yield from conversation.begin()
    except BaseException:
        conversation.settings = kept
        conversation.settle_mode()
        raise
    finally:
        conversation.next_isolation, conversation.next_read_only = following
    yield from conversation.rollback()


def _compare(
    conversation: Conversation, others: list[Assignment]
) -> Flow[list[tuple[Assignment, Any, Any]]]:
    """Of each the value that it has, and the one that it is to have."""
    for item in others:
        if item.scope == USER:
            raise err.NotSupportedError(
                1235,
                f"SET @{item.name} outside a transaction: connections are shared, and the "
                "variable would be another's next; call begin() first, pass the value as an "
                "argument, or keep it in the program",
            )
    selected = ", ".join(f"@@{item.name}, {as_expression(item)}" for item in others)
    result = yield from conversation.ask(f"SELECT {selected}")
    row = result.rows.rows(decoders, 0, 1)[0]
    return [(item, row[2 * index], row[2 * index + 1]) for index, item in enumerate(others)]


def _same(name: str, has: Any, wanted: Any) -> bool:
    if has is None or wanted is None:
        return has is wanted
    numbers = (int, float, Decimal)
    if isinstance(has, numbers) and isinstance(wanted, numbers):
        return has == wanted
    left, right = str(has).casefold(), str(wanted).casefold()
    if name == "sql_mode":
        return set(filter(None, left.split(","))) == set(filter(None, right.split(",")))
    return left == right


def _refused_setting(item: Assignment, has: Any) -> err.NotSupportedError:
    if item.name in _KEYS:
        remedy = (
            f"set the shard's `{_KEYS[item.name]}` in the service's configuration, or call "
            "begin() first: within a transaction it is allowed, and ends with it"
        )
    elif item.name.startswith(("character_set", "collation")):
        remedy = _CHARSET_REMEDY
    elif item.name in ("max_statement_time", "max_execution_time"):
        remedy = "use the argument read_timeout of connect"
    else:
        remedy = (
            "call begin() first: within a transaction it is allowed, and ends with it; or set it "
            "for all in the server"
        )
    return err.NotSupportedError(
        1235,
        f"SET {item.name} = {item.value} outside a transaction: connections are shared, and the "
        f"server's value is {has!r}; {remedy}",
    )


def check_collation(conversation: Conversation, collation: str) -> Flow[None]:
    """Refuses a collation of the connection other than the service's."""
    result = yield from conversation.ask("SELECT @@collation_connection")
    has = result.rows.rows(decoders, 0, 1)[0][0]
    if str(has).casefold() != collation.casefold():
        raise err.NotSupportedError(
            1235,
            f"collation {collation!r} is not that of the service's connections, {has!r}: set the "
            "shard's `collation` in the service's configuration, or write COLLATE in the statement",
        )
