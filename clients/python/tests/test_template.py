"""The `%` rules are PyMySQL's, and only digits are ever put into a text. Nothing
here asks a database; test_parameters.py runs what is made here."""

from __future__ import annotations

import collections
import datetime
import itertools
import random
import re
import sys
import threading
import uuid
import warnings
from decimal import Decimal

import pymysql
import pytest

from forebay import _template, converters, err
from forebay._render import are_plain, literal
from forebay._requests import sql_field
from forebay._template import Template, template
from placeholders import ARGUMENTS, TEMPLATES

SEED = 20_242


class Unconnected(pymysql.connections.Connection):
    """PyMySQL's own escaping, without a server."""

    def __init__(self, conv=None):
        super().__init__(defer_connect=True, conv=conv)
        self.server_status = 0


THEIRS = Unconnected()


def escape(value):
    return literal(value, converters.encoders)


def outcome(function, *args):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*args)
        except Exception as error:
            result = error
    return result, [(item.category, str(item.message)) for item in caught]


def check_literal_text(sql, args):
    theirs, their_warnings = outcome(THEIRS.cursor().mogrify, sql, args)
    ours, our_warnings = outcome(template(sql).literal_text, args, escape)
    assert our_warnings == their_warnings, (sql, args)
    if not isinstance(theirs, Exception):
        assert ours == theirs, (sql, args)
        return theirs
    names = [kind.__name__ for kind in type(ours).__mro__]
    assert type(theirs).__name__ in names, (sql, args, ours)
    assert ours.args == theirs.args, (sql, args)
    return theirs


def text_of(bound):
    field, params = bound
    assert field[:3] == b"\x0b\x00\x01"
    assert len(field) == 7 + int.from_bytes(field[3:7], "big")
    return field[7:].decode(), params


def check_bind(sql, args):
    """What PyMySQL refuses is refused with the same class; nothing else but what
    would stand in quotes, or is no placeholder that the service knows."""
    theirs = check_literal_text(sql, args)
    made, _ = outcome(template(sql).bind, args)
    if isinstance(theirs, Exception):
        names = [kind.__name__ for kind in type(made).__mro__]
        assert type(theirs).__name__ in names, (sql, args, made)
        return
    if isinstance(made, Exception):
        assert isinstance(made, err.ProgrammingError), (sql, args, made)
        assert made.args[0] == 1210, (sql, args, made)
        return
    text, params = text_of(made)
    if not params and re.search("%[-0 ]*5", sql):
        # The blanks that fill a width up mean nothing outside of quotes.
        assert text.split() == theirs.split(), (sql, args)
    elif not params:
        assert text == theirs, (sql, args)


@pytest.mark.parametrize("sql", TEMPLATES)
def test_every_template_with_every_kind_of_arguments(sql):
    for args in ARGUMENTS:
        check_bind(sql, args)


PIECES = """
%s %% %(a)s %(b)s %(a(x)y)s %d %(a)d %5s %-5s %05s % s %r %c %x %.2s %*s %ls %hs %(a)% %5% %(a
%( %y % %b '%s' "%s" `%s` /*%s*/ x%s %sx %s%s '%%' \\ ' " ` -- # /* */ \n ( ) , a 1 . LIKE
""".split(" ")


def test_random_templates():
    source = random.Random(SEED)
    for _ in range(20_000):
        sql = "".join(source.choices(PIECES, k=source.randrange(1, 7)))
        count = source.randrange(4)
        values = [source.choice(["x", 7, None, -1.5, "o'k", [1, 2]]) for _ in range(count)]
        names = ["a", "b", "a(x)y", "c"][:count]
        for args in (tuple(values), values, dict(zip(names, values))):
            check_bind(sql, args)


