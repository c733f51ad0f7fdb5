"""When a piece arrives on a bad line: worked out by hand, without a line."""

from __future__ import annotations

import random

import pytest

from tests.badline.faults import Faults, Way


def way(**faults: float) -> Way:
    return Way(lambda: Faults(**faults), random.Random(1))


def test_a_good_line_brings_everything_at_once() -> None:
    assert [way().arrives_at(1000, now) for now in (0.0, 5.0)] == [0.0, 5.0]


def test_pieces_queue_before_a_slow_line() -> None:
    line = way(rate_bps=8000.0, delay_s=0.5)
    assert [line.arrives_at(500, 0.0) for _ in range(3)] == [1.0, 1.5, 2.0]
    assert line.arrives_at(500, 0.0) is None, "the queue holds more than a second of the line"
    assert line.waits_s(0.0) == 1.5


@pytest.mark.parametrize(("moment", "dead"), [(0.0, False), (17.9, False), (18.1, True), (19.9, True), (20.1, False), (38.5, True)])
def test_a_cut_stands_at_the_end_of_its_period(moment: float, dead: bool) -> None:
    faults = Faults(cut_every_s=20.0, cut_s=2.0)
    assert faults.cut_at(moment) is dead
    assert (Way(lambda: faults, random.Random(1)).arrives_at(100, moment) is None) is dead


def test_what_meets_a_freeze_comes_when_it_thaws() -> None:
    line = way(freeze_every_s=10.0, freeze_s=3.0, delay_s=0.5)
    assert [line.arrives_at(100, moment) for moment in (1.0, 8.0, 12.0)] == [1.5, 10.5, 12.5]


def test_about_as_many_are_lost_as_was_asked() -> None:
    line = way(loss=0.2)
    lost = sum(line.arrives_at(100, float(n)) is None for n in range(2000))
    assert 300 < lost < 500


def test_jitter_changes_the_order() -> None:
    line = way(delay_s=0.3, jitter_s=0.1)
    times = [line.arrives_at(100, n / 100) or 0.0 for n in range(50)]
    assert times != sorted(times)
