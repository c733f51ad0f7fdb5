"""The table of tokens of the full text (items/search.py), and the tokens of what is there already."""

from typing import Any

from django.db import migrations
from django.db.models import Count, F, Max, OuterRef, Subquery
from django.db.models.functions import Coalesce

TABLE = "items_grams"


def make(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"CREATE TABLE {TABLE} (item_id bigint PRIMARY KEY, grams tsvector NOT NULL)")
        schema_editor.execute(f"CREATE INDEX {TABLE}_found ON {TABLE} USING gin (grams) WITH (fastupdate = off)")
    else:
        schema_editor.execute(f"CREATE VIRTUAL TABLE {TABLE} USING fts5(grams, detail=none, columnsize=0)")


def drop(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(f"DROP TABLE {TABLE}")


def fill(apps: Any, schema_editor: Any) -> None:
    from yuanjiao.items.search import index_items

    steps = apps.get_model("items", "ItemStep").objects.filter(item=OuterRef("pk")).order_by()
    count = steps.values("item").annotate(n=Count("pk")).values("n")
    last = steps.values("item").annotate(last=Max("at")).values("last")
    apps.get_model("items", "Item").objects.update(
        step_count=Coalesce(Subquery(count), 0), moved_at=Coalesce(Subquery(last), F("created_at"))
    )
    rows = apps.get_model("items", "Item").objects.order_by("pk")
    chunk = []
    for row in rows.iterator(chunk_size=2000):
        chunk.append(row)
        if len(chunk) == 2000:
            index_items(chunk)
            chunk = []
    index_items(chunk)


class Migration(migrations.Migration):
    dependencies = [("items", "0002_trees_phases_changes")]
    operations = [migrations.RunPython(make, drop), migrations.RunPython(fill, migrations.RunPython.noop)]
