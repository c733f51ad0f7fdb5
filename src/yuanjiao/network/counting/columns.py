"""Column files: one folder per summed day, named by the digest of its list of contents. Written whole or not at all, never changed.

    HOME/counting/2026-03-01.v1.<digest>/contents.json    day, rule, observers, and the SHA-256 of each column
                                         site.npy …       the spans and tests of the day (rules/days.py)
                                         seconds.npy      up and down seconds by site key
                                         cut.npy          (site, place in `observers`) of spans that reach beyond a record's end

Files are derived: a missing, altered or half-written one is refused by its digest and made anew from the rows. So nothing is synced.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuanjiao.lib.errors import Tampered
from yuanjiao.network.rules.days import Column, Day
from yuanjiao.network.rules.rates import Ints

CONTENTS = "contents.json"
TOTALS = 3
"""So many sums of several days are kept in memory (8 bytes per site each)."""
COLUMNS = tuple(field.name for field in fields(Day) if field.name not in {"start", "length"})


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What a day's folder holds. `observers`: whose record had not reached the day's end, with where it ended (None: unlimited)."""

    day: str
    rule_version: int
    start: int
    length: int
    observers: list[tuple[str, int | None]]
    columns: dict[str, str]


@dataclass(frozen=True)
class SummedDay:
    """One day with its sums and what may still change them."""

    day: Day
    up: Column
    down: Column
    observers: tuple[tuple[str, int | None], ...]
    cut: Ints
    """Pairs (site, place in `observers`)."""


def write_day(folder: Path, name: str, rule_version: int, summed: SummedDay) -> str:
    """Write one day under `folder`; returns the digest by which it is read."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, NDArray[Any]] = {column: getattr(summed.day, column) for column in COLUMNS}
    arrays |= {"seconds": np.stack([summed.up, summed.down]), "cut": summed.cut}
    making = Path(tempfile.mkdtemp(prefix=".", dir=folder))
    try:
        contents = Contents(
            day=name, rule_version=rule_version, start=summed.day.start, length=summed.day.length,
            observers=list(summed.observers), columns={column: _write(making, column, array) for column, array in arrays.items()},
        )  # fmt: skip
        packed = msgspec.json.encode(contents)
        (making / CONTENTS).write_bytes(packed)
        digest = hashlib.sha256(packed).hexdigest()
        _move(making, folder / folder_name(name, rule_version, digest))
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return digest


def folder_name(day: str, rule_version: int, digest: str) -> str:
    return f"{day}.v{rule_version}.{digest[:16]}"


def _write(folder: Path, column: str, array: NDArray[Any]) -> str:
    path = folder / f"{column}.npy"
    with path.open("wb") as file:
        np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
    return _digest(path)


def _move(making: Path, target: Path) -> None:
    """The same content may be there already: then ours is not needed."""
    if not target.exists():
        making.replace(target)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _added(total: NDArray[np.int32], more: NDArray[np.int32]) -> NDArray[np.int32]:
    """The sum of both, as wide as the wider one."""
    wide, narrow = (total, more) if total.shape[1] >= more.shape[1] else (more, total)
    found = wide.copy()
    found[:, : narrow.shape[1]] += narrow
    return found


class Store:
    """Reads days by digest; every column is checked against its digest when this process first opens it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._contents: dict[str, Contents] = {}
        self._checked: set[tuple[str, str]] = set()
        self._totals: dict[tuple[str, ...], NDArray[np.int32]] = {}

    def contents(self, day: str, rule_version: int, digest: str) -> Contents:
        """Tampered when the folder is missing or says something else."""
        if digest not in self._contents:
            path = self._path(day, rule_version, digest) / CONTENTS
            packed = path.read_bytes() if path.exists() else b""
            if hashlib.sha256(packed).hexdigest() != digest:
                raise Tampered(f"日汇总 {day} 的文件缺失或与摘要不符")
            self._contents[digest] = msgspec.json.decode(packed, type=Contents)
        return self._contents[digest]

    def column(self, contents: Contents, digest: str, name: str) -> NDArray[Any]:
        """One column, mapped from its file."""
        path = self._path(contents.day, contents.rule_version, digest) / f"{name}.npy"
        if (digest, name) not in self._checked:
            if not path.exists() or _digest(path) != contents.columns[name]:
                raise Tampered(f"日汇总 {contents.day} 的 {name} 列缺失或与摘要不符")
            self._checked.add((digest, name))
        array: NDArray[Any] = np.load(path, mmap_mode="r" if path.stat().st_size > 4096 else None, allow_pickle=False)
        return array

    def day(self, contents: Contents, digest: str) -> Day:
        columns: Mapping[str, Any] = {name: self.column(contents, digest, name) for name in COLUMNS}
        return Day(start=contents.start, length=contents.length, **columns)

    def total(self, days: Sequence[tuple[Contents, str]]) -> NDArray[np.int32]:
        """Up and down seconds of whole days added up, by site key. A month is asked for again and again: the last few are kept."""
        digests = tuple(digest for _, digest in days)
        kept = max((key for key in self._totals if key == digests[: len(key)]), key=len, default=())
        total = self._totals.pop(kept, np.zeros((2, 0), np.int32))
        for contents, digest in days[len(kept) :]:
            total = _added(total, self.column(contents, digest, "seconds"))
        self._totals = dict([*self._totals.items(), (digests, total)][-TOTALS:])
        return total

    def clear(self, kept: set[str]) -> int:
        """Remove the folders that no roll-up names any more; returns how many."""
        if not self.folder.exists():
            return 0
        old = [path for path in self.folder.iterdir() if path.is_dir() and not path.name.startswith(".") and path.name not in kept]
        for path in old:
            shutil.rmtree(path, ignore_errors=True)
        return len(old)

    def _path(self, day: str, rule_version: int, digest: str) -> Path:
        return self.folder / folder_name(day, rule_version, digest)
