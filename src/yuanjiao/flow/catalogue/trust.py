"""What this node trusts: the root pinned at enrolment, and all that python-tuf derives from it. Signed, in order, not expired, whole.

Errors are split by who must act: a broken line is Unavailable; anything that does not verify is Tampered, with the reason in Chinese.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from django.conf import settings
from tuf.api import exceptions as tuf
from tuf.api.metadata import Metadata, Root, Timestamp
from tuf.api.serialization import DeserializationError

from yuanjiao.flow.catalogue import bundle, parts
from yuanjiao.flow.catalogue.models import HeldShard
from yuanjiao.flow.catalogue.parts import Part
from yuanjiao.flow.catalogue.publish import lay_part, part_file, public_folder
from yuanjiao.flow.catalogue.repository import write_file
from yuanjiao.flow.catalogue.shards import METADATA_URL, TARGETS_URL, Shard, no_parts, part_address, scope_of, shard_file, unwrap
from yuanjiao.flow.wire.client import Line
from yuanjiao.lib.errors import DiskFull, Tampered, Unavailable, YuanjiaoError

TIMESTAMP_URL = f"{METADATA_URL}timestamp.json"
LARGEST_TIMESTAMP = 16_384
REASONS: tuple[tuple[type[Exception], str], ...] = (
    (tuf.ExpiredMetadataError, "目录签名已过期：上级停止更新，或线路上有人扣留新目录（本机时钟不准时也会如此，请先校时）"),
    (tuf.BadVersionNumberError, "目录版本倒退或错位：上级给出的目录比已启用的旧"),
    (tuf.UnsignedMetadataError, "目录签名不是由登记时信任的密钥作出"),
    (tuf.LengthOrHashMismatchError, "目录内容与签名的长度或摘要不符"),
    (tuf.DownloadLengthMismatchError, "目录文件超过签名允许的长度"),
    (DeserializationError, "目录签名文件无法读取"),
    (tuf.RepositoryError, "目录不可信"),
)


def trusted_folder() -> Path:
    return Path(settings.HOME) / "catalogue" / "trusted"


def shards_folder() -> Path:
    return Path(settings.HOME) / "catalogue" / "shards"


def _roots() -> list[Path]:
    """Every root this node has believed."""
    return list((trusted_folder() / "root_history").glob("*.root.json"))


def pin_root(content: bytes) -> int:
    """Trust this root.json from now on, and nothing that came before; enrolment calls it. Returns the version; Tampered for no root."""
    with verifying():
        root = Metadata[Root].from_bytes(content)
        if root.signed.type != Root.type:
            raise tuf.RepositoryError("not a root")
        root.signed.verify_delegate(Root.type, root.signed_bytes, root.signatures)
    if pinned_root() != content:
        shutil.rmtree(trusted_folder(), ignore_errors=True)
        write_file(trusted_folder() / "pinned.json", content)
    return root.signed.version


def pinned_root() -> bytes:
    """The bytes pinned at enrolment, or nothing before it."""
    path = trusted_folder() / "pinned.json"
    return path.read_bytes() if path.is_file() else b""


class Trusted:
    """One turn of following: python-tuf's updater over a line, its clock read once as `at`."""

    def __init__(self, line: Line, *, at: datetime) -> None:
        if not pinned_root():
            raise Unavailable("本机尚未登记到上级节点：请先运行 yuanjiao enrol")
        # loaded by who follows: the top has no use for a downloader
        from tuf.ngclient import Updater

        from yuanjiao.flow.catalogue.line_fetcher import LineFetcher

        self._line = line
        self._fetcher = LineFetcher(line, trusted_folder(), shards_folder())
        self._bases: dict[str, Mapping[str, Part]] = {}
        shards_folder().mkdir(parents=True, exist_ok=True)

        def updater() -> Updater:
            made = Updater(
                str(trusted_folder()),
                METADATA_URL,
                str(shards_folder()),
                TARGETS_URL,
                fetcher=self._fetcher,
                bootstrap=pinned_root(),
            )
            # the library reads the machine's clock itself; the one time of this turn is passed in (law 4)
            made._trusted_set.reference_time = at
            return made

        self._begin_anew = updater
        with verifying():
            self._updater = updater()

    def newer_timestamp(self, known_sha256: str) -> bool:
        """Ask for the timestamp we do not know yet; False when the parent has none (one request, no body)."""
        headers = {"Accept-Encoding": "identity"} | ({"If-None-Match": f'"{known_sha256}"'} if known_sha256 else {})
        with self._line.stream(TIMESTAMP_URL, headers=headers) as response:
            if response.status_code == 304:
                return False
            if response.status_code != 200:
                raise Unavailable(f"上级节点还没有目录（{response.status_code}）")
            self._fetcher.at_hand[TIMESTAMP_URL] = self._read_timestamp(self._line.pieces(response))
        return True

    def _read_timestamp(self, pieces: Iterator[bytes]) -> bytes:
        content = b""
        for piece in pieces:
            content += piece
            if len(content) > LARGEST_TIMESTAMP:
                raise Tampered("目录文件超过签名允许的长度")
        return content

    def refresh(self) -> tuple[str, int, datetime]:
        """Verify root, timestamp, snapshot and targets; the timestamp's digest, version and expiry."""
        with verifying():
            self._refresh()
            content = (trusted_folder() / "timestamp.json").read_bytes()
            signed = Metadata[Timestamp].from_bytes(content).signed
        return hashlib.sha256(content).hexdigest(), signed.version, signed.expires

    def _refresh(self) -> None:
        """The timestamp was asked for before the roots: when a new root came in between, an honest parent has a new timestamp too."""
        known = len(_roots())
        try:
            self._updater.refresh()
        except tuf.UnsignedMetadataError:
            if len(_roots()) == known or not self._fetcher.at_hand:
                raise
            self._fetcher.at_hand.clear()
            self._updater = self._begin_anew()
            self._updater.refresh()

    def document(self, path: str) -> bytes | None:
        """The verified content of a target file, downloaded unless it is here; None when the catalogue has none of that name.

        Parts that came with it are laid down; others are fetched by `shard`.
        """
        with verifying():
            found = self._updater.get_targetinfo(path)
            where = str(shards_folder() / shard_file(path))
            if found is None:
                Path(where).unlink(missing_ok=True)
                return None
            if self._updater.find_cached_target(found, where) is None:
                _require_room(found.length)
                self._updater.download_target(found, where)
            content = Path(where).read_bytes()
        if path in self._fetcher.bundles:
            came = bundle.parts_in(
                self._fetcher.bundles.pop(path), self._fetcher.earlier[path], content, lambda part: held_part(path, part)
            )
            for part, piece in came:
                lay_part(path, part.sha256, piece)
        return content

    def shard(self, path: str, content: bytes) -> Shard:
        """What stands in a verified target file, its parts brought here where they are not."""
        return shard_of(path, content, lambda part: held_part(path, part) or self._fetch_part(path, content, part))

    def _fetch_part(self, path: str, content: bytes, part: Part) -> bytes:
        if path not in self._bases:
            self._bases[path] = parts.stood_before(parts.named(self._earlier(path)), parts.named(content))
        _require_room(part.size)
        base = self._bases[path].get(part.sha256)
        held = held_part(path, base) if base is not None else None
        found = self._fetcher.part(part_address(path, part.sha256), part.size, held)
        if not parts.is_part(found, part):
            raise Tampered("目录内容与签名的长度或摘要不符（分块）")
        lay_part(path, part.sha256, found)
        return found

    def _earlier(self, path: str) -> bytes:
        """The target file before this one: what it was a difference to or, when it came in an earlier turn, the one in force."""
        if path in self._fetcher.earlier:
            return self._fetcher.earlier[path]
        held = HeldShard.objects.filter(path=path).first()
        return (laid_target(path, held.sha256) if held else None) or b"{}"


