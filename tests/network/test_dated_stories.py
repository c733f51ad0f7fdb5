"""The rules of dated stories as properties: whatever happens to an object, each day has one answer, and the past stays what it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from yuanjiao.lib.uid import new_uid
from yuanjiao.network.rules.pieces import without
from yuanjiao.network.rules.placements import Span, changed, entering, first_difference, first_story, followed

ZERO = date(2026, 1, 1)
days = st.integers(0, 60).map(lambda number: ZERO + timedelta(days=number))
lives = st.sampled_from(["planned", "in_service", "suspended", "retired"])
ALL_DAYS = [ZERO + timedelta(days=number) for number in range(-5, 80)]


def answer(story: Sequence[Span], day: date) -> tuple[int, str, str] | None:
    """What a story says of a day; more than one answer is an error."""
    told = [s for s in story if s.valid_from <= day and (s.valid_to is None or day < s.valid_to)]
    assert len(told) <= 1
    return (told[0].division, told[0].lifecycle, told[0].document) if told else None


def sound(story: Sequence[Span]) -> None:
    """Spans follow each other without gap or overlap, the last is open, none is empty, no two neighbours say the same."""
    assert story[-1].valid_to is None
    for one, following in pairwise(story):
        assert one.valid_to == following.valid_from
        assert one.valid_from < one.valid_to
        assert not one.says_as(following)


turns = st.tuples(days, st.integers(1, 3), lives, st.sampled_from(["", "甲"]))


@st.composite
def stories(draw: st.DrawFn) -> list[Span]:
    day, division, life, document = draw(turns)
    story = first_story(division=division, lifecycle=life, document=document, in_service_on=day, lifecycle_on=draw(days))
    for on, division, life, document in sorted(draw(st.lists(turns, max_size=4))):
        story = changed(story, on=on, division=division, lifecycle=life, document=document)
    return [replace(span, uid=new_uid()) for span in story]


@given(story=stories(), turn=turns)
def test_a_change_says_the_new_from_its_day_and_leaves_earlier_days_alone(story: list[Span], turn: tuple[date, int, str, str]) -> None:
    on, division, life, document = turn
    after = changed(story, on=on, division=division, lifecycle=life, document=document)
    sound(after)
    begin = max(on, story[-1].valid_from)
    for day in ALL_DAYS:
        assert answer(after, day) == ((division, life, document) if day >= begin else answer(story, day))


@given(story=stories(), on=days, old=st.integers(1, 3))
def test_a_division_that_is_followed_is_another_from_its_day_in_every_span(story: list[Span], on: date, old: int) -> None:
    after = followed(story, old=old, new=9, on=on)
    sound(after)
    for day in ALL_DAYS:
        before = answer(story, day)
        moved = before is not None and before[0] == old and day >= on
        assert answer(after, day) == ((9, *before[1:]) if moved and before else before)


@given(story=stories(), on=days, old=st.integers(1, 3))
def test_a_following_that_is_taken_back_leaves_what_was(story: list[Span], on: date, old: int) -> None:
    back = followed(followed(story, old=old, new=9, on=on), old=9, new=old, on=date.min)
    assert [answer(back, day) for day in ALL_DAYS] == [answer(story, day) for day in ALL_DAYS]


@given(story=stories(), on=days)
def test_another_first_day_of_service_changes_nothing_from_the_later_of_both_on(story: list[Span], on: date) -> None:
    after = entering(story, on)
    served = [day for day in ALL_DAYS if (answer(story, day) or ("", ""))[1] in ("in_service", "suspended")]
    if not served or after == story:
        return
    assert next(day for day in ALL_DAYS if (answer(after, day) or ("", ""))[1] in ("in_service", "suspended")) == on
    for day in ALL_DAYS:
        if day >= max(on, served[0]):
            assert answer(after, day) == answer(story, day)


@given(one=stories(), other=stories())
def test_the_first_difference_is_the_first_day_that_differs(one: list[Span], other: list[Span]) -> None:
    expected = next((day for day in ALL_DAYS if answer(one, day) != answer(other, day)), None)
    assert first_difference(one, other) == expected


spans = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6)


@given(gaps=spans, begin=st.integers(0, 40), length=st.integers(0, 40))
def test_service_without_gaps_is_every_second_outside_them(gaps: list[tuple[int, int]], begin: int, length: int) -> None:
    left = without(begin, begin + length, gaps)
    seconds = [second for start, stop in left for second in range(start, stop)]
    assert seconds == [one for one in range(begin, begin + length) if not any(a <= one < b for a, b in gaps)]
