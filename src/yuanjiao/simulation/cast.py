"""The cast: one small city for the tests and the start of every demo, built only through commands.

青禾市 with two counties. 柳溪县 has one edge, two lines and four sites; 石岭县 has one edge, one line and one site. Each role
has one person; the officer of 石岭县 is the outsider who must see nothing of 柳溪县.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.network import commands as network
from yuanjiao.network.models import Edge, Line, Site
from yuanjiao.people import commands as people
from yuanjiao.people.models import Account, Person, ResponsibilityKind
from yuanjiao.people.queries import actor_of
from yuanjiao.people.rules import Actor, Role
from yuanjiao.places import commands as places
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.places.rules import Chain

SINCE = date(2025, 1, 1)
PASSWORD = "Qinghe-2026!"
DIVISIONS = (
    ("990000000000", "清源省", ""),
    ("990100000000", "青禾市", ""),
    ("990101000000", "柳溪县", ""),
    ("990101100000", "石桥镇", "121"),
    ("990101100200", "李村", "220"),
    ("990101100201", "王庄村", "220"),
    ("990101101000", "桃源乡", "210"),
    ("990101101200", "桃花村", "220"),
    ("990101101201", "𣵦里村", "220"),
    ("990102000000", "石岭县", ""),
    ("990102100000", "高坪镇", "121"),
    ("990102100200", "高坪村", "220"),
)
UNITS = (
    ("ZZ-9901", "青禾市委组织部", Chain.ORGANISATION, "990100000000", ""),
    ("ZZ-990101", "柳溪县委组织部", Chain.ORGANISATION, "990101000000", "ZZ-9901"),
    ("ZZ-990102", "石岭县委组织部", Chain.ORGANISATION, "990102000000", "ZZ-9901"),
    ("ZZ-990101100", "石桥镇党委", Chain.ORGANISATION, "990101100000", "ZZ-990101"),
    ("ZZ-990101100200", "李村党支部", Chain.ORGANISATION, "990101100200", "ZZ-990101100"),
    ("DX-9901", "青禾市电信公司", Chain.OPERATOR, "990100000000", ""),
    ("DX-990101", "柳溪县电信分公司", Chain.OPERATOR, "990101000000", "DX-9901"),
    ("DX-990102", "石岭县电信分公司", Chain.OPERATOR, "990102000000", "DX-9901"),
)
# username, name, role, unit, telephone
PEOPLE = (
    ("shiguan", "陈启明", Role.CITY_ADMIN, "ZZ-9901", "13800000001"),
    ("xianguan", "赵敏芝", Role.COUNTY_OFFICER, "ZZ-990101", "13800000002"),
    ("linxian", "高志远", Role.COUNTY_OFFICER, "ZZ-990102", "13800000003"),
    ("gongcheng", "王建军", Role.ENGINEER, "DX-990101", "13800000004"),
    ("rexian", "周小兰", Role.HOTLINE_CLERK, "DX-9901", "13800000005"),
    ("zhanguan", "李春燕", Role.SITE_MANAGER, "ZZ-990101100200", "13800000006"),
    ("zhizuo", "孙文博", Role.PRODUCER, "ZZ-9901", "13800000007"),
    ("shenhe", "何静", Role.REVIEWER, "ZZ-9901", "13800000008"),
    ("lingdao", "郑国栋", Role.LEADER, "ZZ-9901", "13800000009"),
    ("shenji", "吴清", Role.AUDITOR, "ZZ-9901", "13800000010"),
)
# who answers: username, unit, division, kind
RESPONSIBLE = (
    ("lingdao", "ZZ-9901", "990100000000", ResponsibilityKind.FIRST),
    ("xianguan", "ZZ-990101", "990101000000", ResponsibilityKind.FIRST),
    ("gongcheng", "DX-990101", "990101000000", ResponsibilityKind.FIRST),
    ("linxian", "ZZ-990102", "990102000000", ResponsibilityKind.FIRST),
    ("zhanguan", "ZZ-990101100200", "990101100200", ResponsibilityKind.SITE_MANAGER),
)


@dataclass
class Cast:
    """The small city by code and the people by user name."""

    divisions: dict[str, Division] = field(default_factory=dict)
    units: dict[str, OrgUnit] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    edges: dict[str, Edge] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    sites: dict[str, Site] = field(default_factory=dict)

    def actor(self, username: str, on: date | None = None) -> Actor:
        """The person as commands see them."""
        return actor_of(self.accounts[username], on=on or SINCE)


def build_cast(*, at: datetime, password: str = PASSWORD) -> Cast:
    """Make this machine's node, the divisions, units, people and network of the small city."""
    ensure_self(at=at)
    cast = Cast()
    _build_places(cast)
    _build_people(cast, password)
    _build_network(cast)
    return cast


def _build_places(cast: Cast) -> None:
    for code, name, urban_rural in DIVISIONS:
        parent = next((cast.divisions[up] for up in _codes_above(code) if up in cast.divisions), None)
        cast.divisions[code] = places.add_division(code=code, name=name, parent=parent, urban_rural=urban_rural, on=SINCE)
    for code, name, chain, division, parent_code in UNITS:
        parent_unit = cast.units.get(parent_code)
        cast.units[code] = places.add_unit(
            code=code, name=name, chain=chain, division=cast.divisions[division], parent=parent_unit, on=SINCE
        )


def _codes_above(code: str) -> list[str]:
    return [code[:digits].ljust(12, "0") for digits in (9, 6, 4, 2) if code[:digits].ljust(12, "0") != code]


def _build_people(cast: Cast, password: str) -> None:
    for username, name, role, unit_code, phone in PEOPLE:
        unit = cast.units[unit_code]
        person = cast.people[username] = people.add_person(name=name, unit=unit, phone=phone)
        cast.accounts[username] = people.open_account(person=person, username=username, password=password)
        people.appoint(person=person, unit=unit, role=role, on=SINCE)
    for username, unit_code, division, kind in RESPONSIBLE:
        people.make_responsible(
            person=cast.people[username], unit=cast.units[unit_code], division=cast.divisions[division], kind=kind, on=SINCE
        )


def _build_network(cast: Cast) -> None:
    d = cast.divisions
    for edge, county, name in (("E-990101", "990101000000", "柳溪县边缘服务器"), ("E-990102", "990102000000", "石岭县边缘服务器")):
        cast.edges[edge] = network.add_edge(code=edge, name=name, division=d[county], on=SINCE)
    for code, town, name, edge in (
        ("L-990101100", "990101100000", "石桥镇接入线路", "E-990101"),
        ("L-990101101", "990101101000", "桃源乡接入线路", "E-990101"),
        ("L-990102100", "990102100000", "高坪镇接入线路", "E-990102"),
    ):
        cast.lines[code] = network.add_line(code=code, name=name, division=d[town], depends_on=cast.edges[edge], on=SINCE)
    for code, village, line in (
        ("S-990101100200", "990101100200", "L-990101100"),
        ("S-990101100201", "990101100201", "L-990101100"),
        ("S-990101101200", "990101101200", "L-990101101"),
        ("S-990101101201", "990101101201", "L-990101101"),
        ("S-990102100200", "990102100200", "L-990102100"),
    ):
        cast.sites[code] = network.add_site(
            code=code, name=f"{d[village].name}站点", division=d[village], depends_on=cast.lines[line], on=SINCE,
            phone=f"0990{code[-7:]}", road="石柳公路" if village.startswith("990101100") else "桃源路",
        )  # fmt: skip
