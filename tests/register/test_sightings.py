"""An operator's list of boxes: xlsx or csv, by code or name; wrong rows come back in the same file with reasons (requirements c9)."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from yuanjiao.lib.clock import CHINA
from yuanjiao.lib.errors import Forbidden, NotFound, Refused
from yuanjiao.network.commands import Sighting, enter_sightings
from yuanjiao.network.models import BoxSighting
from yuanjiao.network.queries import evidence_about
from yuanjiao.people.models import AuditRow
from yuanjiao.people.rules import Actor, Grant, Role
from yuanjiao.register import commands
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db
HEAD = ["序号", "站点编号", "站点名称", "最后在线时间", "在线状态"]
LI, WANG, TAO, GAO = "S-990101100200", "S-990101100201", "S-990101101200", "S-990102100200"
GOOD = [
    [1, LI, "李村站点", "2026-03-02 15:30", "在线"],
    [2, "", "王庄村站点", datetime(2026, 3, 1, 8, 5, 9), "离线"],  # noqa: DTZ001  cells know no zones
    [3, TAO, "", "2026年3月2日 9:00", "是"],
]
BAD = [
    [4, "S-nowhere", "", "2026-03-02 15:30", "在线"],
    [5, GAO, "", "2026-03-02", "在线"],
    [6, GAO, "", "2026-03-02 15:30", "也许"],
    [7, "", "没有这个站点", "2026-03-02 15:30", "在线"],
    [8, GAO, "", "2026-03-09 15:30", "在线"],
]


def xlsx(rows: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    page = book.active
    page.title = "在线清单"
    page.append(["某运营商 IPTV 平台导出"])
    for row in (HEAD, *rows):
        page.append(row)
    target = BytesIO()
    book.save(target)
    return target.getvalue()


def take(content: bytes, cast: Cast, at: datetime, name: str = "清单.xlsx", good_rows_only: bool = False, by: str = "shiguan") -> Any:
    return commands.import_sightings(
        name=name, chunks=[content], size_bytes=len(content), good_rows_only=good_rows_only, by=cast.actor(by), at=at
    )


def china(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


def test_a_list_becomes_sightings_by_code_or_name_and_the_same_list_again_changes_nothing(cast: Cast, at: datetime) -> None:
    outcome = take(xlsx(GOOD), cast, at)
    assert (outcome.rows, outcome.entered, outcome.known, outcome.reasons) == (3, 3, 0, {})
    kept = {(row.site.code, row.seen_at, row.online) for row in BoxSighting.objects.select_related("site")}
    assert kept == {
        (LI, china("2026-03-02T15:30"), True),
        (WANG, china("2026-03-01T08:05:09"), False),
        (TAO, china("2026-03-02T09:00"), True),
    }
    again = take(xlsx(GOOD), cast, at + timedelta(hours=1))
    assert (again.entered, again.known, BoxSighting.objects.count()) == (0, 3, 3)
    assert BoxSighting.objects.filter(entered_at=at + timedelta(hours=1)).count() == 3, "still so on the day of the newer list"
    assert AuditRow.objects.filter(action="导入运营商清单", subject="清单.xlsx").count() == 2
    site = cast.sites[LI]
    (row,) = evidence_about([site.pk], at)[site.pk]
    assert (row.ok, row.at) == (True, china("2026-03-02T15:30"))


def test_lists_of_months_ago_are_let_go(cast: Cast, at: datetime) -> None:
    take(xlsx(GOOD), cast, at)
    take(xlsx(GOOD[:1]), cast, at + timedelta(days=30))
    take(xlsx([]), cast, at + timedelta(days=61))
    assert list(BoxSighting.objects.values_list("site__code", flat=True)) == [LI], "what was told again within two months stays"


def test_wrong_rows_come_back_in_the_same_workbook_and_nothing_is_entered(cast: Cast, at: datetime) -> None:
    outcome = take(xlsx([*GOOD, *BAD]), cast, at)
    assert (outcome.entered, BoxSighting.objects.count()) == (0, 0)
    assert sorted(outcome.reasons) == [6, 7, 8, 9, 10]
    page = openpyxl.load_workbook(commands.returned_file(outcome.returned))["在线清单"]
    assert page["A1"].value == "某运营商 IPTV 平台导出"
    assert [cell.value for cell in page[2]] == [*HEAD, "错误原因"]
    told = {number: page.cell(number, 6).value for number in range(3, 11)}
    assert [told[number] for number in (3, 4, 5)] == [None] * 3
    for number, words in zip(range(6, 11), ("没有编号", "时间看不懂", "应填“在线”或“离线”", "没有名为", "还没有到"), strict=True):
        assert words in told[number]


def test_the_good_rows_alone_when_asked_and_a_csv_of_an_old_platform_comes_back_as_csv(cast: Cast, at: datetime) -> None:
    lines = [HEAD, *([str(cell) for cell in row] for row in (*GOOD, *BAD))]
    content = "\r\n".join(",".join(line) for line in lines).encode("gb18030")
    outcome = take(content, cast, at, name="清单.csv", good_rows_only=True)
    assert (outcome.entered, BoxSighting.objects.count(), len(outcome.reasons)) == (3, 3, 5)
    with Path(commands.returned_file(outcome.returned)).open(encoding="utf-8-sig", newline="") as file:
        returned = list(csv.reader(file))
    assert returned[0] == [*HEAD, "错误原因"]
    assert [row[:-1] for row in returned] == lines
    assert [bool(row[-1]) for row in returned[1:]] == [False] * 3 + [True] * 5


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("清单.doc", b"x", "只收"),
        ("清单.xlsx", b"", "空的"),
        ("清单.xlsx", b"PK\x03\x04 nonsense", "损坏"),
        ("清单.csv", "甲,乙\n1,2\n".encode(), "没有找到表头"),
        ("清单.csv", b"\xff\xfe\x00\x00\x81", "看不懂|没有找到表头"),
    ],
)
def test_what_is_no_list_is_refused_with_the_reason(cast: Cast, at: datetime, name: str, content: bytes, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        take(content, cast, at, name=name)


def test_nobody_speaks_of_sites_outside_their_subtree(cast: Cast, at: datetime) -> None:
    with pytest.raises(Forbidden):
        take(xlsx(GOOD), cast, at, by="xianguan")
    county = Actor("县管理员", None, (Grant(Role.CITY_ADMIN, cast.divisions["990102000000"].path, 1),))
    content = xlsx(GOOD)
    outcome = commands.import_sightings(name="清单.xlsx", chunks=[content], size_bytes=len(content), good_rows_only=True, by=county, at=at)
    assert (outcome.entered, len(outcome.reasons)) == (0, 3)
    with pytest.raises(NotFound):
        enter_sightings(sightings=[Sighting(cast.sites[LI].pk, at, True)], source="x", by=county, at=at)


Enter = Callable[[str], Client]


def test_the_page_takes_a_list_says_what_is_wrong_and_gives_it_back(cast: Cast, log_in: Enter) -> None:
    admin = log_in("shiguan")
    page = admin.post("/register/sightings/", {"file": SimpleUploadedFile("清单.xlsx", xlsx([*GOOD, *BAD[:1]]))}).content.decode()
    assert "1 行有错误" in page
    assert "没有编号为 S-nowhere 的站点" in page
    found = re.search(r"/register/sightings/[0-9a-f-]{36}_[0-9a-f-]{36}\.xlsx/", page)
    returned = admin.get(found[0] if found else "")
    assert "错误原因" in [cell.value for cell in openpyxl.load_workbook(BytesIO(returned.getvalue())).active[2]]
    assert admin.get("/register/sightings/..%2Fsecret_key/").status_code == 404
    assert "新增 3 条" in admin.post("/register/sightings/", {"file": SimpleUploadedFile("清单.xlsx", xlsx(GOOD))}).content.decode()
    assert log_in("xianguan").get("/register/sightings/").status_code == 403
    assert "其后离线" in admin.get(f"/network/sites/{WANG}/").content.decode()
