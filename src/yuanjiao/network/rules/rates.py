"""The unobstructed rate (畅通率) as arithmetic on whole seconds: sums of seconds, never means of percentages.

Times are whole seconds since 1970 UTC, spans are half-open. A site's second is exactly one of up, down, unknown, excluded
(suspended by decision) or outside its service. Down is stronger than unknown only where somebody was listening:

    heartbeat within N min   play test within M days   → second
    yes                      passed                    → up
    yes                      failed                    → down
    yes                      none within M days        → unknown
    no                       any                       → down
    nobody listened          any                       → unknown
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
UP, DOWN = 1, 2
FOREVER = 1 << 33
"""A time after every time (the year 2242), and the step between two sites in one sorted key."""


@dataclass(frozen=True)
class RateRule:
    """What "unobstructed" means; printed beside every rate. A changed parameter is a new version."""

    version: int
    heartbeat_min: int
    play_days: int
    min_coverage: float

    @property
    def sentence(self) -> str:
        return (
            f"畅通＝{self.heartbeat_min} 分钟内有心跳，且 {self.play_days} 天内最近一次播放测试成功；"
            f"情况不明不算畅通也不算不通；已知时间不足 {self.min_coverage:.0%} 时不出数（规则第 {self.version} 版）"
        )


RULE = RateRule(version=1, heartbeat_min=5, play_days=30, min_coverage=0.9)


def rules_sentence(rules: Iterable[RateRule]) -> str:
    """Rules as they are printed, in the order in which they were in force."""
    return "；其后 ".join(rule.sentence for rule in rules)


@dataclass(frozen=True)
class Target:
    """The rate a division is to reach (0 to 1), the document that says so, and whose target it is when a lower division inherits it."""

    value: float
    document: str
    division: str


@dataclass(frozen=True)
class Rate:
    """One unobstructed rate. `up`, `down`, `unknown`, `excluded` (suspended), `maintenance` are seconds over a period, sites at an
    instant (`end` is None). `rule` is the version in force at the end; `earlier` are those by which the first part was counted."""

    up: int
    down: int
    unknown: int
    excluded: int
    population: int
    suspended: int
    rule: RateRule
    start: datetime
    end: datetime | None = None
    maintenance: int = 0
    earlier: tuple[RateRule, ...] = ()
    target: Target | None = None

    @property
    def known(self) -> int:
        return self.up + self.down

    @property
    def coverage(self) -> float | None:
        """The known share of what was in service; None when nothing was."""
        total = self.known + self.unknown
        return self.known / total if total else None

    @property
    def value(self) -> float | None:
        """up / (up + down); None when the population is empty or too little is known."""
        coverage = self.coverage
        return self.up / self.known if coverage and coverage >= self.min_coverage else None

    @property
    def min_coverage(self) -> float:
        """The known share below which no value is told: the strictest of the rules that counted."""
        return max(rule.min_coverage for rule in (*self.earlier, self.rule))

    @property
    def sentence(self) -> str:
        """Every rule by which the seconds were counted, in the order in which they were in force."""
        return rules_sentence((*self.earlier, self.rule))

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The rate if all unknown were down, and if all unknown were up."""
        total = self.known + self.unknown
        return (self.up / total, (self.up + self.unknown) / total) if total else None

    @property
    def why_none(self) -> str:
        """Why there is no value, in Chinese; empty when there is one."""
        if self.coverage is None:
            return "没有在用站点"
        return "" if self.value is not None else f"已知部分只有 {self.coverage:.1%}，不足以出数"


@dataclass(frozen=True)
class SiteSpans:
    """Rows for `seconds_by_site`: state spans (site index, state, at, until, last heard) and play tests (site index, at, ok).

    `heard` is 0 where no beat is known. Spans of one site do not overlap. Service is [`served_from`, `served_to`) per site;
    a site with `suspended` set counts as excluded from `served_to` on.
    """

    site: Ints
    state: Ints
    at: Ints
    until: Ints
    heard: Ints
    test_site: Ints
    test_at: Ints
    test_ok: Ints
    served_from: Ints
    served_to: Ints
    suspended: Ints


@dataclass(frozen=True)
class SecondsBySite:
    """Seconds of every site (by index) in the period; their sum is the part of the period after the site entered service."""

    up: Ints
    down: Ints
    unknown: Ints
    excluded: Ints


def seconds_by_site(rows: SiteSpans, *, start: int, end: int, rule: RateRule = RULE) -> SecondsBySite:
    """Every site's seconds in [start, end). O(rows log rows), no loop over sites."""
    count = len(rows.served_from)
    first = np.clip(rows.served_from, start, end)
    last = np.clip(np.maximum(rows.served_to, rows.served_from), start, end)
    excluded = np.where(rows.suspended != 0, end - last, 0)
    site, begin, finish, silent_from = _clipped(rows, first, last, rule)
    beating = np.maximum(silent_from - begin, 0)
    passed = _within_tests(rows, site, begin, silent_from, wanted=1, rule=rule)
    failed = _within_tests(rows, site, begin, silent_from, wanted=0, rule=rule)
    silent = np.maximum(finish - np.maximum(silent_from, begin), 0)
    up = _sum(site, np.where(beating > 0, passed, 0), count)
    down = _sum(site, np.where(beating > 0, failed, 0) + silent, count)
    return SecondsBySite(up=up, down=down, unknown=(last - first) - up - down, excluded=excluded)


def _clipped(rows: SiteSpans, first: Ints, last: Ints, rule: RateRule) -> tuple[Ints, Ints, Ints, Ints]:
    """Known spans inside service and period, with the moment from which no beat is younger than N minutes."""
    known = (rows.state == UP) | (rows.state == DOWN)
    site, state = rows.site[known], rows.state[known]
    lapse = np.where(rows.heard[known] > 0, rows.heard[known] + rule.heartbeat_min * 60, 0)
    silent_from = np.where(state == UP, rows.until[known], np.clip(lapse, rows.at[known], rows.until[known]))
    begin = np.maximum(rows.at[known], first[site])
    finish = np.minimum(rows.until[known], last[site])
    real = finish > begin
    return site[real], begin[real], finish[real], np.clip(silent_from[real], begin[real], finish[real])


def _within_tests(rows: SiteSpans, site: Ints, begin: Ints, finish: Ints, *, wanted: int, rule: RateRule) -> Ints:
    """Seconds of each [begin, finish) in which the newest play test is at most M days old and ended as `wanted`."""
    if not len(rows.test_at):
        return np.zeros(len(site), dtype=np.int64)
    key = rows.test_site * FOREVER + rows.test_at
    order = np.argsort(key, kind="stable")
    key, at, of = key[order], rows.test_at[order], rows.test_site[order]
    next_at = np.append(np.where(of[1:] == of[:-1], at[1:], FOREVER), FOREVER)
    length = np.where(rows.test_ok[order] == wanted, np.minimum(next_at - at, rule.play_days * 86_400), 0)
    total = np.concatenate(([0], np.cumsum(length)))

    def before(moment: Ints) -> Ints:
        index = np.searchsorted(key, site * FOREVER + moment, side="right") - 1
        here = np.maximum(index, 0)
        partial = np.where(of[here] == site, np.minimum(moment - at[here], length[here]), length[here])
        return np.where(index < 0, 0, total[here] + partial)

    return before(finish) - before(begin)


def _sum(site: Ints, seconds: Ints, count: int) -> Ints:
    return np.bincount(site, weights=seconds, minlength=count).astype(np.int64)
