"""A program for PyMySQL that knows nothing of Forebay.

    python pymysql_program.py HOST PORT DATABASE

A host and a port of Forebay's do, with `forebay.install_as_pymysql()` called before
`import pymysql`; a site does that in one place, for instance its `__init__`.
"""

import datetime
import sys
from decimal import Decimal

import pymysql
import pymysql.cursors
from pymysql.constants import CLIENT, ER, FIELD_TYPE
from pymysql.converters import conversions, escape_string
from pymysql.err import IntegrityError, OperationalError, ProgrammingError

TABLE = """
CREATE TABLE plain_stock (
    id INT AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(40) NOT NULL UNIQUE,
    price DECIMAL(10, 2),
    weight DOUBLE,
    added DATETIME,
    day DATE,
    length TIME,
    flags BIT(10),
    picture BLOB,
    note TEXT,
    amount BIGINT UNSIGNED,
    size ENUM('s', 'm', 'l')
)
"""


def filling(connection):
    with connection.cursor() as cursor:
        print(cursor.execute("DROP TABLE IF EXISTS plain_stock"))
        print(cursor.execute(TABLE))
        values = ("it's 100%", Decimal("9.90"), 0.5, datetime.datetime(2024, 2, 29, 23, 59, 58))
        count = cursor.execute(
            "INSERT INTO plain_stock (name, price, weight, added) VALUES (%s, %s, %s, %s)", values
        )
        print(count, cursor.rowcount, cursor.lastrowid)
        cursor.execute(
            "INSERT INTO plain_stock (name, day, length, flags, picture, note, amount, size)"
            " VALUES (%(name)s, %(day)s, %(length)s, b'1000000001', %(picture)s, %(note)s,"
            " %(amount)s, 's')",
            {
                "name": "second",
                "day": datetime.date(1000, 1, 1),
                "length": datetime.timedelta(hours=-30, seconds=1),
                "picture": bytes(range(256)),
                "note": 'ž🐎\0"\\%s\n',
                "amount": 2**64 - 1,
            },
        )
        rows = [(f"many{number}", number) for number in range(1000)]
        sql = "INSERT INTO plain_stock (name, price) VALUES (%s, %s)"
        print(cursor.executemany(sql, rows), cursor.rowcount, cursor.lastrowid)
        sql += " ON DUPLICATE KEY UPDATE price = VALUES(price)"
        print(cursor.executemany(sql, [("many1", 5), ("many1001", 6)]), cursor.rowcount)
        sql = "UPDATE plain_stock SET price = %s WHERE name = %s"
        print(cursor.executemany(sql, [(1, "many1"), (1, "many2"), (1, "none")]))
        print(cursor.executemany(sql, []))
    connection.commit()


def reading(connection):
    with connection.cursor() as cursor:
        print(cursor.execute("SELECT * FROM plain_stock ORDER BY id LIMIT 2"))
        for row in cursor:
            print(row)
        for column in cursor.description:
            print(column)
        print([column[1] == FIELD_TYPE.LONG for column in cursor.description][:2])
        sql = "SELECT name FROM plain_stock WHERE name IN %s ORDER BY 1"
        cursor.execute(sql, (["second", "x"],))
        print(cursor.fetchall(), cursor.fetchone(), cursor.rownumber)
        cursor.execute("SELECT id FROM plain_stock ORDER BY id LIMIT 20")
        print(cursor.fetchone(), cursor.fetchmany(3), cursor.rownumber)
        cursor.scroll(5)
        print(cursor.fetchone())
        cursor.scroll(1, mode="absolute")
        print(cursor.fetchmany(2), len(cursor.fetchall()))
        print(cursor.execute("SELECT 1 FROM plain_stock WHERE id < 0"), cursor.fetchall())
        print(cursor.mogrify("SELECT %s, %s, %s", ("a'b", None, [1, 2.5])))
        cursor.execute("SELECT '%d %s'")
        print(cursor.fetchone())
    with connection.cursor(pymysql.cursors.DictCursor) as cursor:
        cursor.execute("SELECT a.id, b.id, a.name FROM plain_stock a JOIN plain_stock b USING (id)")
        print(cursor.fetchone(), len(cursor.fetchmany(10)))
    with connection.cursor(pymysql.cursors.SSCursor) as cursor:
        cursor.execute("SELECT id, name FROM plain_stock ORDER BY id")
        print(cursor.fetchone(), len(cursor.fetchmany(600)), sum(1 for _ in cursor))
    with connection.cursor(pymysql.cursors.SSDictCursor) as cursor:
        cursor.execute("SELECT name FROM plain_stock ORDER BY id")
        print(cursor.fetchone())


