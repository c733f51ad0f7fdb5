"""Pure rules of campaigns: their life, their words, what a day's figures are, when one may be closed. No clock, no database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from yuanjiao.lib.errors import Conflict
from yuanjiao.places.rules import Chain, Level, level_of


class CampaignState(StrEnum):
    """Where a campaign stands. Values are stored: never change one."""

    PLANNED = "planned"
    RUNNING = "running"
    REVIEW = "review"
    CLOSED = "closed"


STATE_NAMES = {
    CampaignState.PLANNED: "筹备",
    CampaignState.RUNNING: "进行中",
    CampaignState.REVIEW: "复核",
    CampaignState.CLOSED: "已结束",
}
LONGEST_DAYS = 184
"""A campaign is a matter of days or months: one month is proposed."""
AT_WORK = frozenset({CampaignState.RUNNING, CampaignState.REVIEW})
"""States in which it is inspected, confirmed and put right."""
FOLLOWING = {
    CampaignState.PLANNED: CampaignState.RUNNING,
    CampaignState.RUNNING: CampaignState.REVIEW,
    CampaignState.REVIEW: CampaignState.CLOSED,
}


def require_step(state: str, wanted: CampaignState) -> None:
    """Conflict unless `wanted` is the next state: a campaign goes forward step by step, and only once through each."""
    if FOLLOWING.get(CampaignState(state)) is not wanted:
        raise Conflict(f"专项行动现在是“{STATE_NAMES[CampaignState(state)]}”，不能转为“{STATE_NAMES[wanted]}”。请刷新后再看。")


class Method(StrEnum):
    """How somebody looks (SUP17, SUP32): a dictionary of the room, each leaves a record."""

    ON_SITE = "on_site"
    SPOT_CHECK = "spot_check"
    UNANNOUNCED = "unannounced"
    SPECIAL = "special"
    FIELD_TEST = "field_test"


METHOD_NAMES = {
    Method.ON_SITE: "实地检查",
    Method.SPOT_CHECK: "随机抽查",
    Method.UNANNOUNCED: "暗访",
    Method.SPECIAL: "专项督查",
    Method.FIELD_TEST: "现场测试",
}


class SupervisionLine(StrEnum):
    """The three supervision lines (SUP29)."""

    OFFICE = "office"
    LEADER = "leader"
    TEAM = "team"


LINE_NAMES = {SupervisionLine.OFFICE: "领导小组办公室抽查", SupervisionLine.LEADER: "分管领导带队督查", SupervisionLine.TEAM: "专项办巡查"}


class Found(StrEnum):
    """What an inspection came to."""

    GOOD = "good"
    PROBLEM = "problem"
    GONE = "gone"


FOUND_NAMES = {Found.GOOD: "未发现问题", Found.PROBLEM: "发现问题", Found.GONE: "已撤除或退役"}


class ProblemKind(StrEnum):
    """Kinds of problems of the census and of inspections (OPS20)."""

    SERVER = "server"
    LINE = "line"
    EQUIPMENT = "equipment"
    OPERATION = "operation"
    MANAGEMENT = "management"
    USE = "use"
    REGISTER = "register"


PROBLEM_NAMES = {
    ProblemKind.SERVER: "服务器故障",
    ProblemKind.LINE: "线路故障",
    ProblemKind.EQUIPMENT: "终端站点设备故障",
    ProblemKind.OPERATION: "不会操作",
    ProblemKind.MANAGEMENT: "管理不到位",
    ProblemKind.USE: "没有组织学用",
    ProblemKind.REGISTER: "台账与实际不符",
}
OF_OPERATOR = frozenset({ProblemKind.SERVER, ProblemKind.LINE, ProblemKind.EQUIPMENT})
"""Problems whose owner is looked for on the operator's side; all others on the side of the organisation."""
MEASURES = {
    ProblemKind.SERVER: "检修或更换服务器，恢复后做一次播放测试",
    ProblemKind.LINE: "检修线路，恢复后做一次播放测试",
    ProblemKind.EQUIPMENT: "检修或更换设备，恢复后做一次播放测试",
    ProblemKind.OPERATION: "上门培训站点管理员，本人当场操作一遍",
    ProblemKind.MANAGEMENT: "落实管理员和开放时间，张贴上墙",
    ProblemKind.USE: "排定学习日并按期组织收看",
    ProblemKind.REGISTER: "核实后更正台账",
}
RESULTS = dict.fromkeys(ProblemKind, "整改到位，复查不再出现")


