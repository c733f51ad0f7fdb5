"""What faults are called: channels, the three classes, symptoms, causes, areas, and the first time limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Channel(StrEnum):
    """How a fault became known (OPS05)."""

    PHONE = "phone"
    SITE_BUTTON = "site_button"
    WEB = "web"
    OFFICER = "officer"
    AUTOMATIC = "automatic"


CHANNEL_NAMES: dict[Channel, str] = {
    Channel.PHONE: "热线电话",
    Channel.SITE_BUTTON: "站点一键报修",
    Channel.WEB: "网页",
    Channel.OFFICER: "组织部门申报",
    Channel.AUTOMATIC: "系统自动",
}


class FaultClass(StrEnum):
    """Level 1 of every fault: exactly these three (OPS03)."""

    SERVER = "server"
    LINE = "line"
    EQUIPMENT = "equipment"


CLASS_NAMES: dict[FaultClass, str] = {
    FaultClass.SERVER: "服务器故障",
    FaultClass.LINE: "线路故障",
    FaultClass.EQUIPMENT: "终端站点设备故障",
}
CLASS_OF_KIND: dict[str, FaultClass] = {"edge": FaultClass.SERVER, "line": FaultClass.LINE, "site": FaultClass.EQUIPMENT}
"""What to propose when nothing but the broken object is known."""


class Symptom(StrEnum):
    """What a reporter can say without knowing the cause."""

    NO_POWER = "no_power"
    NO_NETWORK = "no_network"
    NO_PLAY = "no_play"
    ERROR_CODE = "error_code"
    PICTURE_SOUND = "picture_sound"
    OTHER = "other"


SYMPTOM_NAMES: dict[Symptom, str] = {
    Symptom.NO_PLAY: "打不开、不能播放",
    Symptom.ERROR_CODE: "屏幕显示错误代码",
    Symptom.NO_NETWORK: "连不上网",
    Symptom.NO_POWER: "不能开机",
    Symptom.PICTURE_SOUND: "图像或声音不正常",
    Symptom.OTHER: "其他",
}


class Area(StrEnum):
    """Time limits differ by town and village (电信条例的城镇、农村修复时限)."""

    TOWN = "town"
    VILLAGE = "village"


AREA_NAMES: dict[Area, str] = {Area.TOWN: "城镇", Area.VILLAGE: "农村"}


@dataclass(frozen=True)
class Cause:
    """One line of the first dictionary of causes (level 2); a city changes it on the settings page."""

    code: str
    name: str
    fault_class: str  # empty: fits every class


OPERATOR_ERROR = "operator_error"
"""The cause that training is to make rarer (OPS18); a city may rename it, never recode it."""
FIRST_CAUSES: tuple[Cause, ...] = (
    Cause("edge_hardware", "边缘服务器硬件损坏", FaultClass.SERVER),
    Cause("edge_software", "边缘服务器软件异常", FaultClass.SERVER),
    Cause("line_cut", "线路中断、被挖断", FaultClass.LINE),
    Cause("line_age", "线路老化", FaultClass.LINE),
    Cause("equipment_age", "设备老化", FaultClass.EQUIPMENT),
    Cause("equipment_broken", "设备损坏", FaultClass.EQUIPMENT),
    Cause(OPERATOR_ERROR, "操作失误", ""),
    Cause("power", "停电或供电不稳", ""),
    Cause("configuration", "配置错误", ""),
    Cause("lightning", "雷击、水浸等灾害", ""),
    Cause("other", "其他原因", ""),
)
FIRST_RESPOND_HOURS = {Area.TOWN: 8, Area.VILLAGE: 24}
FIRST_RESTORE_HOURS = {Area.TOWN: 48, Area.VILLAGE: 72}
FIRST_PATIENCE_MINUTES = 30
FIRST_FILING_LIMIT_HOURS = 24


def area_of(urban_rural_codes: Iterable[str]) -> Area:
    """Town or village by the nearest division that bears a class code; `urban_rural_codes` from the place upwards.

    A county's or city's own object without a code counts as town: the shorter limit.
    """
    for code in urban_rural_codes:
        if code:
            return Area.VILLAGE if code.startswith("2") else Area.TOWN
    return Area.TOWN


def is_due(started_at: datetime, at: datetime, patience: timedelta) -> bool:
    """Whether an outage has lasted long enough for an order without anybody's report."""
    return at - started_at >= patience
