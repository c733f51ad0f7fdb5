"""This node's Ed25519 key: made at first use, kept in HOME, never in the database and never sent."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from nacl.bindings import crypto_sign_open
from nacl.exceptions import CryptoError

SIGNATURE_BYTES, PUBLIC_KEY_BYTES = 64, 32


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
    """Whether `signature` over `message` was made by the owner of the 32-byte `public_key`.

    By libsodium: half the time of OpenSSL, and this is most of what a batch of beats costs.
    """
    if len(signature) != SIGNATURE_BYTES or len(public_key) != PUBLIC_KEY_BYTES:
        return False  # the library itself does not look how long a key is
    try:
        crypto_sign_open(signature + message, public_key)
    except CryptoError:
        return False
    return True
