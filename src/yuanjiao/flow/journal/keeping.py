"""What the journal keeps where: rows here, and segments the parent has acknowledged long ago in archive files under HOME/journal.

Whoever needs an entry of before the mark (a parent back from a backup, a repeat, a proof, a replay) gets it from the file. Rows go
only when the file was read again and holds every one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count, takewhile
from pathlib import Path

from django.conf import settings
from django.db import transaction

from yuanjiao.flow.blobs.store import make_room
from yuanjiao.flow.journal.append import append
from yuanjiao.flow.journal.archive import Contents, Introduction, check_archive, segment_at, segments_of, write_archive
from yuanjiao.flow.journal.chain import GENESIS
from yuanjiao.flow.journal.models import Archived, Entry, Head, Segment, Unapplied
from yuanjiao.flow.journal.segment import Chained, read_entries, read_header
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib.errors import Tampered, Unavailable, YuanjiaoError

SEGMENTS_PER_FILE = 200
"""So many at most are put away in one run: the rows of some 200,000 entries go in one transaction."""


class ArchiveMissing(Unavailable):
    """An archive file is gone, or is not what it was; what it held cannot be told again before it is put back."""


def who_is_needed(at: datetime) -> Contents:
    """The list of a file with our segments: this machine and every node of which it holds entries."""
    own, heads = own_node(), {head.origin_id: head for head in Head.objects.all()}
    nodes = Node.objects.filter(pk__in={own.pk, *heads}).select_related("enrolled_by").order_by("enrolled_at", "pk")
    listed = [_introduction(node, heads[node.pk].seq if node.pk in heads else 0) for node in nodes]
    return Contents(writer=own.uid, written_at=at, nodes=listed)


def _introduction(node: Node, last_seq: int) -> Introduction:
    return Introduction(
        uid=node.uid,
        kind=node.kind,
        name=node.name,
        public_key=bytes(node.public_key),
        subject_code=node.subject_code,
        scope=node.scope,
        enrolled_at=node.enrolled_at,
        enrolled_by=node.enrolled_by.uid if node.enrolled_by is not None else None,
        revoked_at=node.revoked_at,
        revoked_reason=node.revoked_reason,
        last_seq=node.revoked_after_seq or last_seq,
        start_seq=node.start_seq,
        start_hash=bytes(node.start_hash),
    )


def folder() -> Path:
    """Where archive files lie."""
    return Path(settings.HOME) / "journal"


def every_segment() -> Iterator[bytes]:
    """All segments, archived or not; of each origin in order, our own first: they introduce the nodes below."""
    for own in (True, False):
        for archived in Archived.objects.filter(origin__is_self=own).order_by("pk"):
            yield sealed_of(archived)
        rows = Segment.objects.filter(origin__is_self=own).order_by("pk").values_list("sealed", flat=True)
        yield from (bytes(sealed) for sealed in rows.iterator(chunk_size=20))


def sealed_of(archived: Archived) -> bytes:
    """The bytes of an archived segment. ArchiveMissing when its file does not give them."""
    try:
        sealed = segment_at(folder() / archived.file, archived.offset, archived.size)
        if read_header(sealed).tail != bytes(archived.tail):
            raise Tampered("内容已变")
    except YuanjiaoError as error:
        raise ArchiveMissing(f"日志存档 HOME/journal/{archived.file} 读不出第 {archived.first_seq} 条起的日志段：{error.message}") from None
    return sealed


def archived_entries(archived: Archived) -> list[Chained]:
    """The entries of an archived segment, each with its hash."""
    sealed = sealed_of(archived)
    return read_entries(sealed, read_header(sealed))


def hash_at(head: Head, seq: int) -> bytes | None:
    """The hash of entry `seq` of an origin, wherever it lies; None for one that was never here."""
    if seq == head.seq:
        return bytes(head.entry_hash)
    if seq == head.kept_from - 1:
        return bytes(head.kept_hash)
    if seq == head.origin.start_seq:
        return bytes(head.origin.start_hash)
    if seq == 0:
        return GENESIS
    if seq >= head.kept_from:
        kept = Entry.objects.filter(origin=head.origin_id, seq=seq).values_list("entry_hash", flat=True).first()
        return None if kept is None else bytes(kept)
    archived = Archived.objects.filter(origin=head.origin_id, last_seq__gte=seq).order_by("last_seq").first()
    if archived is None:
        return None
    return bytes(archived.tail) if archived.last_seq == seq else archived_entries(archived)[seq - archived.first_seq].entry_hash


def segment_after(head: Head, seq: int) -> Segment | None:
    """The first sealed segment of an origin that ends after entry `seq`, from the rows or from an archive file."""
    if seq + 1 < head.kept_from:
        archived = Archived.objects.filter(origin=head.origin_id, last_seq__gt=seq).order_by("last_seq").first()
        if archived is not None:
            return Segment(origin=head.origin, first_seq=archived.first_seq, last_seq=archived.last_seq, sealed=sealed_of(archived))
    return Segment.objects.filter(origin=head.origin_id, last_seq__gt=seq).order_by("last_seq").first()


def bring_back() -> int:
    """Make rows of the archived entries again, inside the caller's transaction; returns the key after which they stand."""
    newest = Entry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    for archived in Archived.objects.select_related("origin").order_by("pk"):
        here = set(
            Entry.objects.filter(origin=archived.origin, seq__lte=archived.last_seq, seq__gte=archived.first_seq).values_list(
                "seq", flat=True
            )
        )
        fresh = [entry for entry in archived_entries(archived) if entry.seq not in here]
        append(archived.origin, fresh, received_at=archived.received_at)
    return newest


