"""Passing on: a node in the middle serves the signed files it holds, byte for byte, so that the nodes below need not trust it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from tuf.api.metadata import Metadata, Root, Snapshot, Targets

from yuanjiao.flow.catalogue.publish import public_folder
from yuanjiao.flow.catalogue.repository import write_file
from yuanjiao.flow.catalogue.trust import trusted_folder


def pass_on(contents: Mapping[str, bytes]) -> None:
    """Lay out what was just accepted under the door /catalogue/; the timestamp last, so that nobody is sent to a missing file."""
    for path, content in contents.items():
        folder, _, base = path.rpartition("/")
        _lay(f"targets/{folder}/{hashlib.sha256(content).hexdigest()}.{base}", content)
    for root in sorted((trusted_folder() / "root_history").glob("*.root.json")):
        _lay(f"metadata/{root.name}", root.read_bytes())
    _lay("metadata/root.json", (trusted_folder() / "root.json").read_bytes())
    targets, snapshot = (trusted_folder() / "targets.json").read_bytes(), (trusted_folder() / "snapshot.json").read_bytes()
    _lay(f"metadata/{Metadata[Targets].from_bytes(targets).signed.version}.targets.json", targets)
    _lay(f"metadata/{Metadata[Snapshot].from_bytes(snapshot).signed.version}.snapshot.json", snapshot)
    _lay("metadata/timestamp.json", (trusted_folder() / "timestamp.json").read_bytes())


def pass_root_on(content: bytes) -> None:
    """Before the first catalogue there is already a root to enrol with."""
    version = Metadata[Root].from_bytes(content).signed.version
    _lay(f"metadata/{version}.root.json", content)
    _lay("metadata/root.json", content)


def _lay(name: str, content: bytes) -> None:
    path: Path = public_folder() / name
    if not path.is_file() or path.read_bytes() != content:
        write_file(path, content)
