"""Rows that are wrong in themselves or beside others: each says where and why."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.register.workbooks import bring, division, reasons, returned_reasons, site, write_book
from yuanjiao.register.models import ImportState
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db
UNIT = {"单位代码": "ZZ-9", "单位名称": "新单位", "系统": "组织", "所在区划代码": "990101000000"}
LINE = {"线路编号": "L-9", "线路名称": "新线路", "所在区划代码": "990101100000"}
EDGE = {"服务器编号": "E-9", "服务器名称": "新服务器", "所在区划代码": "990101000000"}
PERSON = {"姓名": "某人", "单位代码": "ZZ-990101"}
CASES: list[tuple[str, dict[str, list[dict[str, Any]]], str]] = [
    ("a wrong code", {"区划": [division("99010110", "短")]}, "区划2 区划代码 区划代码应为 12 位数字：99010110，现为 8 位"),
    ("a lost zero", {"站点": [site(12, "数字编号")]}, "站点2 站点编号 编号 12 是数字格式"),  # type: ignore[arg-type]
    ("an unknown parent", {"区划": [division("990109100200", "孤村", 上级区划代码="990109100000")]}, "上级区划 990109100000 没有找到"),
    ("a parent not above", {"区划": [division("990101100300", "村", 上级区划代码="990101100200")]}, "的级别不高于它"),
    ("a moved division", {"区划": [division("990101100200", "李村", 上级区划代码="990101101000")]}, "改变隶属须办理区划变更"),
    ("twice in a sheet", {"站点": [site("S-1", "一"), site("S-1", "二")]}, "站点3 站点编号 与第 2 行重复：S-1"),
    ("twice in two sheets", {"线路": [LINE | {"线路编号": "X"}], "站点": [site("X", "站")]}, "站点2 站点编号 与“线路”表第 2 行重复：X"),
    ("a code of another kind", {"站点": [site("L-990101100", "站")]}, "编号 L-990101100 已用于线路"),
    ("a link to a site", {"站点": [site("S-1", "站", link="S-990101100200")]}, "站点不能上联到站点 S-990101100200"),
    ("a circle", {"线路": [LINE | {"上联编号": "L-8"}, LINE | {"线路编号": "L-8", "上联编号": "L-9"}]}, "互相上联成圈"),
    ("a circle through the register", {"边缘服务器": [EDGE | {"服务器编号": "E-990101", "上联编号": "L-990101100"}]}, "互相上联成圈"),
    ("suspended without document", {"站点": [site("S-1", "站", 状态="停用")]}, "状态为“停用”须写明依据文件"),
    ("retired without document", {"站点": [site("S-1", "站", 状态="退役")]}, "状态改为“退役”须写明依据文件"),
    ("a word outside the list", {"站点": [site("S-1", "站", 接入方式="电报")]}, "接入方式“电报”不在可选项内"),
    ("a name too long", {"区划": [division("990101100300", "长" * 61)]}, "最长 60 字，现有 61 字"),
    ("a chain changed", {"单位": [UNIT | {"单位代码": "ZZ-990101", "系统": "教育"}]}, "已有单位的系统不能更改"),
    ("a parent in another chain", {"单位": [UNIT | {"上级单位代码": "DX-9901"}]}, "不在同一系统"),
    ("units above each other", {"单位": [UNIT | {"上级单位代码": "Z8"}, UNIT | {"单位代码": "Z8", "上级单位代码": "ZZ-9"}]}, "互为上下级"),
    ("equipment nowhere", {"设备": [{"资产编号": "A", "设备名称": "电视", "所在对象编号": "S-0"}]}, "对象编号 S-0 没有找到"),
    ("a duty without a place", {"责任人": [PERSON | {"责任": "联络员"}]}, "要么都填，要么都不填"),
    ("an account without a post", {"责任人": [PERSON | {"账号": "mouren"}]}, "填了账号须填岗位"),
    ("an account of another", {"责任人": [PERSON | {"账号": "xianguan", "岗位": "领导"}]}, "账号 xianguan 已被使用"),
    ("a mask on a new row", {"责任人": [PERSON | {"电话": "138****0001"}]}, "新增的行请填完整号码"),
    ("a mask that does not fit", {"责任人": [PERSON | {"姓名": "赵敏芝", "电话": "139****0002"}]}, "隐去的号码与已有号码不符"),
    ("two of one name", {"责任人": [PERSON | {"电话": "13900000001"}, PERSON | {"电话": "13900000002"}]}, "请在姓名后注明"),
    ("a broken formula", {"区划": [division("990101100300", "#REF!")]}, "公式结果是错误值"),
]


@pytest.mark.parametrize(("sheets", "reason"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_wrong_row_says_what_is_wrong(
    cast: Cast, at: datetime, tmp_path: Path, sheets: dict[str, list[dict[str, Any]]], reason: str
) -> None:
    batch = bring(write_book(tmp_path / "bad.xlsx", sheets), by=cast.actor("shiguan"), at=at)
    assert batch.state == ImportState.REFUSED
    assert any(reason in line for line in reasons(batch)), reasons(batch)
    assert any(reason.split(" ", 2)[-1] in text for rows in returned_reasons(batch).values() for text in rows.values())


def test_merged_cells_come_back_with_their_range_and_the_range_stays_in_the_file(cast: Cast, at: datetime, tmp_path: Path) -> None:
    from openpyxl import load_workbook

    from yuanjiao.register.documents import files

    path = write_book(tmp_path / "merged.xlsx", {"站点": [site("S-1", "一"), site("S-2", "二")]})
    book = load_workbook(path)
    book["站点"].merge_cells("C2:C3")
    book.save(path)
    batch = bring(path, by=cast.actor("shiguan"), at=at)
    assert "有合并单元格（C2:C3）" in returned_reasons(batch)["站点"][2]
    assert str(load_workbook(files.returned(batch.uid))["站点"].merged_cells) == "C2:C3"


def test_a_file_that_cannot_be_read_fails_with_the_reason_and_is_not_kept(cast: Cast, at: datetime, tmp_path: Path) -> None:
    from yuanjiao.register.documents import files

    path = tmp_path / "no.xlsx"
    path.write_bytes(b"not a spreadsheet")
    batch = bring(path, by=cast.actor("shiguan"), at=at)
    assert batch.state == ImportState.FAILED
    assert "不是 Excel 表格" in batch.message
    assert not files.original(batch.uid).exists()


def test_hundreds_of_wrong_rows_keep_the_page_short_and_the_file_complete(cast: Cast, at: datetime, tmp_path: Path) -> None:
    rows = [site(f"S-{number}", "站", "990101100999") for number in range(600)]
    batch = bring(write_book(tmp_path / "many.xlsx", {"站点": rows}), by=cast.actor("shiguan"), at=at)
    assert batch.problems.count() == 200
    assert len(returned_reasons(batch)["站点"]) == 600
