"""This node's Ed25519 key: made at first use, kept in HOME, never in the database and never sent."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings


@cache
def _load(path: Path) -> Ed25519PrivateKey:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
        )
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(fresh)
            os.fsync(file.fileno())
    return Ed25519PrivateKey.from_private_bytes(path.read_bytes())


def own_key() -> Ed25519PrivateKey:
    """The private key of this machine."""
    return _load(Path(settings.HOME) / "node.key")


def own_public_key() -> bytes:
    """Its 32 public bytes."""
    return own_key().public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def sign(message: bytes) -> bytes:
    """A 64-byte Ed25519 signature by this machine."""
    return own_key().sign(message)


def verifies(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` over `message` was made by the owner of the 32-byte `public_key`."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
