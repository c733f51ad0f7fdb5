"""Shipping: growing random waits, one refused origin never blocks another, going back when the parent lost what it had."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest

from tests.conftest import AT
from tests.flow.happenings import Happened, Strange, told
from tests.simulator import Fate, Machine, World
from yuanjiao.flow.journal import applying, ship
from yuanjiao.flow.journal.models import Entry, Head, Segment
from yuanjiao.flow.journal.record import record
from yuanjiao.flow.journal.ship import Backoff
from yuanjiao.flow.nodes.models import Node

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("happenings_wired")]


def say(machine: Machine, *texts: str) -> None:
    with machine.here():
        for text in texts:
            record(Happened(text=text), at=machine.now)


def heard(machine: Machine) -> list[str]:
    with machine.here():
        return told()


@pytest.fixture
def pair(world: World) -> tuple[Machine, Machine]:
    """An edge joined to a centre."""
    centre, edge = world.machine("centre", "centre"), world.machine("edge", "edge", skew_s=-7_200.0)
    edge.join(centre)
    return centre, edge


def test_waits_grow_at_random_up_to_a_cap_and_end_with_success() -> None:
    backoff = Backoff(base_s=5, cap_s=300)
    longest = []
    for _ in range(10):
        backoff.fail(AT, 1.0)
        assert backoff.until is not None
        longest.append((backoff.until - AT).total_seconds())
    assert longest == [10, 20, 40, 80, 160, 300, 300, 300, 300, 300]
    backoff.fail(AT, 0.0)
    assert not backoff.waits(AT)
    backoff.fail(AT, 0.5)
    assert backoff.waits(AT)
    assert not backoff.waits(AT + timedelta(seconds=150))
    assert not backoff.waits(AT - timedelta(days=2)), "the clock was set back"
    backoff.succeed()
    assert not backoff.waits(AT)


def test_a_dead_line_is_left_alone_until_its_time(pair: tuple[Machine, Machine], world: World) -> None:
    centre, edge = pair
    say(edge, "一")
    assert edge.line is not None
    edge.line.fates.append(Fate.LOST)
    before = edge.line.requests
    edge.ship()
    edge.ship()
    assert edge.line.requests == before + 1
    world.pass_time(60)
    edge.ship()
    assert heard(centre) == ["一"]


def test_with_nothing_new_nothing_is_sent(pair: tuple[Machine, Machine]) -> None:
    _, edge = pair
    say(edge, "一")
    edge.ship()
    assert edge.line is not None
    before = edge.line.requests
    for _ in range(5):
        assert edge.ship() == 0
    assert edge.line.requests == before


def test_an_acknowledgement_that_was_lost_costs_one_repeat_and_doubles_nothing(pair: tuple[Machine, Machine], world: World) -> None:
    centre, edge = pair
    say(edge, "一", "二")
    assert edge.line is not None
    edge.line.fates.append(Fate.ANSWER_LOST)
    edge.ship()
    assert heard(centre) == ["一", "二"]
    world.pass_time(60)
    assert edge.ship() == 1
    assert heard(centre) == ["一", "二"]
    assert edge.ship() == 0


def test_a_parent_back_from_a_backup_is_told_again(pair: tuple[Machine, Machine], world: World) -> None:
    centre, edge = pair
    say(edge, "一")
    edge.ship()
    centre.stop()
    backup = centre.home / "backup.sqlite3"
    shutil.copy(centre.home / "yuanjiao.sqlite3", backup)
    centre.restart()
    say(edge, "二")
    edge.ship()
    say(edge, "三")
    edge.ship()
    centre.stop()
    for left in centre.home.glob("yuanjiao.sqlite3-*"):
        left.unlink()
    shutil.copy(backup, centre.home / "yuanjiao.sqlite3")
    centre.restart()
    assert heard(centre) == ["一"]
    say(edge, "四")
    edge.ship()
    assert heard(centre) == ["一", "二", "三", "四"]


def test_a_child_back_from_a_backup_is_refused_aloud(pair: tuple[Machine, Machine]) -> None:
    centre, edge = pair
    edge.stop()
    backup = edge.home / "backup.sqlite3"
    shutil.copy(edge.home / "yuanjiao.sqlite3", backup)
    edge.restart()
    say(edge, "一", "二")
    edge.ship()
    edge.stop()
    for left in edge.home.glob("yuanjiao.sqlite3-*"):
        left.unlink()
    shutil.copy(backup, edge.home / "yuanjiao.sqlite3")
    edge.restart()
    say(edge, "另一件事")
    edge.ship()
    assert heard(centre) == ["一", "二"]
    with edge.here():
        assert "forked" in Head.objects.get(origin__is_self=True).refusal


def test_a_refused_origin_does_not_hold_up_the_others(world: World, settings: object) -> None:
    centre, edge, site = world.machine("centre", "centre"), world.machine("edge", "edge"), world.machine("site", "site")
    edge.join(centre)
    site.join(edge)
    settings.YUANJIAO_EVENTS = "tests.flow.happenings.NEWER"  # type: ignore[attr-defined]  # edge and site were upgraded first
    applying.event_table.cache_clear()
    with site.here():
        record(Strange(), at=site.now)
    site.ship()
    with edge.here():
        ship.announce_nodes(at=edge.now)
        ship.seal_next(edge.now)
    say(edge, "一")
    settings.YUANJIAO_EVENTS = "tests.flow.happenings.EVENTS"  # type: ignore[attr-defined]
    applying.event_table.cache_clear()
    edge.ship()
    assert heard(centre) == ["一"]
    with edge.here():
        assert "unknown_kind" in Head.objects.get(origin__name="site").refusal
    settings.YUANJIAO_EVENTS = "tests.flow.happenings.NEWER"  # type: ignore[attr-defined]
    applying.event_table.cache_clear()
    world.pass_time(4_000)
    edge.ship()
    with centre.here():
        assert Entry.objects.filter(kind=Strange.KIND).count() == 1
    with edge.here():
        assert Head.objects.get(origin__name="site").refusal == ""


def test_what_comes_from_below_goes_up_byte_for_byte(world: World) -> None:
    centre, edge, site = world.machine("centre", "centre"), world.machine("edge", "edge"), world.machine("site", "site")
    edge.join(centre)
    site.join(edge)
    say(site, "村里的事")
    site.ship()
    edge.ship()
    assert heard(centre) == ["村里的事"]
    kept = []
    for machine in (site, edge, centre):
        with machine.here():
            kept.append(bytes(Segment.objects.get(origin__uid=site.node().uid).sealed))
    assert len(set(kept)) == 1


def test_the_parent_measures_how_wrong_a_childs_clock_is(pair: tuple[Machine, Machine]) -> None:
    centre, edge = pair
    say(edge, "一")
    edge.ship()
    with centre.here():
        assert Node.objects.get(name="edge").clock_offset_s == pytest.approx(7_200, abs=2)
        assert Segment.objects.get(origin__name="edge").clock_offset_s == pytest.approx(7_200, abs=2)


def test_large_facts_are_sealed_in_several_segments(pair: tuple[Machine, Machine], monkeypatch: pytest.MonkeyPatch) -> None:
    centre, edge = pair
    monkeypatch.setattr(ship, "SEAL_BYTES", 1_000)
    say(edge, *[f"{n}{'长' * 100}" for n in range(10)])
    assert edge.ship() == 4
    assert len(heard(centre)) == 10
