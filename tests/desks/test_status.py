"""The page that says how this machine stands: what it has, what it lacks, since when it hears nobody."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from yuanjiao.courseware.models import Courseware, Rendition
from yuanjiao.flow.blobs.models import Rank
from yuanjiao.flow.blobs.watching import watch_storage
from yuanjiao.flow.catalogue.models import CurrentCatalogue
from yuanjiao.flow.journal.record import record
from yuanjiao.flow.models import Blob, Node, SpentBytes, Spoilt, Wanted
from yuanjiao.lib import clock
from yuanjiao.lib.dayspans import read_spans
from yuanjiao.lib.s3address import S3Address
from yuanjiao.programmes.events import CatalogueFollowed
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db
COUNTY = "990101000000"
HOUR = timedelta(hours=1)


@pytest.fixture
def edge(cast: Cast, at: datetime, monkeypatch: pytest.MonkeyPatch) -> Cast:
    """This machine is an edge of 柳溪县 whose parent answered a moment ago; it has no catalogue yet."""
    monkeypatch.setattr(clock, "now", lambda: at)
    Node.objects.filter(is_self=True).update(kind="edge", scope=cast.divisions[COUNTY].path, name="柳溪县边缘服务器")
    Node.objects.create(kind="centre", name="青禾市远教中心", public_key=b"p" * 32, is_parent=True, enrolled_at=at)
    CurrentCatalogue.objects.create(version=1772438400, whole_version=1772438400, accepted_at=at - HOUR, asked_at=at, heard_at=at)
    return cast


def told(client: Client) -> str:
    answer = client.get("/status/")
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    return answer.content.decode().split("<main")[1].split("</main>")[0]


def test_a_machine_that_has_everything_says_so_to_anybody(edge: Cast, client: Client) -> None:
    page = told(client)
    for words in ("一切正常", "柳溪县边缘服务器", "青禾市远教中心", "第 1772438400 版", "不缺", "没有，都已报上", "本机照看的站点"):
        assert words in page
    assert "注意" not in page


@pytest.mark.clause("DLV02")
def test_what_is_lacking_is_counted_with_its_size_its_age_and_its_trouble(edge: Cast, client: Client, at: datetime) -> None:
    for number in range(3):
        row = {"media_type": "video/mp4", "asked_at": at - number * HOUR, "asked_version": 1}
        Wanted.objects.create(sha256=str(number) * 64, size=2_000_000, **row)
    Wanted.objects.filter(sha256="1" * 64).update(problem="上级节点还没有文件 111111111111…", failures=2)
    page = told(client)
    assert "文件 3 个，共 6" in page
    assert "2026-03-02 14:00" in page
    assert "上级节点还没有文件" in page
    assert "一切正常" not in page


def test_a_parent_that_is_silent_is_said_with_since_when_and_what_waits_for_it(edge: Cast, client: Client, at: datetime) -> None:
    CurrentCatalogue.objects.update(heard_at=at - 50 * HOUR, failures=900, problem="连不上上级节点（ConnectError），稍后重试")
    for version in (1, 2):
        record(CatalogueFollowed(subject="", path="", version=version), at=at - 49 * HOUR)
    page = told(client)
    assert "自 2026-02-28 14:00 起联系不上" in page
    assert "已 2 天 2 小时" in page
    assert "联系不上上级。看课、记学习照常" in page
    assert "2 条记录，最早的记于 2026-02-28 15:00" in page
    CurrentCatalogue.objects.update(heard_at=None)
    assert "还没有应答过" in told(client)


HELD: dict[str, tuple[dict[str, Any], str]] = {
    "window": ({"BLOB_WINDOW": read_spans("22:00-06:00")}, "按下载时段等到 22:00"),
    "hour": ({"BYTES_HOUR": 1000}, "等到 17:00，本小时流量已用完"),
    "day": ({"BYTES_DAY": 1000}, "今日流量已用完"),
}


@pytest.mark.parametrize("name", HELD)
def test_what_waits_for_its_hours_or_bytes_says_so_and_is_no_trouble(
    edge: Cast, client: Client, at: datetime, settings: Any, name: str
) -> None:
    values, words = HELD[name]
    for setting, value in values.items():
        setattr(settings, setting, value)
    SpentBytes.objects.create(hour_at=at, hour_bytes=1000, day_on=clock.local_day(at), day_bytes=1000)
    assert "下载" not in told(client), "nothing is lacking"
    row = Wanted.objects.create(sha256="0" * 64, size=2_000_000, media_type="video/mp4", asked_at=at, asked_version=1)
    page = told(client)
    assert words in page
    assert "注意" not in page
    Wanted.objects.filter(pk=row.pk).update(rank=Rank.LESSON)
    assert words not in told(client)


def test_a_spoilt_file_is_said_with_what_it_is_of_until_it_is_mended(edge: Cast, client: Client, at: datetime) -> None:
    made = {"unit": edge.units["ZZ-9901"], "created_at": at, "released_at": at, "item_class": "education"}
    item = Courseware.objects.create(title="防汛常识", state="released", **made)
    name = "5" * 64
    Rendition.objects.create(uid=uuid4(), courseware=item, profile="box-sd", kind="video", blob=name, size_bytes=9, duration_s=1)
    Blob.objects.create(sha256=name, size=9, listed=True)
    row = Spoilt.objects.create(sha256=name, size=9, trouble="rotten", found_at=at - HOUR)
    page = told(client)
    assert "1 个文件已坏或不见，最早的自 03-02 15:00 起，正向上级重新取回" in page
    assert item.title in page
    assert "一切正常" not in page
    Blob.objects.update(listed=False)
    assert "没有上级可取" in told(client)
    Courseware.objects.filter(pk=item.pk).update(state="draft")
    assert item.title not in told(client), "titles that are not public are not told"
    row.mended_at = at
    row.save()
    page = told(client)
    assert "没有坏的文件" in page
    assert "修复 1 个" in page
    assert "一切正常" in page


def test_what_is_left_out_for_lack_of_room_is_said_and_is_no_trouble(edge: Cast, client: Client, at: datetime, settings: Any) -> None:
    assert "限额" not in told(client)
    settings.BLOB_QUOTA = 30_000_000
    Blob.objects.create(sha256="5" * 64, size=20_000_000, listed=True)
    row = {"media_type": "video/mp4", "asked_at": at, "asked_version": 1, "left_out": True}
    Wanted.objects.create(sha256="0" * 64, size=2_000_000, **row)
    page = told(client)
    assert "放不下的文件 1 个" in page
    assert "不缺" in page
    assert "一切正常" in page


def test_a_full_disk_is_said(edge: Cast, client: Client, settings: Any) -> None:
    settings.MIN_FREE_BYTES = 1 << 60
    assert "空间不足" in told(client)


def test_storage_that_does_not_answer_is_said_with_since_when(edge: Cast, client: Client, at: datetime, settings: Any) -> None:
    settings.BLOBS_S3 = S3Address("http://127.0.0.1:1", "films", "x")
    watch_storage(at)
    page = told(client)
    assert "文件存储" in page
    assert "自 2026-03-02 16:00 起用不上" in page
    assert "一切正常" not in page


def test_the_top_speaks_of_no_parent(cast: Cast, client: Client) -> None:
    page = told(client)
    assert "上级" not in page
    assert "还缺" not in page


def test_no_person_is_named(edge: Cast, log_in: Callable[[str], Client]) -> None:
    page = told(log_in("xianguan"))
    assert not [person.name for person in edge.people.values() if person.name in page]


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("size", "view"), [("wide", (1280, 860)), ("phone", (390, 844)), ("television", (640, 530))])
def test_the_page_fits_every_screen(edge: Cast, at: datetime, live_server: Any, settings: Any, size: str, view: tuple[int, int]) -> None:
    from playwright.sync_api import sync_playwright

    settings.BLOB_WINDOW = read_spans("22:00-06:00")
    CurrentCatalogue.objects.update(heard_at=at - 50 * HOUR, problem="连不上上级节点（ConnectError），稍后重试")
    Wanted.objects.create(
        sha256="0" * 64, size=2_000_000, media_type="video/mp4", asked_at=at, asked_version=1, problem="磁盘已满，下载暂停"
    )
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": view[0], "height": view[1]}, locale="zh-CN")
        page.goto(f"{live_server.url}/status/")
        assert page.evaluate("document.documentElement.scrollWidth") <= view[0]
        if folder := os.environ.get("TEST_PICTURES"):
            page.screenshot(path=str(Path(folder) / f"status-{size}.png"), full_page=True)
        browser.close()
