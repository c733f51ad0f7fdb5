"""Stories are the same however changes arrive: in bulk or one by one, in order or late, once or twice; against an oracle of plain lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid5

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.network.listening import LIU, SHI
from yuanjiao.flow.journal.event import Fact
from yuanjiao.lib.errors import Refused
from yuanjiao.network.commands import confirm_words
from yuanjiao.network.events import Change, Deaf, StateChanged, apply_deaf, apply_state_changed
from yuanjiao.network.live import Word
from yuanjiao.network.models import Liveness, StateChange, Watermark
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db
CODES = (*LIU, *SHI)
SPACE = UUID("7f9f2a52-0000-4000-8000-000000000000")
BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
Stories = dict[str, list[tuple[datetime, str, datetime | None]]]
Entry = tuple[int, tuple[tuple[int, str, int], ...]]
"""Observer, and its changes: object, state, minute."""
STATES = st.sampled_from(["up", "down", "unknown"])
changes = st.lists(st.tuples(st.integers(0, 4), STATES, st.integers(0, 20)), min_size=1, max_size=5, unique_by=lambda one: one[0]).map(
    tuple
)
entries = st.lists(st.tuples(st.integers(0, 1), changes), min_size=1, max_size=12)


def pairs_of(told: Sequence[Entry]) -> list[tuple[StateChanged, Fact]]:
    pairs = []
    for seq, (observer, some) in enumerate(told, 1):
        rows = [Change(code=CODES[one], state=state, at=BEGIN + timedelta(minutes=minute)) for one, state, minute in some]
        pairs.append((StateChanged(changes=rows), Fact(origin=uuid5(SPACE, str(observer)), seq=seq, at=BEGIN)))
    return pairs


def stories_in_the_database() -> Stories:
    rows = StateChange.objects.order_by("at", "pk").values_list("object__code", "at", "state", "until")
    found: Stories = {}
    for code, at, state, until in rows:
        found.setdefault(code, []).append((at, state, until))
    return found


def stories_by_hand(told: Sequence[Entry]) -> Stories:
    """Insert each change behind all that began no later; then let every span end where the next begins."""
    spans: dict[str, list[tuple[int, str]]] = {}
    for _, some in told:
        for one, state, minute in some:
            story = spans.setdefault(CODES[one], [])
            place = sum(at <= minute for at, _ in story)
            story.insert(place, (minute, state))
    moment = [BEGIN + timedelta(minutes=minute) for minute in range(21)]
    return {
        code: [
            (moment[at], state, moment[story[place + 1][0]] if place + 1 < len(story) else None) for place, (at, state) in enumerate(story)
        ]
        for code, story in spans.items()
    }


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=entries, cuts=st.sets(st.integers(1, 12)))
def test_however_they_are_cut_into_runs_the_stories_are_those_by_hand(cast: Cast, told: list[Entry], cuts: set[int]) -> None:
    pairs, borders = pairs_of(told), sorted({0, len(told), *(cut for cut in cuts if cut < len(told))})
    undo = transaction.savepoint()
    try:
        for begin, end in pairwise(borders):
            apply_state_changed.many(pairs[begin:end])
        check(pairs, stories_by_hand(told))
    finally:
        transaction.savepoint_rollback(undo)


def check(pairs: Sequence[tuple[StateChanged, Fact]], wanted: Stories) -> None:
    assert stories_in_the_database() == wanted
    now = {row.object.code: (row.state, row.since) for row in Liveness.objects.select_related("object")}
    assert now == {code: (story[-1][1], story[-1][0]) for code, story in wanted.items()}
    last = {row.object_id: (row.observer, row.seq) for row in StateChange.objects.filter(until=None)}
    assert {row.object_id: (row.observer, row.seq) for row in Liveness.objects.all()} == last
    for event, fact in pairs:
        apply_state_changed(event, fact)
    assert stories_in_the_database() == wanted, "told twice is told once"


def test_an_entry_that_tells_of_an_object_twice_is_refused(cast: Cast) -> None:
    twice = StateChanged(changes=[Change(code=LIU[0], state="up", at=BEGIN), Change(code=LIU[0], state="down", at=BEGIN)])
    with pytest.raises(Refused):
        apply_state_changed(twice, Fact(origin=SPACE, seq=1, at=BEGIN))
    assert not StateChange.objects.exists()


def test_deafness_touches_only_what_the_observer_last_spoke_of(cast: Cast) -> None:
    for event, fact in pairs_of([(0, ((0, "up", 1), (1, "down", 2), (2, "unknown", 3))), (1, ((3, "up", 1), (1, "up", 4)))]):
        apply_state_changed(event, fact)
    deaf = Deaf(start=BEGIN, end=BEGIN + timedelta(minutes=9))
    for _ in range(2):
        apply_deaf(deaf, Fact(origin=uuid5(SPACE, "0"), seq=9, at=BEGIN))
    rows = StateChange.objects.filter(reason="deaf").values_list("object__code", "at", "until")
    assert list(rows) == [(CODES[0], BEGIN + timedelta(minutes=1), None)], "never before its own last change"


def test_words_of_many_edges_move_their_own_watermarks(cast: Cast, at: datetime) -> None:
    first, second, stranger = (uuid5(SPACE, name) for name in "abc")
    through = at.timestamp()

    def word(code: str, seconds: float, seq: int) -> Word:
        return Word(code=code, through=through + seconds, seq=seq, boot_at=0.0, offset_s=1.5)

    spoken = [(first, word("E-990101", 0, 0)), (second, word("E-990102", 0, 7)), (stranger, word("E-none", 0, 0))]
    confirm_words(words=spoken, at=at)
    confirm_words(words=[(first, word("E-990101", 30, 0))], at=at + timedelta(seconds=30))
    marks = {mark.observer: mark for mark in Watermark.objects.all()}
    assert set(marks) == {first, second}
    assert marks[first].held_through == at + timedelta(seconds=30)
    assert (marks[second].held_through, marks[second].said_through) == (None, at), "its journal has not come so far"