@pytest.mark.parametrize(
    ("sql", "args", "text", "values"),
    [
        ("a = %s", (1,), "a = %s", [1]),
        ("a = %s%%", (1,), "a = %s%%", [1]),
        ("a = %(x)s OR b = %(x)s OR %(y)s", {"y": 2, "x": 1}, "a = %s OR b = %s OR %s", [1, 1, 2]),
        ("a %% b", (), "a % b", []),
        ("a %% b", {}, "a % b", []),
        ("a %% b", None, "a %% b", []),
        ("a %s %d %", None, "a %s %d %", []),
        ("a IN %s", ([1, 2],), "a IN (%s)", [[1, 2]]),
        ("a IN %s", ({7},), "a IN (%s)", [[7]]),
        ("a IN %s", ([],), "a IN ()", []),
        ("a IN %s", (((1, "x"), (2, "y")),), "a IN ((%s),(%s))", [[1, "x"], [2, "y"]]),
        ("a IN %s", ([1, (2, 3), []],), "a IN (%s,(%s),())", [1, [2, 3]]),
        ("a IN (%s)", ([1],), "a IN ((%s))", [[1]]),
        ("'%s' = %s", (5, "x"), "'5' = %s", ["x"]),
        ("LIKE '%%%s%%' = %s", (5, "x"), "LIKE '%%5%%' = %s", ["x"]),
        ("LIKE '%%%s%%'", (5,), "LIKE '%5%'", []),
        ("t_%s", (5,), "t_5", []),
        ("t_%s", ("x",), "t_%s", ["x"]),
        ("%s%s", (1, 2), "12", []),
        ("'%s'", (None,), "'NULL'", []),
        ("'%s'", (True,), "'1'", []),
        ("'%5s'", (7,), "'    7'", []),
        ("-%s", (-7,), "-%s", [-7]),
        ("_utf8mb4%s", ("x",), "_utf8mb4 %s", ["x"]),
        ("(_binary %s)", (b"x",), "(%s)", [b"x"]),
        ("(_BINARY\n%s)", ("x",), "(_BINARY\n %s)", ["x"]),
        ("(_latin1 %s, %s)", (b"x%", 1), "(_latin1 X'7825', %s)", [1]),
        ("a_binary %s", (b"x",), "a_binary %s", [b"x"]),
        ("/* %s */ %s", (1, "x"), "/* 1 */ %s", ["x"]),
        ("/*! %s */ %s", (1, "x"), "/*! 1 */ %s", ["x"]),
        ("a = '\\'' AND b = %s", ("x",), "a = '\\'' AND b = %s", ["x"]),
        ("a = '' AND b = %s", ("x",), "a = '' AND b = %s", ["x"]),
        ("a = '''' AND b = %s", ("x",), "a = '''' AND b = %s", ["x"]),
        ('a = "\'" AND b = %s', ("x",), 'a = "\'" AND b = %s', ["x"]),
        ("`a'b` = %s", ("x",), "`a'b` = %s", ["x"]),
        ("a --1 = %s", ("x",), "a --1 = %s", ["x"]),
        ("a --%s", (1,), "a --%s", [1]),
        ("-- it's\n a = %s", ("x",), "-- it's\n a = %s", ["x"]),
        ("# it's\n a = %s", ("x",), "# it's\n a = %s", ["x"]),
        ("/* it's */ a = %s", ("x",), "/* it's */ a = %s", ["x"]),
        ("%(it's)s = %(b)s", {"it's": "x", "b": 1}, "%s = %s", ["x", 1]),
        ("%5s = %s", ("x", "y"), "%s = %s", ["x", "y"]),
        ("a = %s", 1, "a = %s", [1]),
        ("a = %s", "%s", "a = %s", ["%s"]),
    ],
)
@pytest.mark.filterwarnings("ignore:single argument")
def test_what_is_sent(sql, args, text, values, monkeypatch):
    monkeypatch.setattr(_template, "params_field", list)
    assert text_of(template(sql).bind(args)) == (text, values or b"")


@pytest.mark.parametrize("value", ["x", b"x", bytearray(b"1"), [1], datetime.date(2024, 1, 1), "5"])
@pytest.mark.parametrize(
    "sql", ["'%s'", '"%s"', "`%s`", "LIKE '%%%s%%'", "-- %s", "# %s", "/* %s */", "/*! %s */"]
)
def test_what_is_no_number_is_refused_in_quotes(sql, value):
    with pytest.raises(err.ProgrammingError, match="take the quotes away") as caught:
        template(sql).bind((value,))
    assert caught.value.args[0] == 1210
    named = sql.replace("%s", "%(name)s")
    with pytest.raises(err.ProgrammingError, match=r"%\(name\)s stands in quotes"):
        template(named).bind({"name": value})


def test_where_the_sql_mode_decides_the_service_is_asked():
    """A string in what only backslash escapes make a quoted place is sent as a value."""
    for sql in (r"a = '\' AND b = %s", r"a = '\'' AND b = %s", r"a LIKE b ESCAPE '\' AND c = %s"):
        text, params = text_of(template(sql).bind(("x",)))
        assert text == sql and params
        text, params = text_of(template(sql).bind((5,)))
        assert text in (sql, sql % 5)


