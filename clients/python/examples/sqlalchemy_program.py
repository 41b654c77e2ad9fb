"""SQLAlchemy, Core and ORM, on a URL: what it prints does not depend on the driver.

    python sqlalchemy_program.py mysql+forebay://127.0.0.1:9090/SHARD
    python sqlalchemy_program.py mysql+pymysql://root@127.0.0.1:3306/DATABASE
"""

from __future__ import annotations

import datetime
import sys
from decimal import Decimal
from typing import List, Optional

import sqlalchemy as sa
from sqlalchemy import event, exc, func, orm
from sqlalchemy.dialects.mysql import insert as mysql_insert

metadata = sa.MetaData()
accounts = sa.Table(
    "sa_accounts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("owner", sa.String(50), nullable=False, unique=True),
    sa.Column("balance", sa.Numeric(12, 2), nullable=False, server_default="0"),
    sa.Column("opened", sa.DateTime),
    sa.Column("settings", sa.JSON),
    sa.Column("picture", sa.LargeBinary),
    sa.Column("rate", sa.Double),
    sa.Column("is_closed", sa.Boolean, nullable=False, default=False),
    sa.Index("sa_accounts_opened", "opened"),
)


class Base(orm.DeclarativeBase):
    pass


membership = sa.Table(
    "sa_membership",
    Base.metadata,
    sa.Column("team_id", sa.ForeignKey("sa_teams.id"), primary_key=True),
    sa.Column("person_id", sa.ForeignKey("sa_people.id"), primary_key=True),
)


class Person(Base):
    __tablename__ = "sa_people"

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str] = orm.mapped_column(sa.String(50), unique=True)
    born: orm.Mapped[Optional[datetime.date]]
    version: orm.Mapped[int] = orm.mapped_column()
    posts: orm.Mapped[List[Post]] = orm.relationship(
        back_populates="author", cascade="all, delete-orphan", order_by="Post.id"
    )
    teams: orm.Mapped[List[Team]] = orm.relationship(
        secondary=membership, back_populates="people", order_by="Team.name"
    )
    __mapper_args__ = {"version_id_col": version}


class Post(Base):
    __tablename__ = "sa_posts"

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    author_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("sa_people.id"))
    text: orm.Mapped[str] = orm.mapped_column(sa.Text)
    at: orm.Mapped[datetime.datetime] = orm.mapped_column(server_default=func.now())
    author: orm.Mapped[Person] = orm.relationship(back_populates="posts")


class Team(Base):
    __tablename__ = "sa_teams"

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str] = orm.mapped_column(sa.String(50))
    people: orm.Mapped[List[Person]] = orm.relationship(
        secondary=membership, back_populates="teams"
    )


def core_writes(engine):
    row = dict(
        owner="it's %s, 100%",
        balance=Decimal("12.34"),
        opened=datetime.datetime(2024, 2, 29, 23, 59, 59),
        settings={"a": [1, None], "ž": "%(x)s"},
        picture=bytes(range(256)),
        rate=0.1,
    )
    with engine.begin() as connection:
        done = connection.execute(accounts.insert(), row)
        print("insert", done.inserted_primary_key, done.rowcount, done.lastrowid)
        many = [{"owner": f"o{n}", "balance": n} for n in range(1, 301)]
        print("many", connection.execute(accounts.insert(), many).rowcount)
        poor = accounts.update().where(accounts.c.balance < 3)
        print("update", connection.execute(poor.values(rate=accounts.c.balance * 2)).rowcount)
        print("matched", connection.execute(poor.values(is_closed=False)).rowcount)
        moved = accounts.update().where(accounts.c.owner == sa.bindparam("who"))
        moved = moved.values(balance=accounts.c.balance + sa.bindparam("by"))
        changes = [{"who": "o1", "by": 100}, {"who": "o2", "by": 200}]
        print("update many", connection.execute(moved, changes).rowcount)
        print("delete", connection.execute(accounts.delete().where(accounts.c.id > 200)).rowcount)
    with engine.connect() as connection:
        print(connection.execute(sa.select(accounts).limit(1)).one())
        print(connection.execute(sa.select(accounts).where(accounts.c.owner == "o2")).one())


