"""Urgent work, stories and offers upward, bulk imports, counts: commands and the pages people meet."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from base64 import b64encode
from collections.abc import Callable
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django_tasks_db.models import DBTaskResult

from tests.courseware.test_kinds import new, on_air, pdf, photo
from yuanjiao.courseware import commands, jobs, queries
from yuanjiao.courseware.commands.bulk import folder_of, take_archive
from yuanjiao.courseware.models import BulkImport, BulkState, Column, Commission, CommissionKind, Courseware, Offer, OfferState
from yuanjiao.courseware.packaging import bundle, pages, pictures
from yuanjiao.courseware.packaging.probe import NotUsable
from yuanjiao.courseware.rules.kinds import Kind
from yuanjiao.courseware.rules.life import State
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused
from yuanjiao.people import commands as people
from yuanjiao.people.rules import Role
from yuanjiao.simulation.cast import SINCE, Cast

LogIn = Callable[[str], Client]
ON = date(2026, 3, 2)


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


# -- urgent work ------------------------------------------------------------------------------------------------------------


@pytest.mark.clause("CW13")
def test_urgent_work_carries_its_deadline_to_the_reviewers_and_is_done_when_the_item_is_released(
    cast: Cast, column: Column, at: datetime, log_in: LogIn
) -> None:
    manager, author = cast.actor("shiguan"), cast.actor("zhizuo")
    plain, urgent = (new(cast, at, Kind.LINK, title, address="https://a.example.cn/") for title in ("平常", "防汛"))
    row = commands.open_commission(
        kind=CommissionKind.URGENT, title="防汛避险", unit=cast.units["ZZ-9901"], due_at=at + timedelta(days=1), by=manager, at=at
    )  # fmt: skip
    commands.take_commission(commission=row, courseware=urgent, by=author, at=at)
    for item in (plain, urgent):
        commands.submit_courseware(courseware=item, by=author, at=at)
    waiting = queries.urgent_first(Courseware.objects.filter(state=State.IN_REVIEW))
    assert [item.title for item in waiting] == ["防汛", "平常"]
    shown = page(log_in("shenhe"), "/courseware/review/")
    assert shown.index("防汛") < shown.index("平常")
    with pytest.raises(Refused, match="还没有发布"):
        commands.close_commission(commission=row, done=True, closing="好了", by=manager, at=at)
    on_air(cast, urgent, column, at)
    commands.close_commission(commission=Commission.objects.get(), done=True, closing="已播出", by=manager, at=at)
    with pytest.raises(Conflict):
        commands.close_commission(commission=row, done=False, closing="再来", by=manager, at=at)


@pytest.mark.clause("CW13")
def test_a_change_is_done_only_when_the_unfit_version_is_gone(cast: Cast, column: Column, at: datetime) -> None:
    item, manager = on_air(cast, new(cast, at, Kind.LINK, address="https://a.example.cn/"), column, at), cast.actor("shiguan")
    row = commands.open_commission(
        kind=CommissionKind.CHANGE, title="改正农药名", unit=item.unit, courseware=item, due_at=at + timedelta(days=2), by=manager, at=at
    )  # fmt: skip
    with pytest.raises(Refused, match="还在播出"):
        commands.close_commission(commission=row, done=True, closing="改了", by=manager, at=at)
    commands.withdraw_courseware(courseware=item, reason="农药已禁用", by=manager, at=at)
    commands.close_commission(commission=Commission.objects.get(), done=True, closing="已撤下", by=manager, at=at)
    with pytest.raises(Forbidden):
        commands.open_commission(
            kind=CommissionKind.URGENT, title="x", unit=item.unit, due_at=at + timedelta(days=1), by=cast.actor("zhizuo"), at=at
        )  # fmt: skip


# -- stories and offers -----------------------------------------------------------------------------------------------------


@pytest.mark.clause("CW25")
def test_a_story_from_a_phone_is_returned_put_right_and_taken_up(cast: Cast, log_in: LogIn) -> None:
    phone, editor = log_in("zhanguan"), log_in("shenhe")
    city = cast.divisions["990100000000"].path
    said = {"title": "修路的王大爷", "text": "天天扫雪。", "division": city}
    sent = phone.post("/courseware/stories/new/", {**said, "photos": SimpleUploadedFile("a.jpg", photo())})
    assert sent.status_code == 302
    offer = Offer.objects.get()
    assert "修路的王大爷" in page(editor, "/courseware/offers/received/")
    assert "<figure>" in page(editor, f"/courseware/offers/{offer.uid}/")
    assert editor.post(f"/courseware/offers/{offer.uid}/decide/", {"do": "return", "reason": ""}).status_code == 400
    assert editor.post(f"/courseware/offers/{offer.uid}/decide/", {"do": "return", "reason": "写明哪个村"}).status_code == 302
    assert "写明哪个村" in page(phone, "/courseware/offers/")
    assert "再次报送" in page(phone, f"/courseware/offers/{offer.uid}/")
    again = phone.post(f"/courseware/offers/{offer.uid}/", {**said, "text": "李村的王大爷天天扫雪。"})
    assert again.status_code == 302
    newest = Offer.objects.get(state=OfferState.OFFERED)
    assert editor.post(f"/courseware/offers/{newest.uid}/decide/", {"do": "accept"}).status_code == 302
    item = Courseware.objects.get()
    assert item.state == State.IN_REVIEW
    assert "李村" in item.body
    assert "<figure>" in item.body
    with pytest.raises(Refused, match="所涉人物"):
        commands.approve_courseware(courseware=item, by=cast.actor("shenhe"), at=item.created_at)


@pytest.mark.clause("CW25")
def test_a_declined_story_is_answered_with_the_reason_and_not_sent_again(cast: Cast, at: datetime) -> None:
    sender, city = cast.actor("zhanguan"), cast.divisions["990100000000"]
    offer = commands.send_story(title="一件事", text="很好。", photos=[], division=city, by=sender, at=at)
    with pytest.raises(Conflict, match="等待答复"):
        commands.offer_courseware(courseware=offer.courseware, division=city, by=sender, at=at)
    commands.decline_offer(offer=offer, reason="已有同样的", by=cast.actor("shenhe"), at=at)
    with pytest.raises(Refused, match="不采用"):
        commands.offer_courseware(courseware=offer.courseware, division=city, by=sender, at=at)
    assert queries.offers_sent_by(sender).get().reason == "已有同样的"
    with pytest.raises(NotFound):
        queries.offer_for(cast.actor("linxian"), offer.uid)


def test_a_story_with_something_that_is_no_photograph_is_not_half_kept(cast: Cast, at: datetime) -> None:
    city = cast.divisions["990100000000"]
    with pytest.raises(NotUsable):
        commands.send_story(title="一件事", text="很好。", photos=[photo(), b"<svg/>"], division=city, by=cast.actor("zhanguan"), at=at)
    assert not Courseware.objects.exists()


@pytest.mark.clause("CW21", "CW18")
def test_a_countys_material_taken_up_by_the_city_is_shown_to_everybody(cast: Cast, column: Column, at: datetime) -> None:
    county, city = cast.units["ZZ-990101"], cast.divisions["990100000000"]
    people.appoint(person=cast.people["xianguan"], unit=county, role=Role.PRODUCER, on=SINCE)
    author = cast.actor("xianguan")
    item = commands.create_courseware(
        title="乡土地理", kind=Kind.LINK, address="https://a.example.cn/", item_class="education", source="own", material="school",
        by=author, at=at,
    )  # fmt: skip
    commands.submit_courseware(courseware=item, by=author, at=at)
    with pytest.raises(Refused, match="现在不能报送"):
        commands.offer_courseware(courseware=item, division=city, by=author, at=at)
    commands.approve_courseware(courseware=item, by=cast.actor("shenhe"), at=at)
    with pytest.raises(Refused, match="上级"):
        commands.offer_courseware(courseware=item, division=cast.divisions["990102000000"], by=author, at=at)
    offer = commands.offer_courseware(courseware=item, division=city, by=author, at=at)
    commands.accept_offer(offer=offer, columns=[column], by=cast.actor("shiguan"), at=at)
    assert [card.title for card in queries.released_items(on=ON)] == ["乡土地理"]


# -- bulk imports -----------------------------------------------------------------------------------------------------------

HEADS = [field.title for field in bundle.FIELDS]


def archive(rows: list[dict[str, str]], files: dict[str, bytes], heads: list[str] | None = None) -> bytes:
    book, sheet, target = openpyxl.Workbook(), BytesIO(), BytesIO()
    assert book.active is not None
    book.active.append(heads or HEADS)
    for row in rows:
        book.active.append([row.get(head, "") for head in heads or HEADS])
    book.save(sheet)
    with zipfile.ZipFile(target, "w") as inside:
        inside.writestr("清单.xlsx", sheet.getvalue())
        for name, content in files.items():
            inside.writestr(name, content)
    return target.getvalue()


ROWS = [
    {"标题": "防疫手册", "形式": "文档", "类别": "服务类", "文件": "手册.pdf", "权利人": "市卫健委", "授权截止": "2028/1/1"},
    {"标题": "田间照片", "形式": "图集", "类别": "服务", "文件": "照片/田.jpg"},
    {"标题": "农业频道", "形式": "外部链接", "类别": "教育类", "网址": "https://a.example.cn/"},
]
FILES = {"手册.pdf": pdf(1), "照片/田.jpg": photo()}


def bring(cast: Cast, content: bytes, folder: Path, at: datetime, department: str = "市卫健委") -> BulkImport:
    bulk = commands.open_bulk_import(department=department, by=cast.actor("zhizuo"), at=at)
    path = folder / "sent.zip"
    path.write_bytes(content)
    take_archive(bulk=bulk, path=path, filename="课件.zip", by=cast.actor("zhizuo"))
    commands.check_bulk_import(bulk=bulk, by=cast.actor("zhizuo"), at=at)
    return bulk


@pytest.mark.clause("CW14")
def test_a_departments_items_come_in_with_origin_rights_and_files(cast: Cast, at: datetime, tmp_path: Path) -> None:
    bulk = bring(cast, archive(ROWS, FILES), tmp_path, at)
    assert (bulk.state, bulk.message) == (BulkState.READY, "")
    assert not Courseware.objects.exists()
    assert commands.apply_bulk_import(bulk=bulk, good_rows_only=False, by=cast.actor("zhizuo"), at=at) == 3
    assert bulk.state == BulkState.APPLIED
    made = {item.title: item for item in Courseware.objects.all()}
    assert {item.origin for item in made.values()} == {"市卫健委"}
    assert {item.source for item in made.values()} == {"department"}
    assert made["防疫手册"].rights_to == date(2028, 1, 1)
    assert made["防疫手册"].rights.holder == "市卫健委"
    assert made["防疫手册"].state == State.PACKAGING
    assert made["田间照片"].parts.count() == 1
    assert bring(cast, archive(ROWS, FILES), tmp_path, at).rows.filter(problem__contains="已经导入过").count() == 3


@pytest.mark.clause("CW14")
def test_wrong_rows_come_back_in_the_same_sheet_and_good_ones_may_go_on(cast: Cast, at: datetime, tmp_path: Path) -> None:
    wrong = [
        {"标题": "", "形式": "视频", "类别": "服务类", "文件": "手册.pdf"},
        {"标题": "假视频", "形式": "视频", "类别": "服务类", "文件": "手册.pdf"},
        {"标题": "没文件", "形式": "文档", "类别": "服务类", "文件": "别的.pdf"},
        {"标题": "坏日子", "形式": "文档", "类别": "服务类", "文件": "手册.pdf", "权利人": "甲", "授权截止": "明年"},
        {"标题": "没类别", "形式": "文档", "文件": "手册.pdf"},
        {"标题": "坏标签", "形式": "文档", "类别": "服务类", "文件": "手册.pdf", "主题标签": "没有的"},
    ]
    bulk = bring(cast, archive([*ROWS, *wrong], FILES), tmp_path, at)
    assert bulk.state == BulkState.REFUSED
    back = openpyxl.load_workbook(commands.returned_path(bulk)).worksheets[0]
    last = back.max_column
    assert back.cell(1, last).value == bundle.REASONS
    told = [str(back.cell(number, last).value or "") for number in range(2, 11)]
    assert told[:3] == ["", "", ""]
    for reason, words in zip(told[3:], ["标题", "不是视频文件", "没有这个文件", "不是日期", "类别没有填", "主题标签"], strict=True):
        assert any(word in reason for word in words.split("|")), reason
    with pytest.raises(Refused, match="还有错误"):
        commands.apply_bulk_import(bulk=bulk, good_rows_only=False, by=cast.actor("zhizuo"), at=at)
    assert commands.apply_bulk_import(bulk=bulk, good_rows_only=True, by=cast.actor("zhizuo"), at=at) == 3


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_while_an_archive_is_unpacked_and_looked_at(
    cast: Cast, at: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside: list[bool] = []

    def noting(function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*given: Any) -> Any:
            inside.append(connection.in_atomic_block)
            return function(*given)

        return called

    bulk = bring(cast, archive(ROWS, FILES), tmp_path, at)
    monkeypatch.setattr(bundle.Bundle, "copy", noting(bundle.Bundle.copy))
    monkeypatch.setattr(pages, "look", noting(pages.look))
    assert commands.apply_bulk_import(bulk=bulk, good_rows_only=False, by=cast.actor("zhizuo"), at=at) == 3
    assert len(inside) >= 4
    assert not any(inside), "gigabytes are unpacked inside the transaction: every other writer waits"


HOLD = (
    "import fcntl, sys, time; held = open(sys.argv[1], 'wb'); fcntl.flock(held, fcntl.LOCK_EX); print('held', flush=True); time.sleep(600)"
)


def test_an_import_whose_worker_is_killed_is_told_as_broken_off(cast: Cast, at: datetime, tmp_path: Path) -> None:
    bulk = bring(cast, archive(ROWS, FILES), tmp_path, at)
    BulkImport.objects.filter(pk=bulk.pk).update(state=BulkState.APPLYING)
    line = [sys.executable, "-c", HOLD, str(folder_of(bulk) / "at-work")]
    with subprocess.Popen(line, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        worker.stdout.readline()
        assert commands.free_bulk_imports(at=at) == 0, "somebody is at it"
        BulkImport.objects.filter(pk=bulk.pk).update(state=BulkState.READY)
        with pytest.raises(Conflict, match="正在办理"):
            commands.apply_bulk_import(bulk=bulk, good_rows_only=False, by=cast.actor("zhizuo"), at=at)
        BulkImport.objects.filter(pk=bulk.pk).update(state=BulkState.APPLYING)
        worker.kill()
    assert commands.free_bulk_imports(at=at) == 1
    bulk.refresh_from_db()
    assert (bulk.state, bulk.message) == (BulkState.FAILED, "处理中断，没有写入任何内容，请重新上传")
    assert commands.free_bulk_imports(at=at) == 0


BAD_ARCHIVES = [
    (b"PK\x03\x04 not really", "ZIP"),
    (archive(ROWS, FILES)[:-40], "ZIP"),
    (archive([], {}), "一行也没有"),
    (archive(ROWS, {}, heads=["标题", "文件"]), "缺少列"),
    (archive(ROWS, {"另一张.xlsx": b"x"}), "有且只有一张"),
]


@pytest.mark.parametrize(("content", "why"), BAD_ARCHIVES, ids=range(len(BAD_ARCHIVES)))
def test_what_is_no_delivery_is_named(content: bytes, why: str, cast: Cast, at: datetime, tmp_path: Path) -> None:
    bulk = bring(cast, content, tmp_path, at)
    assert bulk.state == BulkState.FAILED
    assert why in bulk.message


def test_a_file_cannot_be_taken_from_outside_the_archive(cast: Cast, at: datetime, tmp_path: Path) -> None:
    row = {"标题": "越界", "形式": "文档", "类别": "服务类", "文件": "../../../../etc/passwd"}
    bulk = bring(cast, archive([row], {"../../../../etc/passwd.pdf": pdf(1)}), tmp_path, at)
    assert "没有这个文件" in bulk.rows.get().problem


def zip_of_zeros(size: int) -> bytes:
    target = BytesIO(archive([{**ROWS[1]}], {}))
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as inside:
        inside.writestr("照片/田.jpg", bytes(size))
    return target.getvalue()


def test_a_picture_that_unpacks_to_more_than_a_picture_is_never_read(
    cast: Cast, at: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "LARGEST_BYTES", 2_000_000)
    read: list[int] = []
    monkeypatch.setattr(pictures, "cleaned", lambda content: read.append(len(content)))
    assert "解压后超过 2 MB" in bring(cast, zip_of_zeros(2_000_001), tmp_path, at).rows.get().problem
    assert not read


def test_an_archive_that_would_fill_the_disk_when_unpacked_is_said_so(cast: Cast, at: datetime, tmp_path: Path, settings: Any) -> None:
    content = zip_of_zeros(30_000_000)
    free = shutil.disk_usage(settings.HOME if Path(settings.HOME).exists() else tmp_path).free
    settings.MIN_FREE_BYTES = free - 15_000_000
    bulk = bring(cast, content, tmp_path, at)
    assert bulk.state == BulkState.FAILED
    assert "磁盘空间不足" in bulk.message


def test_names_written_on_chinese_windows_are_read(cast: Cast, at: datetime, tmp_path: Path) -> None:
    target = BytesIO(archive([{**ROWS[0]}], {}))
    with zipfile.ZipFile(target, "a") as inside:
        info = zipfile.ZipInfo("x" * len("手册.pdf".encode("gbk")))
        inside.writestr(info, pdf(1))
    content = target.getvalue().replace(b"x" * len("手册.pdf".encode("gbk")), "手册.pdf".encode("gbk"))
    assert bring(cast, content, tmp_path, at).state == BulkState.READY


def test_a_delivery_goes_through_the_pages(cast: Cast, log_in: LogIn) -> None:
    client = log_in("zhizuo")
    assert client.get("/courseware/bulk/template/").status_code == 200
    file = SimpleUploadedFile("课件.zip", archive(ROWS, FILES))
    answer = client.post("/courseware/bulk/new/", {"department": "市文旅局", "archive": file})
    assert answer.status_code == 302
    bulk = BulkImport.objects.get()
    jobs.check_bulk.func(str(bulk.uid))
    assert "全部导入" in page(client, f"/courseware/bulk/{bulk.uid}/")
    client.post(f"/courseware/bulk/{bulk.uid}/", {"do": "all"})
    jobs.import_bulk.func(str(bulk.uid), False)
    assert "防疫手册" in page(client, f"/courseware/bulk/{bulk.uid}/")
    assert log_in("shiguan").get(f"/courseware/bulk/{bulk.uid}/").status_code in {403, 404}


# -- pages and counts -------------------------------------------------------------------------------------------------------


@pytest.mark.clause("CW01", "CW04")
def test_counts_are_by_month_level_column_kind_and_class(cast: Cast, column: Column, at: datetime, log_in: LogIn) -> None:
    for title in ("一", "二"):
        on_air(cast, new(cast, at, Kind.LINK, title, address="https://a.example.cn/"), column, at)
    found = queries.released_counts(cast.actor("shiguan"), since=date(2026, 1, 1), until=date(2027, 1, 1))
    assert [(f"{one.month:%Y-%m}", one.level, one.column, one.kind, one.item_class, one.count) for one in found] == [
        (f"{at:%Y-%m}", "市", "农技课堂", "外部链接", "服务类", 2)
    ]
    assert queries.class_split(cast.actor("shiguan")) == {"服务类": 2}
    assert queries.released_counts(cast.actor("xianguan"), since=date(2026, 1, 1), until=date(2027, 1, 1)) == []
    assert "服务类 2 件" in page(log_in("shiguan"), "/courseware/counts/")


@pytest.mark.clause("CW16", "CW20")
def test_topics_and_age_bands_tag_an_item_and_narrow_every_list(cast: Cast, column: Column, at: datetime, log_in: LogIn) -> None:
    manager = log_in("shiguan")
    assert manager.post("/courseware/settings/", {"do": "usual"}).status_code == 302
    assert "农业技术" in page(manager, "/courseware/settings/")
    producer = log_in("zhizuo")
    said = {"title": "识五谷", "item_class": "education", "source": "own", "age_band": "primary", "topics": ["farming", "pupils", "show"]}
    assert producer.post("/courseware/new/?kind=link", {**said, "address": "https://a.example.cn/"}).status_code == 302
    on_air(cast, Courseware.objects.get(), column, at)
    card = queries.released_items(on=ON, topics=("farming",), age_band="primary")[0]
    assert card.topics == ("农业技术", "学生", "现场示范") or set(card.topics) == {"农业技术", "学生", "现场示范"}
    assert queries.released_items(on=ON, topics=("law",)) == []
    choices = queries.filter_choices(on=ON)
    assert [name for name, _topics in choices.topics] == ["主题", "受众", "互动形式"]
    assert choices.age_bands == (("primary", "小学（6—12 岁）"),)
    assert manager.post("/courseware/settings/", {"do": "end-topic", "code": "farming"}).status_code == 302
    assert "farming" not in page(producer, "/courseware/new/?kind=link")


def test_every_page_of_an_article_works_without_script(cast: Cast, at: datetime, log_in: LogIn) -> None:
    client = log_in("zhizuo")
    item = new(cast, at, Kind.ARTICLE, "图文", is_story=True)
    address = f"/courseware/{item.uid}/"
    both = [SimpleUploadedFile("a.jpg", photo()), SimpleUploadedFile("b.svg", b"<svg/>")]
    told = client.post(address + "pictures/", {"pictures": both}, follow=True).content.decode()
    assert "已加上 1 张图片" in told
    assert "矢量图" in told
    assert client.post(address + "pictures/1/", {"do": "caption", "caption": "冬剪"}).status_code == 302
    assert "[图1]" in page(client, address + "article/")
    assert client.post(address + "article/", {"source": "看[图9]"}).status_code == 400
    assert client.post(address + "article/", {"source": "看\n\n[图1]"}).status_code == 302
    assert "<figcaption>冬剪</figcaption>" in page(client, address)
    assert client.post(address + "people/", {"name": "张秀英", "is_living": "on"}).status_code == 302
    assert "张秀英" in page(client, address + "people/")
    assert client.post(address + "rights/", {"holder": "本单位", "price": "12.50", "rights_to": "2030-01-01"}).status_code == 302
    item.refresh_from_db()
    assert item.rights.price_fen == 1250
    assert (
        client.post(
            "/courseware/needs/new/",
            {"text": "想学冬剪", "origin": "hotline", "division": cast.divisions["990100000000"].path, "times": "3"},
        ).status_code
        == 302
    )
    assert "想学冬剪" in page(client, address + "needs/")
    assert client.post(address + "needs/", {"need": [str(queries.needs_seen_by(cast.actor("zhizuo")).get().uid)]}).status_code == 302
    assert "想学冬剪" in page(client, address)
    assert client.post(address + "submit/").status_code == 302
    assert "材料" in page(log_in("shenhe"), address)
    for name in ("needs/", "materials/", "counts/", "commissions/", "offers/", "bulk/"):
        page(client, "/courseware/" + name)


def test_urgent_work_goes_through_the_pages(cast: Cast, at: datetime, log_in: LogIn) -> None:
    manager, producer = log_in("shiguan"), log_in("zhizuo")
    form: dict[str, Any] = {"title": "防汛避险", "detail": "三分钟", "unit": "ZZ-9901", "due_on": "2099-01-01"}
    assert manager.post("/courseware/commissions/new/", {**form, "due_on": "2001-01-01"}).status_code == 400
    assert manager.post("/courseware/commissions/new/", form).status_code == 302
    row = Commission.objects.get()
    item = new(cast, at, Kind.LINK, "防汛", address="https://a.example.cn/")
    assert "承接" in page(producer, f"/courseware/commissions/{row.uid}/")
    assert producer.post(f"/courseware/commissions/{row.uid}/", {"do": "take", "item": str(item.uid)}).status_code == 302
    assert "防汛" in page(manager, "/courseware/commissions/?open=1")
    assert manager.post(f"/courseware/commissions/{row.uid}/", {"do": "cancel", "closing": "不需要了"}).status_code == 302


def word(*paragraphs: str) -> bytes:
    document, target = docx.Document(), BytesIO()
    for text in paragraphs:
        document.add_paragraph(text)
    document.save(target)
    return target.getvalue()


@pytest.mark.clause("CW14", "CW01")
def test_articles_come_in_by_the_lot_as_word_and_as_plain_text(cast: Cast, at: datetime, tmp_path: Path) -> None:
    rows = [
        {"标题": "秸秆还田", "形式": "图文", "类别": "服务类", "文件": "还田.docx"},
        {"标题": "春耕倡议", "形式": "图文", "类别": "教育类", "文件": "倡议.txt"},
    ]
    files = {"还田.docx": word("先粉碎，后深翻。"), "倡议.txt": "## 春耕\n\n早整地，早选种。".encode("gbk")}
    bulk = bring(cast, archive(rows, files), tmp_path, at)
    assert bulk.state == BulkState.READY, list(bulk.rows.values_list("problem", flat=True))
    assert commands.apply_bulk_import(bulk=bulk, good_rows_only=False, by=cast.actor("zhizuo"), at=at) == 2
    bodies = {item.title: item.body for item in Courseware.objects.all()}
    assert "先粉碎，后深翻。" in bodies["秸秆还田"]
    assert "<h3>春耕</h3>" in bodies["春耕倡议"] or "<h2>春耕</h2>" in bodies["春耕倡议"]
    assert "早整地" in bodies["春耕倡议"]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("假.docx", b"PK\x03\x04 no", "损坏"),
        ("空.txt", b"  \n", "空的"),
        ("图.txt", b"\x89PNG\r\n\x1a\n\x00\x00", "不是文字"),
        ("表.docx", archive([], {}), "不是 PPTX、DOCX"),
        ("长.txt", "字".encode() * 100_001, "请分成几篇"),
    ],
)
def test_what_is_no_article_is_named_before_anything_is_made(
    name: str, content: bytes, why: str, cast: Cast, at: datetime, tmp_path: Path
) -> None:
    row = {"标题": "坏图文", "形式": "图文", "类别": "服务类", "文件": name}
    bulk = bring(cast, archive([row], {name: content}), tmp_path, at)
    assert bulk.state == BulkState.REFUSED
    assert why in bulk.rows.get().problem


@pytest.mark.clause("CW14")
def test_an_archive_larger_than_a_form_comes_in_parts_and_goes_on_after_a_cut(cast: Cast, log_in: LogIn, settings: Any) -> None:
    settings.MAX_BODY_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    client, content = log_in("zhizuo"), archive(ROWS, FILES)
    assert len(content) > 3000
    address = client.post("/courseware/bulk/new/", {"department": "市文旅局"})["Location"]
    bulk = BulkImport.objects.get()
    assert f'data-bulk="{bulk.uid}"' in page(client, address)
    assert client.post(address, {"do": "all"}).status_code == 400
    told = f"filename {b64encode('大包.zip'.encode()).decode()},bulk {b64encode(str(bulk.uid).encode()).decode()}"
    tus = {"Tus-Resumable": "1.0.0"}
    opened = client.post("/courseware/uploads/", headers={**tus, "Upload-Length": str(len(content)), "Upload-Metadata": told})
    assert opened.status_code == 201, opened.content.decode()
    where = opened["Location"]
    stranger = log_in("shiguan").head(where, headers=tus)
    assert stranger.status_code in {403, 404}
    for start, end in ((0, 1700), (1700, len(content))):
        said = client.head(where, headers=tus)
        assert said["Upload-Offset"] == str(start), "what was acknowledged is there after a cut"
        part = client.patch(
            where, content[start:end], content_type="application/offset+octet-stream", headers={**tus, "Upload-Offset": str(start)}
        )
        assert part.status_code == 204, part.content.decode()
    bulk.refresh_from_db()
    assert (bulk.file_name, bulk.size_bytes) == ("大包.zip", len(content))
    (row,) = DBTaskResult.objects.filter(task_path=jobs.check_bulk.module_path)
    jobs.check_bulk.func(*row.args_kwargs["args"])
    bulk.refresh_from_db()
    assert bulk.state == BulkState.READY
    again = client.post("/courseware/uploads/", headers={**tus, "Upload-Length": "5", "Upload-Metadata": told})
    assert again.status_code == 409
