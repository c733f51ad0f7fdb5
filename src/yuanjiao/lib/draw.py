"""A random sample anybody can draw again: from the stored frame and seed, in any language, with pencil and `sha256sum`.

A frame's members are put in the order of the SHA-256 of "<seed>\\n<member>" and the first of them are taken. Unlike a generator's
sample this depends on no version of any library, and a larger sample of the same seed begins with the smaller one.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable


def new_seed() -> str:
    """Sixteen hexadecimal digits nobody could have foreseen; kept with what is drawn by it."""
    return secrets.token_hex(8)


def draw(frame: Iterable[str], count: int, seed: str) -> list[str]:
    """`count` members of the frame in the order in which they are drawn, all of them when there are fewer.

    A member named twice is one member; `count` below zero draws nothing.
    """
    ordered = sorted(set(frame), key=lambda member: (_lot(seed, member), member))
    return ordered[: max(count, 0)]


def _lot(seed: str, member: str) -> bytes:
    return hashlib.sha256(f"{seed}\n{member}".encode()).digest()