def core_upsert(engine):
    row = {"owner": "o1", "balance": 5}
    upsert = mysql_insert(accounts).values(row)
    upsert = upsert.on_duplicate_key_update(balance=accounts.c.balance + upsert.inserted.balance)
    with engine.begin() as connection:
        print("upsert", connection.execute(upsert).rowcount)
        ignore = mysql_insert(accounts).prefix_with("IGNORE").values(row)
        print("ignore", connection.execute(ignore).rowcount)
        found = sa.select(accounts.c.balance).where(accounts.c.owner == "o1")
        print(connection.scalar(found), connection.scalar(found.with_for_update()))


def core_reads(engine):
    columns = accounts.c
    with engine.connect() as connection:
        total = sa.select(func.count(), func.sum(columns.balance), func.max(columns.opened))
        print(connection.execute(total).one())
        rich = sa.select(columns.owner).where(columns.balance.between(50, 55)).order_by(columns.id)
        print(connection.scalars(rich).all())
        print(connection.scalars(rich.where(columns.owner.in_(["o50", "o52", "x"]))).all())
        print(connection.scalars(rich.where(columns.owner.in_([]))).all())
        print(connection.scalars(rich.where(columns.owner.like("%5%"))).first())
        ranked = sa.select(
            columns.owner, func.row_number().over(order_by=columns.balance.desc()).label("place")
        ).cte("ranked")
        best = sa.select(ranked).where(ranked.c.place <= 2).order_by(ranked.c.place)
        print(connection.execute(best).mappings().all())
        print(connection.execute(sa.text("SELECT :a, '100%', :b"), {"a": "%s", "b": None}).one())
        print(connection.exec_driver_sql("SELECT %s, '100%%'", ("a",)).one())
        print(connection.exec_driver_sql("SELECT '100%%'").one())
        result = connection.execute(sa.select(columns.id, columns.owner).order_by(columns.id))
        print(list(result.keys()), result.fetchone(), len(result.fetchmany(10)), len(result.all()))


def streaming(engine):
    with engine.connect() as connection:
        streamed = connection.execution_options(stream_results=True, max_row_buffer=50)
        result = streamed.execute(sa.select(accounts.c.id).order_by(accounts.c.id))
        print([len(part) for part in result.partitions(60)])
        result = streamed.execution_options(yield_per=10).execute(sa.select(accounts.c.owner))
        print(result.scalar() is not None)
        result.close()
        print(connection.scalar(sa.select(func.count()).select_from(accounts)))


def transactions(engine):
    count = sa.select(func.count()).select_from(accounts)
    with engine.connect() as connection:
        with connection.begin():
            before = connection.scalar(count)
            connection.execute(accounts.insert(), {"owner": "kept"})
            inner = connection.begin_nested()
            connection.execute(accounts.insert(), {"owner": "lost"})
            inner.rollback()
            with connection.begin_nested():
                connection.execute(accounts.insert(), {"owner": "kept too"})
        print("savepoints", connection.scalar(count) - before)
        connection.rollback()
        connection.execute(accounts.delete())
        print("deleted", connection.scalar(count))
        connection.rollback()
        print("rolled back", connection.scalar(count) - before)
    for level in ("READ COMMITTED", "SERIALIZABLE", "REPEATABLE READ", "AUTOCOMMIT"):
        with engine.connect().execution_options(isolation_level=level) as connection:
            print(level, connection.get_isolation_level(), connection.scalar(count) - before)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(accounts.insert(), {"owner": "at once"})
        connection.rollback()
    with engine.connect() as connection:
        print("autocommit", connection.scalar(count) - before)
        print("default", connection.get_isolation_level(), connection.default_isolation_level)


def errors(engine):
    attempts = [
        accounts.insert().values(owner="o1"),
        accounts.insert().values(owner=None),
        sa.text("SELECT * FROM nowhere"),
        sa.text("SELECT nothing FROM sa_accounts"),
        sa.text("SELEKT 1"),
        sa.text("INSERT INTO sa_posts (author_id, text) VALUES (12345, 'x')"),
        sa.text("INSERT INTO sa_accounts (owner) VALUES (REPEAT('x', 51))"),
    ]
    for attempt in attempts:
        with engine.connect() as connection:
            try:
                connection.execute(attempt)
            except exc.DBAPIError as error:
                inner = error.orig
                print(type(error).__name__, inner.args, error.connection_invalidated)


