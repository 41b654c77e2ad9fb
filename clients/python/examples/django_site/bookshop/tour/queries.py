"""The ORM: creating, changing and finding."""

import datetime
from decimal import Decimal

from bookshop.models import Author, Book, Contribution, Sale, Shelf
from django.db import connection
from django.db.models import (
    Avg,
    Case,
    Count,
    Exists,
    F,
    Max,
    OuterRef,
    Prefetch,
    Q,
    Subquery,
    Sum,
    Value,
    When,
    Window,
)
from django.db.models.functions import (
    Coalesce,
    Concat,
    ExtractYear,
    Length,
    Lower,
    Rank,
    TruncMonth,
)
from django.test.utils import CaptureQueriesContext


def stock(count=6):
    """Some books by three authors."""
    authors = [Author.objects.create(name=name) for name in ("Ada", "Božena", "Čeněk")]
    for number in range(count):
        book = Book.objects.create(
            title=f"Book {number}",
            slug=f"book-{number}",
            price=Decimal(number) * Decimal("10.25"),
            kind=Book.Kind.POEMS if number % 2 else Book.Kind.NOVEL,
            published=datetime.date(2020 + number % 3, 1 + number, 1) if number else None,
            in_stock=number,
        )
        Contribution.objects.create(book=book, author=authors[number % 3], share=0.5)
    return authors


def creating():
    author, created = Author.objects.get_or_create(name="Ada", defaults={"email": "a@example.org"})
    yield author.pk is not None, created
    again, created = Author.objects.get_or_create(name="Ada")
    yield again.pk == author.pk, created, again.email
    for price in (10, "12.5"):
        book, created = Book.objects.update_or_create(
            slug="one", defaults={"title": "One", "price": Decimal(price)}
        )
        yield created, Book.objects.get(slug="one").price
    book.in_stock = 5
    book.save()
    yield Book.objects.filter(pk=book.pk).update(in_stock=F("in_stock") + 2)
    book.refresh_from_db()
    yield book.in_stock
    yield Book.objects.filter(pk=book.pk).update(in_stock=7), "rows matched, none changed"
    book.save(update_fields=["title"])
    book.price = F("price") * 2
    book.save()
    book.refresh_from_db()
    yield book.price
    yield book.delete()[0], Book.objects.filter(pk=book.pk).exists()


def bulk_writes():
    made = Book.objects.bulk_create(
        [Book(title=f"B{n}", slug=f"b{n}", price=n, details={"n": n}) for n in range(500)],
        batch_size=200,
    )
    yield len(made), len({book.pk for book in made}), Book.objects.count()
    yield made[0].pk is not None and Book.objects.get(pk=made[123].pk).title
    Book.objects.bulk_create([Book(title="again", slug="b1", price=1)], ignore_conflicts=True)
    yield Book.objects.get(slug="b1").title
    Book.objects.bulk_create(
        [Book(title="anew", slug="b1", price=99), Book(title="new", slug="new", price=1)],
        update_conflicts=True,
        update_fields=["title", "price"],
    )
    yield list(Book.objects.filter(slug__in=["b1", "new"]).values_list("title", "price"))
    books = list(Book.objects.filter(price__lt=50))
    for book in books:
        book.in_stock = int(book.price) + 1
    yield Book.objects.bulk_update(books, ["in_stock"], batch_size=20) == len(books)
    yield Book.objects.aggregate(Sum("in_stock"))
    yield sorted(Book.objects.in_bulk(["b3", "b4"], field_name="slug"))
    yield sum(1 for _ in Book.objects.iterator(chunk_size=50))
    yield Book.objects.filter(price__gte=100).delete()[1]


def reading():
    stock()
    yield [book.title for book in Book.objects.filter(Q(price__gt=20) & ~Q(kind="poems"))]
    yield list(Book.objects.order_by("-price").values_list("title", flat=True)[1:3])
    yield Book.objects.filter(published__year=2021).count()
    yield list(Book.objects.dates("published", "year"))
    yield [row for row in Book.objects.values("kind", "price").order_by("price")[:2]]
    yield Book.objects.first().title, Book.objects.last().title, Book.objects.none().count()
    yield Book.objects.earliest("price").title, Book.objects.latest("price").title
    yield Book.objects.filter(pk__in=[]).exists(), Book.objects.filter(title="Book 1").exists()
    cheap = Book.objects.filter(price__lt=15).values_list("title")
    dear = Book.objects.filter(price__gt=35).values_list("title")
    yield sorted(cheap.union(dear))
    yield sorted(cheap.intersection(Book.objects.values_list("title")))
    yield list(Book.objects.only("title").values_list("title", flat=True)[:1])
    yield [book.title for book in Book.objects.defer("summary", "cover")[:2]]
    found = Book.objects.annotate(
        label=Concat(Lower("title"), Value(": "), "kind"), size=Length("title")
    )
    yield list(found.values_list("label", "size")[:2])
    named = Case(When(price__lt=15, then=Value("cheap")), default=Value("dear"))
    yield list(Book.objects.annotate(how=named).values_list("how", flat=True))
    yield Book.objects.distinct().values_list("kind").count()
    yield Book.objects.alias(year=ExtractYear("published")).filter(year__gte=2021).count()
    yield Book.objects.contains(Book.objects.first())