def on_operators_side(chain: str) -> bool:
    return chain == Chain.OPERATOR


class Measure(StrEnum):
    """What a target is set for."""

    RATE = "rate"
    OPEN = "open"
    INSPECTED = "inspected"
    CONFIRMED = "confirmed"


MEASURE_NAMES = {
    Measure.RATE: "畅通率不低于",
    Measure.OPEN: "未办结问题不多于",
    Measure.INSPECTED: "检查覆盖不低于",
    Measure.CONFIRMED: "底数确认不低于",
}
SHARES = frozenset({Measure.RATE, Measure.INSPECTED, Measure.CONFIRMED})


def is_reached(measure: str, target: float, result: float | None) -> bool:
    """Whether a result reaches its target; what cannot be told does not."""
    if result is None:
        return False
    return result <= target if measure == Measure.OPEN else result >= target


def county_of(path: str) -> str:
    """The code of the county that a path leads through; empty above counties."""
    return next((code for code in path.split("/") if code and level_of(code) is Level.COUNTY), "")


def before_span(starts_on: date, ends_on: date) -> tuple[date, date]:
    """The days before a campaign that it is compared with: as many as it lasts, [first, last)."""
    return starts_on - (ends_on - starts_on) - timedelta(days=1), starts_on


@dataclass(frozen=True)
class Tally:
    """What a county has come to: objects of the population, those inspected; sites, those confirmed; items by how they stand.

    `failed`: re-checks that found the trouble still there.
    """

    population: int = 0
    inspected: int = 0
    sites: int = 0
    confirmed: int = 0
    items: int = 0
    open: int = 0
    closed: int = 0
    unowned: int = 0
    failed: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(mine + theirs for mine, theirs in zip(self.values, other.values, strict=True)))

    @property
    def values(self) -> tuple[int, ...]:
        return tuple(getattr(self, name) for name in TALLY)

    @property
    def uninspected(self) -> int:
        return self.population - self.inspected

    @property
    def inspected_share(self) -> float | None:
        return self.inspected / self.population if self.population else None

    @property
    def confirmed_share(self) -> float | None:
        return self.confirmed / self.sites if self.sites else None


TALLY = ("population", "inspected", "sites", "confirmed", "items", "open", "closed", "unowned", "failed")


def together(tallies: Iterable[Tally]) -> Tally:
    """The sum of several."""
    return sum(tallies, Tally())


def shortfalls(tally: Tally, planless: int, waiting: int = 0) -> list[str]:
    """Why a campaign may not be closed (OPS02): what lacks an inspection record, what nobody answers for, and confirmations that came and
    wait to be taken up. Missing plans are told of beside it, but do not hold it up."""
    found = []
    if tally.uninspected:
        found.append(f"还有 {tally.uninspected} 个服务器、线路、站点没有检查记录")
    if tally.unowned:
        found.append(f"还有 {tally.unowned} 件问题没有责任单位和责任人")
    if waiting:
        found.append(f"还有 {waiting} 份底数确认等待入库，请稍后再试")
    return found + ([f"另有 {planless} 个单位没有报送方案"] if found and planless else [])


@dataclass(frozen=True)
class ChartLine:
    """One line of a small chart as SVG points, and its last value."""

    name: str
    points: str
    dots: tuple[tuple[float, float, str], ...]


WIDTH, HEIGHT, LEFT, TOP = 480.0, 180.0, 44.0, 12.0


def chart(days: Sequence[date], series: Sequence[tuple[str, Sequence[int]]]) -> tuple[list[ChartLine], int]:
    """Lines of whole numbers over days in a box of 480 × 180, and the highest value: the level of its upper edge."""
    top = max((value for _name, values in series for value in values), default=0) or 1
    step = (WIDTH - LEFT - 8) / max(len(days) - 1, 1)
    lines = []
    for name, values in series:
        dots = tuple(
            (LEFT + number * step, TOP + (HEIGHT - TOP - 24) * (1 - value / top), f"{day:%m-%d} {name} {value}")
            for number, (day, value) in enumerate(zip(days, values, strict=True))
        )
        lines.append(ChartLine(name, " ".join(f"{x:.1f},{y:.1f}" for x, y, _words in dots), dots))
    return lines, top
