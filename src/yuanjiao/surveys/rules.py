"""How many are drawn of each stratum, and what a sample says of the whole: pure arithmetic, each formula with its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf, isinf, sqrt

Z95 = 1.959963984540054
"""The 97.5 % point of the normal distribution: two sides of 95 %."""
LEAST = 2
"""So many of a stratum are drawn at least, where it has them: of one alone nothing is known about how they differ."""


class Strata(StrEnum):
    """By what the frame is parted before the draw."""

    NONE = ""
    COUNTY = "county"
    CLASS = "class"


STRATA_NAMES = {Strata.NONE: "不分层", Strata.COUNTY: "按县（市、区）", Strata.CLASS: "按城乡分类"}


class SurveyState(StrEnum):
    """A survey is drawn, then given out, then closed; nothing goes back."""

    DRAWN = "drawn"
    OPEN = "open"
    CLOSED = "closed"


STATE_NAMES = {SurveyState.DRAWN: "已抽样，未下发", SurveyState.OPEN: "走访中", SurveyState.CLOSED: "已结束"}


class VisitState(StrEnum):
    """A drawn village waits, was seen, or could not be reached and is replaced."""

    WAITING = "waiting"
    TOLD = "told"
    UNREACHED = "unreached"


VISIT_NAMES = {VisitState.WAITING: "待走访", VisitState.TOLD: "已走访", VisitState.UNREACHED: "未能走访"}


class Plays(StrEnum):
    """Does the set play at the visit; nobody there is an answer of its own and no fault."""

    YES = "yes"
    NO = "no"
    NOBODY = "nobody"


PLAYS_NAMES = {Plays.YES: "能正常播放", Plays.NO: "不能播放", Plays.NOBODY: "无人在场，看不了"}
CLASS_NAMES = {"server": "服务器", "line": "线路", "equipment": "终端设备"}


class Word(StrEnum):
    """What telemetry says of a site at one moment; uncounted: suspended or announced work."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"
    UNCOUNTED = "uncounted"


WORD_NAMES = {Word.UP: "通", Word.DOWN: "断", Word.UNKNOWN: "情况不明", Word.UNCOUNTED: "停用或检修"}


def allocation(sizes: Mapping[str, int], count: int) -> dict[str, int]:
    """How many of `count` are drawn of each stratum of these sizes: in proportion, by largest remainder, at least two of each.

    Strata whose share is below two get two (or all they have), the others share the rest. Of equal remainders the larger stratum,
    then the first by name comes first. Raises ValueError when `count` is more than there are, or less than two of each.
    """
    least = {name: min(LEAST, size) for name, size in sizes.items()}
    if not sum(least.values()) <= count <= sum(sizes.values()):
        raise ValueError(f"{count} of {sum(sizes.values())} in {len(sizes)} strata")
    given: dict[str, int] = {}
    while True:
        rest = {name: size for name, size in sizes.items() if name not in given}
        left, whole = count - sum(given.values()), sum(rest.values())
        small = [name for name, size in rest.items() if left * size < least[name] * whole]
        if not small:
            return given | largest_remainder(rest, left)
        given |= {name: least[name] for name in small}


def largest_remainder(sizes: Mapping[str, int], count: int) -> dict[str, int]:
    """`count` seats in proportion to sizes (Hamilton's method), in whole numbers throughout."""
    whole = sum(sizes.values())
    if not whole:
        return dict.fromkeys(sizes, 0)
    seats = {name: count * size // whole for name, size in sizes.items()}
    order = sorted(sizes, key=lambda name: (-(count * sizes[name] % whole), -sizes[name], name))
    for name in order[: count - sum(seats.values())]:
        seats[name] += 1
    return seats


def wilson(share: float, count: float) -> tuple[float, float]:
    """The 95 % score interval of Wilson (1927), J. Am. Stat. Assoc. 22:209, without continuity correction; `count` need not be whole."""
    if isinf(count):
        return share, share
    spread, whole = Z95 * Z95 / count, 1 + Z95 * Z95 / count
    half = Z95 * sqrt(share * (1 - share) / count + spread / (4 * count)) / whole
    centre = (share + spread / 2) / whole
    return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True)
