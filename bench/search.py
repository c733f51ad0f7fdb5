"""Search over 50,000 items with filters while others are being indexed; how many of the items that hold both words are found."""

from __future__ import annotations

import random
import threading
import time
from datetime import UTC, date, datetime
from typing import Any

from yuanjiao.courseware import queries, search
from yuanjiao.courseware.models import Column, Courseware, Placement
from yuanjiao.courseware.rules.life import State
from yuanjiao.courseware.steps import search_due
from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.places.commands import add_division, add_unit
from yuanjiao.places.models import OrgUnit
from yuanjiao.places.rules import Chain

AT, ON = datetime(2026, 3, 1, tzinfo=UTC), date(2026, 3, 2)
ITEMS, COLUMNS, ASKED = 50_000, 20, 400
NOUNS = [
    "水稻", "小麦", "玉米", "油菜", "果树", "柑橘", "茶叶", "蔬菜", "生猪", "肉羊", "肉牛", "蜜蜂", "家禽", "淡水鱼", "食用菌", "中药材",
    "党员", "支部", "远程教育", "合作社", "农机", "土壤", "沼气", "电商",
]  # fmt: skip
VERBS = [
    "种植", "防治", "修剪", "育苗", "施肥", "灌溉", "养殖", "管理", "培训", "服务", "销售", "加工", "贮藏", "防疫", "嫁接", "收获", "建设",
]  # fmt: skip
BETWEEN = ["", "的", "高产", "科学", "冬季", "春季", "绿色", "病虫害", "优质", "常见问题与"]
ENDS = ["技术", "要点", "讲座", "经验", "案例", "问答", "入门", "图解"]


def run() -> list[dict[str, Any]]:
    """Milliseconds (95th percentile) of a filtered search while items are indexed; the found share of unspaced two-word queries."""
    ensure_self(at=AT)
    columns, unit = _columns()
    draw = random.Random(1)
    titles = _stock(draw, columns, unit, ITEMS)
    begun = time.perf_counter()
    search.rebuild()
    built = time.perf_counter() - begun
    shares = [_share(noun, verb, titles) for noun, verb in _pairs(draw, 40)]
    busy, busy_cpu = _p95(draw, columns, unit, indexing=True)
    quiet, quiet_cpu = _p95(draw, columns, unit, indexing=False)
    return [
        {
            "name": f"search: {ITEMS:,} items, filtered, while indexing, p95",
            "value": busy,
            "unit": "ms",
            "floor": quiet,
            "ratio": busy / quiet,
        },
        {
            "name": "search: the same, processor's time of the asking thread, p95",
            "value": busy_cpu,
            "unit": "ms",
            "floor": quiet_cpu,
            "ratio": busy_cpu / quiet_cpu,
        },
        {"name": "search: share found of items that hold both words", "value": min(shares), "unit": "", "floor": 1.0, "ratio": min(shares)},
        {"name": "search: items indexed, everything anew", "value": ITEMS / built, "unit": "items/s", "floor": None, "ratio": None},
    ]


def _columns() -> tuple[list[Column], OrgUnit]:
    city = add_division(code="990100000000", name="测城", parent=None, on=date(2025, 1, 1))
    unit = add_unit(code="ZZ-1", name="组织部", chain=Chain.ORGANISATION, division=city, parent=None, on=date(2025, 1, 1))
    rows = [Column(title=f"栏目{n}", owner=unit, visible_from=date(2025, 1, 1)) for n in range(COLUMNS)]
    return Column.objects.bulk_create(rows), unit


def _title(draw: random.Random) -> str:
    return f"{draw.choice(NOUNS)}{draw.choice(BETWEEN)}{draw.choice(VERBS)}{draw.choice(ENDS)}（第 {draw.randint(1, 99)} 讲）"


def _stock(draw: random.Random, columns: list[Column], unit: OrgUnit, count: int) -> list[str]:
    values = {"unit": unit, "item_class": "service", "source": "practitioner", "state": State.RELEASED, "created_at": AT, "released_at": AT}
    rows = [Courseware(title=_title(draw), summary=f"讲{_title(draw)}，由{draw.choice(NOUNS)}专家主讲", **values) for _ in range(count)]
    Courseware.objects.bulk_create(rows, batch_size=2000)
    places = [Placement(column=draw.choice(columns), courseware=row, placed_at=AT) for row in rows]
    Placement.objects.bulk_create(places, batch_size=2000)
    return [f"{row.title} {row.summary}" for row in rows]


def _pairs(draw: random.Random, count: int) -> list[tuple[str, str]]:
    return [(draw.choice(NOUNS), draw.choice(VERBS)) for _ in range(count)]


def _share(noun: str, verb: str, titles: list[str]) -> float:
    """Found of those that hold both words somewhere; what is found beyond them does not count."""
    held = sum(noun in title and verb in title for title in titles)
    found = queries.search_items(noun + verb, on=ON, limit=1).count
    return min(found / held, 1.0) if held else 1.0


def _p95(draw: random.Random, columns: list[Column], unit: OrgUnit, *, indexing: bool) -> tuple[float, float]:
    """Milliseconds by the clock, and of the processor: on a machine where others work only the second says something."""
    stop = threading.Event()
    thread = threading.Thread(target=_index_on, args=(stop, columns, unit)) if indexing else None
    if thread:
        thread.start()
    times, used = [], []
    for noun, verb in _pairs(draw, ASKED):
        begun, spent = time.perf_counter(), time.thread_time()
        queries.search_items(noun + verb, on=ON, column=draw.choice(columns).uid, item_class="service", limit=24)
        times.append(time.perf_counter() - begun)
        used.append(time.thread_time() - spent)
    stop.set()
    if thread:
        thread.join()
    return sorted(times)[int(len(times) * 0.95)] * 1000, sorted(used)[int(len(used) * 0.95)] * 1000


def _index_on(stop: threading.Event, columns: list[Column], unit: OrgUnit) -> None:
    """Twenty new items a turn, as a busy day of releases brings them."""
    draw, done = random.Random(2), 0
    while not stop.is_set():
        before = Courseware.objects.count()
        _stock(draw, columns, unit, 20)
        search_due(Courseware.objects.order_by("-pk").values_list("uid", flat=True)[: Courseware.objects.count() - before])
        search.catch_up()
        done += 20
        stop.wait(0.2)
