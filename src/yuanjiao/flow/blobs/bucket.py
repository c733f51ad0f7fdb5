"""Blobs in S3-compatible storage (settings.BLOBS_S3), one object a blob under `ab/cdef…`, as on the disk.

1. An object appears whole or not at all: what the storage promises of a put, also of one in parts. A death in the middle leaves
   parts that nobody sees, for the bucket's own rule to clear.
2. Trouble of the storage or the way to it is Unavailable, never "not here". That a blob is not here is believed only of a bucket that
   holds our mark: one that was emptied, made anew or mixed up has lost no blob of ours, it is the wrong one.
3. Nothing here looks at digests but `digest_of`; callers prove what they put and what they take.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from django.conf import settings

from yuanjiao.lib.errors import NotFound, Refused, Unavailable
from yuanjiao.lib.s3address import S3Address

if TYPE_CHECKING:
    from obstore.store import S3Store

T = TypeVar("T")
MARK = "yuanjiao-blobs"
"""The object that says whose bucket this is: the uid of the node that keeps its blobs here."""
PART, AT_ONCE = 8 << 20, 4
"""Bytes of one part of a large put, and how many parts are on their way at a time."""
PIECE = 1 << 20
SIGNED_FOR = timedelta(minutes=15)
"""How long a signed address may be used to begin; what was begun goes on."""
CONNECT_S, ASK_S = 5, 120
"""Seconds until a storage that does not answer is away, and for one question of at most `PART` bytes."""
TRIES, TRY_FOR = 2, timedelta(seconds=20)


class BucketAway(Unavailable):
    """The storage of blobs cannot be asked, refuses us, or is not the one with our mark."""


def _mark_file() -> Path:
    """What this machine wrote into the bucket that was prepared for it."""
    return Path(settings.HOME) / "bucket-mark"


def _own_mark() -> bytes | None:
    try:
        return _mark_file().read_bytes()
    except FileNotFoundError:
        return None


class Bucket:
    """One place in a storage. `Unavailable` is raised by everything that asks it."""

    def __init__(self, store: S3Store, outside: S3Store) -> None:
        self._store, self._outside = store, outside

    # -- asking ---------------------------------------------------------------------------------------------------------------

    def size(self, sha256: str) -> int | None:
        """Bytes of the blob, None when it is not here and the bucket is ours."""
        found = self._head(place(sha256))
        if found is None:
            self.require_mark()
        return None if found is None else found[0]

    def pieces(self, sha256: str, first: int, length: int) -> Iterator[bytes]:
        """So many bytes from `first` on, a piece at a time. NotFound when it is not here, Unavailable when it ends too soon."""
        import obstore

        end = first + length
        while first < end:
            most = min(PIECE, end - first)
            with _told():
                piece = _or_none(partial(obstore.get_range, self._store, place(sha256), start=first, length=most))
            if piece is None:
                self.require_mark()
                raise NotFound("存储里没有这个文件")
            if len(piece) != most:
                raise BucketAway(f"存储里的文件 {sha256[:12]}… 比说的短")
            first += most
            yield bytes(piece)

    def digest_of(self, sha256: str, *, pace: Callable[[int], None] = lambda _: None) -> str | None:
        """The SHA-256 of what lies under that name, None when nothing does. `pace` is told the bytes of each piece."""
        size = self.size(sha256)
        if size is None:
            return None
        digest = hashlib.sha256()
        for piece in self.pieces(sha256, 0, size):
            digest.update(piece)
            pace(len(piece))
        return digest.hexdigest()

    def names(self) -> Iterator[tuple[str, int]]:
        """All blobs with their bytes, in the order of their names, as far as they look like blobs."""
        import obstore

        self.require_mark()
        with _told():
            for found in (one for some in obstore.list(self._store) for one in some):
                folder, _, rest = found["path"].partition("/")
                if len(folder) == 2 and len(rest) == 62:
                    yield folder + rest, found["size"]

    def address(self, sha256: str) -> str:
        """A signed address by which whoever has it may GET this blob for a quarter of an hour. Nothing is asked for it."""
        import obstore

        return str(obstore.sign(self._outside, "GET", place(sha256), SIGNED_FOR))

    # -- changing -------------------------------------------------------------------------------------------------------------

    def put(self, file: Path, sha256: str, media_type: str) -> None:
        """Put a proved file under its name, unless as many bytes are there. It is here once this returns."""
        import obstore

        size = file.stat().st_size
        if self.size(sha256) == size:
            return
        said = {"Content-Type": media_type, "Cache-Control": "public, max-age=31536000, immutable"}
        if media_type == "application/octet-stream":
            said["Content-Disposition"] = "attachment"
        with open(file, "rb") as content, _told():
            obstore.put(self._store, place(sha256), content, attributes=said, chunk_size=PART, max_concurrency=AT_ONCE)
        if self.size(sha256) != size:
            raise BucketAway(f"存储没有收全文件 {sha256[:12]}…")

    def drop(self, sha256: str) -> int:
        """Delete the blob; returns its bytes."""
        size = self.size(sha256)
        if size is not None:
            self._delete(place(sha256))
        return size or 0

    def put_aside(self, sha256: str) -> None:
        """Take what lies under that name out of the way; the bytes stay under `spoilt/`."""
        import obstore

        with _told():
            obstore.copy(self._store, place(sha256), f"spoilt/{sha256}")
        self._delete(place(sha256))

    def drop_aside(self, sha256: str) -> None:
        self._delete(f"spoilt/{sha256}")

    # -- whose it is ----------------------------------------------------------------------------------------------------------

    def require_mark(self) -> None:
        """BucketAway unless this is the bucket that was prepared for us, by what this machine wrote down then."""
        import obstore

        with _told():
            found = _or_none(lambda: obstore.get(self._store, MARK).bytes())
        if found is None or bytes(found) != _own_mark():
            raise BucketAway("存储里没有本机的标记：桶被清空、换了，或还没有为本机准备（yuanjiao blobs prepare-s3）")

    def prepare(self, owner: str, *, take_over: bool = False) -> None:
        """Mark the bucket as ours, and see that everything we need of it is allowed. Refused when it is another's."""
        import obstore

        with _told():
            found = _or_none(lambda: obstore.get(self._store, MARK).bytes())
        if found is not None and bytes(found).decode(errors="replace") != owner and not take_over:
            raise Refused("这个桶（或前缀）已由另一个节点使用：请换一个前缀；那个节点已不在了的，加 --take-over")
        with _told():
            trial = f"spoilt/{MARK}"
            obstore.put(self._store, MARK, owner.encode())
            obstore.copy(self._store, MARK, trial)
            list(obstore.list(self._store, prefix="spoilt"))
            obstore.delete(self._store, trial)
            if bytes(obstore.get(self._store, MARK).bytes()).decode(errors="replace") != owner:
                raise BucketAway("存储没有留住写进去的内容")
        _mark_file().write_bytes(owner.encode())

    def _head(self, path: str) -> tuple[int, str] | None:
        import obstore

        with _told():
            found = _or_none(lambda: obstore.head(self._store, path))
        return None if found is None else (found["size"], found["e_tag"] or "")

    def _delete(self, path: str) -> None:
        import obstore

        with _told():
            _or_none(lambda: obstore.delete(self._store, path))


def place(sha256: str) -> str:
    """The object's name, below the prefix."""
    return f"{sha256[:2]}/{sha256[2:]}"


def is_on() -> bool:
    """Whether blobs are kept in a bucket."""
    return settings.BLOBS_S3 is not None


def bucket() -> Bucket:
    """The one of settings.BLOBS_S3."""
    outside = settings.BLOBS_S3_PUBLIC or settings.BLOBS_S3
    return _made(settings.BLOBS_S3, outside, settings.BLOBS_S3_KEY, settings.BLOBS_S3_SECRET, settings.BLOBS_S3_REGION, os.getpid())


@cache
def _made(inside: S3Address, outside: S3Address, key: str, secret: str, region: str, process: int) -> Bucket:
    """One for each process: connections are not shared with a child."""
    from obstore.store import S3Store  # where it is needed: most machines keep their blobs on the disk

    def at(address: S3Address) -> S3Store:
        return S3Store(
            address.bucket,
            prefix=address.prefix or None,
            endpoint=address.endpoint,
            region=region,
            access_key_id=key,
            secret_access_key=secret,
            virtual_hosted_style_request=False,
            client_options={"allow_http": True, "connect_timeout": f"{CONNECT_S}s", "timeout": f"{ASK_S}s"},
            retry_config={"max_retries": TRIES, "retry_timeout": TRY_FOR},
        )

    inner = at(inside)
    return Bucket(inner, inner if outside == inside else at(outside))


def _or_none(ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except FileNotFoundError:  # the library's own word for an object that is not there
        return None


@contextmanager
def _told() -> Iterator[None]:
    """Whatever the library says of the storage and the way to it is BucketAway."""
    from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

    try:
        yield
    except (PermissionDeniedError, UnauthenticatedError):
        raise BucketAway("文件存储不认本机的钥匙，或不许这样做：请核对 YUANJIAO_BLOBS_S3_KEY 及其权限") from None
    except (BaseError, FileNotFoundError) as error:
        raise BucketAway(f"文件存储没有应答（{type(error).__name__}），稍后重试") from error
