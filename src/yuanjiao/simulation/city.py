"""A made-up city of any size from a random seed: divisions, units, network, people. Pure: the same plan gives the same city.

Division codes begin with 9901, which no real province uses; names are drawn from lists of common syllables. The first county is the
cast's 柳溪县 so that the accounts printed by the demo mean the same place everywhere.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

PROVINCE = ("990000000000", "清源省")
CITY = ("990100000000", "青禾市")
COUNTY_NAMES = ("柳溪县", "石岭县", "云泽县", "丰塘区", "平渡市", "白鹭县", "南屏县", "古渠县", "望川县", "双槐县")
TOWN_FIRST = "石桃清龙凤大小新古白青红双高平安长太兴永"
TOWN_SECOND = "桥源泉山岗坪塘河湾岭集店营堡渡畈冲垭滩峪"
VILLAGE_FIRST = "李王张刘陈杨赵黄周吴徐孙马朱胡林郭何高罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶蒋杜苏魏程吕丁任沈姚卢姜崔钟谭陆汪范"
VILLAGE_LAST = ("村", "庄村", "家村", "湾村", "家庄村", "岭村", "桥村", "塘村", "坪村", "寨村")
RARE = ("𣵦里村", "𡎚上村", "㙟头村")
FAMILY = "王李张刘陈杨黄赵周吴徐孙朱马胡郭林何高梁"
GIVEN = ("建国", "秀英", "志强", "桂兰", "海燕", "文斌", "小红", "国平", "春梅", "立军", "玉珍", "成林", "雪梅", "德胜", "美玲", "永福")
ROADS = ("石柳公路", "桃源路", "清水路", "沿江公路", "县乡一号路", "北环路")
KINDS = (("village", 0.9), ("community", 0.06), ("township", 0.03), ("enterprise", 0.01))
MODES = (("broadband_stb", 0.82), ("satellite", 0.06), ("cable", 0.05), ("pc", 0.05), ("mobile", 0.02))


@dataclass(frozen=True)
class Plan:
    """How big a city is, and its seed."""

    counties: int = 6
    towns: int = 60
    sites: int = 1200
    seed: int = 7

    def __post_init__(self) -> None:
        if not 1 <= self.counties <= 90 or self.towns < self.counties or self.sites < self.towns:
            raise ValueError("至少 1 个县，乡镇数不少于县数，站点数不少于乡镇数")


@dataclass(frozen=True)
class SimSite:
    """One site and its village."""

    code: str
    name: str
    village_code: str
    village_name: str
    kind: str
    mode: str
    road: str
    phone: str
    manager: str
    line: str
    edge: str


@dataclass
class SimTown:
    """One town with its access line."""

    code: str
    name: str
    line: str
    sites: list[SimSite] = field(default_factory=list)


@dataclass
class SimCounty:
    """One county with its edge and the edge's uplink."""

    code: str
    name: str
    edge: str
    uplink: str
    towns: list[SimTown] = field(default_factory=list)


@dataclass
class City:
    """The whole made-up city."""

    plan: Plan
    counties: list[SimCounty] = field(default_factory=list)

    def towns(self) -> Iterator[SimTown]:
        for county in self.counties:
            yield from county.towns

    def sites(self) -> Iterator[SimSite]:
        for town in self.towns():
            yield from town.sites


def make_city(plan: Plan) -> City:
    """Draw the city; counties share towns and towns share sites as evenly as the numbers allow."""
    draw = random.Random(plan.seed)  # a made-up city, not a secret
    city = City(plan)
    names = _town_names(draw, plan.towns)
    for index, towns in enumerate(_spread(plan.towns, plan.counties), 1):
        code = f"9901{index:02}"
        name = COUNTY_NAMES[index - 1] if index <= len(COUNTY_NAMES) else f"新设{index}县"
        county = SimCounty(code.ljust(12, "0"), name, f"E-{code}", f"U-{code}")
        for number in range(towns):
            town = f"{code}{100 + number:03}"
            county.towns.append(SimTown(town.ljust(12, "0"), next(names), f"L-{town}"))
        city.counties.append(county)
    for place, sites in zip(city.towns(), _spread(plan.sites, plan.towns), strict=True):
        _fill_town(draw, place, sites)
    return city


def share_uplinks(city: City) -> City:
    """The same city, in which of three counties the second and the third hang on one uplink."""
    for one, other in zip(city.counties[1::3], city.counties[2::3], strict=False):
        other.uplink = one.uplink
    return city


def _spread(total: int, parts: int) -> list[int]:
    base, rest = divmod(total, parts)
    return [base + (number < rest) for number in range(parts)]


def _town_names(draw: random.Random, count: int) -> Iterator[str]:
    pairs = [first + second for first in TOWN_FIRST for second in TOWN_SECOND]
    draw.shuffle(pairs)
    for number in range(count):
        pair = pairs[number % len(pairs)] + ("" if number < len(pairs) else str(number // len(pairs)))
        yield pair + ("乡" if number % 3 == 2 else "镇")


def _fill_town(draw: random.Random, town: SimTown, count: int) -> None:
    code, used = town.code[:9], set[str]()
    for number in range(count):
        village = f"{code}{200 + number:03}"
        name = _village_name(draw, used, number)
        edge = f"E-{code[:6]}"
        town.sites.append(
            SimSite(
                code=f"S-{village}",
                name=f"{name.removesuffix('村')}村站点",
                village_code=village,
                village_name=name,
                kind=_weighted(draw, KINDS),
                mode=_weighted(draw, MODES),
                road=draw.choice(ROADS),
                phone=f"0990{draw.randrange(10**7):07}",
                manager=draw.choice(FAMILY) + draw.choice(GIVEN),
                line=town.line,
                edge=edge,
            )
        )


def _village_name(draw: random.Random, used: set[str], number: int) -> str:
    if number == 7:
        return draw.choice(RARE)
    while True:
        name = draw.choice(VILLAGE_FIRST) + draw.choice(VILLAGE_LAST)
        if name not in used:
            used.add(name)
            return name


def _weighted(draw: random.Random, table: tuple[tuple[str, float], ...]) -> str:
    return draw.choices([name for name, _ in table], [weight for _, weight in table])[0]
