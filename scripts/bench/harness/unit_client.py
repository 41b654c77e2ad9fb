"""One Python caller that writes units: a parent, its children, which refer to it,
and their number on the parent, all in one transaction. By PyMySQL, or by the
generated client in the ways that there are."""

import argparse
import json

import pymysql

import caller
import servers

CHILDREN = 10
TABLES = (
    "DROP TABLE IF EXISTS children, parents",
    "CREATE TABLE parents (id BIGINT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40) NOT NULL,"
    " child_count INT NOT NULL DEFAULT 0) ENGINE=InnoDB",
    "CREATE TABLE children (id BIGINT AUTO_INCREMENT PRIMARY KEY, parent_id BIGINT NOT NULL,"
    " place INT NOT NULL, name VARCHAR(60) NOT NULL, UNIQUE KEY (parent_id, place),"
    " FOREIGN KEY (parent_id) REFERENCES parents (id)) ENGINE=InnoDB",
)
PARENT = "INSERT INTO parents (name) VALUES (%s)"
CHILD = "INSERT INTO children (parent_id, place, name) VALUES (%s, %s, %s)"
COUNT = "UPDATE parents SET child_count = child_count + %s WHERE id = %s"


def main():
    options = parse()
    database = servers.Database("socket")
    make_tables(database)
    write, sends = CLIENTS[options.client](options)
    units = 0

    def ask():
        nonlocal units
        units += 1
        return write(f"unit {units}")

    result = caller.measure(ask, options, sends)
    result["errors"] += count_wrong_rows(database, units)
    print(json.dumps(result))


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("--mysql-port", type=int, help="instead of MariaDB's own")
    caller.add_options(parser)
    return parser.parse_args()


def make_tables(database):
    with database.connect() as connection, connection.cursor() as cursor:
        for statement in TABLES:
            cursor.execute(statement)


def count_wrong_rows(database, units):
    """How many rows are missing, too many, counted wrongly or at a wrong parent."""
    checks = (
        ("SELECT COUNT(*) FROM parents", units),
        (f"SELECT COUNT(DISTINCT name) FROM parents WHERE child_count = {CHILDREN}", units),
        ("SELECT COUNT(*) FROM children", units * CHILDREN),
        ("SELECT COUNT(*) FROM children JOIN parents ON parents.id = parent_id"
         f" WHERE place BETWEEN 0 AND {CHILDREN - 1}"
         " AND children.name = CONCAT(parents.name, ' child ', place)", units * CHILDREN),
    )
    with database.connect() as connection, connection.cursor() as cursor:
        return sum(abs(number_of(cursor, statement) - wanted) for statement, wanted in checks)


def number_of(cursor, statement):
    cursor.execute(statement)
    return cursor.fetchone()[0]


def children_of(unit):
    return [(place, f"{unit} child {place}") for place in range(CHILDREN)]


class CountingConnection(pymysql.connections.Connection):
    """Counts what it sends: each time the answer is waited for."""
    sends = 0

    def _write_bytes(self, data):
        self.sends += 1
        super()._write_bytes(data)


def by_pymysql(insert_children):
    """PyMySQL on a persistent connection."""
    def make(options):
        database = servers.Database(options.mysql, options.mysql_port)
        connection = database.connect(open_connection=CountingConnection)
        cursor = connection.cursor()

        def write(unit):
            connection.begin()
            cursor.execute(PARENT, (unit,))
            parent = connection.insert_id()
            inserted = insert_children(
                cursor, [(parent, place, name) for place, name in children_of(unit)])
            cursor.execute(COUNT, (CHILDREN, parent))
            connection.commit()
            return inserted == CHILDREN and cursor.rowcount == 1

        return write, lambda: connection.sends

    return make


def together(cursor, rows):
    """PyMySQL makes one INSERT of them."""
    return cursor.executemany(CHILD, rows)


def one_by_one(cursor, rows):
    return sum(cursor.execute(CHILD, row) for row in rows)


def by_transaction(insert_children):
    """A transaction that the service keeps open for its caller."""
    def make(options):
        client, socket = caller.generated_client(options.port)
        import forebay_thrift.ttypes as types

        def write(unit):
            begun = client.begin_transaction(types.BeginRequest(shard="bench"))
            within = types.Options(transaction=begun.transaction)

            def execute(sql, *values):
                statement = types.Statement(sql=sql, params=list(values),
                                            param_style=types.ParamStyle.PYFORMAT)
                return client.execute(types.ExecuteRequest("bench", statement, within))

            parent = execute(PARENT, types.Value(text=unit)).insert_id
            rows = [child_values(types, types.Value(int64=parent), *child)
                    for child in children_of(unit)]
            inserted = insert_children(client, types, within, execute, rows)
            counted = execute(COUNT, types.Value(int64=CHILDREN), types.Value(int64=parent))
            client.commit_transaction(types.CommitRequest(within))
            return inserted == CHILDREN and counted.affected_rows == 1

        return write, lambda: socket.sends

    return make


def child_values(types, parent, place, name):
    return [parent, types.Value(int64=place), types.Value(text=name)]


def by_insert(client, types, within, _, rows):
    request = types.InsertRequest("bench", "children", ["parent_id", "place", "name"], rows,
                                  options=within)
    return client.insert(request).affected_rows


def by_execute(_client, _types, _within, execute, rows):
    return sum(execute(CHILD, *row).affected_rows for row in rows)


def by_batch(options):
    """All in one call."""
    client, socket = caller.generated_client(options.port)
    import forebay_thrift.ttypes as types

    def step(sql, *values, param_rows=None):
        statement = types.Statement(sql=sql, params=list(values) or None,
                                    param_style=types.ParamStyle.PYFORMAT)
        return types.BatchStep(statement, param_rows)

    def write(unit):
        parent = types.Value(insert_id_of_step=0)
        rows = [child_values(types, parent, *child) for child in children_of(unit)]
        steps = [step(PARENT, types.Value(text=unit)), step(CHILD, param_rows=rows),
                 step(COUNT, types.Value(int64=CHILDREN), parent)]
        done = client.batch(types.BatchRequest("bench", steps)).steps
        return [step.result.affected_rows for step in done] == [1, CHILDREN, 1]

    return write, lambda: socket.sends


CLIENTS = {
    "pymysql-each": by_pymysql(one_by_one),
    "pymysql-many": by_pymysql(together),
    "transaction-each": by_transaction(by_execute),
    "transaction-many": by_transaction(by_insert),
    "batch": by_batch,
}

if __name__ == "__main__":
    main()
