"""The made-up city as a spreadsheet: whole while it is small, in pieces that one import takes when it is large."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from yuanjiao.register.documents.workbook import MAX_ROWS, read_workbook
from yuanjiao.simulation.city import Plan, make_city
from yuanjiao.simulation.workbook import portions, write_workbook


def test_a_small_city_is_one_workbook_the_import_can_read(tmp_path: Path) -> None:
    city = make_city(Plan(2, 3, 12))
    assert portions(city) == [city]
    rows = write_workbook(city, tmp_path / "city.xlsx", since=date(2025, 1, 1))
    sheets = {sheet.plan.name: len(sheet.rows) for sheet in read_workbook(tmp_path / "city.xlsx")}
    assert sum(sheets.values()) == rows
    assert sheets["站点"] == 12
    assert sheets["设备"] == 24


def test_a_large_city_comes_in_pieces_each_within_the_limit_and_together_whole(tmp_path: Path) -> None:
    city = make_city(Plan(3, 30, 6000))
    pieces = portions(city)
    assert len(pieces) == 3
    assert sum(len(list(piece.sites())) for piece in pieces) == 6000
    assert write_workbook(pieces[0], tmp_path / "piece.xlsx", since=date(2025, 1, 1)) < MAX_ROWS
