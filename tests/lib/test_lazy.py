"""A lazy sequence is a list whose rows are made when they are looked at."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from yuanjiao.lib.lazy import Lazy


def test_a_row_is_made_when_it_is_looked_at_and_only_once() -> None:
    made: list[int] = []

    def make(number: int) -> str:
        made.append(number)
        return f"row {number}"

    rows = Lazy(3_000, make)
    assert (len(rows), rows[2], rows[2], rows[-1], made) == (3_000, "row 2", "row 2", "row 2999", [2, 2999])
    assert list(rows[10:12]) == ["row 10", "row 11"]
    assert made == [2, 2999, 10, 11]


@given(st.integers(0, 12), st.integers(-15, 15), st.integers(-15, 15), st.sampled_from([-2, -1, 1, 3]))
def test_it_answers_like_the_list_of_its_rows(count: int, first: int, last: int, step: int) -> None:
    rows, plain = Lazy(count, lambda number: number * number), [number * number for number in range(count)]
    assert rows == plain
    assert rows[first:last:step] == plain[first:last:step]
    assert bool(rows) == bool(plain)
    assert rows != [*plain, 1]
    assert 1_000 not in rows
