"""New software by the signed catalogue: from wheels that lie in the store to a release the keeper tries (src/yuanjiao_keeper.py).

1. What to run says the signed document, read anew each time; a wheel is believed by its digest at the moment it is installed.
2. A release is installed beside the running one, off line, and rehearsed on a copy of the database, while the old one serves.
3. Then the keeper is told, and ends this process. What came of it the server that comes up tells, by the journal.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection
from packaging.tags import sys_tags

import yuanjiao_keeper as keeper
from yuanjiao.flow.blobs import store
from yuanjiao.flow.catalogue.models import CurrentCatalogue
from yuanjiao.flow.nodes.queries import own_node, parent_ahead_s
from yuanjiao.flow.software.queries import offered_here
from yuanjiao.flow.software.rules import OURS, Release, is_wanted, lacking, may_try, meant
from yuanjiao.flow.software.telling import SoftwareInstalled, own_words, tell_software
from yuanjiao.lib.dayspans import opens_at
from yuanjiao.lib.errors import Conflict, Refused, Tampered, Unavailable
from yuanjiao.lib.uid import new_uid
from yuanjiao.wiring.edge import database
from yuanjiao.wiring.newborn import taken_steps

WHOLE = "whole"
"""Lies in a release that was installed to its end."""
WHEELS, REHEARSAL = "wheels", "rehearsal"
"""In the keeper's folder while a release is installed, and while it is rehearsed."""
UNPACKED = 5
"""Room asked for, in sizes of the wheels: they are copied, unpacked and compiled."""
NOT_ITS = ("YUANJIAO_DATABASE", "YUANJIAO_DATABASE_FILE", keeper.SETTING, *keeper.ELSEWHERE)
"""What a rehearsal does not get of our environment."""


def keep_software(at: datetime) -> None:
    """The job: tell what came of the last change, and begin the next one when there is one."""
    offered = offered_here()
    if offered is None:  # who is above knows of no such fact, and the journal would wait for it to learn
        return
    at += timedelta(seconds=parent_ahead_s())
    tell(at)
    if not settings.SOFTWARE or _is_trying(Path(settings.SOFTWARE)):
        return
    _clear(Path(settings.SOFTWARE), offered)
    release = wanted(offered, at)
    if release is not None and opens_at(settings.UPDATE_WINDOW, at) is None:
        change_to(release, at)


def wanted(offered: list[Release], at: datetime) -> Release | None:
    """What this machine is to change to now; None also while wheels are missing, or when it was tried in vain."""
    release = meant(offered, own_node().subject_code)
    if release is None or not is_wanted(release, running_version()):
        return None
    if not may_try([word.at for word in own_words() if word.release == release.key and not word.ok], at):
        return None
    return release if all(store.has(wheel.sha256) for wheel in release.wheels) else None


def change_to(release: Release, at: datetime) -> None:
    """Install, rehearse, hand over to the keeper. A release that is not well is told of and left."""
    folder, begun = Path(settings.SOFTWARE), time.monotonic()
    try:
        installed = _prepared(folder, release)
    except Refused as error:
        shutil.rmtree(folder / keeper.RELEASES / release.key, ignore_errors=True)
        shutil.rmtree(folder / WHEELS, ignore_errors=True)
        failed = SoftwareInstalled(
            uid=new_uid(), version=release.version, previous=running_version(), release=release.key, ok=False, reason=error.message
        )
        tell_software(failed, at=at)
        raise
    if opens_at(settings.UPDATE_WINDOW, at + timedelta(seconds=time.monotonic() - begun)) is not None:
        return  # it took longer than its hours: all is ready for the next ones
    trial = {"id": str(new_uid()), "to": installed.name, "release": release.key, "version": release.version}
    keeper.write_whole(folder / keeper.TRIAL, json.dumps({**trial, "previous": running_version(), "tries": 0}).encode())


def _prepared(folder: Path, release: Release) -> Path:
    """Installed and rehearsed. Refused when the release, the disk or the database is not well."""
    try:
        installed = install(folder, release)
        rehearse(folder, installed)
    except (OSError, DatabaseError) as error:  # not every minute anew: it is told, and waits as any other failure
        raise Refused(f"换软件没有准备好：{error}") from error
    return installed


# -- telling -------------------------------------------------------------------------------------------------------------------------


def tell(at: datetime) -> None:
    """Tell how the keeper's last trial ended; else what we run, when it is other than was told (changed by hand, or told by nobody yet)."""
    outcome = Path(settings.SOFTWARE) / keeper.OUTCOME if settings.SOFTWARE else None
    if outcome is not None and outcome.exists():
        said = json.loads(outcome.read_bytes())
        word = SoftwareInstalled(uid=UUID(said.pop("id")), **said)
        with suppress(Conflict):  # told, and cut before the next line
            tell_software(word, at=at)
        outcome.unlink()
        _tidy(outcome.parent)
        return
    good = [word for word in own_words() if word.ok]
    if not good or good[-1].version != running_version():
        before = good[-1].version if good else ""
        tell_software(SoftwareInstalled(uid=new_uid(), version=running_version(), previous=before), at=at)


def running_version() -> str:
    try:
        return version(OURS)
    except PackageNotFoundError:  # run from a checkout
        return "0+source"


def _is_trying(folder: Path) -> bool:
    return (folder / keeper.TRIAL).exists() or (folder / keeper.OUTCOME).exists()


