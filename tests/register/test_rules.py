"""How cells become values: the ways people and Excel spoil them, and what is said then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest

from yuanjiao.register import rules

DAY = date(2026, 1, 31)


@pytest.mark.parametrize(
    ("read", "cell", "value"),
    [
        (rules.division_code, "990101100200", "990101100200"),
        (rules.division_code, "９９０１０１１００２００", "990101100200"),
        (rules.division_code, "　9901 0110 0200\n", "990101100200"),
        (rules.division_code, "'990101100200", "990101100200"),
        (rules.division_code, 990101100200.0, "990101100200"),
        (rules.code_text, "Ｓ－００１ ", "S-001"),
        (rules.name_text, "　李村（新）\u200b ", "李村（新）"),
        (rules.name_text, "𣵦里村", "𣵦里村"),
        (rules.name_text, '他说"好"\r\n第二行', '他说"好"\n第二行'),
        (rules.day, "2026-01-31", DAY),
        (rules.day, "2026/1/31", DAY),
        (rules.day, "2026.01.31", DAY),
        (rules.day, "２０２６年１月３１日", DAY),
        (rules.day, "20260131", DAY),
        (rules.day, 20260131.0, DAY),
        (rules.day, 46053.0, DAY),
        (rules.day, datetime(2026, 1, 31, 8, 0), DAY),  # noqa: DTZ001  (a spreadsheet's dates have no zone)
        (rules.day, DAY, DAY),
        (rules.phone, "138-0000-0001", "138-0000-0001"),
        (rules.phone, 13800000001.0, "13800000001"),
        (rules.phone, "（0990）7654321".replace("（", "").replace("）", "-"), "0990-7654321"),
        (rules.phone, "138****0001", "138****0001"),
        (rules.yes_no, "是", True),
        (rules.yes_no, False, False),
        (rules.yes_no, "√", True),
    ],
)
def test_what_people_write_is_understood(read: Callable[[Any], Any], cell: Any, value: Any) -> None:
    assert read(cell) == value


@pytest.mark.parametrize(
    ("read", "cell", "reason"),
    [
        (rules.division_code, "9.90101E+11", "科学计数法"),
        (rules.division_code, 90101100200.0, "可能丢了前面的 0"),
        (rules.division_code, "9901011002", "现为 10 位"),
        (rules.division_code, "99010110020X", "12 位数字"),
        (rules.code_text, 12.0, "前面的 0 可能已丢失"),
        (rules.code_text, "1E+15", "科学计数法"),
        (rules.name_text, "#REF!", "错误值"),
        (rules.day, "2026-02-30", "没有这一天"),
        (rules.day, "明天", "看不懂"),
        (rules.day, "1026-01-01", "不合常理"),
        (rules.phone, 9907654321.0, "区号前的 0"),
        (rules.phone, "没有", "电话号码不对"),
        (rules.yes_no, "大概", "是"),
    ],
)
def test_what_cannot_be_taken_says_why(read: Callable[[Any], Any], cell: Any, reason: str) -> None:
    with pytest.raises(rules.BadCell, match=reason):
        read(cell)


def test_a_word_outside_the_list_names_the_list() -> None:
    names = {"220": "220 村庄", "111": "111 主城区"}
    assert [rules.choice(cell, names, "城乡分类") for cell in ("220 村庄", "220村庄", 220.0, "２２０")] == ["220"] * 4
    with pytest.raises(rules.BadCell, match="不在可选项内：220 村庄、111 主城区"):
        rules.choice("乡村", names, "城乡分类")
