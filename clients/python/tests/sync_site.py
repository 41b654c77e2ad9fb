"""The example's sync server as a site runs it, two services and gunicorn, and a person
who uses it and remembers what they wrote."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pymysql

from service import Service, free_port

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE.parent / "examples" / "sync_server"
POOL_CONNECTIONS = 6
# More than hang at the same time: the others' pushes are transactions, too.
TRANSACTIONS_MAX = 5
SHARDS = ("users", "slave001")
# By which the connections of the services are told from all others.
MYSQL_USER = "sync"
# Before a statement's own end, app.pool's read_timeout.
REQUEST_TIMEOUT_S = 3
START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 30
HTTP_TIMEOUT_S = 20
LOG_CHARACTERS_MAX = 4000


class Site:
    """Two services on the same databases, and gunicorn with two workers that ask them."""

    def __init__(self, make_folder, mysql_port):
        self.mysql_port = mysql_port
        self.folder = make_folder("sync")
        self.services = []
        self.gunicorn = None
        self.make_databases()
        try:
            self.start(make_folder)
        except BaseException:
            self.stop()
            raise

    def make_databases(self):
        with self.database() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE USER IF NOT EXISTS {MYSQL_USER}@'%'")
            for shard in SHARDS:
                cursor.execute(f"DROP DATABASE IF EXISTS sync_{shard}")
                cursor.execute(f"CREATE DATABASE sync_{shard}")
                cursor.execute(f"GRANT ALL PRIVILEGES ON sync_{shard}.* TO {MYSQL_USER}@'%'")

    def database(self):
        """A connection of the test's own to MariaDB."""
        return pymysql.connect(host="127.0.0.1", port=self.mysql_port, user="root",
                               autocommit=True, ssl_disabled=True)

    def start(self, make_folder):
        address = f"mysql://{MYSQL_USER}@127.0.0.1:{self.mysql_port}"
        shards = "\n".join(
            f'[shards.{shard}]\nurl = "{address}/sync_{shard}"\n'
            f"pool_max_connections = {POOL_CONNECTIONS}\ntransactions_max = {TRANSACTIONS_MAX}\n"
            for shard in SHARDS)
        for _ in range(2):
            self.services.append(Service(make_folder("forebay"), shards))
        environment = os.environ | {
            "FOREBAY_HOST": ",".join(f"127.0.0.1:{service.port}" for service in self.services),
            "SYNC_REQUEST_TIMEOUT_S": str(REQUEST_TIMEOUT_S),
            "PYTHONPATH": str(HERE.parent / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        subprocess.run([sys.executable, "schema.py"], cwd=EXAMPLE, env=environment, check=True,
                       stdout=subprocess.DEVNULL)
        self.port = free_port()
        self.log_path = self.folder / "gunicorn.log"
        with self.log_path.open("wb") as log:
            self.gunicorn = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "--worker-class", "gevent", "--workers", "2",
                 "--bind", f"127.0.0.1:{self.port}"],
                cwd=EXAMPLE, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait_until_it_answers()

    def wait_until_it_answers(self):
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                assert Client(self).ask("GET", "/nothing", expect=404)
                return
            except OSError:
                assert self.gunicorn.poll() is None and time.monotonic() < deadline, self.log()
                time.sleep(0.05)

    def log(self):
        return self.log_path.read_text(errors="replace")[-LOG_CHARACTERS_MAX:]

    def stop(self):
        if self.gunicorn:
            self.gunicorn.send_signal(signal.SIGTERM)
            try:
                self.gunicorn.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.gunicorn.kill()
                self.gunicorn.wait()
        for service in self.services:
            service.stop()

    def count(self, condition):
        """Processes of MariaDB's that serve the services."""
        with self.database() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM information_schema.processlist"
                           f" WHERE user = '{MYSQL_USER}' AND {condition}")
            return cursor.fetchone()[0]


