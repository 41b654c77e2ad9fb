"""Readers of replies: from a message, and where in it the result struct begins,
to what the call returned. What the service threw is raised.

What is malformed raises `InternalError`. Columns' values stay in the message
until they are asked for: see `_columns`.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple, Union

from . import _quick, err
from . import _thrift as thrift
from ._columns import RowSet
from ._results import (
    HEADER_FIELDS,
    BatchResult,
    Info,
    ItemOutcome,
    Limits,
    Result,
    ServiceError,
    ShardInfo,
    StepOutcome,
)
from ._rowsets import read_row_set
from ._thrift import I32, I64, LIST, STRING, STRUCT, Fields, Reader, list_of, malformed

__all__ = [
    "BatchResult",
    "Info",
    "ItemOutcome",
    "Limits",
    "Result",
    "RowSet",
    "ServiceError",
    "ShardInfo",
    "StepOutcome",
    "read_batch",
    "read_begin",
    "read_done",
    "read_execute",
    "read_info",
    "read_insert",
    "read_multi",
    "read_query",
]

_UINT64 = (1 << 64) - 1

# Of StepResult.
_DONE, _FAILED = 1, 2


# ------------------------------------------------------------------- results


def read_query(message: bytes, offset: int) -> Result:
    """The reply to `query`."""
    rows = _quick.query_rows(message, offset)
    if rows is not None:
        result = Result()
        # Into field 0 of the reply's struct, and field 1 of that.
        result._header = (message, offset + 6)
        result.rows = rows
        result.affected_rows = result.matched_rows = rows.row_count
        return result
    return _query_result(_returned(message, offset, _QUERY_REPLY))


def read_execute(message: bytes, offset: int) -> Result:
    """The reply to `execute`."""
    counts = _quick.execute_counts(message, offset)
    if counts is not None:
        result = Result()
        result._header = (message, offset + 6)
        result.affected_rows, insert_id, result.warning_count = counts[:3]
        result.insert_id = insert_id & _UINT64
        result.matched_rows, result.insert_count = counts[3:]
        return result
    return _execute_result(_returned(message, offset, _EXECUTE_REPLY))


def read_insert(message: bytes, offset: int) -> Result:
    """The reply to `insert`."""
    return _insert_result(_returned(message, offset, _INSERT_REPLY))


def read_batch(message: bytes, offset: int) -> BatchResult:
    """The reply to `batch`."""
    return _batch_result(_returned(message, offset, _BATCH_REPLY))


def read_multi(message: bytes, offset: int) -> List[ItemOutcome]:
    """The reply to `multi`: what became of each item, in their order."""
    outcomes: List[ItemOutcome] = _returned(message, offset, _MULTI_REPLY).get(2, [])
    return outcomes


def read_begin(message: bytes, offset: int) -> Tuple[str, int, int]:
    """The reply to `begin_transaction`: its token, idle_timeout_ms and timeout_ms."""
    values = _returned(message, offset, _BEGIN_REPLY)
    token = values.get(2)
    if not token:
        malformed("a transaction has no name")
    return token, values.get(3, 0), values.get(4, 0)


def read_done(message: bytes, offset: int) -> None:
    """The reply to `ping`, `commit_transaction` and `rollback_transaction`."""
    _returned(message, offset, _DONE_REPLY)


def read_info(message: bytes, offset: int) -> Info:
    """The reply to `info`."""
    return Info(_returned(message, offset, _INFO_REPLY))


def _returned(message: bytes, offset: int, fields: Fields) -> Dict[int, Any]:
    """The fields of what a function returned."""
    values, end = thrift.read_struct(message, offset, fields)
    if end != len(message):
        malformed(f"{len(message) - end} bytes follow its end")
    returned: Optional[Dict[int, Any]] = values.get(0)
    if returned is not None:
        return returned
    error = values.get(1)
    if error is None:
        malformed("it holds neither a result nor an error")
    raise err.from_service(error)


def _struct(fields: Fields) -> Reader:
    def read(message: bytes, offset: int) -> Tuple[Any, int]:
        return thrift.read_struct(message, offset, fields)

    return read


def _made(make: Any, fields: Fields) -> Reader:
    def read(message: bytes, offset: int) -> Tuple[Any, int]:
        values, offset = thrift.read_struct(message, offset, fields)
        return make(values), offset

    return read


def _query_result(values: Dict[int, Any]) -> Result:
    result = Result()
    result._header = values.get(1, {})
    rows: Optional[RowSet] = values.get(2)
    if rows is None:
        malformed("a query's result has no rows")
    result.rows = rows
    result.affected_rows = result.matched_rows = rows.row_count
    result.warning_count = values.get(3, 0)
    result.warnings = values.get(4, ())
    return result


def _execute_result(values: Dict[int, Any]) -> Result:
    get = values.get
    result = Result()
    result._header = get(1, {})
    result.affected_rows = get(2, 0)
    result.insert_id = get(3, 0) & _UINT64
    result.warning_count = get(4, 0)
    result.rows = get(5)
    result.warnings = get(6, ())
    result.more_rows = get(7, ())
    result.matched_rows = get(8, result.affected_rows)
    result.insert_count = get(9, 0)
    return result


def _insert_result(values: Dict[int, Any]) -> Result:
    get = values.get
    result = Result()
    result._header = get(1, {})
    result.affected_rows = result.matched_rows = get(2, 0)
    result.insert_id = get(3, 0) & _UINT64
    result.statements = get(4, 0)
    result.warning_count = get(5, 0)
    result.warnings = get(6, ())
    result.insert_count = get(7, 0)
    return result


def _batch_result(values: Dict[int, Any]) -> BatchResult:
    result = BatchResult([step for (step,) in values.get(2, ())], values.get(3, 0))
    result._header = values.get(1, {})
    return result


def _step_outcome(values: Dict[int, Any]) -> Tuple[StepOutcome]:
    """In a tuple, since None is an outcome."""
    status = values.get(1)
    if status == _DONE and 2 in values:
        return (values[2],)
    if status == _FAILED and 3 in values:
        return (err.from_service(values[3]),)
    if status in (None, _DONE, _FAILED):
        malformed("a step of a batch has neither a result nor an error")
    return (None,)


def _item_outcome(values: Dict[int, Any]) -> ItemOutcome:
    for number in (2, 3, 4, 5):
        if number in values:
            outcome: Union[Result, BatchResult] = values[number]
            return outcome
    if 1 not in values:
        malformed("an item of a multi has neither a result nor an error")
    return err.from_service(values[1])


def _warning(values: Dict[int, Any]) -> Tuple[str, int, str]:
    return values.get(1, ""), values.get(2, 0), values.get(3, "")


# ------------------------------------------------------------------- structs

_text = (STRING, thrift.read_text)
_i32 = (I32, thrift.read_i32)
_i64 = (I64, thrift.read_i64)
_bool = (thrift.BOOL, thrift.read_bool)

_ROWS = (STRUCT, read_row_set)
_WARNINGS = (LIST, list_of(STRUCT, _made(_warning, {1: _text, 2: _i32, 3: _text})))
_HEADER = (STRUCT, _struct(HEADER_FIELDS))
_ERROR = (
    STRUCT,
    _made(
        ServiceError,
        {
            **dict.fromkeys((1, 2, 3, 5, 8, 12, 15), _i32),
            **dict.fromkeys((4, 6, 7, 9), _text),
            **dict.fromkeys((10, 11, 13, 14), _i64),
        },
    ),
)
_QUERY: Fields = {1: _HEADER, 2: _ROWS, 3: _i32, 4: _WARNINGS}
_EXECUTE: Fields = {
    1: _HEADER,
    2: _i64,
    3: _i64,
    4: _i32,
    5: _ROWS,
    6: _WARNINGS,
    7: (LIST, list_of(STRUCT, read_row_set)),
    8: _i64,
    9: _i64,
}
_INSERT: Fields = {1: _HEADER, 2: _i64, 3: _i64, 4: _i32, 5: _i32, 6: _WARNINGS, 7: _i64}
_STEP: Fields = {1: _i32, 2: (STRUCT, _made(_execute_result, _EXECUTE)), 3: _ERROR}
_BATCH: Fields = {1: _HEADER, 2: (LIST, list_of(STRUCT, _made(_step_outcome, _STEP))), 3: _i32}
_OUTCOME: Fields = {
    1: _ERROR,
    2: (STRUCT, _made(_query_result, _QUERY)),
    3: (STRUCT, _made(_execute_result, _EXECUTE)),
    4: (STRUCT, _made(_insert_result, _INSERT)),
    5: (STRUCT, _made(_batch_result, _BATCH)),
}
_MULTI: Fields = {1: _HEADER, 2: (LIST, list_of(STRUCT, _made(_item_outcome, _OUTCOME)))}
_SHARD: Fields = {
    **dict.fromkeys((2, 5, 6, 7, 8), _i32),
    **dict.fromkeys((1, 4), _text),
    3: _bool,
}
_INFO: Fields = {
    1: _HEADER,
    2: _text,
    3: _text,
    4: (LIST, list_of(STRING, thrift.read_text)),
    5: (STRUCT, _made(Limits, dict.fromkeys(range(1, 12), _i32))),
    6: (LIST, list_of(STRUCT, _made(ShardInfo, _SHARD))),
}


def _reply(returned: Fields) -> Fields:
    return {0: (STRUCT, _struct(returned)), 1: _ERROR}


_QUERY_REPLY = _reply(_QUERY)
_EXECUTE_REPLY = _reply(_EXECUTE)
_INSERT_REPLY = _reply(_INSERT)
_BATCH_REPLY = _reply(_BATCH)
_MULTI_REPLY = _reply(_MULTI)
_BEGIN_REPLY = _reply({1: _HEADER, 2: _text, 3: _i32, 4: _i32})
_DONE_REPLY = _reply({1: _HEADER})
_INFO_REPLY = _reply(_INFO)
