"""The signed side of the catalogue: target files and TUF metadata in one folder, written so that a reader never sees half a change.

Order of writing: target files, targets, snapshot, and last, by one rename, the timestamp. What no timestamp names does not exist.
Versions only grow, and are never below the clock's seconds: a centre that lost this folder, but not its keys, is still followed.
Files of earlier versions stay for a while, for readers in the middle of a refresh and as bases of small differences.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Signed, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization.json import JSONSerializer

from yuanjiao.flow.blobs.store import sync_folder

T = TypeVar("T", Root, Targets, Snapshot, Timestamp)
LIFE: dict[str, timedelta] = {
    "root": timedelta(days=10 * 365),
    "targets": timedelta(days=365),
    "snapshot": timedelta(days=365),
    "timestamp": timedelta(days=7),
}
"""How long a signature counts. Seven days bound how long a stranger could keep an edge at an old catalogue unnoticed."""
KEPT = timedelta(days=35)
COMPACT = JSONSerializer(compact=True)


class Repository:
    """A folder with `metadata/` and `targets/`. Without signers it can only be read."""

    def __init__(self, folder: Path, signers: Mapping[str, CryptoSigner]) -> None:
        self.folder = folder
        self.signers = signers

    def publish(self, contents: Mapping[str, bytes], *, at: datetime) -> int | None:
        """Sign a catalogue of exactly these target files; the new version, or None when nothing had to be written."""
        self._ensure_root(at)
        wanted = {path: TargetFile.from_data(path, content, ["sha256"]) for path, content in contents.items()}
        targets, snapshot, timestamp = self._targets(), self._snapshot(), self._timestamp()
        if targets and snapshot and timestamp and targets.targets == wanted and not (_is_old(targets, at) or _is_old(snapshot, at)):
            return self._sign_timestamp(snapshot.version, at) if _is_old(timestamp, at) else None
        for path, content in contents.items():
            self._write_target(path, content)
        return self._sign_all(wanted, at)

    def _ensure_root(self, at: datetime) -> None:
        """Make the first root, or a next one with the same keys when the last begins to run out."""
        last = self._root()
        if last is not None and not _is_old(last, at):
            return
        root = Root(version=last.version + 1 if last else 1, expires=_expiry("root", at), consistent_snapshot=True)
        for role, signer in self.signers.items():
            root.add_key(signer.public_key, role)
        content = self._signed(root)
        self._write("metadata", f"{root.version}.root.json", content)
        self._write("metadata", "root.json", content)

    def _sign_all(self, wanted: dict[str, TargetFile], at: datetime) -> int:
        targets = Targets(version=_next(self._targets(), at), expires=_expiry("targets", at), targets=wanted)
        self._write("metadata", f"{targets.version}.targets.json", self._signed(targets))
        snapshot = Snapshot(
            version=_next(self._snapshot(), at), expires=_expiry("snapshot", at), meta={"targets.json": MetaFile(targets.version)}
        )
        self._write("metadata", f"{snapshot.version}.snapshot.json", self._signed(snapshot))
        return self._sign_timestamp(snapshot.version, at)

    def _sign_timestamp(self, snapshot_version: int, at: datetime) -> int:
        timestamp = Timestamp(
            version=_next(self._timestamp(), at), expires=_expiry("timestamp", at), snapshot_meta=MetaFile(snapshot_version)
        )
        self._write("metadata", "timestamp.json", self._signed(timestamp))
        return timestamp.version

    def _signed(self, signed: T) -> bytes:
        metadata = Metadata[T](signed)
        metadata.sign(self.signers[signed.type])
        return metadata.to_bytes(COMPACT)

    def _root(self) -> Root | None:
        return self._read("root.json", Root)

    def _timestamp(self) -> Timestamp | None:
        return self._read("timestamp.json", Timestamp)

    def _snapshot(self) -> Snapshot | None:
        """What the present timestamp names; files no timestamp names are left-overs of a crash."""
        timestamp = self._timestamp()
        return self._read(f"{timestamp.snapshot_meta.version}.snapshot.json", Snapshot) if timestamp else None

    def _targets(self) -> Targets | None:
        snapshot = self._snapshot()
        return self._read(f"{snapshot.meta['targets.json'].version}.targets.json", Targets) if snapshot else None

    def _read(self, name: str, kind: type[T]) -> T | None:
        path = self.folder / "metadata" / name
        if not path.is_file():
            return None
        signed = Metadata[T].from_bytes(path.read_bytes()).signed
        return signed if isinstance(signed, kind) else None

    def _write_target(self, path: str, content: bytes) -> None:
        folder, _, base = path.rpartition("/")
        name = f"{hashlib.sha256(content).hexdigest()}.{base}"
        if not (self.folder / "targets" / folder / name).is_file():
            self._write(f"targets/{folder}", name, content)

    def _write(self, folder: str, name: str, content: bytes) -> None:
        write_file(self.folder / folder / name, content)

    def documents_named(self, base: str) -> tuple[int, list[bytes]]:
        """The newest timestamp's version with every target file of that name in its catalogue, in the order of their paths."""
        timestamp, targets = self._timestamp(), self._targets()
        if timestamp is None or targets is None:
            return 0, []
        found = []
        for path, target in sorted(targets.targets.items()):
            folder, _, name = path.rpartition("/")
            if name == base:
                found.append((self.folder / "targets" / folder / f"{target.hashes['sha256']}.{name}").read_bytes())
        return timestamp.version, found

    def tidy(self, at: datetime) -> int:
        """Delete what no reader can still want: files older than `KEPT` that the present catalogue does not name."""
        kept = self._named()
        old = [
            path
            for path in self.folder.rglob("*.json")
            if path not in kept and not path.name.endswith("root.json") and path.stat().st_mtime < (at - KEPT).timestamp()
        ]
        for path in old:
            path.unlink()
        return len(old)

    def _named(self) -> set[Path]:
        targets, snapshot = self._targets(), self._snapshot()
        metadata, files = self.folder / "metadata", self.folder / "targets"
        named = {metadata / "timestamp.json"}
        if targets is not None and snapshot is not None:
            named |= {metadata / f"{snapshot.version}.snapshot.json", metadata / f"{targets.version}.targets.json"}
            for path, target in targets.targets.items():
                folder, _, base = path.rpartition("/")
                named.add(files / folder / f"{target.hashes['sha256']}.{base}")
        return named


def write_file(path: Path, content: bytes) -> None:
    """Put the whole content in place by one rename, on the disk before and after."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    with open(fresh, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)


def _expiry(role: str, at: datetime) -> datetime:
    return (at + LIFE[role]).replace(microsecond=0)


def _next(last: Signed | None, at: datetime) -> int:
    return max(int(at.timestamp()), last.version + 1 if last else 1)


def _is_old(signed: Signed, at: datetime) -> bool:
    """Half of its life is over: time to sign again, while a publisher that is down for days does no harm."""
    return signed.expires - at < LIFE[signed.type] / 2
