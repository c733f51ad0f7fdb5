"""Moments that random histories seldom meet, each by itself: a machine that dies between two steps, a clock that is set back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db.models import F

from tests.flow.happenings import Happened
from tests.flow.notices import NOTICES
from tests.flow.test_whole_network import served_version
from tests.flow.test_whole_network import wired as wired  # a fixture
from tests.simulator import Death, Fate, Machine, World
from yuanjiao.flow.catalogue import follow as following
from yuanjiao.flow.catalogue.publish import publish
from yuanjiao.flow.journal.models import Head
from yuanjiao.flow.journal.record import record
from yuanjiao.flow.models import CurrentCatalogue

DAYS_S = 2 * 86_400.0


@pytest.fixture
def edge(world: World, wired: None) -> Iterator[Machine]:
    """An edge that has taken up the centre's first catalogue."""
    NOTICES.texts, NOTICES.blobs = ("第一条",), ()
    centre = world.machine("centre", "centre")
    with centre.here():
        publish(centre.now)
    made = world.machine("edge", "edge")
    made.join(centre)
    assert made.come_down() == []
    yield made
    NOTICES.texts = ()


def next_edition(world: World) -> None:
    world.pass_time(60)
    NOTICES.texts = (*NOTICES.texts, "又一条")
    with world.machines["centre"].here():
        publish(world.machines["centre"].now)


def test_an_edge_that_died_over_the_parents_answer_is_believed_when_it_tells_again_at_once(world: World, edge: Machine) -> None:
    """A process that starts again signs anew: it is not taken for somebody who repeats what it said. At every step of telling."""
    for steps in range(1, 25):
        world.pass_time(60)
        with edge.here():
            record(Happened(text=str(steps)), at=edge.now)
        edge.dies_in = steps
        try:
            edge.ship()
        except Death:
            edge.restart()
        edge.dies_in = 0
        edge.ship()
        with edge.here():
            assert list(Head.objects.filter(origin__is_self=True).values_list("refusal", flat=True)) == [""]
            assert not Head.objects.filter(acknowledged_seq__lt=F("seq")).exists()


def test_what_was_accepted_is_passed_on_even_if_the_edge_died_just_then(
    world: World, edge: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_edition(world)

    def die(*_: object, **__: object) -> None:
        raise Death(edge)

    with monkeypatch.context() as then:
        then.setattr(following.passing, "pass_on", die)
        with pytest.raises(Death):
            edge.come_down()
    edge.restart()
    world.pass_time(60)
    edge.come_down()
    with edge.here():
        assert tuple(NOTICES.shown()) == NOTICES.texts
        assert served_version() == CurrentCatalogue.objects.get().version


def test_a_pause_of_the_catalogue_does_not_outlast_a_clock_that_is_set_back(world: World, edge: Machine) -> None:
    next_edition(world)
    edge.skew_s = DAYS_S
    assert edge.line is not None
    edge.line.fates.extend([Fate.LOST] * 20)
    assert edge.come_down()
    edge.line.fates.clear()
    edge.skew_s = 0.0
    world.pass_time(1_000)
    edge.come_down()
    with edge.here():
        assert tuple(NOTICES.shown()) == NOTICES.texts


def test_a_pause_of_the_journal_does_not_outlast_a_clock_that_is_set_back(world: World, edge: Machine) -> None:
    assert edge.line is not None
    edge.skew_s = DAYS_S
    with edge.here():
        record(Happened(text="一"), at=edge.now)
    edge.line.fates.extend([Fate.LOST] * 5)
    assert edge.ship() == 0
    edge.line.fates.clear()
    edge.skew_s = 0.0
    world.pass_time(timedelta(hours=1).total_seconds())
    assert edge.ship() > 0
