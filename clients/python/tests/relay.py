"""A TCP relay in front of the service, whose sessions a test can cut."""

from __future__ import annotations

import contextlib
import socket
import threading


class Relay:
    """Passes bytes between its own port and the service's."""

    def __init__(self, service_port):
        self._service_port = service_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._sockets = []
        #: Sessions that it has passed on so far.
        self.sessions = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                service = socket.create_connection(("127.0.0.1", self._service_port))
                self._sockets += [client, service]
                self.sessions += 1
                for pair in ((client, service), (service, client)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    @staticmethod
    def _pass(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self):
        """Closes every session that there is."""
        while self._sockets:
            end = self._sockets.pop()
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self):
        # What accept() waits in is woken by this, not by close() alone.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
