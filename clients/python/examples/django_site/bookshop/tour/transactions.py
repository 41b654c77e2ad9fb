"""Transactions: atomic blocks, savepoints, callbacks, row locks."""

import threading

from bookshop.models import Author, Book
from django.db import DatabaseError, IntegrityError, connection, transaction


def names():
    return sorted(Author.objects.values_list("name", flat=True))


class Change(Exception):
    pass


def atomic_blocks():
    with transaction.atomic():
        Author.objects.create(name="kept")
        yield connection.in_atomic_block, connection.get_autocommit()
    yield names(), connection.get_autocommit()
    try:
        with transaction.atomic():
            Author.objects.create(name="lost")
            raise Change
    except Change:
        yield names()
    with transaction.atomic():
        Author.objects.create(name="lost too")
        transaction.set_rollback(True)
    yield names()
    try:
        with transaction.atomic():
            try:
                Author.objects.create(name="kept")
            except IntegrityError as error:
                yield "refused", error.args[0]
            Author.objects.count()
    except transaction.TransactionManagementError as error:
        yield type(error).__name__, str(error)
    yield names()
    try:
        with transaction.atomic():
            with transaction.atomic(durable=True):
                pass
    except RuntimeError as error:
        yield str(error)


def savepoints():
    with transaction.atomic():
        Author.objects.create(name="outer")
        try:
            with transaction.atomic():
                Author.objects.create(name="inner, lost")
                raise Change
        except Change:
            pass
        with transaction.atomic():
            Author.objects.create(name="inner, kept")
            try:
                with transaction.atomic():
                    Author.objects.create(name="inner, kept")
            except IntegrityError as error:
                yield error.args[0]
            Author.objects.create(name="after the error")
        yield names()
    yield names()
    with transaction.atomic():
        first = transaction.savepoint()
        Author.objects.create(name="x")
        second = transaction.savepoint()
        Author.objects.create(name="y")
        transaction.savepoint_rollback(second)
        yield names()
        transaction.savepoint_commit(first)
    yield names()


def on_commit():
    done = []
    with transaction.atomic():
        transaction.on_commit(lambda: done.append("outer"))
        try:
            with transaction.atomic():
                transaction.on_commit(lambda: done.append("never"))
                raise Change
        except Change:
            pass
        with transaction.atomic():
            transaction.on_commit(lambda: done.append("inner"))
            Author.objects.create(name="a")
        yield list(done)
    yield done
    transaction.on_commit(lambda: done.append("at once"))
    yield done


def by_hand():
    transaction.set_autocommit(False)
    try:
        Author.objects.create(name="one")
        transaction.rollback()
        yield names()
        Author.objects.create(name="two")
        transaction.commit()
        Author.objects.create(name="three")
        transaction.rollback()
        yield names()
        transaction.rollback()
    finally:
        transaction.set_autocommit(True)
    Author.objects.create(name="four")
    transaction.set_autocommit(False)
    Author.objects.create(name="five")
    transaction.set_autocommit(True)
    yield names()


def in_another_connection(job):
    """What `job` returned or raised in a thread, which has a connection of its own."""
    said = []

    def run():
        try:
            said.append(job())
        except DatabaseError as error:
            said.append((type(error).__name__, error.args[0]))
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return said[0]


def lock_first(**how):
    with transaction.atomic():
        found = Book.objects.select_for_update(**how).order_by("pk").first()
        return found and found.slug


def row_locks():
    for slug in ("a", "b"):
        Book.objects.create(title=slug, slug=slug, price=1)
    try:
        Book.objects.select_for_update().get(slug="a")
    except transaction.TransactionManagementError as error:
        yield str(error)
    with transaction.atomic():
        book = Book.objects.select_for_update().get(slug="a")
        book.in_stock += 1
        book.save()
        yield in_another_connection(lambda: lock_first(nowait=True))
        yield in_another_connection(lambda: lock_first(skip_locked=True))
        yield in_another_connection(lambda: Book.objects.get(slug="a").in_stock)
    yield in_another_connection(lambda: lock_first(nowait=True))
    yield in_another_connection(lambda: Book.objects.get(slug="a").in_stock)
