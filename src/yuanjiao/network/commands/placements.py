"""Writing the dated story of every object: whoever changes a division or a lifecycle calls this in the same transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby
from uuid import UUID

from yuanjiao.lib.uid import new_uid
from yuanjiao.network.commands.versions import past_changed, register_changed
from yuanjiao.network.models import Lifecycle, ManagedObject, Placement
from yuanjiao.network.rules.placements import Span, changed, entering, first_difference, first_story, followed
from yuanjiao.places.models import Division

BATCH = 500
Story = list[Span]


def place_new(rows: Iterable[ManagedObject]) -> None:
    """Begin the stories of objects that were just entered."""
    entered = list(rows)
    fresh = [_row(row.pk, span) for row in entered for span in story_of_row(row)]
    Placement.objects.bulk_create(fresh, batch_size=BATCH)
    register_changed([row.pk for row in entered])
    if fresh:
        past_changed(min(row.valid_from for row in fresh))


DECIDED = frozenset({Lifecycle.SUSPENDED, Lifecycle.RETIRED})
"""Lifecycles that stand by a written decision."""


def story_of_row(row: ManagedObject) -> Story:
    """What the object's own row tells of its story."""
    return first_story(
        division=row.division_id,
        lifecycle=row.lifecycle,
        document=document_of(row),
        in_service_on=row.in_service_on,
        lifecycle_on=row.lifecycle_on,
    )


def document_of(row: ManagedObject) -> str:
    """The decision behind the present lifecycle; what is in service needs none."""
    return row.suspension_document if row.lifecycle in DECIDED else ""


def _row(object_id: int, span: Span) -> Placement:
    return Placement(
        uid=span.uid or new_uid(), object_id=object_id, division_id=span.division, lifecycle=span.lifecycle, document=span.document,
        valid_from=span.valid_from, valid_to=span.valid_to,
    )  # fmt: skip


def follow_rows(rows: Iterable[ManagedObject], *, on: date, entered: Mapping[int, date] | None = None) -> None:
    """Bring the stories up to what the objects' rows say from `on`; `entered` tells whose day of entering service was corrected."""
    now = {row.pk: row for row in rows}
    corrected = entered or {}

    def turn(key: int, story: Story) -> Story:
        row = now[key]
        if not story:
            return story_of_row(row)
        moved = changed(story, on=on, division=row.division_id, lifecycle=row.lifecycle, document=document_of(row))
        return entering(moved, corrected[key]) if key in corrected else moved

    rewrite(list(now), turn)


def follow_division(*, old: Division, new: Division) -> int:
    """Objects in the row `old` of a division now stand in `new`, from the day that row began; returns how many.

    When `new` is the older row, `old` is being taken back: nothing ever stood in it.
    """
    on = date.min if new.valid_from < old.valid_from else new.valid_from
    moved = ManagedObject.objects.filter(division=old).update(division=new)
    keys = list(Placement.objects.filter(division=old).values_list("object", flat=True).distinct())
    rewrite(keys, lambda _key, story: followed(story, old=old.pk, new=new.pk, on=on))
    return moved


def rewrite(keys: Sequence[int], turn: Callable[[int, Story], Story]) -> None:
    """Turn the stories of these objects into others and write only what differs."""
    first: date | None = None
    for start in range(0, len(keys), BATCH):
        days = _rewrite_batch(keys[start : start + BATCH], turn)
        first = min([day for day in (first, days) if day], default=None)
    register_changed(keys)
    if first is not None:
        past_changed(first)


def _rewrite_batch(keys: Sequence[int], turn: Callable[[int, Story], Story]) -> date | None:
    """Deletions first, then spans that end, then the others, then new ones: each object has one open span at every step."""
    held = _stories(keys)
    gone: list[UUID] = []
    kept: list[tuple[int, Span]] = []
    new: list[Placement] = []
    days: list[date] = []
    for key in keys:
        before = held.get(key, [])
        after = turn(key, before)
        days += [day for day in [first_difference(before, after)] if day]
        known = {span.uid: span for span in before}
        staying = {span.uid for span in after}
        gone += [uid for uid in known if uid not in staying and uid is not None]
        kept += [(key, span) for span in after if span.uid is not None and known[span.uid] != span]
        new += [_row(key, span) for span in after if span.uid is None]
    Placement.objects.filter(uid__in=gone).delete()
    for _, span in sorted(kept, key=lambda pair: pair[1].valid_to is None):
        _update(span)
    Placement.objects.bulk_create(new, batch_size=BATCH)
    return min(days, default=None)


def _stories(keys: Sequence[int]) -> dict[int, Story]:
    names = ("object_id", "division_id", "lifecycle", "document", "valid_from", "valid_to", "uid")
    rows = Placement.objects.filter(object__in=keys).order_by("object_id", "valid_from").values_list(*names)
    return {key: [Span(*row[1:]) for row in group] for key, group in groupby(rows, key=lambda row: row[0])}


def _update(span: Span) -> None:
    assert span.uid is not None
    Placement.objects.filter(uid=span.uid).update(
        division_id=span.division, lifecycle=span.lifecycle, document=span.document, valid_from=span.valid_from, valid_to=span.valid_to
    )
