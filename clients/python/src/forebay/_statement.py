"""Which kind a statement is, by its first words: what reads, what this package
does itself (BEGIN, SET autocommit …), what commits implicitly.

Nothing here does I/O or knows a connection. A statement is looked at once and
kept with the `Template` of its placeholders.
"""

from __future__ import annotations

import re
from typing import Any, Optional

from ._functions import may_write
from ._template import Template, template

# Kinds; PLAIN is what the service simply runs. Small integers, since the hot
# path compares them.
PLAIN = 0
BEGIN = 1
COMMIT = 2
ROLLBACK = 3
SAVEPOINT = 4
ROLLBACK_TO = 5
RELEASE = 6
SET = 7
USE = 8
SHOW_WARNINGS = 9
LOCK_TABLES = 10
UNLOCK_TABLES = 11
COMMITS = 12
TEMPORARY = 13
ISOLATION = 14
SESSION_VALUE = 15
INSERT_ID = 16

_GAP = r"(?:\s|/\*(?![!M])(?:[^*]|\*(?!/))*\*/|--(?:\s[^\n]*)?(?:\n|\Z)|\#[^\n]*(?:\n|\Z))"
_START = re.compile(rf"{_GAP}*(?:\({_GAP}*)*([A-Za-z]+)", re.ASCII)
_COMMENT = re.compile(
    r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|`[^`]*`"
    r"|(/\*(?![!M])(?:[^*]|\*(?!/))*\*/|--(?:\s[^\n]*)?(?:\n|\Z)|\#[^\n]*(?:\n|\Z))",
    re.DOTALL,
)
_END = re.compile(r"[\s;]*\Z")

_READS = frozenset(["SELECT", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "WITH", "VALUES", "TABLE"])
_COMMITS = frozenset(
    "CREATE ALTER DROP TRUNCATE RENAME GRANT REVOKE OPTIMIZE REPAIR CHECK FLUSH RESET CACHE "
    "INSTALL UNINSTALL CHANGE STOP SHUTDOWN RESTART CLONE IMPORT PURGE".split()
)
_TEMPORARY = re.compile(r"\w+\s+(?:OR\s+REPLACE\s+)?TEMPORARY\b", re.IGNORECASE)
_ANALYZE_TABLE = re.compile(
    r"ANALYZE\s+(?:NO_WRITE_TO_BINLOG\s+|LOCAL\s+)?TABLES?\b", re.IGNORECASE
)
_COMMITS_TOO = re.compile(
    r"START\s+(?!TRANSACTION\b)|LOAD\s+INDEX\b", re.IGNORECASE
)
_SESSION_WORD = re.compile(r"@@|(?:LAST_INSERT_ID|ROW_COUNT)\s*\(", re.IGNORECASE)
_INSERT_ID = re.compile(
    r"\bLAST_INSERT_ID\s*\(\s*\)|@@\s*(?:SESSION\s*\.\s*)?(?:LAST_INSERT_ID|IDENTITY)\b", re.I
)
_ISOLATION = re.compile(r"@@(?:session\s*\.\s*)?(?:tx|transaction)_(?:isolation|read_only)", re.I)
_EXACT = {
    BEGIN: re.compile(
        r"(?:BEGIN(?:\s+WORK)?|START\s+TRANSACTION(?P<how>(?:\s*,?\s*(?:READ\s+ONLY|READ\s+WRITE"
        r"|WITH\s+CONSISTENT\s+SNAPSHOT))*))\Z",
        re.IGNORECASE,
    ),
    COMMIT: re.compile(
        r"COMMIT(?:\s+WORK)?(?:\s+AND(?P<no>\s+NO)?\s+(?P<chain>CHAIN))?"
        r"(?:(?:\s+NO)?\s+RELEASE)?\Z",
        re.IGNORECASE,
    ),
    ROLLBACK: re.compile(
        r"ROLLBACK(?:\s+WORK)?(?:\s+AND(?P<no>\s+NO)?\s+(?P<chain>CHAIN))?"
        r"(?:(?:\s+NO)?\s+RELEASE)?\Z",
        re.IGNORECASE,
    ),
    ROLLBACK_TO: re.compile(
        r"ROLLBACK(?:\s+WORK)?\s+TO\s+(?:SAVEPOINT\s+)?(?P<name>.+)\Z", re.IGNORECASE | re.DOTALL
    ),
    SAVEPOINT: re.compile(r"SAVEPOINT\s*(?P<name>.+)\Z", re.IGNORECASE | re.DOTALL),
    RELEASE: re.compile(r"RELEASE\s+SAVEPOINT\s*(?P<name>.+)\Z", re.IGNORECASE | re.DOTALL),
    USE: re.compile(r"USE\s*(?P<name>`(?:[^`]|``)+`|[^\s`]+)\Z", re.IGNORECASE),
    SHOW_WARNINGS: re.compile(
        r"SHOW\s+(?P<count>COUNT\s*\(\s*\*\s*\)\s+)?(?P<what>WARNINGS|ERRORS)"
        r"(?:\s+LIMIT\s+(?P<first>\d+)(?:\s*(?P<comma>,|OFFSET)\s*(?P<second>\d+))?)?\Z",
        re.IGNORECASE,
    ),
    SESSION_VALUE: re.compile(
        r"SELECT\s+(?P<what>LAST_INSERT_ID\s*\(\s*\)|ROW_COUNT\s*\(\s*\)"
        r"|@@(?:SESSION\s*\.\s*)?(?:LAST_INSERT_ID|IDENTITY|AUTOCOMMIT))"
        r"(?:\s+(?:AS\s+)?(?!FROM\b)(?P<alias>\w+|`[^`]+`|'[^']+'|\"[^\"]+\"))?"
        r"(?:\s+FROM\s+DUAL)?\Z",
        re.IGNORECASE,
    ),
    LOCK_TABLES: re.compile(r"LOCK\s+TABLES?\b", re.IGNORECASE),
    UNLOCK_TABLES: re.compile(r"UNLOCK\s+TABLES?\Z", re.IGNORECASE),
    SET: re.compile(r"SET\b", re.IGNORECASE),
}
#: By the first word, the kinds that it may be, in the order to try them.
_CANDIDATES = {
    "BEGIN": (BEGIN,),
    "START": (BEGIN,),
    "COMMIT": (COMMIT,),
    "ROLLBACK": (ROLLBACK, ROLLBACK_TO),
    "SAVEPOINT": (SAVEPOINT,),
    "RELEASE": (RELEASE,),
    "USE": (USE,),
    "SHOW": (SHOW_WARNINGS,),
    "LOCK": (LOCK_TABLES,),
    "UNLOCK": (UNLOCK_TABLES,),
    "SET": (SET,),
}


class Statement:
    """One text: what it is, and its template."""

    __slots__ = ("calls", "gives_rows", "kind", "match", "reads", "sql", "template", "text")

    def __init__(self, sql: str, known: Template) -> None:
        self.sql = sql
        self.template = known
        #: The kind, one of the numbers above.
        self.kind = PLAIN
        #: Whether the service's `query` takes it, and may run it twice, as far as its
        #: text tells.
        self.reads = False
        #: Whether its first word says that it gives rows.
        self.gives_rows = False
        #: Whether it is a CALL, after whose results MySQL has one more, without rows.
        self.calls = False
        #: Without comments and the `;` at its end, of kinds other than PLAIN.
        self.text = ""
        self.match: Optional[re.Match[str]] = None
        start = _START.match(sql)
        if start is None:
            return
        word = start.group(1).upper()
        self.gives_rows = is_read = word in _READS
        self.calls = word == "CALL"
        if is_read and word != "SHOW":
            self.reads = not may_write(sql)
            if _SESSION_WORD.search(sql) is not None:
                self._look_at_session(sql[start.start(1) :])
            return
        self.reads = is_read
        if word in _COMMITS or word in ("ANALYZE", "START", "LOAD") or word in _CANDIDATES:
            self._look_closer(word, start.start(1))
        if self.kind == PLAIN and ("_ID" in sql.upper() or "@@" in sql):
            if _INSERT_ID.search(sql) is not None:
                self.kind = INSERT_ID

    def _look_at_session(self, sql: str) -> None:
        self.text = text = without_comments(sql)
        self.match = _EXACT[SESSION_VALUE].match(text)
        if self.match is not None:
            self.kind = SESSION_VALUE
        elif _ISOLATION.search(text) is not None:
            self.kind = ISOLATION
        elif _INSERT_ID.search(text) is not None:
            self.kind = INSERT_ID

    def _look_closer(self, word: str, offset: int) -> None:
        self.text = text = without_comments(self.sql[offset:])
        for kind in _CANDIDATES.get(word, ()):
            match = _EXACT[kind].match(text)
            if match is not None:
                self.kind = kind
                self.match = match
                return
        if word in _COMMITS:
            self.kind = TEMPORARY if _TEMPORARY.match(text) else COMMITS
        elif word == "ANALYZE":
            if _ANALYZE_TABLE.match(text):
                self.kind = COMMITS
            else:
                self.reads = self.gives_rows = True
        elif _COMMITS_TOO.match(text):
            self.kind = COMMITS


def statement(sql: str) -> Statement:
    """The statement of that text, looked at once for as long as its template is kept."""
    found = template(sql)
    known: Optional[Statement] = found.kind
    if known is None:
        known = found.kind = Statement(sql, found)
    return known


def as_text(query: Any) -> str:
    """A statement's text; bytes are taken as UTF-8."""
    if type(query) is str:
        return query
    if isinstance(query, (bytes, bytearray)):
        return bytes(query).decode("utf-8")
    if isinstance(query, str):
        return str(query)
    raise TypeError(f"a statement is str or bytes, not {type(query).__name__}")


def without_comments(text: str) -> str:
    """The text with each comment made a blank, and without `;` and blanks at its end."""
    if "#" in text or "--" in text or "/*" in text:
        text = _COMMENT.sub(lambda found: " " if found.group(1) else found.group(0), text)
    return _END.sub("", text).strip()


def unquoted(name: str) -> str:
    """A name as it is written in SQL, without the backquotes that it may have."""
    name = name.strip()
    if len(name) >= 2 and name[0] == name[-1] == "`":
        return name[1:-1].replace("``", "`")
    return name


_PART = re.compile(
    r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|`(?:[^`]|``)*`|[(),]|[^'\"`(),]+|.",
    re.DOTALL,
)


def split_at_commas(text: str) -> list[str]:
    """The text's parts between the commas that stand outside of quotes and parentheses."""
    parts: list[str] = []
    current: list[str] = []
    depth = 0
    for piece in _PART.findall(text):
        if piece == "," and depth == 0:
            parts.append("".join(current).strip())
            current = []
            continue
        if piece == "(":
            depth += 1
        elif piece == ")":
            depth -= 1
        current.append(piece)
    parts.append("".join(current).strip())
    return parts
