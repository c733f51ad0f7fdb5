"""Replay: the tables born of events can be emptied and built again from the journal, and come out the same."""

from __future__ import annotations

from datetime import datetime
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.learning.stage import hold, make_plan
from yuanjiao.flow.journal.models import Entry
from yuanjiao.flow.journal.replay import event_tables, fingerprints, replay
from yuanjiao.learning.models import Session
from yuanjiao.simulation.cast import Cast


@pytest.fixture
def held(cast: Cast, at: datetime) -> Session:
    """One study day session was recorded, so there is something to replay."""
    return hold(cast, at, plan=make_plan(cast, at))


def test_a_replay_gives_the_same_rows_with_new_keys(held: Session, at: datetime) -> None:
    before = fingerprints()
    done = replay(at=at, keep=True)
    assert (done.entries, done.set_aside, done.changed) == (Entry.objects.count(), 0, ())
    assert fingerprints() == before
    assert Session.objects.get(uid=held.uid).pk != held.pk


def test_what_was_changed_behind_the_journals_back_is_named_and_mended(held: Session, at: datetime) -> None:
    Session.objects.update(heads_onsite=9_999)
    checked = replay(at=at, keep=False)
    assert checked.changed == (Session._meta.label,)
    assert Session.objects.get().heads_onsite == 9_999, "a check changes nothing"
    replay(at=at, keep=True)
    assert Session.objects.get().heads_onsite == held.heads_onsite


def test_so_is_a_session_that_was_put_to_another_site(held: Session, cast: Cast, at: datetime) -> None:
    """Its site is known by its code, not by a key of this machine."""
    other = next(code for code in cast.sites if code != held.site_id)
    Session.objects.update(site_id=other)
    assert replay(at=at, keep=False).changed == (Session._meta.label,)


def test_the_journals_own_entries_are_never_emptied() -> None:
    assert Entry not in event_tables()
    assert Session in event_tables()


def test_the_command_line_verifies_and_checks(held: Session) -> None:
    out = StringIO()
    call_command("journal", "verify", stdout=out)
    call_command("journal", "replay", "--check", stdout=out)
    call_command("journal", "status", stdout=out)
    assert "哈希链和签名全部相符" in out.getvalue()
    assert "重放结果与原来完全一致" in out.getvalue()
    Session.objects.update(heads_onsite=9_999)
    with pytest.raises(CommandError, match="不一致"):
        call_command("journal", "replay", "--check", stdout=out)
    Entry.objects.update(kind="tests.other/1")
    with pytest.raises(CommandError, match="断裂"):
        call_command("journal", "verify", stdout=out)
