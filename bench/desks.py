"""Desk pages at size: 20,000 sites, 200,000 items, 50 people at once, over real HTTP on PostgreSQL; the hotline's search by itself.

Asked: 300 ms for pages, 50 ms for the search, at the 95th part. Each of the 50 asks for a page every five seconds, round and round through
the list. Floor: the same page for one person alone in this process, median; of the search, the time its process worked. Beside each page
stands how many questions it put to the database. Sizes by BENCH_ITEMS and
BENCH_SITES, seconds a page by BENCH_SECONDS.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from django.db import connection
from django.test import Client

from bench.doors import _served
from bench.load import write_requests
from bench.pages import build, extend, keep_counters_warm, median_ms
from yuanjiao.faults import queries as faults
from yuanjiao.faults.models import WorkOrder
from yuanjiao.faults.rules import CLASS_OF_KIND
from yuanjiao.items.models import Item
from yuanjiao.items.rules import ItemKind, State
from yuanjiao.lib import clock
from yuanjiao.network.models import Site
from yuanjiao.people import commands as people
from yuanjiao.people.rules import Role
from yuanjiao.places.models import OrgUnit

ITEMS, SITES = int(os.environ.get("BENCH_ITEMS", "200000")), int(os.environ.get("BENCH_SITES", "20000"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "20"))
PEOPLE, EVERY_S, TIMES = 50, 5.0, 200
ASKED_MS, SEARCH_MS = 300.0, 50.0
Row = dict[str, Any]


def run() -> list[Row]:
    """Rows of milliseconds and of questions to the database."""
    from bench.items import stock

    build(1200, 60)
    if SITES > 1200:
        extend(SITES)
    orgs = {unit.division_id: unit for unit in OrgUnit.objects.filter(chain="organisation").select_related("division")}
    towns = [unit.division for unit in orgs.values()]
    stock(towns, orgs, ITEMS)
    _orders()
    keep_counters_warm()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    client = _client("shiguan")
    pages, rows = _pages(), []
    for title, address in pages:
        client.get(address)
        answer, asked = _counted(lambda address=address: client.get(address))
        assert answer.status_code == 200, (address, answer.status_code)
        rows.append((title, address, median_ms(lambda address=address: client.get(address), 7), asked, len(answer.content)))
        print(f"{title}: {rows[-1][2]:.0f} ms alone, {asked} questions, {len(answer.content) / 1000:.0f} kB", file=sys.stderr, flush=True)
    told = _together([address for _title, address, *_rest in rows])
    base = f"desks, {connection.vendor}: {Site.objects.count():,} sites, {ITEMS:,} items"
    found = [
        {"name": f"{base}, {PEOPLE} at once: {title}", "value": told[address], "unit": "ms", "floor": alone, "ratio": told[address] / alone}
        for title, address, alone, _count, _size in rows
    ]
    found += [
        {"name": f"{base}: questions for {title} ({size / 1000:.0f} kB)", "value": count, "unit": "queries", "floor": None, "ratio": None}
        for title, _address, _alone, count, size in rows
    ]
    return [*found, _search(base)]


def _counted(work: Callable[[], Any]) -> tuple[Any, int]:
    """What the work gives, and how many questions it put to the database."""
    asked = 0

    def count(execute: Any, *rest: Any) -> Any:
        nonlocal asked
        asked += 1
        return execute(*rest)

    with connection.execute_wrapper(count):
        return work(), asked


def _client(username: str) -> Client:
    from django.conf import settings

    from yuanjiao.people.models import Account

    settings.ALLOWED_HOSTS.append("testserver")
    client = Client()
    client.force_login(Account.objects.get(username=username), backend="django.contrib.auth.backends.ModelBackend")
    return client


def _pages() -> list[tuple[str, str]]:
    order = WorkOrder.objects.filter(item__state=State.ISSUED).select_related("item")[0]
    task = Item.objects.exclude(kind=ItemKind.WORK_ORDER).order_by("-pk")[0]
    return [
        ("start page", "/desk/"),
        ("items", "/items/"),
        ("items overdue", "/items/?colour=red"),
        ("items searched", "/items/?q=光缆&state=open"),
        ("stuck", "/items/stuck/"),
        ("one item", f"/items/{task.code}/"),
        ("orders", "/faults/orders/"),
        ("open orders", "/faults/orders/?state=open"),
        ("one order", f"/faults/orders/{order.item.code}/"),
        ("urging sheets", "/faults/urgings/"),
        ("who answers", "/duties/"),
        ("vacancies", "/duties/vacancies/"),
    ]


def _orders() -> None:
    """The work orders among the items get their second row, at a site of their own."""
    sites, draw = list(Site.objects.select_related("division").order_by("pk")), random.Random(3)
    rows = []
    for item in Item.objects.filter(kind=ItemKind.WORK_ORDER).iterator(5000):
        site = draw.choice(sites)
        rows.append(WorkOrder(item=item, subject_id=site.pk, proposed_class=CLASS_OF_KIND[site.kind], raised_by="outage"))
    WorkOrder.objects.bulk_create(rows, batch_size=2000)


def _together(addresses: list[str]) -> dict[str, float]:
    """The 95th part in milliseconds by address, for fifty connections to a server of its own, each address in a run of its own."""
    import bench.doors as doors

    people_, told = _everybody(), {}
    with _served() as server, tempfile.TemporaryDirectory() as folder:
        path, kept = Path(folder) / "requests", doors.CONNECTIONS
        doors.CONNECTIONS = PEOPLE
        try:
            for address in addresses:
                write_requests(path, [_get(address, cookie) for cookie in people_])
                _warm(server.port, address, people_[0])  # a slow first answer is not the load's
                told[address] = doors._load(server, path, seconds=SECONDS, rate=PEOPLE / EVERY_S)["p95"]
        finally:
            doors.CONNECTIONS = kept
    return told


def _warm(port: int, address: str, cookie: str) -> None:
    kept = {"cookie": f"sessionid={cookie}", "host": "127.0.0.1"}
    answer = httpx.get(f"http://127.0.0.1:{port}{address}", headers=kept, timeout=120, trust_env=False)
    if answer.status_code != 200:
        raise SystemExit(f"{address}: {answer.status_code}")


def _everybody() -> list[str]:
    """Fifty people of the city, each with a session of their own."""
    unit = OrgUnit.objects.filter(chain="organisation").order_by("division__level", "pk")[0]
    cookies = []
    for number in range(PEOPLE):
        person = people.add_person(name=f"同事{number}", unit=unit)
        people.open_account(person=person, username=f"tongshi{number}", password=f"Qinghe-{number}-2026!")
        people.appoint(person=person, unit=unit, role=Role.CITY_ADMIN, on=clock.today() - timedelta(days=30))
        cookies.append(_client(f"tongshi{number}").cookies["sessionid"].value)
    return cookies


def _get(address: str, cookie: str) -> bytes:
    from urllib.parse import quote

    lines = [f"GET {quote(address, safe='/?&=')} HTTP/1.1", "host: 127.0.0.1", f"cookie: sessionid={cookie}", "accept-encoding: identity"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def _search(base: str) -> Row:
    from bench.items import _p95

    sites = list(Site.objects.values_list("name", "code").order_by("pk")[:2000])
    draw = random.Random(4)

    def words() -> str:
        name, code = draw.choice(sites)
        return draw.choice([name[:3], code[-6:], name[-4:], "lcz", "wz"])

    value, own = _p95(lambda: list(faults.find_sites(words(), ["/"])[:21]), TIMES)
    return {"name": f"{base}: hotline search", "value": value, "unit": "ms", "floor": own, "ratio": value / own if own else None}
