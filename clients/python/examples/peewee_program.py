"""peewee on a host and a port: what it prints does not depend on the driver, which
is whatever `import pymysql` gives.

    python peewee_program.py HOST PORT DATABASE
"""

from __future__ import annotations

import datetime
import sys
from decimal import Decimal

import peewee
from peewee import fn
from playhouse.pool import PooledMySQLDatabase

database = peewee.DatabaseProxy()


class Model(peewee.Model):
    class Meta:
        database = database


class User(Model):
    name = peewee.CharField(unique=True, max_length=50)
    joined = peewee.DateTimeField(null=True)
    balance = peewee.DecimalField(max_digits=10, decimal_places=2, default=0)

    class Meta:
        table_name = "peewee_users"


class Message(Model):
    user = peewee.ForeignKeyField(User, backref="messages", on_delete="CASCADE")
    body = peewee.TextField()
    length = peewee.IntegerField(default=0)
    seen = peewee.BooleanField(default=False)

    class Meta:
        table_name = "peewee_messages"
        indexes = ((("user", "length"), False),)


class Event(Model):
    id = peewee.UUIDField(primary_key=True)
    day = peewee.DateField(null=True)
    clock = peewee.TimeField(null=True)
    data = peewee.BlobField(null=True)
    ratio = peewee.DoubleField(null=True)
    big = peewee.BigIntegerField(null=True)

    class Meta:
        table_name = "peewee_events"


class Counter(Model):
    key = peewee.CharField(primary_key=True, max_length=20)
    hits = peewee.IntegerField()

    class Meta:
        table_name = "peewee_counters"


MODELS = [User, Message, Event, Counter]


def names():
    return [user.name for user in User.select().order_by(User.name)]


def writing():
    ada = User.create(name="Ada", joined=datetime.datetime(2024, 2, 29, 1, 2, 3), balance="10.50")
    print(ada.id, User.get_by_id(ada.id).joined, User.get(User.name == "Ada").balance)
    again, created = User.get_or_create(name="Ada", defaults={"balance": 3})
    print(again.id == ada.id, created)
    print(User.insert_many([{"name": f"u{n}", "balance": n} for n in range(100)]).execute())
    print(User.update(balance=User.balance + 1).where(User.balance < 5).execute())
    print(User.update(balance=User.balance).where(User.balance < 5).execute())
    print(User.delete().where(User.name.startswith("u9")).execute(), User.select().count())
    odd = ["100%", "%s", "it's", 'a "b"', "back\\slash", "🐎", "?"]
    Message.insert_many([(ada, text, len(text), False) for text in odd],
                        fields=[Message.user, Message.body, Message.length, Message.seen]).execute()
    print([message.body for message in ada.messages.order_by(Message.id)])
    print([Message.get(Message.body == text).length for text in odd])
    print([message.body for message in Message.select().where(Message.body.contains("%"))])
    message = Message.get(Message.body == "%s")
    message.seen = True
    print(message.save(), Message.get_by_id(message.id).seen)
    print(Message.bulk_update([message], fields=["length"]), message.delete_instance())


def values():
    key = "00000000-0000-0000-0000-0000000000ff"
    Event.create(
        id=key,
        day=datetime.date(9999, 12, 31),
        clock=datetime.time(23, 59, 59),
        data=bytes(range(256)),
        ratio=1e-300,
        big=-(2**63),
    )
    event = Event.get()
    print(event.id, event.day, event.clock, bytes(event.data) == bytes(range(256)))
    print(event.ratio, event.big, Event.select().where(Event.data == bytes(range(256))).count())
    print(Event.select(fn.YEAR(Event.day), fn.COUNT(Event.id)).tuples().get())


def conflicts():
    for _ in range(2):
        Counter.insert(key="page", hits=1).on_conflict(
            preserve=[], update={Counter.hits: Counter.hits + 1}
        ).execute()
    print(Counter.get_by_id("page").hits)
    Counter.insert(key="page", hits=50).on_conflict(preserve=[Counter.hits]).execute()
    print(Counter.get_by_id("page").hits)
    print(Counter.insert(key="page", hits=7).on_conflict_ignore().execute())
    print(Counter.replace(key="page", hits=7).execute(), Counter.get_by_id("page").hits)
    for wrong in (
        lambda: Counter.create(key="page", hits=0),
        lambda: User.create(name=None),
        lambda: Message.create(user=123456, body="x"),
        lambda: database.execute_sql("SELECT nothing FROM peewee_users"),
        lambda: database.execute_sql("SELEKT 1"),
    ):
        try:
            wrong()
        except peewee.DatabaseError as error:
            print(type(error).__name__, error.args)


