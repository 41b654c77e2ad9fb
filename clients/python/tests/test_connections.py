"""Connections: arguments, methods and errors, the same as PyMySQL's where the
service has the same to give."""

from __future__ import annotations

import gc
import warnings

import pymysql
import pytest

import forebay
from same import attempt, both  # noqa: F401


def test_methods_after_close(both):
    calls = {
        "close": (),
        "commit": (),
        "rollback": (),
        "begin": (),
        "ping": (),
        "query": ("SELECT 1",),
        "select_db": ("test",),
        "set_character_set": ("utf8mb4",),
        "character_set_name": (),
        "cursor": (),
        "kill": (1,),
        "insert_id": (),
        "affected_rows": (),
        "get_host_info": (),
        "show_warnings": (),
    }

    def steps(connection, cursors):
        connection.close()
        seen = {}
        for name, arguments in calls.items():
            came = attempt(getattr(connection, name), *arguments)
            seen[name] = came if isinstance(came, (tuple, int, str)) else type(came).__name__
        return seen, connection.open

    theirs, ours = both.theirs(steps)[0], both.ours(steps)[0]
    # Kept from the last statement, and where the session was.
    for name in ("show_warnings", "get_host_info"):
        ours[0].pop(name), theirs[0].pop(name)
    assert ours == theirs
    assert ours[0]["close"] == ("raised", "Error", None)
    assert ours[0]["commit"] == ("raised", "InterfaceError", 0)


WRONG = [
    {"connect_timeout": 0},
    {"connect_timeout": -1},
    {"connect_timeout": 31536001},
    {"read_timeout": 0},
    {"read_timeout": -1},
    {"write_timeout": 0},
    {"port": "9090"},
    {"compress": True},
    {"named_pipe": True},
    {"charset": "no_such_charset"},
    {"no_such_argument": 1},
    {"database": "no_such_database"},
    {"init_command": "SELEC"},
    {"init_command": "SELECT * FROM no_such_table"},
]


@pytest.mark.parametrize("arguments", WRONG, ids=str)
def test_wrong_arguments(ours, theirs, arguments):
    here, there = attempt(lambda: ours(**arguments)), attempt(lambda: theirs(**arguments))
    if "charset" in arguments:
        assert here == ("raised", "NotSupportedError", 1235) and there[0] == "raised"
    else:
        assert here == there and here[0] == "raised"


@pytest.mark.parametrize(
    "arguments",
    [
        {"ssl": {"ca": "/no/such/file"}},
        {"ssl_ca": "/no/such/file"},
        {"ssl_verify_cert": True},
        {"ssl_verify_identity": True},
        {"ssl_cert": "a", "ssl_key": "b"},
    ],
    ids=str,
)
def test_tls_is_refused_with_a_remedy(ours, arguments):
    with pytest.raises(forebay.NotSupportedError, match="stunnel"):
        ours(**arguments)
    ours(**arguments, ssl_disabled=True).close()


def test_arguments_without_effect(ours):
    connection = ours(
        user="somebody",
        password="secret",
        local_infile=True,
        max_allowed_packet=5,
        auth_plugin_map={},
        binary_prefix=True,
        server_public_key=b"",
        program_name="tests",
        use_unicode=True,
        write_timeout=5,
        ssl=None,
    )
    assert connection.user == "somebody"
    connection.close()


def test_deprecated_names(ours, both):
    with pytest.warns(DeprecationWarning, match="'db' is deprecated"):
        connection = ours(database=None, db="test")
    assert connection.db == "test"
    with pytest.warns(DeprecationWarning, match="'passwd' is deprecated"):
        ours(passwd="x")
    assert ours(database=None, shard="users").db == "users"
    with pytest.raises(forebay.ProgrammingError, match="shard"):
        ours(shard="users")


def test_warnings_point_at_the_caller(ours):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        connection = ours()
        connection.ping(True)
        connection.set_charset("utf8")
        connection.literal("a")
    assert [warning.category for warning in caught] == [DeprecationWarning] * 3
    assert {warning.filename for warning in caught} == {__file__}


