"""Reads about software: what is published, and what which machine runs since when."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max

from yuanjiao.flow.blobs import store
from yuanjiao.flow.catalogue.models import HeldShard
from yuanjiao.flow.catalogue.shelf import from_document
from yuanjiao.flow.catalogue.trust import held_document, held_shard, laid_target
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.flow.software.models import SoftwareRelease, SoftwareTold
from yuanjiao.flow.software.rules import Release, Software, is_wanted, meant
from yuanjiao.lib.errors import Tampered

SHELF = "software"


@dataclass(frozen=True)
class Running:
    """What a machine runs since when (None: it has not told), and the failure that came after, if one did."""

    version: str
    since: datetime | None
    failed: SoftwareTold | None = None


def running(nodes: Iterable[Node]) -> dict[int, Running]:
    """Key of the node → what it told last; nodes that told nothing are not in it."""
    words = SoftwareTold.objects.filter(node__in=[node.pk for node in nodes])
    newest = words.order_by().values("node", "ok").annotate(newest=Max("seq")).values_list("node", "ok", "newest")
    found: dict[int, dict[bool, SoftwareTold]] = {}
    numbers = {(node, seq) for node, _ok, seq in newest}
    for word in words.filter(seq__in={seq for _node, seq in numbers}):
        if (word.node_id, word.seq) in numbers:
            found.setdefault(word.node_id, {})[word.ok] = word
    return {node: _running(told.get(True), told.get(False)) for node, told in found.items()}


def _running(good: SoftwareTold | None, bad: SoftwareTold | None) -> Running:
    if good is None:
        return Running(bad.previous if bad else "", None, bad)
    return Running(good.version, good.at, bad if bad is not None and bad.seq > good.seq else None)


def releases() -> list[SoftwareRelease]:
    """Everything published at this machine, newest first, with files and rings."""
    return list(SoftwareRelease.objects.prefetch_related("wheels", "rings").order_by("-published_at", "-pk"))


def offered_here() -> list[Release] | None:
    """What the signed catalogue in force offers this machine; None when the machine above knows nothing of software."""
    documents = [from_document(document, Software) for document in _signed_documents()]
    return [release for one in documents for release in one.releases] if documents else None


def _signed_documents() -> Iterator[bytes]:
    """Proved once more by the digests that were accepted with the catalogue's signatures: what is installed by them is run."""
    for path, sha256 in HeldShard.objects.filter(path__endswith=f"/{SHELF}.json").order_by("path").values_list("path", "sha256"):
        content = laid_target(path, sha256) or held_document(path)
        if content is None or hashlib.sha256(content).hexdigest() != sha256:
            raise Tampered("本机所存的软件目录与签名时不同：不据此安装")
        yield bytes(held_shard(path, content).document)


@dataclass(frozen=True)
class OwnSoftware:
    """What this machine runs, what it is to run (empty: nothing else), how many files of that are not here, its last failure."""

    version: str
    wanted: str
    missing: int
    failed: SoftwareTold | None


def own_software() -> OwnSoftware | None:
    """How this machine stands; None before it told anything, and at the top. Of a document that is torn nothing is said but what runs: the
    page must open all the same, and the job that reads it raises the alarm."""
    own = own_node()
    now = running([own]).get(own.pk)
    if now is None or not now.version:
        return None
    try:
        release = meant(offered_here() or [], own.subject_code)
    except Tampered:
        release = None
    if release is None or not is_wanted(release, now.version):
        return OwnSoftware(now.version, "", 0, None)
    missing = sum(not store.has(wheel.sha256) for wheel in release.wheels)
    return OwnSoftware(now.version, release.version, missing, now.failed)
