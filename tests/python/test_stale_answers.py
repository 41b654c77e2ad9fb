"""Clients that give up on their socket and go on with it: the generated client
sends sequence id 0 and never checks it, and its socket does not close when it times
out, so that only the service can keep an old answer from a new question."""

import time

import pytest
from thrift.transport.TTransport import TTransportException

from columns import only
from errors import assert_error, caught
from forebay_thrift.ttypes import ErrorCode, Outcome
from messages import PROTOCOLS, RawSession, call, frame
from processes import wait_until_gone
from wires import WIRES, Session

PATIENCE_MS = 150


def give_up(session, sql, **options):
    """Asks for what takes longer than the client waits."""
    session.socket.setTimeout(PATIENCE_MS)
    with pytest.raises(TTransportException) as info:
        session.run_query("users", sql, **options)
    assert info.value.type == TTransportException.TIMED_OUT
    session.socket.setTimeout(20_000)


def assert_closed(ask):
    """The session is closed rather than answered, and at once."""
    began = time.monotonic()
    with pytest.raises(TTransportException) as info:
        answer = ask()
        pytest.fail(f"an answer, which is somebody else's: {answer}")
    assert info.value.type != TTransportException.TIMED_OUT
    # Sooner than the first one is over.
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_client_that_goes_on_is_not_given_the_last_answer(service, database, wire):
    mark = f"given_up_{wire}".replace("-", "_")
    with Session(service.port, wire) as session:
        give_up(session, f"SELECT SLEEP(10) AS {mark}", timeout_ms=20_000)
        assert_closed(lambda: session.run_query("users", "SELECT 'next'"))
    # Nobody wants what it has asked for.
    wait_until_gone(database, f"SELECT SLEEP(10) AS {mark}")
    with Session(service.port, wire) as session:
        assert only(session.run_query("users", "SELECT 'anew'").rows) == "anew"


@pytest.mark.parametrize("function", ["query", "execute", "insert", "batch", "multi", "ping", "info", "begin"])
def test_whatever_it_goes_on_with(service, new_table, function):
    from asking import query_request, step
    from forebay_thrift.ttypes import InfoRequest, PingRequest

    table = new_table("users", "n INT PRIMARY KEY")
    write = f"INSERT INTO {table} VALUES (1)"
    ask = {
        "query": lambda session: session.run_query("users", "SELECT 1"),
        "execute": lambda session: session.run_execute("users", write),
        "insert": lambda session: session.run_insert("users", table, ["n"], [[1]]),
        "batch": lambda session: session.run_batch("users", step(write)),
        "multi": lambda session: session.run_multi(query_request("users", "SELECT 1")),
        "ping": lambda session: session.ping(PingRequest()),
        "info": lambda session: session.info(InfoRequest()),
        "begin": lambda session: session.begin("users"),
    }[function]
    with Session(service.port) as session:
        give_up(session, "SELECT SLEEP(10)", timeout_ms=20_000)
        assert_closed(lambda: ask(session))
    with Session(service.port) as other:
        # Nor was it run.
        assert only(other.run_query("users", f"SELECT COUNT(*) FROM {table}").rows) == 0


def test_client_that_gives_up_in_a_transaction(service, new_table):
    table = new_table("users", "n INT PRIMARY KEY")
    with Session(service.port) as session:
        token = session.begin("users")
        session.run_execute("users", f"INSERT INTO {table} VALUES (1)", transaction=token)
        give_up(session, "SELECT SLEEP(10)", transaction=token, timeout_ms=20_000)
        assert_closed(lambda: session.commit(token))
    with Session(service.port) as other:
        # Rolled back with its session: the row's lock is gone, and so is the row.
        sql = f"INSERT INTO {table} VALUES (1)"
        assert other.run_execute("users", sql, timeout_ms=10_000).affected_rows == 1


def test_answers_of_one_session_stay_in_step(service):
    """Many quick ones, with the same sequence id throughout."""
    with Session(service.port) as session:
        for number in range(300):
            header_and_rows = session.run_query("users", "SELECT ?", [number], request_id=f"r{number}")
            assert only(header_and_rows.rows) == number
            assert header_and_rows.header.request_id == f"r{number}"


@pytest.mark.parametrize("protocol_name", PROTOCOLS)
@pytest.mark.parametrize("framed", [True, False], ids=["framed", "unframed"])
def test_same_sequence_id_twice_closes_the_session(service, protocol_name, framed):
    from asking import query_request

    def request(sql, sequence_id):
        message = call(protocol_name, "query", query_request("users", sql, timeout_ms=20_000), sequence_id)
        return frame(message) if framed else message

    with RawSession(service.port) as raw:
        raw.send(request("SELECT SLEEP(10)", 7))
        time.sleep(0.1)
        raw.send(request("SELECT 'next'", 7))
        assert raw.receive_until_close() == b""
    with RawSession(service.port) as raw:
        raw.send(request("SELECT SLEEP(0.2) AS first", 7))
        time.sleep(0.1)
        raw.send(request("SELECT 'second'", 8))
        received = b""
        while b"second" not in received:
            data = raw.socket.recv(65536)
            assert data, received
            received += data
        assert received.index(b"first") < received.index(b"second")


def test_answer_comes_within_the_timeout_and_the_grace(service):
    """The contract for a socket's timeout: an answer, or the end of the session."""
    with Session(service.port) as session:
        for timeout_ms in (1, 20, 200):
            # As the contract says, and something for a busy machine.
            session.socket.setTimeout(timeout_ms + 250 + 5_000)
            for _ in range(5):
                try:
                    error = caught(session.run_query, "users", "SELECT SLEEP(10)", timeout_ms=timeout_ms)
                except TTransportException as closed:
                    assert closed.type != TTransportException.TIMED_OUT
                    session.transport.close()
                    session.transport.open()
                    continue
                assert error.code in (ErrorCode.DEADLINE_EXCEEDED, ErrorCode.QUEUE_TIMEOUT)
                assert_error(error, error.code, outcome=Outcome.NOT_APPLIED)
