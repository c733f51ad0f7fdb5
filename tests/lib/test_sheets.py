"""台账 sheets: what an office expects to find in the file, and that rare characters and codes survive."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO

from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from yuanjiao.lib.sheets import RegisterSheet, SheetColumn, cell_text, write_registers

COLUMNS = [SheetColumn("编号"), SheetColumn("名称", 20), SheetColumn("在用")]


def written(rows: list[list[object]]) -> object:
    target = BytesIO()
    write_registers(target, [RegisterSheet("站点", "站点台账", "柳溪县委组织部", "2026-03-02 16:00", COLUMNS, rows)])  # type: ignore[arg-type]
    target.seek(0)
    return load_workbook(target)["站点"]


def test_a_register_has_title_unit_date_numbers_frozen_head_and_landscape_paper() -> None:
    page = written([["S-1", "李村站点", True], ["S-2", "𣵦里村站点", False]])
    assert page["A1"].value == "站点台账"
    assert "柳溪县委组织部" in page["A2"].value
    assert [cell.value for cell in page[3]] == ["序号", "编号", "名称", "在用"]
    assert [cell.value for cell in page[5]] == [2, "S-2", "𣵦里村站点", "否"]
    assert page.freeze_panes == "A4"
    assert page.page_setup.orientation == "landscape"
    assert page.page_setup.paperSize == 9


def test_a_code_stays_text_with_its_leading_zeros() -> None:
    page = written([["000990101", "甲", True]])
    assert page["B4"].value == "000990101"
    assert page["B4"].number_format == "@"


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=60))
def test_any_name_comes_back_as_it_was_written(name: str) -> None:
    assert (written([["S-1", name, True]])["C4"].value or "") == name


def test_moments_are_written_in_local_time() -> None:
    assert cell_text(datetime(2026, 3, 2, 16, 30, tzinfo=UTC)) == "2026-03-03 00:30"
    assert cell_text(None) == ""
