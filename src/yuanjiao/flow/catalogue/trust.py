"""What this node trusts: the root pinned at enrolment, and all that python-tuf derives from it. Signed, in order, not expired, whole.

Errors are split by who must act: a broken line is Unavailable; anything that does not verify is Tampered, with the reason in Chinese.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from django.conf import settings
from tuf.api import exceptions as tuf
from tuf.api.metadata import Metadata, Root, Timestamp
from tuf.api.serialization import DeserializationError
from tuf.ngclient import Updater

from yuanjiao.flow.catalogue.line_fetcher import METADATA_URL, TARGETS_URL, LineFetcher, shard_file
from yuanjiao.flow.catalogue.repository import write_file
from yuanjiao.flow.wire.client import Line
from yuanjiao.lib.errors import Tampered, Unavailable, YuanjiaoError

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
        self._line = line
        self._fetcher = LineFetcher(line, trusted_folder(), shards_folder())
        shards_folder().mkdir(parents=True, exist_ok=True)
        with verifying():
            self._updater = Updater(
                str(trusted_folder()),
                METADATA_URL,
                str(shards_folder()),
                TARGETS_URL,
                fetcher=self._fetcher,
                bootstrap=pinned_root(),
            )
        # the library reads the machine's clock itself; the one time of this turn is passed in (law 4)
        self._updater._trusted_set.reference_time = at

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
            self._updater.refresh()
            content = (trusted_folder() / "timestamp.json").read_bytes()
            signed = Metadata[Timestamp].from_bytes(content).signed
        return hashlib.sha256(content).hexdigest(), signed.version, signed.expires

    def document(self, path: str) -> bytes | None:
        """The verified content of a target file, downloaded unless it is here; None when the catalogue has none of that name."""
        with verifying():
            found = self._updater.get_targetinfo(path)
            if found is None:
                return None
            where = str(shards_folder() / shard_file(path))
            if self._updater.find_cached_target(found, where) is None:
                self._updater.download_target(found, where)
            return Path(where).read_bytes()


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
