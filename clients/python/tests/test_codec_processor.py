"""A server of generated code reads what this package sends, and is understood."""

import pytest
from forebay_thrift import Forebay
from generated import FUNCTIONS, Chance
from test_codec_replies import CHECKS, READERS, assert_done
from test_codec_requests import Request
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TTransport import TFramedTransport, TMemoryBuffer

from forebay import _thrift


class Handler:
    """Keeps the request, and returns what it was given."""

    def __init__(self, returned):
        self.returned = returned
        self.request = None

    def __getattr__(self, function):
        def handle(request):
            self.request = request
            return self.returned

        return handle


@pytest.mark.parametrize("packed", [False, True], ids=["lists", "packed"])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_server_of_generated_code_is_spoken_to(function, packed):
    for seed in range(30):
        body, request = Request(seed).call(function)
        handler = Handler(Chance(seed).returned(function, packed))
        sent = TFramedTransport(TMemoryBuffer(_thrift.frame(function.encode(), seed, body)))
        answer = TMemoryBuffer()
        answering = TFramedTransport(answer)
        assert Forebay.Processor(handler).process(TBinaryProtocol(sent), TBinaryProtocol(answering))
        assert handler.request == request
        message = answer.getvalue()[4:]
        start = _thrift.reply_start(message, function.encode(), seed)
        CHECKS.get(function, assert_done)(READERS[function](message, start), handler.returned)
