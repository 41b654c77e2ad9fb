"""Tests of the shop as Django's projects have them: each in a transaction that is
rolled back, or on tables that are emptied."""

from bookshop.models import Author, Book
from django.db import IntegrityError, connection, transaction
from django.test import TestCase, TransactionTestCase


class Shop(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.book = Book.objects.create(title="One", slug="one", price=1, published="2024-05-01")

    def test_page(self):
        for times in (1, 2):
            answer = self.client.get("/books/2024")
            self.assertEqual(answer.json()["books"], [{"title": "One", "price": "1.00"}])
            self.assertEqual(answer.json()["looked_at"], times)

    def test_unique(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            Book.objects.create(title="Two", slug="one", price=2)
        self.assertEqual(Book.objects.count(), 1)

    def test_queries(self):
        with self.assertNumQueries(2):
            Book.objects.create(title="Two", slug="two", price=2)
            self.assertEqual(Book.objects.get(price=2).title, "Two")

    def test_callbacks(self):
        with self.captureOnCommitCallbacks(execute=True) as callbacks:
            transaction.on_commit(lambda: None)
        self.assertEqual(len(callbacks), 1)


class Rows(TransactionTestCase):
    def test_empty_at_first(self):
        self.assertEqual(Author.objects.count(), 0)
        Author.objects.create(name="Ada")
        self.assertFalse(connection.in_atomic_block)

    def test_empty_again(self):
        self.test_empty_at_first()

    def test_locks(self):
        Author.objects.create(name="Ada")
        with transaction.atomic():
            self.assertEqual(Author.objects.select_for_update().get().name, "Ada")
