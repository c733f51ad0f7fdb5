"""The four Ed25519 keys that sign the catalogue, one per TUF role, kept in HOME/keys and readable by nobody else."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings
from securesystemslib.signer import CryptoSigner

from yuanjiao.lib.errors import Tampered

ROLES = ("root", "targets", "snapshot", "timestamp")


def signers() -> dict[str, CryptoSigner]:
    """A signer per role, made at first use. Whoever moves the centre to another machine moves HOME/keys with it."""
    folder = Path(settings.HOME) / "keys"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return {role: _signer(folder / f"{role}.pem") for role in ROLES}


def _signer(path: Path) -> CryptoSigner:
    if not path.exists():
        fresh = path.with_suffix(".new")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(CryptoSigner.generate_ed25519().private_bytes)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise Tampered(f"签名密钥 {path.name} 不是 Ed25519 密钥")
    return CryptoSigner(key)