QUOTES = ["'", '"', "`", "\\", "-- ", "#", "\n", "/*", "*/", "\\'", "''", "x", " ", "%%"]


def test_whatever_stands_in_quotes_nothing_but_digits_comes_into_the_text():
    """A value either stays beside the text, or is a number: so a wrong idea of
    the quotes cannot make an injection."""
    source = random.Random(SEED)
    hostile = ["' OR 1=1 -- ", '" OR 1=1 #', "*/ OR /*", "\\", "`", "%s", "x\ny", b"'\"`"]
    for _ in range(20_000):
        sql = "%s".join("".join(source.choices(QUOTES, k=source.randrange(5))) for _ in range(4))
        values = [source.choice([*hostile, 5, -1.5, None, Decimal("1.5")]) for _ in range(3)]
        try:
            text, params = text_of(template(sql).bind(values))
        except err.ProgrammingError:
            continue
        if not params:
            text = text.replace("%", "%%")
        kept = text.count("%s") - text.count("%%s")
        pattern = r"(?:%s|-?[0-9.]+(?:e0)?|NULL)".join(
            f"{re.escape(part)} ?" for part in sql.split("%s")
        )
        assert re.fullmatch(pattern, text), (sql, values, text)
        assert kept <= 3


def test_odd_placeholders_are_refused():
    for sql, args in [("%r", (1,)), ("%.3s", (1,)), ("%c", (1,)), ("%a", (1,))]:
        with pytest.raises(err.ParameterError, match="written %s or"):
            template(sql).bind(args)
    for sql in ("%s", "%s %(a)s"):
        with pytest.raises(err.ParameterError, match="are a dict"):
            template(sql).bind({"a": "'"})


def test_mismatches_are_programming_errors_and_type_errors():
    for sql, args, message in [
        ("%s %s", (1,), "not enough arguments for format string"),
        ("%s", (1, 2), "not all arguments converted during string formatting"),
        ("%(a)s", (1,), "format requires a mapping"),
    ]:
        with pytest.raises(err.ProgrammingError) as caught:
            template(sql).bind(args)
        assert isinstance(caught.value, TypeError)
        assert caught.value.args == (message,)


class Text(str):
    def __str__(self):
        return "another"


class Number(int):
    def __str__(self):
        return "seven"


class Data(bytes):
    def __bytes__(self):
        return b"another"


def test_what_is_sent_for_other_types(monkeypatch):
    """The content of a str or bytes, else str(), as PyMySQL."""
    monkeypatch.setattr(_template, "params_field", list)
    pair = collections.namedtuple("P", "x")(1)
    values = [Text("it's"), Data(b"\xff"), Number(7), uuid.UUID(int=7), pair]
    _, sent = template(",".join(["%s"] * len(values))).bind(values)
    assert sent == ["it's", b"\xff", "seven", str(uuid.UUID(int=7)), "P(x=1)"]
    assert [type(value) for value in sent] == [str, bytes, str, str, str]


def test_encoders_of_the_programs_own_make_sql(monkeypatch):
    monkeypatch.setattr(_template, "params_field", list)
    own = {
        **converters.encoders,
        uuid.UUID: lambda value, mapping: f"UUID_TO_BIN('%{value}')",
        Decimal: lambda value, mapping: str(value),
        datetime.date: converters.escape_str,
    }
    assert not are_plain(own)
    key, day = uuid.UUID(int=7), datetime.date(2024, 1, 1)
    bound = template("%s %s %s %s").bind((key, "a", Decimal("1.5"), day), own)
    assert text_of(bound) == (f"UUID_TO_BIN('%%{key}') %s 1.5 %s", ["a", "2024-01-01"])
    bound = template("%s").bind(([key, 1],), own)
    assert text_of(bound) == (f"(UUID_TO_BIN('%%{key}'),%s)", [1])
    bound = template("'%s' t_%s").bind((Decimal("1.5"), Decimal(2)), own)
    assert text_of(bound) == ("'1.5' t_2", b"")
    for encoders in ({}, {int: converters.escape_int}):
        with pytest.raises(TypeError, match="no default type converter"):
            template("%s").bind((1.5,), encoders)
    assert are_plain(dict(converters.encoders))


