"""Writes about nodes: this machine's own row, enrolment by one-time code, the parent we trust, revocation, clocks.

The journal tells the nodes above about enrolments and revocations made here: it asks for what is still untold
(`queries.untold_nodes`), because this folder lies below the journal.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from yuanjiao.flow.nodes import codes, keys
from yuanjiao.flow.nodes.models import EnrolmentCode, Node, NodeKind, Untold
from yuanjiao.flow.nodes.moving import Came, also_called, also_spoke_of, begin_place, came_later, comes_back, forget, place_anew, take_over
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib.errors import Conflict, Forbidden, Refused, Tampered

KIND_OF_ROLE = {"solo": NodeKind.CENTRE, "centre": NodeKind.CENTRE, "edge": NodeKind.EDGE, "site": NodeKind.SITE}
ASK_AGAIN = timedelta(hours=72)
"""How long after a code was used its node may say that it recorded more at its former place."""
NOTED_OFFSET_S = 1.0
"""A change of a node's clock smaller than this is the line's delay, not the clock."""


def ensure_self(*, at: datetime) -> Node:
    """Make this machine's node row if it is not there yet; the row carries the public half of the key in HOME.

    Tampered when the key in HOME is not the one this node was made with: what we would sign, nobody would believe.
    """
    node, _ = Node.objects.get_or_create(
        is_self=True,
        defaults={
            "kind": KIND_OF_ROLE[settings.ROLE],
            "name": settings.NODE_NAME,
            "public_key": keys.own_public_key(),
            "enrolled_at": at,
        },
    )
    if bytes(node.public_key) != keys.own_public_key() and not keys.adopt_next(bytes(node.public_key)):  # a renewal that was cut
        raise Tampered("本机密钥文件 node.key 与数据库中的节点身份不符：请放回原来的密钥文件")
    return node


@transaction.atomic
def restore_self(*, uid: UUID, kind: str, name: str, subject_code: str, scope: str, at: datetime) -> Node:
    """Be again the node `uid`, whose key lies in HOME: the database was lost, its journal comes back from an archive.

    Conflict when this machine has begun a journal under another name.
    """
    own = ensure_self(at=at)
    if own.uid == uid:
        return own
    if Node.objects.filter(enrolled_by=own).exists() or own.entries.exists():
        raise Conflict(f"本机已用另一身份 {own.uid} 记录：请在空的数据库中导入")
    own.uid, own.kind, own.name, own.subject_code, own.scope = uid, kind, name, subject_code, scope
    own.save(update_fields=["uid", "kind", "name", "subject_code", "scope"])
    return own


@transaction.atomic
def renew_self(*, uid: UUID, public_key: bytes, last_seq: int, at: datetime) -> tuple[Node, Node]:
    """Be another node from now on; returns who we were and who we are. Of the old one nothing after `last_seq` is believed here.

    The key in HOME is changed after this is committed: `keys.adopt_next`.
    """
    old = Node.objects.select_for_update().get(is_self=True)
    old.is_self, old.revoked_at, old.revoked_reason, old.revoked_after_seq = False, at, "本机的旧身份", last_seq
    old.save(update_fields=["is_self", "revoked_at", "revoked_reason", "revoked_after_seq"])
    new = Node.objects.create(uid=uid, kind=old.kind, name=old.name, public_key=public_key, is_self=True, enrolled_at=at)
    forget(old.uid)
    return old, new


def issue_code(
    *, kind: str, name: str, subject_code: str = "", scope: str = "", former_scope: str = "", valid_hours: float = 72.0, at: datetime
) -> str:
    """A code that lets one node in within `valid_hours`; it is told once and kept only as a hash.

    `subject_code` is the register code of the edge or site the machine is, `scope` the division path it will be sent; `former_scope`
    the one it had under another parent, of which what it recorded before may still speak.
    """
    if kind not in NodeKind.values:
        raise Refused(f"节点类型应为 {'、'.join(NodeKind.values)} 之一")
    if not name.strip() or not 0 < valid_hours <= 24 * 90:
        raise Refused("须写明节点名称，登记码有效期应在 90 天以内")
    code = codes.new_code(bytes(own_node().public_key))
    EnrolmentCode.objects.create(
        code_hash=codes.code_hash(code),
        kind=kind,
        name=name.strip(),
        subject_code=subject_code.strip(),
        scope=scope,
        former_scope=former_scope,
        made_at=at,
        expires_at=at + timedelta(hours=valid_hours),
    )
    return code


@transaction.atomic
def enrol(*, code: str, uid: UUID, public_key: bytes, proof: bytes, at: datetime, came: Came | None = None) -> Node:
    """Let in the node that brings an unused code and proves that it owns its key.

    Asked again with the same code and key, the same node is answered: the first answer may have been lost on the line. A new code
    lets a node in again that lost what it knew of us, that is to have another scope, or that comes back from another parent; of which
    of its entries what holds is by `came`.
    """
    row = EnrolmentCode.objects.select_for_update().filter(code_hash=codes.code_hash(code)).first()
    if row is None or (row.used_by is None and row.expires_at <= at):
        raise Forbidden("登记码不对或已过期：请向上级重新索取")
    if len(public_key) != 32 or not keys.verifies(public_key, proof, codes.proof_bytes(code, uid.bytes, public_key)):
        raise Forbidden("节点未能证明持有自己的密钥")
    if row.used_by is not None:
        return _same_again(row.used_by, uid, public_key, came if came is not None and _lately_used(row, at) else Came())
    came = came or Came()
    row.used_at, row.used_by = at, _back_again(row, uid, public_key, came, at) or _add_child(row, uid, public_key, came, at)
    row.save(update_fields=["used_at", "used_by"])
    return row.used_by


def _lately_used(row: EnrolmentCode, at: datetime) -> bool:
    return row.used_at is not None and at < row.used_at + ASK_AGAIN


def _same_again(node: Node, uid: UUID, public_key: bytes, came: Came) -> Node:
    if node.uid != uid or bytes(node.public_key) != public_key or node.revoked_at is not None:
        raise Forbidden("登记码已经用过：每个登记码只能登记一个节点")
    came_later(node=node, came=came)
    return node


def _back_again(row: EnrolmentCode, uid: UUID, public_key: bytes, came: Came, at: datetime) -> Node | None:
    """A child that lost its database, but neither key nor journal, comes back as who it was; one whose code names its former scope
    takes another place; one that had gone comes back. Refused for anything else known."""
    known = Node.objects.filter(uid=uid).first() or Node.objects.filter(public_key=public_key).first()
    if known is None:
        return None
    same = (known.uid, bytes(known.public_key), known.kind, known.subject_code) == (uid, public_key, row.kind, row.subject_code)
    below = not (known.is_self or known.is_parent) and (known.revoked_at is None or known.moved_at is not None)
    stays = known.enrolled_by == own_node() and known.revoked_at is None and known.scope == row.scope
    if not (same and below) or not (stays or known.moved_at is not None or row.former_scope == known.scope != ""):
        raise Refused("这个节点或密钥已经登记过：换机器请用新的数据目录；是原来那台的，请照原来的类别、台账编号和下发范围发登记码")
    if not stays or came.last_seq is not None:  # it may have been elsewhere without our hearing: what it said there ends where it says
        take_over(node=known, scope=row.scope, given_by=own_node(), last_seq=came.last_seq, at=at)
        Node.objects.filter(pk=known.pk).update(untold=Untold.ENROLLED)
        known.refresh_from_db()
    if row.former_scope not in {"", row.scope}:
        also_spoke_of(node=known, scope=row.former_scope, until=at, last_seq=came.last_seq)
    return known


def _add_child(row: EnrolmentCode, uid: UUID, public_key: bytes, came: Came, at: datetime) -> Node:
    child = Node.objects.create(
        uid=uid,
        kind=row.kind,
        name=row.name,
        public_key=public_key,
        subject_code=row.subject_code,
        scope=row.scope,
        enrolled_at=at,
        enrolled_by=own_node(),
        start_seq=came.start_seq,
        start_hash=came.start_hash,
        untold=Untold.ENROLLED,
    )
    if row.former_scope not in {"", row.scope} or came.last_seq:  # what it recorded before may speak of the place its code names
        begin_place(node=child, last_seq=came.last_seq, at=at)
        also_spoke_of(node=child, scope=row.former_scope or row.scope, until=at, last_seq=came.last_seq)
    return child


@transaction.atomic
def know_node(
    *,
    uid: UUID,
    kind: str,
    name: str,
    public_key: bytes,
    subject_code: str,
    scope: str,
    at: datetime,
    told_by: UUID,
    came: Came | None = None,
) -> None:
    """Take up a node that a node below enrolled. One that is known takes another place, if who tells it is its parent, or if it has said
    itself that it goes there (else Refused, and so tried again until it has); all else that is told of it leaves it as it is."""
    came, by = came or Came(), Node.objects.filter(uid=told_by).first()
    node, fresh = Node.objects.get_or_create(
        uid=uid,
        defaults={
            "kind": kind,
            "name": name,
            "public_key": public_key,
            "subject_code": subject_code,
            "scope": scope,
            "enrolled_at": at,
            "enrolled_by": by,
            "start_seq": came.start_seq,
            "start_hash": came.start_hash,
        },
    )
    if by is None:
        return
    if not fresh:
        _know_again(node, by, scope, came, at)
    elif came.last_seq:  # told again, perhaps after it has taken another place, this is known for what it was
        place_anew(node=node, scope=scope, given_by=by, last_seq=came.last_seq, at=at)


def _know_again(node: Node, by: Node, scope: str, came: Came, at: datetime) -> None:
    if node.is_self or node.is_parent or node.enrolled_by is None or (node.revoked_at is not None and node.moved_at is None):
        return
    first_seq = 0 if came.last_seq is None else came.last_seq + 1
    if node.places.filter(given_by=by, scope=scope, first_seq=first_seq).exists():
        return  # told again: by a replay, or by way of another machine
    is_its_parent = node.enrolled_by_id in _names_of(by.uid)
    if is_its_parent and came.last_seq is None:
        if scope != node.scope:
            also_called(node=node, scope=scope, given_by=by, at=at)
        return
    if is_its_parent and (
        node.places.filter(first_seq__gt=first_seq).exists() or (node.moved_at is not None and not comes_back(node, came))
    ):
        return  # a word of before a place it has taken since, or of before it went
    if not is_its_parent and node.moved_to != by.uid:
        raise Refused(f"节点 {node} 已由 {node.enrolled_by} 登记；它还没有说要转到 {by}")
    take_over(node=node, scope=scope, given_by=by, last_seq=came.last_seq, at=at)


@transaction.atomic
def revoke_node(*, node: Node, reason: str, at: datetime) -> None:
    """Trust nothing new this node says. The entries of it that are here stay true, here and above."""
    row = Node.objects.select_for_update().get(pk=node.pk)
    if row.is_self or row.is_parent:
        raise Refused("不能吊销本机或上级节点")
    if row.revoked_at is not None:
        raise Conflict(f"{row.name} 已经吊销")
    if not reason.strip():
        raise Refused("请写明吊销原因")
    row.revoked_at, row.revoked_reason = at, reason.strip()[:200]
    row.untold = Untold.BOTH if row.untold == Untold.ENROLLED else Untold.REVOKED
    row.save(update_fields=["revoked_at", "revoked_reason", "untold"])
    forget(row.uid)


def know_revoked(*, uid: UUID, reason: str, last_seq: int, at: datetime, told_by: UUID) -> None:
    """Take up a revocation made below, where `last_seq` was the node's last entry. Only who enrolled a node can revoke it so."""
    Node.objects.filter(uid=uid, revoked_at=None, is_self=False, enrolled_by__in=_names_of(told_by)).update(
        revoked_at=at, revoked_reason=reason[:200], revoked_after_seq=last_seq
    )
    forget(uid)


