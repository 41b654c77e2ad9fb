"""Requests of batch, multi and transactions that are wrong in themselves: each is
refused by the name of what is wrong, before anything is done, and the session
goes on."""

import random

import pytest

from asking import (
    batch_request,
    execute_request,
    id_of_step,
    insert_request,
    item,
    multi_request,
    query_request,
    statement,
    step,
)
from columns import only
from errors import assert_error, caught, code_name
from forebay_thrift.ttypes import (
    BatchMode,
    BatchRequest,
    BatchStep,
    BeginRequest,
    CommitRequest,
    DataError,
    ErrorCode,
    InfoRequest,
    InsertRequest,
    MultiItem,
    MultiRequest,
    Options,
    PingRequest,
    QueryRequest,
    RollbackRequest,
    Statement,
    StepCondition,
    Value,
)
from messages import RawSession, binary_begin, call, compact_begin, frame, is_refusal, parse_reply

ONE = step("SELECT 1")
HAD = StepCondition.HAD_ROWS


def raw_step(**fields):
    return BatchStep(statement("INSERT INTO t VALUES (?)"), **fields)


ROW = [Value(int64=1)]

# The steps, and a word of the refusal.
WRONG_STEPS = {
    "no steps": ([], "steps"),
    "nothing in a step": ([ONE, BatchStep()], "statement"),
    "no sql": ([ONE, BatchStep(Statement())], "sql"),
    "empty sql": ([ONE, step("")], "sql"),
    "two statements": ([ONE, step("SELECT 1; SELECT 2")], ";"),
    "too few parameters": ([ONE, step("SELECT ?", [])], "param"),
    "params and param_rows": ([ONE, BatchStep(statement("SELECT ?", [1]), param_rows=[ROW])], "named_params"),
    "named_params and param_rows": (
        [ONE, BatchStep(statement("SELECT :a", {"a": 1}), param_rows=[ROW])],
        "named_params",
    ),
    "param_rows and named_param_rows": (
        [ONE, raw_step(param_rows=[ROW], named_param_rows=[{"a": Value(int64=1)}])],
        "named_param_rows",
    ),
    "no param_rows": ([ONE, raw_step(param_rows=[])], "param_rows"),
    "no named_param_rows": ([ONE, raw_step(named_param_rows=[])], "named_param_rows"),
    "condition of the first": ([step("SELECT 1", when=HAD)], "condition"),
    "condition of itself": ([ONE, step("SELECT 1", when=HAD, of_step=1)], "condition_step"),
    "condition of a later one": ([ONE, step("SELECT 1", when=HAD, of_step=2), ONE], "condition_step"),
    "condition of a negative one": ([ONE, step("SELECT 1", when=HAD, of_step=-1)], "condition_step"),
    "unknown condition": ([ONE, step("SELECT 1", when=9)], "condition"),
    "condition_step alone": ([ONE, step("SELECT 1", of_step=0)], "condition"),
    "id of itself": ([ONE, step("SELECT ?", [id_of_step(1)])], "insert_id_of_step"),
    "id of a later one": ([ONE, step("SELECT ?", [id_of_step(2)]), ONE], "insert_id_of_step"),
    "id of a negative one": ([ONE, step("SELECT ?", [id_of_step(-1)])], "insert_id_of_step"),
    "id of a later one in a list": ([ONE, step("SELECT 1 IN (?)", [[1, id_of_step(7)]])], "insert_id_of_step"),
    "id of a later one in a row": ([ONE, raw_step(param_rows=[ROW, [id_of_step(7)]])], "insert_id_of_step"),
    "id of a later one by name": ([ONE, step("SELECT :a", {"a": id_of_step(7)})], "insert_id_of_step"),
    "NaN": ([ONE, step("SELECT ?", [float("nan")])], "NaN"),
}


