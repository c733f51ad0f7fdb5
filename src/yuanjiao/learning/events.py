"""Facts of learning: a session was held, a session was corrected. Kinds and field names may never change (flow/journal/event.py).

The rows are the same under any order and repetition: a session is built once by its uid, then the newest correction known
(by the corrector's clock, then uid) is laid over it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, ClassVar
from uuid import UUID

import msgspec

from yuanjiao.flow.journal.event import Event, Fact, InBulk
from yuanjiao.flow.nodes.queries import require_each_told_of, require_told_of
from yuanjiao.learning.models import Session, SessionCorrection, SessionItem
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.parts import in_parts
from yuanjiao.lib.rows import insert


class ItemShown(msgspec.Struct, frozen=True, kw_only=True):
    """One courseware item that was shown, by uid, with the title it had."""

    uid: UUID
    title: str


class SessionHeld(Event, frozen=True, kw_only=True):
    """A session was held at a site; `path` is the site's division path that day, heads are counts without names."""

    KIND: ClassVar[str] = "learning.session_held/1"

    uid: UUID
    site: str
    path: str
    plan: UUID | None
    held_at: datetime
    minutes: int
    form: str
    items: list[ItemShown]
    heads_onsite: int
    heads_online: int
    recorder: UUID | None
    via: str


class SessionCorrected(Event, frozen=True, kw_only=True):
    """What a session's record should have said; `cancelled` takes it out of every count."""

    KIND: ClassVar[str] = "learning.session_corrected/1"

    uid: UUID
    session: UUID
    reason: str
    corrector: UUID | None
    minutes: int
    form: str
    heads_onsite: int
    heads_online: int
    cancelled: bool


def apply_sessions(pairs: Sequence[tuple[Any, Fact]]) -> None:
    """Sessions and their corrections in the order told; sessions that follow one another at once."""
    for kind, run in groupby(pairs, key=lambda pair: type(pair[0])):
        (_hold if kind is SessionHeld else _correct)(list(run))


apply_session_held = apply_session_corrected = InBulk(apply_sessions, commutes=True)


def _hold(run: Sequence[tuple[SessionHeld, Fact]]) -> None:
    """Build each session and its items once."""
    require_each_told_of((fact, event.path) for event, fact in run)
    there = _keys(event.uid for event, _ in run)
    new: dict[UUID, tuple[SessionHeld, Fact]] = {}
    for event, fact in run:
        if event.uid not in there:
            new.setdefault(event.uid, (event, fact))
    insert(Session, HELD, (_session(event, fact) for event, fact in new.values()))
    keys = _keys(new)
    insert(
        SessionItem,
        SHOWN,
        ((keys[uid], number, item.uid, item.title) for uid, (event, _) in new.items() for number, item in enumerate(event.items, 1)),
    )
    _lay_over(new)


def _keys(uids: Iterable[UUID]) -> dict[UUID, int]:
    """Of the sessions that are there."""
    rows = (Session.objects.filter(uid__in=part).values_list("uid", "pk") for part in in_parts(uids))
    return {uid: pk for part in rows for uid, pk in part}


HELD = (
    "uid", "site_code", "path", "plan_uid", "held_at", "held_on", "minutes", "form", "heads_onsite", "heads_online",
    "recorder_uid", "recorded_via", "recorded_at", "corrected_at", "cancelled",
)  # fmt: skip
SHOWN = ("session_id", "position", "courseware_uid", "title")


def _session(event: SessionHeld, fact: Fact) -> tuple[object, ...]:
    """As `HELD` names its columns; no correction is laid over it yet."""
    counts = (event.minutes, event.form, event.heads_onsite, event.heads_online)
    where = (event.site, event.path, event.plan, event.held_at, local_day(event.held_at))
    return (event.uid, *where, *counts, event.recorder, event.via, fact.at, None, False)


def _correct(run: Sequence[tuple[SessionCorrected, Fact]]) -> None:
    """Keep each correction and let the newest one stand."""
    for event, fact in run:
        require_told_of([fact], Session.objects.filter(uid=event.session).values_list("path", flat=True))
        SessionCorrection.objects.get_or_create(
            uid=event.uid,
            defaults={
                "session_uid": event.session,
                "made_at": fact.at,
                "reason": event.reason,
                "corrector_uid": event.corrector,
                "minutes": event.minutes,
                "form": event.form,
                "heads_onsite": event.heads_onsite,
                "heads_online": event.heads_online,
                "cancelled": event.cancelled,
            },
        )
        _lay_over([event.session])


def _lay_over(sessions: Iterable[UUID]) -> None:
    for part in in_parts(sessions):
        told = SessionCorrection.objects.filter(session_uid__in=part).order_by("made_at", "uid")
        for newest in {correction.session_uid: correction for correction in told}.values():
            Session.objects.filter(uid=newest.session_uid).update(
                minutes=newest.minutes,
                form=newest.form,
                heads_onsite=newest.heads_onsite,
                heads_online=newest.heads_online,
                cancelled=newest.cancelled,
                corrected_at=newest.made_at,
            )
