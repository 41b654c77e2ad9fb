"""One Python caller that reads the same row of every shard at once: by gevent, with
a greenlet and a connection for each, or by one call of the service."""

import sys

GEVENT = ("gevent-pymysql", "gevent-forebay", "gevent-multi")
if sys.argv[1] in GEVENT:
    # As gevent asks: before anything else is imported.
    from gevent import monkey
    monkey.patch_all()

import argparse
import json
import random

import caller
import servers

READ = "SELECT id, username FROM users WHERE id = {}"
TIMEOUT_S = 2
SHARDS = range(servers.MULTI_SHARDS)


def main():
    options = parse()
    read_all, connections = CLIENTS[options.client](options)
    chosen = random.Random(1)

    def ask():
        number = chosen.randint(1, servers.MULTI_ROWS)
        return read_all(number) == [((number, servers.multi_name(shard, number)),)
                                    for shard in SHARDS]

    result = caller.measure(ask, options)
    print(json.dumps(result | {"connections": connections()}))


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("client", choices=CLIENTS)
    caller.add_options(parser)
    return parser.parse_args()


def pymysql_readers(options):
    """A persistent connection to each database; how many MariaDB sees of them."""
    database = servers.Database(options.mysql)
    connections = [database.connect(servers.multi_database(shard)) for shard in SHARDS]
    statement = READ.format("%s")

    def reader(connection):
        cursor = connection.cursor()

        def read(number):
            cursor.execute(statement, (number,))
            return cursor.fetchall()

        return read

    ids = ", ".join(str(connection.thread_id()) for connection in connections)
    return list(map(reader, connections)), lambda: count_connections(f"id IN ({ids})")


def forebay_readers(options):
    """A session of the service for each shard."""
    def reader(shard):
        client, _ = caller.generated_client(options.port)
        from forebay_thrift.ttypes import Options, QueryRequest, Statement, Value
        sql = READ.format("?")

        def read(number):
            statement = Statement(sql=sql, params=[Value(int64=number)])
            request = QueryRequest(servers.multi_shard(shard), statement,
                                   Options(timeout_ms=TIMEOUT_S * 1000))
            return tuple(caller.rows(client.query(request).rows))

        return read

    return list(map(reader, SHARDS)), count_pooled


def at_once(make_readers):
    """A greenlet for each, as gevent's users do it."""
    def make(options):
        import gevent
        readers, connections = make_readers(options)

        def read_all(number):
            jobs = [gevent.spawn(read, number) for read in readers]
            gevent.joinall(jobs, timeout=TIMEOUT_S)
            return [job.value for job in jobs]

        return read_all, connections

    return make


def in_order(make_readers):
    def make(options):
        readers, connections = make_readers(options)
        return lambda number: [read(number) for read in readers], connections

    return make


def by_multi(options):
    client, _ = caller.generated_client(options.port)
    import forebay_thrift.ttypes as types
    sql = READ.format("?")
    within = types.Options(timeout_ms=TIMEOUT_S * 1000)

    def item(shard, number):
        statement = types.Statement(sql=sql, params=[types.Value(int64=number)])
        return types.MultiItem(types.QueryRequest(servers.multi_shard(shard), statement))

    def read_all(number):
        items = [item(shard, number) for shard in SHARDS]
        result = client.multi(types.MultiRequest(items, options=within))
        return [tuple(caller.rows(outcome.query.rows)) for outcome in result.outcomes]

    return read_all, count_pooled


def count_pooled():
    """What the service holds: nobody else names these databases for long."""
    return count_connections(f"db LIKE '{servers.MULTI_DATABASES}%'")


def count_connections(condition):
    with servers.Database("socket").connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM information_schema.processlist WHERE {condition}")
        return cursor.fetchone()[0]


CLIENTS = {
    "pymysql": in_order(pymysql_readers),
    "gevent-pymysql": at_once(pymysql_readers),
    "gevent-forebay": at_once(forebay_readers),
    "gevent-multi": by_multi,
    "multi": by_multi,
}

if __name__ == "__main__":
    main()
