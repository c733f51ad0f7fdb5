"""Pure rules of contests and certificates."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuanjiao.production.rules.contests import Criterion, may_judge, ranked, sheet_fault, total
from yuanjiao.production.rules.numbers import certificate_number, read_number


@pytest.mark.parametrize(
    ("sheets", "expected"),
    [
        ([], None), ([90], "90.00"), ([90, 85, 86], "87.00"), ([1, 2, 2], "1.67"), ([0, 80, 81, 82, 100], "81.00"),
        ([70, 70, 70, 70, 70], "70.00"), ([100, 0, 50, 60], "52.50"),
    ],
)  # fmt: skip
def test_a_total_is_the_mean_and_from_five_sheets_on_without_the_highest_and_the_lowest(sheets: list[int], expected: str | None) -> None:
    assert total(sheets) == (Decimal(expected) if expected else None)


def test_equal_totals_share_a_place_and_the_next_is_left_out() -> None:
    assert ranked({1: Decimal(80), 2: Decimal(90), 3: Decimal(80), 4: None, 5: Decimal(70)}) == [(1, 2), (2, 1), (2, 3), (4, 5)]


@pytest.mark.clause("CW12")
def test_no_judge_receives_works_of_the_own_unit_its_parent_or_child_or_one_stepped_back_from() -> None:
    assert may_judge(judge_units={7}, entry_unit=1, kin={2, 3}, stepped_back=False)
    assert not may_judge(judge_units={1}, entry_unit=1, kin=set(), stepped_back=False)
    assert not may_judge(judge_units={9, 3}, entry_unit=1, kin={2, 3}, stepped_back=False)
    assert not may_judge(judge_units={7}, entry_unit=1, kin=set(), stepped_back=True)


def test_a_sheet_must_be_whole_and_within_its_points() -> None:
    asked = [Criterion("a", "内容", 60), Criterion("b", "制作", 40)]
    assert sheet_fault(asked, {"a": 60, "b": 0}) == ""
    assert "制作" in sheet_fault(asked, {"a": 60})
    assert "内容" in sheet_fault(asked, {"a": 61, "b": 1})
    assert sheet_fault(asked, {"a": 1, "b": 1, "c": 1})


@pytest.mark.clause("CW09")
@given(st.integers(2000, 2099), st.integers(1, 99999), st.integers(0, 8), st.integers(1, 9))
def test_a_number_is_read_as_people_type_it_and_one_wrong_digit_is_always_found(year: int, running: int, place: int, off: int) -> None:
    number = certificate_number(year, running)
    assert read_number(f" {number.lower().replace('-', '')} ") == number
    assert read_number(number.replace("-", "－").replace("Y", "Ｙ")) == number
    digits = [position for position, letter in enumerate(number) if letter.isdigit()]
    at = digits[place]
    wrong = number[:at] + str((int(number[at]) + off) % 10) + number[at + 1 :]
    assert read_number(wrong) is None
