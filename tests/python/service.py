"""Starts the service's program for the tests, and stops it."""

import os
import pathlib
import random
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("FOREBAY_BIN") or str(ROOT / "target" / "debug" / "forebay")

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 30


def free_port():
    """A port that nobody listens on, below 32768, where the system picks the
    ports of outgoing connections."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Service:
    """`forebay serve` on a configuration of its own, with the keys of `server` in
    its [server]; it also listens on the Unix socket `socket_path`."""

    def __init__(self, folder, shards, environment=None, *, server=None):
        self.port = free_port()
        self.log_path = folder / "forebay.log"
        self._config_path = folder / "forebay.toml"
        self._environment = os.environ | (environment or {})
        self.socket_path = folder / "socket"
        listen = f'listen = ["127.0.0.1:{self.port}", "unix:{self.socket_path}"]'
        keys = "\n".join(f"{key} = {value}" for key, value in (server or {}).items())
        self._config_path.write_text(f"[server]\n{listen}\n{keys}\n\n{shards}")
        self.start()

    def start(self):
        """Again, after a stop, at the same address."""
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "serve", "--config", str(self._config_path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
            )
        try:
            self._wait_until_it_listens()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def _wait_until_it_listens(self):
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            assert self.is_running(), f"forebay ended while starting:\n{self.log()}"
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"forebay does not listen after {START_TIMEOUT_S} s:\n{self.log()}")

    def is_running(self):
        return self.process.poll() is None

    def log(self):
        return self.log_path.read_text(errors="replace")

    def peak_memory_bytes(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmHWM in the process's status")

    def stop(self):
        """Asks it to end, and returns its exit code."""
        if self.is_running():
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"forebay did not end by SIGTERM:\n{self.log()}") from None
