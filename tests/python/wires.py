"""Every way that a stock Thrift client can talk to the service, and short forms
of the requests that the tests make."""

import dataclasses
import datetime
import decimal

from thrift.protocol.TBinaryProtocol import TBinaryProtocol, TBinaryProtocolAccelerated
from thrift.protocol.TCompactProtocol import TCompactProtocol, TCompactProtocolAccelerated
from thrift.protocol.TMultiplexedProtocol import TMultiplexedProtocol
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport, TFramedTransport

from forebay_thrift import Forebay
from forebay_thrift.ttypes import (
    ExecuteRequest,
    InsertRequest,
    Options,
    ParamStyle,
    QueryRequest,
    Statement,
    Value,
)

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
        socket = TSocket("127.0.0.1", port, unix_socket=socket_path)
        socket.setTimeout(TIMEOUT_MS)
        self.transport = TRANSPORTS[wire.transport](socket)
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
        return self.client.query(QueryRequest(shard, statement(sql, params, style), Options(**options)))

    def run_execute(self, shard, sql, params=None, *, style=None, **options):
        return self.client.execute(ExecuteRequest(shard, statement(sql, params, style), Options(**options)))

    def run_insert(self, shard, table, columns, rows, *, options=None, **fields):
        rows = [[value(item) for item in row] for row in rows]
        return self.client.insert(
            InsertRequest(shard, table, columns, rows, options=options, **fields)
        )


def statement(sql, params=None, style=None):
    """`params`: None, a sequence or a dict, of Python values or of `Value`s."""
    made = Statement(sql=sql, param_style=style or ParamStyle.NATIVE)
    if isinstance(params, dict):
        made.named_params = {name: value(item) for name, item in params.items()}
    elif params is not None:
        made.params = [value(item) for item in params]
    return made


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
