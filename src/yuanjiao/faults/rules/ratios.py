"""Shares with both their numbers and how far chance reaches; causes by count; times by rank. Nothing here is a percentage alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, comb, sqrt

Z95 = 1.959964
"""The two-sided 95 % point of the normal distribution."""


@dataclass(frozen=True)
class Ratio:
    """A share with both its numbers; `value` is None when there is nothing to divide by."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        return self.part / self.whole if self.whole else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the share lies with 95 % confidence if the cases are a sample of such cases; None without cases."""
        return wilson(self.part, self.whole)


def wilson(part: int, whole: int, z: float = Z95) -> tuple[float, float] | None:
    """Wilson's score interval of a share (1927): honest for few cases and near 0 and 1, where the textbook interval is not."""
    if not whole:
        return None
    share, z2 = part / whole, z * z
    middle = (share + z2 / (2 * whole)) / (1 + z2 / whole)
    half = z / (1 + z2 / whole) * sqrt(share * (1 - share) / whole + z2 / (4 * whole * whole))
    low = 0.0 if part == 0 else max(0.0, middle - half)
    return low, 1.0 if part == whole else min(1.0, middle + half)


@dataclass(frozen=True)
class ParetoBar:
    """One cause with its count, its share and the share of all causes down to it."""

    code: str
    name: str
    count: int
    share: float
    cumulative: float


def pareto(counts: Sequence[tuple[str, str, int]]) -> list[ParetoBar]:
    """Causes by count, most frequent first; ties by code, so that two readings agree (OPS09)."""
    total = sum(count for _, _, count in counts)
    bars, running = [], 0
    for code, name, count in sorted(counts, key=lambda row: (-row[2], row[0])):
        running += count
        bars.append(ParetoBar(code, name, count, count / total, running / total))
    return bars


def by_rank(values: Sequence[int], share: float) -> int | None:
    """The smallest value that at least this share of the values does not exceed: a value that occurred, never one between two."""
    return sorted(values)[max(ceil(share * len(values)) - 1, 0)] if values else None


@dataclass(frozen=True)
class Delays:
    """From the beginning of an outage to somebody's report of it (OPS07), in seconds; `late` counts those past the limit of their class."""

    median_s: int | None
    tenth_slowest_s: int | None
    late: Ratio


def delays_of(seconds: Sequence[int], late: int) -> Delays:
    """The median, and what nine in ten do not exceed."""
    return Delays(by_rank(seconds, 0.5), by_rank(seconds, 0.9), Ratio(late, len(seconds)))


DELAY_RULE = "从中断开始到申报的时间；中位数、九成以内按实际发生的值取，不取平均；时限按故障类别与城乡分别约定"
"""Printed beside every delay (OPS07)."""


@dataclass(frozen=True)
class Difference:
    """One share in two periods. `clear` says whether chance alone would hardly make them differ so much."""

    before: Ratio
    after: Ratio

    @property
    def change(self) -> float | None:
        """After minus before, in points of one; None when either period has no case."""
        return None if self.before.value is None or self.after.value is None else self.after.value - self.before.value

    @property
    def interval(self) -> tuple[float, float] | None:
        """Newcombe's interval of the change (1998, method 10), from both Wilson intervals."""
        change, first, second = self.change, self.before.interval, self.after.interval
        if change is None or first is None or second is None or self.before.value is None or self.after.value is None:
            return None
        down = sqrt((self.after.value - second[0]) ** 2 + (first[1] - self.before.value) ** 2)
        up = sqrt((second[1] - self.after.value) ** 2 + (self.before.value - first[0]) ** 2)
        return change - down, change + up

    @property
    def clear(self) -> bool:
        """The interval of the change does not hold zero."""
        reach = self.interval
        return reach is not None and (reach[0] > 0 or reach[1] < 0)


TRAINING_RULE = (
    "操作失误占比＝原因为操作失误的工单数 ÷ 已填原因的工单数，按开单时间计；培训前后各取同样天数，培训当日不计；"
    "变化的 95% 区间不含零，才算有明显变化"
)
"""Printed beside every comparison before and after a training (OPS18)."""


def chance_of_rise(before: int, after: int, *, days_before: int, days_after: int) -> float:
    """The chance of at least `after` cases in the later span, given all cases, if nothing had changed (exact, conditional).

    Two Poisson counts given their sum: the later one is binomial with the later span's share of the days.
    """
    total, share = before + after, days_after / (days_before + days_after)
    return sum(comb(total, k) * share**k * (1 - share) ** (total - k) for k in range(after, total + 1))
