"""Rows of the register imported per second: check and apply of a workbook with 5,000 sites.

Floor: the same workbook read by the same reader, its cells put into a bare table by executemany; nothing is checked there.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

SITES = 5000
PER_TOWN, TOWNS_PER_COUNTY = 50, 20
AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def city_rows(sites: int = SITES) -> dict[str, list[list[Any]]]:
    """Sheet name → rows in template order: one city with its counties, towns, villages, edges, lines and sites."""
    divisions: list[list[Any]] = []
    edges: list[list[Any]] = []
    lines: list[list[Any]] = []
    villages: list[list[Any]] = []
    for number in range(sites):
        town, place = divmod(number, PER_TOWN)
        county, town = divmod(town, TOWNS_PER_COUNTY)
        county_code, town_code = f"9901{county + 1:02}000000", f"9901{county + 1:02}{town + 100:03}000"
        code = f"{town_code[:9]}{place + 200:03}"
        if place == 0 and town == 0:
            divisions.append([county_code, f"第{county + 1}县", "", "", date(2025, 1, 1)])
            edges.append([f"E-{county_code[:6]}", f"第{county + 1}县边缘服务器", county_code])
        if place == 0:
            divisions.append([town_code, f"第{town + 1}镇", "", "121", date(2025, 1, 1)])
            lines.append([f"L-{town_code[:9]}", f"第{town + 1}镇接入线路", town_code, f"E-{county_code[:6]}", "否", "光纤", 100])
        divisions.append([code, f"第{place + 1}村", "", "220", date(2025, 1, 1)])
        phone = f"138{number:08}"
        villages.append(
            [
                f"S-{code}",
                f"第{place + 1}村站点",
                code,
                f"L-{town_code[:9]}",
                "行政村",
                "宽带+机顶盒+电视",
                "党员远教",
                "",
                "石柳公路",
                phone,
            ]
        )
    return {"区划": divisions, "边缘服务器": edges, "线路": lines, "站点": villages}


def write_city(path: Path, sites: int = SITES) -> int:
    """Write the workbook in the template's own shape; returns its rows."""
    from yuanjiao.register.documents.template import write_workbook

    with path.open("wb") as target:
        return write_workbook(target, city_rows(sites))


def run() -> list[dict[str, Any]]:
    """One row: data rows per second from the file to the committed tables."""
    from yuanjiao.people.models import Account
    from yuanjiao.simulation.cast import build_cast

    if not Account.objects.filter(username="shiguan").exists():
        build_cast(at=AT)
    folder = Path(tempfile.mkdtemp(prefix="yuanjiao-bench-register-"))
    try:
        path = folder / "city.xlsx"
        rows = write_city(path)
        floor_s = min(_floor(path) for _ in range(3))
        check_s, apply_s, unchanged_s = _import(path)
    finally:
        shutil.rmtree(folder)
    return [
        _line("register rows imported, check and apply (5,000 sites)", rows / (check_s + apply_s), rows / floor_s, "rows/s"),
        _line("register rows checked again, nothing changed", rows / unchanged_s, rows / floor_s, "rows/s"),
    ]


def _line(name: str, value: float, floor: float, unit: str) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "floor": floor, "ratio": value / floor}


def _floor(path: Path) -> float:
    from django.db import connection, transaction
    from python_calamine import CalamineWorkbook

    started = time.perf_counter()
    book = CalamineWorkbook.from_path(path)
    with transaction.atomic(), connection.cursor() as cursor:
        for name in book.sheet_names:
            grid = book.get_sheet_by_name(name).to_python()
            width = len(grid[0])
            columns = ", ".join(f"c{number} text" for number in range(width))
            cursor.execute(f"CREATE TEMPORARY TABLE bare ({columns})")
            cursor.executemany(f"INSERT INTO bare VALUES ({', '.join(['%s'] * width)})", [[str(cell) for cell in row] for row in grid])
            cursor.execute("DROP TABLE bare")
    return time.perf_counter() - started


def _import(path: Path) -> tuple[float, float, float]:
    """Seconds of the check, of the apply, and of the check of the same file afterwards."""
    from yuanjiao.people.models import Account
    from yuanjiao.people.queries import actor_of
    from yuanjiao.register import commands
    from yuanjiao.register.models import Import

    by = actor_of(Account.objects.get(username="shiguan"), on=AT.date())
    spent = []
    for is_second in (False, True):
        content = path.read_bytes()
        batch = commands.receive_file(name="city.xlsx", chunks=[content], size_bytes=len(content), by=by, at=AT)
        started = time.perf_counter()
        commands.check_import(batch=batch, by=by, at=AT)
        spent.append(time.perf_counter() - started)
        if not is_second:
            commands.request_apply(batch=batch, good_rows_only=False, by=by)
            batch = Import.objects.get(pk=batch.pk)
            started = time.perf_counter()
            commands.apply_import(batch=batch, by=by, at=AT)
            spent.append(time.perf_counter() - started)
    return spent[0], spent[1], spent[2]
