"""Where the files of an import lie under HOME while they are needed, and the small note that says how far the work is."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

from django.conf import settings


def folder() -> Path:
    """The folder of all imports; made when absent, readable by this user only: the files hold telephone numbers."""
    path = Path(settings.MEDIA_ROOT) / "imports"
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def original(uid: UUID) -> Path:
    return folder() / f"{uid}.xlsx"


def returned(uid: UUID) -> Path:
    return folder() / f"{uid}-returned.xlsx"


def forget(uid: UUID) -> None:
    """Delete everything kept of one import's file."""
    for path in (original(uid), returned(uid), _note(uid)):
        path.unlink(missing_ok=True)


def _note(uid: UUID) -> Path:
    return folder() / f"{uid}.progress"


def write_progress(uid: UUID, share: float) -> None:
    """Note how far the work is, 0 to 1. A file, because rows written inside the work's own transaction are seen by nobody."""
    path = _note(uid)
    fresh = path.with_suffix(".progress-new")
    fresh.write_text(json.dumps(round(share, 3)))
    fresh.replace(path)


def read_progress(uid: UUID) -> float:
    """0 to 1; 0 when nothing was noted yet."""
    path = _note(uid)
    return float(json.loads(path.read_text())) if path.exists() else 0.0
