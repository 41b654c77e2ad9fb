"""Errors: the same class, the same number and the same words."""

from bookshop.models import Author, Book, Contribution, Specimen
from django.db import DatabaseError, connection, transaction


def told(job):
    try:
        with transaction.atomic():
            job()
    except DatabaseError as error:
        return type(error).__name__, type(error.__cause__).__name__, error.args
    return "no error"


def execute(sql, values=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def integrity():
    author = Author.objects.create(name="Ada")
    book = Book.objects.create(title="One", slug="one", price=1)
    Contribution.objects.create(author=author, book=book)
    yield told(lambda: Author.objects.create(name="Ada"))
    yield told(lambda: Contribution.objects.create(author=author, book=book))[:2]
    yield told(lambda: Contribution.objects.create(author_id=10**9, book=book))
    yield told(lambda: Book.objects.create(title="Two", slug="two", price=-1))
    yield told(lambda: Book.objects.create(title=None, slug="two", price=1))
    yield told(lambda: execute("DELETE FROM bookshop_author"))
    yield Author.objects.count(), Book.objects.count()


def others():
    yield told(lambda: Book.objects.create(title="x" * 201, slug="x", price=1))
    yield told(lambda: Specimen.objects.create(small=40_000))
    yield told(lambda: execute("SELECT * FROM nowhere"))
    yield told(lambda: execute("SELECT nothing FROM bookshop_book"))
    yield told(lambda: execute("SELEKT 1"))
    yield told(lambda: execute("SELECT (SELECT 1 UNION SELECT 2)"))
    yield told(lambda: execute("INSERT INTO bookshop_specimen (day) VALUES ('2023-02-30')"))
    try:
        execute("SELECT %s, %s", ["one"])
    except Exception as error:
        yield isinstance(error, (TypeError, DatabaseError)), str(error)
    yield Author.objects.count()
