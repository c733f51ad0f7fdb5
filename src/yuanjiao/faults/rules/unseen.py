"""Reported against observed: who saw which fault, and an estimate of the faults that nobody saw (OPS06)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, log, sqrt

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
