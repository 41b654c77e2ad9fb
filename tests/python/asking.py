"""Short forms of the requests that the tests make."""

import datetime
import decimal

from forebay_thrift.ttypes import (
    BatchRequest,
    BatchStep,
    ExecuteRequest,
    InsertRequest,
    MultiItem,
    MultiRequest,
    Options,
    ParamStyle,
    QueryRequest,
    Statement,
    Value,
)

ITEM_MEMBERS = {
    QueryRequest: "query",
    ExecuteRequest: "execute",
    InsertRequest: "insert",
    BatchRequest: "batch",
}


def query_request(shard, sql, params=None, *, style=None, **options):
    return QueryRequest(shard, statement(sql, params, style), Options(**options))


def execute_request(shard, sql, params=None, *, style=None, **options):
    return ExecuteRequest(shard, statement(sql, params, style), Options(**options))


def insert_request(shard, table, columns, rows, *, options=None, **fields):
    return InsertRequest(shard, table, columns, values_of(rows), options=options, **fields)


def batch_request(shard, *steps, mode=None, **options):
    """`mode`: None is the default of the contract."""
    made = BatchRequest(shard, list(steps), options=Options(**options))
    if mode is not None:
        made.mode = mode
    return made


def multi_request(*items, policy=None, **options):
    """`items`: `MultiItem`s, or requests, each of which becomes one."""
    items = [one if isinstance(one, MultiItem) else item(one) for one in items]
    made = MultiRequest(items, options=Options(**options))
    if policy is not None:
        made.policy = policy
    return made


def item(request):
    """One item of a multi: the request in the member of its kind."""
    return MultiItem(**{ITEM_MEMBERS[type(request)]: request})


def step(sql, params=None, *, style=None, when=None, of_step=None, param_rows=None):
    """One step of a batch. `param_rows`: of sequences or of dicts; `when`: its
    `StepCondition`, which asks about `of_step`."""
    made = BatchStep(statement(sql, params, style), condition=when, condition_step=of_step)
    if param_rows and isinstance(param_rows[0], dict):
        made.named_param_rows = [{name: value(one) for name, one in row.items()} for row in param_rows]
    elif param_rows is not None:
        made.param_rows = values_of(param_rows)
    return made


def id_of_step(number):
    """The insert id that an earlier step of the batch has made."""
    return Value(insert_id_of_step=number)


def statement(sql, params=None, style=None):
    """`params`: None, a sequence or a dict, of Python values or of `Value`s."""
    made = Statement(sql=sql, param_style=style or ParamStyle.NATIVE)
    if isinstance(params, dict):
        made.named_params = {name: value(one) for name, one in params.items()}
    elif params is not None:
        made.params = [value(one) for one in params]
    return made


def values_of(rows):
    return [[value(one) for one in row] for row in rows]


def value(item):
    """The `Value` that holds a Python value."""
    match item:
        case Value():
            return item
        case None:
            return Value(is_null=True)
        case bool():
            return Value(boolean=item)
        case int() if item >= 1 << 63:
            return Value(uint64=item - (1 << 64))
        case int():
            return Value(int64=item)
        case float():
            return Value(float64=item)
        case decimal.Decimal():
            return Value(decimal=format(item, "f"))
        case str():
            return Value(text=item)
        case bytes():
            return Value(bytes=item)
        case datetime.date() | datetime.time():
            return Value(temporal=str(item))
        case list():
            return Value(items=[value(inner) for inner in item])
    raise TypeError(f"no Value holds a {type(item).__name__}")