def transactions(connection):
    def count():
        with connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM plain_stock")
            return cursor.fetchone()[0]

    before = count()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM plain_stock WHERE id > 10")
    print(count())
    connection.rollback()
    print(count() - before, connection.get_autocommit())
    connection.begin()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO plain_stock (name) VALUES ('kept')")
        cursor.execute("SAVEPOINT here")
        cursor.execute("INSERT INTO plain_stock (name) VALUES ('lost')")
        cursor.execute("ROLLBACK TO SAVEPOINT here")
        cursor.execute("SET @a = 5")
        cursor.execute("SELECT @a")
        print(cursor.fetchone())
    connection.commit()
    print(count() - before)
    connection.autocommit(True)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO plain_stock (name) VALUES ('at once')")
        connection.rollback()
        cursor.execute("BEGIN")
        cursor.execute("DELETE FROM plain_stock")
        cursor.execute("ROLLBACK")
    print(count() - before, connection.get_autocommit())
    connection.autocommit(False)


def errors(connection):
    for sql, values in (
        ("INSERT INTO plain_stock (name) VALUES (%s)", ("second",)),
        ("INSERT INTO plain_stock (name) VALUES (%s)", (None,)),
        ("INSERT INTO plain_stock (name) VALUES (%s)", ("x" * 41,)),
        ("SELECT * FROM nowhere", None),
        ("SELECT nothing", None),
        ("SELEKT %s", ("a",)),
        ("", None),
        ("SELECT %s", (1, 2)),
        ("SELECT %s, %s", (1,)),
    ):
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, values)
        except IntegrityError as error:
            print("integrity", error.args[0] == ER.DUP_ENTRY, error.args)
        except OperationalError as error:
            print("operational", error.args)
        except ProgrammingError as error:
            print("programming", error.args)
        except pymysql.Error as error:
            print(type(error).__name__, error.args)
    connection.rollback()


def odds(connection, host, port, database):
    print(connection.open, connection.ping(), connection.escape("a'b"), escape_string('c"d'))
    print(connection.escape(datetime.date(2024, 1, 2)), connection.character_set_name())
    print(connection.query("SELECT 1"), connection.affected_rows(), connection.insert_id())
    print("MariaDB" in connection.get_server_info())
    with connection.cursor() as cursor:
        cursor.execute("DROP PROCEDURE IF EXISTS plain_pair")
        cursor.execute("CREATE PROCEDURE plain_pair(a INT) SELECT a, 1 UNION SELECT 2, 3")
        cursor.callproc("plain_pair", (7,))
        print(cursor.fetchall(), cursor.nextset(), cursor.fetchall(), cursor.nextset())
        cursor.execute("DROP PROCEDURE plain_pair")
        print(cursor.execute("SELECT 1/0"), cursor.fetchone())
        cursor.execute("SHOW WARNINGS")
        print(cursor.fetchall())
    texts = dict(conversions)
    texts[FIELD_TYPE.NEWDECIMAL] = lambda text: f"<{text}>"
    with pymysql.connect(
        host=host,
        port=port,
        user="root",
        database=database,
        conv=texts,
        client_flag=CLIENT.FOUND_ROWS,
        cursorclass=pymysql.cursors.DictCursor,
        autocommit=True,
        connect_timeout=5,
        read_timeout=10,
        init_command="SET sql_auto_is_null = 0",
    ) as other, other.cursor() as cursor:
        cursor.execute("SELECT price FROM plain_stock WHERE name = 'many1'")
        print(cursor.fetchall())
        print(cursor.execute("UPDATE plain_stock SET price = price WHERE name LIKE 'many1_'"))
        cursor.execute("DROP TABLE plain_stock")
    try:
        other.cursor().execute("SELECT 1")
    except pymysql.InterfaceError as error:
        print(error.args, other.open)


def main(host, port, database):
    connection = pymysql.connect(host=host, port=int(port), user="root", database=database)
    for stop in (filling, reading, transactions, errors):
        print("==", stop.__name__)
        stop(connection)
    print("== odds")
    odds(connection, host, int(port), database)
    connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
