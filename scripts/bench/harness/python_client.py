"""One Python caller that reads: PyMySQL on a persistent connection, or the client
that the Thrift compiler generates."""

import argparse
import json
import random

import caller
import servers

POINT = "SELECT id, username FROM users WHERE id = {}"
WIDE = "SELECT id, name, amount, created, note FROM wide WHERE id <= {}"


def main():
    options = parse()
    read = CLIENTS[options.client](options)
    chosen = random.Random(1)
    rows = options.rows

    def ask():
        number = chosen.randint(1, servers.ROWS) if rows == 1 else rows
        result = read(number)
        return len(result) == rows and result[-1][0] == number

    print(json.dumps(caller.measure(ask, options)))


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("--rows", type=int, required=True)
    caller.add_options(parser)
    return parser.parse_args()


def pymysql_client(options):
    cursor = servers.Database(options.mysql).connect().cursor()
    statement = (POINT if options.rows == 1 else WIDE).format("%s")

    def read(number):
        cursor.execute(statement, (number,))
        return cursor.fetchall()

    return read


def forebay_client(options):
    client, _ = caller.generated_client(options.port)
    from forebay_thrift.ttypes import QueryRequest, Statement, Value

    sql = (POINT if options.rows == 1 else WIDE).format("?")

    def read(number):
        statement = Statement(sql=sql, params=[Value(int64=number)])
        result = client.query(QueryRequest(shard="bench", statement=statement))
        return caller.rows(result.rows)

    return read


CLIENTS = {"pymysql": pymysql_client, "forebay": forebay_client}

if __name__ == "__main__":
    main()
