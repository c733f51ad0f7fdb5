"""Which release a machine is to run: what the signed document says, what the machine is. Pure.

A release is a set of wheels, each a blob. A wheel's name says for which Python and which platform it is, so one release may hold
wheels for several.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

import msgspec
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from yuanjiao.lib.errors import Refused

OURS = "yuanjiao"
MOST_TRIES = 3
TRY_AGAIN = timedelta(hours=24)
"""A release that failed may have failed for a power cut or a full disk; one that fails three times is not tried again."""


class Wheel(msgspec.Struct, frozen=True, order=True):
    """One file of a release: its name, the SHA-256 of its bytes, how many they are."""

    name: str
    sha256: str
    size: int


class Release(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a machine is asked to run. `nodes`: register codes of those meant, empty for all; `older`: also instead of a newer one."""

    version: str
    wheels: tuple[Wheel, ...]
    nodes: tuple[str, ...] = ()
    older: bool = False

    @property
    def size(self) -> int:
        return sum(wheel.size for wheel in self.wheels)

    @property
    def key(self) -> str:
        """Tells these wheels from any others, also under the same version; part of a folder's name."""
        digest = hashlib.sha256("\n".join(f"{wheel.sha256} {wheel.name}" for wheel in sorted(self.wheels)).encode())
        return f"{self.version}-{digest.hexdigest()[:12]}"


class Software(msgspec.Struct, frozen=True, omit_defaults=True):
    """The document of one scope; the one for everybody is empty and says that the catalogue above knows of software."""

    releases: tuple[Release, ...] = ()


def meant(releases: Iterable[Release], code: str) -> Release | None:
    """The newest of those that are meant for the machine with this register code; of one release, how it is told to go to an older one."""
    ours = [release for release in releases if not release.nodes or code in release.nodes]
    return max(ours, key=lambda release: (Version(release.version), release.older), default=None)


def is_wanted(release: Release, running: str) -> bool:
    """Whether a machine that runs `running` is to change to it: to an older one only where that is said."""
    offered, present = Version(release.version), Version(running)
    return offered > present or (offered < present and release.older)


def may_try(failures: Sequence[datetime], at: datetime) -> bool:
    """Whether a release that failed here at these moments may be tried at `at`; a clock that was set back holds nothing up."""
    if len(failures) >= MOST_TRIES:
        return False
    return not failures or not max(failures) <= at < max(failures) + TRY_AGAIN


def lacking(names: Iterable[str], tags: Collection[Tag]) -> list[str]:
    """The packages of which no wheel is for a machine with these tags."""
    fits: dict[str, bool] = {}
    supported = frozenset(tags)
    for name in names:
        package, _version, _build, found = read_name(name)
        fits[package] = fits.get(package, False) or bool(found & supported)
    return sorted(package for package, well in fits.items() if not well)


def own_version(names: Iterable[str]) -> str:
    """The version of our own wheel among these. Refused unless there is exactly one, and nothing but wheels."""
    found = sorted({str(version) for package, version, *_ in map(read_name, names) if package == canonicalize_name(OURS)})
    if len(found) != 1:
        raise Refused(f"发布的文件夹里应正好有一个版本的 {OURS} 轮子，实有 {len(found)} 个")
    return found[0]


def read_name(name: str) -> tuple[str, Version, object, frozenset[Tag]]:
    """Package, version, build and tags of a wheel's name. Refused when it is none, or leads elsewhere."""
    try:
        if "/" in name or "\\" in name or "\0" in name:
            raise InvalidWheelFilename(name)
        return parse_wheel_filename(name)
    except InvalidWheelFilename:
        raise Refused(f"{name!r} 不是轮子（.whl）文件名") from None
