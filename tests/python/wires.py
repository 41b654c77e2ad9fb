"""Every way that a stock Thrift client can talk to the service, and sessions with
short forms of its functions."""

import dataclasses

from thrift.protocol.TBinaryProtocol import TBinaryProtocol, TBinaryProtocolAccelerated
from thrift.protocol.TCompactProtocol import TCompactProtocol, TCompactProtocolAccelerated
from thrift.protocol.TMultiplexedProtocol import TMultiplexedProtocol
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport, TFramedTransport

from asking import batch_request, execute_request, insert_request, multi_request, query_request
from forebay_thrift import Forebay
from forebay_thrift.ttypes import BeginRequest, CommitRequest, Options, RollbackRequest

# Longer than any answer takes: a test fails by it, and never hangs.
TIMEOUT_MS = 20_000

TRANSPORTS = {"framed": TFramedTransport, "unframed": TBufferedTransport}
# Without a fallback the accelerated ones fail if their C part is missing.
PROTOCOLS = {
    "binary": TBinaryProtocol,
    "binary_accelerated": lambda transport: TBinaryProtocolAccelerated(transport, fallback=False),
    "compact": TCompactProtocol,
    "compact_accelerated": lambda transport: TCompactProtocolAccelerated(transport, fallback=False),
}


@dataclasses.dataclass(frozen=True)
class Wire:
    transport: str
    protocol: str
    multiplexed: bool = False

    def __str__(self):
        return f"{self.transport}-{self.protocol}{'-multiplexed' if self.multiplexed else ''}"


WIRES = [Wire(transport, protocol) for transport in TRANSPORTS for protocol in PROTOCOLS] + [
    Wire(transport, protocol, multiplexed=True)
    for transport in TRANSPORTS
    for protocol in ("binary", "compact_accelerated")
]
USUAL_WIRE = Wire("framed", "binary_accelerated")


class Session:
    """A connected client; its attributes are the service's functions."""

    def __init__(self, port=None, wire=USUAL_WIRE, *, socket_path=None):
        self.socket = TSocket("127.0.0.1", port, unix_socket=socket_path)
        self.socket.setTimeout(TIMEOUT_MS)
        self.transport = TRANSPORTS[wire.transport](self.socket)
        self.protocol = PROTOCOLS[wire.protocol](self.transport)
        if wire.multiplexed:
            self.protocol = TMultiplexedProtocol(self.protocol, "Forebay")
        self.client = Forebay.Client(self.protocol)
        self.transport.open()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.transport.close()

    def __getattr__(self, name):
        return getattr(self.client, name)

    def run_query(self, shard, sql, params=None, *, style=None, **options):
        return self.client.query(query_request(shard, sql, params, style=style, **options))

    def run_execute(self, shard, sql, params=None, *, style=None, **options):
        return self.client.execute(execute_request(shard, sql, params, style=style, **options))

    def run_insert(self, shard, table, columns, rows, *, options=None, **fields):
        return self.client.insert(insert_request(shard, table, columns, rows, options=options, **fields))

    def run_batch(self, shard, *steps, mode=None, **options):
        """`mode`: None is the default of the contract."""
        return self.client.batch(batch_request(shard, *steps, mode=mode, **options))

    def run_multi(self, *items, policy=None, **options):
        """The outcomes. `items`: `MultiItem`s, or requests, each of which becomes one."""
        return self.client.multi(multi_request(*items, policy=policy, **options)).outcomes

    def begin(self, shard, *, isolation=None, read_only=None, **options):
        """The new transaction's token, for the option `transaction`."""
        request = BeginRequest(shard, isolation, read_only, Options(**options))
        return self.client.begin_transaction(request).transaction

    def commit(self, transaction, **options):
        return self.client.commit_transaction(CommitRequest(Options(transaction=transaction, **options)))

    def rollback(self, transaction, **options):
        return self.client.rollback_transaction(RollbackRequest(Options(transaction=transaction, **options)))