def aggregates():
    stock()
    yield Book.objects.aggregate(Count("pk"), Sum("price"), Avg("price"), Max("published"))
    kinds = Book.objects.values("kind").annotate(n=Count("pk"), total=Sum("price"))
    yield list(kinds.order_by("kind"))
    yield list(Author.objects.annotate(n=Count("books")).filter(n__gt=1).values_list("name", "n"))
    rank = Window(Rank(), partition_by="kind", order_by=F("price").desc())
    ranked = Book.objects.annotate(rank=rank).order_by("kind", "rank")
    yield list(ranked.values_list("title", "rank"))
    newest = Book.objects.filter(authors=OuterRef("pk")).order_by("-price").values("title")[:1]
    yield list(Author.objects.annotate(best=Subquery(newest)).order_by("name").values_list("best"))
    dear = Contribution.objects.filter(author=OuterRef("pk"), book__price__gt=45)
    yield list(Author.objects.filter(Exists(dear)).values_list("name", flat=True))
    months = Book.objects.annotate(month=TruncMonth("published")).values("month")
    yield list(months.annotate(n=Count("pk")).order_by("month"))
    yield Book.objects.aggregate(total=Coalesce(Sum("price", filter=Q(price__gt=1000)), Decimal(0)))


def relations():
    authors = stock()
    ada = authors[0]
    ada.friends.set(authors[1:])
    yield sorted(friend.name for friend in authors[1].friends.all())
    ada.friends.remove(authors[1])
    yield ada.friends.count()
    shelf = Shelf.objects.create(label="X")
    shelf.books.set(Book.objects.filter(kind="poems"))
    shelved = Book.objects.select_related("shelf").filter(shelf__isnull=False)
    yield [book.shelf.label for book in shelved]
    shelf.delete()
    yield Book.objects.filter(shelf__isnull=False).count()
    listed = Author.objects.order_by("name").prefetch_related(
        Prefetch("books", queryset=Book.objects.order_by("-price"))
    )
    with CaptureQueriesContext(connection) as captured:
        yield [(author.name, [book.title for book in author.books.all()]) for author in listed]
    yield [query["sql"].split(" FROM ")[0] for query in captured]
    book = Book.objects.get(slug="book-1")
    at = datetime.datetime(2024, 3, 31, 1, 30, tzinfo=datetime.timezone.utc)
    for copies in (1, 2):
        Sale.objects.create(
            book=book, at=at, copies=copies, receipt=f"00000000-0000-0000-0000-00000000000{copies}"
        )
    yield book.sales.aggregate(sold=Sum("copies")), book.sales.filter(at=at).count()
    yield [str(sale.at) for sale in book.sales.order_by("pk")]
    yield Book.objects.filter(sales__copies__gte=1).distinct().count()


def json_documents():
    for number, document in enumerate([{"a": 1}, {"a": {"b": [1, 2]}}, {"c": None}, [1], "ž"]):
        Book.objects.create(title=f"J{number}", slug=f"j{number}", price=1, details=document)
    for condition in (
        dict(details__a=1),
        dict(details__a__b__0=1),
        dict(details__has_key="a"),
        dict(details__c=None),
        dict(details__c__isnull=False),
        dict(details__contains={"a": 1}),
        dict(details="ž"),
    ):
        yield condition, [book.slug for book in Book.objects.filter(**condition)]
    yield list(Book.objects.order_by("slug").values_list("details__a", flat=True))


def raw_sql():
    stock()
    raw = Book.objects.raw("SELECT * FROM bookshop_book WHERE price > %s ORDER BY price", [30])
    yield [book.title for book in raw]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT title, price FROM bookshop_book WHERE slug = %(slug)s", {"slug": "book-2"}
        )
        yield cursor.fetchone(), cursor.rowcount, [column[0] for column in cursor.description]
        cursor.execute("SELECT '100%'")
        yield cursor.fetchall()
        cursor.execute("SELECT %s, '100%%'", ["a"])
        yield cursor.fetchall()
        cursor.executemany(
            "UPDATE bookshop_book SET in_stock = %s WHERE slug = %s",
            [(70, "book-0"), (71, "book-1")],
        )
        yield cursor.rowcount
        cursor.executemany(
            "INSERT INTO bookshop_shelf (label) VALUES (%s)", [("K",), ("L",), ("M",)]
        )
        yield cursor.rowcount, cursor.lastrowid is not None
        cursor.execute("SELECT in_stock FROM bookshop_book ORDER BY price")
        yield cursor.fetchmany(2), cursor.fetchone(), len(cursor.fetchall()), cursor.fetchone()
        cursor.execute(
            "SELECT slug FROM bookshop_book WHERE slug IN %s ORDER BY slug",
            [("book-1", "book-2")],
        )
        yield list(cursor)
        cursor.execute("DROP PROCEDURE IF EXISTS dear_books")
        cursor.execute(
            "CREATE PROCEDURE dear_books(least DECIMAL(9,2)) "
            "SELECT title FROM bookshop_book WHERE price >= least ORDER BY price"
        )
        cursor.callproc("dear_books", [40])
        yield cursor.fetchall()
    yield "Book" in Book.objects.filter(price__gt=1).explain() or "an explanation"