@pytest.mark.parametrize("steps, word", WRONG_STEPS.values(), ids=WRONG_STEPS)
def test_wrong_steps(usual_session, backend, steps, word):
    for mode in (BatchMode.ATOMIC, BatchMode.EACH):
        request = batch_request(backend.users, *steps, mode=mode)
        try:
            result = usual_session.batch(request)
        except DataError as error:
            refusal = error
            assert error.item in (1, None) or len(steps) == 1
        else:
            # What only a look into the statement shows is its step's own failure.
            assert mode == BatchMode.EACH
            assert [code_name(one.error) for one in result.steps][:2] == [None, "INVALID_ARGUMENT"]
            refusal = result.steps[1].error
        assert_error(refusal, ErrorCode.INVALID_ARGUMENT, word)
    # In a multi it is the item's own failure.
    wrong, fine = usual_session.run_multi(batch_request(backend.users, *steps), query_request(backend.users, "SELECT 1"))
    assert_error(wrong.error, ErrorCode.INVALID_ARGUMENT, word)
    assert only(fine.query.rows) == 1
    assert only(usual_session.run_query(backend.users, "SELECT 'goes on'").rows) == "goes on"


def test_wrong_modes_and_too_many_steps(usual_session, backend):
    limit = usual_session.info(InfoRequest()).limits.batch_steps_max
    error = caught(usual_session.run_batch, backend.users, *[ONE] * (limit + 1))
    assert_error(error, ErrorCode.INVALID_ARGUMENT, "batch_steps_max", str(limit))
    full = usual_session.run_batch(backend.users, *[ONE] * limit, timeout_ms=20_000)
    assert [only(one.result.rows) for one in full.steps] == [1] * limit
    for mode in (0, 4, -1):
        error = caught(usual_session.run_batch, backend.users, ONE, mode=mode)
        assert_error(error, ErrorCode.INVALID_ARGUMENT, "mode")
    error = caught(usual_session.batch, BatchRequest(backend.users))
    assert_error(error, ErrorCode.INVALID_ARGUMENT, "steps")
    assert caught(usual_session.batch, BatchRequest()).outcome == 1


OUTSIDE_A_BATCH = {
    "query": lambda value: query_request("users", "SELECT ?", [value]),
    "execute": lambda value: execute_request("users", "SELECT ?", [value]),
    "insert": lambda value: insert_request("users", "t", ["n"], [[value]]),
}


@pytest.mark.parametrize("function", OUTSIDE_A_BATCH)
def test_id_of_a_step_outside_of_a_batch(usual_session, function):
    values = [id_of_step(0)] if function == "insert" else [id_of_step(0), Value(items=[id_of_step(0)])]
    for value in values:
        request = OUTSIDE_A_BATCH[function](value)
        error = caught(getattr(usual_session, function), request)
        assert_error(error, ErrorCode.INVALID_ARGUMENT, "insert_id_of_step")
        (outcome,) = usual_session.run_multi(item(request))
        assert_error(outcome.error, ErrorCode.INVALID_ARGUMENT, "insert_id_of_step")


QUERY = query_request("users", "SELECT 1")
WRONG_ITEMS = {
    "nothing": MultiItem(),
    "query and execute": MultiItem(query=QUERY, execute=execute_request("users", "SELECT 1")),
    "insert and batch": MultiItem(
        insert=insert_request("users", "t", ["n"], [[1]]), batch=batch_request("users", ONE)
    ),
    "empty query": MultiItem(query=QueryRequest()),
    "empty insert": MultiItem(insert=InsertRequest("users")),
    "empty batch": MultiItem(batch=BatchRequest("users")),
    "wrong options": item(query_request("users", "SELECT 1", timeout_ms=0)),
}


@pytest.mark.parametrize("wrong", WRONG_ITEMS.values(), ids=WRONG_ITEMS)
def test_wrong_item_fails_alone(usual_session, wrong):
    first, second, third = usual_session.run_multi(QUERY, wrong, QUERY)
    assert only(first.query.rows) == only(third.query.rows) == 1
    assert_error(second.error, ErrorCode.INVALID_ARGUMENT)


def test_wrong_multis(usual_session):
    for request in (MultiRequest(), multi_request(), MultiRequest([])):
        assert_error(caught(usual_session.multi, request), ErrorCode.INVALID_ARGUMENT, "items")
    for policy in (0, 3, -1):
        error = caught(usual_session.multi, multi_request(QUERY, policy=policy))
        assert_error(error, ErrorCode.INVALID_ARGUMENT, "policy")
    for options in ({"timeout_ms": 0}, {"max_rows": -1}, {"request_id": "x" * 129}, {"warnings_max": 1001}):
        error = caught(usual_session.multi, multi_request(QUERY, **options))
        assert_error(error, ErrorCode.INVALID_ARGUMENT, next(iter(options)))
    assert only(usual_session.run_multi(QUERY)[0].query.rows) == 1


