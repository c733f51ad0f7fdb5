"""A session reaches the centre exactly once, whatever the line does on the way."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

import pytest

from tests.learning.stage import hold, make_plan
from yuanjiao.flow.journal.models import Entry
from yuanjiao.flow.journal.record import apply_entry
from yuanjiao.learning.commands import SessionRecord, cancel_session, correct_session
from yuanjiao.learning.events import ItemShown
from yuanjiao.learning.models import Session, SessionCorrection, SessionItem
from yuanjiao.learning.rules import SessionForm
from yuanjiao.lib.uid import new_uid
from yuanjiao.simulation.cast import Cast

Rows = list[tuple[object, ...]]


def rows() -> tuple[Rows, Rows, Rows]:
    """Everything the events built, without local keys."""
    sessions = Session.objects.order_by("uid").values_list(
        "uid", "site_id", "path", "plan_uid", "held_at", "held_on", "minutes", "form", "heads_onsite", "heads_online",
        "recorder_uid", "recorded_via", "recorded_at", "corrected_at", "cancelled",
    )  # fmt: skip
    items = SessionItem.objects.order_by("session__uid", "position").values_list("session__uid", "position", "courseware_uid", "title")
    corrections = SessionCorrection.objects.order_by("uid").values_list(
        "uid", "session_uid", "made_at", "reason", "heads_onsite", "cancelled"
    )
    return list(sessions), list(items), list(corrections)


@pytest.fixture
def history(cast: Cast, at: datetime) -> list[Entry]:
    """Two sessions, one corrected twice, the other cancelled; returned as the journal's entries."""
    shown = (ItemShown(uid=new_uid(), title="养猪技术"), ItemShown(uid=new_uid(), title="𣵦里村的故事"))
    held = SessionRecord(held_at=at, heads_onsite=23, items=shown)
    first = hold(cast, at, plan=make_plan(cast, at), held=held)
    second = hold(cast, at, 9, ago=timedelta(days=1))
    by = cast.actor("zhanguan")
    for minutes, heads in enumerate((24, 25), 1):
        first.refresh_from_db()
        correct_session(
            session=first, heads_onsite=heads, heads_online=0, minutes=60, form=SessionForm.GROUP_VIEWING, reason="数错了",
            by=by, at=at + timedelta(minutes=minutes),
        )  # fmt: skip
    cancel_session(session=second, reason="登记到了别的村", by=by, at=at + timedelta(minutes=9))
    return list(Entry.objects.filter(kind__startswith="learning.").order_by("seq"))


@pytest.mark.clause("LRN01")
def test_applying_the_journal_again_in_any_order_and_twice_gives_the_same_rows(history: list[Entry]) -> None:
    expected = rows()
    assert [len(part) for part in expected] == [2, 2, 3]
    for order in itertools.islice(itertools.permutations(history), 0, None, 7):
        Session.objects.all().delete()
        SessionCorrection.objects.all().delete()
        for entry in [*order, *reversed(order)]:
            apply_entry(entry)
        assert rows() == expected


def test_the_newest_correction_stands_and_the_first_record_stays_in_the_journal(history: list[Entry]) -> None:
    first = Session.objects.get(cancelled=False)
    assert first.heads_onsite == 25
    assert first.corrected_at is not None
    assert Session.objects.get(cancelled=True).heads_onsite == 9
    assert b'"heads_onsite":23' in bytes(history[0].payload)


def test_an_event_carries_counts_and_no_name_of_anybody(history: list[Entry]) -> None:
    for entry in history:
        assert "李春燕" not in bytes(entry.payload).decode()
