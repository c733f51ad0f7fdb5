"""The catalogue on a stick: what a line would bring, carried by hand to machines that have none, or a bad one.

It goes in by the same door: `follow` over a line whose transport reads the packet, so that signatures, versions and expiry decide as
ever. Documents of a subtree hold hashes of passwords and keys of sites: on the stick they are readable only for the machines that would
get them over the line. Each scope's documents are encrypted under a key of their own, which is sealed to each such machine's key.

Names in the packet: `metadata/…`, `targets/<folder>/<sha256>.<base>` and their parts (zstd), `sealed/<folder>/…` (the same, encrypted),
`keys/<folder>/<uid>`, `blobs/<ab>/<sha256>` (as they are).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx
import nacl.secret
from nacl.exceptions import CryptoError
from nacl.utils import random
from tuf.api.metadata import Metadata, TargetFile, Timestamp

from yuanjiao.flow.blobs import quota, store
from yuanjiao.flow.blobs.fetch import fetch
from yuanjiao.flow.blobs.models import Wanted
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.flow.catalogue import parts
from yuanjiao.flow.catalogue.encoding import LARGEST, pack
from yuanjiao.flow.catalogue.follow import follow
from yuanjiao.flow.catalogue.packet import Index, Reader, Writer, finish, opened, written
from yuanjiao.flow.catalogue.publish import public_folder, publish
from yuanjiao.flow.catalogue.repository import Repository
from yuanjiao.flow.catalogue.shards import METADATA_URL, TARGETS_URL, Shard, blobs_of, may_read, no_parts, part_address, scope_of
from yuanjiao.flow.catalogue.shelf import ALL
from yuanjiao.flow.catalogue.trust import held_part, held_shard
from yuanjiao.flow.nodes.keys import opened_by_us, sealed_for
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import child_nodes, own_node, signs_catalogue
from yuanjiao.flow.wire.client import Line
from yuanjiao.lib.errors import DiskFull, NotFound, Refused, Tampered, YuanjiaoError

BLOBS_URL = "/blobs/"
KEY_BYTES = nacl.secret.SecretBox.KEY_SIZE


@dataclass(frozen=True)
class Written:
    """What an export put on the stick; `missing` blobs are named, but not on this machine. Sizes in bytes."""

    documents: int
    blobs: int
    missing: int
    size: int
    expires_at: datetime


@dataclass(frozen=True)
class Taken:
    """What an import brought: a newer catalogue or not, blobs that were wanted, how many still are, and what was wrong with single ones."""

    changed: bool
    blobs: int
    wanted: int
    problems: tuple[str, ...]


def receivers(scope: str) -> list[Node]:
    """The machines below that `scope` means: a node's uid or register code, a division's code or path; none for `all`. NotFound."""
    if scope == ALL:
        return []
    known = child_nodes()
    former = {node.renews_id for node in known}  # the key of before may have been copied with its machine
    below = [node for node in known if node.revoked_at is None and node.pk not in former]
    found = [node for node in below if scope in {str(node.uid), node.subject_code}]
    part = f"/{scope.strip('/')}/"
    found = found or [node for node in below if part in node.scope]
    if not found:
        raise NotFound(f"没有登记过属于 {scope} 的下级节点")
    return found


def export(where: Path, *, nodes: Sequence[Node], with_blobs: bool = True, at: datetime) -> Written:
    """Write what is for everybody and what is for these nodes. At the top the timestamp is renewed first, to count for its whole life."""
    if signs_catalogue():
        publish(at, renew=True)
    files, targets = Repository(public_folder(), {}).signed_files()
    chosen = {path: target for path, target in targets.items() if _is_for(path, nodes)}
    expires_at = Metadata[Timestamp].from_bytes(files["timestamp.json"]).signed.expires
    with written(where) as writer:
        for name, content in files.items():
            writer.put(f"metadata/{name}", content)
        shards = list(_put_documents(writer, chosen, nodes))
        blobs = blobs_of(shards) if with_blobs else []
        here = [blob for blob in blobs if store.has(blob.sha256)]
        for blob in here:
            writer.pour(_blob_name(blob.sha256), store.pieces(blob.sha256, 0, blob.size))
        scopes = tuple(sorted({scope_of(path) for path in chosen}))
        uids = tuple(node.uid for node in nodes)
        finish(writer, Index(made_at=at, expires_at=expires_at, scopes=scopes, receivers=uids, files=dict(writer.sizes)))
        return Written(len(chosen), len(here), len(blobs) - len(here), sum(writer.sizes.values()), expires_at)


def take_in(where: Path, *, at: datetime) -> Taken:
    """Follow what is on the stick, then take the blobs that are wanted, and show what waited for them.

    Raises what following raises; the catalogue in force stays whole whatever comes of it.
    """
    with opened(where) as packet:
        _require_for_us(packet.index)
        line = Line("http://stick", transport=StickTransport(packet))
        try:
            changed = follow(at, line=line)
            taken, problems = _take_blobs(packet, line, at)
            if taken and not Wanted.objects.exists():
                follow(at, line=line)  # while others are still awaited, the job beside the queue decides when
            return Taken(changed, taken, Wanted.objects.count(), problems)
        finally:
            line.close()


def _is_for(path: str, nodes: Sequence[Node]) -> bool:
    return scope_of(path) == ALL or any(may_read(node.scope, path) for node in nodes)


def _put_documents(writer: Writer, chosen: dict[str, TargetFile], nodes: Sequence[Node]) -> Iterator[Shard]:
    keys: dict[str, bytes] = {}
    for path, target in chosen.items():
        folder, _, base = path.rpartition("/")
        name = f"{folder}/{target.hashes['sha256']}.{base}"
        source = public_folder() / "targets" / name
        if not source.is_file():
            raise Refused(f"本机没有目录文档 {path}：请在上级导出")
        content = source.read_bytes()
        if folder != ALL and folder not in keys:
            keys[folder] = random(KEY_BYTES)
            for node in nodes:
                if may_read(node.scope, path):
                    writer.put(f"keys/{folder}/{node.uid}", sealed_for(bytes(node.public_key), keys[folder]))
        _put_document(writer, name, content, keys.get(folder))
        for part in parts.named(content):
            _put_document(writer, part_address(path, part.sha256), held_part(path, part) or no_parts(part), keys.get(folder))
        yield held_shard(path, content)


def _put_document(writer: Writer, name: str, content: bytes, key: bytes | None) -> None:
    """A target file or a part, packed, and where there is a key sealed with it. A part several documents have is written once."""
    _, packed = pack(content, None)
    if key is not None:
        name, packed = f"sealed/{name}", nacl.secret.SecretBox(key).encrypt(packed)
    else:
        name = f"targets/{name}"
    if name not in writer.sizes:
        writer.put(name, packed)


def _require_for_us(index: Index) -> None:
    own = own_node()
    if own.scope and own.scope != ALL and own.uid not in index.receivers:
        raise Refused("这个目录包不是给本机的：请让上级按本机的编号或所在区划导出")


def _take_blobs(packet: Reader, line: Line, at: datetime) -> tuple[int, tuple[str, ...]]:
    """What the queue waits for and the stick has. One that is spoilt keeps none of the others back; a disk without room ends it."""
    taken, problems = 0, []
    for row in quota.counted().order_by("rank", "size", "sha256"):
        if not packet.has(_blob_name(row.sha256)) or (row.left_out is None and not quota.fits(row.size)):
            continue  # what is not decided on yet takes no other's room
        try:
            quota.make_room(row.size, at=at)
            fetch(BlobRef(row.sha256, row.size, row.media_type), line)
        except DiskFull:
            raise
        except YuanjiaoError as error:
            problems.append(error.message)
        else:
            Wanted.objects.filter(pk=row.pk).delete()
            taken += 1
    return taken, tuple(problems)


def _blob_name(sha256: str) -> str:
    return f"blobs/{sha256[:2]}/{sha256}"


class StickTransport(httpx.BaseTransport):
    """Answers as a parent would, from the packet."""

    def __init__(self, packet: Reader) -> None:
        self._packet = packet

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.startswith(METADATA_URL):
            return self._metadata(f"metadata/{path.removeprefix(METADATA_URL)}", request.headers.get("If-None-Match", ""))
        if path.startswith(TARGETS_URL):
            return self._document(path.removeprefix(TARGETS_URL))
        if path.startswith(BLOBS_URL) and store.is_name(path.removeprefix(BLOBS_URL)):
            return self._blob(path.removeprefix(BLOBS_URL), request.headers.get("Range", ""))
        return httpx.Response(404)

    def _metadata(self, name: str, known: str) -> httpx.Response:
        if not self._packet.has(name):
            return httpx.Response(404)
        content = self._packet.read(name, LARGEST)
        if known == f'"{hashlib.sha256(content).hexdigest()}"':
            return httpx.Response(304)
        return httpx.Response(200, stream=_Pieces(iter([content])))

    def _document(self, name: str) -> httpx.Response:
        if self._packet.has(f"targets/{name}"):
            packed = self._packet.read(f"targets/{name}", LARGEST)
        elif self._packet.has(f"sealed/{name}"):
            packed = self._unsealed(name)
        else:
            return httpx.Response(404)
        return httpx.Response(200, headers={"Content-Encoding": "zstd"}, stream=_Pieces(iter([packed])))

    def _unsealed(self, name: str) -> bytes:
        key_name = f"keys/{name.rpartition('/')[0]}/{own_node().uid}"
        if not self._packet.has(key_name):
            raise Refused("这个目录包里的文档不是给本机的")
        key = opened_by_us(self._packet.read(key_name, 1024))
        try:
            return nacl.secret.SecretBox(key).decrypt(self._packet.read(f"sealed/{name}", LARGEST))
        except (CryptoError, ValueError, TypeError):
            raise Tampered("目录包里密封的文档已损坏，或被改动") from None

    def _blob(self, sha256: str, asked: str) -> httpx.Response:
        name = _blob_name(sha256)
        if not self._packet.has(name):
            return httpx.Response(404)
        size, start = self._packet.size(name), asked.removeprefix("bytes=").removesuffix("-")
        if start.isdigit() and int(start) < size:
            labels = {"Content-Range": f"bytes {start}-{size - 1}/{size}"}
            return httpx.Response(206, headers=labels, stream=_Pieces(self._packet.pieces(name, int(start))))
        return httpx.Response(200, stream=_Pieces(self._packet.pieces(name)))


class _Pieces(httpx.SyncByteStream):
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces
