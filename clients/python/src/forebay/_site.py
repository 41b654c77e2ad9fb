"""The addresses of one service: which of them a new session goes to, which are
left alone for a while, and what `info` has told of the service.

One `Site` serves the whole process, whoever asks for the same addresses, so that
what one connection finds out about an address spares the others the wait. Nothing
here does I/O but the resolution of names.
"""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from typing import Any, Iterable, Optional, Union

from ._failures import Silent

DEFAULT_PORT = 9090

#: An address that failed is left alone for so long, twice as long after each
#: further failure up to the maximum, as long as another is there.
AVOID_SECONDS = 2.0
AVOID_MAX_SECONDS = 16.0

#: What `info` told is asked for again when a session is opened so long afterwards.
INFO_MAX_AGE_SECONDS = 60.0

#: How long the addresses of a name are used before it is resolved again.
RESOLVED_MAX_AGE_SECONDS = 10.0

#: Sites that one process remembers; beyond, the oldest is forgotten.
SITES_MAX = 256

#: What `socket.connect` takes, with its family.
Resolved = tuple[int, Any]


class Forks:
    """Counts the forks that lie between the program's start and this process."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0

    def happened(self) -> None:
        self.count += 1


#: A socket that was opened at another count belongs to the parent process.
FORKS = Forks()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=FORKS.happened)


class Address:
    """One place where the service listens: a host and a port, or a Unix socket."""

    __slots__ = (
        "avoid_until",
        "failures",
        "host",
        "is_proven",
        "port",
        "resolved",
        "resolved_at",
        "unix_socket",
    )

    def __init__(self, host: str, port: int, unix_socket: Optional[str] = None) -> None:
        self.host = host
        self.port = port
        self.unix_socket = unix_socket
        #: On `time.monotonic`'s clock.
        self.avoid_until = 0.0
        #: One after the other, without a success between.
        self.failures = 0
        #: It has answered, and not failed since. Where it has not, a session is not
        #: taken for open before the service has said something: the kernel takes
        #: connections for a process that hangs.
        self.is_proven = False
        self.resolved: list[Resolved] = []
        self.resolved_at = 0.0

    def __str__(self) -> str:
        if self.unix_socket is not None:
            return self.unix_socket
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def at_hand(self) -> Optional[list[Resolved]]:
        """What to connect to, where that is known without asking a resolver."""
        if self.unix_socket is not None:
            return [(socket.AF_UNIX, self.unix_socket)]
        if self.resolved and time.monotonic() - self.resolved_at < RESOLVED_MAX_AGE_SECONDS:
            return self.resolved
        literal = literal_address(self.host, self.port)
        if literal is None:
            return None
        # The same for good: not asked for again while the process lives.
        self.resolved, self.resolved_at = [literal], float("inf")
        return self.resolved

    def where(self, seconds: float) -> list[Resolved]:
        """What to connect to, in the resolver's order.

        A literal address costs nothing. A name is resolved by a thread that is
        waited for `seconds` at the most, since `getaddrinfo` itself knows no
        time-out; TimeoutError after that. Raises OSError if it has no address.
        """
        known = self.at_hand()
        if known is not None:
            return known
        now = time.monotonic()
        try:
            self.resolved = resolve(self.host, self.port, seconds)
        except OSError:
            # An old answer is better than none.
            if not self.resolved:
                raise
        self.resolved_at = now
        return self.resolved

    def forget(self) -> None:
        """Nothing listens where its name led: that may have moved."""
        if self.resolved_at != float("inf"):
            self.resolved_at = 0.0


class Site:
    """The addresses of one service.

    A new session goes to one of them at random, so that processes spread; those
    that failed of late come last, soonest free first.
    """

    __slots__ = ("addresses", "info", "info_at")

    def __init__(self, addresses: Iterable[Address]) -> None:
        self.addresses = tuple(addresses)
        #: What the service said last, a `_replies.Info`.
        self.info: Any = None
        self.info_at = 0.0

    @staticmethod
    def of(
        addresses: Union[str, Iterable[Union[str, tuple[str, int]]]],
        port: int = DEFAULT_PORT,
        unix_socket: Optional[str] = None,
    ) -> Site:
        """The process's one site of these addresses.

        `addresses`: `"host"`, `"host:port"`, `"[v6]:port"`, several of these with
        commas between, or a sequence of such and of (host, port). `port` is for
        those without one. Raises ValueError, naming the address that is none.
        """
        if unix_socket:
            places: tuple[tuple[str, int, Optional[str]], ...] = (("", 0, unix_socket),)
        else:
            places = tuple((host, at, None) for host, at in parse_addresses(addresses, port))
        known = _SITES.get(places)
        if known is None:
            while len(_SITES) >= SITES_MAX:
                _SITES.pop(next(iter(_SITES)), None)
            # Another thread may have been quicker.
            known = _SITES.setdefault(places, Site(Address(*place) for place in places))
        return known

    def order(self) -> list[Address]:
        """All addresses, those first that are to be tried first."""
        if len(self.addresses) == 1:
            return list(self.addresses)
        now = time.monotonic()
        good = [address for address in self.addresses if address.avoid_until <= now]
        avoided = [address for address in self.addresses if address.avoid_until > now]
        random.shuffle(good)
        avoided.sort(key=lambda address: address.avoid_until)
        return good + avoided

    def failed(self, address: Address) -> None:
        """It refused, did not answer in time, or is draining."""
        now = time.monotonic()
        address.is_proven = False
        # Many sessions that find out at once are one failure.
        if address.avoid_until <= now:
            pause = min(AVOID_SECONDS * 2.0**address.failures, AVOID_MAX_SECONDS)
            address.failures = min(address.failures + 1, 10)
            address.avoid_until = now + pause

    def answered(self, address: Address) -> None:
        """It has taken a session."""
        address.is_proven = True
        address.failures = 0
        address.avoid_until = 0.0

    def keep_info(self, info: Any) -> None:
        self.info = info
        self.info_at = time.monotonic()

    def wants_info(self) -> bool:
        """Whether what is known is missing or old."""
        return self.info is None or time.monotonic() - self.info_at > INFO_MAX_AGE_SECONDS

    def __str__(self) -> str:
        return ", ".join(map(str, self.addresses))


_SITES: dict[Any, Site] = {}


def parse_addresses(
    addresses: Union[str, Iterable[Union[str, tuple[str, int]]]], port: int
) -> list[tuple[str, int]]:
    """(host, port) of each, without those that are named twice. See `Site.of`."""
    parsed: list[tuple[str, int]] = []
    for one in [addresses] if isinstance(addresses, str) else addresses:
        if isinstance(one, str):
            parsed.extend(_split(part.strip(), port) for part in one.split(","))
        else:
            host, at = one
            parsed.append((str(host), _port(at, one)))
    if not parsed:
        raise ValueError("no address of a service is given: host=\"name\" or host=\"a,b:9091\"")
    return list(dict.fromkeys(parsed))


def _split(text: str, port: int) -> tuple[str, int]:
    host, at = text, str(port)
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"{text!r} is not an address: [IPv6]:port is expected")
        at = rest[1:] or at
    elif text.count(":") == 1:
        host, _, at = text.partition(":")
        at = at or str(port)
    if not host:
        raise ValueError(f"{text!r} is not an address: host, host:port or [IPv6]:port is expected")
    return host, _port(at, text)


def _port(port: Any, address: Any) -> int:
    try:
        number = int(port)
    except (TypeError, ValueError):
        number = -1
    if not 0 < number < 65536:
        raise ValueError(f"the port of {address!r} is not a number from 1 to 65535")
    return number


def literal_address(host: str, port: int) -> Optional[Resolved]:
    """Of an IPv4 or IPv6 address; None: it is a name."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except (OSError, ValueError):
            continue
        return (family, (host, port) if family == socket.AF_INET else (host, port, 0, 0))
    return None