class Client:
    """Asks by HTTP, a connection for each request."""

    def __init__(self, site):
        self.site = site
        self.token = None

    def ask(self, method, path, body=None, *, expect=200):
        """What is answered, which must be of this status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.site.port,
                                                timeout=HTTP_TIMEOUT_S)
        try:
            connection.request(method, path, *self.encoded(body))
            answer = connection.getresponse()
            told = answer.read().decode()
        finally:
            connection.close()
        shown = f"{answer.status} to {method} {path}: {told}"
        assert answer.status == expect, f"{shown}\n{self.site.log()}"
        return json.loads(told)

    def encoded(self, body):
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return None if body is None else json.dumps(body).encode(), headers

    def leave(self, method, path, body):
        """Asks and goes, without the answer."""
        data, headers = self.encoded(body)
        lines = [f"{method} {path} HTTP/1.1", "Host: sync", f"Content-Length: {len(data)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        with socket.create_connection(("127.0.0.1", self.site.port), HTTP_TIMEOUT_S) as left:
            left.sendall("\r\n".join([*lines, "", ""]).encode() + data)


class Person:
    """A user of the site, who alone writes what is theirs, and checks every answer
    against it."""

    def __init__(self, site, number, others=()):
        self.name = f"person{number}"
        self.password = f"secret of {self.name}"
        self.client = Client(site)
        self.others = others
        self.chosen = random.Random(number)
        self.written = {}
        self.version = 0
        self.following = set()
        self.asked = 0

    def ask(self, *arguments, **expected):
        self.asked += 1
        return self.client.ask(*arguments, **expected)

    def credentials(self):
        return {"name": self.name, "password": self.password}

    def register(self):
        told = self.ask("POST", "/users", self.credentials(), expect=201)
        self.id, self.client.token = told["id"], told["token"]

    def live(self, steps):
        """So many requests of every kind."""
        for _ in range(steps):
            self.step()
        self.check_all()

    def step(self):
        self.chosen.choices(
            (self.push, self.pull_all, self.follow_or_not, self.look_home, self.log_in,
             self.read_followers, self.register_twice), (6, 4, 4, 4, 2, 2, 1))[0]()

    def check_all(self):
        self.pull_all()
        self.look_home()

    def batch(self):
        """New records, and some that are written anew."""
        known = self.chosen.sample(sorted(self.written), min(len(self.written), 3))
        new = [f"{self.name} {len(self.written) + place}"
               for place in range(self.chosen.randint(1, 20))]
        return [{"guid": guid, "body": f"{guid}: {self.chosen.random()} ünï"}
                for guid in new + known]

    def push(self):
        batch = self.batch()
        self.remember(batch, self.ask("POST", "/records", {"records": batch}))

    def remember(self, batch, told):
        assert set(told["ids"]) == {record["guid"] for record in batch}
        # One more, unless the answer to an attempt of the server's own was lost.
        assert told["version"] > self.version
        self.version = told["version"]
        for record in batch:
            number = told["ids"][record["guid"]]
            assert self.written.get(record["guid"], {"id": number})["id"] == number
            self.written[record["guid"]] = record | {"id": number, "version": self.version}

    def pull_all(self):
        found, version, number = [], 0, 0
        while True:
            told = self.ask("GET", f"/records?version={version}&id={number}")
            found += told["records"]
            if not told["more"]:
                break
            version, number = found[-1]["version"], found[-1]["id"]
        expected = sorted(self.written.values(), key=lambda one: (one["version"], one["id"]))
        assert found == expected

    def follow_or_not(self):
        name = self.chosen.choice(self.others)
        self.ask("POST", "/unfollow" if name in self.following else "/follow", {"name": name})
        self.following ^= {name}

    def look_home(self):
        told = self.ask("GET", "/home")
        # Others change that at the same time.
        assert told.pop("followers") <= len(self.others)
        assert told == {"name": self.name, "following": len(self.following),
                        "records": len(self.written), "version": self.version}

    def log_in(self):
        told = self.ask("POST", "/login", self.credentials())
        assert told == {"id": self.id, "token": self.client.token}
        self.ask("POST", "/login", self.credentials() | {"password": "another"}, expect=404)

    def register_twice(self):
        self.ask("POST", "/users", self.credentials(), expect=409)

    def read_followers(self):
        told = self.ask("GET", "/followers")
        assert not told["more"]
        return {one["name"] for one in told["followers"]}
