"""Publishing at the centre: a folder of wheels becomes a release, rings say to whom it goes, withdrawing stops it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from django.db import transaction
from packaging.version import InvalidVersion, Version

from yuanjiao.flow.blobs import store
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.software.models import SoftwareRelease, SoftwareRing, SoftwareWheel
from yuanjiao.flow.software.rules import own_version
from yuanjiao.lib.errors import Conflict, NotFound, Refused

SUFFIX = ".whl"


def publish_release(source: Path, *, at: datetime) -> SoftwareRelease:
    """Take a wheel, or all wheels of a folder, into the store as one release. It goes to nobody yet.

    Refused for anything that is no wheel; Conflict when the version is there with other files.
    """
    files = sorted(path for path in source.iterdir() if not path.name.startswith(".")) if source.is_dir() else [source]
    version = own_version(path.name for path in files)
    found = {path.name: store.put(path) for path in files}
    with transaction.atomic():
        release, made = SoftwareRelease.objects.get_or_create(version=version, defaults={"published_at": at})
        if made:
            SoftwareWheel.objects.bulk_create(
                SoftwareWheel(release=release, name=name, sha256=ref.sha256, size=ref.size) for name, ref in found.items()
            )
        elif dict(release.wheels.values_list("name", "sha256")) != {name: ref.sha256 for name, ref in found.items()}:
            raise Conflict(f"版本 {version} 已经发布过，文件不同：改了内容就要用新的版本号")
    return release


@transaction.atomic
def send_release(*, version: str, codes: list[str], under: str, older: bool, at: datetime) -> SoftwareRelease:
    """Let these machines, or all of a subtree, have a release. `older`: also those that run a newer one."""
    release = _release(version)
    if release.withdrawn_at is not None:
        raise Refused(f"版本 {version} 已撤回（{release.withdrawn_reason}）：请发布新的版本号")
    known = set(Node.objects.filter(subject_code__in=codes, revoked_at=None).values_list("subject_code", flat=True))
    if strangers := sorted(set(codes) - known):
        raise NotFound(f"没有登记过这些机器：{'、'.join(strangers)}")
    for code, path in [*((code, "") for code in codes), *([("", under)] if under else [])]:
        SoftwareRing.objects.update_or_create(release=release, code=code, under=path, defaults={"older": older, "made_at": at})
    return release


@transaction.atomic
def withdraw_release(*, version: str, reason: str, at: datetime) -> SoftwareRelease:
    """Offer it to nobody any more. Who runs it goes on with it until another one is sent."""
    release = _release(version)
    if release.withdrawn_at is not None:
        raise Conflict(f"版本 {version} 已经撤回")
    release.withdrawn_at, release.withdrawn_reason = at, reason
    release.save(update_fields=["withdrawn_at", "withdrawn_reason"])
    return release


def _release(version: str) -> SoftwareRelease:
    try:
        wanted = str(Version(version))
    except InvalidVersion:
        raise Refused(f"{version!r} 不是版本号") from None
    release = SoftwareRelease.objects.filter(version=wanted).first()
    if release is None:
        raise NotFound(f"没有发布过版本 {version}")
    return release
