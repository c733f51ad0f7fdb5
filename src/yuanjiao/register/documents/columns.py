"""The sheets of the register's workbook (台账): which columns, how each is read, and the words of its drop-down.

One table serves the template, the reading, the check, the returned file and the export; so they cannot differ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from yuanjiao.lib.money import in_yuan
from yuanjiao.network.models import AccessMode, Condition, Lifecycle, SiteKind
from yuanjiao.people.models import ROLE_NAMES, ResponsibilityKind
from yuanjiao.places.models import CHAIN_NAMES
from yuanjiao.register import rules

REASONS = "错误原因"
GUIDE = "填写说明"
URBAN_RURAL_NAMES = {
    "111": "111 主城区",
    "112": "112 城乡结合区",
    "121": "121 镇中心区",
    "122": "122 镇乡结合区",
    "123": "123 特殊区域",
    "210": "210 乡中心区",
    "220": "220 村庄",
}
CHAINS = {str(key): name for key, name in CHAIN_NAMES}
SITE_KINDS = {str(key): str(name) for key, name in SiteKind.choices}
ACCESS_MODES = {str(key): str(name) for key, name in AccessMode.choices}
CONDITIONS = {str(key): str(name) for key, name in Condition.choices}
LIFECYCLES = {str(key): str(name) for key, name in Lifecycle.choices}
RESPONSIBILITIES = {str(key): str(name) for key, name in ResponsibilityKind.choices}
CLEARED: dict[str, Any] = {
    **dict.fromkeys(
        ("urban_rural", "parent", "depends_on", "suspension_document", "address", "medium", "circuit_number", "programmes",
         "capabilities", "road", "phone", "model", "serial_number", "specification", "paid_from", "handled_by", "post", "document"), ""
    ),
    "bandwidth_mbps": None,
    "purchased_on": None,
    "price_fen": None,
    "warranty_ends_on": None,
}  # fmt: skip
"""What 清空 makes of a column; the others cannot be emptied."""
ROLES = {str(key): name for key, name in ROLE_NAMES}


@dataclass(frozen=True)
class Column:
    """One column. `read` turns a cell into a value or raises BadCell; `length` is the longest text the register keeps."""

    key: str
    title: str
    read: Callable[[Any], Any] = rules.name_text
    required: bool = False
    length: int = 0
    names: tuple[tuple[str, str], ...] = ()
    note: str = ""
    sample: str = ""
    width: float = 16
    is_text: bool = True
    told: Callable[[Any], Any] = lambda value: value
    """What the register keeps, as the sheet says it: fen as yuan."""
    noted: Callable[[str], Any] | None = None
    """Reads what the record of an import keeps, where that is not what a person types."""

    @property
    def words(self) -> dict[str, str]:
        return dict(self.names)


@dataclass(frozen=True)
class SheetPlan:
    """One sheet: its name, the table behind it, its columns; the first column is the key people know a row by."""

    name: str
    table: str
    columns: tuple[Column, ...]
    about: str

    def column(self, key: str) -> Column:
        return next(column for column in self.columns if column.key == key)


def _choice(key: str, title: str, names: dict[str, str], **more: Any) -> Column:
    return Column(key, title, partial(rules.choice, names=names, title=title), names=tuple(names.items()), **more)


def _day(key: str, title: str, note: str) -> Column:
    return Column(key, title, rules.day, note=f"{note}；写成 2026-01-31", sample="2026-01-01", width=13)


def _yes_no(key: str, title: str, note: str) -> Column:
    return Column(key, title, rules.yes_no, names=((rules.YES, rules.YES), (rules.NO, rules.NO)), note=note, sample=rules.NO, width=12)


def _code(title: str, sample: str) -> Column:
    return Column(
        "code", title, rules.code_text, required=True, length=30, note="唯一，最长 30 字；按它认行，已有的更新，没有的新增", sample=sample
    )


def _division(key: str, title: str, required: bool, note: str, sample: str) -> Column:
    return Column(key, title, rules.division_code, required=required, length=12, note=note, sample=sample, width=17)


_PHONE_NOTE = "手机或带区号的座机；加密保存，导出时隐去中间四位，隐去的号码再导入不改动原号码"
_PLACE = _division("division", "所在区划代码", True, "须在“区划”表或已有区划内", "990101100200")
_LIFE = (
    _choice("lifecycle", "状态", LIFECYCLES, note="新增不填为“在用”；“停用”“退役”须写依据", sample="在用", width=10),
    Column("suspension_document", "停用依据", length=100, note="停用或退役的文件名称与文号"),
    _day("in_service_on", "投用日期", "新增不填为导入当天"),
)
DIVISIONS = SheetPlan(
    "区划",
    "division",
    (
        _division("code", "区划代码", True, "12 位统计用区划代码；按它认行，已有的更新，没有的新增", "990101100200"),
        Column("name", "区划名称", required=True, length=60, note="改名后旧名保留到改名前一天，以前的报表不变", sample="李村"),
        _division("parent", "上级区划代码", False, "一般不填，由代码推出；填则以所填为准", "990101100000"),
        _choice("urban_rural", "城乡分类", URBAN_RURAL_NAMES, note="统计用城乡分类代码", sample="220 村庄"),
        _day("valid_from", "启用日期", "新增不填为导入当天；已有区划不改"),
    ),
    "省、市、县、乡镇、村各一行，上级写在前后均可。",
)
UNITS = SheetPlan(
    "单位",
    "unit",
    (
        _code("单位代码", "ZZ-990101100"),
        Column("name", "单位名称", required=True, length=100, sample="石桥镇党委", width=24),
        _choice("chain", "系统", CHAINS, required=True, note="已有单位的系统不能更改", sample="组织", width=10),
        Column("parent", "上级单位代码", rules.code_text, length=30, note="与本单位同一系统", sample="ZZ-990101"),
        _division("division", "所在区划代码", True, "单位管辖的区划；其人员只看得到这一范围", "990101100000"),
        _yes_no("temporary", "临时机构", "不填为否"),
        _day("valid_from", "成立日期", "新增不填为导入当天；已有单位不改"),
    ),
    "组织、教育、运营商等各系统的单位，只撤销、不删除。",
)
EDGES = SheetPlan(
    "边缘服务器",
    "edge",
    (
        _code("服务器编号", "E-990101"),
        Column("name", "服务器名称", required=True, length=100, sample="柳溪县边缘服务器", width=24),
        _division("division", "所在区划代码", True, "一般为县", "990101000000"),
        Column("depends_on", "上联编号", rules.code_text, length=30, note="它经哪条线路或服务器通到中心；直连中心的不填"),
        Column("address", "地址", length=200, note="机房或网络地址", sample="县委大院机房"),
        *_LIFE,
    ),
    "每县或每乡镇一台，收听本辖区站点并就近提供课件。",
)
LINES = SheetPlan(
    "线路",
    "line",
    (
        _code("线路编号", "L-990101100"),
        Column("name", "线路名称", required=True, length=100, sample="石桥镇接入线路", width=24),
        _division("division", "所在区划代码", True, "线路所服务的区划", "990101100000"),
        Column("depends_on", "上联编号", rules.code_text, length=30, note="接在哪台边缘服务器或哪条线路上", sample="E-990101"),
        _yes_no("is_uplink", "是否上联线路", "边缘服务器通往中心的线路填是；不填为否"),
        Column("medium", "介质", length=20, note="新增不填为光纤", sample="光纤", width=10),
        Column("bandwidth_mbps", "带宽（Mbps）", partial(rules.whole_number, most=1_000_000), sample="100", width=13, is_text=False),
        Column("circuit_number", "电路编号", rules.code_text, length=40, note="运营商的电路编号"),
        *_LIFE,
    ),
    "边缘服务器的上联线路，以及一批站点共用的接入线路。",
)
SITES = SheetPlan(
    "站点",
    "site",
    (
        _code("站点编号", "S-990101100200"),
        Column("name", "站点名称", required=True, length=100, sample="李村站点", width=22),
        _PLACE,
        Column(
            "depends_on", "上联编号", rules.code_text, required=True, length=30, note="接在哪条线路或哪台边缘服务器上", sample="L-990101100"
        ),
        _choice("site_kind", "站点类型", SITE_KINDS, note="新增不填为行政村；变更自导入当天起算", sample="行政村", width=12),
        _choice(
            "access_mode",
            "接入方式",
            ACCESS_MODES,
            note="新增不填为宽带+机顶盒+电视；变更自导入当天起算，更早的在站点的“隶属与状态”页填写",
            sample="宽带+机顶盒+电视",
            width=18,
        ),
        Column("programmes", "所属项目", length=100, note="党员远教、农村中小学远教等，用顿号分开"),
        Column("capabilities", "服务能力", length=100, note="投影、打印、电脑教室等，用顿号分开"),
        Column("road", "所在道路", length=60, note="维护人员按路线排工单", sample="石柳公路"),
        Column("phone", "站点电话", rules.phone, length=30, note=_PHONE_NOTE, sample="13800000000"),
        *_LIFE,
    ),
    "终端站点：村（社区）、乡镇、企业等收看教学节目的地方。",
)
_STANDING = "所在对象（站点、线路、服务器）、使用单位、备件库单位三者填一；一件设备只在一处，填了新的一处就是调到那里"
ASSETS = SheetPlan(
    "设备",
    "asset",
    (
        _code("资产编号", "A-0001"),
        Column("kind", "设备名称", required=True, length=40, sample="机顶盒"),
        Column("model", "型号", length=60, sample="DTV-200"),
        Column("serial_number", "序列号", rules.code_text, length=60),
        Column("place", "所在对象编号", rules.code_text, length=30, note=_STANDING, sample="S-990101100200"),
        _day("purchased_on", "购置日期", "算使用年限用"),
        Column(
            "life_years",
            "使用年限",
            partial(rules.whole_number, most=50),
            note="年；新增不填按设备名称的年限，没有设定的为 6",
            sample="6",
            width=10,
            is_text=False,
        ),
        Column("specification", "规格", length=100),
        Column("unit", "使用单位代码", rules.code_text, length=30, note=_STANDING),
        Column("store", "备件库单位代码", rules.code_text, length=30, note=_STANDING),
        _choice("condition", "使用状态", CONDITIONS, note="新增不填：在备件库的为“备用”，其余为“在用”", width=10),
        Column(
            "price_fen",
            "单价（元）",
            rules.yuan,
            note="最多两位小数",
            width=12,
            is_text=False,
            told=lambda fen: None if fen is None else in_yuan(fen),
            noted=int,
        ),
        _day("warranty_ends_on", "质保到期", "到期前在“质保到期”页提示"),
        Column("paid_from", "资金凭证号", rules.code_text, length=40, note="维护基金中采购分录的凭证号，如 WH2026-12"),
        Column("handled_by", "经办人", length=50),
    ),
    "站点、机房、单位和备件库的设备，一件一行；购置日期与使用年限用于更新计划。",
)
PEOPLE = SheetPlan(
    "责任人",
    "person",
    (
        Column(
            "name",
            "姓名",
            required=True,
            length=50,
            note="按“单位代码＋姓名”认人；同一单位同名的请在姓名后注明，如 张伟（远教办）",
            sample="李春燕",
        ),
        Column("unit", "单位代码", rules.code_text, required=True, length=30, sample="ZZ-990101100"),
        Column("post", "职务", length=50, sample="远教专干"),
        Column("phone", "电话", rules.phone, length=30, note=_PHONE_NOTE, sample="13800000000"),
        _choice("kind", "责任", RESPONSIBILITIES, note="填了责任须填责任区域代码；一人多项责任写多行", sample="站点管理员", width=14),
        _division("division", "责任区域代码", False, "对哪个区划负责", "990101100200"),
        Column("duty_unit", "责任单位代码", rules.code_text, length=30, note="责任或岗位所在的单位；不填为本人单位", sample="ZZ-990101100"),
        _day("valid_from", "起始日期", "责任或任职从哪天起；新增不填为导入当天"),
        Column("document", "依据文件", length=100),
        Column(
            "username",
            "账号",
            rules.code_text,
            length=50,
            note="要登录的才填；首次密码在“人员与责任人”页发放，不经表格传递",
            sample="lichunyan",
        ),
        _choice("role", "岗位", ROLES, note="填了账号须填岗位；范围为单位所在区划", sample="站点管理员", width=16),
    ),
    "各级第一责任人、直接责任人、联络员、站点管理员、值班人员，以及他们的账号。",
)
SHEETS = (DIVISIONS, UNITS, EDGES, LINES, SITES, ASSETS, PEOPLE)
BY_NAME = {plan.name: plan for plan in SHEETS}
