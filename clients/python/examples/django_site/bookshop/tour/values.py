"""Values: what goes in comes out, of the same type."""

import datetime
import uuid
from decimal import Decimal

from bookshop.models import Book, Specimen

UTC = datetime.timezone.utc

ODD_TEXT = "Příliš žluťoučký 🐎\0\n\\%s'\""
TEXTS = ["100%", "%s", "%(name)s", "it's", 'a "b"', "back\\slash", "--", "/* */", "a;b", "?", ":a"]
SPECIMENS = [
    {},
    dict(big=2**63 - 1, positive_big=2**63 - 1, small=-32768, boolean=True, real=1 / 3),
    dict(big=-(2**63), positive_big=0, small=32767, boolean=False, real=-1.5e300),
    dict(exact=Decimal("12345678901234567890.0123456789"), text="", blob=b""),
    dict(exact=Decimal("-0.0000000001"), text=ODD_TEXT, blob=bytes(range(256))),
    dict(day=datetime.date(1, 1, 1), clock=datetime.time(0, 0)),
    dict(day=datetime.date(9999, 12, 31), clock=datetime.time(23, 59, 59, 999999)),
    dict(moment=datetime.datetime(2024, 2, 29, 12, 30, 15, 123456, tzinfo=UTC)),
    dict(
        moment=datetime.datetime(
            2024, 7, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=5, minutes=30))
        )
    ),
    dict(length=datetime.timedelta(days=-3, seconds=5, microseconds=7)),
    dict(length=datetime.timedelta(days=100_000)),
    dict(document={"a": [1, 2.5, None, True, "ž%s"], "b": {}}),
    dict(document=[]),
    dict(document="text"),
    dict(uuid=uuid.UUID(int=2**127 + 5), address="2001:db8::1", link="https://example.org/?a=%20"),
    dict(address="192.0.2.7"),
]


def every_kind_of_column():
    for given in SPECIMENS:
        Specimen.objects.create(**given)
    for given, kept in zip(SPECIMENS, Specimen.objects.order_by("pk")):
        for name in given:
            value = getattr(kept, name)
            yield f"{name}: {type(value).__name__} {value!r}, same: {value == given[name]}"
    for given in SPECIMENS:
        if given and "document" not in given:
            yield f"{sorted(given)}: found by value {Specimen.objects.filter(**given).count()}"


def odd_texts():
    for number, text in enumerate(TEXTS):
        Book.objects.create(title=text, slug=f"s{number}", price=number)
        found = Book.objects.get(title=text)
        yield f"{text}: {found.title == text} {found.price!r}"
        yield [book.slug for book in Book.objects.filter(title__contains=text)]
        yield [book.slug for book in Book.objects.filter(title__iexact=text.upper())]
    yield Book.objects.filter(title__startswith="%").count()
    yield Book.objects.filter(title__endswith="\\slash").count()
    yield Book.objects.filter(title__regex=r"^[a-z]").count()
    yield Book.objects.filter(title__in=TEXTS).count()
