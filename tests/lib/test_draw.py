"""Samples that can be drawn again by anybody."""

from __future__ import annotations

import hashlib
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from yuanjiao.lib.draw import draw, new_seed

FRAMES = st.lists(st.text(min_size=1, max_size=8), max_size=40)


def test_the_lots_are_those_of_the_page() -> None:
    frame = ["990101100200", "990101100201", "990101100202"]
    lots = {hashlib.sha256(b"5eed\n" + member.encode()).hexdigest(): member for member in frame}
    assert draw(frame, 3, "5eed") == [lots[lot] for lot in sorted(lots)]


@given(FRAMES, st.integers(-2, 50), st.text(max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_the_frame_is_nothing_and_a_larger_sample_begins_with_the_smaller(frame, count, seed, chance) -> None:
    drawn = draw(frame, count, seed)
    assert len(drawn) == len(set(drawn)) == min(max(count, 0), len(set(frame)))
    assert set(drawn) <= set(frame)
    shuffled = list(frame)
    chance.shuffle(shuffled)
    assert draw(shuffled, count, seed) == drawn
    assert draw(frame, count + 3, seed)[: len(drawn)] == drawn


def test_everyone_has_the_same_chance() -> None:
    frame = [f"村{number}" for number in range(20)]
    times = Counter(member for number in range(4000) for member in draw(frame, 5, f"seed {number}"))
    assert len(times) == 20
    assert all(850 < count < 1150 for count in times.values()), "1,000 each; the seeds are given, so this never changes"


def test_seeds_are_not_foreseen() -> None:
    assert len({new_seed() for _ in range(100)}) == 100
