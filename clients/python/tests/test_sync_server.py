"""The example's sync server under gunicorn with gevent, loaded over HTTP: everybody
reads what they wrote, all of it and nothing else, whatever happens to others."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from sync_site import POOL_CONNECTIONS, REQUEST_TIMEOUT_S, SHARDS, Client, Person, Site

PEOPLE = 32
STEPS = 20
WAIT_S = 20


@pytest.fixture(scope="module")
def site(tmp_path_factory, mysql_port):
    running = Site(tmp_path_factory.mktemp, mysql_port)
    yield running
    running.stop()


@pytest.fixture
def people(site, request):
    """Registered ones, of this test's own, who may follow each other."""
    names = [f"{request.node.name} {number}" for number in range(PEOPLE)]
    found = [Person(site, name, [f"person{other}" for other in names if other != name])
             for name in names]
    in_parallel(found, Person.register)
    return found


def in_parallel(people, work):
    """All at the same time; the first failure is raised."""
    with ThreadPoolExecutor(len(people)) as threads:
        return list(threads.map(work, people))


def test_everybody_reads_what_they_wrote(site, people):
    with most_connections(site) as most:
        in_parallel(people, lambda person: person.live(STEPS))
    assert sum(person.asked for person in people) > PEOPLE * STEPS
    check_followers(people)
    check_tables(site, people)
    # However many ask: no more than the pools of two shards at two services.
    assert 0 < max(most) <= 2 * len(SHARDS) * POOL_CONNECTIONS


def test_a_batch_is_written_as_a_whole_or_not_at_all(site, people):
    person = people[0]
    person.push()
    batch = person.batch()
    with refused(site, "refused"):
        for place in range(len(batch) + 1):
            broken = [*batch[:place], {"guid": "other", "body": "refused"}, *batch[place:]]
            person.ask("POST", "/records", {"records": broken}, expect=500)
            person.check_all()
    before = person.version
    person.push()
    assert person.version == before + 1
    check_tables(site, [person])


def test_what_hangs_is_cut_off_and_nothing_is_mixed(site, people):
    hung, gone, *others = people
    for person in people:
        person.push()
    with rows_locked(site, hung, gone), living(others):
        gone_batch = gone.batch()
        for _ in range(2):
            gone.client.leave("POST", "/records", {"records": gone_batch})
        for _ in range(2):
            began = time.monotonic()
            hung.ask("POST", "/records", {"records": hung.batch()}, expect=504)
            assert time.monotonic() - began < REQUEST_TIMEOUT_S + 2
        # Theirs were cut off in the same time; none of them waits on in MariaDB.
        wait_for(lambda: site.count("info LIKE 'INSERT INTO versions%'") == 0)
    # What was cut off has left nothing, not a lock either.
    for person in (hung, gone):
        person.check_all()
        before = person.version
        person.push()
        assert person.version == before + 1
    in_parallel(people, lambda person: person.live(3))
    check_tables(site, people)


def test_a_restart_of_either_service_is_survived(site, people):
    with living(people):
        for service in site.services:
            time.sleep(0.5)
            assert service.stop() == 0
            time.sleep(0.5)
            service.start()
    in_parallel(people, Person.check_all)
    check_followers(people)
    check_tables(site, people)


def test_all_services_down_is_told_and_passes(site, people):
    for service in site.services:
        service.stop()
    try:
        assert "error" in people[0].ask("GET", "/home", expect=503)
    finally:
        for service in site.services:
            service.start()
    # An address that has failed is left alone for some seconds, unless all have.
    wait_for(lambda: is_answered(people[0]))
    in_parallel(people, lambda person: person.live(2))


def test_nobody_reads_without_a_token(site, people):
    stranger = Client(site)
    for token in (None, "", people[0].client.token[:-1], "' OR ''='"):
        stranger.token = token
        stranger.ask("GET", "/records", expect=401)
        stranger.ask("GET", "/home", expect=401)
        stranger.ask("POST", "/records", {"records": [{"guid": "a"}]}, expect=401)


@contextmanager
def living(people):
    """They take steps meanwhile, all of which must succeed."""
    ends = threading.Event()
    with ThreadPoolExecutor(len(people)) as threads:
        found = [threads.submit(live_until, person, ends) for person in people]
        try:
            yield
        finally:
            ends.set()
    assert all(one.result() > 0 for one in found)


def live_until(person, ends):
    """How many steps they took."""
    steps = 0
    while not ends.is_set():
        person.step()
        steps += 1
    return steps


def is_answered(person):
    try:
        person.look_home()
        return True
    except AssertionError:
        return False


def check_followers(people):
    """When nobody changes it any more."""
    for person, found in zip(people, in_parallel(people, Person.read_followers)):
        assert found == {other.name for other in people if person.name in other.following}


def check_tables(site, people):
    """No record lost, doubled or somebody else's, in the table itself."""
    with site.database() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id, user_id, guid, body, version FROM sync_slave001.records"
                       " WHERE user_id IN %s", ([person.id for person in people],))
        found = sorted(cursor.fetchall())
    assert found == sorted(
        (record["id"], person.id, guid, record["body"], record["version"])
        for person in people for guid, record in person.written.items())


@contextmanager
def most_connections(site):
    """Counts MariaDB's connections to the services, again and again."""
    counts, ends = [], threading.Event()

    def count():
        while not ends.wait(0.05):
            counts.append(site.count("TRUE"))

    counter = threading.Thread(target=count)
    counter.start()
    try:
        yield counts
    finally:
        ends.set()
        counter.join()


@contextmanager
def refused(site, body):
    """A row that MariaDB does not take."""
    with site.database() as connection, connection.cursor() as cursor:
        connection.select_db("sync_slave001")
        cursor.execute("CREATE TRIGGER refusing BEFORE INSERT ON records FOR EACH ROW"
                       " IF NEW.body = %s THEN SIGNAL SQLSTATE '45000'; END IF", (body,))
        yield
        cursor.execute("DROP TRIGGER refusing")


@contextmanager
def rows_locked(site, *people):
    """Their pushes wait meanwhile."""
    with site.database() as connection, connection.cursor() as cursor:
        connection.begin()
        cursor.execute("SELECT version FROM sync_slave001.versions WHERE user_id IN %s FOR UPDATE",
                       ([person.id for person in people],))
        yield
        connection.rollback()


def wait_for(condition):
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {WAIT_S} s in vain"
        time.sleep(0.05)
