"""Rules of study days and of counting, by tables of cases."""

from __future__ import annotations

from datetime import date

import pytest

from yuanjiao.learning import rules
from yuanjiao.learning.rules import Recurrence, SessionCount, Use

SIXES = Recurrence(date(2026, 1, 10), date(2026, 3, 16), frozenset({6, 16, 26}))


@pytest.mark.clause("LRN02")
@pytest.mark.parametrize(
    ("recurrence", "start", "end", "expected"),
    [
        (SIXES, date(2026, 1, 1), date(2026, 2, 1), [date(2026, 1, 16), date(2026, 1, 26)]),
        (SIXES, date(2026, 3, 1), date(2026, 4, 1), [date(2026, 3, 6), date(2026, 3, 16)]),
        (SIXES, date(2026, 2, 6), date(2026, 2, 6), []),
        (SIXES, date(2026, 2, 6), date(2026, 2, 7), [date(2026, 2, 6)]),
        (Recurrence(date(2026, 1, 1), None, frozenset({31})), date(2026, 2, 1), date(2026, 4, 1), [date(2026, 3, 31)]),
        (Recurrence(date(2026, 1, 1), None, frozenset({29})), date(2028, 2, 1), date(2028, 3, 1), [date(2028, 2, 29)]),
        (Recurrence(date(2026, 5, 4), None, frozenset(), date(2026, 5, 4)), date(2026, 1, 1), date(2027, 1, 1), [date(2026, 5, 4)]),
    ],
)
def test_a_recurring_study_day_falls_on_its_days_inside_its_dates(
    recurrence: Recurrence, start: date, end: date, expected: list[date]
) -> None:
    assert list(recurrence.between(start, end)) == expected


@pytest.mark.parametrize(("text", "days"), [("6,16,26", {6, 16, 26}), ("6、16、26日", {6, 16, 26}), (" 1 ，31 ", {1, 31}), ("5号", {5})])
def test_days_are_read_as_officers_write_them(text: str, days: set[int]) -> None:
    assert rules.parse_days(text) == days


@pytest.mark.parametrize("text", ["", "0", "32", "6,x", "每月", "-6"])
def test_what_is_not_a_day_of_the_month_is_not_read_as_one(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (int() and ours say it differently)
        rules.parse_days(text)


@pytest.mark.parametrize(
    ("onsite", "online", "word"), [(23, 0, ""), (0, 4, ""), (0, 0, "至少应有 1 人"), (-1, 5, "负"), (5000, 1, "多按"), (2500, 2500, "")]
)
def test_heads_that_cannot_be_are_refused_with_the_reason(onsite: int, online: int, word: str) -> None:
    fault = rules.heads_fault(onsite, online)
    assert (word in fault) if word else not fault


@pytest.mark.clause("LRN15")
def test_sessions_persons_and_person_times_on_site_and_online_are_four_counters() -> None:
    use = rules.use_of_site([SessionCount("/1/", 60, 20, 3), SessionCount("/1/", 90, 12, 0), SessionCount("/1/", 60, 0, 4)])
    assert (use.sessions, use.persons_at_least, use.onsite, use.online) == (3, 23, 32, 7)
    assert use.person_times == 39
    assert use.hours == 3.5
    assert use.sites == 1


def test_use_rolls_up_to_every_place_above_and_to_no_other() -> None:
    by_site = [
        ("/1/11/111/", Use(2, 120, 30, 0, 20, 1)),
        ("/1/11/112/", Use(1, 60, 9, 1, 10, 1)),
        ("/1/12/121/", Use(5, 300, 50, 0, 15, 1)),
    ]
    totals = rules.roll_up(by_site, ["/1/", "/1/11/", "/1/13/"])
    assert totals["/1/"].sessions == 8
    assert totals["/1/11/"] == Use(3, 180, 39, 1, 30, 2)
    assert totals["/1/13/"] == Use()


def test_the_television_key_is_twelve_digits_of_one_box_and_one_site() -> None:
    key = rules.television_key("box-key", "S-1")
    assert len(key) == 12
    assert key.isdecimal()
    assert key == rules.television_key("box-key", "S-1")
    assert len({key, rules.television_key("box-key", "S-2"), rules.television_key("other", "S-1")}) == 3


def test_paths_above_begin_at_the_root_and_end_with_the_place() -> None:
    assert rules.paths_above("/1/11/") == ["/", "/1/", "/1/11/"]
    assert rules.month_span(date(2026, 12, 15)) == (date(2026, 12, 1), date(2027, 1, 1))
