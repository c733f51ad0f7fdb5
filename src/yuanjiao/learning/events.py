"""Facts of learning: a session was held, a session was corrected. Kinds and field names may never change (flow/journal/event.py).

The rows are the same under any order and repetition: a session is built once by its uid, then the newest correction known
(by the corrector's clock, then uid) is laid over it.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from yuanjiao.flow.journal.event import Event, Fact
from yuanjiao.flow.nodes.queries import require_told_of
from yuanjiao.learning.models import Session, SessionCorrection, SessionItem
from yuanjiao.lib.clock import local_day


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


def apply_session_held(event: SessionHeld, fact: Fact) -> None:
    """Build the session and its items once."""
    require_told_of(fact.origin, [event.path])
    session, is_new = Session.objects.get_or_create(
        uid=event.uid,
        defaults={
            "site_id": event.site,
            "path": event.path,
            "plan_uid": event.plan,
            "held_at": event.held_at,
            "held_on": local_day(event.held_at),
            "minutes": event.minutes,
            "form": event.form,
            "heads_onsite": event.heads_onsite,
            "heads_online": event.heads_online,
            "recorder_uid": event.recorder,
            "recorded_via": event.via,
            "recorded_at": fact.at,
        },
    )
    if is_new:
        SessionItem.objects.bulk_create(
            SessionItem(session=session, position=number, courseware_uid=item.uid, title=item.title)
            for number, item in enumerate(event.items, 1)
        )
        _lay_over(event.uid)


def apply_session_corrected(event: SessionCorrected, fact: Fact) -> None:
    """Keep the correction and let the newest one stand."""
    require_told_of(fact.origin, Session.objects.filter(uid=event.session).values_list("path", flat=True))
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
    _lay_over(event.session)


def _lay_over(session_uid: UUID) -> None:
    newest = SessionCorrection.objects.filter(session_uid=session_uid).order_by("made_at", "uid").last()
    if newest is None:
        return
    Session.objects.filter(uid=session_uid).update(
        minutes=newest.minutes,
        form=newest.form,
        heads_onsite=newest.heads_onsite,
        heads_online=newest.heads_online,
        cancelled=newest.cancelled,
        corrected_at=newest.made_at,
    )
