"""Shipping: seal what this node recorded and send it, and what came from below, to the parent until the parent says it has it.

Only one segment is sealed ahead: while the line is down entries gather, and go in few large segments when it is back. A dead line
is tried again after a random wait that grows (full jitter), a busy parent not before it asked us to; a refusal stops only the origin
it concerns, is kept at its head for people to read, and is tried again more and more seldom. When the parent asks for something
earlier than it once acknowledged (it came back from a backup), we go back: every segment is kept, here or in an archive file.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import F

from yuanjiao.flow.journal.chain import GENESIS
from yuanjiao.flow.journal.keeping import ArchiveMissing, hash_at, last_segment_within, segment_after
from yuanjiao.flow.journal.membership import announce_nodes
from yuanjiao.flow.journal.models import Entry, Head, Segment
from yuanjiao.flow.journal.receive import Answer
from yuanjiao.flow.journal.record import locked_head
from yuanjiao.flow.journal.segment import Reason, Written, seal
from yuanjiao.flow.nodes import keys
from yuanjiao.flow.nodes.queries import own_node, parent_node
from yuanjiao.flow.wire.client import Line, parent_line
from yuanjiao.lib.errors import Forbidden, Unavailable, YuanjiaoError

log = logging.getLogger(__name__)
SEAL_ENTRIES = 1000
SEAL_BYTES = 512 * 1024
SEGMENTS_PER_TURN = 200


@dataclass
class Backoff:
    """When to try again: a random moment before `base_s` doubled per failure, at most `cap_s` (full jitter).

    Not before the time the parent asked for; what it asks beyond half of `cap_s` counts as that, so that nobody can silence us.
    """

    base_s: float = 5.0
    cap_s: float = 300.0
    failures: int = 0
    until: datetime | None = None

    def waits(self, at: datetime) -> bool:
        """A moment further off than any wait was told by a clock that has been set back since: it holds nobody."""
        return self.until is not None and at < self.until <= at + timedelta(seconds=self.cap_s)

    def fail(self, at: datetime, chance: float, *, least_s: float = 0.0) -> None:
        """`chance` is a random number in [0, 1)."""
        self.failures += 1
        least_s = min(least_s, self.cap_s / 2)
        most_s = max(2 * least_s, min(self.cap_s, self.base_s * 2.0 ** min(self.failures, 20)))
        self.until = at + timedelta(seconds=least_s + chance * (most_s - least_s))

    def succeed(self) -> None:
        self.failures, self.until = 0, None


@dataclass
class Shipper:
    """The sending end of one process. Its memory (back-off only) may be lost at any time."""

    line: Callable[[], Line] = parent_line
    chance: Callable[[], float] = random.random
    backoff: Backoff = field(default_factory=Backoff)
    refused: dict[int, Backoff] = field(default_factory=dict)

    def turn(self, at: datetime) -> int:
        """Send what the parent does not have yet; returns how many segments it took. Unavailable when the line failed."""
        announce_nodes(at=at)
        if self.backoff.waits(at):
            return 0
        try:
            taken = sum(self._ship_known(head, at) for head in heads_behind())
        except (Unavailable, Forbidden) as error:
            self.backoff.fail(at, self.chance(), least_s=error.retry_s if isinstance(error, Unavailable) else 0.0)
            _note_refusal(error, at)
            raise
        self.backoff.succeed()
        return taken

    def _ship_known(self, head: Head, at: datetime) -> int:
        """What is asked for and lies in an archive file that is gone holds up its origin only."""
        try:
            return self._ship_origin(head, at)
        except ArchiveMissing as error:
            Head.objects.filter(pk=head.pk).update(refusal=error.message[:300], refused_at=at)
            self.refused[head.pk].fail(at, self.chance())
            log.error("%s", error.message)
            return 0

    def _ship_origin(self, head: Head, at: datetime) -> int:
        refused = self.refused.setdefault(head.pk, Backoff(cap_s=3600.0))
        taken = 0
        if refused.waits(at):
            return 0
        for segment in _segments_ahead(head, at):
            answer = self.send(segment)
            if not self._settle(head, segment, answer, at):
                refused.fail(at, self.chance())
                return taken
            taken += 1
            refused.succeed()
        return taken

    def send(self, segment: Segment) -> Answer:
        """One question to the parent. Forbidden when it does not believe us, Unavailable when it gives no answer of ours."""
        response = self.line().post("/journal", bytes(segment.sealed), headers={"Content-Type": "application/octet-stream"})
        if response.status_code == 401:
            raise Forbidden(f"上级不认本节点的签名：{response.text[:200]}")
        try:
            return msgspec.json.decode(response.content, type=Answer)
        except msgspec.DecodeError:
            raise Unavailable(f"上级节点没有按日志口的规矩应答（{response.status_code}）：{response.text[:120]}") from None

    def _settle(self, head: Head, segment: Segment, answer: Answer, at: datetime) -> bool:
        """Note how far the parent is. False when it refused, and going back cannot help."""
        held = answer.expected - 1
        if answer.taken and head.origin.is_self and held > segment.last_seq:
            if answer.tail and hash_at(head, held) != answer.tail:
                return _other_story(head, segment, held, at)
            held = held if answer.tail else segment.last_seq  # a parent of before says nothing about what follows
        steps_back = answer.reason == Reason.GAP and held < head.acknowledged_seq
        if steps_back and head.origin.is_self:
            _doubt_others(head)
        if answer.taken or steps_back:
            head.acknowledged_seq, head.refusal, head.refused_at = min(held, head.sealed_seq), "", None
        else:
            head.refusal, head.refused_at = f"{answer.reason}: {answer.message}"[:300], at
            log.error("the parent refuses entries of %s: %s", head.origin, head.refusal)
        head.save(update_fields=["acknowledged_seq", "refusal", "refused_at"])
        return answer.taken or steps_back


def _doubt_others(head: Head) -> None:
    """The parent has lost something of ours, so perhaps of everybody's: of each other origin the last segment is told again, and its
    answer says how far back to go. Else one that has fallen silent would never be asked for."""
    for other in Head.objects.filter(acknowledged_seq__gt=0).exclude(pk=head.pk).select_related("origin"):
        last = last_segment_within(other, other.acknowledged_seq)
        if last is not None:
            Head.objects.filter(pk=other.pk).update(acknowledged_seq=last - 1)


def _other_story(head: Head, segment: Segment, held: int, at: datetime) -> bool:
    """The parent has more of us than we sent, and not what we have: we are back from a backup, or somebody has our key."""
    head.acknowledged_seq, head.refused_at = segment.last_seq, at
    head.refusal = f"{Reason.FORKED}: 上级已有本机的第 {held} 条，与本机所记不同：本机恢复过旧备份，或另有机器用着本机的密钥"
    head.save(update_fields=["acknowledged_seq", "refusal", "refused_at"])
    log.error("%s", head.refusal)
    return True


def _note_refusal(error: YuanjiaoError, at: datetime) -> None:
    """A parent that does not believe us at all is written where people look; a dead line is nothing to write down."""
    if isinstance(error, Forbidden):
        Head.objects.filter(origin__is_self=True).update(refusal=error.message[:300], refused_at=at)


def heads_behind() -> list[Head]:
    """Heads with entries the parent has not acknowledged; our own first, because they introduce the nodes below."""
    behind = Head.objects.filter(seq__gt=F("acknowledged_seq")).select_related("origin")
    return list(behind.order_by("-origin__is_self", "origin_id"))


def _segments_ahead(head: Head, at: datetime) -> Iterator[Segment]:
    """The next segment after what is acknowledged, again and again: sealed ones first, then a fresh one of our own."""
    for _ in range(SEGMENTS_PER_TURN):
        ahead = segment_after(head, head.acknowledged_seq)
        if ahead is None and head.origin.is_self:
            ahead = seal_next(at)
            head.refresh_from_db()
        if ahead is None:
            return
        yield ahead


@transaction.atomic
def seal_next(at: datetime) -> Segment | None:
    """Seal the next run of our own entries, at most `SEAL_ENTRIES` and about `SEAL_BYTES`; None when all is sealed."""
    node = own_node()
    head = locked_head(node)
    entries = _fitting(list(Entry.objects.filter(origin=node, seq__gt=head.sealed_seq).order_by("seq")[:SEAL_ENTRIES]))
    if not entries:
        return None
    if keys.own_public_key() != bytes(node.public_key):
        raise Unavailable("本机已换了身份，这个进程还拿着原来的密钥：请重新启动服务")
    sealed = seal(
        origin=node.uid,
        first_seq=entries[0].seq,
        previous=hash_at(head, head.sealed_seq) or GENESIS,
        sealed_at=at,
        entries=[Written(entry.at, entry.kind, bytes(entry.payload)) for entry in entries],
        sign=keys.sign,
    )
    head.sealed_seq = entries[-1].seq
    head.save(update_fields=["sealed_seq"])
    return Segment.objects.create(origin=node, first_seq=entries[0].seq, last_seq=entries[-1].seq, sealed=sealed, received_at=at)


def _fitting(entries: list[Entry]) -> list[Entry]:
    size = 0
    for count, entry in enumerate(entries):
        size += len(entry.payload)
        if count and size > SEAL_BYTES:
            return entries[:count]
    return entries


_shipper = Shipper()


def ship(at: datetime) -> int:
    """The job: one turn of this process's shipper; nothing to do at the top of the tree."""
    if not settings.PARENT:
        return 0
    if parent_node() is None:
        raise Unavailable("尚未在上级登记：请运行 yuanjiao enrol --parent 地址 --code 登记码")
    return _shipper.turn(at)
