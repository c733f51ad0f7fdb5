"""Many rows at once: what is written is what the ORM reads, on either database; keys are promised before rows are written."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, transaction

from tests.conftest import AT
from yuanjiao.flow.journal.models import Entry
from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.learning.events import HELD
from yuanjiao.learning.models import Session
from yuanjiao.lib.rows import insert, reserve_keys, update
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.events.checks import FOUND
from yuanjiao.network.models import EdgeCheck, Outage
from yuanjiao.simulation.cast import Cast

ENTRY = ("origin_id", "seq", "kind", "at", "received_at", "payload", "entry_hash")
LATE = datetime(2026, 3, 2, 9, 30, 15, 123456, tzinfo=UTC)


@pytest.mark.django_db
def test_texts_bytes_numbers_and_moments_come_back_as_they_were() -> None:
    node = ensure_self(at=AT)
    payload, digest = b"\x00\t\n\\N\xff" * 9, bytes(range(32))
    insert(Entry, ENTRY, [(node.pk, 7, "a\tb\\\n", LATE, AT, payload, digest)])
    row = Entry.objects.get(seq=7)
    assert (row.origin, row.kind, row.at, row.received_at) == (node, "a\tb\\\n", LATE, AT)
    assert (bytes(row.payload), bytes(row.entry_hash)) == (payload, digest)


@pytest.mark.django_db
def test_uids_days_booleans_and_nothing_come_back_as_they_were() -> None:
    uid, plan = new_uid(), new_uid()
    shared = ("990101100200", uid, LATE, date(2026, 3, 2), 45, "group", 30, 2, None, "tv", AT, None, True)
    insert(Session, HELD, [(uid, "S-1", shared[0], plan, *shared[2:])])
    row = Session.objects.get(uid=uid)
    assert (row.plan_uid, row.recorder_uid, row.held_at, row.held_on) == (plan, None, LATE, date(2026, 3, 2))
    assert (row.minutes, row.heads_onsite, row.corrected_at, row.cancelled) == (45, 30, None, True)


def test_a_broken_constraint_is_named(cast: Cast) -> None:
    node = cast.edges["E-990101"]
    found = (node.pk, node.pk, "temperature", True, 41.5, "℃", "", AT, None, new_uid(), 3)
    insert(EdgeCheck, FOUND, [found])
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(EdgeCheck, FOUND, [found])
    assert EdgeCheck.objects.get().value == 41.5


def test_promised_keys_are_new_in_order_and_not_given_twice(cast: Cast) -> None:
    edge = cast.edges["E-990101"]
    columns = (
        "id", "uid", "object_id", "started_at", "started_lo", "started_hi", "detected_at", "held", "held_for", "sign", "fault_class",
        "affected_count",
    )  # fmt: skip
    row = (edge.pk, AT, AT, AT, AT, False, "", "silence", "", 1)
    first = Outage.objects.create(object=edge, started_at=AT, started_lo=AT, started_hi=AT, detected_at=AT, ended_at=AT).pk
    keys = list(reserve_keys(Outage, 3))
    assert keys == sorted(set(keys))
    assert keys[0] > first
    insert(Outage, (*columns, "ended_at"), [(key, new_uid(), *row, AT) for key in keys])
    after = Outage.objects.create(object=edge, started_at=AT, started_lo=AT, started_hi=AT, detected_at=AT, ended_at=AT).pk
    assert after > keys[-1]
    assert not reserve_keys(Outage, 0)


def test_rows_are_given_other_values_by_their_keys(cast: Cast) -> None:
    edge = cast.edges["E-990101"]
    one, two = (Outage.objects.create(object=edge, started_at=AT, started_lo=AT, started_hi=AT, detected_at=AT, ended_at=AT) for _ in "12")
    update(Outage, ("ended_at", "fault_class"), [(one.pk, LATE, "line")])
    update(Outage, ("ended_at",), [])
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.ended_at, one.fault_class) == (LATE, "line")
    assert (two.ended_at, two.fault_class) == (AT, "")