def transactions():
    with database.atomic():
        User.create(name="kept")
        try:
            with database.atomic():
                User.create(name="lost")
                raise KeyError
        except KeyError:
            pass
        with database.atomic() as inner:
            User.create(name="lost too")
            inner.rollback()
            User.create(name="kept too")
        with database.savepoint():
            User.create(name="kept last")
    print([name for name in names() if "t" in name])
    try:
        with database.atomic():
            User.delete().execute()
            raise KeyError
    except KeyError:
        print(User.select().count())
    with database.transaction() as transaction:
        User.create(name="first")
        transaction.commit()
        User.create(name="second")
        transaction.rollback()
    print([name for name in names() if name in ("first", "second")])
    with database.atomic("READ COMMITTED"):
        print(User.select().where(User.name == "kept").for_update().get().name)

    @database.atomic()
    def renamed():
        return User.update(name="renamed").where(User.name == "first").execute()

    print(renamed(), database.in_transaction())


def reading():
    joined = Message.select(Message, User).join(User).order_by(Message.id)
    print([(message.user.name, message.body) for message in joined][:3])
    counted = (
        User.select(User.name, fn.COUNT(Message.id).alias("n"))
        .join(Message, peewee.JOIN.LEFT_OUTER)
        .group_by(User.name)
        .order_by(fn.COUNT(Message.id).desc(), User.name)
    )
    print([(user.name, user.n) for user in counted.limit(3)])
    print(User.select(fn.SUM(User.balance), fn.AVG(User.id)).scalar(as_tuple=True)[0])
    best = User.select(User.id).where(User.balance > Decimal("80")).alias("best")
    print(User.select().join(best, on=(User.id == best.c.id)).count())
    print([row for row in User.select(User.name).order_by(User.id).dicts().limit(2)])
    print(User.select().where(User.name.in_(["Ada", "u1"])).count(), User.select().exists())
    print(User.select().where(User.id.in_([])).count(), User.get_or_none(User.name == "none"))
    fetched = peewee.prefetch(User.select().where(User.name == "Ada"), Message)
    print([len(user.messages) for user in fetched])
    print(sum(1 for _ in User.select().iterator()))
    both = User.select(User.name).where(User.name == "Ada") | User.select(User.name).where(
        User.name == "u1"
    )
    print(sorted(row.name for row in both))
    cursor = database.execute_sql("SELECT name, %s FROM peewee_users WHERE name = %s", ("%", "Ada"))
    print(cursor.fetchall(), [column[0] for column in cursor.description])


def schema():
    print([name for name in database.get_tables() if name.startswith("peewee_")])
    for column in database.get_columns("peewee_users"):
        print(column.name, column.data_type, column.null, column.primary_key)
    print([(index.name, index.unique) for index in database.get_indexes("peewee_messages")])
    print([key.dest_table for key in database.get_foreign_keys("peewee_messages")])
    print(database.server_version >= (10, 4), database.table_exists("peewee_users"))


def reconnecting(arguments):
    pooled = PooledMySQLDatabase(max_connections=2, stale_timeout=60, **arguments)
    with User.bind_ctx(pooled):
        with pooled.connection_context():
            print(User.select().count() > 0)
        pooled.connect()
        # The connection is lost while it is in use.
        pooled.connection().close()
        try:
            User.select().count()
        except (peewee.InterfaceError, peewee.OperationalError) as error:
            print(type(error).__name__)
        pooled.close()
        with pooled.connection_context():
            print(User.select().count() > 0, pooled.is_connection_usable())
    pooled.close_all()
    database.close()
    print(database.is_closed(), database.connect(), database.is_connection_usable())


def main(host, port, name):
    arguments = dict(database=name, host=host, port=int(port), user="root")
    database.initialize(peewee.MySQLDatabase(**arguments))
    with database:
        database.drop_tables(MODELS, safe=True)
        database.create_tables(MODELS)
    database.connect()
    for stop in (writing, values, conflicts, transactions, reading, schema):
        print("==", stop.__name__)
        stop()
    print("== reconnecting")
    reconnecting(arguments)
    database.drop_tables(MODELS)
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
