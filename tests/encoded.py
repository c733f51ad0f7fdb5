"""One run of the tests encodes a film once: what ffmpeg made of it for one test is handed to the next that brings the same file.

Tests of packaging itself (test_packaging_*.py) get nothing from here, nor do journeys with processes of their own. Everything but
the encoder is real for the others too: queue, leases, proofs, store.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from yuanjiao.courseware.packaging import encode, work
from yuanjiao.courseware.packaging.encode import Ran
from yuanjiao.courseware.packaging.recipe import Original
from yuanjiao.courseware.rules.profiles import Profile, encoding_key

WORKERS_NAME = "popen-"
SAID = "said"


def use_what_was_encoded(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """For one test; nothing happens in those that are about packaging."""
    if request.path.name.startswith("test_packaging"):
        return
    base = request.getfixturevalue("tmp_path_factory").getbasetemp()
    shelf = (base.parent if base.name.startswith(WORKERS_NAME) else base) / "encoded"
    monkeypatch.setattr(work, "make_sounds", _once(shelf, encode.make_sounds))
    monkeypatch.setattr(work, "make_pictures", _once(shelf, encode.make_pictures))


def _once(shelf: Path, make: Callable[..., Ran]) -> Callable[..., Ran]:
    def made(original: Original, batch: Sequence[Profile], folder: Path, *, progress: Callable[[int], None], **more: Any) -> Ran:
        kept = shelf / _name(original, batch, more.get("here", {}))
        with _alone(kept):
            if not kept.is_dir():
                before = set(folder.iterdir())
                ran = make(original, batch, folder, progress=progress, **more)
                _keep(kept, [path for path in folder.iterdir() if path not in before], ran)
                return ran
        for path in kept.iterdir():
            if path.name != SAID:
                shutil.copyfile(path, folder / path.name)
        progress(99)
        return Ran(tuple((kept / SAID).read_text().splitlines()))

    return made


def _name(original: Original, batch: Sequence[Profile], here: Mapping[str, Path]) -> str:
    """Of the file, of what is asked for and of what is at hand."""
    film = hashlib.sha256(original.path.read_bytes()).hexdigest()
    told = [*sorted(encoding_key(film, profile) for profile in batch), *sorted(here), repr(replace(original, path=Path()))]
    return hashlib.sha256(" ".join(told).encode()).hexdigest()[:32]


@contextmanager
def _alone(kept: Path) -> Iterator[None]:
    """Only one worker makes it; the others wait for it."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    with open(kept.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _keep(kept: Path, made: Sequence[Path], ran: Ran) -> None:
    part = kept.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    for path in made:
        shutil.copyfile(path, part / path.name)
    (part / SAID).write_text("\n".join(ran.said))
    part.rename(kept)
