"""Nodes that get another scope or another parent: of what they might speak when, and what becomes of them at the parent they leave.

A node takes its next place with an entry number it names itself (`Came.last_seq`), so that no clock decides which of its entries were
recorded at the former place, and what was told late, or through another parent, is believed as it would have been in time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F

from yuanjiao.flow.nodes.models import Node, NodePlace, Untold
from yuanjiao.flow.nodes.queries import Spoken, forget_node, own_node
from yuanjiao.lib.errors import Conflict, Refused


@dataclass(frozen=True)
class Came:
    """What a node says of its journal when it takes a place: its last entry (None: a programme of before does not say), and the entry
    up to which a former parent has everything, with its hash."""

    last_seq: int | None = None
    start_seq: int = 0
    start_hash: bytes = bytes(32)


def place_anew(*, node: Node, scope: str, given_by: Node | None, last_seq: int | None, at: datetime) -> None:
    """From its entry after `last_seq` on the node speaks of `scope`; of what it had before, up to there."""
    first_place(node)
    NodePlace.objects.filter(node=node, valid_to=None).update(valid_to=at, last_seq=last_seq)
    NodePlace.objects.create(node=node, scope=scope, given_by=given_by, valid_from=at, first_seq=0 if last_seq is None else last_seq + 1)
    node.scope = scope
    Node.objects.filter(pk=node.pk).update(scope=scope)
    forget(node.uid)


def first_place(node: Node) -> None:
    """The place a node had until now gets its row."""
    if not node.places.exists():
        NodePlace.objects.create(node=node, scope=node.scope, given_by=node.enrolled_by, valid_from=node.enrolled_at)


def begin_place(*, node: Node, last_seq: int | None, at: datetime) -> None:
    """A node that is new here had another place up to its entry `last_seq`."""
    first_seq = 0 if last_seq is None else last_seq + 1
    NodePlace.objects.create(node=node, scope=node.scope, given_by=node.enrolled_by, valid_from=at, first_seq=first_seq)


def also_spoke_of(*, node: Node, scope: str, until: datetime, last_seq: int | None = None) -> None:
    """What the node recorded before, up to `last_seq` where that is known, may speak of this scope too."""
    first_place(node)
    ended = node.places.filter(scope=scope).exclude(valid_to=None)
    if not (ended if last_seq is None else ended.filter(last_seq__gte=last_seq)).exists():
        NodePlace.objects.create(node=node, scope=scope, valid_from=node.enrolled_at, valid_to=until, last_seq=last_seq)


def came_later(*, node: Node, came: Came) -> None:
    """A node asks again with the same code because the first answer was lost: what it recorded meanwhile belongs to the former place.
    Not once an entry of the new place is here: then it has had the answer."""
    last = node.places.exclude(last_seq=None).order_by("-last_seq").values_list("last_seq", flat=True).first()
    if last is None or came.last_seq is None or came.last_seq <= last or _held_after(node, last):
        return
    NodePlace.objects.filter(node=node, first_seq=last + 1, valid_to=None).update(first_seq=came.last_seq + 1)
    NodePlace.objects.filter(node=node, last_seq=last).update(last_seq=came.last_seq)


def _held_after(node: Node, seq: int) -> bool:
    """Whether an entry of the node behind this number is here."""
    return Node.objects.filter(pk=node.pk, head__seq__gt=seq).exists()


def comes_back(node: Node, came: Came) -> bool:
    """Whether a node that has gone takes a place again: its last word of before is no older than what is here of it. What was said
    before it went, and comes late or in a replay, is older."""
    return node.moved_at is not None and came.last_seq is not None and not _held_after(node, came.last_seq)


def also_called(*, node: Node, scope: str, given_by: Node | None, at: datetime) -> None:
    """The same subtree is called `scope` now; who was cut off goes on with the old name, and is believed. If the place itself is still
    to be told above, one word tells both: where the place began is not lost."""
    first_place(node)
    place = last_place(node) if node.untold in {Untold.ENROLLED, Untold.BOTH} else None
    first_seq = 0 if place is None else place.first_seq
    NodePlace.objects.create(node=node, scope=scope, given_by=given_by, valid_from=at, first_seq=first_seq)
    Node.objects.filter(pk=node.pk).update(scope=scope)
    forget(node.uid)


@transaction.atomic
def take_over(*, node: Node, scope: str, given_by: Node, last_seq: int | None, at: datetime) -> None:
    """The node stands under `given_by` from now on; it, and what stands below it, is believed again if it had gone."""
    place_anew(node=node, scope=scope, given_by=given_by, last_seq=last_seq, at=at)
    node.enrolled_by, gone_to = given_by, node.moved_to
    node.save(update_fields=["enrolled_by"])
    for one in (node, *_below(node)):
        if one.moved_at is not None and one.moved_to == gone_to:
            Node.objects.filter(pk=one.pk).update(
                revoked_at=None, revoked_reason="", revoked_after_seq=None, moved_at=None, moved_to=None, moved_to_name=""
            )
            forget(one.uid)
    node.refresh_from_db()


def know_moved(*, uid: UUID, to: UUID, to_name: str, seq: int, below: Mapping[UUID, int], at: datetime) -> None:
    """A node says in its entry `seq` that it goes to another parent. If that one does not stand below this machine, the node is gone, and
    with it what stands below it; else the new parent's word, that it let the node in, comes or has come by itself. `below`: up to which
    entry of the nodes below it the old parent has acknowledged, which may be still on the way here."""
    node = Node.objects.select_for_update().get(uid=uid)
    if node.is_self or node.is_parent or to == own_node().uid or node.places.filter(first_seq__gt=seq).exists():
        return  # ours, or told before a place it has taken since
    stays = Node.objects.filter(uid=to, is_parent=False, revoked_at=None).exists()
    if node.enrolled_by is not None and node.enrolled_by.uid == to:
        return
    if stays:
        Node.objects.filter(pk=node.pk).update(moved_to=to, moved_to_name=to_name[:100])
    elif node.revoked_at is None:
        _gone(node, to=to, to_name=to_name, until={**below, uid: seq}, at=at)


@transaction.atomic
def let_go(*, node: Node, to_name: str, at: datetime) -> None:
    """An operator says that the node has gone to another parent, which it could not tell us itself. What is here stays true."""
    row = Node.objects.select_for_update().get(pk=node.pk)
    if row.is_self or row.is_parent:
        raise Refused("不能移交本机或上级节点")
    if row.revoked_at is not None:
        raise Conflict(f"{row.name} 已经{'移交' if row.moved_at else '吊销'}")
    if not to_name.strip():
        raise Refused("请写明移交给谁")
    _gone(row, to=None, to_name=to_name.strip(), until={}, at=at)


def _gone(node: Node, *, to: UUID | None, to_name: str, until: Mapping[UUID, int], at: datetime) -> None:
    """`until`: up to which entry of each node may still come; of others, nothing that is not here."""
    for one in (node, *_below(node)):
        if one.revoked_at is None:
            one.revoked_at = one.moved_at = at
            one.moved_to, one.moved_to_name = to, to_name[:100]
            one.revoked_reason = f"已移交 {one.moved_to_name}，此后的记录请送那里"
            one.revoked_after_seq = until.get(one.uid)
            one.save(update_fields=["revoked_at", "moved_at", "moved_to", "moved_to_name", "revoked_reason", "revoked_after_seq"])
            forget(one.uid)


def _below(node: Node) -> list[Node]:
    """The nodes this one let in, and those let in by them."""
    found: list[Node] = []
    level = [node]
    while level := list(Node.objects.filter(enrolled_by__in=level, is_self=False).exclude(pk__in=[one.pk for one in (node, *found)])):
        found += level
    return found


@transaction.atomic
def follow_division(*, old: str, new: str, at: datetime) -> int:
    """The subtree `old` lies at `new` from the moment `at`. Nodes of places inside go with it under both names: those that were cut off
    go on saying the old one. Those of a wider place that it leaves may speak of it as it was until `at`. Gives how many go with it."""
    inside = list(Node.objects.filter(is_parent=False, scope__startswith=old))
    for node in inside:
        also_called(node=node, scope=new + node.scope.removeprefix(old), given_by=node.enrolled_by, at=at)
        Node.objects.filter(pk=node.pk, enrolled_by=own_node(), revoked_at=None, untold="").update(untold=Untold.ENROLLED)
    for node in Node.objects.exclude(scope="").filter(is_self=False, is_parent=False).exclude(pk__in=[one.pk for one in inside]):
        if old.startswith(node.scope) and not new.startswith(node.scope):
            also_spoke_of(node=node, scope=new, until=at)
    return len(inside)


def take_along(*, former: str, at: datetime) -> None:
    """This machine's subtree was called `former`: the nodes let in here lie under its new name too, and those above, which are new, have
    yet to hear of them. One that lies outside of it is not told of before it enrols again."""
    own = own_node()
    for node in Node.objects.filter(enrolled_by=own, revoked_at=None, is_parent=False):
        if former and former != own.scope and node.scope.startswith(former):
            also_called(node=node, scope=own.scope + node.scope.removeprefix(former), given_by=own, at=at)
            node.refresh_from_db()
        if node.scope.startswith(own.scope):
            Node.objects.filter(pk=node.pk, untold="").update(untold=Untold.ENROLLED)


def former_scope(node: Node) -> str:
    """What the node's subtree was called before, if the node may go on with that name; empty without."""
    place = node.places.filter(valid_to=None).exclude(scope=node.scope).order_by("-pk").first()
    return place.scope if place is not None else ""


