"""Reported against observed: who saw which fault, and an estimate of the faults that nobody saw (OPS06)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from math import exp, log, sqrt

from yuanjiao.faults.rules.dictionary import Channel
from yuanjiao.faults.rules.ratios import Z95, Ratio

MATCH_EARLY, MATCH_LATE = timedelta(hours=1), timedelta(hours=24)
"""How long before its beginning and after its end an outage may be reported: clocks differ, and people call the morning after."""
UNDER_REPORTING_RULE = (
    "漏报率＝期内开始的、无人申报的中断数 ÷ 期内开始的中断数；同一根源只计一次，系统自动开单不算申报；"
    "申报以受理时的对应为准，未对应的按站点与时间（中断开始前 1 小时至恢复后 24 小时）对应"
)
"""Printed beside every under-reporting ratio (OPS06)."""
ENOUGH_IN_BOTH = 7
"""From so many faults seen by both lists on, Chapman's estimate is nearly unbiased (Robson and Regier 1964)."""
ASSUMPTIONS = (
    "两种途径互不影响：监测发现的故障并不更容易（或更不容易）被人申报",
    "每起故障被同一途径发现的机会相近；监测看不见的故障（如图像、声音不好）会使估计偏高",
    "申报与中断对应无误，同一故障多次申报只计一次，撤销的工单不计",
)
"""Printed beside every estimate; where one does not hold, the estimate does not."""

LIST_ASSUMPTIONS = (
    "同一起故障由各途径各自发现：一种途径发现了，另一种途径并不因此更容易（或更不容易）发现",
    "有的故障比别的容易被发现；因此只按被一种或两种途径发现的故障推算，所得是至少有多少，不是恰有多少",
    "途径之间发现的机会可以不同；与其他途径没有共同故障的途径不参加推算",
)
"""Printed beside the lower bound of many lists."""
MONITOR = "monitor"
LISTS: dict[str, str] = {MONITOR: "监测", "site": "站点、网页自报", "phone": "热线电话", "officer": "组织部门申报"}
"""The ways a fault becomes known, each a list of its own."""
LIST_OF: dict[str, str] = {Channel.SITE_BUTTON: "site", Channel.WEB: "site", Channel.PHONE: "phone", Channel.OFFICER: "officer"}
LEAST_LISTS = 3
Cells = Mapping[frozenset[str], int]
"""How many faults each set of lists has."""


def tells_of(filed_at: datetime, started_at: datetime, ended_at: datetime | None) -> bool:
    """Whether a report filed at that moment can speak of an outage of the same site."""
    return started_at - MATCH_EARLY <= filed_at and (ended_at is None or filed_at <= ended_at + MATCH_LATE)


@dataclass(frozen=True)
class SeenBy:
    """Faults of one place and period by who saw them: both ways, only the monitoring, only people."""

    both: int
    only_monitor: int
    only_people: int

    @property
    def monitor(self) -> int:
        return self.both + self.only_monitor

    @property
    def people(self) -> int:
        return self.both + self.only_people

    @property
    def known(self) -> int:
        """Faults that at least one of the two saw."""
        return self.both + self.only_monitor + self.only_people

    @property
    def reported(self) -> Ratio:
        """How much of what the monitoring saw was reported by people as well."""
        return Ratio(self.both, self.monitor)

    @property
    def observed(self) -> Ratio:
        """How much of what people reported was seen by the monitoring as well."""
        return Ratio(self.both, self.people)


@dataclass(frozen=True)
class Estimate:
    """All faults there were, with the 95 % interval; `unseen` of them neither list holds. `rough` when too few are on both lists."""

    total: float
    low: float
    high: float
    unseen: float
    rough: bool


def estimate_all(seen: SeenBy) -> Estimate | None:
    """Chapman's estimate (1951) of all faults from two lists; None when no fault stands on both: then nothing can be said.

    The interval is that of the unseen ones on the logarithmic scale (Rexstad and Burnham 1991): never below what is known.
    """
    if not seen.both:
        return None
    n1, n2, m = seen.monitor, seen.people, seen.both
    total = (n1 + 1) * (n2 + 1) / (m + 1) - 1
    unseen = total - seen.known
    if unseen <= 0:
        return Estimate(float(seen.known), seen.known, seen.known, 0.0, m < ENOUGH_IN_BOTH)
    variance = (n1 + 1) * (n2 + 1) * (n1 - m) * (n2 - m) / ((m + 1) ** 2 * (m + 2))
    spread = exp(Z95 * sqrt(log(1 + variance / unseen**2)))
    return Estimate(total, seen.known + unseen / spread, seen.known + unseen * spread, unseen, m < ENOUGH_IN_BOTH)


def lower_bound(cells: Cells) -> Estimate | None:
    """At least so many faults there were, from three or more lists that share faults; None otherwise.

    Chao's lower bound with lists of unequal reach (Rivest and Baillargeon 2007): the log-linear model of independent lists, fitted to
    what one or two lists saw; what more lists saw is known anyway. With two lists it is Lincoln and Petersen's estimate.
    """
    names = overlapping(cells)
    if len(names) < LEAST_LISTS:
        return None
    fitted = unseen_by_independence(cells, names, deepest=2)
    if fitted is None:
        return None
    known, (unseen, error) = sum(cells.values()), fitted
    spread = exp(Z95 * sqrt(log(1 + (error / unseen) ** 2))) if unseen > 0 else 1.0
    shared = sum(count for seen, count in cells.items() if len(seen & set(names)) == 2)
    inside = sum(count for seen, count in cells.items() if seen & set(names))
    total = max(inside + unseen, known)
    low, high = inside + unseen / spread, inside + unseen * spread
    return Estimate(total, max(low, known), max(high, known), total - known, shared < ENOUGH_IN_BOTH)


def overlapping(cells: Cells) -> list[str]:
    """The lists that share a fault with another, in order."""
    return sorted({name for seen, count in cells.items() if count and len(seen) > 1 for name in seen})


def unseen_by_independence(cells: Cells, names: Sequence[str], *, deepest: int) -> tuple[float, float] | None:
    """(faults on none of the lists, standard error) by the model of independent lists, fitted to what at most `deepest` lists saw.

    The error is that of Rivest and Lévesque (2001). None when the fit does not exist.
    """
    import numpy as np  # where it is needed: every command loads this room's rules

    seen = [frozenset(group) for size in range(1, deepest + 1) for group in combinations(names, size)]
    counts = np.zeros(len(seen))
    for lists, count in cells.items():
        if (own := lists & set(names)) in seen:
            counts[seen.index(own)] += count
    design = np.array([[1.0, *(name in lists for name in names)] for lists in seen])
    fitted = counts + 0.5
    for _ in range(100):
        information = design.T @ (fitted[:, None] * design)
        try:
            effects = np.linalg.solve(information, design.T @ (fitted * np.log(fitted) + counts - fitted))
        except np.linalg.LinAlgError:
            return None
        before, fitted = fitted, np.exp(np.clip(design @ effects, -30, 30))
        if np.allclose(before, fitted, rtol=1e-10, atol=1e-12):
            none = exp(effects[0])
            variance = np.linalg.inv(design.T @ (fitted[:, None] * design))[0, 0]
            return none, sqrt(none + none**2 * float(variance))
    return None
