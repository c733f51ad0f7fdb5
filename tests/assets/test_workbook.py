"""The register's workbook brings equipment anywhere, takes it back, and goes out and in again without a change."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.funds.conftest import Books, books
from tests.register.test_round_trip import assert_nothing_changes
from tests.register.workbooks import bring, bring_and_apply, counts, reasons, returned_reasons, write_book
from yuanjiao.assets import commands, queries
from yuanjiao.assets.models import Issue, Move
from yuanjiao.funds.rules import Category, EntryKind
from yuanjiao.network.models import Asset, Condition
from yuanjiao.register.commands import undo_import
from yuanjiao.register.models import ImportState
from yuanjiao.simulation.cast import Cast

__all__ = ["books"]
BOX = {"资产编号": "A-1", "设备名称": "机顶盒"}
AT_SITE, AT_UNIT, IN_STORE = {"所在对象编号": "S-990101100200"}, {"使用单位代码": "ZZ-990101100"}, {"备件库单位代码": "ZZ-990101"}


def sheet(tmp_path: Path, *rows: dict[str, Any]) -> Path:
    return write_book(tmp_path / "book.xlsx", {"设备": list(rows)})


@pytest.mark.clause("OPS08", "FND01")
def test_a_sheet_brings_equipment_to_sites_units_and_stores_and_again_changes_nothing(books: Books, tmp_path: Path) -> None:
    books.give(1_000_000)
    bought = books.pay(90_000, kind=EntryKind.PURCHASE, category=Category.EQUIPMENT)
    by = books.cast.actor("shiguan")
    full = {**BOX, **AT_SITE, "型号": "DTV", "规格": "高清", "购置日期": "2024-05-06", "单价（元）": "1,280.50", "质保到期": "2027-05-06",
            "资金凭证号": str(bought), "经办人": "赵敏芝"}  # fmt: skip
    rows = [
        full,
        {"资产编号": "PC-1", "设备名称": "计算机", **AT_UNIT},
        {"资产编号": "A-2", "设备名称": "机顶盒", **IN_STORE, "单价（元）": 300},
    ]
    bring_and_apply(sheet(tmp_path, *rows), by=by, at=books.at)
    box = Asset.objects.get(code="A-1")
    assert (box.price_fen, box.specification, box.paid_from, box.handled_by) == (128_050, "高清", "WH2026-2", "赵敏芝")
    assert {row.code: (queries.where(row), row.condition) for row in queries.assets(["/"])} == {
        "A-1": ("李村站点", "in_service"), "PC-1": ("石桥镇党委（配发）", "in_service"), "A-2": ("柳溪县委组织部备件库", "spare"),
    }  # fmt: skip
    assert counts(bring(sheet(tmp_path, *rows), by=by, at=books.at))["设备"] == (0, 0, 3)
    assert_nothing_changes(books.cast, tmp_path / "whole.xlsx")


CASES = [
    ({**BOX, **AT_SITE, **IN_STORE}, "一件设备只在一处"),
    (BOX, "三者填一"),
    ({**BOX, "使用单位代码": "ZZ-0"}, "单位代码 ZZ-0 没有找到"),
    ({**BOX, **AT_SITE, "使用状态": "备用"}, "备用的设备须在备件库"),
    ({**BOX, **IN_STORE, "使用状态": "在用"}, "在备件库的设备不能是"),
    ({**BOX, **AT_SITE, "单价（元）": "12.345"}, "最多两位小数"),
    ({**BOX, **AT_SITE, "单价（元）": "-3"}, "应为金额"),
    ({**BOX, **AT_SITE, "资金凭证号": "WH2026-9"}, "没有凭证号为 WH2026-9 的采购分录"),
]


@pytest.mark.parametrize(("row", "reason"), CASES)
def test_a_wrong_row_comes_back_with_its_reason_and_nothing_is_applied(
    cast: Cast, at: datetime, tmp_path: Path, row: dict[str, Any], reason: str
) -> None:
    good = {"资产编号": "A-9", "设备名称": "电视机", **AT_SITE}
    batch = bring(sheet(tmp_path, good, row), by=cast.actor("shiguan"), at=at)
    assert batch.state == ImportState.REFUSED
    assert reason in "".join(reasons(batch))
    assert reason in "".join(returned_reasons(batch)["设备"].values())
    assert not Asset.objects.exists()


def test_a_sheet_that_moves_equipment_writes_its_way_and_can_be_undone(cast: Cast, at: datetime, tmp_path: Path) -> None:
    by, who = cast.actor("shiguan"), {"by": cast.actor("shiguan"), "at": at}
    bring_and_apply(sheet(tmp_path, {**BOX, **IN_STORE, "单价（元）": 300}), by=by, at=at)
    box = Asset.objects.get()
    commands.issue_asset(asset=box, unit=cast.units["ZZ-990101100"], taker="刘建国", document="", on=date(2026, 3, 2), **who)
    batch = bring_and_apply(sheet(tmp_path, {**BOX, **AT_SITE, "单价（元）": "412.34"}), by=by, at=at)
    box.refresh_from_db()
    assert (queries.where(box), box.unit_id, box.condition, box.price_fen) == ("李村站点", None, Condition.IN_SERVICE, 41_234)
    assert Issue.objects.get().returned_on is not None
    assert [(one.act, one.left, one.reached) for one in Move.objects.all()][-1] == ("listed", "石桥镇党委（配发）", "李村站点")
    undo_import(batch=batch, by=by, at=at)
    box.refresh_from_db()
    assert (box.unit.code if box.unit else "", box.place_id, box.price_fen) == ("ZZ-990101100", None, 30_000)


@pytest.mark.clause("OPS22")
def test_what_a_sheet_gives_to_a_unit_is_a_hand_over_that_undoing_takes_back(cast: Cast, at: datetime, tmp_path: Path) -> None:
    by, town, county = cast.actor("shiguan"), cast.units["ZZ-990101100"].pk, cast.units["ZZ-990101"].pk
    first = bring_and_apply(sheet(tmp_path, {**BOX, **AT_UNIT}, {**BOX, "资产编号": "A-2", **IN_STORE}), by=by, at=at)
    assert [(one.asset.code, one.unit_id, one.returned_on) for one in queries.issues(["/"])] == [("A-1", town, None)]
    other = {"使用单位代码": "ZZ-990101"}
    batch = bring_and_apply(sheet(tmp_path, {**BOX, **other}, {**BOX, "资产编号": "A-2", **AT_UNIT}), by=by, at=at)
    out = Issue.objects.filter(returned_on=None).order_by("asset__code")
    assert [(one.asset.code, one.unit_id) for one in out] == [("A-1", county), ("A-2", town)]
    undo_import(batch=batch, by=by, at=at)
    assert [(one.asset.code, one.unit_id, one.returned_on) for one in queries.issues(["/"])] == [("A-1", town, None)]
    assert batch != first


def test_undoing_the_entry_takes_its_hand_over_with_it(cast: Cast, at: datetime, tmp_path: Path) -> None:
    by = cast.actor("shiguan")
    batch = bring_and_apply(sheet(tmp_path, {**BOX, **AT_UNIT}), by=by, at=at)
    undo_import(batch=batch, by=by, at=at)
    assert not Asset.objects.exists()
    assert not Issue.objects.exists()


def test_undoing_reopens_the_hand_over_that_the_sheet_ended(cast: Cast, at: datetime, tmp_path: Path) -> None:
    by = cast.actor("shiguan")
    bring_and_apply(sheet(tmp_path, {**BOX, **IN_STORE}), by=by, at=at)
    box, town = Asset.objects.get(), cast.units["ZZ-990101100"]
    commands.issue_asset(asset=box, unit=town, taker="刘建国", document="", on=date(2026, 3, 2), by=by, at=at)
    batch = bring_and_apply(sheet(tmp_path, {**BOX, **AT_SITE}), by=by, at=at)
    assert Issue.objects.get().returned_on is not None
    undo_import(batch=batch, by=by, at=at)
    issue = Issue.objects.get()
    assert (issue.taker, issue.returned_on) == ("刘建国", None)
