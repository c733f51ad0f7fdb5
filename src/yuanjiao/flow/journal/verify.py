"""Proving the journal as it lies on the disk: every chain, every signature, every segment's place.

From the first entry where all are here; else from the mark behind which the rows begin, and with `archive` what lies before it too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from yuanjiao.flow.journal.chain import entry_hash
from yuanjiao.flow.journal.keeping import sealed_of
from yuanjiao.flow.journal.models import Archived, Entry, Head, Segment
from yuanjiao.flow.journal.segment import BadSegment, check_signature, read_entries, read_header
from yuanjiao.flow.nodes import keys
from yuanjiao.flow.nodes.models import Node
from yuanjiao.lib.errors import YuanjiaoError


@dataclass
class Findings:
    """What was looked at and what is wrong; `faults` are sentences for an operator."""

    origins: int = 0
    entries: int = 0
    segments: int = 0
    faults: list[str] = field(default_factory=list)


def verify_journal(*, archive: bool = False) -> Findings:
    """Read everything once, with `archive` the archive files too; memory stays small. Changes nothing."""
    findings = Findings()
    for head in Head.objects.select_related("origin").order_by("origin_id"):
        findings.origins += 1
        if archive:
            _check_archived(head, findings)
        _check_chain(head, findings)
        _check_segments(head, findings)
    return findings


def _check_chain(head: Head, findings: Findings) -> None:
    node, previous, expected = head.origin, bytes(head.kept_hash), head.kept_from
    rows = Entry.objects.filter(origin=node, seq__gte=expected).order_by("seq").values_list("seq", "at", "kind", "payload", "entry_hash")
    for seq, at, kind, payload, kept in rows.iterator(chunk_size=2000):
        findings.entries += 1
        previous = _link(node, previous, seq, at, kind, bytes(payload))
        if seq != expected or previous != bytes(kept):
            findings.faults.append(f"{node}：第 {expected} 条起哈希链断裂")
            return
        expected += 1
    if expected - 1 != head.seq or previous != bytes(head.entry_hash):
        findings.faults.append(f"{node}：日志进度为第 {head.seq} 条，实有 {expected - 1} 条")


def _link(node: Node, previous: bytes, seq: int, at: datetime, kind: str, payload: bytes) -> bytes:
    return entry_hash(previous=previous, origin=node.uid, seq=seq, at=at, kind=kind, payload=payload)


def _check_segments(head: Head, findings: Findings) -> None:
    node, reached = head.origin, head.kept_from - 1
    for segment in Segment.objects.filter(origin=node).order_by("last_seq").iterator(chunk_size=50):
        findings.segments += 1
        fault = _fault_of(segment, node)
        if not fault and segment.first_seq > reached + 1:
            fault = f"缺少第 {reached + 1} 至 {segment.first_seq - 1} 条的日志段"
        if fault:
            findings.faults.append(f"{node}：{fault}")
        reached = segment.last_seq
    if reached != head.sealed_seq:
        findings.faults.append(f"{node}：应封存至第 {head.sealed_seq} 条，日志段只到第 {reached} 条")


def _check_archived(head: Head, findings: Findings) -> None:
    """From the first entry to the mark, by the archive files alone."""
    node = head.origin
    previous, reached = bytes(node.start_hash), node.start_seq  # the first entry, but for one that came from another parent
    for archived in Archived.objects.filter(origin=node).order_by("last_seq").iterator(chunk_size=200):
        findings.segments += 1
        try:
            sealed = sealed_of(archived)
            header = read_header(sealed)
            check_signature(sealed, lambda signature, message: keys.verifies(bytes(node.public_key), signature, message))
            entries = read_entries(sealed, header)
        except YuanjiaoError as error:
            findings.faults.append(f"{node}：{error.message}")
            return
        known = reached + 1 - header.first_seq
        if header.origin != node.uid or known < 0 or (entries[known - 1].entry_hash if known else header.previous) != previous:
            findings.faults.append(f"{node}：存档中第 {reached + 1} 条起哈希链断裂")
            return
        findings.entries += header.last_seq - reached
        reached, previous = header.last_seq, header.tail
    if reached + 1 != head.kept_from or previous != bytes(head.kept_hash):
        findings.faults.append(f"{node}：应归档至第 {head.kept_from - 1} 条，存档只到第 {reached} 条，或与库内接不上")


def _fault_of(segment: Segment, node: Node) -> str:
    """Empty when the segment proves the entries it covers."""
    data = bytes(segment.sealed)
    try:
        header = read_header(data)
        check_signature(data, lambda signature, message: keys.verifies(bytes(node.public_key), signature, message))
        tail = read_entries(data, header)[-1]
    except BadSegment as error:
        return f"第 {segment.first_seq}–{segment.last_seq} 条：{error.message}"
    kept = Entry.objects.filter(origin=node, seq=header.last_seq).values_list("entry_hash", flat=True).first()
    if header.origin != node.uid or kept is None or bytes(kept) != tail.entry_hash:
        return f"第 {segment.first_seq}–{segment.last_seq} 条：日志段与条目不符"
    return ""
