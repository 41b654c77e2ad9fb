"""A table, a column filled from the rows that are there, a longer column, an index:
statements that MySQL commits by themselves, with a program's between them."""

from django.db import migrations, models


def fill_shelves(apps, schema_editor):
    shelf = apps.get_model("bookshop", "Shelf")
    book = apps.get_model("bookshop", "Book")
    shelf.objects.bulk_create([shelf(label=label) for label in ("A", "B", "C")])
    book.objects.filter(kind="poems").update(shelf=shelf.objects.get(label="B"))


def empty_shelves(apps, schema_editor):
    apps.get_model("bookshop", "Book").objects.update(shelf=None)
    apps.get_model("bookshop", "Shelf").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("bookshop", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Shelf",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("label", models.CharField(max_length=10, unique=True)),
            ],
        ),
        migrations.AddField(
            model_name="book",
            name="shelf",
            field=models.ForeignKey(
                null=True, on_delete=models.SET_NULL, to="bookshop.shelf", related_name="books"
            ),
        ),
        migrations.RunPython(fill_shelves, empty_shelves),
        migrations.AlterField(
            model_name="author",
            name="name",
            field=models.CharField(max_length=150, unique=True),
        ),
        migrations.AddIndex(
            model_name="sale",
            index=models.Index(fields=["book", "at"], name="sales_of_a_book"),
        ),
    ]
