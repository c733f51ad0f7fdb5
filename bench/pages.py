"""Page times: what a reader waits for, at 1,200 and 20,000 sites, over the whole request in one process.

Floor: the same bytes sent by a view that only returns them through the same middleware: Django without our queries and templates.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

SINCE = date(2025, 1, 1)
PAGES = (
    ("portal, first page", "/", False),
    ("television, first page", "/tv/", False),
    ("list of sites, first 50", "/network/sites/", True),
    ("list of dark sites", "/network/sites/?state=down", True),
    ("list of divisions, last page", "/register/divisions/?page=99999", True),
    ("start page of the city administrator", "/desk/", True),
    ("big screen of the city", "/screen/", True),
    ("figures of faults of the month", "/faults/statistics/", True),
    ("early signs", "/desk/signs/", True),
)


def run() -> list[dict[str, Any]]:
    """Milliseconds per page, median of 15, beside the floor of the same run."""
    rows: list[dict[str, Any]] = []
    build(1200, 60)
    rows += measure("1,200 sites")
    extend(20000)
    return rows + measure("20,000 sites")


def build(sites: int, towns: int) -> None:
    from yuanjiao.lib import clock
    from yuanjiao.wiring.founding import found_city

    found_city(
        code="990100000000",
        name="青禾市",
        province_name="清源省",
        admin_name="陈启明",
        username="shiguan",
        at=clock.now(),
        password="Qinghe-2026!",
    )
    load(sites, towns)


def load(sites: int, towns: int, counties: int = 6) -> None:
    from yuanjiao.lib import clock
    from yuanjiao.register import commands
    from yuanjiao.register.models import Import
    from yuanjiao.simulation.city import Plan, make_city
    from yuanjiao.simulation.foundation import actor
    from yuanjiao.simulation.workbook import write_workbook

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "city.xlsx"
        write_workbook(make_city(Plan(counties, towns, sites)), path, since=SINCE)
        data = path.read_bytes()
    by, at = actor("shiguan"), clock.now()
    batch = commands.receive_file(name="city.xlsx", chunks=[data], size_bytes=len(data), by=by, at=at)
    commands.check_import(batch=batch, by=by, at=at)
    batch = Import.objects.get(pk=batch.pk)
    assert batch.state == "ready", [str(problem) for problem in batch.problems.all()[:3]]
    commands.request_apply(batch=batch, good_rows_only=False, by=by)
    commands.apply_import(batch=Import.objects.get(pk=batch.pk), by=by, at=at)


def extend(sites: int) -> None:
    """Grow by one county of 400 sites a town, entered in bulk as an import does."""
    from yuanjiao.network.commands.many import ObjectEntry, enter_objects
    from yuanjiao.places.commands import DivisionEntry, enter_divisions

    county, codes = "990190", []
    divisions = [DivisionEntry(f"{county}000000", "加测县", "990100000000", "", SINCE)]
    for number in range((sites - 1200) // 400):
        town = f"{county}{100 + number:03}"
        divisions.append(DivisionEntry(f"{town}000", f"加测{number}镇", f"{county}000000", "", SINCE))
        villages = [f"{town}{200 + place:03}" for place in range(400)]
        divisions += [DivisionEntry(code, f"{code[-3:]}村", f"{town}000", "220", SINCE) for code in villages]
        codes += villages
    places = enter_divisions(entries=divisions)

    def entry(kind: str, code: str, name: str, place: str, above: str) -> ObjectEntry:
        return ObjectEntry(kind, code, name, places[place].pk, above, "in_service", "", SINCE)

    entries = [entry("edge", f"E-{county}", "加测边缘", f"{county}000000", "")]
    towns = sorted({code[:9] for code in codes})
    entries += [entry("line", f"L-{town}", f"{town} 线路", f"{town}000", f"E-{county}") for town in towns]
    entries += [entry("site", f"S-{code}", f"{code[-3:]}村站点", code, f"L-{code[:9]}") for code in codes]
    enter_objects(entries=entries, on=SINCE)


def measure(size: str) -> list[dict[str, Any]]:
    from django.conf import settings
    from django.test import Client
    from django.test.utils import override_settings

    from yuanjiao.people.models import Account

    settings.ALLOWED_HOSTS.append("testserver")
    staff, stranger = Client(), Client()
    staff.force_login(Account.objects.get(username="shiguan"), backend="django.contrib.auth.backends.ModelBackend")
    keep_counters_warm()
    rows = []
    for title, address, needs_staff in PAGES:
        client = staff if needs_staff else stranger
        answer = client.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
        body = answer.content
        value = median_ms(lambda client=client, address=address: client.get(address))  # type: ignore[misc]
        with override_settings(ROOT_URLCONF=bare_urls(body)):
            assert stranger.get("/bare/").content == body
            floor = median_ms(lambda: stranger.get("/bare/"))
        name = f"{title} ({size}), {len(body) / 1000:.0f} kB"
        rows.append({"name": name, "value": value, "unit": "ms", "floor": floor, "ratio": value / floor})
    return rows


def keep_counters_warm() -> None:
    """What the server's own jobs do beside answering: counters for the pages, weights for the indexes."""
    from yuanjiao.lib import clock
    from yuanjiao.network.jobs import keep_counters
    from yuanjiao.wiring.upkeep import weigh_indexes

    for _ in range(5):
        keep_counters(clock.now())
    weigh_indexes(clock.now())


def bare_urls(body: bytes) -> Any:
    """A URL configuration with one view that returns these bytes."""
    import types

    from django.http import HttpResponse
    from django.urls import path

    module = types.ModuleType("bare_urls")
    module.urlpatterns = [path("bare/", lambda request: HttpResponse(body))]  # type: ignore[attr-defined]
    return module


def median_ms(work: Callable[[], Any], times: int = 15) -> float:
    spent = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        spent.append((time.perf_counter() - started) * 1000)
    return statistics.median(spent)
