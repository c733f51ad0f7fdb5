"""Reads about nodes."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from django.db.models import Count, Max, Q
from django.db.models.functions import Coalesce

from yuanjiao.flow.nodes.models import EnrolmentCode, Node, NodeKind, NodePlace
from yuanjiao.lib.errors import NotFound, Refused


def own_node() -> Node:
    """This machine's node row; it exists from the first start (`nodes.commands.ensure_self`)."""
    node = Node.objects.filter(is_self=True).first()
    if node is None:
        raise NotFound("本机尚未建立节点身份：请先运行 yuanjiao serve")
    return node


def parent_node() -> Node | None:
    """The enrolled node above, or None at the top or before enrolment."""
    return Node.objects.filter(is_parent=True).first()


def signs_catalogue() -> bool:
    """Whether this machine signs a catalogue of its own: a centre, also one with a province above it, which takes its facts only."""
    return own_node().kind == NodeKind.CENTRE


def parent_ahead_s() -> float:
    """How many seconds the parent's clock is ahead of ours, as its answers last told; 0 at the top. Kept over restarts."""
    behind = Node.objects.filter(is_parent=True).values_list("clock_offset_s", flat=True).first()
    return -behind if behind else 0.0


def node_by_uid(uid: UUID) -> Node:
    node = Node.objects.filter(uid=uid).first()
    if node is None:
        raise NotFound("没有登记过这个节点")
    return node


def known_node(uid: UUID) -> Node | None:
    """The node of this uid, revoked or not, or None for a stranger."""
    return Node.objects.filter(uid=uid).first()


NODE_LIFE_S = 3600.0
"""How long the beat door believes a node without asking the database, unless `nodes_version` moves: whoever listens asks for that."""
_remembered: dict[UUID, tuple[float, Node]] = {}
_forgotten = 0
_remembering = threading.Lock()


def remembered_node(uid: UUID, *, now_s: float) -> Node | None:
    """The node as it was last asked for, or None: then `read_node`. `now_s` counts on a clock that is never set."""
    until, node = _remembered.get(uid, (0.0, None))
    return node if until > now_s else None


def read_node(uid: UUID, *, now_s: float) -> Node | None:
    """The row of this node, remembered; strangers are never kept."""
    before = _forgotten
    node = known_node(uid)
    if node is not None:
        _remember(node, before, now_s)
    return node


def remember_nodes(*, now_s: float) -> None:
    """Keep all of them: after a start every edge beats within a minute, and each would be asked for by itself."""
    before = _forgotten
    for node in Node.objects.iterator():
        _remember(node, before, now_s)


def _remember(node: Node, before: int, now_s: float) -> None:
    """Keep a row that was read when `before` times had been forgotten; one forgotten since may be older than a revocation."""
    with _remembering:
        if _forgotten == before:
            _remembered[node.uid] = (now_s + NODE_LIFE_S, node)


def forget_node(uid: UUID) -> None:
    """A node was enrolled, revoked or changed: whoever asks next reads its row."""
    global _forgotten
    with _remembering:
        _forgotten += 1
        _remembered.pop(uid, None)


def forget_nodes() -> None:
    """Another process has enrolled or revoked a node: all rows are read again."""
    global _forgotten
    with _remembering:
        _forgotten += 1
        _remembered.clear()


NodesVersion = tuple[int, int, int, int, datetime | None]


def nodes_version() -> NodesVersion:
    """Changes whenever a node is enrolled, told of, revoked or put on the register, by whichever process: a look at one small table."""
    told = Node.objects.aggregate(
        count=Count("pk"),
        newest=Coalesce(Max("pk"), 0),
        subjects=Count("pk", filter=~Q(subject_code="")),
        revoked=Count("revoked_at"),
        revoked_at=Max("revoked_at"),
    )
    return told["count"], told["newest"], told["subjects"], told["revoked"], told["revoked_at"]


def child_nodes() -> list[Node]:
    """Every node below that we know of, enrolled here or further down, in the order of enrolment."""
    return list(Node.objects.filter(is_self=False, is_parent=False).order_by("enrolled_at", "pk"))


class Spoken(Protocol):
    """Where an entry stands (the journal's `Fact`): whose it is, its number, when it was recorded by its origin's clock."""

    @property
    def origin(self) -> UUID: ...
    @property
    def seq(self) -> int: ...
    @property
    def at(self) -> datetime: ...


