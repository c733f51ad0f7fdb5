"""Money is whole fen, and is read as people write it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuanjiao.lib.money import in_yuan, to_fen, yuan


@pytest.mark.parametrize(
    ("fen", "text"), [(0, "0.00"), (5, "0.05"), (123_450, "1,234.50"), (-123_450, "-1,234.50"), (-5, "-0.05"), (10**11, "1,000,000,000.00")]
)
def test_amounts_are_read_with_two_decimals_and_commas(fen: int, text: str) -> None:
    assert yuan(fen) == text


@given(fen=st.integers(-(10**14), 10**14))
def test_no_fen_is_lost_on_the_way_to_yuan_and_back(fen: int) -> None:
    assert to_fen(in_yuan(fen)) == fen == to_fen(Decimal(yuan(fen).replace(",", "")))


def test_a_part_of_a_fen_is_refused() -> None:
    with pytest.raises(ValueError, match="whole number of fen"):
        to_fen(Decimal("0.001"))
