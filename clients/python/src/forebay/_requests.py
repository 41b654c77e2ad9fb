"""Bodies of requests: each function's struct of arguments, to its STOP, with the
fields in the order of their numbers, as generated code writes them.

Each part is made once and put together by concatenation: a statement's text and
a connection's shard and options seldom change from one call to the next.
"""

from __future__ import annotations

import struct
from typing import Any, NoReturn, Optional, Sequence

from . import err
from ._values import value_list

#: MySQL's number for a wrong argument.
_WRONG_ARGUMENTS = 1210

#: Field 4 of a Statement, `param_style`, and its STOP.
PYFORMAT = b"\x08\x00\x04\x00\x00\x00\x02\x00"

# Modes of InsertRequest.
INSERT, IGNORE, REPLACE = 1, 2, 3
# Modes of BatchRequest.
EACH, STOP_ON_ERROR, ATOMIC = 1, 2, 3
# Conditions of a BatchStep.
HAD_ROWS, HAD_NO_ROWS = 1, 2
# Policies of a MultiRequest.
TAKE_WHAT_CAME, FAIL_ON_FIRST_ERROR = 1, 2
# Isolation levels of BeginRequest.
READ_UNCOMMITTED, READ_COMMITTED, REPEATABLE_READ, SERIALIZABLE = 1, 2, 3, 4

_pack_string = struct.Struct(">bhi").pack
_pack_i32 = struct.Struct(">bhi").pack
_pack_list = struct.Struct(">bhbi").pack

_OPTIONS = b"\x0c\x00\x0f"
# Field 7, `result_layout`: PACKED; and the STOP of Options.
_PACKED = b"\x08\x00\x07\x00\x00\x00\x02\x00"
_REQUEST = b"\x0c\x00\x01"
_STATEMENT = b"\x0c\x00\x02"
# The end of the request, and that of the struct of arguments.
_END = b"\0\0"

_OPTIONS_ALONE = _OPTIONS + _PACKED


def sql_field(sql: str) -> bytes:
    """Field 1 of a Statement: its text."""
    return _text_field(1, sql, "the statement")


def shard_field(name: str) -> bytes:
    """Field 1 of a request: the shard's name."""
    return _text_field(1, name, "the shard's name")


def options(
    *,
    timeout_ms: Optional[int] = None,
    request_id: Optional[str] = None,
    transaction: Optional[str] = None,
    max_rows: Optional[int] = None,
    warnings_max: Optional[int] = None,
    idempotent: Optional[bool] = None,
) -> bytes:
    """Field 15 of any request; packed columns are asked for always."""
    parts = b""
    if timeout_ms is not None:
        parts += _i32_field(1, timeout_ms, "timeout_ms")
    if request_id is not None:
        parts += _text_field(2, request_id, "request_id")
    if transaction is not None:
        parts += _text_field(3, transaction, "transaction")
    if max_rows is not None:
        parts += _i32_field(4, max_rows, "max_rows")
    if warnings_max is not None:
        parts += _i32_field(5, warnings_max, "warnings_max")
    if idempotent is not None:
        parts += _bool_field(6, idempotent)
    if not parts:
        return _OPTIONS_ALONE
    return _OPTIONS + parts + _PACKED


def run(shard: bytes, sql: bytes, params: bytes, options: bytes) -> bytes:
    """`query` or `execute`, from the parts of a Statement with `%s` in its text."""
    return b"".join((_REQUEST, shard, _STATEMENT, sql, params, PYFORMAT, options, _END))


def query(shard: bytes, statement: bytes, options: bytes) -> bytes:
    """`query`: one statement that reads."""
    return b"".join((_REQUEST, shard, _STATEMENT, statement, options, _END))


def execute(shard: bytes, statement: bytes, options: bytes) -> bytes:
    """`execute`: one statement of any kind."""
    return b"".join((_REQUEST, shard, _STATEMENT, statement, options, _END))


def info(options: bytes) -> bytes:
    """`info`: what the server is, its limits and its shards."""
    return _REQUEST + options + _END


def ping(shard: bytes, options: bytes) -> bytes:
    """`ping`; an empty `shard` asks the service alone."""
    return _REQUEST + shard + options + _END


def begin(
    shard: bytes, isolation: Optional[int], read_only: Optional[bool], options: bytes
) -> bytes:
    """`begin_transaction`."""
    fields = shard
    if isolation is not None:
        fields += _i32_field(2, isolation, "isolation")
    if read_only is not None:
        fields += _bool_field(3, read_only)
    return _REQUEST + fields + options + _END


def commit(options: bytes) -> bytes:
    """`commit_transaction`; the options say which."""
    return _REQUEST + options + _END


def rollback(options: bytes) -> bytes:
    """`rollback_transaction`; the options say which."""
    return _REQUEST + options + _END


