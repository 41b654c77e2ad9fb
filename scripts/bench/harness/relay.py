"""A network between two machines, as far as its delay goes: a TCP relay that holds
back what passes. One thread for each direction of a connection, in the harness's
own process."""

import contextlib
import socket
import threading
import time

import servers

DELAY_MS = 0.5
PIECE_BYTES = 64 * 1024


class Relay:
    """Passes on to a port of this machine, with the delay each way. Meant for callers
    that wait for each answer: of what comes in several pieces, each is held back."""

    def __init__(self, to_port):
        self.to = ("127.0.0.1", to_port)

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", servers.free_port()))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        # Ends accept(), which close() would leave waiting.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(self.to)
                for one in (near, far):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=pass_on, args=ends, daemon=True).start()


def pass_on(source, sink):
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE_BYTES):
            time.sleep(DELAY_MS / 1000)
            sink.sendall(piece)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
