"""The dated story of every object that is in the register already: what its row says of its present lifecycle and since when."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.db import migrations

from yuanjiao.lib.uid import new_uid
from yuanjiao.network.rules.placements import RETIRED, SUSPENDED, first_story

BATCH = 2000


def tell_stories(apps: Any, schema_editor: Any) -> None:
    placement = apps.get_model("network", "Placement")
    rows = stories(apps.get_model("network", "ManagedObject"), placement)
    while batch := list(islice(rows, BATCH)):
        placement.objects.bulk_create(batch, batch_size=500)


def stories(objects: Any, placement: Any) -> Iterator[Any]:
    for row in objects.objects.filter(placements=None).order_by("pk").iterator(chunk_size=BATCH):
        document = row.suspension_document if row.lifecycle in {SUSPENDED, RETIRED} else ""
        story = first_story(
            division=row.division_id,
            lifecycle=row.lifecycle,
            document=document,
            in_service_on=row.in_service_on,
            lifecycle_on=row.lifecycle_on,
        )
        for span in story:
            yield placement(
                uid=new_uid(), object_id=row.pk, division_id=span.division, lifecycle=span.lifecycle, document=span.document,
                valid_from=span.valid_from, valid_to=span.valid_to,
            )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("network", "0002_nation")]
    operations = [migrations.RunPython(tell_stories, migrations.RunPython.noop)]
