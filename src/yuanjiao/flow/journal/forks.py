"""The way out of a fork: this machine came back from an old backup, or its HOME runs on another machine too.

The parent's story of the old name is true for ever. What this machine recorded besides is recorded again under a new name and key:
once, because the old entries leave the old name in the same transaction. Then everything is built anew from the journal, so that
here too the rows are those of both stories. The machine's server must stand still meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.db import transaction

from yuanjiao.flow.journal.append import append
from yuanjiao.flow.journal.event import Event, Fact
from yuanjiao.flow.journal.keeping import hash_at
from yuanjiao.flow.journal.models import Entry, Fork, Head, Segment
from yuanjiao.flow.journal.receive import receive
from yuanjiao.flow.journal.record import encode, locked_head
from yuanjiao.flow.journal.replay import replay
from yuanjiao.flow.journal.segment import BadSegment, Chained, Written, chain, check_signature, read_entries, read_header
from yuanjiao.flow.nodes import keys
from yuanjiao.flow.nodes.commands import know_renewed, renew_self
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import own_node, parent_node
from yuanjiao.flow.wire.client import Line
from yuanjiao.flow.wire.join import Welcome, ask_in, believe_welcome
from yuanjiao.lib.errors import Conflict, Refused, Tampered, Unavailable
from yuanjiao.lib.uid import new_uid


class BranchRetold(Event, frozen=True, kw_only=True):
    """The recorder was `node` before; entries `first_seq` to `last_seq` that it had recorded under that name follow under its new one.

    `proof` is the old key's signature over `proof_bytes`.
    """

    KIND: ClassVar[str] = "flow.branch_retold/1"

    node: UUID
    first_seq: int
    last_seq: int
    proof: bytes


def proof_bytes(old: UUID, new: UUID) -> bytes:
    """What the old key signs to say who its owner is now. Never change: succeed it with YJN5."""
    return b"YJN3" + old.bytes + new.bytes


def apply_retold(event: BranchRetold, fact: Fact) -> None:
    """What was kept of the other story is settled; who cannot prove that it was that node settles nothing."""
    old, new = Node.objects.filter(uid=event.node).first(), Node.objects.filter(uid=fact.origin).first()
    if old is None or new is None or not keys.verifies(bytes(old.public_key), event.proof, proof_bytes(event.node, fact.origin)):
        raise Refused(f"没有证明自己原是节点 {event.node}")
    Fork.objects.filter(origin=old, last_seq__gte=event.first_seq, last_seq__lte=event.last_seq).update(retold_by=new)
    know_renewed(node=new, was=old)


@dataclass(frozen=True)
class Branches:
    """Both stories after entry `common`: the parent's as it was signed, and ours. `base` ends the segments that are the same."""

    base: int
    common: int
    segments: Sequence[bytes]
    theirs: Sequence[Chained]
    ours: Sequence[Entry]


def branches(line: Line) -> Branches:
    """Ask the parent for its story of us and lay it beside our own. Unavailable when the line is down."""
    node = own_node()
    head, _ = Head.objects.get_or_create(origin=node)
    base, segments, theirs = _joined(line, node, head)
    same = (entry.seq for entry in theirs if hash_at(head, entry.seq) == entry.entry_hash)
    common = max(same, default=base)
    ours = list(Entry.objects.filter(origin=node, seq__gt=common).order_by("seq"))
    return Branches(base, common, segments, [entry for entry in theirs if entry.seq > common], ours)


