"""The exceptions are PyMySQL's: by their names, numbers, attributes and copies."""

from __future__ import annotations

import copy
import pickle
import types

import pymysql.charset
import pymysql.constants.CLIENT
import pymysql.constants.COMMAND
import pymysql.constants.CR
import pymysql.constants.ER
import pymysql.constants.FIELD_TYPE
import pymysql.constants.FLAG
import pymysql.constants.SERVER_STATUS
import pymysql.converters
import pymysql.err
import pymysql.times
import pytest

import forebay.charset
import forebay.converters
import forebay.times
from forebay import err
from forebay._replies import ServiceError
from forebay.constants import CLIENT, COMMAND, CR, ER, FIELD_TYPE, FLAG, SERVER_STATUS

CONSTANTS = [CLIENT, COMMAND, CR, ER, FIELD_TYPE, FLAG, SERVER_STATUS]
CLASSES = [
    "Warning",
    "Error",
    "InterfaceError",
    "DatabaseError",
    "DataError",
    "OperationalError",
    "IntegrityError",
    "InternalError",
    "ProgrammingError",
    "NotSupportedError",
    "MySQLError",
]


def names(module):
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }


@pytest.mark.parametrize("module", CONSTANTS, ids=lambda module: module.__name__.split(".")[-1])
def test_constants_are_pymysqls(module):
    theirs = getattr(pymysql.constants, module.__name__.split(".")[-1])
    assert names(module) == names(theirs)


@pytest.mark.parametrize("module", ["err", "converters", "times", "charset"])
def test_every_public_name_of_pymysqls_module_is_here(module):
    theirs, ours = getattr(pymysql, module), getattr(forebay, module)
    missing = names(theirs).keys() - names(ours).keys()
    assert not missing


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_has_the_ancestors_that_it_has_in_pymysql(name):
    def ancestors(module):
        return [kind.__name__ for kind in getattr(module, name).__mro__]

    assert ancestors(err) == ancestors(pymysql.err)


def packet(errno, message, sqlstate):
    state = b"#" + sqlstate.encode() if sqlstate else b""
    return b"\xff" + errno.to_bytes(2, "little") + state + message.encode()


def raised(function, *args):
    with pytest.raises(Exception) as caught:
        function(*args)
    return caught.value


@pytest.mark.parametrize("sqlstate", ["HY000", ""])
def test_the_same_number_has_the_same_class(sqlstate):
    for errno in range(1, 5001):
        data = packet(errno, "Wörter", sqlstate)
        theirs = raised(pymysql.err.raise_mysql_exception, data)
        from_packet = raised(err.raise_mysql_exception, data)
        from_service = err.from_service(service_error(6, errno, sqlstate, message="Wörter"))
        for ours in (from_packet, from_service):
            assert type(ours).__name__ == type(theirs).__name__, errno
            assert ours.args == theirs.args == (errno, "Wörter")
            assert ours.sqlstate == theirs.sqlstate == (sqlstate or None)
            assert str(ours) == str(theirs)
        assert err.error_map.get(errno) is getattr(
            err, getattr(pymysql.err.error_map.get(errno), "__name__", ""), None
        )


def service_error(code, errno=0, sqlstate="", message="why, and what to do"):
    return ServiceError(
        {
            1: code,
            2: 1,
            3: 2,
            4: message,
            5: errno,
            6: sqlstate,
            7: "users",
            8: 4,
            9: "request-7",
            10: 65_535,
            11: 65_536,
            12: 3,
            15: 2,
        }
    )


SERVICE_ERRORS = [
    (1, "INVALID_ARGUMENT", err.ProgrammingError, 1210),
    (2, "UNKNOWN_SHARD", err.OperationalError, 1049),
    (3, "UNAUTHENTICATED", err.OperationalError, 1045),
    (4, "PERMISSION_DENIED", err.OperationalError, 1142),
    (5, "STATEMENT_NOT_ALLOWED", err.NotSupportedError, 1235),
    (6, "SQL_ERROR", err.OperationalError, 1105),
    (7, "DUPLICATE_KEY", err.IntegrityError, 1062),
    (8, "CONSTRAINT", err.IntegrityError, 1452),
    (9, "DATA_ERROR", err.DataError, 1366),
    (10, "DEADLOCK", err.OperationalError, 1213),
    (11, "LOCK_TIMEOUT", err.OperationalError, 1205),
    (12, "QUEUE_FULL", err.OperationalError, 1040),
    (13, "QUEUE_TIMEOUT", err.OperationalError, 3024),
    (14, "DEADLINE_EXCEEDED", err.OperationalError, 3024),
    (15, "CANCELLED", err.OperationalError, 1317),
    (16, "REQUEST_TOO_LARGE", err.OperationalError, 1153),
    (17, "RESULT_TOO_LARGE", err.OperationalError, 1104),
    (18, "SHARD_UNAVAILABLE", err.OperationalError, 2003),
    (19, "SHARD_READ_ONLY", err.OperationalError, 1290),
    (20, "CONNECTION_LOST", err.OperationalError, 2013),
    (21, "TRANSACTION_NOT_FOUND", err.OperationalError, 1213),
    (22, "TRANSACTION_ABORTED", err.OperationalError, 1213),
    (23, "TRANSACTION_EXPIRED", err.OperationalError, 1213),
    (24, "DRAINING", err.OperationalError, 1053),
    (25, "INTERNAL", err.InternalError, 1105),
    (99, "99", err.InternalError, 1105),
]


