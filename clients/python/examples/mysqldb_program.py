"""A program for MySQLdb in its old style, which knows nothing of Forebay.

    python mysqldb_program.py HOST PORT DATABASE

A host and a port of Forebay's do, with `forebay.install_as_MySQLdb()` called before
`import MySQLdb`; a site does that in one place, for instance its `__init__`.
"""

import sys

import MySQLdb
import MySQLdb.cursors
from MySQLdb.constants import ER, FIELD_TYPE
from MySQLdb.converters import conversions


def query(db, sql, *values):
    cursor = db.cursor(MySQLdb.cursors.DictCursor)
    cursor.execute(sql, values)
    rows = cursor.fetchall()
    cursor.close()
    return list(rows)


def change(db, sql, *values):
    cursor = db.cursor()
    try:
        cursor.execute(sql, values)
        db.commit()
        return cursor.rowcount, cursor.lastrowid
    except MySQLdb.Error:
        db.rollback()
        raise
    finally:
        cursor.close()


def main(host, port, database):
    db = MySQLdb.connect(
        host=host, port=int(port), user="root", passwd="", db=database, charset="utf8mb4"
    )
    change(db, "DROP TABLE IF EXISTS follow_plain")
    change(
        db,
        "CREATE TABLE follow_plain (user_id1 INT, user_id2 INT, note TEXT,"
        " PRIMARY KEY (user_id1, user_id2)) ENGINE=InnoDB",
    )
    for pair in ((1, 2), (1, 3), (2, 1)):
        print(change(db, "INSERT INTO follow_plain VALUES (%s, %s, %s)", *pair, "it's 100%"))
    print(change(db, "DELETE FROM follow_plain WHERE user_id1=%s AND user_id2=%s", 1, 2))
    print(change(db, "UPDATE follow_plain SET note=%s WHERE user_id1=%s", "ž", 2))
    print(query(db, "SELECT * FROM follow_plain ORDER BY user_id1"))
    print(query(db, "SELECT COUNT(*) AS n FROM follow_plain WHERE user_id1 IN %s", (1, 2, 3)))
    try:
        change(db, "INSERT INTO follow_plain VALUES (1, 3, '')")
    except MySQLdb.IntegrityError as error:
        print(error.args[0] == ER.DUP_ENTRY, error.args)
    try:
        query(db, "SELECT * FROM nowhere")
    except MySQLdb.ProgrammingError as error:
        print(error.args)
    db.autocommit(True)
    cursor = db.cursor()
    print(cursor.executemany("INSERT INTO follow_plain VALUES (%s, %s, NULL)", [(5, 6), (5, 7)]))
    cursor.execute("SELECT user_id2, note FROM follow_plain WHERE user_id1 = 5 ORDER BY 1")
    print(cursor.fetchone(), list(cursor), cursor.description[0][1] == FIELD_TYPE.LONG)
    print(cursor.description[1][1] in MySQLdb.BINARY, cursor.description[0][1] == MySQLdb.NUMBER)
    print(MySQLdb.Binary(b"x"), FIELD_TYPE.BLOB in conversions)
    print(MySQLdb.Date(2024, 1, 2), MySQLdb.Timestamp(2024, 1, 2, 3))
    cursor.execute("DROP TABLE follow_plain")
    cursor.close()
    db.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
