"""A sync server as a WSGI application: JSON over HTTP, in front of `store`.

    gunicorn --worker-class gevent --workers 2 app:application
"""

from __future__ import annotations

import json
import logging
import os
from typing import Any, Callable, Iterable, Optional
from urllib.parse import parse_qs

import gevent

import forebay
from store import PAGE_ROWS_MAX, NameTaken, Place, Record, Store, UnknownUser, passes

BODY_BYTES_MAX = 1_000_000
BATCH_RECORDS_MAX = 500
NAME_CHARACTERS_MAX = 64
GUID_CHARACTERS_MAX = 64
# A request ends by then, whatever it waits for.
REQUEST_TIMEOUT_S = float(os.environ.get("SYNC_REQUEST_TIMEOUT_S", "5"))
REASONS = {200: "OK", 201: "Created", 400: "Bad Request", 401: "Unauthorized",
           404: "Not Found", 409: "Conflict", 413: "Content Too Large",
           500: "Internal Server Error", 503: "Service Unavailable", 504: "Gateway Timeout"}

# One for the process, shared by its greenlets.
pool = forebay.Pool(
    host=os.environ.get("FOREBAY_HOST", "127.0.0.1:9090"),
    database="users",
    autocommit=True,
    max_connections=int(os.environ.get("SYNC_CONNECTIONS_MAX", "32")),
    wait_timeout=2.0,
    connect_timeout=2,
    read_timeout=4,
)
store = Store(pool)

logger = logging.getLogger(__name__)
StartResponse = Callable[..., Any]


class Refused(Exception):
    """The request's own fault: a status and what to tell."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Request:
    """What a client sends, checked as it is asked for."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self.method: str = environ["REQUEST_METHOD"]
        self.path: str = environ["PATH_INFO"]
        self.environ = environ

    def user(self) -> int:
        """Who asks, by the token that registering and logging in give."""
        scheme, _, token = self.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        user_id = store.user_of_token(token) if scheme == "Bearer" and token else None
        if user_id is None:
            raise Refused(401, "no such token: log in")
        return user_id

    def number(self, name: str) -> int:
        """One of the query string, 0 if it is not there."""
        text = parse_qs(self.environ.get("QUERY_STRING", "")).get(name, ["0"])[0]
        if not text.isdecimal() or len(text) > 18:
            raise Refused(400, f"{name} must be a number")
        return int(text)

    def body(self) -> dict[str, Any]:
        size = int(self.environ.get("CONTENT_LENGTH") or 0)
        if size > BODY_BYTES_MAX:
            raise Refused(413, f"more than {BODY_BYTES_MAX} bytes")
        try:
            found = json.loads(self.environ["wsgi.input"].read(size))
        except ValueError:
            raise Refused(400, "the body must be JSON") from None
        if not isinstance(found, dict):
            raise Refused(400, "the body must be a JSON object")
        return found

    def credentials(self) -> tuple[str, str]:
        body = self.body()
        return (text(body, "name", NAME_CHARACTERS_MAX), text(body, "password", 1000))


def text(source: Any, name: str, characters_max: int) -> str:
    found = source.get(name) if isinstance(source, dict) else None
    if not isinstance(found, str) or not 0 < len(found) <= characters_max:
        raise Refused(400, f"{name} must be a text of 1 to {characters_max} characters")
    return found


def record(source: Any) -> Record:
    guid = text(source, "guid", GUID_CHARACTERS_MAX)
    return Record(guid, None if source.get("body") is None
                  else text(source, "body", BODY_BYTES_MAX))


# One for each of the routes: a status and what is told as JSON.

def register(request: Request) -> tuple[int, Any]:
    user_id, token = store.register(*request.credentials())
    return 201, {"id": user_id, "token": token}


def login(request: Request) -> tuple[int, Any]:
    user_id, token = store.login(*request.credentials())
    return 200, {"id": user_id, "token": token}


def follow(request: Request) -> tuple[int, Any]:
    store.follow(request.user(), text(request.body(), "name", NAME_CHARACTERS_MAX))
    return 200, {}


def unfollow(request: Request) -> tuple[int, Any]:
    store.unfollow(request.user(), text(request.body(), "name", NAME_CHARACTERS_MAX))
    return 200, {}


def followers(request: Request) -> tuple[int, Any]:
    found = store.followers(request.user(), request.number("after"))
    return 200, {"followers": [{"id": number, "name": name} for number, name in found],
                 "more": len(found) == PAGE_ROWS_MAX}


def push(request: Request) -> tuple[int, Any]:
    user_id = request.user()
    sources = request.body().get("records")
    if not isinstance(sources, list) or not 0 < len(sources) <= BATCH_RECORDS_MAX:
        raise Refused(400, f"records must be a list of 1 to {BATCH_RECORDS_MAX}")
    version, ids = store.push(user_id, list(map(record, sources)))
    return 200, {"version": version, "ids": ids}


def pull(request: Request) -> tuple[int, Any]:
    since = Place(request.number("version"), request.number("id"))
    found = store.pull(request.user(), since)
    names = ("version", "id", "guid", "body")
    return 200, {"records": [dict(zip(names, row)) for row in found],
                 "more": len(found) == PAGE_ROWS_MAX}


def home(request: Request) -> tuple[int, Any]:
    return 200, store.home(request.user())


ROUTES = {
    ("POST", "/users"): register,
    ("POST", "/login"): login,
    ("POST", "/follow"): follow,
    ("POST", "/unfollow"): unfollow,
    ("GET", "/followers"): followers,
    ("POST", "/records"): push,
    ("GET", "/records"): pull,
    ("GET", "/home"): home,
}


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    status, told = answer(Request(environ))
    body = json.dumps(told).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    if status == 503:
        headers.append(("Retry-After", "1"))
    start_response(f"{status} {REASONS[status]}", headers)
    return [body]


def answer(request: Request) -> tuple[int, Any]:
    handler: Optional[Callable[[Request], tuple[int, Any]]] = ROUTES.get(
        (request.method, request.path))
    if handler is None:
        return 404, {"error": "no such page"}
    limit = gevent.Timeout(REQUEST_TIMEOUT_S)
    limit.start()
    try:
        return handler(request)
    except gevent.Timeout as timeout:
        if timeout is not limit:
            raise
        return 504, {"error": f"not done within {REQUEST_TIMEOUT_S:g} s"}
    except Refused as refused:
        return refused.status, {"error": str(refused)}
    except NameTaken as taken:
        return 409, {"error": f"the name {taken} is taken"}
    except UnknownUser as unknown:
        return 404, {"error": f"no user {unknown}, or not by this password"}
    except forebay.Error as error:
        logger.exception("%s %s", request.method, request.path)
        return (503 if passes(error) else 500), {"error": str(error)}
    finally:
        limit.close()
