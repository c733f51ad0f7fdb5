"""A machine in one file: its database, its keys, what it trusts, its settings; the films only when asked for.

The file is a tar, which any machine can open when ours cannot. Its last member, `manifest.json`, says of every other one how long it is
and its SHA-256: a file without it is torn. It holds private keys and must be kept like them.

Order matters, because the machine goes on meanwhile. What the database must not be older than comes before it (keys, trust: the catalogue
is fetched again), what it refers to comes behind it (archives of the journal, column files, blobs).
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Protocol

import msgspec
from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from yuanjiao.flow.blobs import store
from yuanjiao.flow.blobs.moving import held_in_bucket
from yuanjiao.flow.journal.queries import own_seq
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib.env import PREFIX
from yuanjiao.lib.errors import Refused
from yuanjiao.wiring.edge import database

FORM = 1
"""Of the file: names of its members and of the manifest's fields. Another way of keeping them is another number."""
MANIFEST, SETTINGS = "manifest.json", "settings.env"
KEY = "node.key"
"""Without it the machine that comes back is nobody."""
BEFORE = (KEY, "node.key.next", "secret_key", "keys", "catalogue/trusted")
BEHIND = ("journal", "catalogue/public", "counting")
FILMS = ("blobs", "uploads")
SKIPPED = (".lock", ".part")
PASSING = frozenset({"parts", "copies"})
"""Folders of what is under way, or at hand of what is kept elsewhere."""
NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS)
"""What a stick with FAT or a share of Windows answers to a second name for a file."""
PIECE = 1 << 20


class Member(msgspec.Struct, frozen=True):
    """One file: bytes and SHA-256."""

    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Whose machine it was, when, by which software; `migrations` are those its database has seen, as `app.name`."""

    form: int
    version: str
    made_at: datetime
    node: str
    node_name: str
    role: str
    own_seq: int
    database: str
    with_blobs: bool
    migrations: list[str]
    files: dict[str, Member]


@dataclass(frozen=True)
class Written:
    """What a backup holds; `sha256` of its manifest tells this one from every other."""

    files: int
    size: int
    sha256: str


def write_backup(target: Path, *, with_blobs: bool, at: datetime) -> Written:
    """Write this machine's backup. Refused when the file is there already; nothing is left when it does not end well."""
    if target.exists():
        raise Refused(f"{target} 已经存在：请换一个文件名，旧备份不覆盖")
    part = target.with_name(f".{target.name}.part")
    try:
        with open(os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as file:
            written = _write(file, with_blobs, at)
            os.fsync(file.fileno())
        _name(part, target)
    finally:
        part.unlink(missing_ok=True)
    return written


def _name(part: Path, target: Path) -> None:
    """Whole or not at all, and never in the place of another."""
    try:
        os.link(part, target)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        if target.exists():
            raise Refused(f"{target} 已经存在：请换一个文件名，旧备份不覆盖") from None
        part.rename(target)


def _write(file: io.BufferedRandom, with_blobs: bool, at: datetime) -> Written:
    home, files = Path(settings.HOME), dict[str, Member]()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, path in _files(home, BEFORE):
            files[name] = _add(tar, name, path)
        if KEY not in files:
            raise Refused(f"{home} 里没有 {KEY}，这样的备份恢复不了：请核对 YUANJIAO_HOME，并用服务的用户运行")
        with tempfile.TemporaryDirectory(dir=home, prefix=".yuanjiao-backup-") as room:
            dumped = Path(room) / database.name_now()
            database.dump(dumped)
            files[dumped.name] = _add(tar, dumped.name, dumped)
        for name, path in _files(home, BEHIND + (FILMS if with_blobs else ())):
            files[name] = _add(tar, name, path)
        if with_blobs:
            files |= _from_bucket(tar, home)
        files[SETTINGS] = _add_bytes(tar, SETTINGS, _settings())
        manifest = msgspec.json.encode(_manifest(files, with_blobs, at))
        _add_bytes(tar, MANIFEST, manifest)
    return Written(len(files), sum(one.size for one in files.values()), hashlib.sha256(manifest).hexdigest())


def _files(home: Path, names: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    for name in names:
        for path in [home / name, *sorted((home / name).rglob("*"))]:
            if (
                path.is_file()
                and not path.is_symlink()
                and not path.name.endswith(SKIPPED)
                and not PASSING & set(path.relative_to(home).parts)
            ):
                yield str(path.relative_to(home)), path


def _add(tar: tarfile.TarFile, name: str, path: Path) -> Member:
    """As much as there was when it was begun: a file that grows meanwhile does not break the archive."""
    with path.open("rb") as file:
        said = tarfile.TarInfo(name)
        said.size, said.mode = os.fstat(file.fileno()).st_size, 0o600
        reader = _Digesting(file)
        tar.addfile(said, reader)  # type: ignore[arg-type]
    return Member(said.size, reader.digest.hexdigest())


def _from_bucket(tar: tarfile.TarFile, home: Path) -> dict[str, Member]:
    """Blobs that are kept in a bucket, under the names they have on a disk: the machine that comes back has them there."""
    found = {}
    for blob in held_in_bucket():
        if store.size_of(blob.sha256) != blob.size:
            continue  # let go of since it was listed: hours may lie between
        name = str(store.path(blob.sha256).relative_to(home))
        said = tarfile.TarInfo(name)
        said.size, said.mode = blob.size, 0o600
        reader = _Digesting(Joined(store.pieces(blob.sha256, 0, blob.size)))
        tar.addfile(said, reader)  # type: ignore[arg-type]
        found[name] = Member(blob.size, reader.digest.hexdigest())
    return found


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> Member:
    said = tarfile.TarInfo(name)
    said.size, said.mode = len(content), 0o600
    tar.addfile(said, io.BytesIO(content))
    return Member(said.size, hashlib.sha256(content).hexdigest())


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Joined:
    """Pieces, to be read as one file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._left = pieces, b""

    def read(self, size: int) -> bytes:
        while len(self._left) < size and (piece := next(self._pieces, b"")):
            self._left += piece
        found, self._left = self._left[:size], self._left[size:]
        return found


class _Digesting:
    """Reads a file and remembers the digest of what was read."""

    def __init__(self, file: Readable) -> None:
        self._file, self.digest = file, hashlib.sha256()

    def read(self, size: int) -> bytes:
        piece = self._file.read(size)
        self.digest.update(piece)
        return piece


def _settings() -> bytes:
    """The settings this command ran with, for whoever sets the machine up again; the place of HOME and database is the new machine's."""
    said = {name: value for name, value in sorted(os.environ.items()) if name.startswith(PREFIX)}
    return "".join(f"{name}={value}\n" for name, value in said.items()).encode()


def _manifest(files: dict[str, Member], with_blobs: bool, at: datetime) -> Manifest:
    own = own_node()
    return Manifest(
        form=FORM,
        version=_version(),
        made_at=at,
        node=str(own.uid),
        node_name=own.name,
        role=settings.ROLE,
        own_seq=own_seq(),
        database=database.name_now(),
        with_blobs=with_blobs,
        migrations=sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations()),
        files=files,
    )


def _version() -> str:
    """For people only: what may be restored is decided by the migrations."""
    try:
        return version("yuanjiao")
    except PackageNotFoundError:  # run from a checkout
        return "源码"
