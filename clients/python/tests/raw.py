"""A session over a plain socket, by this package's codec alone."""

import socket
import struct

from forebay import _replies, _requests, _thrift, _values, converters

#: Field 15 of a request that asks for neither layout: typed lists.
LISTS = b"\x0c\x00\x0f\x00"


class Session:
    """One session of a service; `shard` is asked in the layout of `options`."""

    def __init__(self, port, shard="test", options=None):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.reader = self.socket.makefile("rb")
        self.shard = _requests.shard_field(shard)
        self.options = _requests.options() if options is None else options
        self.sequence_id = 0

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.reader.close()
        self.socket.close()

    def call(self, function, body, read):
        self.sequence_id += 1
        self.socket.sendall(_thrift.frame(function, self.sequence_id, body))
        (length,) = struct.unpack(">i", self.reader.read(4))
        message = self.reader.read(length)
        return read(message, _thrift.reply_start(message, function, self.sequence_id))

    def statement(self, sql, args=None):
        params = b"" if args is None else _values.params(args)
        return _requests.sql_field(sql) + params + _requests.PYFORMAT

    def execute(self, sql, args=None):
        body = _requests.execute(self.shard, self.statement(sql, args), self.options)
        return self.call(b"execute", body, _replies.read_execute)

    def query(self, sql, args=None):
        body = _requests.query(self.shard, self.statement(sql, args), self.options)
        return self.call(b"query", body, _replies.read_query)

    def rows(self, sql, args=None, decoders=converters.decoders):
        return self.query(sql, args).rows.rows(decoders)
