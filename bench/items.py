"""The list of 200,000 items: search, filters, what waits where; what a reader of a city and one of a county wait for.

Here on SQLite; the desk pages of 50 people at once on a PostgreSQL of its own (bench/desks.py). BENCH_ITEMS sets the size.
Floor: the same in the processor's time of the asking process.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection
from django.test import Client

from yuanjiao.items import queries
from yuanjiao.items.models import Item, ItemStep
from yuanjiao.items.rules import ItemKind, State, readable_code
from yuanjiao.items.search import holding, index_items
from yuanjiao.lib.uid import new_uid
from yuanjiao.people import commands as people
from yuanjiao.people.queries import actor_of
from yuanjiao.people.rules import Role
from yuanjiao.places.commands import add_division, add_unit
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.places.rules import Chain

AT, ON = datetime(2026, 3, 1, tzinfo=UTC), date(2025, 1, 1)
ITEMS, COUNTIES, TOWNS, ASKED = int(os.environ.get("BENCH_ITEMS", "200000")), 15, 12, 200
DESKS = "BENCH_DESKS"
THINGS = [
    "机顶盒",
    "光缆",
    "光猫",
    "边缘服务器",
    "投影仪",
    "路由器",
    "电源",
    "交换机",
    "音箱",
    "电视机",
    "课桌",
    "村广播",
    "宽带",
    "摄像头",
    "电脑",
]
DOINGS = ["更换", "检修", "搬迁", "清点", "维修", "排查", "整改", "登记", "调试", "验收", "培训", "安装"]
WHERE = ["李村", "王庄", "桃花", "石桥", "高坪", "柳林", "白水", "青山", "大河", "新集", "东湾", "西坡", "南岭", "北沟", "沙洲"]
WHY = ["线路老化", "雷击", "停电", "操作失误", "设备老化", "被挖断", "配置错误", "受潮", "无人管理", "经费未到位"]
STATES = [State.CLOSED] * 8 + [State.ISSUED, State.IN_PROGRESS, State.SUBMITTED, State.RETURNED]


def run() -> list[dict[str, Any]]:
    """Milliseconds, 95th percentile."""
    if DESKS in os.environ:
        from bench import desks

        return desks.run()
    return [*_here(), *_desks()]


def _desks() -> list[dict[str, Any]]:
    if not list(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        print("PostgreSQL is not installed: its rows are skipped", file=sys.stderr)
        return []
    from tests.journeys.database import Database

    server = Database()
    try:
        server.start()
        told = {"YUANJIAO_DATABASE": server.address, DESKS: "1"}
        line = [sys.executable, "-m", "bench", "--one", "items"]
        done = subprocess.run(line, env={**os.environ, **told}, text=True, stdout=subprocess.PIPE, check=True)
        rows: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
        return rows
    finally:
        server.remove()


def _here() -> list[dict[str, Any]]:
    towns, units = _places()
    leading = {town.pk: units[1 + number // TOWNS] for number, town in enumerate(towns)}
    stock(towns, leading, ITEMS, units[0])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    city, county = _actor("shi", Role.CITY_ADMIN, units[0]), _actor("xian", Role.COUNTY_OFFICER, units[1])
    draw, base = random.Random(2), f"items, {connection.vendor}: {ITEMS:,}"
    rows = []
    for name, actor in (("city", city), ("county", county)):
        common = _p95(lambda actor=actor: _search(actor, draw.choice([*THINGS, *DOINGS, *WHERE, "站点"])))
        two = _p95(lambda actor=actor: _search(actor, f"{draw.choice(WHERE)} {draw.choice(WHY)}"))
        run_on = _p95(lambda actor=actor: _search(actor, draw.choice(DOINGS) + draw.choice(WHERE) + draw.choice(THINGS)))
        rows += [_row(f"{base}, {name}: {what}", found) for what, found in (("one word", common), ("two words", two), ("one run", run_on))]
    client = Client()
    client.force_login(people_account("shi"), backend="django.contrib.auth.backends.ModelBackend")
    for title, address in (
        ("first page", "/items/"),
        ("overdue", "/items/?colour=red"),
        ("open in one county", f"/items/?state=open&place={towns[3].path}"),
        ("search and filter", "/items/?q=光缆&state=open"),
        ("stuck", "/items/stuck/"),
    ):
        rows.append(_row(f"{base}, page: {title}", _p95(lambda address=address: _get(client, address), 15)))
    return rows


def _row(name: str, measured: tuple[float, float]) -> dict[str, Any]:
    clock, own = measured
    return {"name": name, "value": clock, "unit": "ms", "floor": own, "ratio": clock / own if own else None}


def _search(actor: Any, words: str) -> None:
    condition = holding(words)
    assert condition is not None
    keys = list(queries.items_seen_by(actor).filter(condition).order_by("-pk").values_list("pk", flat=True)[:501])
    list(queries.items_seen_by(actor).filter(pk__in=keys)[:51])


def _get(client: Client, address: str) -> None:
    assert client.get(address, headers={"host": "127.0.0.1"}).status_code == 200


def _p95(ask: Callable[[], object], times: int = ASKED) -> tuple[float, float]:
    """Milliseconds by the clock, and of this process: where others work, only the second says something (SQLite works inside it)."""
    ask()
    waits, used = [], []
    for _ in range(times):
        begun, spent = time.perf_counter(), time.thread_time()
        ask()
        waits.append(time.perf_counter() - begun)
        used.append(time.thread_time() - spent)
    return tuple(sorted(each)[int(len(each) * 0.95)] * 1000 for each in (waits, used))  # type: ignore[return-value]


def _places() -> tuple[list[Division], list[OrgUnit]]:
    city = add_division(code="990100000000", name="测城", parent=None, on=ON)
    units = [add_unit(code="ZZ-9901", name="市委组织部", chain=Chain.ORGANISATION, division=city, parent=None, on=ON)]
    towns: list[Division] = []
    for number in range(1, COUNTIES + 1):
        county = add_division(code=f"9901{number:02}000000", name=f"{number}县", parent=city, on=ON)
        towns += [add_division(code=f"9901{number:02}{100 + n}000", name=f"{number}县{n}镇", parent=county, on=ON) for n in range(TOWNS)]
        units.append(
            add_unit(code=f"ZZ-{number}", name=f"{number}县委组织部", chain=Chain.ORGANISATION, division=county, parent=None, on=ON)
        )
    return towns, units


def stock(towns: Sequence[Division], leading: Mapping[int, OrgUnit], count: int, giver: OrgUnit | None = None) -> None:
    """So many items at random places; `leading`: who leads at each, by the place's key."""
    draw, giver = random.Random(1), giver or next(iter(leading.values()))
    for start in range(0, count, 2000):
        rows = Item.objects.bulk_create([_item(draw, towns, leading, giver, count - start - n) for n in range(min(2000, count - start))])
        ItemStep.objects.bulk_create(
            [ItemStep(item=row, number=1, to_state=row.state, by_name="周小兰", at=row.created_at) for row in rows]
        )
        index_items(rows)