def may_be_called(*, uid: UUID, scope: str, former: str, came: Came, spoken: Spoken, at: datetime) -> None:
    """A node, let in with `scope` by who recorded the entry `spoken`, goes on with the former name of its subtree.

    Only inside what the recorder has now, or where its whole subtree was called so before and the node lies alike under both names. Not
    under a place it has had here, and lost: the nodes of that time are known. One that the code it came with named counts, for here
    everything below it is new.
    """
    by, node = Node.objects.filter(uid=spoken.origin).first(), Node.objects.get(uid=uid)
    first_seq = 0 if came.last_seq is None else came.last_seq + 1
    if by is None or node.places.filter(scope=former, first_seq__gte=first_seq).exists():
        return  # a stranger's word; or told before, and perhaps ended since
    places = list(by.places.all())
    now = [place for place in places if place.covers(spoken.seq, spoken.at)]
    named = [place for place in places if place.given_by_id is None]
    inside = any(former.startswith(place.scope) for place in now)
    if inside or any(_alike(former, old.scope, scope, new.scope) for old in named for new in now):
        first_place(node)
        NodePlace.objects.create(node=node, scope=former, given_by=by, valid_from=at, first_seq=first_seq)


def _alike(one: str, above_one: str, other: str, above_other: str) -> bool:
    """Whether two paths lie alike under two others."""
    beneath = one.startswith(above_one) and other.startswith(above_other)
    return beneath and one.removeprefix(above_one) == other.removeprefix(above_other)


def last_place(node: Node) -> NodePlace | None:
    """The place a node took last; None when it has always had the same one."""
    return NodePlace.objects.filter(node=node, valid_to=None).order_by(F("pk").desc()).first()


def forget(uid: UUID) -> None:
    """At once, and again once the others can see it: meanwhile a door may have read the old row."""
    forget_node(uid)
    transaction.on_commit(lambda: forget_node(uid))
