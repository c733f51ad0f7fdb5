"""This machine goes to another parent: `yuanjiao nodes move`. Its journal goes on under the same name, key and numbers.

1. The old parent is told what it lacks, as long as it answers. 2. The new one lets us in by a code; it is told behind which entry it
begins: what the old one has acknowledged stays there. 3. In one transaction: `flow.node_moved/1` is the last entry of the old time, the
new parent is trusted, and it is to hear of every node below. 4. The old parent is told that last entry, now or by `say_farewell` later:
then it shows us as moved, not as silent.

Cut anywhere it can be run again with the same code. The machine's server must stand still meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F

from yuanjiao.flow.journal.chain import GENESIS
from yuanjiao.flow.journal.keeping import hash_at, segment_after
from yuanjiao.flow.journal.membership import Acknowledged, NodeMoved
from yuanjiao.flow.journal.models import Head, Segment
from yuanjiao.flow.journal.record import locked_head, record
from yuanjiao.flow.journal.segment import Reason
from yuanjiao.flow.journal.ship import Shipper, heads_behind, seal_next
from yuanjiao.flow.nodes import codes, keys
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.moving import Came, last_place, take_along
from yuanjiao.flow.nodes.queries import own_node, parent_node
from yuanjiao.flow.wire.client import Line
from yuanjiao.flow.wire.join import ask_in, believe_welcome
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused, Unavailable

MOST_BELOW = 3000
"""Of how many nodes below `flow.node_moved/1` speaks: some 70 bytes each, and an entry has 256 KiB at most."""


@dataclass(frozen=True)
class Handover:
    """What came of it: the new parent's catalogue root; entries the old parent has not acknowledged, which go to the new one; what the
    old parent says to the farewell, empty when it has it."""

    parent: Node
    root: bytes
    unacknowledged: int
    farewell: str


def move(*, old: Line | None, new: Line, code: str, at: datetime) -> Handover:
    """Go to the parent at the other end of `new`, which issued `code`; `old` leads to the present one, if there is a way.

    Refused and Tampered as `join`; Unavailable when the new parent does not answer. Nothing has changed then.
    """
    former = parent_node()
    if former is None:
        raise Refused("本机还没有上级：请用 yuanjiao enrol 登记")
    if old is not None:
        _tell_what_is_lacking(old, at)
    own = own_node()
    head = locked_here(own)
    place = last_place(own) if codes.names_key(code, bytes(former.public_key)) else None  # we have moved, and were cut: it began there
    last_seq = place.first_seq - 1 if place is not None and place.first_seq else head.seq
    came = Came(last_seq, head.acknowledged_seq, hash_at(head, head.acknowledged_seq) or GENESIS)
    welcome = ask_in(line=new, code=code, uid=own.uid, public_key=bytes(own.public_key), sign=keys.sign, came=came)
    left = sum(head.seq - head.acknowledged_seq for head in heads_behind())
    with transaction.atomic():
        if locked_head(own).seq != head.seq:
            raise Conflict("本机正在记录：请先停下本节点的服务，再来一次")
        if welcome.parent != former.uid:
            record(NodeMoved(parent=welcome.parent, parent_name=welcome.parent_name, moved_at=at, below=_below_acknowledged()), at=at)
            while seal_next(at) is not None:  # the last word to the old parent ends a segment
                pass
            Head.objects.update(spared_seq=F("acknowledged_seq"), refusal="", refused_at=None)
        parent = believe_welcome(welcome, at=at, last_seq=locked_head(own).seq)
        take_along(former=own.scope, at=at)
    return Handover(parent, welcome.root, left, _farewell_by(old, at))


@transaction.atomic
def locked_here(own: Node) -> Head:
    """Our own head as it is now."""
    return locked_head(own)


def _below_acknowledged() -> list[Acknowledged]:
    """What the old parent has of the nodes below; of the first `MOST_BELOW` where there are more, for an entry has an end."""
    heads = Head.objects.filter(origin__is_self=False, acknowledged_seq__gt=0).order_by("-acknowledged_seq")
    return [Acknowledged(*one) for one in heads.values_list("origin__uid", "acknowledged_seq")[:MOST_BELOW]]


def _tell_what_is_lacking(line: Line, at: datetime) -> None:
    """As much as the old parent takes; a dead line or a refusal leaves the rest to the new one."""
    shipper = Shipper(line=lambda: line)
    try:
        while shipper.turn(at):
            pass
    except (Unavailable, Forbidden):
        pass


def _farewell_by(line: Line | None, at: datetime) -> str:
    if line is None:
        return "没有联系原上级"
    try:
        say_farewell(line, at=at)
    except (Unavailable, Forbidden, Refused) as error:
        return error.message
    return ""


def say_farewell(line: Line, *, at: datetime) -> None:
    """Tell a former parent our entries up to the one that says we have gone. Unavailable when it does not answer, Forbidden when it
    does not believe us any more, Refused when it refuses an entry; NotFound when we have never moved."""
    head = locked_here(own_node())
    last = _last_word(head)
    held = head.spared_seq
    while held < last:
        segment = segment_after(head, held)
        if segment is None:
            raise NotFound("本机没有要告诉原上级的日志段")
        answer = Shipper(line=lambda: line).send(segment)
        went_back = answer.reason == Reason.GAP and answer.expected - 1 < held
        if not (answer.taken or went_back):
            raise Refused(f"原上级不收：{answer.message}")
        held = answer.expected - 1


def _last_word(head: Head) -> int:
    """The end of the last segment that closes with our going."""
    entry = head.origin.entries.filter(kind=NodeMoved.KIND).order_by("-seq").first()
    found = Segment.objects.filter(origin=head.origin, last_seq=entry.seq).first() if entry is not None else None
    if found is None:
        raise NotFound("本机没有换过上级")
    return found.last_seq
