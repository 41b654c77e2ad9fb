"""Messages as bytes, for the tests that are about bytes: whole ones by the thrift
package, and the parts of wrong ones written out by hand."""

import socket
import struct

from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.protocol.TCompactProtocol import TCompactProtocol
from thrift.Thrift import TApplicationException, TMessageType
from thrift.transport.TTransport import TMemoryBuffer

from forebay_thrift import Forebay
from forebay_thrift.ttypes import DataError

TIMEOUT_S = 10

PROTOCOLS = {"binary": TBinaryProtocol, "compact": TCompactProtocol}


def call(protocol_name, function, request, sequence_id=1, kind=TMessageType.CALL):
    """One message, unframed."""
    buffer = TMemoryBuffer()
    protocol = PROTOCOLS[protocol_name](buffer)
    protocol.writeMessageBegin(function, kind, sequence_id)
    getattr(Forebay, f"{function}_args")(request=request).write(protocol)
    protocol.writeMessageEnd()
    return buffer.getvalue()


def frame(message):
    return struct.pack(">I", len(message)) + message


def parse_reply(protocol_name, message):
    """A reply's sequence id, and its result or exception."""
    protocol = PROTOCOLS[protocol_name](TMemoryBuffer(message))
    name, kind, sequence_id = protocol.readMessageBegin()
    if kind == TMessageType.EXCEPTION:
        answer = TApplicationException()
        answer.read(protocol)
    else:
        result = getattr(Forebay, f"{name}_result")()
        result.read(protocol)
        answer = result.error or result.success
    protocol.readMessageEnd()
    return sequence_id, answer


def is_refusal(answer):
    return isinstance(answer, (DataError, TApplicationException))


# Binary protocol, by hand.

def binary_begin(function, kind=TMessageType.CALL, sequence_id=1):
    name = function.encode()
    return struct.pack(">HHI", 0x8001, kind, len(name)) + name + struct.pack(">I", sequence_id)


def binary_field(field_type, field_id):
    return struct.pack(">BH", field_type, field_id)


# Compact protocol, by hand.

def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def compact_begin(function, kind=TMessageType.CALL, sequence_id=1):
    name = function.encode()
    return bytes([0x82, kind << 5 | 1]) + varint(sequence_id) + varint(len(name)) + name


class RawSession:
    """A socket of which every operation ends in time."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """Sends what the service takes: it may have closed the session already."""
        try:
            self.socket.sendall(data)
        except ConnectionError:
            pass

    def end_sending(self):
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def receive_frame(self):
        return self._receive_exactly(struct.unpack(">I", self._receive_exactly(4))[0])

    def receive_until_close(self):
        """Everything up to the close, which must come in time."""
        received = bytearray()
        try:
            while data := self.socket.recv(65536):
                received += data
        except ConnectionError:
            pass
        return bytes(received)

    def _receive_exactly(self, size):
        received = bytearray()
        while len(received) < size:
            data = self.socket.recv(size - len(received))
            if not data:
                raise EOFError(f"closed after {len(received)} of {size} bytes")
            received += data
        return bytes(received)
