"""Sums of days, running counters and rows agree to the second, whatever is told, in whatever order, and however late."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from uuid import UUID, uuid5

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yuanjiao.flow.journal.event import Fact
from yuanjiao.lib import clock
from yuanjiao.network.commands import confirm_words
from yuanjiao.network.counting.counters import COUNTERS
from yuanjiao.network.events import Change, Deaf, PlayTested, StateChanged, apply_deaf, apply_play_tested, apply_state_changed
from yuanjiao.network.live import Word
from yuanjiao.network.models import DayRollup, Edge, ListeningMark, Watermark
from yuanjiao.network.queries.population import Population, load_population
from yuanjiao.network.queries.rulings import RulePart
from yuanjiao.network.queries.seconds import known_seconds, seconds_from_rows
from yuanjiao.network.rules import RateRule
from yuanjiao.simulation.cast import Cast

ZERO = int(clock.day_start(date(2026, 3, 2)).timestamp())
SITES = ("S-990101100200", "S-990101101200", "S-990102100200")
OWN, EDGE = UUID("00000000-0000-7000-8000-000000000001"), UUID("00000000-0000-7000-8000-000000000002")
SHORT = RateRule(version=1, heartbeat_min=7, play_days=1, min_coverage=0.9)
STEP = 1357
HORIZON = 4 * 86_400 // STEP


def rule_on(_: date) -> RateRule:
    return SHORT


def moment(second: int) -> datetime:
    return datetime.fromtimestamp(ZERO + second, UTC)


@dataclass(frozen=True)
class Told:
    """One thing that happens: a state, a test, deafness or a mark told of the time `at`, or the job running then (steps)."""

    what: str
    at: int
    site: int = 0
    observer: UUID = OWN
    ok: bool = True
    heard: int = 0


steps = st.integers(0, HORIZON)
told = st.one_of(
    st.builds(
        Told, st.sampled_from(["up", "down", "unknown"]), steps, st.integers(0, 2), st.sampled_from([OWN, EDGE]), heard=st.integers(0, 900)
    ),
    st.builds(Told, st.just("test"), steps, st.integers(0, 2), ok=st.booleans()),
    st.builds(Told, st.just("deaf"), steps, observer=st.sampled_from([OWN, EDGE])),
    st.builds(Told, st.just("mark"), steps, observer=st.sampled_from([OWN, EDGE])),
    st.builds(Told, st.just("keep"), steps),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Told]:
    """Mostly in the order of time, the job at every noon; then some things told late, and perhaps the job once more."""
    noons = [Told("keep", (day * 86_400 + 43_200) // STEP) for day in range(4)]
    events = sorted([*draw(st.lists(told, min_size=4, max_size=20)), *noons], key=lambda one: one.at)
    for _ in range(draw(st.integers(0, 2))):
        a, b = draw(st.integers(0, len(events) - 1)), draw(st.integers(0, len(events) - 1))
        events.insert(b, events.pop(a))
    return [*events, *draw(st.lists(told, min_size=1, max_size=4)), *draw(st.lists(st.just(Told("keep", 0)), max_size=1))]


class World:
    """The rows as they come to be, through the events that make them."""

    def __init__(self) -> None:
        self.seq = count(1)
        self.now = 0

    def tell(self, one: Told) -> None:
        self.now = max(self.now, one.at * STEP)
        at = moment(one.at * STEP)
        fact = Fact(one.observer, next(self.seq), at)
        if one.what == "keep":
            COUNTERS.keep(moment(self.now), rule_on)
        elif one.what == "mark":
            self.mark(one.observer, at)
        elif one.what == "deaf":
            apply_deaf(Deaf(start=at, end=at + timedelta(seconds=60)), fact)
        elif one.what == "test":
            uid = uuid5(OWN, f"{fact.seq}")
            apply_play_tested(PlayTested(uid=uid, site=SITES[one.site], at=at, ok=one.ok), fact)
        else:
            last = at - timedelta(seconds=one.heard) if one.heard else None
            apply_state_changed(StateChanged(changes=[Change(code=SITES[one.site], state=one.what, at=at, last=last)]), fact)

    def mark(self, observer: UUID, at: datetime) -> None:
        if observer == OWN:
            ListeningMark.objects.update_or_create(observer=OWN, defaults={"at": at})
        else:
            Watermark.objects.update_or_create(observer=EDGE, defaults={"edge": Edge.objects.earliest("pk"), "held_through": at})


@pytest.fixture
def idle() -> Iterator[None]:
    COUNTERS.forget()
    yield
    COUNTERS.forget()


def assert_equal(start: int, end: int) -> None:
    """Over [start, end) and at its first second, of every site."""
    for until, instant in ((end, False), (start + 1, True)):
        population = load_population(["/"], ZERO + start, ZERO + until)
        parts = [RulePart(SHORT, ZERO + start, ZERO + until)]
        counted = known_seconds(population, parts, instant=instant)
        rows = seconds_from_rows(population, parts, instant=instant)
        assert [part.tolist() for part in counted] == [part.tolist() for part in rows]


@pytest.mark.clause("NET05")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    history=histories(),
    spans=st.lists(st.tuples(st.integers(0, 4 * 86_400), st.integers(0, 4 * 86_400)), min_size=1, max_size=4),
    whole=st.tuples(st.integers(0, 3), st.integers(1, 4)),
)
def test_counted_seconds_are_those_of_the_rows(
    cast: Cast, idle: None, history: list[Told], spans: list[tuple[int, int]], whole: tuple[int, int]
) -> None:
    with transaction.atomic():
        COUNTERS.forget()
        world = World()
        for one in history:
            world.tell(one)
        assert COUNTERS.active
        COUNTERS.look()
        for a, b in [*spans, (whole[0] * 86_400, whole[1] * 86_400), (whole[0] * 86_400, world.now), (world.now, world.now)]:
            assert_equal(min(a, b), max(a, b) + 1)
        transaction.set_rollback(True)


def test_a_record_that_is_set_back_takes_its_word_for_a_summed_day_back(cast: Cast, idle: None) -> None:
    """Its clock was ahead, say. No row comes of it; the sum of the day says what the record does, before and after the job."""
    world = World()
    for one in (Told("down", 37, observer=EDGE), Told("mark", 69, observer=EDGE), Told("keep", 95), Told("keep", 159)):
        world.tell(one)
    day = (0, 86_400)
    assert_equal(*day)
    whole = sum(int(part.sum()) for part in known_seconds(*asked(*day), instant=False))
    world.tell(Told("mark", 40, observer=EDGE))
    for step in (COUNTERS.look, *[lambda: world.tell(Told("keep", 0))] * 3):
        step()
        assert_equal(*day)
        assert sum(int(part.sum()) for part in known_seconds(*asked(*day), instant=False)) == whole - 86_400 + 40 * STEP


def test_a_word_that_sets_a_record_back_drops_the_sums_that_rested_on_it(cast: Cast, idle: None) -> None:
    """In whatever process it arrives: the counters of another one may not run at that moment."""
    world = World()
    for one in (Told("down", 37, observer=EDGE), Told("mark", 69, observer=EDGE), Told("keep", 95), Told("keep", 159)):
        world.tell(one)
    assert DayRollup.objects.exists()
    for back, left in ((70 * STEP, True), (40 * STEP, False)):
        word = Word(code="E-990101", through=ZERO + back, seq=0, boot_at=0.0, offset_s=0.0)
        confirm_words(words=[(EDGE, word)], at=moment(160 * STEP))
        assert DayRollup.objects.filter(day=date(2026, 3, 2)).exists() is left


def asked(start: int, end: int) -> tuple[Population, list[RulePart]]:
    return load_population(["/"], ZERO + start, ZERO + end), [RulePart(SHORT, ZERO + start, ZERO + end)]


def test_what_a_transaction_may_still_undo_is_not_counted(cast: Cast, idle: None) -> None:
    world = World()
    for one in (Told("mark", 60), Told("up", 1), Told("test", 1), Told("keep", 20)):
        world.tell(one)
    assert_equal(0, 20 * STEP)
    with transaction.atomic():
        world.tell(Told("down", 10))
        assert_equal(0, 20 * STEP)
        transaction.set_rollback(True)
    assert_equal(0, 20 * STEP)
    world.tell(Told("unknown", 15))
    COUNTERS.look()
    assert_equal(0, 20 * STEP)