def test_option_file(ours, service, tmp_path):
    options = tmp_path / "my.cnf"
    options.write_text(
        f"[client]\nhost = 127.0.0.1\nport = {service.port}\ndatabase = users\nuser='joe'\n"
        "skip-name-resolve\n[other]\ndatabase=slave001\n"
    )
    given = {"host": None, "port": 0, "database": None, "read_default_file": str(options)}
    connection = ours(**given)
    assert (connection.db, connection.user, connection.port) == ("users", "joe", service.port)
    assert ours(**{**given, "read_default_group": "other", "host": "127.0.0.1",
                   "port": service.port}).db == "slave001"


def test_unix_socket(ours, service):
    with ours(host=None, port=0, unix_socket=str(service.socket_path)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
        assert connection.get_host_info() == "Localhost via UNIX socket"


def test_several_hosts(ours, service):
    with ours(host=f"127.0.0.1:1,127.0.0.1:{service.port}", port=2) as connection:
        connection.cursor().execute("SELECT 1")


def test_nobody_listens(ours):
    with pytest.raises(forebay.OperationalError, match="127.0.0.1:1") as raised:
        ours(port=1)
    assert raised.value.args[0] == 2003


def test_defer_connect(ours):
    connection = ours(defer_connect=True)
    assert not connection.open
    with pytest.raises(forebay.InterfaceError):
        connection.query("SELECT 1")
    connection.connect()
    assert connection.open and connection.query("SELECT 1") == 1


def test_connect_again_after_close(both):
    def steps(connection, cursors):
        connection.cursor().execute("INSERT INTO things (name) VALUES ('lost')")
        connection.close()
        connection.connect()
        return connection.open, connection.query("SELECT 1"), connection.get_autocommit()

    both.same(steps)


def test_ping(both):
    def steps(connection, cursors):
        seen = [connection.ping(), connection.ping(reconnect=True)]
        connection.close()
        seen += [attempt(connection.ping), attempt(connection.ping, False)]
        connection.ping(reconnect=True)
        return [*seen, connection.open]

    both.same(steps)


def test_no_database(ours):
    with ours(database=None) as connection:
        with pytest.raises(forebay.OperationalError) as raised:
            connection.query("SELECT 1")
        assert raised.value.args[0] == 1046
        connection.select_db("users")
        assert connection.query("SELECT 1") == 1


def test_query_and_its_counts(both):
    def steps(connection, cursors):
        seen = [connection.query("INSERT INTO things (name) VALUES ('a'), ('b')")]
        seen += [connection.insert_id(), connection.affected_rows()]
        seen += [connection.query("SELECT * FROM things"), connection.insert_id()]
        seen.append(connection.affected_rows())
        connection.commit()
        seen += [connection.insert_id(), connection.affected_rows()]
        seen.append(connection.query(b"DELETE FROM things WHERE name = 'a'"))
        return seen

    both.same(steps)


def test_attributes(both):
    def steps(connection, cursors):
        return (
            connection.charset, connection.character_set_name(), connection.use_unicode,
            connection.get_autocommit(), connection.autocommit_mode,
            connection.unix_socket, connection.cursorclass.__name__, connection.host,
            connection.max_allowed_packet, connection.get_proto_info(),
            # MariaDB says 5.5.5- first in its handshake, for replicas.
            connection.server_version.removeprefix("5.5.5-"),
            connection.get_server_info().removeprefix("5.5.5-"),
            sorted(str(key) for key in connection.encoders), sorted(connection.decoders),
            connection.client_flag & 0xFF & ~8, connection.sql_mode, connection.init_command,
        )

    both.same(steps)


def test_exceptions_are_attributes(ours):
    with ours() as connection:
        for name in ("Warning", "Error", "IntegrityError", "NotSupportedError", "InterfaceError"):
            assert getattr(connection, name) is getattr(forebay, name)


def test_converters_of_the_connection(both):
    def steps(connection, cursors):
        cursor = connection.cursor()
        cursor.execute("SELECT id, amount, name, NOW() > 0 FROM things ORDER BY id")
        return cursor.fetchall()

    conv = {**pymysql.converters.conversions, 3: lambda text: f"int {text}", 246: float}
    assert both.same(steps, conv=conv)[1][:2] == ("int 2", 2.5)
    conv = {**pymysql.converters.encoders}
    assert both.same(steps, conv=conv)[1][:3] == ("2", "2.50", "two")


def test_encoders_that_are_changed_later(both):
    def steps(connection, cursors):
        connection.encoders[int] = lambda value, mapping: str(value * 2)
        connection.encoders.pop(bytes)
        cursor = connection.cursor()
        cursor.execute("SELECT %s, %s", (21, b"x"))
        return cursor.fetchall(), cursor.mogrify("%s", (21,))

    assert both.same(steps)[1] == "42"


def test_init_command(both):
    def steps(connection, cursors):
        cursor = connection.cursor()
        cursor.execute("SELECT name FROM things WHERE id = 1")
        return cursor.fetchone()

    command = "UPDATE things SET name = 'changed' WHERE id = 1"
    assert both.same(steps, init_command=command, autocommit=True) == ("changed",)
    both.same(steps, init_command=command)


def test_sql_mode(ours, theirs):
    with theirs() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@sql_mode")
        (mode,) = cursor.fetchone()
    ours(sql_mode=mode).close()
    with pytest.raises(forebay.NotSupportedError, match="`sql_mode`"):
        ours(sql_mode="ANSI", autocommit=True)


def test_collation(ours):
    ours(collation="utf8mb4_general_ci").close()
    with pytest.raises(forebay.NotSupportedError, match="`collation`"):
        ours(collation="utf8mb4_icelandic_ci")


def test_thread_id_within_a_transaction(ours):
    with ours(autocommit=True) as connection, connection.cursor() as cursor:
        assert connection.thread_id() == 0
        connection.begin()
        cursor.execute("SELECT CONNECTION_ID()")
        assert cursor.fetchone() == (connection.thread_id(),)


@pytest.mark.parametrize("value", ["1", None, 1.5])
def test_kill_takes_a_number(both, value):
    assert both.same(lambda connection, cursors: connection.kill(value)) == (
        "raised", "TypeError", None
    )


@pytest.mark.parametrize("query", [None, 5, ["SELECT 1"], b"\xff\xfe"])
def test_a_statement_that_is_no_text(ours, query):
    with ours() as connection, connection.cursor() as cursor:
        with pytest.raises((TypeError, ValueError, forebay.ProgrammingError)):
            cursor.execute(query)
        cursor.execute("SELECT 1")


def test_statements_as_bytes_and_subclasses(both):
    class Text(str):
        pass

    def steps(connection, cursors):
        cursor = connection.cursor()
        seen = []
        for query in (b"SELECT 'b\xc3\xbc'", bytearray(b"SELECT 2"), Text("SELECT 3")):
            cursor.execute(query)
            seen.append(cursor.fetchone())
        return seen

    both.same(steps)


def test_time_limits(ours):
    with ours(read_timeout=0.3, autocommit=True) as connection, connection.cursor() as cursor:
        with pytest.raises(forebay.OperationalError) as raised:
            cursor.execute("SELECT SLEEP(30)")
        assert raised.value.args[0] == 3024
        assert raised.value.code == "DEADLINE_EXCEEDED"
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_max_rows(ours):
    with ours(max_rows=10) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT seq FROM seq_1_to_10")
        with pytest.raises(forebay.OperationalError) as raised:
            cursor.execute("SELECT seq FROM seq_1_to_11")
        assert raised.value.args[0] == 1104
        assert raised.value.limit == 10


def test_a_forgotten_connection_closes_silently(ours, service):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        connection = forebay.connect(host="127.0.0.1", port=service.port, database="test")
        connection.cursor().execute("SELECT 1")
        del connection
        gc.collect()


def test_errors_keep_no_cycle(ours):
    with ours() as connection, connection.cursor() as cursor:
        gc.collect()
        gc.disable()
        try:
            for _ in range(3):
                with pytest.raises(forebay.ProgrammingError):
                    cursor.execute("SELECT * FROM nowhere")
            assert gc.collect() < 60
        finally:
            gc.enable()


@pytest.mark.parametrize("seconds", [1e7, 1e300, float("inf")])
def test_a_time_longer_than_any(ours, seconds):
    cursor = ours(read_timeout=seconds).cursor()
    cursor.execute("SELECT 1")
    assert cursor.fetchone() == (1,)


def test_what_took_too_long_says_which_argument_allows_more(ours):
    cursor = ours(autocommit=True, read_timeout=0.1).cursor()
    with pytest.raises(forebay.OperationalError, match=r"100 ms .*read_timeout=") as raised:
        cursor.execute("SELECT SLEEP(3)")
    assert raised.value.args[0] == 3024
