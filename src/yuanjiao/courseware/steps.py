"""The one place where an item changes its state: the row, its step with who and why (CW17), and the audit row, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from yuanjiao.courseware.models import Courseware, CoursewareStep, ReviewPolicy, SearchDue
from yuanjiao.courseware.rules import playlists
from yuanjiao.courseware.rules.life import STATE_NAMES, State, may_follow
from yuanjiao.flow.blobs import store
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor

NAMES = {state.value: name for state, name in STATE_NAMES}


@transaction.atomic
def move(courseware: Courseware, to: State, *, by: Actor, at: datetime, reason: str = "", **changes: Any) -> None:
    """Move an item, changing the fields in `changes` with it. Refused when the state may not follow, Conflict when somebody was faster."""
    old = State(courseware.state)
    if not may_follow(old, to):
        raise Refused(f"“{NAMES[old]}”的课件不能变为“{NAMES[to]}”")
    if to == State.RELEASED:
        changes |= playlists_file(courseware)
    # conditional update: of two people who act at once only one wins
    if not Courseware.objects.filter(pk=courseware.pk, state=old).update(state=to, **changes):
        raise Conflict("这件课件刚刚被别人处理过，请刷新后再看")
    record_step(courseware, to, old=old, by=by, at=at, reason=reason)
    courseware.refresh_from_db()
    if State.RELEASED in {old, to}:
        search_due([courseware.uid])


def playlists_file(courseware: Courseware) -> dict[str, Any]:
    """The fields of the file in which the item's playlists travel, which is put into the store; after a release they do not change."""
    texts = dict(courseware.renditions.exclude(playlist="").values_list("profile", "playlist"))
    if not texts:
        return {"playlists": "", "playlists_bytes": 0}
    ref = store.put(playlists.together(texts))
    return {"playlists": ref.sha256, "playlists_bytes": ref.size}


def submit(courseware: Courseware, *, by: Actor, at: datetime, reason: str) -> None:
    """Send an item to review: a new submission, whose first round is to come. How many rounds it needs is settled now."""
    needed = rounds_needed(courseware.unit.division.path)
    move(
        courseware, State.IN_REVIEW, by=by, at=at, reason=reason,
        submission=courseware.submission + 1, rounds_passed=0, rounds_needed=needed,
    )  # fmt: skip


def rounds_needed(path: str) -> int:
    """How many reviews the items of a unit in this division need: what the nearest division above says, else one."""
    above = ["/" + "/".join(path.strip("/").split("/")[:n]) + "/" for n in range(1, path.count("/"))]
    nearest = ReviewPolicy.objects.filter(division__path__in=above).order_by("-division__level", "-pk").first()
    return nearest.rounds if nearest else 1


def search_due(items: Iterable[UUID]) -> None:
    """The index has to look at these items again. Called in the transaction of every change to a released item or its columns."""
    SearchDue.objects.bulk_create([SearchDue(item=uid) for uid in items], batch_size=500)


def record_step(courseware: Courseware, to: State, *, old: State | None, by: Actor, at: datetime, reason: str) -> None:
    """Leave a step and its audit row; the caller changes the row in the same transaction."""
    CoursewareStep.objects.create(
        courseware=courseware,
        at=at,
        actor_uid=by.person_uid,
        actor_name=by.name,
        from_state=old or "",
        to_state=to,
        reason=reason[:300],
    )
    write_audit(by=by, action=f"课件{NAMES[to]}", subject=f"课件 {courseware.title}", at=at, detail=reason)
