"""The schema: what Django reads of it, and how it changes it."""

import io

from bookshop.models import Book
from django.core.management import call_command
from django.db import connection, models


def introspection():
    with connection.cursor() as cursor:
        yield connection.introspection.table_names(cursor)
        for column in connection.introspection.get_table_description(cursor, "bookshop_book"):
            yield tuple(column)
        yield connection.introspection.get_relations(cursor, "bookshop_contribution")
        constraints = connection.introspection.get_constraints(cursor, "bookshop_book")
        for name, constraint in sorted(constraints.items()):
            yield name, sorted(constraint.items(), key=str)
        yield connection.introspection.get_primary_key_column(cursor, "bookshop_book")
        yield connection.introspection.get_sequences(cursor, "bookshop_book")
    yield connection.vendor, connection.mysql_is_mariadb, connection.mysql_version
    yield sorted(connection.sql_mode), connection.display_name
    text = io.StringIO()
    call_command("inspectdb", "bookshop_specimen", stdout=text)
    yield text.getvalue()


def changes():
    extra = models.CharField(max_length=20, default="none", null=True)
    extra.set_attributes_from_name("extra")
    number = models.IntegerField(null=True)
    number.set_attributes_from_name("extra")
    with connection.schema_editor() as editor:
        editor.add_field(Book, extra)
    yield "extra" in columns()
    with connection.schema_editor() as editor:
        editor.remove_field(Book, extra)
        editor.add_field(Book, number)
        editor.add_index(Book, models.Index(fields=["price"], name="by_price"))
    yield "extra" in columns()
    with connection.schema_editor() as editor:
        editor.remove_index(Book, models.Index(fields=["price"], name="by_price"))
        editor.remove_field(Book, number)
    yield "extra" in columns()


def columns():
    with connection.cursor() as cursor:
        description = connection.introspection.get_table_description(cursor, "bookshop_book")
    return [column.name for column in description]
