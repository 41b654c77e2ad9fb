"""`manage.py tour`: walks through everything of bookshop.tour on an empty shop."""

from bookshop import tour
from bookshop.models import Author, Book, Contribution, Sale, Shelf, Specimen
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Does everything that Django does with a database, and prints what comes of it."

    def handle(self, *args, **options):
        for stop in tour.STOPS:
            for model in (Sale, Contribution, Book, Author, Specimen, Shelf):
                model.objects.all().delete()
            self.stdout.write(f"== {stop.__name__}")
            for line in stop():
                self.stdout.write(str(line))
