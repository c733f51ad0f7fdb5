"""An urging sheet names the date that was missed, so that a date set later can be urged again."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce, Least


def name_dates(apps: Any, _editor: Any) -> None:
    """The item's date where the sheet was drafted after it; else the date was moved since, and the moment of the draft stands for it."""
    due = apps.get_model("items", "Item").objects.filter(pk=OuterRef("item")).values("due_at")[:1]
    known = Least(Coalesce(Subquery(due), F("drafted_at")), F("drafted_at"))
    apps.get_model("faults", "Urging").objects.update(due_at=known)


class Migration(migrations.Migration):
    dependencies = [("faults", "0003_agreements_duty_urging")]

    operations = [
        migrations.RemoveConstraint(model_name="urging", name="urging_once"),
        migrations.AddField(model_name="urging", name="due_at", field=models.DateTimeField(null=True, verbose_name="所催时限")),
        migrations.RunPython(name_dates, migrations.RunPython.noop),
        migrations.AlterField(model_name="urging", name="due_at", field=models.DateTimeField(verbose_name="所催时限")),
        migrations.AddConstraint(
            model_name="urging",
            constraint=models.UniqueConstraint(fields=("item", "issued_at", "due_at", "rung", "person"), name="urging_once"),
        ),
    ]
