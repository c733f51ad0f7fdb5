"""Early signs on objects and tasks (苗头性、倾向性问题, SUP33): what is getting worse before anybody complains. Never of persons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from yuanjiao.faults.rules.ratios import chance_of_rise


class Sign(StrEnum):
    """What is seen."""

    RISING = "rising"
    REPEATED = "repeated"
    UNSTABLE = "unstable"
    STALLED = "stalled"
    OVERDUE = "overdue"
    UNUSED = "unused"


SIGN_NAMES: dict[Sign, str] = {
    Sign.RISING: "故障增多",
    Sign.REPEATED: "反复中断",
    Sign.UNSTABLE: "时断时续",
    Sign.STALLED: "工单无人签收",
    Sign.OVERDUE: "工单超期",
    Sign.UNUSED: "零使用",
}
RECENT_DAYS, BEFORE_DAYS = 30, 90
"""Faults of the last 30 days are held against the 90 days before them."""
RISE_LEAST, RISE_CHANCE = 5, 0.02
"""A rise is told from so many faults on, and when chance alone would bring it in fewer than two of a hundred places."""
REPEATED_FROM = 3
UNUSED_DAYS, UNUSED_FROM = 60, 0.5
"""A town is named when at least half of its sites that work held nothing for sixty days."""
WARNING_RULE = (
    f"故障增多：近 {RECENT_DAYS} 天的中断（同一根源只计一次）不少于 {RISE_LEAST} 起，"
    f"且多于此前 {BEFORE_DAYS} 天（记录不足的，按有记录的天数）的常态，"
    f"偶然造成的可能不到 {RISE_CHANCE:.0%}；反复中断：同一对象近 {RECENT_DAYS} 天中断 {REPEATED_FROM} 次以上；"
    f"零使用：乡镇内正常的站点有一半以上 {UNUSED_DAYS} 天没有学习场次；工单按响应与办结时限。只针对对象和任务，不针对个人"
)
"""Printed beside every list of early signs."""


@dataclass(frozen=True)
class Rise:
    """Faults of one place in the last days, against those of the `days` observed before them (at most BEFORE_DAYS)."""

    recent: int
    before: int
    days: int = BEFORE_DAYS

    @property
    def usual(self) -> float:
        """What the days before would bring in as many days as the last ones."""
        return self.before * RECENT_DAYS / self.days

    @property
    def chance(self) -> float:
        """The chance of so many in the last days if nothing had changed."""
        return chance_of_rise(self.before, self.recent, days_before=self.days, days_after=RECENT_DAYS)

    @property
    def told(self) -> bool:
        """Nothing is told against a time that was not observed for at least as long as the last days."""
        return self.days >= RECENT_DAYS and self.recent >= RISE_LEAST and self.recent > self.usual and self.chance < RISE_CHANCE

    @property
    def reason(self) -> str:
        return f"近 {RECENT_DAYS} 天 {self.recent} 起，按此前 {self.days} 天（{self.before} 起）通常 {self.usual:.1f} 起"


@dataclass(frozen=True)
class EarlySign:
    """One sign: on what, where, why; `weight` orders signs of one kind, the worst first. `key` names the object or task for a link."""

    sign: Sign
    subject: str
    key: str
    kind: str
    path: str
    reason: str
    weight: float
    since: datetime | None = None

    @property
    def sign_name(self) -> str:
        return SIGN_NAMES[self.sign]
