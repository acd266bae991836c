"""Indexes for the orders in which lists are read: without them every page sorts the whole table."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_lab_views")]

    operations = [
        migrations.AddIndex("event", models.Index(fields=["starts_at", "id"], name="event_by_start")),
        migrations.AddIndex("order", models.Index(fields=["-created_at", "id"], name="order_newest")),
        migrations.AddIndex(
            "order", models.Index(fields=["customer", "-created_at", "id"], name="order_newest_of_customer")
        ),
    ]
