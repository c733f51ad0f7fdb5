"""Packed answers kept: what thousands of machines ask for alike is compressed once, under HOME/catalogue/packed.

An answer is named by what it is a difference between, so it never becomes wrong; what was used longest ago makes room for others.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from django.conf import settings

from yuanjiao.flow.blobs import store
from yuanjiao.flow.catalogue.repository import write_file
from yuanjiao.lib.errors import DiskFull

WORTH_KEEPING = 16 * 1024
"""What packs fewer bytes is packed anew: that is faster than a file."""
DIGEST_BYTES = 32
MOST_BYTES = 512 * 1024 * 1024
"""All kept answers together; a change of a large catalogue is some hundred thousand bytes for each older state that is still about."""


def folder() -> Path:
    return Path(settings.HOME) / "catalogue" / "packed"


def place(names: tuple[str, ...]) -> Path:
    """Where the answer of that name lies: the 32 bytes of its SHA-256, then itself. Older software kept it bare, under other names."""
    return folder() / hashlib.sha256("\n".join(("proved", *names)).encode()).hexdigest()


def kept(names: tuple[str, ...], make: Callable[[], bytes]) -> bytes:
    """The answer of that name; made when it is not here, by one while all others who want it wait. Nothing is not kept.

    A disk that is full or cannot be written costs the making each time, never the answer.
    """
    path = place(names)
    found = _read(path)
    if found is not None:
        return found
    with ExitStack() as held:
        with suppress(OSError):
            held.enter_context(_alone("bundle" if names[0] == "bundle" else path.name[0]))  # a bundle takes memory: one at a time
        found = _read(path)
        if found is None:
            found = make()
            _keep(path, found)
        return found


@contextmanager
def _alone(name: str) -> Iterator[None]:
    folder().mkdir(parents=True, exist_ok=True)
    with open(folder() / f"{name}.lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _keep(path: Path, made: bytes) -> None:
    if not made:
        return
    with suppress(OSError, DiskFull):
        store.make_room(len(made))
        write_file(path, hashlib.sha256(made).digest() + made)
        _make_room(path)


def _read(path: Path) -> bytes | None:
    """What is kept there; what a power cut or the disk has spoilt is deleted."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    made = content[DIGEST_BYTES:]
    whole = hashlib.sha256(made).digest() == content[:DIGEST_BYTES]
    with suppress(OSError):
        if whole:
            os.utime(path)
        else:
            path.unlink(missing_ok=True)
    return made if whole else None


def _make_room(newest: Path) -> None:
    """Delete what was used longest ago until the rest fits; the newest stays in any case."""
    files = sorted((found.st_mtime_ns, path, found.st_size) for path in folder().glob("?" * 64) if (found := _stat(path)))
    over = sum(size for _, _, size in files) - MOST_BYTES
    for _, path, size in files:
        if over <= 0:
            return
        if path != newest:
            path.unlink(missing_ok=True)
            over -= size


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None
