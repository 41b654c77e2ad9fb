"""Servers made by hand, for what a real one never does: they stop, cut, trickle, lie."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time

import pytest

#: What a stub says its limits are: 1,000 ms at most, 250 ms of grace.
LIMITS = {1: 1_000_000, 2: 1_000_000, 3: 1000, 4: 1000, 5: 1000, 6: 256, 7: 8, 8: 256, 11: 250}


def message(function, sequence_id, body, kind=2):
    """A frame with a message."""
    text = struct.pack(">HHi", 0x8001, kind, len(function)) + function
    text += struct.pack(">i", sequence_id) + body
    return struct.pack(">i", len(text)) + text


def limits_body(limits=LIMITS):
    """The reply to `info`: nothing but limits."""
    fields = b"".join(struct.pack(">bhi", 8, number, value) for number, value in limits.items())
    return b"\x0c\0\0" + b"\x0c\0\x05" + fields + b"\0" + b"\0" + b"\0"


#: The reply to `ping`.
PING_BODY = b"\x0c\0\0" + b"\0" + b"\0"


def replies_that_are_none(sequence_id):
    """To a `ping` of that number, each a parameter of a test."""
    replies = {
        "huge": struct.pack(">i", 2_000_000_000) + b"x" * 100,
        "negative": struct.pack(">i", -1) + b"x" * 100,
        "empty": struct.pack(">i", 0) + b"x" * 100,
        "http": b"HTTP/1.1 400 Bad Request\r\n\r\n",
        "stale": message(b"ping", 9999, PING_BODY),
        "other": message(b"info", sequence_id, PING_BODY),
        "two": message(b"ping", sequence_id, PING_BODY) * 2,
        "cut": message(b"ping", sequence_id, b"\x0c\0\0"),
        "kind": message(b"ping", sequence_id, b"", kind=7),
    }
    return [pytest.param(reply, id=name) for name, reply in replies.items()]


def read_call(connection):
    """(function, sequence id, body) of the next call; None at its end."""
    head = _read(connection, 4)
    if head is None:
        return None
    text = _read(connection, struct.unpack(">i", head)[0])
    (length,) = struct.unpack_from(">i", text, 4)
    function = text[8 : 8 + length]
    (sequence_id,) = struct.unpack_from(">i", text, 8 + length)
    return function, sequence_id, text[12 + length :]


def _read(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            return None
        data += more
    return data


class Stub:
    """Listens on a port of its own, and gives each connection to `serve`, in a thread.

    `serve(stub, connection)` answers as it likes; `info` it may leave to `answer`.
    """

    def __init__(self, serve):
        self._serve = serve
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        #: Functions of the calls that came, in order.
        self.calls = []
        self.connections = []
        self.ended = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection):
        with contextlib.suppress(OSError):
            self._serve(self, connection)

    def next_call(self, connection):
        """The next call that is not `info`, which is answered."""
        while True:
            call = read_call(connection)
            if call is None:
                return None
            self.calls.append(call[0])
            if call[0] != b"info":
                return call
            connection.sendall(message(b"info", call[1], limits_body()))

    def wait_for_end(self):
        self.ended.wait(60)

    def close(self):
        self.ended.set()
        # Ends the accept that is under way, too.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            connection.close()


def answer(stub, connection):
    """As a service that is well."""
    while (call := stub.next_call(connection)) is not None:
        connection.sendall(message(call[0], call[1], PING_BODY))


def be_silent(stub, connection):
    """Accepts, and says nothing at all, as a service that was stopped."""
    stub.wait_for_end()


def trickle(stub, connection):
    """Answers `info` as it should, and all else by a byte now and then."""
    while (call := stub.next_call(connection)) is not None:
        for byte in message(call[0], call[1], PING_BODY):
            connection.sendall(bytes([byte]))
            time.sleep(0.2)


def trickle_all(stub, connection):
    """Answers `info` too by a byte now and then."""
    call = read_call(connection)
    for byte in message(call[0], call[1], limits_body()):
        connection.sendall(bytes([byte]))
        time.sleep(0.2)


def reset(connection):
    """Cuts it off: the other side has a reset, not an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
