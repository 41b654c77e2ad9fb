"""Calls of the service by the codec alone: no connection, no cursor."""

from __future__ import annotations

import contextlib
import socket

from forebay import converters
from forebay._replies import read_execute
from forebay._requests import PYFORMAT, execute, options, shard_field
from forebay._template import template
from forebay._thrift import frame, reply_start

CALL_TIMEOUT_S = 30


class Raw:
    """A session on one shard."""

    def __init__(self, port, shard):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=CALL_TIMEOUT_S)
        self.shard = shard_field(shard)
        self.sequence_id = 0

    def execute(self, sql, args=None, encoders=converters.encoders):
        """The reply to a statement as the template of `sql` binds `args`."""
        field, params = template(sql).bind(args, encoders)
        return self.send(field + params + PYFORMAT)

    def rows(self, sql, args=None, encoders=converters.encoders):
        """Its rows; () if it returns none."""
        rows = self.execute(sql, args, encoders).rows
        return rows.rows(converters.decoders) if rows is not None else []

    def send(self, statement):
        self.sequence_id += 1
        body = execute(self.shard, statement, options())
        self.socket.sendall(frame(b"execute", self.sequence_id, body))
        length = int.from_bytes(self._receive(4), "big")
        message = self._receive(length)
        return read_execute(message, reply_start(message, b"execute", self.sequence_id))

    def _receive(self, size):
        parts = []
        while size:
            part = self.socket.recv(min(size, 1 << 20))
            assert part, "the service has closed the session"
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


@contextlib.contextmanager
def session(port, shard="test"):
    """A session that is closed at the end."""
    made = Raw(port, shard)
    try:
        yield made
    finally:
        made.socket.close()
