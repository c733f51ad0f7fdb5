"""Blobs from folders of this machine (settings.BLOB_FOLDERS), such as a stick that stays plugged in: the first of all sources.

Looked into are a packet of `catalogue export` (flow/catalogue/stick.py) and a copy of another machine's HOME or of its HOME/blobs. A
file is proved while it is copied; one that is wrong is passed over until the next start.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from yuanjiao.flow.blobs import store
from yuanjiao.flow.blobs.fetch import part_path
from yuanjiao.flow.blobs.models import Blob
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.lib.errors import Tampered

log = logging.getLogger(__name__)
UNREADABLE = frozenset({errno.EIO, errno.ENOENT, errno.EACCES, errno.ENXIO, errno.ENODEV, errno.ESTALE})
"""Errors of a stick that was pulled out or wears out: the line brings what it cannot."""
_wrong: set[Path] = set()


def folders() -> list[Path]:
    """Those that are there now."""
    return [folder for name in settings.BLOB_FOLDERS if (folder := Path(name)).is_dir()]


def holds(ref: BlobRef, where: list[Path]) -> bool:
    """Whether one of these folders seems to have it."""
    return any(_seems(ref, file) for folder in where for file in _places(folder, ref.sha256))


def take(ref: BlobRef, where: list[Path]) -> bool:
    """Copy the blob from one of these folders; whether it came. DiskFull when it does not fit."""
    return any(_taken(ref, file) for folder in where for file in _places(folder, ref.sha256))


def _places(folder: Path, sha256: str) -> Iterator[Path]:
    for root in (folder, folder / "blobs", folder / "yuanjiao-catalogue" / "blobs"):
        yield root / sha256[:2] / sha256
        yield root / sha256[:2] / sha256[2:]


def _seems(ref: BlobRef, file: Path) -> bool:
    try:
        return file not in _wrong and file.is_file() and file.stat().st_size == ref.size
    except OSError:
        return False


def _taken(ref: BlobRef, file: Path) -> bool:
    if not _seems(ref, file):
        return False
    try:
        store.put(file, media_type=ref.media_type, expect=ref.sha256)
    except Tampered:
        _wrong.add(file)
        log.warning("%s: not what its name says, passed over", file)
        return False
    except OSError as error:
        if error.errno not in UNREADABLE:
            raise
        log.info("%s: %s", file, error)
        return False
    Blob.objects.filter(sha256=ref.sha256).update(listed=True)
    part_path(ref).unlink(missing_ok=True)
    return True
