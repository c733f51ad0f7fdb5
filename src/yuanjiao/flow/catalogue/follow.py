"""Following: the parent's catalogue becomes ours, whole or not at all.

1. Ask whether there is a newer timestamp; mostly there is none, and that was one small request.
2. Verify the metadata (trust.py) and download the documents of our scope; of large ones only the parts that are not here.
3. In one transaction the shelves accept what changed, in their order, and `CurrentCatalogue` moves. Until then the old one stands.
   The blobs that are not here go into the queue (blobs/queue.py): a notice or a withdrawal never waits for a film.
4. Pass the signed files on to the nodes below us.
5. When awaited blobs have come, the documents that name them are accepted once more: what was held up shows now.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from tuf.api.serialization import DeserializationError

from yuanjiao.flow.blobs import queue, store
from yuanjiao.flow.blobs.keeping import mark_listed
from yuanjiao.flow.catalogue import models, passing
from yuanjiao.flow.catalogue.publish import one_at_a_time, scopes
from yuanjiao.flow.catalogue.shards import Shard, address, blobs_of, is_scope
from yuanjiao.flow.catalogue.shelf import ALL, Shelf, shelves
from yuanjiao.flow.catalogue.trust import Trusted, held_document, held_shard, laid_target, pin_root
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.flow.wire.client import Line, parent_line
from yuanjiao.lib.errors import Tampered, YuanjiaoError

LONGEST_PAUSE_S = {True: 600.0, False: 60.0}
"""Between tries after failures: longer when what came was tampered with, since a retry can hardly help."""
GATHER = timedelta(seconds=30)
"""How long blobs that came gather before what they held up is shown, while others are still on their way."""

__all__ = ["follow", "follow_parent", "pin_root"]


@dataclass(frozen=True)
class Signed:
    """What the timestamp says: its digest, its version, until when it counts."""

    sha256: str
    version: int
    expires_at: datetime


@dataclass(frozen=True)
class Document:
    """One verified document with where it belongs; `content` is its target file."""

    shelf: Shelf
    path: str
    content: bytes
    shard: Shard


@dataclass(frozen=True)
class Taken:
    """What a shelf made of a document: whether anything may have changed, what it still needs besides the named, whether it was asked."""

    changed: bool
    needed: Collection[str] = ()
    accepted: bool = True


def follow_parent(at: datetime) -> bool:
    """The job: `follow`, but after failures not before the pause is over."""
    current = models.CurrentCatalogue.objects.filter(one=True).first()
    longest = timedelta(seconds=max(LONGEST_PAUSE_S.values()))  # one further off was told by a clock that has been set back since
    if current is not None and current.retry_at is not None and at < current.retry_at <= at + longest:
        return False
    return follow(at)


def follow(at: datetime, *, line: Line | None = None) -> bool:
    """Take up the parent's newest catalogue, and what waited for blobs that have come; True when anything changed.

    Unavailable (DiskFull too) or Tampered leave the old one whole.
    """
    with one_at_a_time("follow"):
        current, _ = models.CurrentCatalogue.objects.get_or_create(one=True)
        try:
            with store.full_disk_is_said():
                came = _take_in(current, at)
                changed = _follow(current, line or parent_line(), at) or came
        except YuanjiaoError as error:
            _note_failure(current, error, at)
            raise
        models.CurrentCatalogue.objects.filter(one=True).update(asked_at=at, heard_at=at, failures=0, retry_at=None, problem="")
        return changed


def _follow(current: models.CurrentCatalogue, line: Line, at: datetime) -> bool:
    trusted, wanted = Trusted(line, at=at), _wanted()
    known = current.timestamp_sha256 if current.wanted_sha256 == _digest(wanted) else ""
    if not trusted.newer_timestamp(known):
        if not passing.is_passed_on(current.timestamp_sha256):  # we died between the switch and this, or a part was torn
            _pass_on(_documents(held_document, trusted.shard, wanted), at)
        if current.expires_at is not None and current.expires_at <= at:
            raise Tampered("目录签名已过期：上级停止更新，或线路上有人扣留新目录（本机时钟不准时也会如此，请先校时）")
        return False
    signed = Signed(*trusted.refresh())
    documents = _documents(trusted.document, trusted.shard, wanted)
    passing.lay_targets({document.path: document.content for document in documents})
    changed = _switch(documents, signed, _digest(wanted), at)
    _pass_on(documents, at)
    return changed


def _pass_on(documents: Sequence[Document], at: datetime) -> None:
    passing.pass_on({document.path: document.content for document in documents}, at=at)


def _take_in(current: models.CurrentCatalogue, at: datetime) -> bool:
    """Accept once more what waited for blobs, now that some have come."""
    left = queue.unconfirmed()
    if left >= current.waiting or (left and current.accepted_at is not None and current.accepted_at <= at < current.accepted_at + GATHER):
        return False
    wanted = _wanted()
    if current.expires_at is None or current.wanted_sha256 != _digest(wanted):
        return False  # other documents are due: the next whole turn brings them
    try:
        documents = _documents(_in_force(current), held_shard, wanted)
    except Tampered:  # torn by a power cut
        documents = []
    if not _are_in_force(documents):
        current.timestamp_sha256 = ""  # a newer one came as far as the disk, or one was lost: this turn fetches them anew
        return False
    return _switch(documents, Signed(current.timestamp_sha256, current.version, current.expires_at), current.wanted_sha256, at)


def _in_force(current: models.CurrentCatalogue) -> Callable[[str], bytes | None]:
    """What reads the target files in force: `held_document` may have newer ones already, whose parts are still to come."""
    if not passing.is_passed_on(current.timestamp_sha256):
        return held_document
    try:
        named = passing.named_targets()
    except (OSError, DeserializationError):  # what we pass on was torn
        return held_document
    return lambda path: (laid_target(path, named[path]) or held_document(path)) if path in named else None


def _are_in_force(documents: Sequence[Document]) -> bool:
    found = {document.path: hashlib.sha256(document.content).hexdigest() for document in documents}
    return all(found.get(path) == sha256 for path, sha256 in models.HeldShard.objects.values_list("path", "sha256"))


def _wanted() -> list[tuple[Shelf, str]]:
    """Shelf by shelf: what is for all, our own subtree, and the subtrees of nodes below us, which we only pass on."""
    own = own_node().scope
    mine = [ALL, *([own] if is_scope(own) and own != ALL else [])]
    below = [scope for scope in scopes() if scope not in mine and own and scope.startswith(own)]
    return [(shelf, scope) for shelf in shelves() for scope in (*mine, *below)]


def _digest(wanted: Sequence[tuple[Shelf, str]]) -> str:
    """Changes when this machine gets another scope, new software or a node below: then nothing is skipped."""
    return hashlib.sha256("\n".join(address(shelf.name, scope) for shelf, scope in wanted).encode()).hexdigest()


def _documents(
    read: Callable[[str], bytes | None], shard: Callable[[str, bytes], Shard], wanted: Sequence[tuple[Shelf, str]]
) -> list[Document]:
    found = []
    for shelf, scope in wanted:
        path = address(shelf.name, scope)
        content = read(path)
        if content is not None:
            found.append(Document(shelf, path, content, shard(path, content)))
    return found


@transaction.atomic
def _switch(documents: Sequence[Document], signed: Signed, wanted_sha256: str, at: datetime) -> bool:
    """The moment: rows of every room, the blobs that are named and the current catalogue change together."""
    blobs = blobs_of(document.shard for document in documents)
    before = models.CurrentCatalogue.objects.get(one=True)
    first = min(signed.version, before.version + 1)  # a version we never saw may have named it first
    missing = queue.want(blobs, version=first, at=at)
    held = {row.path: row for row in models.HeldShard.objects.all()}
    own = own_node().scope
    mine = [document for document in documents if document.shard.scope in {ALL, own}]
    models.HeldShard.objects.exclude(path__in=[document.path for document in mine]).delete()
    taken = [_accept(document, held.get(document.path), missing, at) for document in mine]
    if any(one.accepted for one in taken):
        _await_lost(mine, queue.want(blobs, version=first, at=at) - missing)
    mark_listed({blob.sha256 for blob in blobs}.union(*(one.needed for one in taken)), at=at)
    lacking, changed = queue.whole_before(), any(one.changed for one in taken)
    models.CurrentCatalogue.objects.filter(one=True).update(
        timestamp_sha256=signed.sha256,
        version=signed.version,
        whole_version=signed.version if lacking is None else lacking - 1,
        waiting=queue.unconfirmed(),
        expires_at=signed.expires_at,
        wanted_sha256=wanted_sha256,
        accepted_at=at if changed else F("accepted_at"),
    )
    return changed


def _accept(document: Document, held: models.HeldShard | None, missing: Collection[str], at: datetime) -> Taken:
    """Hand one document to its shelf, unless the very same stands here with all its blobs."""
    sha256 = hashlib.sha256(document.content).hexdigest()
    absent = {blob.sha256 for blob in document.shard.blobs if blob.sha256 in missing}
    same = held is not None and (held.sha256, held.waiting) == (sha256, len(absent))
    if same and not absent:
        return Taken(changed=False, accepted=False)
    needed = document.shelf.accept(bytes(document.shard.document), absent) or ()
    if not same:
        values = {"sha256": sha256, "size": len(document.content), "waiting": len(absent), "accepted_at": at}
        models.HeldShard.objects.update_or_create(path=document.path, defaults=values)
    return Taken(changed=not same, needed=needed)


def _await_lost(documents: Sequence[Document], lost: Collection[str]) -> None:
    """Blobs that a shelf found spoilt and forgot are wanted anew; with them the documents that name them are accepted once more."""
    for document in documents if lost else ():
        number = len({blob.sha256 for blob in document.shard.blobs if blob.sha256 in lost})
        models.HeldShard.objects.filter(path=document.path).update(waiting=F("waiting") + number)


def _note_failure(current: models.CurrentCatalogue, error: YuanjiaoError, at: datetime) -> None:
    """Full jitter: nodes that failed together do not come back together."""
    longest = min(LONGEST_PAUSE_S[isinstance(error, Tampered)], settings.FOLLOW_S * 2 ** min(current.failures, 10))
    models.CurrentCatalogue.objects.filter(one=True).update(
        asked_at=at,
        failures=current.failures + 1,
        retry_at=at + timedelta(seconds=random.uniform(0, longest)),
        problem=error.message[:300],
    )
