"""The address of a place in S3-compatible storage, as one text: `http(s)://host[:port]/bucket[/prefix]`. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
PREFIX = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")


@dataclass(frozen=True)
class S3Address:
    """`endpoint` is scheme, host and port; `prefix` has no slash at either end and is empty for the whole bucket."""

    endpoint: str
    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        return "/".join(filter(None, (self.endpoint, self.bucket, self.prefix)))


def read_address(text: str) -> S3Address | None:
    """The address that `text` says, None for an empty text; ValueError says what is wrong with it."""
    if not text:
        return None
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("an address like https://host:port/bucket/prefix is expected")
    if parts.username is not None or parts.password is not None:
        raise ValueError("keys do not belong into the address")
    if parts.port == 0:
        raise ValueError("port 0 is nowhere")
    bucket, _, prefix = parts.path.strip("/").partition("/")
    if not BUCKET.fullmatch(bucket):
        raise ValueError(f"{bucket!r} cannot be the name of a bucket")
    if prefix and (not PREFIX.fullmatch(prefix) or {".", ".."} & set(prefix.split("/"))):
        raise ValueError(f"{prefix!r} cannot be a prefix")
    return S3Address(f"{parts.scheme}://{parts.netloc}", bucket, prefix)
