"""A city's month-end: reports of 15 counties drafted at 20,000 sites, one of them printed, and a list of 20,000 rows as a file.

Floors: of the drafts, the same rows written and nothing computed; of the file, as many cells in a
bare workbook.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

COUNTIES, TOWNS, SITES = 15, 180, 20_000


def run() -> list[dict[str, Any]]:
    """Seconds, once each: nobody drafts a month twice."""
    from bench.pages import SINCE, load
    from yuanjiao.lib import clock
    from yuanjiao.people.rules import SYSTEM
    from yuanjiao.places.queries import divisions
    from yuanjiao.places.rules import Level
    from yuanjiao.reports import commands
    from yuanjiao.reports.models import FrozenRow
    from yuanjiao.wiring.founding import found_city

    found_city(
        code="990100000000", name="青禾市", province_name="清源省", admin_name="陈启明", username="shiguan", at=clock.now(),
        password="Qinghe-2026!",
    )  # fmt: skip
    load(SITES, TOWNS, COUNTIES)
    month = (max(clock.today(), SINCE) - timedelta(days=3)).replace(day=1)
    counties = list(divisions(on=clock.today(), level=Level.COUNTY))
    _live(month)
    at = clock.now()
    drafts: list[Any] = []

    def draft() -> None:
        drafts.extend(commands.draft_county_month(county=county, month=month, by=SYSTEM, at=at) for county in counties)

    drafted = _spent(draft)
    rows = FrozenRow.objects.filter(document__in=drafts)
    bare = _spent(lambda: _written_again(list(rows)))
    told = f"{len(counties)} counties, {rows.count():,} rows"
    printed = [_spent(lambda media=media: commands.file_of(drafts[0], media, str)) for media in ("docx", "pdf", "xlsx")]
    return [
        _row(f"reports: month-end drafted, {told}", drafted, bare),
        *(_row(f"reports: one county as {media}", spent, None) for media, spent in zip(("docx", "pdf", "xlsx"), printed, strict=True)),
        _export(),
    ]


def _live(month: date) -> None:
    """Every site came up as the month began; a tenth was dark for five hours of every third day, and each outage is told."""
    from yuanjiao.flow.nodes.queries import own_node
    from yuanjiao.lib.clock import day_start
    from yuanjiao.network.models import PlayTest, Site, StateChange

    begun, observer = day_start(month), own_node().uid
    keys = list(Site.objects.order_by("pk").values_list("pk", flat=True))
    changes, hours = [], timedelta(hours=5)
    for number, pk in enumerate(keys):
        turns = [(begun, "up")]
        for day in range(0, 27, 3) if number % 10 == 0 else ():
            dark = begun + timedelta(days=day, minutes=1 + number % 1000)
            turns += [(dark, "down"), (dark + hours, "up")]
        ends = [at for at, _state in turns[1:]] + [None]
        changes += [
            StateChange(object_id=pk, state=state, at=at, until=until, last_heard_at=at, latest_at=at, observer=observer, seq=1)
            for (at, state), until in zip(turns, ends, strict=True)
        ]
    StateChange.objects.bulk_create(changes, batch_size=2000)
    tests = [PlayTest(site_id=pk, at=begun, ok=True, observer=observer) for pk in keys]
    PlayTest.objects.bulk_create(tests, batch_size=2000)


def _written_again(rows: list[Any]) -> None:
    """The same rows once more, and nothing else."""
    from django.db import transaction

    from yuanjiao.reports.models import FrozenRow

    for row in rows:
        row.pk = None
    with transaction.atomic():
        FrozenRow.objects.bulk_create(rows, batch_size=2000)
        transaction.set_rollback(True)


def _export() -> dict[str, Any]:
    """A list through the page that tells how far it is, beside the same cells in a bare workbook."""
    import xlsxwriter
    from django.conf import settings
    from django.test import Client

    from yuanjiao.people.models import Account

    settings.ALLOWED_HOSTS.append("testserver")
    client = Client()
    client.force_login(Account.objects.get(username="shiguan"), backend="django.contrib.auth.backends.ModelBackend")
    told: list[bytes] = []
    spent = _spent(lambda: told.extend(client.get("/register/divisions/?export=xlsx").streaming_content))  # type: ignore[attr-defined]
    lines = sum(b"<li>" in piece for piece in told)

    def bare() -> None:
        with xlsxwriter.Workbook(io.BytesIO(), {"constant_memory": True}) as book:
            page = book.add_worksheet()
            for number in range(SITES + TOWNS + COUNTIES + 2):
                for column in range(8):
                    page.write_string(number, column, "石桥镇李村")

    return _row(f"reports: list of {SITES:,} divisions as a file, told {lines} times", spent, _spent(bare))


def _spent(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _row(name: str, value: float, floor: float | None) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": "s", "floor": floor, "ratio": value / floor if floor else None}
