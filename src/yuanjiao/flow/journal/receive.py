"""Receiving: prove a segment, drop what is here already, store the rest and build its rows; or refuse with the reason.

Order of proofs: size and frame, origin known, signature, not revoked, in order, chain closes and joins ours, kinds known. All of a
segment is taken in one transaction or none of it; every answer says how far we hold its origin, so a sender always knows what
to send next.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from django.db import OperationalError, transaction

from yuanjiao.flow.blobs.store import make_room
from yuanjiao.flow.journal.append import append
from yuanjiao.flow.journal.applying import apply_fresh, unknown_kinds
from yuanjiao.flow.journal.keeping import hash_at
from yuanjiao.flow.journal.models import Fork, Head, Segment
from yuanjiao.flow.journal.record import locked_head
from yuanjiao.flow.journal.segment import BadSegment, Chained, Header, Reason, check_signature, read_entries, read_header
from yuanjiao.flow.nodes import keys
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import known_node

log = logging.getLogger(__name__)
TAKEN = frozenset({Reason.ACCEPTED, Reason.HELD})
ALARMS = frozenset({Reason.FORGED, Reason.FORKED, Reason.BROKEN_CHAIN, Reason.REVOKED})
DEADLOCK = "40P01"
"""What a database server calls it; an embedded database has one writer."""
ATTEMPTS = 3
MOST_FORKS = 50
"""So many segments of another story are kept of one origin: a forked node sends one and waits, a hostile one could send for ever."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What is said to the sender of a segment. `expected` is the number of the next entry we want of this origin."""

    reason: Reason
    message: str = ""
    origin: UUID | None = None
    expected: int = 1
    accepted: int = 0
    set_aside: int = 0
    tail: bytes = b""
    """The hash of the last entry we hold of this origin: the sender sees whether our story is its own."""

    @property
    def taken(self) -> bool:
        """All of the segment is safely here, now or since before."""
        return self.reason in TAKEN


def receive(data: bytes, *, at: datetime, offset_s: float = 0.0, brought_back: bool = False) -> Answer:
    """Take in one sealed segment at the moment `at`; `offset_s` is our clock minus the sender's.

    `brought_back`: an operator gives this machine what it once held, its own entries included (archives, forks); over the line
    entries signed by ourselves are an alarm.
    Never raises for what is wrong with the segment: that is the answer's `reason`. DiskFull before anything is written.
    """
    origin: Node | None = None
    header: Header | None = None
    try:
        header = read_header(data)
        origin = known_node(header.origin)
        if origin is None:
            raise BadSegment(Reason.UNKNOWN_ORIGIN, f"没有登记过的节点 {header.origin}")
        check_signature(data, lambda signature, message: keys.verifies(bytes(origin.public_key), signature, message))
        make_room(len(data) + 3 * header.raw_bytes)  # entries, rows and their indexes
        return _whole_or_not(lambda: _take(data, header, origin, at, offset_s, brought_back=brought_back))
    except BadSegment as error:
        log.log(logging.ERROR if error.reason in ALARMS else logging.INFO, "segment refused: %s %s", error.reason, error.message)
        if error.reason == Reason.FORKED and origin is not None and header is not None:
            _keep_fork(data, header, origin, at)
        return _refusal(error, origin)


def _whole_or_not(take: Callable[[], Answer]) -> Answer:
    """In one transaction. Where two that write at once wait for one another, the database ends one of them: that one begins anew."""
    for _ in range(ATTEMPTS - 1):
        try:
            with transaction.atomic():
                return take()
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") != DEADLOCK:
                raise
            log.info("a segment is taken once more: %s", error)
    with transaction.atomic():
        return take()


def _refusal(error: BadSegment, origin: Node | None) -> Answer:
    begun = Head(seq=origin.start_seq, entry_hash=origin.start_hash) if origin is not None else Head()
    head = Head.objects.filter(origin=origin).first() or begun
    return Answer(
        reason=error.reason,
        message=error.message,
        origin=origin.uid if origin else None,
        expected=head.seq + 1,
        tail=bytes(head.entry_hash),
    )


