"""Following: the parent's catalogue becomes ours, whole or not at all.

1. Ask whether there is a newer timestamp; mostly there is none, and that was one small request.
2. Verify the metadata (trust.py), download the documents of our scope, then every blob they name.
3. In one transaction the shelves accept what changed, in their order, and `CurrentCatalogue` moves. Until then the old one stands.
4. Pass the signed files on to the nodes below us.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from yuanjiao.flow.blobs.fetch import fetch
from yuanjiao.flow.blobs.keeping import mark_listed
from yuanjiao.flow.catalogue import models, passing
from yuanjiao.flow.catalogue.publish import one_at_a_time, scopes
from yuanjiao.flow.catalogue.shards import Shard, address, blobs_of, is_scope, unwrap
from yuanjiao.flow.catalogue.shelf import ALL, Shelf, shelves
from yuanjiao.flow.catalogue.trust import Trusted, pin_root
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.flow.wire.client import Line, parent_line
from yuanjiao.lib.errors import Tampered, YuanjiaoError

LONGEST_PAUSE_S = {True: 600.0, False: 60.0}
"""Between tries after failures: longer when what came was tampered with, since a retry can hardly help."""

__all__ = ["follow", "follow_parent", "pin_root"]


@dataclass(frozen=True)
class Signed:
    """What the timestamp says: its digest, its version, until when it counts."""

    sha256: str
    version: int
    expires_at: datetime


@dataclass(frozen=True)
class Document:
    """One verified document with where it belongs."""

    shelf: Shelf
    path: str
    content: bytes
    shard: Shard


def follow_parent(at: datetime) -> bool:
    """The job: `follow`, but after failures not before the pause is over."""
    current = models.CurrentCatalogue.objects.filter(one=True).first()
    if current is not None and current.retry_at is not None and at < current.retry_at:
        return False
    return follow(at)


def follow(at: datetime, *, line: Line | None = None) -> bool:
    """Take up the parent's newest catalogue; True when it became current. Unavailable, DiskFull or Tampered leave the old one whole."""
    with one_at_a_time("follow"):
        current, _ = models.CurrentCatalogue.objects.get_or_create(one=True)
        try:
            changed = _follow(current, line or parent_line(), at)
        except YuanjiaoError as error:
            _note_failure(current, error, at)
            raise
        models.CurrentCatalogue.objects.filter(one=True).update(asked_at=at, failures=0, retry_at=None, problem="")
        return changed


def _follow(current: models.CurrentCatalogue, line: Line, at: datetime) -> bool:
    trusted, wanted = Trusted(line, at=at), _wanted()
    known = current.timestamp_sha256 if current.wanted_sha256 == _digest(wanted) else ""
    if not trusted.newer_timestamp(known):
        if current.expires_at is not None and current.expires_at <= at:
            raise Tampered("目录签名已过期：上级停止更新，或线路上有人扣留新目录（本机时钟不准时也会如此，请先校时）")
        return False
    signed = Signed(*trusted.refresh())
    documents = _documents(trusted, wanted)
    blobs = blobs_of(document.shard for document in documents)
    for blob in blobs:
        fetch(blob, line)
    changed = _switch(documents, [blob.sha256 for blob in blobs], signed, _digest(wanted), at)
    passing.pass_on({document.path: document.content for document in documents})
    return changed


def _wanted() -> list[tuple[Shelf, str]]:
    """Shelf by shelf: what is for all, our own subtree, and the subtrees of nodes below us, which we only pass on."""
    own = own_node().scope
    mine = [ALL, *([own] if is_scope(own) and own != ALL else [])]
    below = [scope for scope in scopes() if scope not in mine and own and scope.startswith(own)]
    return [(shelf, scope) for shelf in shelves() for scope in (*mine, *below)]


def _digest(wanted: Sequence[tuple[Shelf, str]]) -> str:
    """Changes when this machine gets another scope, new software or a node below: then nothing is skipped."""
    return hashlib.sha256("\n".join(address(shelf.name, scope) for shelf, scope in wanted).encode()).hexdigest()


def _documents(trusted: Trusted, wanted: Sequence[tuple[Shelf, str]]) -> list[Document]:
    found = []
    for shelf, scope in wanted:
        path = address(shelf.name, scope)
        content = trusted.document(path)
        if content is not None:
            found.append(Document(shelf, path, content, unwrap(content, shelf=shelf.name, scope=scope)))
    return found


@transaction.atomic
def _switch(documents: Sequence[Document], blobs: Sequence[str], signed: Signed, wanted_sha256: str, at: datetime) -> bool:
    """The moment: rows of every room, the blobs that are named and the current catalogue change together."""
    held = dict(models.HeldShard.objects.values_list("path", "sha256"))
    own = own_node().scope
    changed = False
    for document in documents:
        sha256 = hashlib.sha256(document.content).hexdigest()
        if document.shard.scope not in {ALL, own} or held.get(document.path) == sha256:
            continue
        document.shelf.accept(bytes(document.shard.document))
        changed = True
        values = {"sha256": sha256, "size": len(document.content), "accepted_at": at}
        models.HeldShard.objects.update_or_create(path=document.path, defaults=values)
    mark_listed(blobs, at=at)
    taken: Mapping[str, object] = {"accepted_at": at} if changed else {}
    models.CurrentCatalogue.objects.filter(one=True).update(
        timestamp_sha256=signed.sha256, version=signed.version, expires_at=signed.expires_at, wanted_sha256=wanted_sha256, **taken
    )
    return changed


def _note_failure(current: models.CurrentCatalogue, error: YuanjiaoError, at: datetime) -> None:
    """Full jitter: nodes that failed together do not come back together."""
    longest = min(LONGEST_PAUSE_S[isinstance(error, Tampered)], settings.FOLLOW_S * 2 ** min(current.failures, 10))
    models.CurrentCatalogue.objects.filter(one=True).update(
        asked_at=at,
        failures=current.failures + 1,
        retry_at=at + timedelta(seconds=random.uniform(0, longest)),
        problem=error.message[:300],
    )
