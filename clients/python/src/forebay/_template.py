"""The `%` rules of a statement: where its placeholders are, read once and kept.

PyMySQL makes a statement by `query % literals`. Here the text is sent with its
placeholders and the values beside it, and the service, which knows the shard's
sql_mode, puts them together. What this module adds to a text by itself are the
parentheses of a list; NULL and the digits of numbers, where a placeholder stands
in quotes, in a comment or at a word (`'%s'`, `table_%s`); the hexadecimal digits
of bytes after `_latin1` and its like; and what an encoder of the program's own
has made. So a wrong idea of what is in quotes, which another sql_mode may cause,
ends in an error and never in another statement: every `%s` that is sent has its
value, and where the service counts fewer it refuses.
"""

from __future__ import annotations

import sys
import warnings
from types import FrameType
from typing import Any, Callable, List, NoReturn, Optional, Sequence, Tuple, Union

from . import converters
from ._holes import Hole, holes_of
from ._render import DEFAULTS, PLAIN, TEXTS, Pieces, are_plain, check_unused, joined, literal, put
from ._requests import sql_field
from ._values import params as params_field
from .converters import Encoders
from .err import ParameterError, ProgrammingError

__all__ = ["Template", "are_plain", "literal", "template"]

#: MySQL's number for a wrong argument.
_WRONG_ARGUMENTS = 1210

#: Longer texts are not kept: seldom sent twice, and the memory that is kept is
#: at most their number × this.
CACHED_TEXT_CHARS_MAX = 4_096
#: Texts of a generation; there are two.
CACHED_TEXTS_MAX = 512


class Template:
    """A statement's text. Make it by `template()`, which keeps it."""

    __slots__ = (
        "_bare",
        "_distinct",
        "_fragments",
        "_holes",
        "_keys",
        "_state",
        "field",
        "kind",
        "sql",
    )

    def __init__(self, sql: str) -> None:
        #: The text as the program wrote it.
        self.sql = sql
        #: What else is known of the text, for its user to keep here.
        self.kind: Any = None
        #: The encoded text that `values()` belongs to; empty until that was asked.
        self.field = b""
        self._bare: Optional[bytes] = None
        self._state = _UNREAD
        self._holes: Sequence[Hole] = ()
        self._fragments: Sequence[str] = ()
        self._keys: Sequence[str] = ()
        self._distinct = 0

    def bind(
        self, args: Any, encoders: Encoders = converters.encoders, plain: bool = False
    ) -> Tuple[bytes, bytes]:
        """Fields 1 and 2 of a Statement: the text, and the values (empty if none).

        :param args: as of `Cursor.execute`: None (the text goes as it is), a list or
            tuple, a dict, or a single value (deprecated, as in PyMySQL).
        :param encoders: the connection's; one that is not PyMySQL's own makes SQL,
            which becomes part of the text.
        :param plain: the caller knows that `are_plain(encoders)`.
        :raises ParameterError: args do not fit the placeholders.
        :raises ProgrammingError: a value cannot stand where its placeholder is.
        :raises KeyError, ValueError, TypeError: where `%` or an encoder raises it in PyMySQL.
        """
        if args is None:
            return self._text_alone(), b""
        values = self.values(args, encoders, plain)
        if values is None:
            return self._bind_rare(args, encoders)
        return self.field, params_field(values) if values else b""

    def values(
        self, args: Any, encoders: Encoders = converters.encoders, plain: bool = False
    ) -> Optional[Sequence[Any]]:
        """The values for the text `field`, in order; None if these arguments need a
        text of their own or do not fit, which `bind` does or says."""
        state = self._state
        if state == _UNREAD:
            state = self._read()
        if state == _POSITIONAL:
            if not isinstance(args, (tuple, list)) or len(args) != len(self._holes):
                return None
            values: Sequence[Any] = args
        elif state == _NAMED and isinstance(args, dict):
            if type(args) is not dict:
                # What a subclass would give for a name that is missing does not count.
                args = dict(args.items())
            try:
                values = [args[key] for key in self._keys]
            except KeyError:
                return None
            if len(args) != self._distinct:
                check_unused(args, self._keys, encoders)
        else:
            return None
        if plain:
            return values if PLAIN.issuperset(map(type, values)) else None
        for value in values:
            kind = type(value)
            if kind not in TEXTS:
                default = DEFAULTS.get(kind)
                if default is None or encoders.get(kind) is not default:
                    return None
        return values

    def literal_text(self, args: Any, escape: Callable[[Any], str]) -> str:
        """The text with its values in it, as PyMySQL's `mogrify` makes it; nothing
        of the kind is sent. `escape` makes a value's SQL.

        :raises ParameterError: args do not fit the placeholders.
        """
        if args is None:
            return self.sql
        escaped: Any
        if isinstance(args, dict):
            escaped = {key: escape(item) for key, item in args.items()}
        elif isinstance(args, (list, tuple)):
            escaped = tuple(map(escape, args))
        else:
            _warn_of_scalar()
            escaped = escape(args)
        try:
            text: str = self.sql % escaped
        except TypeError as error:
            raise ParameterError(str(error)) from error
        return text

    def _text_alone(self) -> bytes:
        field = self._bare
        if field is None:
            field = self._bare = sql_field(self.sql)
        return field

    def _read(self) -> int:
        fragments, holes, odd = holes_of(self.sql)
        self._fragments = fragments
        self._holes = holes
        if odd:
            state = _ODD
        elif any(hole.inline for hole in holes):
            state = _INLINE
        elif not holes or holes[0].key is None:
            state = _POSITIONAL
        else:
            state = _NAMED
            self._keys = [hole.key for hole in holes if hole.key is not None]
            self._distinct = len(set(self._keys))
        if state in (_POSITIONAL, _NAMED):
            pieces: Pieces = [fragments[0]]
            for fragment in fragments[1:]:
                pieces += (None, fragment)
            self.field = sql_field(joined(pieces))
        # Last, since another thread may look at it.
        self._state = state
        return state

    def _bind_rare(self, args: Any, encoders: Encoders) -> Tuple[bytes, bytes]:
        """Where the text depends on the arguments, or they are wrong."""
        ordered = None if self._state == _ODD else self._ordered(args)
        if ordered is None:
            self._refuse(args, encoders)
        if isinstance(args, dict):
            check_unused(args, [hole.key for hole in self._holes], encoders)
        elif not isinstance(args, (list, tuple)):
            _warn_of_scalar()
        pieces: Pieces = [self._fragments[0]]
        values: List[Any] = []
        for number, (hole, value) in enumerate(zip(self._holes, ordered)):
            put(pieces, values, hole, number, value, encoders)
            pieces.append(self._fragments[number + 1])
        return sql_field(joined(pieces)), params_field(values) if values else b""

    def _ordered(self, args: Any) -> Optional[Sequence[Any]]:
        """A value for each placeholder; None if they do not fit."""
        holes = self._holes
        if isinstance(args, dict):
            args = dict(args.items())
            if any(hole.key is None or hole.key not in args for hole in holes):
                return None
            return [args[hole.key] for hole in holes]
        if holes and holes[0].key is not None:
            return None
        ordered = args if isinstance(args, (list, tuple)) else (args,)
        return ordered if len(ordered) == len(holes) else None

    def _refuse(self, args: Any, encoders: Encoders) -> NoReturn:
        """Raises what PyMySQL raises, and where it raises nothing, as for `%r`, an
        error all the same: nothing that makes sense is written so."""
        self.literal_text(args, lambda value: literal(value, encoders))
        if isinstance(args, dict):
            raise ParameterError(
                _WRONG_ARGUMENTS,
                "the parameters are a dict, but not every placeholder is written %(name)s",
            )
        raise ParameterError(
            _WRONG_ARGUMENTS,
            "a placeholder is written %s or %(name)s, and a percent sign %%",
        )


