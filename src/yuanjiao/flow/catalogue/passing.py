"""Passing on: a node in the middle serves the signed files it holds, byte for byte, so that the nodes below need not trust it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from tuf.api.metadata import Metadata, Root, Snapshot, Targets

from yuanjiao.flow.catalogue import parts
from yuanjiao.flow.catalogue.models import CurrentCatalogue
from yuanjiao.flow.catalogue.publish import part_file, public_folder
from yuanjiao.flow.catalogue.repository import Repository, write_file
from yuanjiao.flow.catalogue.trust import laid_target, pin_root, pinned_root, trusted_folder
from yuanjiao.lib.errors import Tampered


def pass_on(contents: Mapping[str, bytes], *, at: datetime) -> None:
    """Lay out what was just accepted under the door /catalogue/; the timestamp last, so that nobody is sent to a missing file.

    Then files that no reader below can still want are deleted, as at the top.
    """
    lay_targets(contents)
    for root in sorted((trusted_folder() / "root_history").glob("*.root.json")):
        _lay(f"metadata/{root.name}", root.read_bytes())
    _lay("metadata/root.json", (trusted_folder() / "root.json").read_bytes())
    targets, snapshot = (trusted_folder() / "targets.json").read_bytes(), (trusted_folder() / "snapshot.json").read_bytes()
    _lay(f"metadata/{Metadata[Targets].from_bytes(targets).signed.version}.targets.json", targets)
    _lay(f"metadata/{Metadata[Snapshot].from_bytes(snapshot).signed.version}.snapshot.json", snapshot)
    _lay("metadata/timestamp.json", (trusted_folder() / "timestamp.json").read_bytes())
    Repository(public_folder(), {}).tidy(at)


def lay_targets(contents: Mapping[str, bytes]) -> None:
    """Before they come into force: then what is in force can be read here while the next target files come in."""
    for path, content in contents.items():
        folder, _, base = path.rpartition("/")
        _lay(f"targets/{folder}/{hashlib.sha256(content).hexdigest()}.{base}", content)


def named_targets() -> dict[str, str]:
    """The digest of every target file of the catalogue that the door serves, by its path; not all of them lie here."""
    _, targets = Repository(public_folder(), {}).signed_files()
    return {path: target.hashes["sha256"] for path, target in targets.items()}


def is_passed_on(timestamp_sha256: str) -> bool:
    """Whether the catalogue of this timestamp is what the door /catalogue/ serves, with every part of it."""
    served = public_folder() / "metadata" / "timestamp.json"
    if not served.is_file() or hashlib.sha256(served.read_bytes()).hexdigest() != timestamp_sha256:
        return False
    return all(_has_size(path, size) for path, size in _parts(public_folder(), timestamp_sha256))


@lru_cache(maxsize=1)
def _parts(public: Path, timestamp_sha256: str) -> tuple[tuple[Path, int], ...]:
    """The files of all parts that target files here name, with their sizes: read once for each timestamp, which is laid last."""
    found = {}
    for path, sha256 in named_targets().items():
        with suppress(Tampered):
            found.update({part_file(path, part.sha256): part.size for part in parts.named(laid_target(path, sha256) or b"{}")})
    return tuple(found.items())


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def pass_root_on(content: bytes) -> None:
    """Before the first catalogue there is already a root to enrol with."""
    version = Metadata[Root].from_bytes(content).signed.version
    _lay(f"metadata/{version}.root.json", content)
    _lay("metadata/root.json", content)


def change_parent(root: bytes) -> None:
    """Follow another centre's catalogue from now on, by the root of its signed welcome; what was accepted is shown until its first one is
    here. Where the new parent only passes on what is followed already, nothing changes, and nothing older is believed than before."""
    known = [path.read_bytes() for path in (trusted_folder() / "root_history").glob("*.root.json")]
    if root in (pinned_root(), *known):
        return
    pin_root(root)
    shutil.rmtree(public_folder() / "metadata", ignore_errors=True)  # nodes below must not walk from the new root into the old chain
    pass_root_on(root)
    CurrentCatalogue.objects.update(
        timestamp_sha256="", wanted_sha256="", version=0, whole_version=0, expires_at=None, failures=0, retry_at=None, problem=""
    )


def _lay(name: str, content: bytes) -> None:
    path: Path = public_folder() / name
    if not path.is_file() or path.read_bytes() != content:
        write_file(path, content)
