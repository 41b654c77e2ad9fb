"""Finds the placeholders in a text as Python's `%` does ("printf-style String
Formatting"), and which of them stand where no value can be sent for them."""

from __future__ import annotations

import re
from typing import List, Optional, Pattern, Sequence, Tuple


class Hole:
    """One placeholder."""

    __slots__ = ("form", "inline", "introducer", "key", "quoted")

    def __init__(self, key: Optional[str], form: str) -> None:
        #: Of `%(name)s` the name.
        self.key = key
        #: Without its name: `%s`, or with a width `%5s`.
        self.form = form
        #: In quotes or in a comment, with backslash escapes as without.
        self.quoted = False
        #: What is put there depends on the value, for some of the reasons here.
        self.inline = form != "%s"
        #: `_utf8mb4`, `_binary` or their like before it, with the blanks after that.
        self.introducer = ""


#: What follows `%` and a name: flags, width, precision, a length, the kind.
_FORM = re.compile(r"([#0\- +]*(?:\*|[0-9]+)?)(\.(?:\*|[0-9]*))?[hlL]?(.?)", re.DOTALL)

#: What opens a quote or a comment, and what ends it ("String Literals",
#: "Comments"): `--` opens one only with a blank or a control character after it.
_OPENING = re.compile(r"['\"`#]|/\*|--(?=[\x00-\x20\x7f])")
_PLAIN_ENDS = {
    "'": re.compile("'"),
    '"': re.compile('"'),
    "`": re.compile("`"),
    "#": re.compile(r"\n"),
    "--": re.compile(r"\n"),
    "/*": re.compile(r"\*/"),
}
_ESCAPED_ENDS = {
    **_PLAIN_ENDS,
    "'": re.compile(r"\\.|'", re.DOTALL),
    '"': re.compile(r'\\.|"', re.DOTALL),
}
#: "Character Set Introducers".
_INTRODUCER = re.compile(r"(?<![\w$])_[a-z0-9]+\s*\Z", re.IGNORECASE)


def holes_of(sql: str) -> Tuple[Sequence[str], Sequence[Hole], bool]:
    """The text between the placeholders (one fragment more than there are of them;
    `%%` is `%` in it), the placeholders, and whether only `%` itself can say what
    the text means."""
    fragments, holes = _split(sql)
    if holes is None:
        return (sql,), (), True
    if holes:
        _mark_quoted(fragments, holes, sql)
        _mark_touching(fragments, holes)
    is_mixed = len({hole.key is None for hole in holes}) > 1
    return fragments, holes, is_mixed


def _split(sql: str) -> Tuple[List[str], Optional[List[Hole]]]:
    """None: there are others than `%%`, `%s` and `%(name)s`, or something is wrong."""
    fragments: List[str] = []
    holes: List[Hole] = []
    text: List[str] = []
    at = 0
    while True:
        start = sql.find("%", at)
        if start < 0:
            break
        text.append(sql[at:start])
        at = start + 1
        key = None
        if sql.startswith("(", at):
            end = _closing_parenthesis(sql, at)
            if end < 0:
                return fragments, None
            key = sql[at + 1 : end]
            at = end + 1
        form = _FORM.match(sql, at)
        if form is None:
            return fragments, None
        width, precision, kind = form.groups()
        if kind == "%" and key is None and form.end() == at + 1:
            text.append("%")
        elif kind == "s" and precision is None and "*" not in width:
            fragments.append("".join(text))
            text = []
            holes.append(Hole(key, f"%{width}s"))
        else:
            return fragments, None
        at = form.end()
    text.append(sql[at:])
    fragments.append("".join(text))
    return fragments, holes


def _closing_parenthesis(sql: str, opening: int) -> int:
    """A name may hold parentheses in pairs."""
    depth = 0
    for found in re.compile("[()]").finditer(sql, opening):
        depth += 1 if found.group() == "(" else -1
        if depth == 0:
            return found.start()
    return -1


def _mark_quoted(fragments: Sequence[str], holes: Sequence[Hole], sql: str) -> None:
    """Where the shard's sql_mode decides, the service, which knows it, shall say."""
    escaped = _inside(fragments, _ESCAPED_ENDS)
    plain = _inside(fragments, _PLAIN_ENDS) if "\\" in sql else escaped
    for hole, with_escapes, without in zip(holes, escaped, plain):
        hole.quoted = with_escapes and without
        if with_escapes or without:
            hole.inline = True


def _inside(fragments: Sequence[str], ends: dict[str, Pattern[str]]) -> List[bool]:
    """For the end of each fragment whether it is in quotes or in a comment."""
    inside: List[bool] = []
    end: Optional[Pattern[str]] = None
    for fragment in fragments:
        at = 0
        while True:
            found = (end or _OPENING).search(fragment, at)
            if found is None:
                break
            at = found.end()
            if end is None:
                end = ends[found.group()]
            elif not found.group().startswith("\\"):
                end = None
        inside.append(end is not None)
    return inside


def _mark_touching(fragments: Sequence[str], holes: Sequence[Hole]) -> None:
    """At a word, a number, a quote or another placeholder a value would merge with
    that, and the service refuses it; `table_%s` with a number is common. After an
    introducer bytes cannot have the service's own."""
    for number, hole in enumerate(holes):
        before, after = fragments[number], fragments[number + 1]
        # Of the first fragment's start and the last one's end nothing is touched.
        touches_before = _merges(before[-1:]) if before else number > 0
        touches_after = _merges(after[:1]) if after else number + 1 < len(holes)
        if touches_before or touches_after:
            hole.inline = True
        introducer = _INTRODUCER.search(before)
        if introducer is not None:
            hole.introducer = introducer.group()
            hole.inline = True


def _merges(character: str) -> bool:
    return character >= "\x80" or character.isalnum() or character in tuple("_$'\"`.")