@pytest.mark.parametrize(("code", "name", "kind", "errno"), SERVICE_ERRORS)
def test_an_error_of_the_service_has_a_class_and_tells_all_it_knows(code, name, kind, errno):
    made = err.from_service(service_error(code))
    assert type(made) is kind
    assert made.args == (errno, "why, and what to do")
    assert made.code == name
    assert (made.outcome, made.retry, made.phase) == ("NOT_APPLIED", "AT_ONCE", "EXECUTE")
    assert (made.shard, made.request_id) == ("users", "request-7")
    assert (made.limit, made.seen, made.item, made.attempts) == (65_535, 65_536, 3, 2)
    assert made.sqlstate is None


def test_the_codes_are_those_of_the_contract():
    from forebay_thrift.ttypes import ErrorCode, Outcome, Phase, Retry

    known = {name: number for number, (name, _, _) in err._CODES.items()}
    assert known == ErrorCode._NAMES_TO_VALUES
    for enumeration, ours in [
        (Outcome, err._OUTCOMES),
        (Retry, err._RETRIES),
        (Phase, err._PHASES),
    ]:
        assert ours == enumeration._VALUES_TO_NAMES


@pytest.mark.parametrize(
    ("code", "result_code", "kind", "errno"),
    [
        (7, 2067, err.IntegrityError, 1062),
        (7, 1555, err.IntegrityError, 1062),
        (8, 787, err.IntegrityError, 1452),
        (8, 1299, err.IntegrityError, 1048),
        (8, 275, err.OperationalError, 4025),
        (8, 1811, err.IntegrityError, 1452),
        (9, 20, err.DataError, 1366),
        (11, 5, err.OperationalError, 1205),
        (6, 1, err.OperationalError, 1105),
    ],
)
def test_an_error_of_sqlite_has_mysqls_number_for_the_same(code, result_code, kind, errno):
    made = err.from_service(service_error(code, -result_code))
    assert (type(made), made.args[0]) == (kind, errno)


def test_what_is_not_the_services_error_has_no_such_attributes():
    made = err.OperationalError(2013, "Lost connection")
    assert made.sqlstate is None
    for name in "code outcome retry shard phase request_id limit seen item attempts".split():
        assert getattr(made, name) is None
    assert err.Error("text", sqlstate="HY000").sqlstate == "HY000"


@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        *(
            lambda value, protocol=protocol: pickle.loads(pickle.dumps(value, protocol))
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
        ),
    ],
)
def test_copies_of_an_exception_are_the_same(copied):
    for original in (
        err.from_service(service_error(14, 0)),
        err.from_service(service_error(7, 1062, "23000")),
        err.ParameterError("not enough arguments for format string"),
        err.Warning("truncated"),
        err.InterfaceError(0, ""),
    ):
        made = copied(original)
        assert type(made) is type(original)
        assert made.args == original.args
        assert vars(made) == vars(original)


def test_a_parameter_error_is_a_programming_error_and_a_type_error():
    assert issubclass(err.ParameterError, (err.ProgrammingError,))
    assert issubclass(err.ParameterError, TypeError)


def test_charsets_are_found_as_in_pymysql():
    ours, theirs = forebay.charset, pymysql.charset
    known = theirs._charsets._by_id
    assert ours._charsets._by_id.keys() == known.keys()
    for number, theirs_of_it in known.items():
        found = ours.charset_by_id(number)
        assert repr(found) == repr(theirs_of_it)
        for name in ("id", "name", "collation", "is_default", "encoding", "is_binary"):
            assert getattr(found, name) == getattr(theirs_of_it, name)
    for name in ["utf8", "UTF8MB4", "nothing", *(item.name for item in known.values())]:
        assert repr(ours.charset_by_name(name)) == repr(theirs.charset_by_name(name))
    with pytest.raises(KeyError):
        ours.charset_by_id(0)


def test_times_are_pymysqls():
    for name in ("Date", "Time", "TimeDelta", "Timestamp"):
        assert getattr(forebay.times, name) is getattr(pymysql.times, name)
    for name in ("DateFromTicks", "TimeFromTicks", "TimestampFromTicks"):
        for ticks in (0, 1, 1_700_000_000.75, 2**31, 86_399.999):
            assert getattr(forebay.times, name)(ticks) == getattr(pymysql.times, name)(ticks)