def insert(
    shard: bytes,
    table: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    mode: Optional[int],
    database: Optional[str],
    options: bytes,
) -> bytes:
    """`insert`: many rows of one table."""
    request = _insert_request(shard, table, columns, rows, mode, database)
    return _REQUEST + request + options + _END


def step(
    statement: bytes,
    param_rows: Optional[Sequence[Sequence[Any]]] = None,
    condition: Optional[int] = None,
    condition_step: Optional[int] = None,
    encoded_rows: Optional[Sequence[bytes]] = None,
) -> bytes:
    """A BatchStep: one statement, perhaps with many rows of parameters.

    `statement` has no params of its own where there are `param_rows`; these may be
    given as what `value_list` makes of them.
    """
    parts = [b"\x0c\x00\x01", statement]
    if param_rows is not None:
        encoded_rows = list(map(value_list, param_rows))
    if encoded_rows is not None:
        parts.append(_pack_list(15, 2, 15, len(encoded_rows)))
        parts.extend(encoded_rows)
    if condition is not None:
        parts.append(_i32_field(4, condition, "condition"))
    if condition_step is not None:
        parts.append(_i32_field(5, condition_step, "condition_step"))
    parts.append(b"\0")
    return b"".join(parts)


def batch(shard: bytes, steps: Sequence[bytes], mode: Optional[int], options: bytes) -> bytes:
    """`batch`: several steps on one shard, one after the other."""
    return _REQUEST + _batch_request(shard, steps, mode) + options + _END


def query_item(shard: bytes, statement: bytes, options: bytes = b"") -> bytes:
    """A MultiItem that is a `query`."""
    return b"".join((b"\x0c\x00\x01", shard, _STATEMENT, statement, options, _END))


def execute_item(shard: bytes, statement: bytes, options: bytes = b"") -> bytes:
    """A MultiItem that is an `execute`."""
    return b"".join((b"\x0c\x00\x02", shard, _STATEMENT, statement, options, _END))


def insert_item(
    shard: bytes,
    table: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    mode: Optional[int] = None,
    database: Optional[str] = None,
    options: bytes = b"",
) -> bytes:
    """A MultiItem that is an `insert`."""
    request = _insert_request(shard, table, columns, rows, mode, database)
    return b"\x0c\x00\x03" + request + options + _END


def batch_item(
    shard: bytes, steps: Sequence[bytes], mode: Optional[int] = None, options: bytes = b""
) -> bytes:
    """A MultiItem that is a `batch`."""
    return b"\x0c\x00\x04" + _batch_request(shard, steps, mode) + options + _END


def multi(items: Sequence[bytes], policy: Optional[int], options: bytes) -> bytes:
    """`multi`: independent items on any shards, in parallel."""
    parts = [_REQUEST, _pack_list(15, 2, 12, len(items)), *items]
    if policy is not None:
        parts.append(_i32_field(3, policy, "policy"))
    parts.append(options)
    parts.append(_END)
    return b"".join(parts)


def _insert_request(
    shard: bytes,
    table: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    mode: Optional[int],
    database: Optional[str],
) -> bytes:
    parts = [shard, _text_field(2, table, "the table's name")]
    parts.append(_pack_list(15, 3, 11, len(columns)))
    for column in columns:
        data = _encoded(column, "a column's name")
        parts.append(len(data).to_bytes(4, "big") + data)
    parts.append(_pack_list(15, 4, 15, len(rows)))
    parts.extend(map(value_list, rows))
    if mode is not None:
        parts.append(_i32_field(5, mode, "mode"))
    if database is not None:
        parts.append(_text_field(6, database, "the database's name"))
    return b"".join(parts)


def _batch_request(shard: bytes, steps: Sequence[bytes], mode: Optional[int]) -> bytes:
    parts = [shard, _pack_list(15, 2, 12, len(steps)), *steps]
    if mode is not None:
        parts.append(_i32_field(3, mode, "mode"))
    return b"".join(parts)


def _text_field(number: int, text: str, what: str) -> bytes:
    data = _encoded(text, what)
    return _pack_string(11, number, len(data)) + data


def _encoded(text: str, what: str) -> bytes:
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        _refuse(f"{what} holds the lone surrogate {text[error.start]!a}, which is no character")
    if len(data) >= 1 << 31:
        _refuse(f"{what} of {len(data)} bytes is longer than any request may be")
    return data


def _i32_field(number: int, item: int, what: str) -> bytes:
    try:
        return _pack_i32(8, number, item)
    except struct.error:
        _refuse(f"{what} is {item!r}; it must be a whole number from -2^31 to 2^31-1")


def _bool_field(number: int, item: bool) -> bytes:
    return bytes((2, 0, number, 1 if item else 0))


def _refuse(why: str) -> NoReturn:
    raise err.ProgrammingError(_WRONG_ARGUMENTS, why)