def test_the_same_literals_as_pymysqls_connection_with_the_same_converters():
    def shown(value, mapping):
        return f"<{value}>"

    theirs = Unconnected({**pymysql.converters.conversions, int: shown, str: shown, list: shown})
    own = {**converters.encoders, int: shown, str: shown, list: shown}
    for value in (1, "a", [1, "b", (2.5, None)], b"x", True, uuid.UUID(int=1), Text("c")):
        assert literal(value, own) == theirs.escape(value)


def test_a_long_list_is_cut_into_as_many_values_as_it_needs(monkeypatch):
    monkeypatch.setattr(_template, "params_field", list)
    text, sent = text_of(template("a IN %s").bind((list(range(150_000)),)))
    assert text == "a IN (%s,%s,%s)"
    assert list(itertools.chain(*sent)) == list(range(150_000))
    assert max(map(len, sent)) <= 65_535


def test_unused_names_fail_as_in_pymysql():
    for value in ({}, float("nan"), [{}]):
        check_bind("%(a)s", {"a": 1, "b": value})
    check_bind("%(a)s", {"a": 1, "b": object()})


def test_a_default_of_the_dict_does_not_count():
    args = collections.defaultdict(int, a=1)
    with pytest.raises(KeyError):
        template("%(a)s %(b)s").bind(args)
    assert args == {"a": 1}
    check_bind("%(a)s %(b)s", args)


def test_the_warning_of_a_single_argument_points_at_the_program():
    with pytest.warns(DeprecationWarning, match="single argument") as caught:
        template("%s").bind(1)
    assert [item.filename for item in caught] == [__file__]


def test_values_are_none_where_the_text_is_not_the_common_one():
    for plain in (False, True):
        made = template("%s, %s")
        assert made.values((1, "x"), converters.encoders, plain) == (1, "x")
        assert made.field == sql_field("%s, %s")
        assert made.values((1, [2]), converters.encoders, plain) is None
        assert made.values((1,), converters.encoders, plain) is None
        assert made.values({"a": 1}, converters.encoders, plain) is None
        assert template("'%s'").values((1,), converters.encoders, plain) is None
        named = template("%(b)s %(a)s")
        assert named.values({"a": 1, "b": 2}, converters.encoders, plain) == [2, 1]


def test_texts_of_other_types():
    assert template(Text("a")).sql == "a"
    assert template(b"\xc3\xa9").sql == "é"
    assert template(bytearray(b"a")) is template("a")
    for wrong in (None, 5, object(), ["a"]):
        with pytest.raises(err.ProgrammingError, match="a statement is a str"):
            template(wrong)


def test_the_cache_is_bounded_and_keeps_what_is_used(monkeypatch):
    monkeypatch.setattr(_template, "_young", {})
    monkeypatch.setattr(_template, "_old", {})
    used = template("SELECT 1")
    for number in range(3 * _template.CACHED_TEXTS_MAX):
        template(f"SELECT {number}, %s")
        if number % 100 == 0:
            assert template("SELECT 1") is used
        assert len(_template._young) <= _template.CACHED_TEXTS_MAX
        assert len(_template._old) <= _template.CACHED_TEXTS_MAX
    long = "x" * (_template.CACHED_TEXT_CHARS_MAX + 1)
    assert template(long) is not template(long)
    assert template(long[1:]) is template(long[1:])


def test_threads_share_the_cache(monkeypatch):
    monkeypatch.setattr(_template, "_young", {})
    monkeypatch.setattr(_template, "_old", {})
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    wrong = []

    def run(start):
        for number in range(3_000):
            sql = f"SELECT {(number + start) % 700}, %s"
            found = template(sql)
            if found.sql != sql or found.bind((1,))[0] != sql_field(sql):
                wrong.append(sql)

    threads = [threading.Thread(target=run, args=(start,)) for start in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)
    assert not wrong
    assert len(_template._young) <= _template.CACHED_TEXTS_MAX + len(threads)


def test_a_long_text_is_read_in_time_that_grows_with_its_length():
    """No pattern here goes back and forth over what it has read."""
    for piece in ("'", "\\", "'\\", "/*", "--", "#", "`'\"", "%%", "(", "''", "%s,", "'%s', "):
        sql = piece * 20_000
        count = sql.count("%s")
        made, _ = outcome(Template(sql).bind, [1] * count)
        assert isinstance(made, (tuple, Exception))
