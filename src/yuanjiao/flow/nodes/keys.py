"""This node's Ed25519 key: made at first use, kept in HOME, never in the database and never sent."""

from __future__ import annotations

import os
from functools import cache, lru_cache
from hashlib import blake2b
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from nacl.bindings import (
    crypto_box_seal,
    crypto_box_seal_open,
    crypto_box_SEALBYTES,
    crypto_scalarmult,
    crypto_scalarmult_base,
    crypto_sign_ed25519_pk_to_curve25519,
    crypto_sign_ed25519_sk_to_curve25519,
    crypto_sign_open,
)
from nacl.exceptions import CryptoError

from yuanjiao.lib.errors import Tampered

SIGNATURE_BYTES, PUBLIC_KEY_BYTES = 64, 32
SHARED = b"YJM1 beats"
"""What a shared key is for; the same two nodes would share another one for something else."""
MOST_SHARED = 50_000


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


def _next_path() -> Path:
    return Path(settings.HOME) / "node.key.next"


def next_identity(uid: UUID) -> tuple[UUID, Ed25519PrivateKey]:
    """The name and key this machine is about to take: `uid` at first, and the same ones again until `adopt_next` or for ever."""
    path = _next_path()
    if path.exists() and path.read_bytes()[16:] == own_key().private_bytes_raw():
        path.unlink()  # it was adopted, and then we died
    if not path.exists():
        fresh = uid.bytes + Ed25519PrivateKey.generate().private_bytes_raw()
        part = path.with_suffix(".part")
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(fresh)
            os.fsync(file.fileno())
        part.rename(path)
    kept = path.read_bytes()
    return UUID(bytes=kept[:16]), Ed25519PrivateKey.from_private_bytes(kept[16:])


def forget_next() -> None:
    """Throw away what `next_identity` made."""
    _next_path().unlink(missing_ok=True)


def adopt_next(public_key: bytes) -> bool:
    """Put the key made by `next_identity` in the place of the old one, if it is the one of `public_key`; True when it was."""
    path = _next_path()
    if not path.exists():
        return False
    _, key = next_identity(UUID(int=0))
    if key.public_key().public_bytes_raw() != public_key:
        return False
    fresh = path.with_suffix(".raw")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(key.private_bytes_raw())
        os.fsync(file.fileno())
    fresh.rename(Path(settings.HOME) / "node.key")
    path.unlink()
    _load.cache_clear()
    _shared.cache_clear()
    return True


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


def key_to(receiver: bytes) -> bytes:
    """The key under which this machine seals what it tells the owner of the public key `receiver`. Tampered: that is no key."""
    return _shared(settings.HOME, receiver, False)


def key_from(sender: bytes) -> bytes:
    """The key under which the owner of the public key `sender` seals what it tells this machine."""
    return _shared(settings.HOME, sender, True)


@lru_cache(maxsize=MOST_SHARED)
def _shared(home: str | Path, theirs: bytes, they_send: bool) -> bytes:
    own = _load(Path(home) / "node.key")
    return shared_key(own.private_bytes_raw(), theirs, they_send=they_send)


def shared_key(own_private: bytes, theirs: bytes, *, they_send: bool) -> bytes:
    """What only the owners of two Ed25519 keys can compute: X25519 of the same keys, hashed with who sends and who receives.

    May never change: a new way is a new `SHARED`.
    """
    ours = Ed25519PrivateKey.from_private_bytes(own_private).public_key().public_bytes_raw()
    try:
        secret = crypto_scalarmult(crypto_sign_ed25519_sk_to_curve25519(own_private + ours), crypto_sign_ed25519_pk_to_curve25519(theirs))
    except (CryptoError, ValueError, RuntimeError, TypeError):
        raise Tampered("节点的公钥不是有效的公钥") from None
    sender, receiver = (theirs, ours) if they_send else (ours, theirs)
    return blake2b(secret + sender + receiver, digest_size=32, person=SHARED).digest()


def sealed_for(receiver: bytes, content: bytes) -> bytes:
    """What only the owner of the public key `receiver` can open (libsodium's sealed box). It does not say from whom. Tampered: no key."""
    try:
        return crypto_box_seal(content, crypto_sign_ed25519_pk_to_curve25519(receiver))
    except (CryptoError, ValueError, RuntimeError, TypeError):
        raise Tampered("节点的公钥不是有效的公钥") from None


def opened_by_us(sealed: bytes) -> bytes:
    """The content that was sealed for this machine; Tampered for anything else."""
    own = own_key().private_bytes_raw()
    secret = crypto_sign_ed25519_sk_to_curve25519(own + own_public_key())
    try:
        if len(sealed) < crypto_box_SEALBYTES:
            raise CryptoError
        return crypto_box_seal_open(sealed, crypto_scalarmult_base(secret), secret)
    except CryptoError:
        raise Tampered("密封的内容不是给本机的，或已损坏") from None