def held_document(path: str) -> bytes | None:
    """A target file of the catalogue that was verified last, from the disk; None when it had none of that name."""
    where = shards_folder() / shard_file(path)
    return where.read_bytes() if where.is_file() else None


def _require_room(size: int) -> None:
    """DiskFull before anything is asked for that would not fit. What the store leaves free is for this: a withdrawal must come through."""
    if shutil.disk_usage(settings.HOME).free < size:
        raise DiskFull("磁盘已满，目录暂停更新")


def laid_target(path: str, sha256: str) -> bytes | None:
    """The target file of that digest under the door, where it lies before it comes into force; None when it is torn or not there."""
    folder, _, base = path.rpartition("/")
    where = public_folder() / "targets" / folder / f"{sha256}.{base}"
    content = where.read_bytes() if where.is_file() else b""
    return content if hashlib.sha256(content).hexdigest() == sha256 else None


def held_part(path: str, part: Part) -> bytes | None:
    """That part of the document at a target path, if it is on the disk as it was verified."""
    where = part_file(path, part.sha256)
    content = where.read_bytes() if where.is_file() else b""
    return content if parts.is_part(content, part) else None


def held_shard(path: str, content: bytes) -> Shard:
    """What stands in a target file, its parts from the disk. Tampered when one is torn or was lost."""
    return shard_of(path, content, lambda part: held_part(path, part) or no_parts(part))


def shard_of(path: str, content: bytes, part: Callable[[Part], bytes]) -> Shard:
    """What stands in the target file of that path."""
    return unwrap(content, shelf=path.rpartition("/")[2].removesuffix(".json"), scope=scope_of(path), part=part)


@contextmanager
def verifying() -> Iterator[None]:
    """Turn the library's errors into ours, and let ours through where the library wrapped them."""
    try:
        yield
    except tuf.DownloadError as error:
        if isinstance(error.__cause__, YuanjiaoError):
            raise error.__cause__ from None
        if isinstance(error, tuf.DownloadLengthMismatchError):
            raise Tampered(_reason(error)) from None
        raise Unavailable("上级节点没有给出目录文件，稍后重试") from None
    except (tuf.RepositoryError, DeserializationError, ValueError) as error:
        raise Tampered(_reason(error)) from None


def _reason(error: Exception) -> str:
    text = next((text for kind, text in REASONS if isinstance(error, kind)), "目录不可信")
    return f"{text}（{error}）"
