"""The made-up city as a register workbook, in the very sheets the import reads: it enters the system by the front door."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import xlsxwriter

from yuanjiao.network.models import AccessMode, SiteKind
from yuanjiao.register.documents.columns import ASSETS, DIVISIONS, EDGES, LINES, PEOPLE, SHEETS, SITES, UNITS, URBAN_RURAL_NAMES, SheetPlan
from yuanjiao.simulation.city import City, SimCounty

CITY_CODE = "990100000000"
Row = dict[str, Any]
STAFF = (
    # account, name, unit, role, responsibility, telephone
    ("lingdao", "郑国栋", "ZZ-9901", "领导", "第一责任人", "13800000009"),
    ("rexian", "周小兰", "DX-9901", "热线受理员", "", "13800000005"),
    ("zhizuo", "孙文博", "ZZ-9901", "课件制作员", "", "13800000007"),
    ("shenhe", "何静", "ZZ-9901", "课件审核员", "", "13800000008"),
    ("shenhe2", "马远", "ZZ-9901", "课件审核员", "", "13800000011"),
    ("shenhe3", "沈岚", "ZZ-9901", "课件审核员", "", "13800000012"),
    ("shenji", "吴清", "ZZ-9901", "审计员", "", "13800000010"),
)
"""City people of the demo; the administrator is made when the city is founded."""
COUNTY_STAFF = (("xianguan", "赵敏芝", "ZZ", "县级组织员"), ("gongcheng", "王建军", "DX", "运营商维护工程师"))
SITES_AT_ONCE = 5000
"""About 31,000 rows; an import takes 50,000."""
MANAGERS_WITH_ACCOUNT = 3
"""So many sites of each county have a manager who can log in."""


def portions(city: City) -> list[City]:
    """The city in pieces that one import takes: whole while it is small, else one county each. City-wide rows stand in every piece
    and change nothing the second time."""
    if len(list(city.sites())) <= SITES_AT_ONCE:
        return [city]
    return [City(city.plan, [county]) for county in city.counties]


def write_workbook(city: City, path: Path, *, since: date) -> int:
    """Write the workbook and return its number of rows."""
    rows = {DIVISIONS: _divisions, UNITS: _units, EDGES: _edges, LINES: _lines, SITES: _sites, ASSETS: _assets, PEOPLE: _people}
    book = xlsxwriter.Workbook(path, {"constant_memory": True})
    count = sum(_write(book, plan, rows[plan](city, since)) for plan in SHEETS)
    book.close()
    return count


def _write(book: Any, plan: SheetPlan, rows: Iterator[Row]) -> int:
    page = book.add_worksheet(plan.name)
    page.freeze_panes(1, 0)
    for at, column in enumerate(plan.columns):
        page.set_column(at, at, column.width)
        page.write_string(0, at, column.title)
    number = 0
    for number, row in enumerate(rows, 1):
        for at, column in enumerate(plan.columns):
            value = row.get(column.key, "")
            if isinstance(value, int):
                page.write_number(number, at, value)
            elif value:
                page.write_string(number, at, str(value))
    return number


def _divisions(city: City, since: date) -> Iterator[Row]:
    for county in city.counties:
        yield {"code": county.code, "name": county.name, "valid_from": since.isoformat()}
        for town in county.towns:
            kind = "121" if town.name.endswith("镇") else "210"
            yield {"code": town.code, "name": town.name, "urban_rural": URBAN_RURAL_NAMES[kind], "valid_from": since.isoformat()}
            for site in town.sites:
                yield {
                    "code": site.village_code,
                    "name": site.village_name,
                    "urban_rural": URBAN_RURAL_NAMES["220"],
                    "valid_from": since.isoformat(),
                }


def _units(city: City, since: date) -> Iterator[Row]:
    def unit(code: str, name: str, chain: str, division: str, parent: str = "") -> Row:
        return {"code": code, "name": name, "chain": chain, "division": division, "parent": parent, "valid_from": since.isoformat()}

    yield unit("DX-9901", "青禾市电信公司", "运营商", CITY_CODE)
    for county in city.counties:
        code = county.code[:6]
        yield unit(f"ZZ-{code}", f"{county.name}委组织部", "组织", county.code, "ZZ-9901")
        yield unit(f"DX-{code}", f"{county.name}电信分公司", "运营商", county.code, "DX-9901")
        for town in county.towns:
            yield unit(f"ZZ-{town.code[:9]}", f"{town.name}党委", "组织", town.code, f"ZZ-{code}")
            for site in town.sites:
                name = f"{site.village_name}党支部"
                yield unit(f"ZZ-{site.village_code}", name, "组织", site.village_code, f"ZZ-{town.code[:9]}")


def _edges(city: City, since: date) -> Iterator[Row]:
    for county in city.counties:
        row = {"name": f"{county.name}边缘服务器", "division": county.code, "depends_on": county.uplink}
        yield {"code": county.edge, **row, "address": f"{county.name}委机房", "in_service_on": since.isoformat()}


def _lines(city: City, since: date) -> Iterator[Row]:
    day = since.isoformat()
    for uplink, counties in uplinks(city).items():
        yield {
            "code": uplink,
            "name": f"{'、'.join(county.name for county in counties)}上联线路",
            "division": counties[0].code if len(counties) == 1 else CITY_CODE,
            "is_uplink": "是",
            "bandwidth_mbps": 200,
            "in_service_on": day,
        }
    for county in city.counties:
        for town in county.towns:
            row = {"name": f"{town.name}接入线路", "division": town.code, "depends_on": county.edge, "bandwidth_mbps": 50}
            yield {"code": town.line, **row, "in_service_on": day}


def uplinks(city: City) -> dict[str, list[SimCounty]]:
    """Every uplink with the counties that hang on it."""
    found: dict[str, list[SimCounty]] = {}
    for county in city.counties:
        found.setdefault(county.uplink, []).append(county)
    return found


def _sites(city: City, since: date) -> Iterator[Row]:
    kinds, modes = dict(SiteKind.choices), dict(AccessMode.choices)
    for site in city.sites():
        yield {
            "code": site.code,
            "name": site.name,
            "division": site.village_code,
            "depends_on": site.line,
            "site_kind": str(kinds[site.kind]),
            "access_mode": str(modes[site.mode]),
            "programmes": "党员远教",
            "road": site.road,
            "phone": site.phone,
            "in_service_on": since.isoformat(),
        }


def _assets(city: City, since: date) -> Iterator[Row]:
    for number, site in enumerate(city.sites()):
        bought = date(since.year - number % 8, 1 + number % 12, 1 + number % 28)
        row = {"place": site.code, "purchased_on": bought.isoformat(), "life_years": 6}
        yield {"code": f"A-{site.village_code}-1", "kind": "机顶盒", "model": ("DTV-100", "DTV-200")[number % 2], **row}
        yield {"code": f"A-{site.village_code}-2", "kind": "电视机", "model": "彩电 29 寸", **row}


def _people(city: City, since: date) -> Iterator[Row]:
    for username, name, unit, role, kind, phone in STAFF:
        row = {"name": name, "unit": unit, "username": username, "role": role, "phone": phone, "valid_from": since.isoformat()}
        yield {**row, "kind": kind, "division": CITY_CODE if kind else ""}
    for county in city.counties:
        yield from _county_people(county, int(county.code[4:6]), since)


def _county_people(county: SimCounty, number: int, since: date) -> Iterator[Row]:
    code = county.code[:6]
    for username, name, chain, role in COUNTY_STAFF:
        yield {
            "name": name if number == 1 else f"{county.name[0]}{name[1:]}",
            "unit": f"{chain}-{code}",
            "phone": f"1390000{number:02}{len(username):02}",
            "kind": "第一责任人",
            "division": county.code,
            "valid_from": since.isoformat(),
            "username": username if number == 1 else f"{username}{number}",
            "role": role,
        }
    for index, site in enumerate(site for town in county.towns for site in town.sites):
        account = f"zhanguan{number}{index + 1:02}" if index < MANAGERS_WITH_ACCOUNT else ""
        yield {
            "name": site.manager,
            "unit": f"ZZ-{site.village_code}",
            "phone": f"137{number:02}{index:06}",
            "kind": "站点管理员",
            "division": site.village_code,
            "valid_from": since.isoformat(),
            "username": account,
            "role": "站点管理员" if account else "",
        }
