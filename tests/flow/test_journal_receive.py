"""Receiving at the parent: exactly once and in order; every hostile segment is refused with its reason and what is expected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import OperationalError, connection
from django.db.models import Model
from django.test import override_settings

from tests.flow import happenings
from tests.flow.happenings import POISON, Counted, Happened, told
from yuanjiao.flow.journal.append import COLUMNS
from yuanjiao.flow.journal.applying import apply_entries, retry_set_aside
from yuanjiao.flow.journal.chain import GENESIS
from yuanjiao.flow.journal.models import Entry, Segment, Unapplied
from yuanjiao.flow.journal.queries import built_seq, held_seq, unapplied_count, unapplied_entries
from yuanjiao.flow.journal.receive import Answer, receive
from yuanjiao.flow.journal.record import encode, record
from yuanjiao.flow.journal.segment import Reason, Written, chain, seal
from yuanjiao.flow.journal.verify import verify_journal
from yuanjiao.flow.nodes import codes, keys
from yuanjiao.flow.nodes.commands import enrol, ensure_self, issue_code, know_revoked, revoke_node
from yuanjiao.flow.nodes.models import Node
from yuanjiao.learning.events import HELD, SHOWN
from yuanjiao.learning.models import Session, SessionItem
from yuanjiao.lib.errors import DiskFull
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.events.checks import PLAYED
from yuanjiao.network.models import PlayTest

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("happenings_wired")]


@dataclass
class Child:
    """A child's journal by hand: it can say anything that its key can sign."""

    uid: UUID
    key: Ed25519PrivateKey
    at: datetime

    def written(self, first: int, last: int, word: str = "事") -> list[Written]:
        return [Written(self.at, Happened.KIND, encode(Happened(text=f"{word}{n}"))) for n in range(first, last + 1)]

    def tail(self, through: int) -> bytes:
        """The hash of the honest entry `through`."""
        if through == 0:
            return GENESIS
        return chain(origin=self.uid, first_seq=1, previous=GENESIS, entries=self.written(1, through))[-1].entry_hash

    def segment(self, first: int, last: int, **changes: object) -> bytes:
        values: dict[str, object] = {
            "origin": self.uid, "first_seq": first, "previous": self.tail(first - 1), "sealed_at": self.at,
            "entries": self.written(first, last), "sign": self.key.sign,
        }  # fmt: skip
        return seal(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture
def child(at: datetime) -> Child:
    """Enrolled here, nothing told yet."""
    ensure_self(at=at)
    key, uid = Ed25519PrivateKey.generate(), new_uid()
    public = key.public_key().public_bytes_raw()
    code = issue_code(kind="edge", name="柳溪县边缘服务器", at=at)
    enrol(code=code, uid=uid, public_key=public, proof=key.sign(codes.proof_bytes(code, uid.bytes, public)), at=at)
    return Child(uid, key, at)


def node_of(child: Child) -> Node:
    return Node.objects.get(uid=child.uid)


def held_three(child: Child) -> Answer:
    return receive(child.segment(1, 3), at=child.at)


def test_a_segment_is_taken_once_and_its_repeat_changes_nothing(child: Child) -> None:
    first, again = held_three(child), held_three(child)
    assert (first.reason, first.accepted, first.expected) == (Reason.ACCEPTED, 3, 4)
    assert (again.reason, again.accepted, again.expected) == (Reason.HELD, 0, 4)
    assert told() == ["事1", "事2", "事3"]
    assert Entry.objects.count() == 3


def test_only_what_is_new_of_an_overlapping_segment_is_taken(child: Child) -> None:
    held_three(child)
    answer = receive(child.segment(2, 5), at=child.at)
    assert (answer.reason, answer.accepted, answer.expected) == (Reason.ACCEPTED, 2, 6)
    assert told() == [f"事{n}" for n in range(1, 6)]
    assert verify_journal().faults == []


def test_segments_are_kept_byte_for_byte(child: Child) -> None:
    data = child.segment(1, 3)
    receive(data, at=child.at)
    assert bytes(Segment.objects.get().sealed) == data


STRANGER = Ed25519PrivateKey.generate()
HOSTILE: dict[str, tuple[Callable[[Child], bytes], Reason]] = {
    "cut in the middle": (lambda c: c.segment(4, 6)[:150], Reason.CUT),
    "nothing": (lambda c: b"", Reason.CUT),
    "forged by a stranger": (lambda c: c.segment(4, 6, sign=STRANGER.sign), Reason.FORGED),
    "one byte changed": (lambda c: (d := c.segment(4, 6))[:140] + bytes([d[140] ^ 8]) + d[141:], Reason.FORGED),
    "of an unknown origin": (lambda c: c.segment(4, 6, origin=UUID(int=7)), Reason.UNKNOWN_ORIGIN),
    "something missing before": (lambda c: c.segment(6, 8), Reason.GAP),
    "another story about what is held": (lambda c: c.segment(1, 3, entries=c.written(1, 3, "谎")), Reason.FORKED),
    "another story that goes on": (lambda c: c.segment(2, 5, entries=c.written(2, 5, "谎")), Reason.FORKED),
    "hanging on another past": (lambda c: c.segment(4, 6, previous=b"\7" * 32), Reason.FORKED),
    "a kind of the future": (lambda c: c.segment(4, 4, entries=[Written(c.at, "tests.strange/1", b"{}")]), Reason.UNKNOWN_KIND),
}  # fmt: skip


@pytest.mark.parametrize(("make", "reason"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_segment_leaves_nothing_and_names_what_is_expected(child: Child, make: Callable[[Child], bytes], reason: Reason) -> None:
    held_three(child)
    answer = receive(make(child), at=child.at)
    assert answer.reason == reason
    assert answer.message
    assert not answer.taken
    if answer.origin is not None:
        assert answer.expected == 4
    assert told() == ["事1", "事2", "事3"]
    assert receive(child.segment(4, 6), at=child.at).reason == Reason.ACCEPTED


def test_reordered_segments_are_refused_until_their_turn(child: Child) -> None:
    parts = [child.segment(4, 6), child.segment(1, 3), child.segment(7, 9)]
    assert [receive(part, at=child.at).reason for part in parts] == [Reason.GAP, Reason.ACCEPTED, Reason.GAP]
    assert [receive(part, at=child.at).expected for part in parts] == [7, 7, 10]
    assert told() == [f"事{n}" for n in range(1, 10)]


def test_a_revoked_node_is_not_heard_but_what_it_said_before_still_verifies(child: Child, at: datetime) -> None:
    held_three(child)
    revoke_node(node=node_of(child), reason="设备被盗", at=at)
    assert receive(child.segment(4, 6), at=at).reason == Reason.REVOKED
    assert receive(child.segment(1, 3), at=at).reason == Reason.HELD
    assert told() == ["事1", "事2", "事3"]
    assert verify_journal().faults == []


def test_what_a_node_said_before_it_was_revoked_below_may_still_arrive(child: Child, at: datetime) -> None:
    own = Node.objects.get(is_self=True)
    held_three(child)
    know_revoked(uid=child.uid, reason="设备被盗", last_seq=6, at=at, told_by=own.uid)
    assert receive(child.segment(4, 6), at=at).reason == Reason.ACCEPTED
    assert receive(child.segment(7, 7), at=at).reason == Reason.REVOKED


def test_only_who_enrolled_a_node_can_revoke_it_from_below(child: Child, at: datetime) -> None:
    know_revoked(uid=child.uid, reason="恶作剧", last_seq=0, at=at, told_by=new_uid())
    assert node_of(child).revoked_at is None


def test_somebody_who_signs_with_our_own_key_is_an_alarm(child: Child, at: datetime) -> None:
    own = Node.objects.get(is_self=True)
    answer = receive(child.segment(1, 1, origin=own.uid, sign=keys.sign), at=at)
    assert answer.reason == Reason.FORKED


def test_a_full_disk_stops_the_intake_before_anything_is_written(child: Child) -> None:
    with override_settings(MIN_FREE_BYTES=1 << 60), pytest.raises(DiskFull):
        held_three(child)
    assert Entry.objects.count() == Segment.objects.count() == 0
    assert held_three(child).accepted == 3


def poisoned(child: Child) -> bytes:
    entries = child.written(1, 3)
    entries[1] = Written(child.at, Happened.KIND, encode(Happened(text=POISON)))
    return child.segment(1, 3, entries=entries)


def test_an_entry_that_cannot_be_applied_is_kept_aside_and_the_rest_goes_on(child: Child) -> None:
    answer = receive(poisoned(child), at=child.at)
    assert (answer.reason, answer.accepted, answer.set_aside, answer.expected) == (Reason.ACCEPTED, 3, 1, 4)
    assert told() == ["事1", "事3"]
    [aside] = unapplied_entries()
    assert (aside.entry.seq, aside.reason, aside.tries) == (2, f"LookupError: {POISON}", 1)
    assert (held_seq(child.uid), built_seq(child.uid)) == (3, 1)


def test_what_was_set_aside_is_applied_once_the_fault_is_cured(child: Child, at: datetime) -> None:
    receive(poisoned(child), at=child.at)
    assert retry_set_aside(at) == 0
    assert Unapplied.objects.get().tries == 2
    happenings.cured.add(POISON)
    assert retry_set_aside(at) == 1
    assert unapplied_count() == 0
    assert built_seq(child.uid) == 3
    assert told() == ["事1", "事3", POISON]


def test_a_payload_that_is_not_of_its_kind_is_set_aside(child: Child) -> None:
    garbage = [Written(child.at, Happened.KIND, payload) for payload in (b"{}", b"\xff", b"[1]", encode(Happened(text="好")))]
    assert receive(child.segment(1, 4, entries=garbage), at=child.at).set_aside == 3
    assert told() == ["好"]


def test_a_run_of_one_kind_is_applied_in_one_call(child: Child, django_assert_max_num_queries: Callable[..., object]) -> None:
    entries = [Written(child.at, Counted.KIND, encode(Counted(number=n))) for n in range(500)]
    data = child.segment(1, 500, entries=entries)
    with django_assert_max_num_queries(25):  # type: ignore[attr-defined]
        assert receive(data, at=child.at).accepted == 500
    assert told("counted") == [str(n) for n in range(500)]


def test_applying_again_what_is_stored_goes_the_same_way(child: Child, at: datetime) -> None:
    held_three(child)
    assert apply_entries(list(Entry.objects.select_related("origin").order_by("seq")), at=at) == 0
    assert told() == ["事1", "事2", "事3"] * 2, "Happened tells every application; real events ask first"


@pytest.mark.parametrize(("model", "columns"), [(Entry, COLUMNS), (PlayTest, PLAYED), (Session, HELD), (SessionItem, SHOWN)])
def test_what_is_written_without_an_object_fills_every_column(model: type[Model], columns: tuple[str, ...]) -> None:
    assert set(columns) == {field.column for field in model._meta.concrete_fields} - {"id"}
    assert len(set(columns)) == len(columns)


def test_recording_and_failing_leaves_no_entry(child: Child, at: datetime) -> None:
    with pytest.raises(LookupError):
        record(Happened(text=POISON), at=at)
    assert Entry.objects.count() == 0
    assert record(Happened(text="好"), at=at).seq == 1


def test_verify_finds_what_was_changed_on_the_disk(child: Child) -> None:
    held_three(child)
    Entry.objects.filter(seq=2).update(payload=encode(Happened(text="改")))
    assert len(verify_journal().faults) == 1
    Entry.objects.filter(seq=2).update(payload=encode(Happened(text="事2")))
    assert verify_journal().faults == []
    Segment.objects.update(sealed=child.segment(1, 3, sign=STRANGER.sign))
    assert "签名" in verify_journal().faults[0]


class Ended(Exception):
    """What a database server says to the one of two that waited for one another."""

    sqlstate = "40P01"


class Ending:
    """The database ends the first `times` transactions that store a segment."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if self.left and sql.startswith("INSERT") and "flow_segment" in sql:
            self.left -= 1
            raise OperationalError("deadlock detected") from Ended()
        return execute(sql, params, many, context)


def test_a_segment_whose_transaction_the_database_ended_is_taken_once_more(child: Child) -> None:
    with connection.execute_wrapper(Ending(2)):
        assert held_three(child).accepted == 3
    assert told() == ["事1", "事2", "事3"]


def test_a_database_that_ends_every_transaction_is_not_asked_for_ever(child: Child) -> None:
    with connection.execute_wrapper(Ending(99)), pytest.raises(OperationalError):
        held_three(child)
    assert Segment.objects.count() == 0


def test_one_bad_entry_among_many_is_found_by_halving(child: Child, django_assert_max_num_queries: Callable[..., object]) -> None:
    entries = [Written(child.at, Counted.KIND, encode(Counted(number=n))) for n in range(1, 401)]
    entries[122] = Written(child.at, Happened.KIND, encode(Happened(text=POISON)))
    with django_assert_max_num_queries(200):  # type: ignore[attr-defined]
        answer = receive(child.segment(1, 400, entries=entries), at=child.at)
    assert (answer.accepted, answer.set_aside) == (400, 1)
    assert told("counted") == [str(n) for n in range(1, 401) if n != 123]
    assert Unapplied.objects.get().entry.seq == 123