def _item(draw: random.Random, towns: Sequence[Division], leading: Mapping[int, OrgUnit], giver: OrgUnit, ago: int) -> Item:
    uid, state, town = new_uid(), draw.choice(STATES), draw.choice(towns)
    begun = AT - timedelta(minutes=ago)
    due, ended = begun + timedelta(days=draw.randint(3, 400)), begun + timedelta(days=2) if state == State.CLOSED else None
    kind = draw.choice([ItemKind.TASK, ItemKind.PROBLEM, ItemKind.MEASURE, ItemKind.WORK_ORDER])
    title = f"{draw.choice(DOINGS)}{draw.choice(WHERE)}{draw.choice(THINGS)}"
    measure, result = f"{draw.choice(WHY)}，{draw.choice(DOINGS)}站点设备", f"{draw.choice(WHERE)}恢复畅通"
    return Item(
        uid=uid, code=readable_code(uid), kind=kind, title=title, measure=measure, expected_result=result, division=town,
        lead_unit=leading[town.pk], given_by=giver, state=state, created_at=begun, issued_at=begun, moved_at=begun,
        due_at=due, original_due_at=due, near_due_at=due - timedelta(days=1), verified_at=ended, closed_at=ended, step_count=2,
    )  # fmt: skip


def _actor(username: str, role: Role, unit: OrgUnit) -> Any:
    person = people.add_person(name=username, unit=unit)
    account = people.open_account(person=person, username=username, password="Qinghe-2026!")
    people.appoint(person=person, unit=unit, role=role, on=ON)
    return actor_of(account, on=AT.date())


def people_account(username: str) -> Any:
    from django.contrib.auth import get_user_model

    return get_user_model().objects.get_by_natural_key(username)
