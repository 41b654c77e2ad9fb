"""What `manage.py makemigrations` made of the first models."""

import django.utils.timezone
from django.db import migrations, models

ID = models.BigAutoField(
    auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
)


class Migration(migrations.Migration):
    initial = True
    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name="Book",
            fields=[
                ("id", ID),
                ("title", models.CharField(db_index=True, max_length=200)),
                ("slug", models.SlugField(max_length=80, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[("novel", "Novel"), ("poems", "Poems")],
                        default="novel",
                        max_length=10,
                    ),
                ),
                ("summary", models.TextField(default="")),
                ("price", models.DecimalField(decimal_places=2, max_digits=9)),
                ("published", models.DateField(null=True)),
                ("in_stock", models.PositiveIntegerField(default=0)),
                ("is_signed", models.BooleanField(default=False)),
                ("cover", models.BinaryField(null=True)),
                ("details", models.JSONField(default=dict)),
            ],
            options={
                "ordering": ["title"],
            },
        ),
        migrations.CreateModel(
            name="Specimen",
            fields=[
                ("id", ID),
                ("big", models.BigIntegerField(null=True)),
                ("positive_big", models.PositiveBigIntegerField(null=True)),
                ("small", models.SmallIntegerField(null=True)),
                ("boolean", models.BooleanField(null=True)),
                ("real", models.FloatField(null=True)),
                ("exact", models.DecimalField(decimal_places=10, max_digits=30, null=True)),
                ("text", models.TextField(null=True)),
                ("blob", models.BinaryField(null=True)),
                ("day", models.DateField(null=True)),
                ("clock", models.TimeField(null=True)),
                ("moment", models.DateTimeField(null=True)),
                ("length", models.DurationField(null=True)),
                ("document", models.JSONField(null=True)),
                ("uuid", models.UUIDField(null=True)),
                ("address", models.GenericIPAddressField(null=True)),
                ("link", models.URLField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Author",
            fields=[
                ("id", ID),
                ("name", models.CharField(max_length=100, unique=True)),
                ("born", models.DateField(null=True)),
                ("email", models.EmailField(blank=True, max_length=254)),
                ("friends", models.ManyToManyField(blank=True, to="bookshop.author")),
            ],
        ),
        migrations.CreateModel(
            name="Contribution",
            fields=[
                ("id", ID),
                ("share", models.FloatField(default=1.0)),
                ("author", models.ForeignKey(on_delete=models.PROTECT, to="bookshop.author")),
                ("book", models.ForeignKey(on_delete=models.CASCADE, to="bookshop.book")),
            ],
            options={
                "unique_together": {("author", "book")},
            },
        ),
        migrations.AddField(
            model_name="book",
            name="authors",
            field=models.ManyToManyField(
                related_name="books", through="bookshop.Contribution", to="bookshop.author"
            ),
        ),
        migrations.CreateModel(
            name="Sale",
            fields=[
                ("id", ID),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("copies", models.SmallIntegerField()),
                ("receipt", models.UUIDField(unique=True)),
                ("buyer_address", models.GenericIPAddressField(null=True)),
                (
                    "book",
                    models.ForeignKey(
                        on_delete=models.PROTECT, related_name="sales", to="bookshop.book"
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="book",
            constraint=models.CheckConstraint(
                condition=models.Q(("price__gte", 0)), name="price_not_negative"
            ),
        ),
    ]