#: What is known of a template's text. Its placeholders are read when values
#: come, since many statements never have some.
_UNREAD = 0
#: Only `%s`, or nothing at all; only `%(name)s`.
_POSITIONAL = 1
_NAMED = 2
#: A placeholder in quotes, at a word, with a width: numbers must go into the text.
_INLINE = 3
#: What `%` does with it is for `%` to say.
_ODD = 4


def _warn_of_scalar() -> None:
    """At the line of the program that called this package."""
    level = 1
    frame: Optional[FrameType] = sys._getframe()
    while frame and frame.f_globals.get("__name__", "").startswith(f"{__package__}."):
        level += 1
        frame = frame.f_back
    warnings.warn(
        "single argument is deprecated and will be removed in the next version.",
        DeprecationWarning,
        stacklevel=level,
    )


#: Texts that were used of late, and those before them. Each is at most
#: CACHED_TEXTS_MAX long; when the first is full it becomes the second. Threads
#: may lose an entry to each other, which costs one more reading.
_young: dict[str, Template] = {}
_old: dict[str, Template] = {}


def template(sql: Union[str, bytes, bytearray]) -> Template:
    """The template of a text, kept for the next time.

    :raises ProgrammingError: it is no text.
    """
    if type(sql) is not str:
        sql = _text_of(sql)
    found = _young.get(sql)
    return found if found is not None else _promoted(sql)


def _promoted(sql: str) -> Template:
    global _young, _old
    found = _old.get(sql) or Template(sql)
    if len(sql) > CACHED_TEXT_CHARS_MAX:
        return found
    if len(_young) >= CACHED_TEXTS_MAX:
        _old, _young = _young, {}
    _young[sql] = found
    return found


def _text_of(sql: Any) -> str:
    if isinstance(sql, str):
        return str.__str__(sql)
    if isinstance(sql, (bytes, bytearray)):
        return sql.decode()
    raise ProgrammingError(f"a statement is a str, not {type(sql).__name__}")
