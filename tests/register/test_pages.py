"""The register's pages as people meet them: who may see what, upload to undo, and what each state says."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from tests.register.workbooks import bring_and_apply, division, site, write_book
from yuanjiao.lib import clock
from yuanjiao.network import commands as network
from yuanjiao.network.models import Site
from yuanjiao.people.models import Account
from yuanjiao.register import jobs
from yuanjiao.register.documents import files
from yuanjiao.register.models import Import, ImportState
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db
LogIn = Callable[[str], Client]
LISTS = ("division_list", "unit_list", "person_list", "asset_list")


def upload(client: Client, path: Path) -> Import:
    """Upload through the page, as a browser does; the check then runs as the worker runs it."""
    answer = client.post(reverse("register:import_new"), {"file": SimpleUploadedFile(path.name, path.read_bytes())})
    assert answer.status_code == 302, answer.content.decode()
    batch = Import.objects.latest("received_at")
    jobs.run_check(batch.uid)
    return batch


def page_of(client: Client, batch: Import) -> str:
    return client.get(reverse("register:import", args=[batch.uid])).content.decode()


def test_from_upload_to_undo(log_in: LogIn, cast: Cast, tmp_path: Path) -> None:
    client = log_in("shiguan")
    path = write_book(tmp_path / "站点.xlsx", {"站点": [site("S-1", "𬭎村站点")]})
    batch = upload(client, path)
    assert "1 行全部正确：将 1 新增、0 变更、0 未变" in page_of(client, batch)
    client.post(reverse("register:import_apply", args=[batch.uid]))
    assert "正在导入" in page_of(client, batch)
    jobs.run_apply(batch.uid)
    assert "已导入：1 新增 0 变更 0 未变" in page_of(client, batch)
    assert not files.original(batch.uid).exists()
    assert "𬭎村站点" in client.get(reverse("register:import_changes", args=[batch.uid])).content.decode()
    again = upload(client, path)
    assert "0 新增 0 变更 1 未变" in page_of(client, again)
    client.post(reverse("register:import_undo", args=[batch.uid]))
    assert not Site.objects.filter(code="S-1").exists()
    assert "已撤销" in page_of(client, batch)


def test_a_file_with_errors_is_shown_returned_and_given_up(log_in: LogIn, cast: Cast, tmp_path: Path) -> None:
    client = log_in("shiguan")
    batch = upload(client, write_book(tmp_path / "错.xlsx", {"站点": [site("S-1", "好"), site("S-2", "坏", "990101100999")]}))
    text = page_of(client, batch)
    assert "共 2 行，其中 1 行有错误" in text
    assert "只导入正确的 1 行" in text
    answer = client.get(reverse("register:import_returned", args=[batch.uid]))
    book = load_workbook(io.BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]
    assert "没有找到" in str(book["站点"].cell(3, book["站点"].max_column).value)
    client.post(reverse("register:import_cancel", args=[batch.uid]))
    assert Import.objects.get(pk=batch.pk).state == ImportState.CANCELLED
    assert not files.returned(batch.uid).exists()


def test_the_progress_fragment_asks_for_the_whole_page_when_the_work_is_over(log_in: LogIn, cast: Cast, tmp_path: Path) -> None:
    client = log_in("shiguan")
    path = write_book(tmp_path / "x.xlsx", {"站点": [site("S-1", "站")]})
    client.post(reverse("register:import_new"), {"file": SimpleUploadedFile("x.xlsx", path.read_bytes())})
    batch = Import.objects.get()
    address = reverse("register:import_progress", args=[batch.uid])
    files.write_progress(batch.uid, 0.42)
    assert 'value="42"' in client.get(address).content.decode()
    assert 'http-equiv="refresh"' in page_of(client, batch)  # without script the page reloads itself
    jobs.run_check(batch.uid)
    assert client.get(address).headers["HX-Refresh"] == "true"


def test_work_that_breaks_off_does_not_leave_the_import_running_for_ever(log_in: LogIn, cast: Cast, tmp_path: Path) -> None:
    client = log_in("shiguan")
    batch = upload(client, write_book(tmp_path / "x.xlsx", {"站点": [site("S-1", "站")]}))
    client.post(reverse("register:import_apply", args=[batch.uid]))
    files.original(batch.uid).unlink()
    with pytest.raises(FileNotFoundError):
        jobs.run_apply(batch.uid)
    assert "后台处理中断，没有写入任何内容" in page_of(client, batch)


def test_an_empty_file_and_no_file_are_said_on_the_form(log_in: LogIn, cast: Cast) -> None:
    client = log_in("shiguan")
    address = reverse("register:import_new")
    assert client.post(address).status_code == 400
    assert client.post(address, {"file": SimpleUploadedFile("x.xlsx", b"")}).status_code == 400
    assert not Import.objects.exists()


def test_the_import_is_the_importers_alone(log_in: LogIn, cast: Cast, tmp_path: Path) -> None:
    batch = upload(log_in("shiguan"), write_book(tmp_path / "x.xlsx", {"站点": [site("S-1", "站")]}))
    for username in ("xianguan", "rexian", "lingdao"):
        assert log_in(username).get(reverse("register:import", args=[batch.uid])).status_code == 403
    assert Client().get(reverse("register:import_new")).status_code == 302


@pytest.mark.parametrize("name", LISTS)
def test_a_list_shows_the_own_county_and_nothing_of_the_neighbours(log_in: LogIn, cast: Cast, name: str) -> None:
    network.add_asset(code="A-liuxi", kind="机顶盒", place=cast.sites["S-990101100200"])
    network.add_asset(code="A-shiling", kind="机顶盒", place=cast.sites["S-990102100200"])
    for query in ("", "?under=990101000000", "?export=xlsx"):
        answer = log_in("linxian").get(reverse(f"register:{name}") + query)
        assert answer.status_code == 200
        if not answer.streaming:
            text = answer.content.decode()
            assert not [word for word in ("柳溪", "李村", "赵敏芝", "A-liuxi") if word in text]
    assert "柳溪" in log_in("xianguan").get(reverse(f"register:{name}")).content.decode()


def test_the_tree_narrows_a_list_to_a_town(log_in: LogIn, cast: Cast) -> None:
    text = log_in("shiguan").get(reverse("register:division_list"), {"under": "990101100000"}).content.decode()
    assert "王庄村" in text
    assert "桃花村" not in text
    assert "桃源乡" in text  # its neighbour in the tree


def test_a_renamed_county_shows_its_present_name_everywhere(log_in: LogIn, cast: Cast, tmp_path: Path) -> None:
    path = write_book(tmp_path / "x.xlsx", {"区划": [division("990101000000", "柳溪区")]})
    bring_and_apply(path, by=cast.actor("shiguan"), at=clock.now())
    text = log_in("shiguan").get(reverse("register:unit_list")).content.decode()
    assert "柳溪区石桥镇" in text


@pytest.mark.clause("OPS08")
def test_equipment_past_its_years_makes_the_replacement_list_of_each_county(log_in: LogIn, cast: Cast) -> None:
    for code, place, bought in (
        ("A-old", "S-990101100200", date(2012, 1, 1)),
        ("A-new", "S-990101100200", clock.today()),
        ("A-far", "S-990102100200", date(2012, 1, 1)),
        ("A-unknown", "S-990101100200", None),
    ):
        network.add_asset(code=code, kind="机顶盒", place=cast.sites[place], purchased_on=bought, life_years=6)
    client, address = log_in("shiguan"), reverse("register:asset_list")
    text = client.get(address, {"age": "over"}).content.decode()
    assert ("A-old" in text, "A-far" in text, "A-new" in text, "A-unknown" in text) == (True, True, False, False)
    assert "石岭县" in text
    assert "2018" in text
    county = client.get(address, {"age": "over", "under": "990101000000"}).content.decode()
    assert ("A-old" in county, "A-far" in county) == (True, False)
    assert "A-unknown" in client.get(address, {"age": "undated"}).content.decode()


def test_a_first_password_is_shown_once_and_works(log_in: LogIn, cast: Cast, tmp_path: Path) -> None:
    person = {"姓名": "钱多多", "单位代码": "ZZ-990101100", "账号": "qianduoduo", "岗位": "站点管理员"}
    bring_and_apply(write_book(tmp_path / "x.xlsx", {"责任人": [person]}), by=cast.actor("shiguan"), at=clock.now())
    account = Account.objects.select_related("person").get(username="qianduoduo")
    address = reverse("register:person_password", args=[account.person.uid])
    assert log_in("xianguan").post(address).status_code == 403
    answer = log_in("shiguan").post(address)
    assert answer.headers["Cache-Control"] == "no-store"
    password = answer.content.decode().split('once-password">')[1].split("<")[0]
    account.refresh_from_db()
    assert account.check_password(password)
    assert account.must_change_password
    assert password not in log_in("shiguan").get(reverse("register:person", args=[account.person.uid])).content.decode()


def test_phones_are_masked_on_page_and_sheet(log_in: LogIn, cast: Cast) -> None:
    client = log_in("shiguan")
    text = client.get(reverse("register:person_list")).content.decode()
    assert "138****0002" in text
    assert "13800000002" not in text
    sheet = load_workbook(io.BytesIO(b"".join(client.get(reverse("register:person_list") + "?export=xlsx").streaming_content)))  # type: ignore[attr-defined]
    assert not [cell for row in sheet.active.iter_rows(values_only=True) for cell in row if "13800000" in str(cell)]


def test_template_and_whole_register_come_as_workbooks_with_chinese_names(log_in: LogIn, cast: Cast) -> None:
    for name in ("template_file", "whole_file"):
        answer = log_in("shiguan").get(reverse(f"register:{name}"))
        assert "filename*=utf-8''" in answer.headers["Content-Disposition"].lower()
        assert load_workbook(io.BytesIO(b"".join(answer.streaming_content))).sheetnames[1] == "区划"  # type: ignore[attr-defined]


def test_files_nobody_finished_are_deleted_after_a_week(log_in: LogIn, cast: Cast, tmp_path: Path) -> None:
    from datetime import timedelta

    batch = upload(log_in("shiguan"), write_book(tmp_path / "x.xlsx", {"站点": [site("S-1", "站")]}))
    assert jobs.forget_old_uploads(clock.now()) == 0
    assert jobs.forget_old_uploads(clock.now() + timedelta(days=8)) == 1
    assert not files.original(batch.uid).exists()
    assert Import.objects.get(pk=batch.pk).state == ImportState.CANCELLED