def _joined(line: Line, node: Node, head: Head) -> tuple[int, list[bytes], list[Chained]]:
    """From where on to take the parent's story: the end of a segment of ours at which its story and ours are still the same."""
    after = head.acknowledged_seq
    while True:
        after = _border(node, after)
        segments = _fetched(line, after)
        theirs = [entry for sealed in segments for entry in _proved(sealed, node)]
        same = not segments or _hash_before(segments[0], theirs, after) == hash_at(head, after)
        if same and after >= head.kept_from - 1:
            return after, segments, theirs
        if after < head.kept_from:
            raise Tampered("上级所记与本机最早的记录、或与已归档的记录就不相同：不能自动处理")
        after = max(after // 2, head.kept_from - 1)


def _hash_before(sealed: bytes, entries: Sequence[Chained], seq: int) -> bytes | None:
    """What the parent holds as the hash of entry `seq`, by the segment that covers it or follows it."""
    first = entries[0].seq
    if first == seq + 1:
        return read_header(sealed).previous
    return entries[seq - first].entry_hash if first <= seq else None


def _border(node: Node, seq: int) -> int:
    """The last number not above `seq` at which no sealed segment of ours is cut in two."""
    while cut := Segment.objects.filter(origin=node, first_seq__lte=seq, last_seq__gt=seq).order_by("first_seq").first():
        seq = cut.first_seq - 1
    return seq


def _fetched(line: Line, after: int) -> list[bytes]:
    segments: list[bytes] = []
    while True:
        answer = line.get(f"/journal?after={after}", signed=True)
        if answer.status_code == 204:
            return segments
        if answer.status_code != 200:
            raise Unavailable(f"上级没有交回本机的记录（{answer.status_code}）：{answer.text[:120]}")
        segments.append(answer.content)
        reached = read_header(answer.content).last_seq
        if reached <= after:
            raise Tampered("上级交回的日志段不向前走")
        after = reached


def _proved(sealed: bytes, node: Node) -> list[Chained]:
    header = read_header(sealed)
    if header.origin != node.uid:
        raise Tampered("上级交回的不是本机的日志段")
    check_signature(sealed, lambda signature, message: keys.verifies(bytes(node.public_key), signature, message))
    return read_entries(sealed, header)


def renew(*, line: Line, code: str, at: datetime) -> Branches:
    """Take a new name and key at the same parent by `code`, and record our own story again under it; returns what was settled.

    Conflict when there is no fork. Cut anywhere, it can be run again with the same code.
    """
    both = branches(line)
    if not both.theirs:
        raise Conflict("上级所记与本机一致，没有分叉")
    old = own_node()
    uid, key = keys.next_identity(new_uid())
    public = key.public_key().public_bytes_raw()
    welcome = ask_in(line=line, code=code, uid=uid, public_key=public, sign=key.sign)
    parent = parent_node()
    if parent is None or welcome.parent != parent.uid:
        raise Refused("登记码不是原来的上级签发的")
    if (welcome.subject_code, welcome.scope) != (old.subject_code, old.scope):
        keys.forget_next()  # the parent has let this name in for something else: the next code needs another
        raise Refused("登记码上的台账编号或下发范围与本机原来的不同：请上级照原样再发一个")
    retold = BranchRetold(
        node=old.uid,
        first_seq=both.common + 1,
        last_seq=both.ours[-1].seq if both.ours else both.common,
        proof=keys.sign(proof_bytes(old.uid, uid)),
    )
    _settle(both, retold, welcome, uid, public, at)
    keys.adopt_next(public)
    return both


@transaction.atomic
def _settle(both: Branches, retold: BranchRetold, welcome: Welcome, uid: UUID, public: bytes, at: datetime) -> None:
    head = locked_head(own_node())
    if head.seq != (both.ours[-1].seq if both.ours else both.common):
        raise Conflict("本机正在记录：请先停下本节点的服务，再来一次")
    old, new = renew_self(uid=uid, public_key=public, last_seq=both.theirs[-1].seq, at=at)
    believe_welcome(welcome, at=at)
    ours = [Written(entry.at, entry.kind, bytes(entry.payload)) for entry in both.ours]
    _take_their_story(both, head, old, at)
    again = [Written(at, retold.KIND, encode(retold)), *ours]
    _record_again(new, again, at)
    replay(at=at, keep=True, archive=True)


def _take_their_story(both: Branches, head: Head, old: Node, at: datetime) -> None:
    entry_hash = hash_at(head, both.base)
    assert entry_hash is not None  # the stories join there
    Entry.objects.filter(origin=old, seq__gt=both.base).delete()
    Segment.objects.filter(origin=old, last_seq__gt=both.base).delete()
    head.seq = head.sealed_seq = both.base
    head.entry_hash, head.refusal, head.refused_at = entry_hash, "", None
    head.save(update_fields=["seq", "sealed_seq", "entry_hash", "refusal", "refused_at"])
    for sealed in both.segments:
        answer = receive(sealed, at=at, brought_back=True)
        if not answer.taken:
            raise BadSegment(answer.reason, f"上级交回的日志段不能收：{answer.message}")
    Head.objects.filter(pk=head.pk).update(acknowledged_seq=both.theirs[-1].seq)


def _record_again(node: Node, entries: Sequence[Written], at: datetime) -> None:
    """Put entries down under a name as they were; their rows are built by the replay that follows."""
    head = locked_head(node)
    chained = chain(origin=node.uid, first_seq=head.seq + 1, previous=bytes(head.entry_hash), entries=entries)
    append(node, chained, received_at=at)
    head.seq, head.entry_hash = chained[-1].seq, chained[-1].entry_hash
    head.save(update_fields=["seq", "entry_hash"])