def orm_writes(engine):
    with orm.Session(engine) as session:
        ada = Person(name="Ada", born=datetime.date(1815, 12, 10))
        ada.posts = [Post(text=text) for text in ("first", "second 🐎", "100%s")]
        team = Team(name="Engines", people=[ada, Person(name="Charles")])
        session.add(team)
        session.flush()
        print("flushed", ada.id is not None, [post.author_id == ada.id for post in ada.posts])
        session.commit()
        print(ada.version, isinstance(ada.posts[0].at, datetime.datetime))
        ada.born = None
        del ada.posts[1]
        session.commit()
        print(ada.version, [post.text for post in ada.posts])
        session.add(Person(name="Ada"))
        try:
            session.commit()
        except exc.IntegrityError as error:
            print(error.orig.args)
            session.rollback()
        with session.begin_nested():
            session.add(Person(name="Grace", teams=[team]))
        people = [{"name": f"p{number}", "version": 1} for number in range(250)]
        session.execute(sa.insert(Person), people)
        session.bulk_save_objects([Team(name="A"), Team(name="B")])
        session.commit()
        print([person.name for person in team.people])
        print(session.execute(sa.update(Team).where(Team.name == "A").values(name="C")).rowcount)
        session.rollback()
        print(session.scalars(sa.select(Team.name).order_by(Team.name)).all())


def orm_reads(engine):
    with orm.Session(engine) as session:
        ada = session.scalars(sa.select(Person).filter_by(name="Ada")).one()
        print(ada.name, [team.name for team in ada.teams], [post.text for post in ada.posts])
        loaded = sa.select(Person).options(orm.joinedload(Person.posts)).where(Person.id == ada.id)
        print(len(session.scalars(loaded).unique().one().posts))
        loaded = sa.select(Person).options(orm.selectinload(Person.teams)).order_by(Person.id)
        print([(p.name, len(p.teams)) for p in session.scalars(loaded.limit(3))])
        pairs = sa.select(Person.name, func.count(Post.id)).outerjoin(Post).group_by(Person.name)
        print(session.execute(pairs.having(func.count(Post.id) > 0)).all())
        people = Person.__table__
        changed = sa.update(people).where(people.c.name == "Ada").values(version=77)
        session.connection().execute(changed)
        ada.born = datetime.date(2000, 1, 1)
        try:
            session.commit()
        except orm.exc.StaleDataError as error:
            print(type(error).__name__)
            session.rollback()
        grace = session.scalars(
            sa.select(Person).filter_by(name="Grace").with_for_update()
        ).one()
        session.delete(grace)
        session.commit()
        print(session.scalar(sa.select(func.count()).select_from(Person)))
        streamed = sa.select(Person).execution_options(yield_per=100)
        print(sum(len(part) for part in session.scalars(streamed).partitions()))


def pooling(url):
    opened = []
    engine = sa.create_engine(url, pool_size=2, max_overflow=0, pool_pre_ping=True, pool_timeout=5)
    event.listen(engine, "connect", lambda connection, record: opened.append(connection))
    for _ in range(5):
        with engine.connect() as connection:
            connection.scalar(sa.text("SELECT 1"))
    print("opened", len(opened))
    # The connection is lost while it lies in the pool: the ping sees it.
    opened[0].close()
    with engine.connect() as connection:
        print(connection.scalar(sa.text("SELECT 2")), "opened", len(opened))
    engine.dispose()


def reflection(engine):
    inspector = sa.inspect(engine)
    names = sorted(name for name in inspector.get_table_names() if name.startswith("sa_"))
    print(names)
    for name in names:
        print([(column["name"], str(column["type"])) for column in inspector.get_columns(name)])
        print(inspector.get_pk_constraint(name)["constrained_columns"], inspector.get_indexes(name))
        print([key["referred_table"] for key in inspector.get_foreign_keys(name)])
    table = sa.Table("sa_accounts", sa.MetaData(), autoload_with=engine)
    print(repr(table.c.balance.type), table.c.owner.nullable)


def main(url):
    engine = sa.create_engine(url)
    for tables in (Base.metadata, metadata):
        tables.drop_all(engine)
        tables.create_all(engine)
    stops = [core_writes, core_upsert, core_reads, streaming, transactions, orm_writes]
    for stop in [*stops, orm_reads, errors, reflection]:
        print("==", stop.__name__)
        stop(engine)
    if engine.driver != "mysqldb":
        print("== pooling")
        pooling(url)
    for tables in (Base.metadata, metadata):
        tables.drop_all(engine)
    engine.dispose()


if __name__ == "__main__":
    main(sys.argv[1])
