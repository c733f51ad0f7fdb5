"""From a spreadsheet to the register and back: check, apply, again, undo."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.register.workbooks import bring, bring_and_apply, counts, division, reasons, returned_reasons, site, write_book
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.network import commands as network
from yuanjiao.network.models import Asset, Edge, Line, ManagedObject, Site, State, StateChange
from yuanjiao.people.models import Account, AuditRow, Membership, Person, Responsibility
from yuanjiao.people.queries import phone_of
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.register import commands
from yuanjiao.register.models import Import, ImportState
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db


def whole_town(path: Path) -> Path:
    """A new town with everything in it, in an order that makes every row lean on a later one where it can."""
    return write_book(
        path,
        {
            "责任人": [
                {
                    "姓名": "钱多多", "单位代码": "ZZ-990101103", "电话": "13900000001", "责任": "第一责任人",
                    "责任区域代码": "990101103000", "账号": "qianduoduo", "岗位": "站点管理员", "起始日期": date(2026, 1, 5),
                },
                {"姓名": "钱多多", "单位代码": "ZZ-990101103", "责任": "站点管理员", "责任区域代码": "990101103200"},
            ],
            "设备": [{"资产编号": "A-1", "设备名称": "机顶盒", "所在对象编号": "S-990101103200", "购置日期": "2024年5月6日"}],
            "站点": [site("S-990101103200", "𬭎村站点", "990101103200", "L-990101103", 站点电话="0990-7654321")],
            "线路": [
                {"线路编号": "L-990101103", "线路名称": "云台乡接入线路", "所在区划代码": "990101103000", "上联编号": "E-990101103"},
            ],
            "边缘服务器": [{"服务器编号": "E-990101103", "服务器名称": "云台乡服务器", "所在区划代码": "990101103000"}],
            "单位": [
                {
                    "单位代码": "ZZ-990101103", "单位名称": "云台乡党委", "系统": "组织", "上级单位代码": "ZZ-990101",
                    "所在区划代码": "990101103000",
                }
            ],
            "区划": [division("990101103200", "𬭎村", 城乡分类="220 村庄"), division("990101103000", "云台乡", 城乡分类=210)],
        },
    )  # fmt: skip


def test_a_whole_town_comes_in_from_one_file_whatever_the_order_of_its_rows(cast: Cast, at: datetime, tmp_path: Path) -> None:
    bring_and_apply(whole_town(tmp_path / "town.xlsx"), by=cast.actor("shiguan"), at=at)
    site_row = Site.objects.select_related("division", "depends_on__depends_on").get(code="S-990101103200")
    assert site_row.name == "𬭎村站点"
    assert site_row.division.path == "/990000000000/990100000000/990101000000/990101103000/990101103200/"
    assert site_row.depends_on is not None
    assert site_row.depends_on.depends_on == Edge.objects.get(code="E-990101103").managedobject_ptr
    assert site_row.beat_key
    assert Asset.objects.get(code="A-1").purchased_on == date(2024, 5, 6)
    person = Person.objects.get(name="钱多多")
    assert phone_of(person) == "13900000001"
    assert Responsibility.objects.filter(person=person).count() == 2
    assert Membership.objects.get(person=person).valid_from == date(2026, 1, 5)
    assert not Account.objects.get(username="qianduoduo").has_usable_password()


def test_the_same_file_again_changes_nothing(cast: Cast, at: datetime, tmp_path: Path) -> None:
    path = whole_town(tmp_path / "town.xlsx")
    first = bring_and_apply(path, by=cast.actor("shiguan"), at=at)
    assert counts(first)["站点"] == (1, 0, 0)
    before = AuditRow.objects.count()
    second = bring_and_apply(path, by=cast.actor("shiguan"), at=at + timedelta(days=1))
    assert all(numbers[:2] == (0, 0) for numbers in counts(second).values())
    assert counts(second)["责任人"] == (0, 0, 2)
    assert not second.changes.exists()
    assert AuditRow.objects.count() == before + 1  # the import itself


def test_one_wrong_row_keeps_the_whole_file_out(cast: Cast, at: datetime, tmp_path: Path) -> None:
    path = write_book(tmp_path / "bad.xlsx", {"站点": [site("S-1", "好站点"), site("S-2", "坏站点", "990101100999")]})
    batch = bring(path, by=cast.actor("shiguan"), at=at)
    assert batch.state == ImportState.REFUSED
    assert reasons(batch) == ["站点3 所在区划代码 区划 990101100999 没有找到，或不在您负责的范围内"]
    with pytest.raises(Refused, match="还有错误"):
        commands.request_apply(batch=batch, good_rows_only=False, by=cast.actor("shiguan"))
    assert not Site.objects.filter(code="S-1").exists()


def test_good_rows_only_leaves_out_what_leans_on_wrong_rows(cast: Cast, at: datetime, tmp_path: Path) -> None:
    path = write_book(
        tmp_path / "mixed.xlsx",
        {
            "线路": [{"线路编号": "L-X", "线路名称": "坏线路", "所在区划代码": "12"}],
            "站点": [site("S-1", "好站点"), site("S-2", "挂在坏线路上", link="L-X")],
            "设备": [{"资产编号": "A-2", "设备名称": "电视", "所在对象编号": "S-2"}],
        },
    )
    batch = bring_and_apply(path, by=cast.actor("shiguan"), at=at, good_rows_only=True)
    assert Site.objects.filter(code="S-1").exists()
    assert not Site.objects.filter(code="S-2").exists()
    assert not Line.objects.filter(code="L-X").exists()
    assert not Asset.objects.exists()
    said = reasons(batch)
    assert "站点3  依赖的“线路”表第 2 行（L-X）有错误" in said
    assert "设备2  依赖的“站点”表第 3 行（S-2）有错误" in said


def test_errors_come_back_in_the_same_file_with_the_reason_in_the_last_column(cast: Cast, at: datetime, tmp_path: Path) -> None:
    path = write_book(tmp_path / "bad.xlsx", {"站点": [site("S-1", "好站点"), site("", "没有编号")], "设备": []})
    batch = bring(path, by=cast.actor("shiguan"), at=at)
    assert returned_reasons(batch) == {"站点": {3: "站点编号：必填"}}


def test_a_returned_file_put_right_is_taken_and_its_old_reasons_are_no_column_of_ours(cast: Cast, at: datetime, tmp_path: Path) -> None:
    from openpyxl import load_workbook

    from yuanjiao.register.documents import files

    batch = bring(
        write_book(tmp_path / "bad.xlsx", {"站点": [site("S-1", "站点"), site("S-1", "站点二")]}), by=cast.actor("shiguan"), at=at
    )
    book = load_workbook(files.returned(batch.uid))
    book["站点"]["A3"] = "S-2"
    book.save(tmp_path / "corrected.xlsx")
    bring_and_apply(tmp_path / "corrected.xlsx", by=cast.actor("shiguan"), at=at)
    assert Site.objects.filter(code__in=["S-1", "S-2"]).count() == 2


def test_a_second_first_responsible_person_of_a_chain_is_refused(cast: Cast, at: datetime, tmp_path: Path) -> None:
    path = write_book(
        tmp_path / "first.xlsx",
        {"责任人": [{"姓名": "新人", "单位代码": "ZZ-990101", "责任": "第一责任人", "责任区域代码": "990101000000"}]},
    )
    batch = bring(path, by=cast.actor("shiguan"), at=at)
    assert reasons(batch) == ["责任人2 责任 该区划在本系统已有第一责任人 赵敏芝，请先办理交接"]


def test_a_name_changed_in_the_file_is_a_dated_change_and_last_months_name_stays(cast: Cast, at: datetime, tmp_path: Path) -> None:
    path = write_book(tmp_path / "rename.xlsx", {"区划": [division("990101100000", "石桥街道")]})
    batch = bring_and_apply(path, by=cast.actor("shiguan"), at=at)
    assert counts(batch)["区划"] == (0, 1, 0)
    old, new = Division.objects.filter(code="990101100000").order_by("valid_from")
    assert (old.name, old.valid_to, new.name, new.valid_from) == ("石桥镇", date(2026, 3, 2), "石桥街道", date(2026, 3, 2))
    assert Division.objects.get(code="990101100200", valid_to=None).parent == new
    assert Line.objects.get(code="L-990101100").division == new
    assert OrgUnit.objects.get(code="ZZ-990101100").division == new
    assert AuditRow.objects.filter(action="导入变更", subject="区划 990101100000").exists()


def test_only_the_importers_own_subtree_can_be_changed(cast: Cast, at: datetime, tmp_path: Path) -> None:
    path = write_book(tmp_path / "far.xlsx", {"区划": [division("990200000000", "邻市"), division("990000000000", "省")]})
    batch = bring(path, by=cast.actor("shiguan"), at=at)
    assert batch.state == ImportState.REFUSED
    assert [one.row for one in batch.problems.all()] == [2, 3]
    with pytest.raises(Refused):
        commands.receive_file(name="x.xlsx", chunks=[b"x"], size_bytes=1, by=cast.actor("xianguan"), at=at)


def test_an_import_can_be_undone_and_leaves_no_trace_in_the_register(cast: Cast, at: datetime, tmp_path: Path) -> None:
    path = whole_town(tmp_path / "town.xlsx")
    tables = (Division, OrgUnit, ManagedObject, Asset, Person, Responsibility, Membership, Account)
    before = [sorted(map(str, model.objects.values_list("uid", flat=True))) for model in tables]
    batch = bring_and_apply(path, by=cast.actor("shiguan"), at=at)
    commands.undo_import(batch=batch, by=cast.actor("shiguan"), at=at)
    assert [sorted(map(str, model.objects.values_list("uid", flat=True))) for model in tables] == before
    assert Import.objects.get(pk=batch.pk).state == ImportState.UNDONE
    with pytest.raises(Conflict):
        commands.undo_import(batch=batch, by=cast.actor("shiguan"), at=at)


def test_undo_puts_back_every_value_a_row_had_before(cast: Cast, at: datetime, tmp_path: Path) -> None:
    def picture() -> list[object]:
        sites = list(
            Site.objects.order_by("code").values("name", "division__name", "depends_on__code", "road", "phone_digest", "lifecycle")
        )
        people = list(Person.objects.order_by("name").values("name", "post", "phone_digest"))
        duties = list(Responsibility.objects.order_by("pk").values("valid_from", "document"))
        return [sites, people, duties, list(Division.objects.order_by("pk").values("code", "name", "urban_rural", "valid_to"))]

    path = write_book(
        tmp_path / "change.xlsx",
        {
            "区划": [division("990101100000", "石桥街道"), division("990101100200", "李村", 城乡分类="122 镇乡结合区")],
            "站点": [
                site("S-990101100200", "李村新站", 站点电话="13911112222", 所在道路="清空", 状态="停用", 停用依据="柳远办〔2026〕1号")
            ],
            "责任人": [
                {
                    "姓名": "李春燕", "单位代码": "ZZ-990101100200", "电话": "13911113333", "职务": "支书", "责任": "站点管理员",
                    "责任区域代码": "990101100200", "起始日期": "2025-06-01", "依据文件": "任命书",
                }
            ],
        },
    )  # fmt: skip
    before = picture()
    batch = bring_and_apply(path, by=cast.actor("shiguan"), at=at)
    assert picture() != before
    assert phone_of(Person.objects.get(name="李春燕")) == "13911113333"
    commands.undo_import(batch=batch, by=cast.actor("shiguan"), at=at)
    assert picture() == before
    assert phone_of(Person.objects.get(name="李春燕")) == "13800000006"


def test_an_import_on_which_something_now_depends_says_what(cast: Cast, at: datetime, tmp_path: Path) -> None:
    batch = bring_and_apply(whole_town(tmp_path / "town.xlsx"), by=cast.actor("shiguan"), at=at)
    place = ManagedObject.objects.get(code="S-990101103200")
    network.add_asset(code="A-late", kind="投影", place=place)
    with pytest.raises(Conflict, match="终端站点已被依赖：设备 1 条"):
        commands.undo_import(batch=batch, by=cast.actor("shiguan"), at=at)
    assert Import.objects.get(pk=batch.pk).state == ImportState.APPLIED
    assert Asset.objects.count() == 2


def test_a_site_that_was_heard_cannot_be_undone_but_one_never_heard_can(cast: Cast, at: datetime, tmp_path: Path) -> None:
    batch = bring_and_apply(whole_town(tmp_path / "town.xlsx"), by=cast.actor("shiguan"), at=at)
    place = ManagedObject.objects.get(code="S-990101103200")
    told = {"object": place, "observer": place.uid, "at": at}
    heard = StateChange.objects.create(state=State.UP, seq=1, **told)
    with pytest.raises(Conflict, match="状态变化 1 条"):
        commands.undo_import(batch=batch, by=cast.actor("shiguan"), at=at)
    heard.delete()
    StateChange.objects.create(state=State.UNKNOWN, seq=2, **told)
    commands.undo_import(batch=batch, by=cast.actor("shiguan"), at=at)


def test_a_row_changed_again_since_is_not_put_back(cast: Cast, at: datetime, tmp_path: Path) -> None:
    first = write_book(tmp_path / "one.xlsx", {"站点": [site("S-990101100200", "一改")]})
    second = write_book(tmp_path / "two.xlsx", {"站点": [site("S-990101100200", "二改")]})
    batch = bring_and_apply(first, by=cast.actor("shiguan"), at=at)
    later = bring_and_apply(second, by=cast.actor("shiguan"), at=at)
    with pytest.raises(Conflict, match="之后又有变更"):
        commands.undo_import(batch=batch, by=cast.actor("shiguan"), at=at)
    commands.undo_import(batch=later, by=cast.actor("shiguan"), at=at)
    commands.undo_import(batch=batch, by=cast.actor("shiguan"), at=at)
    assert Site.objects.get(code="S-990101100200").name == "李村站点"


def test_what_was_right_when_checked_is_checked_again_when_applied(cast: Cast, at: datetime, tmp_path: Path) -> None:
    batch = bring(write_book(tmp_path / "late.xlsx", {"站点": [site("S-9", "站点")]}), by=cast.actor("shiguan"), at=at)
    assert batch.state == ImportState.READY
    Site.objects.filter(depends_on__code="L-990101100").update(depends_on=None)
    Line.objects.get(code="L-990101100").delete()
    commands.request_apply(batch=batch, good_rows_only=False, by=cast.actor("shiguan"))
    batch.refresh_from_db()
    with pytest.raises(Refused, match="检查之后台账有了变化"):
        commands.apply_import(batch=batch, by=cast.actor("shiguan"), at=datetime(2026, 3, 3, tzinfo=UTC))
    assert not Site.objects.filter(code="S-9").exists()


def test_an_import_is_applied_once_however_often_the_button_is_pressed(cast: Cast, at: datetime, tmp_path: Path) -> None:
    batch = bring(write_book(tmp_path / "once.xlsx", {"站点": [site("S-9", "站点")]}), by=cast.actor("shiguan"), at=at)
    commands.request_apply(batch=batch, good_rows_only=False, by=cast.actor("shiguan"))
    with pytest.raises(Conflict):
        commands.request_apply(batch=batch, good_rows_only=False, by=cast.actor("shiguan"))
