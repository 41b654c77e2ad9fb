"""A bookshop: its tables use every kind of column that Django has for MySQL."""

from django.db import models
from django.utils import timezone


class Shelf(models.Model):
    label = models.CharField(max_length=10, unique=True)


class Author(models.Model):
    name = models.CharField(max_length=150, unique=True)
    born = models.DateField(null=True)
    email = models.EmailField(blank=True)
    friends = models.ManyToManyField("self", blank=True)

    def __str__(self):
        return self.name


class Book(models.Model):
    class Kind(models.TextChoices):
        NOVEL = "novel"
        POEMS = "poems"

    title = models.CharField(max_length=200, db_index=True)
    slug = models.SlugField(max_length=80, unique=True)
    authors = models.ManyToManyField(Author, related_name="books", through="Contribution")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.NOVEL)
    summary = models.TextField(default="")
    price = models.DecimalField(max_digits=9, decimal_places=2)
    published = models.DateField(null=True)
    in_stock = models.PositiveIntegerField(default=0)
    is_signed = models.BooleanField(default=False)
    cover = models.BinaryField(null=True)
    details = models.JSONField(default=dict)
    shelf = models.ForeignKey(
        Shelf, null=True, on_delete=models.SET_NULL, related_name="books"
    )

    class Meta:
        ordering = ["title"]
        constraints = [
            models.CheckConstraint(condition=models.Q(price__gte=0), name="price_not_negative"),
        ]


class Contribution(models.Model):
    author = models.ForeignKey(Author, on_delete=models.PROTECT)
    book = models.ForeignKey(Book, on_delete=models.CASCADE)
    share = models.FloatField(default=1.0)

    class Meta:
        unique_together = [("author", "book")]


class Sale(models.Model):
    book = models.ForeignKey(Book, on_delete=models.PROTECT, related_name="sales")
    at = models.DateTimeField(default=timezone.now)
    copies = models.SmallIntegerField()
    receipt = models.UUIDField(unique=True)
    buyer_address = models.GenericIPAddressField(null=True)

    class Meta:
        indexes = [models.Index(fields=["book", "at"], name="sales_of_a_book")]


class Specimen(models.Model):
    """One of each: what goes in comes out."""

    big = models.BigIntegerField(null=True)
    positive_big = models.PositiveBigIntegerField(null=True)
    small = models.SmallIntegerField(null=True)
    boolean = models.BooleanField(null=True)
    real = models.FloatField(null=True)
    exact = models.DecimalField(max_digits=30, decimal_places=10, null=True)
    text = models.TextField(null=True)
    blob = models.BinaryField(null=True)
    day = models.DateField(null=True)
    clock = models.TimeField(null=True)
    moment = models.DateTimeField(null=True)
    length = models.DurationField(null=True)
    document = models.JSONField(null=True)
    uuid = models.UUIDField(null=True)
    address = models.GenericIPAddressField(null=True)
    link = models.URLField(null=True)
