"""Reads about catalogues: which one this machine has taken up, which one it has signed and what stands in it."""

from __future__ import annotations

from yuanjiao.flow.catalogue.models import CurrentCatalogue, HeldShard
from yuanjiao.flow.catalogue.publish import public_folder
from yuanjiao.flow.catalogue.repository import Repository
from yuanjiao.flow.catalogue.shards import scope_of
from yuanjiao.flow.catalogue.trust import held_document, held_shard, laid_target


def current_catalogue() -> CurrentCatalogue | None:
    """The catalogue this machine follows; None at the top and before the first question."""
    return CurrentCatalogue.objects.filter(one=True).first()


def taken_version() -> int:
    """The version of the parent's catalogue whose rows stand here; 0 at the top and before the first."""
    current = current_catalogue()
    return current.version if current is not None else 0


def whole_version() -> int:
    """The newest version whose blobs are all here too; 0 before the first."""
    current = current_catalogue()
    return current.whole_version if current is not None else 0


def signed_documents(shelf: str) -> tuple[int, list[bytes]]:
    """The newest catalogue signed or passed on here: its version, and the shelf's own documents in it. (0, []) before the first."""
    version, documents = signed_by_scope(shelf)
    return version, list(documents.values())


def documents_in_force(shelf: str) -> list[bytes]:
    """The shelf's own documents of the catalogue that stands here, also while parts of the next one come; none at the top."""
    rows = HeldShard.objects.filter(path__endswith=f"/{shelf}.json").order_by("path").values_list("path", "sha256")
    held = {path: laid_target(path, sha256) or held_document(path) for path, sha256 in rows}
    return [_document(path, content) for path, content in held.items() if content is not None]


def signed_by_scope(shelf: str) -> tuple[int, dict[str, bytes]]:
    """The same, each document under the scope it is for."""
    version, files = Repository(public_folder(), {}).documents_named(f"{shelf}.json")
    return version, {scope_of(path): _document(path, content) for path, content in files.items()}


def _document(path: str, content: bytes) -> bytes:
    return bytes(held_shard(path, content).document)
