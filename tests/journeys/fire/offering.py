"""Run in the centre's own environment: for ever one more released item made of files, and now and then the oldest one gone.

What was written whole is published by the centre's own job. Killed at any moment.
"""

from __future__ import annotations

import os
import time

import django

PERIOD_S, MOST = 1.5, 12
SIZES = (150_000, 2_000, 2_000, 2_000)

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yuanjiao.wiring.settings")
    django.setup()
    from django.db import transaction

    from yuanjiao.courseware.models import Column, Courseware, ItemPart, Placement
    from yuanjiao.courseware.rules.life import State
    from yuanjiao.flow.blobs import store
    from yuanjiao.lib import clock

    column = Column.objects.get()
    while True:
        at = clock.now()
        refs = [store.put(os.urandom(size), media_type="image/jpeg") for size in SIZES]
        with transaction.atomic():
            item = Courseware.objects.create(
                title=f"材料 {at.isoformat()}", unit=column.owner, item_class="service", source="practitioner", state=State.RELEASED,
                created_at=at, released_at=at,
            )  # fmt: skip
            for number, ref in enumerate(refs, 1):
                named = {"blob": ref.sha256, "size_bytes": ref.size, "media_type": ref.media_type}
                ItemPart.objects.create(courseware=item, kind="picture", number=number, **named)
            Placement.objects.create(column=column, courseware=item, placed_at=at)
            for old in Courseware.objects.order_by("-pk")[MOST:]:
                old.delete()
        time.sleep(PERIOD_S)
