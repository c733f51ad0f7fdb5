"""Reads about catalogues: which one this machine has taken up, which one it has signed and what stands in it."""

from __future__ import annotations

from yuanjiao.flow.catalogue.models import CurrentCatalogue
from yuanjiao.flow.catalogue.publish import public_folder
from yuanjiao.flow.catalogue.repository import Repository
from yuanjiao.flow.catalogue.shards import Shard
from yuanjiao.flow.catalogue.shelf import from_document


def taken_version() -> int:
    """The version of the parent's catalogue that stands here; 0 at the top and before the first."""
    current = CurrentCatalogue.objects.filter(one=True).first()
    return current.version if current is not None else 0


def signed_documents(shelf: str) -> tuple[int, list[bytes]]:
    """The newest catalogue signed or passed on here: its version, and the target files of one shelf. (0, []) before the first."""
    return Repository(public_folder(), {}).documents_named(f"{shelf}.json")


def signed_by_scope(shelf: str) -> tuple[int, dict[str, bytes]]:
    """The same, each target file under the scope it is for."""
    version, files = signed_documents(shelf)
    return version, {from_document(content, Shard).scope: content for content in files}