class _Resolution:
    """A name that is being resolved, for everybody who waits for it."""

    __slots__ = ("done", "error", "found", "forks")

    def __init__(self) -> None:
        self.done = threading.Event()
        self.found: list[Resolved] = []
        self.error: Optional[OSError] = None
        self.forks = FORKS.count

    def run(self, host: str, port: int) -> None:
        try:
            answers = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
            self.found = [(family, at) for family, _, _, _, at in answers]
            if not self.found:
                self.error = OSError(f"the name {host!r} has no address")
        except OSError as error:
            self.error = error
        except UnicodeError as error:
            self.error = OSError(f"{host!r} cannot be a host's name: {error}")
        finally:
            _RESOLUTIONS.pop((host, port), None)
            self.done.set()


#: At most one for each name, however slow the resolver is.
_RESOLUTIONS: dict[tuple[str, int], _Resolution] = {}


def resolve(host: str, port: int, seconds: float) -> list[Resolved]:
    """The addresses of a name, within `seconds`; TimeoutError after that.

    Threads, events and `getaddrinfo` are looked up when they are needed: once
    gevent or eventlet has patched them, this is cooperative.
    """
    running = _RESOLUTIONS.get((host, port))
    if running is None or running.forks != FORKS.count:
        running = _RESOLUTIONS[host, port] = _Resolution()
        name = f"forebay resolves {host}"
        threading.Thread(target=running.run, args=(host, port), name=name, daemon=True).start()
    if not running.done.wait(seconds):
        raise Silent(f"the name {host!r} was not resolved within {seconds:.1f} s")
    if running.error is not None:
        raise running.error
    return running.found