WITHOUT_USE = {
    "info": lambda session, options: session.info(InfoRequest(options)),
    "begin_transaction": lambda session, options: session.begin_transaction(BeginRequest("users", options=options)),
    "multi": lambda session, options: session.multi(MultiRequest([item(QUERY)], options=options)),
}


@pytest.mark.parametrize("function", WITHOUT_USE)
def test_transaction_where_it_is_of_no_use(usual_session, function):
    transaction = usual_session.begin("users")
    error = caught(WITHOUT_USE[function], usual_session, Options(transaction=transaction))
    assert_error(error, ErrorCode.INVALID_ARGUMENT, "transaction")
    usual_session.rollback(transaction)
    # It is of no use whether it is known or not.
    error = caught(WITHOUT_USE[function], usual_session, Options(transaction=transaction))
    assert code_name(error) in ("INVALID_ARGUMENT", "TRANSACTION_NOT_FOUND")


@pytest.mark.parametrize("token", ["", None])
def test_transaction_that_is_not_named(usual_session, token):
    options = Options(transaction=token)
    for call, request in (
        (usual_session.commit_transaction, CommitRequest(options)),
        (usual_session.rollback_transaction, RollbackRequest(options)),
    ):
        error = caught(call, request)
        assert code_name(error) in ("INVALID_ARGUMENT", "TRANSACTION_NOT_FOUND")
        assert error.outcome == 1


def test_ping_in_a_transaction_that_is_not_there(usual_session):
    error = caught(usual_session.ping, PingRequest("users", Options(transaction="x")))
    assert_error(error, ErrorCode.TRANSACTION_NOT_FOUND)


def test_missing_request_of_every_function(service, usual_session):
    functions = ("batch", "multi", "begin_transaction", "commit_transaction", "rollback_transaction")
    for protocol, begin in (("binary", binary_begin), ("compact", compact_begin)):
        with RawSession(service.port) as raw:
            for function in functions:
                raw.send(frame(begin(function) + bytes(1)))
                assert is_refusal(parse_reply(protocol, raw.receive_frame())[1]), function
    assert only(usual_session.run_query("users", "SELECT 1").rows) == 1


def good_messages(protocol):
    steps = step("SELECT ?", [1]), step("SELECT ?", when=HAD, of_step=0, param_rows=[[1], [id_of_step(0)]])
    batch = batch_request("users", *steps, mode=BatchMode.EACH, request_id="r", warnings_max=3)
    return [
        call(protocol, "batch", batch),
        call(protocol, "multi", multi_request(QUERY, batch, query_request("users_lite", "SELECT ?", [2.5]))),
        call(protocol, "begin_transaction", BeginRequest("users_lite", 4, True, Options(timeout_ms=500))),
        call(protocol, "commit_transaction", CommitRequest(Options(transaction="abc"))),
    ]


@pytest.mark.parametrize("protocol", ["binary", "compact"])
def test_good_messages_with_changed_bytes(service, usual_session, protocol):
    """Statements that read only: a changed byte must not become a harmful one."""
    chance = random.Random(23)
    for good in good_messages(protocol):
        with RawSession(service.port) as raw:
            raw.send(frame(good))
            assert parse_reply(protocol, raw.receive_frame())[0] == 1
        for _ in range(150):
            message = bytearray(good)
            for _ in range(chance.randrange(1, 4)):
                message[chance.randrange(len(message))] = chance.randrange(256)
            with RawSession(service.port) as raw:
                raw.send(frame(bytes(message)))
                raw.end_sending()
                raw.receive_until_close()
    assert service.is_running(), service.log()
    assert only(usual_session.run_query("users", "SELECT 1", timeout_ms=10_000).rows) == 1
    usual_session.rollback(usual_session.begin("users_lite", timeout_ms=10_000))
