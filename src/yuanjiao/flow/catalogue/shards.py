"""A shard: one shelf's document for one scope, as it lies in a target file. These bytes are signed: a new form gets a new FORM.

A large document does not lie in its target file: that names its parts (parts.py), which lie beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from urllib.parse import quote

import msgspec

from yuanjiao.flow.blobs.store import BlobRef, is_name
from yuanjiao.flow.catalogue import parts
from yuanjiao.flow.catalogue.parts import Part, Parted
from yuanjiao.flow.catalogue.shelf import ALL, Offer, from_document, to_document
from yuanjiao.lib.errors import Tampered

FORM = 1
METADATA_URL = "/catalogue/metadata/"
TARGETS_URL = "/catalogue/targets/"
SCOPE = re.compile(r"/(\d{12}/)+")


class Shard(msgspec.Struct, frozen=True, kw_only=True):
    """The target file of a document that lies in it whole: which shelf and scope it is for, the blobs it names, the shelf's own JSON."""

    form: int = FORM
    shelf: str
    scope: str
    blobs: tuple[BlobRef, ...]
    document: msgspec.Raw


def is_scope(scope: str) -> bool:
    """Whether a shard can be made for it: everybody, or a division path."""
    return scope == ALL or bool(SCOPE.fullmatch(scope))


def address(shelf: str, scope: str) -> str:
    """The target path: 'all/courseware.json', '990000000000/990100000000/people.json'."""
    return f"{scope.strip('/')}/{shelf}.json"


def shard_file(path: str) -> str:
    """The file a document of the catalogue is kept in below: its target path in one flat name."""
    return quote(path, safe="")


def part_address(path: str, sha256: str) -> str:
    """Where a part of a document lies beside its target files: '<scope>/<sha256>.<shelf>.part'."""
    folder, _, base = path.rpartition("/")
    return f"{folder}/{sha256}.{base.removesuffix('.json')}.part"


def scope_of(path: str) -> str:
    """The scope whose shard lies at a target path."""
    folder = path.rpartition("/")[0]
    return folder if folder == ALL else f"/{folder}/"


def may_read(node_scope: str, path: str) -> bool:
    """Whether a node of that scope may have the target: what is for all, and what lies inside its own subtree."""
    scope = scope_of(path)
    return scope == ALL or (is_scope(scope) and node_scope != "" and scope.startswith(node_scope))


def wrap(shelf: str, scope: str, offer: Offer) -> bytes:
    """The bytes of a target file; blobs in the order of their names, each once."""
    blobs = tuple(sorted(set(offer.blobs)))
    return to_document(Shard(shelf=shelf, scope=scope, blobs=blobs, document=msgspec.Raw(offer.document)))


def laid_out(shelf: str, scope: str, offer: Offer) -> tuple[bytes, dict[str, bytes]]:
    """The bytes of a target file, and of its parts by their digests when the document is a large one."""
    if len(offer.document) <= parts.WHOLE:
        return wrap(shelf, scope, offer), {}
    return parts.divide(shelf, scope, offer)


def no_parts(part: Part) -> bytes:
    """For who has only the target file."""
    raise Tampered(f"目录文档的分块 {part.sha256[:12]} 不在本机")


def unwrap(content: bytes, *, shelf: str, scope: str, part: Callable[[Part], bytes] = no_parts) -> Shard:
    """The shard again, its parts put together as `part` gives them (verified).

    Tampered when it is for another shelf or scope than its address says, or of a form we do not know.
    """
    shard = _read(content, part)
    if (shard.shelf, shard.scope) != (shelf, scope) or not all(is_name(blob.sha256) and blob.size >= 0 for blob in shard.blobs):
        raise Tampered(f"目录文档 {address(shelf, scope)} 的内容与地址不符")
    return shard


def _read(content: bytes, part: Callable[[Part], bytes]) -> Shard:
    form = parts.form_of(content)
    if form == FORM:
        return from_document(content, Shard)
    if form != parts.FORM:
        raise Tampered(f"目录文档的格式（{form}）本机不认识：请先升级本机软件")
    parted = from_document(content, Parted)
    blobs, document = parts.join(parted, part)
    return Shard(form=form, shelf=parted.shelf, scope=parted.scope, blobs=blobs, document=msgspec.Raw(document))


def blobs_of(shards: Iterable[Shard]) -> list[BlobRef]:
    """Every blob the shards name, each once, small ones first: a broken line then still brings many."""
    found = {blob.sha256: blob for shard in shards for blob in shard.blobs}
    return sorted(found.values(), key=lambda blob: (blob.size, blob.sha256))