def _names_of(uid: UUID) -> list[int]:
    """A node and the ones it was before, by their keys."""
    names: list[int] = []
    node = Node.objects.filter(uid=uid).first()
    while node is not None and node.pk not in names:
        names.append(node.pk)
        node = node.renews
    return names


def know_renewed(*, node: Node, was: Node) -> None:
    """A node has proved that it was another before: it may revoke what that one enrolled."""
    Node.objects.filter(pk=node.pk, renews=None).exclude(pk=was.pk).update(renews=was)


def mark_told(*, node: Node) -> None:
    """The journal has recorded what was untold about this node."""
    Node.objects.filter(pk=node.pk).update(untold="")


@transaction.atomic
def trust_parent(
    *,
    uid: UUID,
    kind: str,
    name: str,
    public_key: bytes,
    subject_code: str,
    scope: str,
    own_name: str,
    at: datetime,
    last_seq: int | None = None,
) -> Node:
    """Put down the parent that let us in, and what it says this machine is. A former parent stays known as a stranger. What was recorded
    here up to `last_seq` was recorded at the former place."""
    Node.objects.filter(is_parent=True).exclude(uid=uid).update(is_parent=False)
    own = own_node()
    if own.scope != scope and (own.entries.exists() or own.places.exists()):
        place_anew(node=own, scope=scope, given_by=None, last_seq=last_seq, at=at)
    Node.objects.filter(is_self=True).update(subject_code=subject_code, scope=scope, name=own_name)
    parent, _ = Node.objects.update_or_create(
        uid=uid, defaults={"kind": kind, "name": name, "public_key": public_key, "is_parent": True, "enrolled_at": at}
    )
    return parent


def note_clock(*, node: Node, offset_s: float, least_s: float = NOTED_OFFSET_S) -> None:
    """Keep how far a node's clock is behind ours, in seconds (ours minus its); less than `least_s` of jitter is not written."""
    if abs(node.clock_offset_s - offset_s) > least_s:
        node.clock_offset_s = offset_s
        Node.objects.filter(pk=node.pk).update(clock_offset_s=offset_s)
