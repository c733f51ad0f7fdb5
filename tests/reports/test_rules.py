"""Measures, periods and deadlines, by tables of cases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from yuanjiao.lib.clock import day_start
from yuanjiao.reports.rules import Amounts, Measure, Standing, drafting_months, due_at, measured, months_back, period_of, shown, standing_of

ROWS = [Amounts("a", 60, 20, 20), Amounts("a", 40, 0, 0), Amounts("b", 1, 2, 3)]
MARCH = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("measure", "group", "value"),
    [
        (Measure.COUNT, "", 3),
        (Measure.COUNT, "a", 2),
        (Measure.COUNT, "c", 0),
        (Measure.FIRST, "", 101),
        (Measure.SECOND, "a", 20),
        (Measure.THIRD, "b", 3),
        (Measure.RATE, "a", 100 / 120),
        (Measure.RATE, "c", None),
        (Measure.UNKNOWN_SHARE, "a", 20 / 140),
        (Measure.GROUP_SHARE, "a", 2 / 3),
    ],
)
def test_a_figure_follows_from_its_rows(measure: Measure, group: str, value: float | None) -> None:
    assert measured(measure, ROWS, group) == value


def test_where_there_is_nothing_to_divide_by_no_number_is_invented() -> None:
    assert measured(Measure.GROUP_SHARE, [], "a") is None
    assert shown(Measure.RATE, None, "没有在用站点") == "未出数（没有在用站点）"
    assert shown(Measure.RATE, 0.98534) == "98.53%"
    assert shown(Measure.COUNT, 0) == "0"


@pytest.mark.parametrize(
    ("as_of", "end", "last_day"),
    [
        (datetime(2026, 3, 25, 8, 0, tzinfo=UTC), datetime(2026, 3, 25, 8, 0, tzinfo=UTC), date(2026, 3, 26)),
        (datetime(2026, 4, 9, 8, 0, tzinfo=UTC), day_start(date(2026, 4, 1)), date(2026, 4, 1)),
        (day_start(date(2026, 3, 2)), day_start(date(2026, 3, 2)), date(2026, 3, 2)),
    ],
)
def test_a_period_ends_with_the_snapshot_or_with_the_month(as_of: datetime, end: datetime, last_day: date) -> None:
    period = period_of(date(2026, 3, 17), as_of)
    assert period is not None
    assert (period.start, period.end) == (day_start(MARCH), end)
    assert period.days == (MARCH, last_day)


def test_a_month_that_has_not_begun_has_no_period() -> None:
    assert period_of(MARCH, day_start(MARCH)) is None
    assert period_of(MARCH, day_start(MARCH) - timedelta(days=1)) is None


@pytest.mark.clause("RPT01")
@pytest.mark.parametrize(
    ("drafted", "issued", "now", "standing"),
    [
        (False, None, -1, Standing.NOT_DRAFTED),
        (True, None, -1, Standing.DRAFTED),
        (True, None, 0, Standing.MISSING),
        (False, None, 5, Standing.MISSING),
        (True, -1, 40, Standing.ON_TIME),
        (True, 0, 40, Standing.LATE),
    ],
)
def test_a_report_is_on_time_late_or_missing_by_the_end_of_its_month(
    drafted: bool, issued: int | None, now: int, standing: Standing
) -> None:
    due = due_at(MARCH)
    issued_at = None if issued is None else due + timedelta(hours=issued)
    assert standing_of(MARCH, drafted=drafted, issued_at=issued_at, at=due + timedelta(hours=now)) is standing


def test_drafting_begins_on_the_25th_in_china() -> None:
    assert drafting_months(day_start(date(2026, 3, 25)) - timedelta(seconds=1)) == []
    assert drafting_months(day_start(date(2026, 3, 25))) == [MARCH]
    assert list(months_back(date(2026, 2, 14), 3)) == [date(2026, 2, 1), date(2026, 1, 1), date(2025, 12, 1)]
