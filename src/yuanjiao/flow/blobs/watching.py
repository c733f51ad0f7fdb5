"""Whether the storage of blobs answers, asked by a job and kept in HOME/storage-away.json: the page that tells it waits for nobody."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from django.conf import settings

from yuanjiao.flow.blobs.bucket import BucketAway, bucket, is_on


class Away(msgspec.Struct, frozen=True):
    """The storage is away since `at` (seconds since 1970 UTC), for the reason in `words`."""

    at: float
    words: str

    @property
    def since(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)


def watch_storage(at: datetime) -> Away | None:
    """Ask the storage for our mark, and keep that it is away, with since when."""
    if is_on():
        try:
            bucket().require_mark()
        except BucketAway as error:
            before = storage_away()
            return _keep(Away(before.at if before else at.timestamp(), error.message))
    _place().unlink(missing_ok=True)
    return None


def storage_away() -> Away | None:
    """What was last found; None while it answers, and where blobs are kept on the disk."""
    try:
        return msgspec.json.decode(_place().read_bytes(), type=Away) if is_on() else None
    except (OSError, msgspec.DecodeError):
        return None


def _keep(away: Away) -> Away:
    part = _place().with_suffix(f".{os.getpid()}.part")
    part.write_bytes(msgspec.json.encode(away))
    part.replace(_place())
    return away


def _place() -> Path:
    return Path(settings.HOME) / "storage-away.json"
