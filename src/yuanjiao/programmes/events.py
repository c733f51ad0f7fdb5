"""Facts of programmes that go up. Kinds and field names may never change (flow/journal/event.py).

Rows are the same under any order and repetition: the earliest moment of an acknowledgement stands, the highest version of a
machine's catalogue, and a day's sums are written once by the machine that counted them.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from yuanjiao.flow.journal.event import Event, Fact
from yuanjiao.flow.nodes.queries import require_told_of
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


class CatalogueAccepted(Event, frozen=True, kw_only=True):
    """A machine has taken up a catalogue whole."""

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


def apply_notice_arrived(event: NoticeArrived, fact: Fact) -> None:
    row = _acknowledgement(event.notice, event.subject, event.path, fact)
    row.taken_at = _earlier(row.taken_at, fact.at)
    row.save(update_fields=["taken_at"])


def apply_notice_confirmed(event: NoticeConfirmed, fact: Fact) -> None:
    row = _acknowledgement(event.notice, event.subject, event.path, fact)
    if row.confirmed_at is None or (fact.at, event.via) < (row.confirmed_at, row.confirmed_via):
        row.confirmed_at, row.confirmed_via = fact.at, event.via
        row.save(update_fields=["confirmed_at", "confirmed_via"])


def _acknowledgement(notice: UUID, subject: str, path: str, fact: Fact) -> Acknowledgement:
    require_told_of(fact.origin, [path])
    return Acknowledgement.objects.get_or_create(notice_uid=notice, subject=subject, defaults={"path": path})[0]


def _earlier(held: datetime | None, told: datetime) -> datetime:
    return told if held is None else min(held, told)


def apply_catalogue_accepted(event: CatalogueAccepted, fact: Fact) -> None:
    """Keep each version with its moment, and the newest by itself; an older one that comes late changes nothing there."""
    if event.path:
        require_told_of(fact.origin, [event.path])
    _keep_step(event.version, fact)
    values = {"subject": event.subject, "path": event.path, "version": event.version, "taken_at": fact.at}
    row, made = CatalogueTaken.objects.get_or_create(origin=fact.origin, defaults=values)
    if not made and row.version < event.version:
        CatalogueTaken.objects.filter(pk=row.pk).update(**values)


def _keep_step(version: int, fact: Fact) -> None:
    """A machine that was restored from a copy may take a version twice: the earlier moment stands."""
    row, made = CatalogueStep.objects.get_or_create(origin=fact.origin, version=version, defaults={"taken_at": fact.at})
    if not made and fact.at < row.taken_at:
        CatalogueStep.objects.filter(pk=row.pk).update(taken_at=fact.at)


def apply_plays_counted(event: PlaysCounted, fact: Fact) -> None:
    if event.path != "/":
        require_told_of(fact.origin, [event.path])
    for one in event.items:
        ratings = {f"rated_{number}": count for number, count in enumerate(one.ratings, 1)}
        sums = {"started": one.started, "finished": one.finished, **ratings}
        PlayCount.objects.get_or_create(origin=fact.origin, day=event.day, item_uid=one.item, defaults={"path": event.path, **sums})
