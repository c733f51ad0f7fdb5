"""What is drawn of each stratum and what a sample says: against published figures, as properties, and by drawing again and again."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuanjiao.surveys.rules import (
    LEAST,
    Heard,
    Plays,
    Stratum,
    Word,
    allocation,
    disagrees,
    largest_remainder,
    simple_estimate,
    stratified_estimate,
    stratified_share,
    wilson,
)

SIZES = st.dictionaries(st.text("甲乙丙丁戊己庚辛", min_size=1, max_size=2), st.integers(1, 400), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("faulty", "count", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_is_the_published_one(faulty: int, count: int, low: float, high: float) -> None:
    """Newcombe 1998, Statistics in Medicine 17:857, table I, method 3."""
    assert wilson(faulty / count, count) == pytest.approx((low, high), abs=0.00005)


def test_the_stratified_estimate_and_its_error_are_the_published_ones() -> None:
    """Lohr, Sampling: Design and Analysis, example 4.4: women in the societies of the ACLS, 0.2465 with a standard error of 0.0071."""
    societies = [(9100, 636, 38), (1950, 451, 27), (5500, 481, 18), (10850, 611, 19), (2100, 493, 36), (5500, 575, 13), (9000, 588, 26)]
    as_printed = [Stratum(str(number), size, known, 0) for number, (size, known, _) in enumerate(societies)]
    value = sum(size * women / 100 for size, _, women in societies) / 44000
    found = stratified_estimate([Shared(one, women / 100) for one, (_, _, women) in zip(as_printed, societies, strict=True)])
    assert value == pytest.approx(0.2465, abs=0.0001)
    assert found.value == pytest.approx(value)
    assert found.error == pytest.approx(0.0071, abs=0.00005)


class Shared(Stratum):
    """A stratum of which a book prints the share, not the count."""

    def __init__(self, of: Stratum, share: float) -> None:
        super().__init__(of.name, of.size, of.known, of.faulty)
        object.__setattr__(self, "printed", share)

    @property
    def share(self) -> float:
        return self.printed  # type: ignore[attr-defined, no-any-return]


@given(SIZES, st.data())
def test_the_allocation_is_in_proportion_to_the_last_seat(sizes: dict[str, int], data: st.DataObject) -> None:
    least = {name: min(LEAST, size) for name, size in sizes.items()}
    count = data.draw(st.integers(sum(least.values()), sum(sizes.values())))
    given_to = allocation(sizes, count)
    assert given_to.keys() == sizes.keys()
    assert sum(given_to.values()) == count
    assert all(least[name] <= seats <= sizes[name] for name, seats in given_to.items())
    plain = largest_remainder(sizes, count)
    whole = sum(sizes.values())
    assert all(abs(seats - count * sizes[name] / whole) < 1 for name, seats in plain.items())
    if all(seats >= least[name] for name, seats in plain.items()) and all(count * size >= least[n] * whole for n, size in sizes.items()):
        assert given_to == plain
    renamed = allocation(dict(reversed(sizes.items())), count)
    assert renamed == given_to, "the order in which strata are named is nothing"


def test_seats_that_do_not_divide_go_to_the_largest_remainders() -> None:
    assert allocation({"柳溪县": 61, "石岭县": 24, "桃源县": 15}, 10) == {"柳溪县": 6, "石岭县": 2, "桃源县": 2}
    assert allocation({"大": 997, "小": 3}, 100) == {"大": 98, "小": 2}, "two at least, or nothing is known of how they differ"
    for count in (3, 101):
        with pytest.raises(ValueError, match="strata"):
            allocation({"甲": 50, "乙": 50}, count)


def test_nothing_is_said_without_an_answer() -> None:
    assert simple_estimate([Stratum("", 10, 0, 0, nobody=3)]).value is None
    silent = stratified_estimate([Stratum("甲", 10, 4, 1), Stratum("乙", 10, 0, 0)])
    assert (silent.value, silent.why_none) == (None, "乙还没有结果")
    assert stratified_estimate([]).value is None


def test_a_whole_frame_leaves_no_doubt_and_no_fault_seen_leaves_some() -> None:
    everyone = stratified_estimate([Stratum("甲", 4, 4, 1), Stratum("乙", 6, 6, 0)])
    assert (everyone.value, everyone.low, everyone.high) == (pytest.approx(0.1), pytest.approx(0.1), pytest.approx(0.1))
    clean = stratified_estimate([Stratum("甲", 500, 50, 0), Stratum("乙", 500, 50, 0)])
    assert clean.low == 0
    assert 0.02 < clean.high < 0.05


@pytest.mark.parametrize("shares", [(0.1, 0.1, 0.1), (0.02, 0.1, 0.3), (0.5, 0.05, 0.0)])
def test_nineteen_of_twenty_intervals_hold_the_truth(shares: tuple[float, ...]) -> None:
    """A frame whose truth is known, drawn from 1,500 times with given seeds: simple and stratified."""
    chance, sizes = Random(20261123), (600, 300, 150)
    frames = [[1] * round(size * share) + [0] * (size - round(size * share)) for size, share in zip(sizes, shares, strict=True)]
    truth, rounds, held = sum(map(sum, frames)) / sum(sizes), 1500, {"simple": 0, "stratified": 0}
    counts = allocation({str(number): size for number, size in enumerate(sizes)}, 100)
    everybody = [one for frame in frames for one in frame]
    for _ in range(rounds):
        drawn = [Stratum(str(n), len(f), counts[str(n)], sum(chance.sample(f, counts[str(n)]))) for n, f in enumerate(frames)]
        one = stratified_estimate(drawn)
        other = simple_estimate([Stratum("", sum(sizes), 100, sum(chance.sample(everybody, 100)))])
        held["stratified"] += one.low <= truth <= one.high
        held["simple"] += other.low <= truth <= other.high
    assert all(0.94 <= number / rounds <= 0.995 for number in held.values()), held


def test_a_simple_sample_is_corrected_for_its_frame_too() -> None:
    every = simple_estimate([Stratum("", 80, 80, 8)])
    assert (every.value, every.low, every.high) == (0.1, 0.1, 0.1), "of the whole frame nothing is left to guess"
    half, endless = simple_estimate([Stratum("", 160, 80, 8)]), wilson(0.1, 80)
    assert endless[0] < half.low < 0.1 < half.high < endless[1]
    assert simple_estimate([Stratum("", 10**9, 80, 8)]).low == pytest.approx(endless[0], abs=1e-6)


def test_telemetry_of_the_same_villages_is_weighted_as_the_field_is() -> None:
    """Of one village in a large stratum and nine in a small one the large one counts more; without a word of one there is no figure."""
    sizes, heard = {"甲": 90, "乙": 10}, {"甲": Heard(0, 1, 0), "乙": Heard(9, 0, 0)}
    assert stratified_share(heard, sizes) == pytest.approx(0.9)
    same_eyes = stratified_estimate([Stratum("甲", 90, 1, 1), Stratum("乙", 10, 9, 0)])
    assert stratified_share(heard, sizes) == pytest.approx(same_eyes.value)
    assert stratified_share(heard | {"甲": Heard(0, 0, 1)}, sizes) is None
    assert stratified_share({}, sizes) is None
    assert stratified_share({"": Heard(3, 1, 5)}, {"": 70}) == Heard(3, 1, 5).value


def test_unknown_is_not_up_and_counts_for_nothing() -> None:
    heard = Heard(up=6, down=2, unknown=4, uncounted=1)
    assert (heard.value, heard.coverage) == (0.25, 8 / 12)
    assert (Heard(0, 0, 3).value, Heard(0, 0, 0).coverage) == (None, None)
    assert [disagrees(plays, word) for plays in Plays for word in Word] == [
        *(False, True, False, False), *(True, False, False, False), *(False, False, False, False),
    ]  # fmt: skip
