"""The signed side of the catalogue: target files and TUF metadata in one folder, written so that a reader never sees half a change.

Order of writing: target files, targets, snapshot, and last, by one rename, the timestamp. What no timestamp names does not exist.
Versions only grow, and are never below the clock's seconds: a centre that lost this folder, but not its keys, is still followed.
What the keys of the present root did not sign does not stand: followers forget it too, and it is signed anew. So a stolen key that
drove versions far into the future does no lasting harm once it is replaced: they go on from the clock.
Files of earlier versions stay for a while, for readers in the middle of a refresh and as bases of small differences.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import Metadata, MetaFile, Root, Signed, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization.json import JSONSerializer

from yuanjiao.flow.blobs.store import sync_folder
from yuanjiao.flow.catalogue import parts
from yuanjiao.lib.errors import Refused

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
FAR_S = 86_400
UNDER_ROOT = "root_version"
"""Our own field of the timestamp: under which root it was signed. Whoever asks only for timestamps learns so of every next root."""
NOTE = "note"
"""Our own field of a root: when and for what it was made."""


class Repository:
    """A folder with `metadata/` and `targets/`. Without signers it can only be read."""

    def __init__(self, folder: Path, signers: Mapping[str, Sequence[CryptoSigner]]) -> None:
        self.folder = folder
        self.signers = signers

    def publish(
        self, contents: Mapping[str, bytes], *, at: datetime, root: Metadata[Root] | None = None, renew: bool = False
    ) -> int | None:
        """Sign a catalogue of exactly these target files; the new version, or None when nothing had to be written.

        `root` is the next root (`next_root`) that comes into force with it; `renew` asks for a new timestamp, whatever the age of the
        last. Refused when keys of a role are missing here.
        """
        root = root or self._due_root(at)
        trust = root.signed if root else self._trust()
        wanted = {path: TargetFile.from_data(path, content, ["sha256"]) for path, content in contents.items()}
        stands = self._stands(trust, wanted, at)
        if stands and not root and not renew and not self._timestamp_is_due(trust, at):
            return None
        self._require_keys(trust)
        for path, content in contents.items():
            self._write_target(path, content)
        snapshot = self._snapshot() if stands else None
        version = snapshot.signed.version if snapshot else self._sign_documents(trust, wanted, at)
        timestamp = self._new_timestamp(trust, version, at)
        if root:
            self._lay_root(root)  # one rename before the timestamp, so that hardly anybody sees one without the other
        self._write("metadata", "timestamp.json", self._signed(timestamp))
        return timestamp.version

    def next_root(
        self, change: Callable[[Root], None], *, by: Iterable[CryptoSigner], at: datetime, note: str, last: Metadata[Root] | None = None
    ) -> Metadata[Root]:
        """The root after the present one, changed and signed by those of `by` whom the old or the new one names; not in force yet.

        Refused unless enough keys of both sign it: nobody would believe it.
        """
        before = (last or self._require_root()).signed
        root = deepcopy(before)
        root.version, root.expires = before.version + 1, _expiry("root", at)
        root.unrecognized_fields[NOTE] = f"{at:%Y-%m-%dT%H:%M:%SZ} {note}"
        change(root)
        signed = Metadata(root)
        for signer in by:
            if signer.public_key.keyid in {*before.roles["root"].keyids, *root.roles["root"].keyids}:
                signed.sign(signer, append=True)
        proof = root.get_root_verification_result(before, signed.signed_bytes, signed.signatures)
        if not proof.verified:
            missing = max(proof.first.missing, proof.second.missing)
            raise Refused(f"根密钥不够，还差 {missing} 把：新的根须由原来的和新的根密钥各按规定把数签名")
        return signed

    def root(self) -> Metadata[Root] | None:
        """The root in force, or None before the first."""
        return self._read("root.json", Root)

    def _require_root(self) -> Metadata[Root]:
        root = self.root()
        if root is None:
            raise Refused("还没有签发过目录：没有可以更换的密钥")
        return root

    def _due_root(self, at: datetime) -> Metadata[Root] | None:
        """The first root, or a next one with the same keys when the last begins to run out and its keys are here."""
        last = self.root()
        if last is None:
            root = Root(version=1, expires=_expiry("root", at), consistent_snapshot=True)
            for role, keys in self.signers.items():
                for signer in keys:
                    root.add_key(signer.public_key, role)
            first = Metadata(root)
            for signer in self.signers["root"]:
                first.sign(signer, append=True)
            self._lay_root(first)
            return None
        if not _is_old(last.signed, at) or len(self.signers["root"]) < last.signed.roles["root"].threshold:
            return None
        return self.next_root(lambda root: None, by=self.signers["root"], at=at, note="renewed", last=last)

    def _trust(self) -> Root:
        return self._require_root().signed

    def _require_keys(self, trust: Root) -> None:
        for role in ("targets", "snapshot", "timestamp"):
            if len(self.signers[role]) < trust.roles[role].threshold:
                raise Refused(f"{role} 须由 {trust.roles[role].threshold} 把密钥签名，本机只有 {len(self.signers[role])} 把")

    def _lay_root(self, root: Metadata[Root]) -> None:
        content = root.to_bytes(COMPACT)
        self._write("metadata", f"{root.signed.version}.root.json", content)
        self._write("metadata", "root.json", content)

    def _stands(self, trust: Root, wanted: dict[str, TargetFile], at: datetime) -> bool:
        """Whether the present targets and snapshot are these documents, rightly signed and far from running out."""
        targets, snapshot = self._targets(), self._snapshot()
        return (
            targets is not None
            and snapshot is not None
            and targets.signed.targets == wanted
            and not (_is_old(targets.signed, at) or _is_old(snapshot.signed, at))
            and _is_signed_by(trust, targets)
            and _is_signed_by(trust, snapshot)
            and not self._is_forgotten(trust, snapshot.signed, at)
        )

    def _is_forgotten(self, trust: Root, snapshot: Snapshot, at: datetime) -> bool:
        """A snapshot far in the future that only a timestamp told of which is not believed any more."""
        timestamp = self._timestamp()
        return timestamp is not None and _next(snapshot.version, at, told_by=timestamp, trust=trust) <= snapshot.version

    def _timestamp_is_due(self, trust: Root, at: datetime) -> bool:
        timestamp = self._timestamp()
        return (
            timestamp is None
            or _is_old(timestamp.signed, at)
            or timestamp.signed.unrecognized_fields.get(UNDER_ROOT) != trust.version
            or not _is_signed_by(trust, timestamp)
        )

    def _sign_documents(self, trust: Root, wanted: dict[str, TargetFile], at: datetime) -> int:
        """Targets and snapshot, whose version it returns. A follower knows their last versions from the snapshot and the timestamp."""
        timestamp, snapshot = self._timestamp(), self._snapshot()
        last = snapshot.signed.meta["targets.json"].version if snapshot else 0
        version = _next(last, at, told_by=snapshot, trust=trust)
        targets = Targets(version=version, expires=_expiry("targets", at), targets=wanted)
        self._write("metadata", f"{targets.version}.targets.json", self._signed(targets))
        last = timestamp.signed.snapshot_meta.version if timestamp else 0
        version, meta = _next(last, at, told_by=timestamp, trust=trust), {"targets.json": MetaFile(targets.version)}
        fresh = Snapshot(version=version, expires=_expiry("snapshot", at), meta=meta)
        self._write("metadata", f"{fresh.version}.snapshot.json", self._signed(fresh))
        return fresh.version

    def _new_timestamp(self, trust: Root, snapshot_version: int, at: datetime) -> Timestamp:
        last = self._timestamp()
        return Timestamp(
            version=_next(last.signed.version if last else 0, at, told_by=last, trust=trust),
            expires=_expiry("timestamp", at),
            snapshot_meta=MetaFile(snapshot_version),
            unrecognized_fields={UNDER_ROOT: trust.version},
        )

    def _signed(self, signed: T) -> bytes:
        metadata = Metadata[T](signed)
        for signer in self.signers[signed.type]:
            metadata.sign(signer, append=True)
        return metadata.to_bytes(COMPACT)

    def _timestamp(self) -> Metadata[Timestamp] | None:
        return self._read("timestamp.json", Timestamp)

    def _snapshot(self) -> Metadata[Snapshot] | None:
        """What the present timestamp names; files no timestamp names are left-overs of a crash."""
        timestamp = self._timestamp()
        return self._read(f"{timestamp.signed.snapshot_meta.version}.snapshot.json", Snapshot) if timestamp else None

    def _targets(self) -> Metadata[Targets] | None:
        snapshot = self._snapshot()
        return self._read(f"{snapshot.signed.meta['targets.json'].version}.targets.json", Targets) if snapshot else None

    def _read(self, name: str, kind: type[T]) -> Metadata[T] | None:
        path = self.folder / "metadata" / name
        if not path.is_file():
            return None
        found = Metadata[T].from_bytes(path.read_bytes())
        return found if isinstance(found.signed, kind) else None

    def _write_target(self, path: str, content: bytes) -> None:
        folder, _, base = path.rpartition("/")
        name = f"{hashlib.sha256(content).hexdigest()}.{base}"
        if not (self.folder / "targets" / folder / name).is_file():
            self._write(f"targets/{folder}", name, content)

    def _write(self, folder: str, name: str, content: bytes) -> None:
        write_file(self.folder / folder / name, content)

    def documents_named(self, base: str) -> tuple[int, dict[str, bytes]]:
        """The newest timestamp's version with every target file of that name in its catalogue, by its path."""
        timestamp, targets = self._timestamp(), self._targets()
        if timestamp is None or targets is None:
            return 0, {}
        found = {}
        for path, target in sorted(targets.signed.targets.items()):
            folder, _, name = path.rpartition("/")
            if name == base:
                found[path] = (self.folder / "targets" / folder / f"{target.hashes['sha256']}.{name}").read_bytes()
        return timestamp.signed.version, found

    def signed_files(self) -> tuple[dict[str, bytes], dict[str, TargetFile]]:
        """What stands: its metadata files by name, the timestamp last, and its target files by path. Refused before the first."""
        folder = self.folder / "metadata"
        if not (folder / "timestamp.json").is_file():
            raise Refused("本机还没有目录")
        timestamp = (folder / "timestamp.json").read_bytes()  # read once: the next one may come at any moment
        named = f"{Metadata[Timestamp].from_bytes(timestamp).signed.snapshot_meta.version}.snapshot.json"
        snapshot = (folder / named).read_bytes()
        listed = f"{Metadata[Snapshot].from_bytes(snapshot).signed.meta['targets.json'].version}.targets.json"
        targets = (folder / listed).read_bytes()
        roots = {path.name: path.read_bytes() for path in sorted(folder.glob("*.root.json"))}
        files = {**roots, listed: targets, named: snapshot, "timestamp.json": timestamp}
        return files, Metadata[Targets].from_bytes(targets).signed.targets

    def tidy(self, at: datetime) -> int:
        """Delete what no reader can still want: files older than `KEPT` that the present catalogue does not name."""
        kept = self._named()
        old = [
            path
            for path in self.folder.rglob("*.*")
            if path.suffix in {".json", ".part"}
            and path not in kept
            and not path.name.endswith("root.json")
            and path.stat().st_mtime < (at - KEPT).timestamp()
        ]
        for path in old:
            path.unlink()
        return len(old)

    def _named(self) -> set[Path]:
        targets, snapshot = self._targets(), self._snapshot()
        metadata, files = self.folder / "metadata", self.folder / "targets"
        named = {metadata / "timestamp.json"}
        if targets is not None and snapshot is not None:
            named |= {metadata / f"{snapshot.signed.version}.snapshot.json", metadata / f"{targets.signed.version}.targets.json"}
            for path, target in targets.signed.targets.items():
                folder, _, base = path.rpartition("/")
                named.add(files / folder / f"{target.hashes['sha256']}.{base}")
                named |= self._parts_of(files / folder, f"{target.hashes['sha256']}.{base}")
        return named

    def _parts_of(self, folder: Path, name: str) -> set[Path]:
        """The files of its parts; a machine in the middle has not every document."""
        if not (folder / name).is_file():
            return set()
        shelf = name.split(".")[1]
        return {folder / f"{part.sha256}.{shelf}.part" for part in parts.named((folder / name).read_bytes())}


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


def _next(last_version: int, at: datetime, *, told_by: Metadata[T] | None, trust: Root) -> int:
    """The version after the last one; one far in the future is forgotten when what told of it is not believed any more."""
    now = int(at.timestamp())
    if told_by is not None and last_version > now + FAR_S and not _is_signed_by(trust, told_by):
        return now
    return max(now, last_version + 1)


def _is_signed_by(trust: Root, metadata: Metadata[T]) -> bool:
    """Whether enough keys that this root names for the role signed it."""
    try:
        trust.verify_delegate(metadata.signed.type, metadata.signed_bytes, metadata.signatures)
    except UnsignedMetadataError:
        return False
    return True


def _is_old(signed: Signed, at: datetime) -> bool:
    """Half of its life is over: time to sign again, while a publisher that is down for days does no harm."""
    return signed.expires - at < LIFE[signed.type] / 2