def _keep_fork(data: bytes, header: Header, origin: Node, at: datetime) -> None:
    """The other story is signed too: it is kept, once, until there is more of it than an honest mistake makes."""
    digest = hashlib.sha256(data).hexdigest()
    kept = Fork.objects.filter(origin=origin)
    if kept.filter(sha256=digest).exists():
        return
    if kept.count() >= MOST_FORKS:
        log.error("another forked segment of %s is not kept: there are %d already", origin, MOST_FORKS)
        return
    Fork.objects.get_or_create(
        origin=origin,
        sha256=digest,
        defaults={"first_seq": header.first_seq, "last_seq": header.last_seq, "sealed": data, "heard_at": at},
    )


def _take(data: bytes, header: Header, origin: Node, at: datetime, offset_s: float, *, brought_back: bool) -> Answer:
    head = locked_head(origin)
    if header.last_seq <= head.seq:
        _same_story(head, header)
        return Answer(reason=Reason.HELD, origin=origin.uid, expected=head.seq + 1, tail=bytes(head.entry_hash))
    origin.refresh_from_db(fields=["revoked_at", "revoked_reason", "revoked_after_seq", "moved_at"])  # as it is now that the head is ours
    _may_go_on(header, origin, head, brought_back=brought_back)
    fresh = _fresh(read_entries(data, header), header, head)
    if unknown := unknown_kinds(entry.kind for entry in fresh):
        raise BadSegment(Reason.UNKNOWN_KIND, f"本节点的程序不认识这类记录，请先升级本节点：{'、'.join(unknown)[:200]}")
    Segment.objects.create(
        origin=origin, first_seq=header.first_seq, last_seq=header.last_seq, sealed=data, received_at=at, clock_offset_s=offset_s
    )
    append(origin, fresh, received_at=at)
    head.seq = head.sealed_seq = fresh[-1].seq
    head.entry_hash = fresh[-1].entry_hash
    head.save(update_fields=["seq", "sealed_seq", "entry_hash"])
    set_aside = apply_fresh(origin, fresh, at=at)
    return Answer(
        reason=Reason.ACCEPTED,
        origin=origin.uid,
        expected=head.seq + 1,
        accepted=len(fresh),
        set_aside=set_aside,
        tail=bytes(head.entry_hash),
    )


def _same_story(head: Head, header: Header) -> None:
    """A repeat must end in the very entry we hold: the chain then makes all before it the same."""
    if hash_at(head, header.last_seq) != header.tail:
        raise BadSegment(Reason.FORKED, f"节点 {head.origin.name} 对同一序号给出了不同的内容（可能恢复过旧备份）")


def _may_go_on(header: Header, origin: Node, head: Head, *, brought_back: bool) -> None:
    if origin.is_self and not brought_back:
        raise BadSegment(Reason.FORKED, "收到署名本机而本机没有的记录（可能有两台机器使用同一密钥）")
    if origin.revoked_at is not None and header.last_seq > (origin.revoked_after_seq or head.seq):
        raise BadSegment(Reason.REVOKED, f"节点 {origin.name} {'' if origin.moved_at else '已被吊销：'}{origin.revoked_reason}")
    if header.first_seq > head.seq + 1:
        raise BadSegment(Reason.GAP, f"缺少之前的记录：应从第 {head.seq + 1} 条开始，收到第 {header.first_seq} 条")


def _fresh(entries: Sequence[Chained], header: Header, head: Head) -> Sequence[Chained]:
    """What we do not hold yet; where it joins what we hold, the hashes must agree."""
    known = head.seq + 1 - header.first_seq
    joint = entries[known - 1].entry_hash if known else header.previous
    if joint != bytes(head.entry_hash):
        raise BadSegment(Reason.FORKED, "日志段与已有的哈希链接不上：该节点对已收的记录另有说法")
    return entries[known:]
