"""Which places must have whom (责任): the two sides of a county, and a manager for every village with a site. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from yuanjiao.places.rules import Chain, Level, level_of


class Side(StrEnum):
    """Who uses and who runs the network (GOV01): the organisation and education units, and the operator."""

    HOME = "home"
    OPERATOR = "operator"


SIDE_NAMES = {Side.HOME: "组织、教育系统", Side.OPERATOR: "运营商系统"}
KIND_NAMES = {"first": "第一责任人", "direct": "直接责任人", "site_manager": "站点管理员", "liaison": "联络员", "duty": "值班"}
COUNTY_SLOTS = tuple((side, kind) for side in Side for kind in ("first", "direct"))
"""What every county must have at any time; a person may hold several (一岗双责)."""
AHEAD_DAYS = 90
"""A tenure that ends within so many days without anybody after it is told of now."""


def side_of(chain: str) -> Side:
    """The side a chain stands on."""
    return Side.OPERATOR if chain == Chain.OPERATOR else Side.HOME


def county_code(path: str) -> str:
    """The code of the county that a path of the tree leads through; empty above counties."""
    return next((code for code in path.split("/") if code and level_of(code) is Level.COUNTY), "")


class Kind(StrEnum):
    """Kinds of lines on a hand-over sheet (交接单), in its order."""

    ORDER = "order"
    ITEM = "item"
    OUTAGE = "outage"
    PLAN = "plan"
    ASSET = "asset"
    DUTY = "duty"


LINE_NAMES = {
    Kind.ORDER: "未办结的工单",
    Kind.ITEM: "未办结的事项",
    Kind.OUTAGE: "未恢复的中断",
    Kind.PLAN: "进行中的计划",
    Kind.ASSET: "在管设备",
    Kind.DUTY: "其他仍在任的责任",
}


@dataclass(frozen=True)
class OpenThing:
    """One line as it is drawn: what is open, or what is in hand."""

    kind: Kind
    code: str
    title: str
    remark: str = ""


@dataclass(frozen=True)
class Vacancy:
    """One place that has nobody for one duty: since when (None: never had), or from which coming day on."""

    place_code: str
    place_name: str
    county_name: str
    side: Side
    kind: str
    since: date | None = None
    begins: date | None = None

    @property
    def title(self) -> str:
        return KIND_NAMES[self.kind] if self.kind == "site_manager" else f"{SIDE_NAMES[self.side]}{KIND_NAMES[self.kind]}"

    @property
    def remark(self) -> str:
        if self.begins:
            return f"{self.begins:%Y-%m-%d} 起空缺"
        return f"{self.since:%Y-%m-%d} 起空缺" if self.since else "从未登记"