def _clear(folder: Path, offered: list[Release]) -> None:
    """Nothing is being tried: what a cut left behind goes, and every release that neither serves nor is to."""
    for left in (folder / REHEARSAL, folder / WHEELS, *folder.glob("before*")):
        shutil.rmtree(left, ignore_errors=True)
    release = meant(offered, own_node().subject_code)
    _tidy(folder, release.key if release is not None and is_wanted(release, running_version()) else "")


def _tidy(folder: Path, wanted_key: str = "") -> None:
    """Only what serves stays, and what is to serve: one release is half a gigabyte."""
    stays = {(folder / keeper.CURRENT).resolve(), Path(sys.prefix).resolve()}
    for release in (folder / keeper.RELEASES).glob("*"):
        if release.resolve() not in stays and release.name != wanted_key:
            shutil.rmtree(release)


# -- installing ----------------------------------------------------------------------------------------------------------------------


def install(folder: Path, release: Release) -> Path:
    """The release as an environment of its own, made from proven wheels alone. Refused when it cannot be, Tampered for wrong bytes."""
    target = folder / keeper.RELEASES / release.key
    if (target / WHOLE).exists():
        return target
    if packages := lacking([wheel.name for wheel in release.wheels], list(sys_tags())):
        raise Refused(f"不适合本机：{'、'.join(packages[:5])} 没有本机平台或 Python 版本的文件")
    store.make_room(release.size * UNPACKED)
    shutil.rmtree(target, ignore_errors=True)
    wheels = folder / WHEELS
    shutil.rmtree(wheels, ignore_errors=True)
    wheels.mkdir(parents=True, mode=0o700)
    for wheel in release.wheels:
        _copy_proven(wheel.sha256, wheels / wheel.name)
    _run("建立环境", "-m", "venv", "--without-pip", str(target))
    options = ["--no-index", "--only-binary", ":all:", "--no-cache-dir", "--disable-pip-version-check", "--no-warn-script-location"]
    where = ["--isolated", "--python", str(target / "bin/python")]
    _run("安装", "-m", "pip", *where, "install", *options, "--find-links", str(wheels), f"{OURS}=={release.version}")
    shutil.rmtree(wheels)
    os.sync()  # thousands of files: before the word that they are whole
    keeper.write_whole(target / WHOLE, b"")
    return target


def _copy_proven(sha256: str, target: Path) -> None:
    """Tampered for other bytes than the catalogue names: then they are asked for anew."""
    digest = hashlib.sha256()
    with target.open("xb") as copy:
        for piece in store.pieces(sha256, 0, store.ref(sha256).size):
            digest.update(piece)
            copy.write(piece)
    if digest.hexdigest() != sha256:
        store.forget(sha256)
        CurrentCatalogue.objects.update(timestamp_sha256="")  # the whole catalogue once more, and with it what is missing
        raise Tampered(f"软件文件 {target.name} 的内容与目录所列的摘要不符，已丢弃，重新下载")


def _run(what: str, *arguments: str) -> None:
    """A program of our own Python, behind everything else that runs. Refused with its last words."""
    environment = {name: value for name, value in os.environ.items() if name not in keeper.ELSEWHERE}
    done = subprocess.run(["nice", "-n", "10", sys.executable, *arguments], env=environment, capture_output=True, check=False)
    _require_not_ended(what, done.returncode)
    if done.returncode:
        raise Refused(f"{what}没有成功：{keeper.last_words(done.stderr or done.stdout)}")


def _require_not_ended(what: str, status: int) -> None:
    """Unavailable when it was told to end, as everything is when a machine is switched off: that says nothing of the release."""
    if status % 256 in {-signal.SIGTERM % 256, keeper.TOLD_TO_END}:
        raise Unavailable(f"{what}没有做完就被要求结束，下次再来")


# -- rehearsing ----------------------------------------------------------------------------------------------------------------------


def rehearse(folder: Path, release: Path) -> None:
    """Let it start in a HOME of its own, on a copy of the database where that is a file. Refused when it is not well."""
    _require_readable(release)
    scratch = folder / REHEARSAL
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True, mode=0o700)
    try:
        on_file = connection.vendor == "sqlite"
        store.make_room(database.size() * (2 if on_file else 1))  # once for the copy that the keeper asks for
        if on_file:
            database.dump(scratch / "yuanjiao.sqlite3")
            for name in ("node.key", "secret_key"):
                with suppress(FileNotFoundError):  # a secret that stands in the settings is in no file
                    shutil.copy(Path(settings.HOME) / name, scratch / name)
        environment = {name: value for name, value in os.environ.items() if name not in NOT_ITS}
        environment |= {"YUANJIAO_HOME": str(scratch), "YUANJIAO_PARENT": ""}
        line = ["nice", "-n", "10", sys.executable, keeper.__file__, "--try", str(release)]
        done = subprocess.run(line, env=environment, stdout=subprocess.PIPE, check=False)
        _require_not_ended("预演", done.returncode)
        if done.returncode:
            raise Refused(done.stdout.decode(errors="replace") or f"新版本的预演没有做完（{done.returncode}）")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _require_readable(release: Path) -> None:
    """An older release must know every step that our database has taken: there is no way back for rows."""
    found = {(path.parent.parent.name, path.stem) for path in release.glob("lib/python*/site-packages/yuanjiao/*/migrations/[0-9]*.py")}
    if unknown := sorted(taken_steps() - found):
        label, name = unknown[0]
        raise Refused(f"数据库比这个版本新（多 {len(unknown)} 步，如 {label}.{name}）：不能退到它")
