"""The trend's line: gaps where nothing may be told, a band in which the truth lies, nothing drawn outside the picture."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from yuanjiao.desks.screen.trend import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Step, curve

shares = st.floats(0.0, 1.0)
steps = st.lists(
    st.builds(
        lambda ends, known: Step("08:00", sorted(ends)[1] if known else None, (sorted(ends)[0], sorted(ends)[2])),
        st.tuples(shares, shares, shares),
        st.booleans(),
    ),
    max_size=30,
)


def test_a_gap_breaks_the_line_and_not_the_band() -> None:
    rows = [
        Step("1", 0.98, (0.97, 0.99)),
        Step("2", 0.98, (0.97, 0.99)),
        Step("3", None, (0.5, 1.0)),
        Step("4", 0.9, (0.9, 0.9)),
        Step("5", 0.9, (0.9, 0.9)),
    ]
    found = curve(rows)
    assert len(found.lines) == 2
    assert len(found.bands) == 1
    assert len(found.points) == 4


def test_a_place_without_sites_has_nothing_to_draw() -> None:
    found = curve([Step("1", None, None)] * 24)
    assert not found.known
    assert (list(found.lines), list(found.bands), list(found.points)) == ([], [], [])


def test_the_scale_begins_below_the_lowest_rate_and_the_target() -> None:
    assert next(mark.words for mark in curve([Step("1", 0.97, (0.2, 0.98))], target=0.95).levels) == "90%"
    assert [mark.words for mark in curve([Step("1", 1.0, (1.0, 1.0))]).levels][-1] == "100%"


@given(steps, st.one_of(st.none(), shares))
def test_everything_drawn_lies_in_the_picture(rows: list[Step], target: float | None) -> None:
    found = curve(rows, target)
    corners = [pair.split(",") for text in (*found.lines, *found.bands) for pair in text.split()]
    drawn = [(float(x), float(y)) for x, y in corners] + [(point.x, point.y) for point in found.points]
    for x, y in drawn:
        assert LEFT - 0.1 <= x <= WIDTH - RIGHT + 0.1
        assert TOP - 0.1 <= y <= HEIGHT - BOTTOM + 0.1
