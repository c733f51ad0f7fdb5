"""Rates of random small worlds against an oracle that asks of every five minutes of every site what the rule says of them.

Sites move, are planned, suspended and retired by day; a town goes to another county; work is announced on sites, lines and edges,
overlapping and cancelled; rule versions change in mid-period; the observer's record ends early. Every time is a multiple of STEP.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yuanjiao.lib import clock
from yuanjiao.network import queries
from yuanjiao.network.commands.many import follow_division
from yuanjiao.network.models import ListeningMark, MaintenanceWindow, ManagedObject, Placement, PlayTest, RateRuleVersion, StateChange
from yuanjiao.network.rules import RULE, Rate, RateRule
from yuanjiao.places.commands import move_division
from yuanjiao.places.queries import division_by_code
from yuanjiao.simulation.cast import Cast

STEP = 300
DAY = 86_400 // STEP
DAYS = 4
FIRST = date(2026, 3, 1)
ZERO = int(clock.day_start(FIRST).timestamp())
OBSERVER = UUID("00000000-0000-7000-8000-000000000001")
SITES = ("S-990101100200", "S-990101101200", "S-990102100200")
ABOVE = {
    "S-990101100200": ("L-990101100", "E-990101"),
    "S-990101101200": ("L-990101101", "E-990101"),
    "S-990102100200": ("L-990102100", "E-990102"),
}
VILLAGES = ("990101100200", "990101101200", "990102100200")
COUNTY = {"990101100200": "990101000000", "990101101200": "990101000000", "990102100200": "990102000000"}
TOWN_THAT_MOVES, ITS_VILLAGE, NEW_COUNTY = "990101100000", "990101100200", "990102000000"

steps = st.integers(0, DAYS * DAY)
days = st.integers(0, DAYS)


@dataclass(frozen=True)
class Work:
    """One announced window, in steps."""

    code: str
    start: int
    end: int
    cancelled: int | None


@dataclass(frozen=True)
class World:
    """Everything drawn, in steps and days since FIRST."""

    stories: dict[str, list[tuple[int, str, str]]] = field(default_factory=dict)  # day, village, lifecycle
    states: dict[str, list[tuple[int, str, int]]] = field(default_factory=dict)  # step, state, last heard
    tests: dict[str, list[tuple[int, bool]]] = field(default_factory=dict)
    work: Sequence[Work] = ()
    rules: Sequence[tuple[int, RateRule]] = ()
    town_moves: int | None = None
    heard_until: int = DAYS * DAY


@st.composite
def worlds(draw: st.DrawFn) -> World:
    stories, states, tests = {}, {}, {}
    for code in SITES:
        turns = sorted(draw(st.sets(days, min_size=1, max_size=3)))
        life = st.sampled_from(["in_service", "in_service", "suspended", "planned", "retired"])
        stories[code] = [(day, draw(st.sampled_from(VILLAGES)), draw(life)) for day in turns]
        moments = sorted(draw(st.sets(steps, max_size=5)))
        states[code] = [(at, draw(st.sampled_from(["up", "down", "unknown"])), at - draw(st.integers(0, 6))) for at in moments]
        tests[code] = [(at, draw(st.booleans())) for at in sorted(draw(st.sets(st.integers(-DAY, DAYS * DAY), max_size=3)))]
    return World(
        stories, states, tests,
        work=draw(st.lists(works(), max_size=4)),
        rules=[
            (day, RateRule(number, draw(st.sampled_from([10, 30])), draw(st.integers(1, 2)), 0.9))
            for number, day in enumerate(sorted(draw(st.sets(st.integers(1, DAYS - 1), max_size=2))), 2)
        ],
        town_moves=draw(st.none() | st.integers(1, DAYS - 1)),
        heard_until=draw(st.sampled_from([DAYS * DAY, DAYS * DAY // 2])),
    )  # fmt: skip


@st.composite
def works(draw: st.DrawFn) -> Work:
    start = draw(steps)
    end = start + draw(st.integers(1, 2 * DAY))
    codes = [*SITES, "L-990101100", "E-990101", "E-990102"]
    return Work(draw(st.sampled_from(codes)), start, end, draw(st.none() | st.integers(start - 5, end + 5)))


def moment(step: int) -> datetime:
    return datetime.fromtimestamp(ZERO + step * STEP, clock.CHINA)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def build(world: World, cast: Cast) -> None:
    """Put the world into the tables."""
    keys = dict(ManagedObject.objects.values_list("code", "pk"))
    Placement.objects.filter(object__kind="site").delete()
    for code, story in world.stories.items():
        told: list[Any] = [*story, None]
        for (start, village, life), following in pairwise(told):
            until = None if following is None else day(following[0])
            Placement.objects.create(
                object_id=keys[code], division=cast.divisions[village], lifecycle=life, valid_from=day(start), valid_to=until
            )
    for one in world.work:
        MaintenanceWindow.objects.create(
            object_id=keys[one.code], start_at=moment(one.start), end_at=moment(one.end), document="检字1号", announced_at=moment(0),
            cancelled_at=None if one.cancelled is None else moment(one.cancelled),
        )  # fmt: skip
    for start, rule in world.rules:
        RateRuleVersion.objects.create(
            version=rule.version, heartbeat_min=rule.heartbeat_min, play_days=rule.play_days, min_coverage=0.9,
            valid_from=day(start), document="规字1号",
        )  # fmt: skip
    ListeningMark.objects.create(observer=OBSERVER, at=moment(world.heard_until))
    build_states(world, keys)
    if world.town_moves is not None:
        moved = move_division(
            division=division_by_code(TOWN_THAT_MOVES, on=FIRST), parent=cast.divisions[NEW_COUNTY], on=day(world.town_moves)
        )
        for old, new in moved:
            follow_division(old=old, new=new)


def build_states(world: World, keys: dict[str, int]) -> None:
    for code in SITES:
        told: list[Any] = [*world.states[code], None]
        for (at, state, heard), following in pairwise(told):
            StateChange.objects.create(
                object_id=keys[code], state=state, at=moment(at), until=None if following is None else moment(following[0]),
                last_heard_at=moment(heard), observer=OBSERVER, seq=at,
            )  # fmt: skip
        for at, ok in world.tests[code]:
            PlayTest.objects.create(site_id=keys[code], at=moment(at), ok=ok, observer=OBSERVER)


def oracle(world: World, county: str, start: int, end: int) -> Counter[str]:
    """Steps by class of all sites that stood in the county, step by step."""
    found: Counter[str] = Counter()
    for code in SITES:
        for step in range(start, end):
            where, kind = class_at(world, code, step)
            if county in (where, "all") and kind:
                found[kind] += 1
    return found


def class_at(world: World, code: str, step: int) -> tuple[str, str]:
    """Where the site stood at the step, and what the rule says of it; '' when it does not count at all."""
    told = [one for one in world.stories[code] if one[0] * DAY <= step]
    if not told:
        return "", ""
    _, village, life = told[-1]
    moved = world.town_moves is not None and village == ITS_VILLAGE and step >= world.town_moves * DAY
    county = NEW_COUNTY if moved else COUNTY[village]
    if life == "suspended":
        return county, "excluded"
    if life != "in_service":
        return county, ""
    if any(covers(one, code, step) for one in world.work):
        return county, "maintenance"
    return county, state_at(world, code, step, rule_at(world, step))


def covers(work: Work, code: str, step: int) -> bool:
    end = work.end if work.cancelled is None else min(work.end, work.cancelled)
    return work.code in (code, *ABOVE[code]) and work.start <= step < end


def rule_at(world: World, step: int) -> RateRule:
    return [RULE, *(rule for start, rule in world.rules if start * DAY <= step)][-1]


def state_at(world: World, code: str, step: int, rule: RateRule) -> str:
    told = [one for one in world.states[code] if one[0] <= step]
    if not told or step >= world.heard_until or told[-1][1] == "unknown":
        return "unknown"
    _, state, heard = told[-1]
    if state == "down" and (step - heard) * STEP >= rule.heartbeat_min * 60:
        return "down"
    tried = [one for one in world.tests[code] if one[0] <= step]
    if not tried or (step - tried[-1][0]) * STEP >= rule.play_days * 86_400:
        return "unknown"
    return "up" if tried[-1][1] else "down"


def sums(rate: Rate) -> Counter[str]:
    """Steps by class as the system counted them."""
    names = ("up", "down", "unknown", "excluded", "maintenance")
    assert not any(getattr(rate, name) % STEP for name in names)
    return Counter({name: getattr(rate, name) // STEP for name in names if getattr(rate, name)})


in_tests = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.clause("NET05", "NET06", "OPS11", "OPS19")
@in_tests
@given(world=worlds(), cut=st.tuples(steps, steps).map(sorted))
def test_every_place_gets_the_seconds_that_were_its_own(cast: Cast, world: World, cut: list[int]) -> None:
    """In the tree of each day, by the rule of each day, without what was announced or decided; counties add up to the city."""
    start, end = cut[0], cut[1] + 1
    with transaction.atomic():
        build(world, cast)
        counties = [cast.divisions[code] for code in ("990101000000", "990102000000")]
        rates = [queries.rate_over(county, moment(start), moment(end)) for county in counties]
        whole, children = queries.rate_and_children(cast.divisions["990100000000"], moment(start), moment(end))
        halves = [queries.rate_over("/", moment(a), moment(b)) for a, b in ((start, (start + end) // 2), ((start + end) // 2, end))]
        sites = queries.rates_by_site("/", moment(start), moment(end))
        transaction.set_rollback(True)
    for county, rate in zip(counties, rates, strict=True):
        assert sums(rate) == oracle(world, county.code, start, end)
    assert sums(whole) == oracle(world, "all", start, end)
    assert sum((sums(child.rate) for child in children), Counter()) == sums(whole)
    assert sum((sums(half) for half in halves), Counter()) == sums(whole)
    assert sum((sums(site.rate) for site in sites), Counter()) == sums(whole)


@pytest.mark.clause("NET05", "OPS11")
@in_tests
@given(world=worlds(), step=st.integers(0, DAYS * DAY // 2 - 1))
def test_an_instant_counts_each_site_once_where_it_then_stood(cast: Cast, world: World, step: int) -> None:
    with transaction.atomic():
        build(world, cast)
        rates = {code: queries.rate_at(cast.divisions[code], moment(step)) for code in ("990101000000", "990102000000")}
        transaction.set_rollback(True)
    for code, rate in rates.items():
        counted = Counter({name: getattr(rate, name) for name in ("up", "down", "unknown", "excluded", "maintenance")})
        assert +counted == oracle(world, code, step, step + 1)


@pytest.mark.clause("NET06")
@in_tests
@given(world=worlds())
def test_a_period_over_several_versions_names_each_of_them(cast: Cast, world: World) -> None:
    with transaction.atomic():
        build(world, cast)
        rate = queries.rate_over("/", moment(0), moment(DAYS * DAY))
        transaction.set_rollback(True)
    assert [rule.version for rule in (*rate.earlier, rate.rule)] == [1, *(rule.version for _, rule in world.rules)]
    assert all(f"第 {rule.version} 版" in rate.sentence for _, rule in world.rules)