def take_out_again() -> None:
    """Undo `bring_back`, but for what was set aside: that is tried again from its entry. What was recorded meanwhile is not touched."""
    for head in Head.objects.filter(kept_from__gt=1):
        gone = Entry.objects.filter(origin=head.origin_id, seq__lt=head.kept_from).exclude(pk__in=Unapplied.objects.values("entry"))
        gone._raw_delete(using=gone.db)


def last_segment_within(head: Head, seq: int) -> int | None:
    """The first number of the last segment of an origin that ends not after entry `seq`; None when there is none."""
    for kept in (Segment.objects, Archived.objects):
        found = kept.filter(origin=head.origin_id, last_seq__lte=seq).order_by("-last_seq").values_list("first_seq", flat=True).first()
        if found is not None:
            return int(found)
    return None


def archive_acknowledged(at: datetime) -> int:
    """The job: put away what the parent acknowledged and what is older than `YUANJIAO_JOURNAL_KEEP_DAYS`; returns how many segments.

    At the top nothing is acknowledged, so nothing goes. Tampered, and nothing goes, when what is to go does not prove itself.
    """
    days = settings.JOURNAL_KEEP_DAYS
    ripe = _ripe(at - timedelta(days=days)) if days > 0 else []
    if not ripe:
        return 0
    make_room(sum(len(segment.sealed) for segment in ripe))
    path = _unused(at)
    offsets = write_archive(path, who_is_needed(at), (bytes(segment.sealed) for segment in ripe))
    try:
        _require_same(path, ripe)
        _let_go(path.name, ripe, offsets)
    except YuanjiaoError:
        path.unlink()  # nothing points at it, and the next hour would bring another
        raise
    return len(ripe)


def _unused(at: datetime) -> Path:
    """A name in the folder by the moment; after a crash, or with a clock set back, there may be one of that name."""
    names = (folder() / f"{at:%Y%m%dT%H%M%S}-{number}.yja" for number in count(1))
    return next(path for path in names if not path.exists())


def _ripe(before: datetime) -> list[Segment]:
    """The next segments to put away, of each origin in order and without a gap."""
    ripe: list[Segment] = []
    for head in Head.objects.select_related("origin").order_by("origin_id"):
        last = head.acknowledged_seq
        waiting = Unapplied.objects.filter(entry__origin=head.origin).order_by("entry__seq").values_list("entry__seq", flat=True).first()
        if waiting is not None:
            last = min(last, waiting - 1)  # what has no rows yet is tried again from its entry
        segments = Segment.objects.filter(origin=head.origin, last_seq__lte=last).order_by("last_seq")[: SEGMENTS_PER_FILE - len(ripe)]
        ripe += takewhile(lambda segment: segment.received_at < before, segments)  # a clock that ran ahead leaves younger ones before older
        if len(ripe) == SEGMENTS_PER_FILE:
            break
    return ripe


def _require_same(path: Path, segments: Sequence[Segment]) -> None:
    """The file as it now lies on the disk is whole, and holds these segments."""
    written = check_archive(path)
    same = all(placed.sealed == bytes(segment.sealed) for placed, segment in zip(segments_of(path), segments, strict=True))
    if written != len(segments) or not same:
        raise Tampered(f"日志存档 {path.name} 与库内不符，什么都没有移走")


@transaction.atomic
def _let_go(file: str, segments: Sequence[Segment], offsets: Sequence[int]) -> None:
    for segment, offset in zip(segments, offsets, strict=True):
        _put_down(file, segment, offset)
    for origin in {segment.origin_id for segment in segments}:
        last = max(segment.last_seq for segment in segments if segment.origin_id == origin)
        gone = Entry.objects.filter(origin=origin, seq__lte=last)
        gone._raw_delete(using=gone.db)  # nothing points at them: what was set aside holds its entry here
    Segment.objects.filter(pk__in=[segment.pk for segment in segments]).delete()


def _put_down(file: str, segment: Segment, offset: int) -> None:
    """Note where the segment lies now and move the mark of its origin behind it; its chain must join what went before."""
    head = Head.objects.select_for_update().get(origin=segment.origin_id)
    sealed = bytes(segment.sealed)
    entries = read_entries(sealed, header := read_header(sealed))
    if segment.first_seq > head.kept_from or not _joins(header.previous, entries, head) or hash_at(head, segment.last_seq) != header.tail:
        raise Tampered(f"{segment.origin} 第 {segment.first_seq} 条起的日志段与库内条目不符，什么都没有移走")
    Archived.objects.create(
        origin_id=segment.origin_id,
        first_seq=segment.first_seq,
        last_seq=segment.last_seq,
        tail=header.tail,
        file=file,
        offset=offset,
        size=len(sealed),
        received_at=segment.received_at,
    )
    head.kept_from, head.kept_hash = segment.last_seq + 1, header.tail
    head.save(update_fields=["kept_from", "kept_hash"])


def _joins(previous: bytes, entries: Sequence[Chained], head: Head) -> bool:
    known = head.kept_from - entries[0].seq
    return (entries[known - 1].entry_hash if known else previous) == bytes(head.kept_hash)