class Stratum:
    """What was seen in one stratum: of `size` in the frame `faulty` of `known` did not play; `nobody` could not tell."""

    name: str
    size: int
    known: int
    faulty: int
    nobody: int = 0

    @property
    def share(self) -> float:
        return self.faulty / self.known


@dataclass(frozen=True)
class Estimate:
    """A share of the whole with its 95 % interval; without a value `why_none` says why."""

    known: int
    faulty: int
    value: float | None = None
    low: float = 0.0
    high: float = 1.0
    error: float | None = None
    """Standard error, of a stratified estimate only."""
    why_none: str = ""


def simple_estimate(strata: Sequence[Stratum]) -> Estimate:
    """The share of a sample that was not stratified, with Wilson's interval, corrected for the size of the frame."""
    known, faulty = sum(one.known for one in strata), sum(one.faulty for one in strata)
    if not known:
        return Estimate(0, 0, why_none="还没有走访结果")
    return Estimate(known, faulty, faulty / known, *wilson(faulty / known, _corrected(known, sum(one.size for one in strata))))


def _corrected(count: int, frame: int) -> float:
    """How large a sample of an endless frame says as much as `count` of `frame`: n (N − 1) / (N − n) (Cochran 1977, 3.2)."""
    return inf if count >= frame else count * (frame - 1) / (frame - count)


def stratified_estimate(strata: Sequence[Stratum]) -> Estimate:
    """Strata weighted by their size in the frame (Cochran 1977, Sampling Techniques, 3rd ed., 5.10), with finite population correction.

    The interval is Wilson's with the effective sample size of that variance (Korn and Graubard 1998, Survey Methodology 24:193), never
    shorter than that of a simple sample of as many: where no fault is seen in a small stratum its variance is only said to be none.
    Without an answer in some stratum nothing is said of the whole.
    """
    known, faulty = sum(one.known for one in strata), sum(one.faulty for one in strata)
    silent = [one.name for one in strata if not one.known]
    if silent or not strata:
        return Estimate(known, faulty, why_none=f"{'、'.join(silent[:3])}还没有结果" if silent else "还没有走访结果")
    whole = sum(one.size for one in strata)
    share = sum(one.size * one.share for one in strata) / whole
    variance = sum((one.size / whole) ** 2 * _variance(one, share) for one in strata)
    fraction = known / whole
    simple = inf if fraction >= 1 else max(known - 1, 1) / (1 - fraction)
    effective = share * (1 - share) / variance if variance else simple
    return Estimate(known, faulty, share, *wilson(share, min(effective, simple)), error=sqrt(variance))


def _variance(one: Stratum, pooled: float) -> float:
    """Of a stratum's share: p q / (n − 1), corrected for n of N; of one alone, what all together say."""
    share, rest = (one.share, one.known - 1) if one.known > 1 else (pooled, 1)
    return (1 - one.known / one.size) * share * (1 - share) / rest


@dataclass(frozen=True)
class Heard:
    """What telemetry says: sites at the moments of the visits, or site-seconds of the whole frame over the days of them."""

    up: int
    down: int
    unknown: int
    uncounted: int = 0

    @property
    def known(self) -> int:
        return self.up + self.down

    @property
    def value(self) -> float | None:
        """The fault rate: down of what is known. Unknown is not up, and said apart."""
        return self.down / self.known if self.known else None

    @property
    def coverage(self) -> float | None:
        total = self.known + self.unknown
        return self.known / total if total else None


def stratified_share(heard: Mapping[str, Heard], sizes: Mapping[str, int]) -> float | None:
    """Telemetry's fault rate of the visited villages, weighted as the field's is: by the strata's sizes in the frame.

    None while nothing is known in some stratum, as the field says nothing of the whole then.
    """
    rates = {name: heard[name].value for name in sizes if name in heard}
    if not sizes or any(rates.get(name) is None for name in sizes):
        return None
    return sum(size * (rates[name] or 0.0) for name, size in sizes.items()) / sum(sizes.values())


def disagrees(plays: str, word: str) -> bool:
    """Whether the field and telemetry tell two stories: it plays and is said to be down, or the other way round."""
    return (plays, word) in {(Plays.YES, Word.DOWN), (Plays.NO, Word.UP)}
