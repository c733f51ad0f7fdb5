"""A backup put back into an empty HOME. All of it is read and proved before the first file is put in its place.

The machine that comes back is the one of that day: what it told its parent since then the parent has, and it has not. What it records now
begins a second story under its name. So `restored` in HOME says that this has not been settled: the restore and every start compare the
two stories and say what to do (`yuanjiao journal fork --renew`, docs/decisions/0079). A village is not left without a server meanwhile:
what it records is kept on both sides until then, and told under the new name.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath

import msgspec
from django.conf import settings

from yuanjiao.flow.catalogue.models import CurrentCatalogue
from yuanjiao.flow.journal.forks import branches
from yuanjiao.flow.nodes.queries import parent_node
from yuanjiao.flow.wire.client import Line, parent_line
from yuanjiao.lib.errors import Conflict, Refused, Tampered, YuanjiaoError
from yuanjiao.wiring.edge import database
from yuanjiao.wiring.edge.backup import FORM, MANIFEST, PIECE, SETTINGS, Manifest
from yuanjiao.wiring.newborn import RESTORING, migrations_on_disk

HOLDS = ("node.key", "keys", "catalogue", "journal", "blobs", "uploads", "counting")
"""What a HOME that was used has. A start alone makes a secret and empty folders."""
LARGEST_MANIFEST = 256 << 20
KEPT_SETTINGS = "settings.from-backup.env"
TORN = "备份文件不完整或已损坏"
CAME_BACK = "本机是从备份恢复的"
RENEW = "请上级照本机原来的台账编号和范围再发一个登记码，停下服务，运行 yuanjiao journal fork --renew 登记码"


def restored_mark() -> Path:
    """Lies in HOME from a restore until the stories were compared."""
    return Path(settings.HOME) / "restored"


def restoring_mark() -> Path:
    """Lies in HOME from the first file that is put in its place until the last: a HOME that is half a machine is not started."""
    return Path(settings.HOME) / RESTORING


def _mark(made_at: datetime) -> None:
    """On the disk before the first file is: a machine that loses its power between them still knows."""
    with restoring_mark().open("w", encoding="utf-8") as file:
        file.write(f"{made_at:%Y-%m-%d %H:%M} UTC\n")
        file.flush()
        os.fsync(file.fileno())
    _keep(Path(settings.HOME))


def _keep(folder: Path) -> None:
    """The names of a folder, on the disk."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def restore(source: Path) -> Manifest:
    """Be again the machine of the backup. Conflict when HOME is not empty, Refused for a newer software's, Tampered for a torn one."""
    home = Path(settings.HOME)
    _require_empty(home)
    with _room(home) as room:
        manifest = _unpack(source, room)
        _require_known(manifest)
        _mark(manifest.made_at)
        (room / SETTINGS).rename(room / KEPT_SETTINGS)
        for name in manifest.files:
            path = room / name
            if path.exists() and name != manifest.database:
                (home / name).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                path.rename(home / name)
        (room / KEPT_SETTINGS).rename(home / KEPT_SETTINGS)
        database.load(room / manifest.database)  # last: without it the HOME is still an empty one that a second try may fill
        restoring_mark().rename(restored_mark())
        _keep(home)
    CurrentCatalogue.objects.update(timestamp_sha256="", retry_at=None)  # all is asked for once more, so that missing blobs come again
    return manifest


def compare(line: Line | None = None) -> str:
    """What is to be done about our parent's story of us, in words; empty when it is ours too, and then the mark goes."""
    if parent_node() is not None:
        try:
            both = branches(line or parent_line())
        except YuanjiaoError as error:  # a dead line, a name it does not know, a proxy's page: no reason to stand still
            return f"{CAME_BACK}，还没有与上级核对（{error.message}）：请查明后运行 yuanjiao journal fork"
        if both.theirs:
            return f"{CAME_BACK}，上级已有它之后的 {len(both.theirs)} 条记录：{RENEW}"
    restored_mark().unlink(missing_ok=True)
    return ""


def _require_empty(home: Path) -> None:
    there = [name for name in HOLDS if (home / name).is_file() or any((home / name).glob("*"))]
    if restoring_mark().exists():
        if not database.is_empty():
            raise Conflict(f"上次恢复只差最后一步，文件和数据库都已放回：请把 {restoring_mark()} 改名为 {restored_mark().name}，再启动")
        return  # a restore that was cut: the same files come once more
    if there or not database.is_empty():
        raise Conflict(f"只能恢复到空的数据目录和空的数据库；{home} 里已有 {'、'.join(there) or '数据库'}")


@contextmanager
def _room(home: Path) -> Iterator[Path]:
    room = home / ".restoring"
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir(parents=True, mode=0o700)
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _unpack(source: Path, room: Path) -> Manifest:
    """Every member beside the home, each proved by the manifest behind them. Nothing is unpacked by a name that leads elsewhere."""
    found: dict[str, tuple[int, str]] = {}
    manifest: Manifest | None = None
    try:
        with tarfile.open(source, "r:") as tar:
            for member in tar:
                if manifest is not None or not member.isfile() or not _stays_inside(member.name):
                    raise Tampered(TORN)
                if member.name == MANIFEST:
                    manifest = _manifest(tar, member)
                else:
                    found[member.name] = _copy(tar, member, room / member.name)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise Tampered(f"{TORN}（{type(error).__name__}）") from None
    if manifest is None or found != {name: (one.size, one.sha256) for name, one in manifest.files.items()} or SETTINGS not in found:
        raise Tampered(TORN)
    return manifest


def _stays_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and path.parts[0] != "." and "\0" not in name


def _manifest(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Manifest:
    file = tar.extractfile(member)
    if file is None or member.size > LARGEST_MANIFEST:
        raise Tampered(TORN)
    content = file.read()
    try:
        if msgspec.json.decode(content, type=dict[str, msgspec.Raw]).get("form") != msgspec.Raw(str(FORM).encode()):
            raise Refused("备份是另一种格式，可能来自更新的软件：请用写出它的那个版本或更新的版本恢复")
        return msgspec.json.decode(content, type=Manifest)
    except msgspec.DecodeError:
        raise Tampered(TORN) from None


def _copy(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> tuple[int, str]:
    file, digest, size = tar.extractfile(member), hashlib.sha256(), 0
    assert file is not None  # it is a file
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with target.open("xb") as copy:
        target.chmod(0o600)
        while piece := file.read(PIECE):
            digest.update(piece)
            copy.write(piece)
            size += len(piece)
    return size, digest.hexdigest()


def _require_known(manifest: Manifest) -> None:
    unknown = set(manifest.migrations) - {f"{app}.{name}" for app, name in migrations_on_disk()}
    if unknown:
        raise Refused(f"备份来自更新的软件（{manifest.version}，数据库多 {len(unknown)} 步）：请先把本机软件升到那个版本")
    if manifest.database != database.name_now():
        raise Refused("备份与本机用的不是同一种数据库（SQLite 或 PostgreSQL）：请把 YUANJIAO_DATABASE 设成与原来一样的种类")
    if manifest.role != settings.ROLE:
        raise Refused(f"备份是 {manifest.role} 的，本机设为 {settings.ROLE}：请先设 YUANJIAO_ROLE={manifest.role}")
