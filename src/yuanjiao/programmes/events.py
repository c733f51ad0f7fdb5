"""Facts of programmes that go up. Kinds and field names may never change (flow/journal/event.py).

Rows are the same under any order and repetition: the earliest moment of an acknowledgement stands, the highest version of a
machine's catalogue, and a day's sums are written once by the machine that counted them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from yuanjiao.flow.journal.event import Event, Fact, InBulk
from yuanjiao.flow.nodes.queries import require_each_told_of, require_told_of
from yuanjiao.lib.parts import in_parts
from yuanjiao.lib.rows import update
from yuanjiao.programmes.models import Acknowledgement, CatalogueStep, CatalogueTaken, PlayCount


class NoticeArrived(Event, frozen=True, kw_only=True):
    """A machine took an urgent notice in and shows it; `subject` is the register code of its edge or site."""

    KIND: ClassVar[str] = "programmes.notice_arrived/1"

    notice: UUID
    subject: str
    path: str


class NoticeConfirmed(Event, frozen=True, kw_only=True):
    """People at a site confirmed an urgent notice: OK on its television, or on the page of its manager. No person is named."""

    KIND: ClassVar[str] = "programmes.notice_confirmed/1"

    notice: UUID
    subject: str
    path: str
    via: str


class CatalogueFollowed(Event, frozen=True, kw_only=True):
    """The rows of a catalogue are in force on a machine; some of its files may still be on their way."""

    KIND: ClassVar[str] = "programmes.catalogue_followed/1"

    subject: str
    path: str
    version: int


class CatalogueAccepted(Event, frozen=True, kw_only=True):
    """A machine has taken up a catalogue whole, with every file it names."""

    KIND: ClassVar[str] = "programmes.catalogue_accepted/1"

    subject: str
    path: str
    version: int


class ItemSums(msgspec.Struct, frozen=True, kw_only=True):
    """One item's sums of a day; `ratings` counts one to five in order."""

    item: UUID
    started: int
    finished: int
    ratings: tuple[int, int, int, int, int]


class PlaysCounted(Event, frozen=True, kw_only=True):
    """What one machine counted on one day, item by item."""

    KIND: ClassVar[str] = "programmes.plays_counted/1"

    day: date
    path: str
    items: list[ItemSums]


def apply_signs(pairs: Sequence[tuple[NoticeArrived | NoticeConfirmed, Fact]]) -> None:
    """Arrivals and confirmations of notices: the earliest of each stands."""
    require_each_told_of((fact, event.path) for event, fact in pairs)
    rows = _acknowledgements({(event.notice, event.subject): event.path for event, _ in reversed(pairs)})
    taken: dict[int, Acknowledgement] = {}
    confirmed: dict[int, Acknowledgement] = {}
    for event, fact in pairs:
        row = rows[event.notice, event.subject]
        if isinstance(event, NoticeConfirmed):
            if _confirm(row, event.via, fact.at):
                confirmed[row.pk] = row
        elif _take(row, fact.at):
            taken[row.pk] = row
    update(Acknowledgement, ("taken_at",), ((pk, row.taken_at) for pk, row in taken.items()))
    update(Acknowledgement, ("confirmed_at", "confirmed_via"), ((pk, row.confirmed_at, row.confirmed_via) for pk, row in confirmed.items()))


def _take(row: Acknowledgement, at: datetime) -> bool:
    """Whether that says anything new."""
    if row.taken_at is not None and row.taken_at <= at:
        return False
    row.taken_at = at
    return True


def _confirm(row: Acknowledgement, via: str, at: datetime) -> bool:
    """Whether that says anything new."""
    if row.confirmed_at is not None and (row.confirmed_at, row.confirmed_via) <= (at, via):
        return False
    row.confirmed_at, row.confirmed_via = at, via
    return True


def _acknowledgements(paths: Mapping[tuple[UUID, str], str]) -> dict[tuple[UUID, str], Acknowledgement]:
    """The rows of these notices and places, ours alone until the end of the transaction; made where there are none. Another process may
    make the same ones at this moment, or write what we do not."""
    found = _held_signs(paths)
    missing = [Acknowledgement(notice_uid=notice, subject=subject, path=paths[notice, subject]) for notice, subject in paths.keys() - found]
    if missing:
        Acknowledgement.objects.bulk_create(sorted(missing, key=lambda row: (row.notice_uid, row.subject)), ignore_conflicts=True)
        found = _held_signs(paths)
    return found


def _held_signs(names: Collection[tuple[UUID, str]]) -> dict[tuple[UUID, str], Acknowledgement]:
    notices, found = {notice for notice, _ in names}, dict[tuple[UUID, str], Acknowledgement]()
    for subjects in in_parts(sorted({subject for _, subject in names})):
        rows = Acknowledgement.objects.select_for_update().filter(subject__in=subjects, notice_uid__in=notices).order_by("pk")
        found |= {(row.notice_uid, row.subject): row for row in rows}
    return found


def apply_catalogues(pairs: Sequence[tuple[CatalogueFollowed | CatalogueAccepted, Fact]]) -> None:
    """Keep each machine's newest and, of those it has whole, each with its moment; their rows are in force too."""
    for event, fact in pairs:
        _follow(event, fact)
        if isinstance(event, CatalogueAccepted):
            _keep_step(event.version, fact)


def _follow(event: CatalogueFollowed | CatalogueAccepted, fact: Fact) -> None:
    """Keep the newest by itself; an older one that comes late changes nothing."""
    if event.path:
        require_told_of([fact], [event.path])
    values = {"subject": event.subject, "path": event.path, "version": event.version, "taken_at": fact.at}
    row, made = CatalogueTaken.objects.get_or_create(origin=fact.origin, defaults=values)
    if not made and row.version < event.version:
        CatalogueTaken.objects.filter(pk=row.pk).update(**values)


def _keep_step(version: int, fact: Fact) -> None:
    """A machine that was restored from a copy may take a version twice: the earlier moment stands."""
    row, made = CatalogueStep.objects.get_or_create(origin=fact.origin, version=version, defaults={"taken_at": fact.at})
    if not made and fact.at < row.taken_at:
        CatalogueStep.objects.filter(pk=row.pk).update(taken_at=fact.at)


def apply_plays(pairs: Sequence[tuple[PlaysCounted, Fact]]) -> None:
    """A machine tells a day once; told again, the first stands."""
    require_each_told_of((fact, event.path) for event, fact in pairs if event.path != "/")
    for event, fact in pairs:
        there = set(PlayCount.objects.filter(origin=fact.origin, day=event.day).values_list("item_uid", flat=True))
        new: dict[UUID, PlayCount] = {}
        for one in event.items:
            if one.item not in there:
                new.setdefault(one.item, _play_count(event, one, fact))
        PlayCount.objects.bulk_create(new.values())


def _play_count(event: PlaysCounted, one: ItemSums, fact: Fact) -> PlayCount:
    ratings = {f"rated_{number}": count for number, count in enumerate(one.ratings, 1)}
    sums = {"started": one.started, "finished": one.finished, **ratings}
    return PlayCount(origin=fact.origin, day=event.day, item_uid=one.item, path=event.path, **sums)


apply_notice_arrived = apply_notice_confirmed = InBulk(apply_signs, commutes=True)
apply_catalogue_followed = apply_catalogue_accepted = InBulk(apply_catalogues, commutes=True)
apply_plays_counted = InBulk(apply_plays, commutes=True)
