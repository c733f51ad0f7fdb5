"""The pages as people meet them: what each person is offered, and that nothing offered leads nowhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from django.test import Client

from tests.courseware.conftest import publish
from yuanjiao.courseware import commands
from yuanjiao.courseware.jobs import clear_old_uploads, requeue_packaging
from yuanjiao.courseware.models import Column, Courseware, RenditionJob
from yuanjiao.courseware.packaging import work
from yuanjiao.courseware.packaging.tasks import package_courseware
from yuanjiao.courseware.rules.life import State
from yuanjiao.simulation.cast import Cast

LogIn = Callable[[str], Client]


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def test_a_producer_goes_from_an_empty_list_to_an_upload_form(cast: Cast, log_in: LogIn) -> None:
    client = log_in("zhizuo")
    assert "新建课件" in page(client, "/courseware/")
    assert (
        "必填" in client.post("/courseware/new/", {}).content.decode()
        or "field-error" in client.post("/courseware/new/", {}).content.decode()
    )
    words = {"title": "桃树夏剪", "item_class": "service", "source": "own", "summary": "", "speaker": ""}
    answer = client.post("/courseware/new/", words, follow=True)
    assert "上传视频" in answer.content.decode()
    item = Courseware.objects.get()
    edited = client.post(f"/courseware/{item.uid}/edit/", {**words, "title": "桃树夏季修剪"}, follow=True).content.decode()
    assert "桃树夏季修剪" in edited
    assert "桃树夏季修剪" in page(client, "/courseware/?state=draft")
    assert client.get("/courseware/?export=xlsx").status_code == 200


def test_progress_is_shown_while_it_works_and_the_page_loads_anew_at_the_end(draft: Courseware, log_in: LogIn, at: datetime) -> None:
    job = RenditionJob.objects.create(courseware=draft, profile="box-sd", state="running", percent=42, queued_at=at, beat_at=at)
    Courseware.objects.filter(pk=draft.pk).update(state=State.PACKAGING)
    client = log_in("zhizuo")
    assert "42%" in page(client, f"/courseware/{draft.uid}/")
    assert "HX-Refresh" not in client.get(f"/courseware/{draft.uid}/progress/").headers
    RenditionJob.objects.filter(pk=job.pk).update(state="failed", reason="解码不到结尾")
    assert client.get(f"/courseware/{draft.uid}/progress/")["HX-Refresh"] == "true"
    whole = page(client, f"/courseware/{draft.uid}/")
    assert "解码不到结尾" in whole
    assert "重试失败的规格" in whole
    assert client.post(f"/courseware/{draft.uid}/retry/").status_code == 302
    job.refresh_from_db()
    assert job.state == "waiting"


def test_reviewer_and_manager_walk_an_item_to_its_column(
    draft: Courseware, films: dict[str, Path], column: Column, cast: Cast, at: datetime, tmp_path: Path, log_in: LogIn
) -> None:
    copy = tmp_path / "film"
    copy.write_bytes(films["short.mp4"].read_bytes())
    commands.take_original(courseware=draft, path=copy, filename="a.mp4", by=cast.actor("zhizuo"), at=at)
    work.package_item(draft.uid, now=lambda: at)
    reviewer, manager, author = log_in("shenhe"), log_in("shiguan"), log_in("zhizuo")
    assert draft.title in page(reviewer, "/courseware/review/")
    assert draft.title not in page(manager, "/courseware/release/")
    address = f"/courseware/{draft.uid}/"
    assert "通过" in page(reviewer, address)
    assert "退回修改" not in page(author, address)
    assert reviewer.post(address + "return/", {"reason": ""}).status_code == 400
    assert reviewer.post(address + "return/", {"reason": "太暗"}).status_code == 302
    assert "太暗" in page(author, address)
    assert author.post(address + "submit/").status_code == 302
    assert reviewer.post(address + "approve/").status_code == 302
    assert draft.title in page(manager, "/courseware/release/")
    assert column.summary in page(manager, address)
    assert manager.post(address + "release/", {"column": []}).status_code == 400
    assert manager.post(address + "release/", {"column": [str(column.uid)]}).status_code == 302
    assert draft.title in page(manager, f"/courseware/columns/{column.uid}/")
    assert "已发布" in page(author, address)
    assert manager.post(address + "withdraw/", {"reason": "过时"}).status_code == 302
    assert "已撤下" in page(author, address)


def test_captions_are_added_on_the_item_page(
    draft: Courseware, films: dict[str, Path], cast: Cast, at: datetime, tmp_path: Path, log_in: LogIn
) -> None:
    copy = tmp_path / "film"
    copy.write_bytes(films["short.mp4"].read_bytes())
    commands.take_original(courseware=draft, path=copy, filename="a.mp4", by=cast.actor("zhizuo"), at=at)
    captions = tmp_path / "a.vtt"
    captions.write_text("WEBVTT\n\n00:00.000 --> 00:01.000\n先看树形\n")
    with open(captions, "rb") as stream:
        answer = log_in("zhizuo").post(f"/courseware/{draft.uid}/captions/", {"captions": stream}, follow=True)
    assert "换一份字幕" in answer.content.decode()


def test_a_column_is_opened_changed_and_put_in_order(cast: Cast, films: dict[str, Path], at: datetime, log_in: LogIn) -> None:
    client = log_in("shiguan")
    assert "开设栏目" in page(client, "/courseware/columns/")
    form = {
        "title": "农技", "summary": "", "owner": "ZZ-9901", "audience": "/", "accepts_class": "", "official": "on", "order": "10",
        "visible_from": "2026-01-01", "visible_to": "",
    }  # fmt: skip
    assert client.post("/courseware/columns/new/", form).status_code == 302
    column = Column.objects.get()
    wrong = client.post(f"/courseware/columns/{column.uid}/", {**form, "audience": "/110000000000/"}).content.decode()
    assert "field-error" in wrong
    assert client.post(f"/courseware/columns/{column.uid}/", {**form, "title": "农技课堂"}).status_code == 302
    publish(cast, column, films["short.mp4"], at, title="一")
    second = publish(cast, column, films["short.mp4"], at, title="二")
    place = column.placements.get(courseware=second)
    client.post(f"/courseware/placements/{place.uid}/move/", {"to": "down"})
    shown = re.findall(r"<li>\s*<a [^>]+>(.)</a>", page(client, f"/courseware/columns/{column.uid}/"))
    assert shown == ["一", "二"]
    assert client.post(f"/courseware/placements/{place.uid}/remove/").status_code == 400
    assert "农技课堂" in page(client, "/courseware/columns/")
    assert "二" in page(client, "/courseware/library/?q=二")


def test_people_outside_see_nothing_of_an_item(draft: Courseware, column: Column, log_in: LogIn) -> None:
    for name in ("linxian", "xianguan", "lingdao", "zhanguan"):
        assert log_in(name).get(f"/courseware/{draft.uid}/").status_code in {403, 404}
    assert log_in("shiguan").get("/courseware/018f0000-0000-7000-8000-000000000000/").status_code == 404


@pytest.mark.django_db
def test_the_jobs_and_the_task_do_nothing_when_there_is_nothing(at: datetime) -> None:
    assert requeue_packaging(at) == 0
    assert clear_old_uploads(at) == 0
    package_courseware.func("018f0000-0000-7000-8000-000000000000")