def require_told_of(spoken: Sequence[Spoken], paths: Iterable[str]) -> None:
    """Refuse entries of a node about a place outside the scope it had when it recorded them: an edge speaks for its own subtree only.

    `spoken` are entries of one node. Called by `apply_*`; the entry is then set aside with this reason. The centre and nodes without a
    scope may speak of everything.
    """
    if spoken:
        _require(spoken[0].origin, dict.fromkeys(paths, spoken))


def require_each_told_of(told: Iterable[tuple[Spoken, str]]) -> None:
    """The same for many events at once: each origin is looked up once."""
    by_origin: dict[UUID, dict[str, list[Spoken]]] = {}
    for spoken, path in told:
        by_origin.setdefault(spoken.origin, {}).setdefault(path, []).append(spoken)
    for origin, by_path in by_origin.items():
        _require(origin, by_path)


def _require(origin: UUID, by_path: Mapping[str, Sequence[Spoken]]) -> None:
    node = Node.objects.filter(uid=origin).first()
    outside = _outside(node, by_path) if node is not None else None
    if outside is not None:
        raise Refused(f"节点 {node} 报来范围以外的记录：{outside}")


def _outside(node: Node, by_path: Mapping[str, Sequence[Spoken]]) -> str | None:
    """The first path of which the node may not have spoken, by the places it had when it recorded each entry."""
    places = list(node.places.all())
    if not places:
        return next((path for path in sorted(by_path) if not path.startswith(node.scope)), None)
    runs = {id(told): told for told in by_path.values()}.values()
    everywhere = [place.scope for place in places if all(place.covers(one.seq, one.at) for told in runs for one in told)]
    doubtful = (path for path in sorted(by_path) if not any(path.startswith(scope) for scope in everywhere))
    return next((path for path in doubtful if not all(_may_speak(places, one, path) for one in by_path[path])), None)


def _may_speak(places: Iterable[NodePlace], spoken: Spoken, path: str) -> bool:
    return any(path.startswith(place.scope) and place.covers(spoken.seq, spoken.at) for place in places)


def scope_given(recorder: UUID, scope: str, spoken: Spoken | None = None) -> str:
    """The scope of a node that `recorder` let in: its own, or one inside it. Refused from a site, and for a scope beyond the recorder's,
    as it was when it recorded the entry `spoken`.

    Else whoever holds the key of a village box could let itself in as an edge of another county.
    """
    node = Node.objects.filter(uid=recorder).first()
    if node is None:
        raise Refused("引荐节点的机器本机不认识")
    if node.kind == NodeKind.SITE:
        raise Refused(f"站点 {node} 不能引荐别的节点")
    outside = _outside(node, {scope: [spoken]}) if spoken is not None and scope else None
    if outside is not None or (spoken is None and scope and not scope.startswith(node.scope)):
        raise Refused(f"节点 {node} 引荐的节点超出它自己的范围：{scope}")
    return scope or node.scope


def subjects_with_a_node() -> set[str]:
    """Register codes of the edges and sites whose own machine is enrolled and not revoked; one that went to another parent still speaks
    of what is behind it, though not to this machine."""
    rows = Node.objects.filter(Q(revoked_at=None) | Q(moved_at__isnull=False)).exclude(subject_code="")
    return set(rows.values_list("subject_code", flat=True))


def subjects_gone() -> set[str]:
    """Register codes of the edges and sites whose machine has gone to a parent that does not stand below this machine."""
    gone = set(Node.objects.exclude(subject_code="").filter(moved_at__isnull=False).values_list("subject_code", flat=True))
    return gone - set(Node.objects.filter(revoked_at=None, subject_code__in=gone).values_list("subject_code", flat=True))


def untold_nodes() -> list[Node]:
    """Nodes enrolled or revoked here that the journal has not yet told the nodes above about."""
    return list(Node.objects.exclude(untold="").order_by("enrolled_at", "pk"))


def waiting_codes(*, at: datetime) -> list[EnrolmentCode]:
    """Codes that can still be used at `at`."""
    return list(EnrolmentCode.objects.filter(used_by=None, expires_at__gt=at).order_by("expires_at"))
