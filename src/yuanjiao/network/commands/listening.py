"""Writes of the listener: transitions, deaf spans, marks, watermarks and play tests. They are the machine's own facts.

Their moments are made in `moments.py`: in the parent's time. What stays at home (marks, the array) is by this machine's own clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from django.db import transaction

from yuanjiao.flow.journal.queries import held_seqs
from yuanjiao.flow.journal.record import record, record_many
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused
from yuanjiao.network.commands.moments import told, told_many, whole
from yuanjiao.network.events import Change, Deaf, PlayTested, StateChanged, lay_ahead
from yuanjiao.network.live import STATE_NAMES, Transitions, Word, boot_id
from yuanjiao.network.models import DayRollup, Edge, ListeningMark, PlayTest, Site, Watermark

CHANGES_PER_EVENT = 200
"""So that one entry stays far below the size of a segment."""
OLDEST_PLAY_S = 31 * 86_400.0
"""A play test told later than this is dated so far back: no box is believed to have counted on through a longer cut (decision 0091)."""
REASONS = ("", "beat", "silence")
WORD_FIELDS = ["edge", "held_through", "held_at", "said_through", "said_seq", "said_at", "boot_at", "offset_s"]
PLAY_TESTS = UUID("6f1d3c52-6a53-4f1e-9b7e-0d7a6c1f2b10")


def changes_of(transitions: Transitions, *, ahead_s: float) -> list[StateChanged]:
    """What the journal is told of these transitions, laid out for the database as well; the parent's time is `ahead_s` seconds ahead of
    ours. Asks no database."""
    columns = [told_many(times, ahead_s) for times in (transitions.at, transitions.heard, transitions.latest)]
    changes = [
        Change(code=code, state=STATE_NAMES[state], at=begun, last=last, latest=latest, reason=REASONS[state])
        for code, state, begun, last, latest in zip(transitions.names, transitions.states.tolist(), *columns, strict=True)
        if begun is not None
    ]
    parts = range(0, len(changes), CHANGES_PER_EVENT)
    told_together = [changes[start : start + CHANGES_PER_EVENT] for start in parts]
    lay_ahead(told_together)
    return [StateChanged(changes=some) for some in told_together]


def record_changes(*, events: Sequence[StateChanged], at: datetime) -> int:
    """Journal what a sweep found, in bulk and in one transaction; returns how many changes were recorded."""
    record_many(events, at=at)
    return sum(len(event.changes) for event in events)


def note_deafness(*, start: datetime, at: datetime, edges: Sequence[str] = ()) -> None:
    """Journal that this machine did not listen from `start` until `at`; with `edges` (codes), to these and what hangs on them."""
    record(Deaf(start=told(start), end=told(at), edges=list(edges)), at=at)


def note_unknown(*, start: datetime, end: datetime, at: datetime) -> None:
    """Journal that this machine did not listen in [start, end), both in the parent's time already."""
    record(Deaf(start=start, end=max(start, end)), at=at)


def set_mark(*, observer: UUID, at: datetime, steady: float | None = None) -> None:
    """Keep that this machine was listening at `at`; `steady` is what the clock that nobody sets read then."""
    ListeningMark.objects.update_or_create(
        observer=observer, defaults={"at": at, "steady_s": steady, "boot": boot_id() if steady is not None else ""}
    )


@transaction.atomic
def confirm_words(*, words: Sequence[tuple[UUID, Word]], at: datetime) -> None:
    """Keep each edge's newest word, and move its watermark where its journal has arrived as far as it said; all in four statements."""
    if not words:
        return
    said = dict(words)
    marks = {mark.observer: mark for mark in Watermark.objects.select_for_update().filter(observer__in=list(said))}
    edges = dict(Edge.objects.filter(code__in=[word.code for word in said.values()]).values_list("code", "pk"))
    held = held_seqs(said)
    before = {mark.observer: mark.held_through for mark in marks.values()}
    known = [
        _confirmed(marks.get(observer) or Watermark(observer=observer), edges[word.code], word, held.get(observer, 0), at)
        for observer, word in said.items()
        if word.code in edges
    ]
    _drop_sums_behind([now for now, was in ((mark.held_through, before.get(mark.observer)) for mark in known) if now and was and now < was])
    Watermark.objects.bulk_create(known, update_conflicts=True, unique_fields=["observer"], update_fields=WORD_FIELDS, batch_size=500)


def _drop_sums_behind(moments: Sequence[datetime]) -> None:
    """Records were set back to these moments (a clock below was): finished days that were summed by what they said are summed anew."""
    if moments:
        DayRollup.objects.filter(day__gte=clock.local_day(min(moments))).delete()


def _confirmed(mark: Watermark, edge: int, word: Word, held: int, at: datetime) -> Watermark:
    if mark.said_through is not None and held >= mark.said_seq:
        mark.held_through, mark.held_at = mark.said_through, mark.said_at
    mark.edge_id, mark.said_through, mark.said_seq, mark.said_at = edge, whole(word.through), word.seq, at
    mark.boot_at, mark.offset_s = whole(word.boot_at) if word.boot_at > 0 else None, word.offset_s
    if held >= word.seq:
        mark.held_through, mark.held_at = mark.said_through, at
    mark.pk = None  # told by its observer, whether it is new or not
    return mark


def record_play_test(*, site: str, ok: bool, step: str, item: str, sent_at: str, at: datetime, ago_s: float = 0.0) -> UUID:
    """Journal one play test a site told of; the same message told twice is one test. Refused for a site not in the register.

    `at` is the moment of receipt: device clocks are not believed, but a box may say how many seconds ago it tested.
    """
    if not Site.objects.filter(code=site).exists():
        raise Refused(f"没有编号为 {site} 的站点")
    uid = uuid5(PLAY_TESTS, f"{own_node().uid}|{site}|{sent_at or at.isoformat()}")
    if not PlayTest.objects.filter(uid=uid).exists():
        step = "" if ok else step[:20] or "video"
        tested_at = told(at - timedelta(seconds=min(max(ago_s, 0.0), OLDEST_PLAY_S)))
        record(PlayTested(uid=uid, site=site, at=tested_at, ok=ok, step=step, item=item[:100]), at=at)
    return uid
