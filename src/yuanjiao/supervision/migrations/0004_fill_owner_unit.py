"""Whoever was named before answers for the unit that has the item; apart from 0003, for PostgreSQL alters no table with rows in flight."""

from typing import Any

from django.db import migrations
from django.db.models import OuterRef, Subquery


def fill(apps: Any, _schema: Any) -> None:
    """One statement, whatever there is."""
    rows, items = apps.get_model("supervision", "CampaignItem").objects, apps.get_model("items", "Item").objects
    lead = items.filter(pk=OuterRef("item_id")).values("lead_unit_id")[:1]
    rows.filter(owned_at__isnull=False).update(owner_unit_id=Subquery(lead))


class Migration(migrations.Migration):
    dependencies = [("supervision", "0003_owner_unit"), ("items", "0004_whole_reasons_on_the_spot")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
