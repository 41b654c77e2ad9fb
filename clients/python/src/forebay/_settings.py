"""What a SET statement sets: its assignments, read from the text.

Nothing here does I/O. What becomes of an assignment is `_conversation`'s to say.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

from ._statement import split_at_commas

#: What a SET assigns to.
SESSION = "session"
#: `SET TRANSACTION …` and `SET @@transaction_isolation`: the next transaction only.
NEXT = "next"
GLOBAL = "global"
#: `@name`
USER = "user"
#: SET NAMES, SET CHARACTER SET
CHARSET = "charset"

ISOLATION_LEVELS = {
    "READ UNCOMMITTED": 1,
    "READ COMMITTED": 2,
    "REPEATABLE READ": 3,
    "SERIALIZABLE": 4,
}
_ISOLATION_NAMES = ("transaction_isolation", "tx_isolation")
_READ_ONLY_NAMES = ("transaction_read_only", "tx_read_only")


class Assignment(NamedTuple):
    """`SET [scope] name = value`."""

    scope: str
    #: In lower case; of a transaction's characteristics `transaction_isolation`
    #: and `transaction_read_only`, however they were written.
    name: str
    #: The expression's text; of SET NAMES the character set.
    value: str
    #: Of SET NAMES … COLLATE.
    collation: Optional[str] = None


_NAMES = re.compile(
    r"""(?:NAMES|CHARACTER\s+SET|CHARSET)\s*=?\s*(?P<charset>'[^']*'|"[^"]*"|[\w]+)"""
    r"""(?:\s+COLLATE\s*=?\s*(?P<collation>'[^']*'|"[^"]*"|[\w]+))?\Z""",
    re.IGNORECASE,
)
_TRANSACTION = re.compile(
    r"(?:(?P<scope>SESSION|LOCAL|GLOBAL)\s+)?TRANSACTION\s+(?P<what>.+)\Z", re.I | re.DOTALL
)
_CHARACTERISTIC = re.compile(
    r"(?:ISOLATION\s+LEVEL\s+(?P<level>READ\s+UNCOMMITTED|READ\s+COMMITTED|REPEATABLE\s+READ"
    r"|SERIALIZABLE)|READ\s+(?P<access>ONLY|WRITE))\s*(?:,\s*|\Z)",
    re.IGNORECASE,
)
_TARGET = re.compile(
    r"(?:(?P<word>GLOBAL|SESSION|LOCAL|PERSIST|PERSIST_ONLY)\s+)?"
    r"(?:(?P<user>@)(?!@)|(?P<system>@@\s*(?:(?P<scope>global|session|local|persist|persist_only)"
    r"\s*\.\s*)?))?"
    r"(?P<name>`(?:[^`]|``)+`|'[^']*'|\"[^\"]*\"|[\w.$]+)\s*(?::=|=)\s*(?P<value>.+)\Z",
    re.IGNORECASE | re.DOTALL,
)


def assigned(item: Assignment) -> str:
    """An assignment of a SET, as SQL: of a session's variable, or a user's."""
    prefix = "@" if item.scope == USER else "SESSION "
    return f"{prefix}{item.name} = {item.value}"


def assignments(text: str) -> Optional[list[Assignment]]:
    """What a SET without comments assigns; None for what this package does not read
    (SET PASSWORD, SET ROLE, SET STATEMENT … FOR, errors of syntax)."""
    rest = text[3:].strip()
    names = _NAMES.match(rest)
    if names is not None:
        collation = names.group("collation")
        charset = _plain(names.group("charset")).lower()
        return [Assignment(CHARSET, "names", charset, collation and _plain(collation).lower())]
    transaction = _TRANSACTION.match(rest)
    if transaction is not None:
        return _characteristics(transaction)
    found: list[Assignment] = []
    scope = ""
    for part in split_at_commas(rest):
        target = _TARGET.match(part)
        if target is None:
            return None
        # A scope's word holds for the assignments after it, too.
        scope = (target.group("word") or scope).lower()
        found.append(_assignment(target, scope))
    return found or None


def is_of_transaction(text: str) -> bool:
    """Whether it is a SET TRANSACTION, perhaps one that cannot be read."""
    return _TRANSACTION.match(text[3:].strip()) is not None


def _assignment(target: re.Match[str], word: str) -> Assignment:
    name = target.group("name").strip("`'\"").lower()
    value = target.group("value").strip()
    if target.group("user"):
        return Assignment(USER, name, value)
    scope = (target.group("scope") or word).lower()
    if scope in ("global", "persist", "persist_only"):
        return Assignment(GLOBAL, name, value)
    kind = SESSION
    if name in _ISOLATION_NAMES or name in _READ_ONLY_NAMES:
        # As MySQL has it: `@@name` without a scope is the next transaction's.
        kind = NEXT if target.group("system") and not scope else SESSION
        isolation = name in _ISOLATION_NAMES
        name = "transaction_isolation" if isolation else "transaction_read_only"
    return Assignment(kind, name, value)


def _characteristics(transaction: re.Match[str]) -> Optional[list[Assignment]]:
    word = (transaction.group("scope") or "").lower()
    scope = {"": NEXT, "global": GLOBAL}.get(word, SESSION)
    what = transaction.group("what")
    found: list[Assignment] = []
    offset = 0
    while offset < len(what):
        match = _CHARACTERISTIC.match(what, offset)
        if match is None:
            return None
        offset = match.end()
        if match.group("level"):
            level = " ".join(match.group("level").upper().split())
            found.append(Assignment(scope, "transaction_isolation", level))
        else:
            only = "1" if match.group("access").upper() == "ONLY" else "0"
            found.append(Assignment(scope, "transaction_read_only", only))
    return found


def _plain(text: str) -> str:
    return text.strip("'\"`")


def switch(value: str) -> Optional[bool]:
    """What ON, OFF, TRUE, FALSE, 1 and 0 mean, in quotes or without; None: something else."""
    word = _plain(value.strip()).upper()
    if word in ("1", "ON", "TRUE"):
        return True
    return False if word in ("0", "OFF", "FALSE") else None


def isolation_level(value: str) -> Optional[int]:
    """The contract's number of a level, as SET or a variable has it; None: no such level."""
    return ISOLATION_LEVELS.get(" ".join(_plain(value).upper().replace("-", " ").split()))


_BARE_WORD = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)


def as_expression(assignment: Assignment) -> str:
    """An expression for SELECT with the value that the assignment asks for."""
    value = assignment.value
    if _BARE_WORD.match(value):
        upper = value.upper()
        if upper == "DEFAULT":
            return f"@@global.{assignment.name}"
        if upper in ("NULL", "TRUE", "FALSE"):
            return upper
        if upper in ("ON", "OFF"):
            return "1" if upper == "ON" else "0"
        return f"'{value}'"
    return f"({value})"
