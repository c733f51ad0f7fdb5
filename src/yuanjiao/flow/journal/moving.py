"""A whole journal out of this machine and into another: `yuanjiao journal export` and `import`.

Out: everything is sealed and written to one archive file. In: the writer must be a node we know, we ourselves, or one whose mark an
operator gives; then each segment is proved and taken like one that came over the line, so that a second time changes nothing and an
import that was stopped goes on where it stood.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from yuanjiao.flow.journal.applying import retry_set_aside
from yuanjiao.flow.journal.archive import Contents, Introduction, check_archive, contents_of, segments_of, write_archive
from yuanjiao.flow.journal.keeping import every_segment, who_is_needed
from yuanjiao.flow.journal.models import Head
from yuanjiao.flow.journal.receive import receive
from yuanjiao.flow.journal.segment import Reason
from yuanjiao.flow.journal.ship import seal_next
from yuanjiao.flow.nodes import codes, keys
from yuanjiao.flow.nodes.commands import know_node, know_revoked, restore_self
from yuanjiao.flow.nodes.moving import Came
from yuanjiao.flow.nodes.queries import known_node, scope_given
from yuanjiao.lib.errors import Forbidden, Refused, Tampered


@dataclass
class Moved:
    """What an export wrote or an import took: segments in the file, those that were new here, entries taken, entries set aside."""

    segments: int = 0
    fresh: int = 0
    entries: int = 0
    set_aside: int = 0


def export_journal(path: Path, *, at: datetime) -> Moved:
    """Seal what is unsealed and write every segment to `path`, our own first: they introduce the nodes below."""
    while seal_next(at) is not None:
        pass
    offsets = write_archive(path, who_is_needed(at), every_segment())
    return Moved(segments=len(offsets), entries=sum(Head.objects.values_list("sealed_seq", flat=True)))


def import_journal(path: Path, *, at: datetime, believe: str = "") -> Moved:
    """Take in what a file holds. `believe` is the mark of the writer's key where this machine does not know it.

    Refused or Tampered with the reason; what is wrong with the file as a whole is found before anything is taken, what is wrong with
    one segment after those before it were.
    """
    check_archive(path)
    contents = contents_of(path)
    _believe_writer(contents, believe, at)
    _introduce(contents)
    while seal_next(at) is not None:  # else what is unsealed here would lie between segments for ever
        pass
    moved = Moved()
    for placed in segments_of(path):
        moved.segments += 1
        answer = receive(placed.sealed, at=at, brought_back=True)
        if not answer.taken:
            raise Refused(f"第 {moved.segments} 个日志段不能收：{answer.message}（之前的 {moved.segments - 1} 段已收好）")
        moved.fresh += answer.reason == Reason.ACCEPTED
        moved.entries += answer.accepted
        moved.set_aside += answer.set_aside
    moved.set_aside -= retry_set_aside(at) if moved.set_aside else 0  # what leaned on an entry of another node that came later
    return moved


def mark_of(public_key: bytes) -> str:
    """How a person names a key to another, as at the end of an enrolment code."""
    letters = codes.pin(public_key)
    return f"{letters[:4]}-{letters[4:]}"


def _believe_writer(contents: Contents, believe: str, at: datetime) -> None:
    writer = contents.introduced
    if writer.public_key == keys.own_public_key():
        restore_self(uid=writer.uid, kind=writer.kind, name=writer.name, subject_code=writer.subject_code, scope=writer.scope, at=at)
        return
    known = known_node(writer.uid)
    if known is None:
        if codes.tidy(believe) != codes.pin(writer.public_key):
            raise Forbidden(f"本机不认识写出这个文件的节点 {writer.name}：请向对方核对公钥印记，再加 --believe 印记")
        return
    if bytes(known.public_key) != writer.public_key:
        raise Tampered(f"写出这个文件的节点 {writer.name} 用的不是登记过的密钥")
    if known.revoked_at is not None:
        raise Forbidden(f"写出这个文件的节点 {writer.name} 已被吊销：{known.revoked_reason}")


def _introduce(contents: Contents) -> None:
    """Know whom the writer knows; who is known here already stays as he is, and must be the same."""
    listed = {node.uid: node for node in contents.nodes}
    for node in sorted(
        contents.nodes, key=lambda node: (_depth(node, listed), node.uid != contents.writer)
    ):  # who let others in comes before them
        known = known_node(node.uid)
        if known is not None and bytes(known.public_key) != node.public_key:
            raise Tampered(f"存档文件给节点 {node.name} 另配了密钥，与本机所知不符")
        if known is None:
            _know(node, told_by=node.enrolled_by if node.enrolled_by in listed else contents.writer)


def _depth(node: Introduction, listed: Mapping[UUID, Introduction]) -> int:
    """How many listed nodes stand between a node and one that nobody listed let in."""
    above = [node.uid]
    while (by := listed[above[-1]].enrolled_by) is not None and by in listed and by not in above:
        above.append(by)
    return len(above)


def _know(node: Introduction, *, told_by: UUID) -> None:
    know_node(
        uid=node.uid,
        kind=node.kind,
        name=node.name,
        public_key=node.public_key,
        subject_code=node.subject_code,
        scope=node.scope if told_by == node.uid else scope_given(told_by, node.scope),
        at=node.enrolled_at,
        told_by=told_by,
        came=Came(start_seq=node.start_seq, start_hash=node.start_hash),
    )
    if node.revoked_at is not None:
        know_revoked(uid=node.uid, reason=node.revoked_reason, last_seq=node.last_seq, at=node.revoked_at, told_by=told_by)
