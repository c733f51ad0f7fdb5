"""The Ed25519 keys that sign the catalogue, and the roots that say which key signs for which role.

HOME/keys holds one file per key, readable by nobody else: `<role>.pem` the first of a role, `<role>-<digits>.pem` those that came later.
HOME/keys/roots keeps every root ever signed, so that whoever moves the centre moves HOME/keys with it, and no more. A key file that
the newest root does not name signs nothing. Root keys may lie elsewhere, each in a file under a passphrase (`lock_away`, `unlock`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat, load_pem_private_key
from django.conf import settings
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, Root

from yuanjiao.flow.blobs.store import sync_folder
from yuanjiao.lib.errors import Refused, Tampered

ROLES = ("root", "targets", "snapshot", "timestamp")
Signers = dict[str, Sequence[CryptoSigner]]
KEY_FILE = re.compile(r"(?:root|targets|snapshot|timestamp)(?:-[0-9a-f]+)?\.pem")
ROOT_FILE = re.compile(r"([1-9]\d{0,8})\.root\.json", re.ASCII)
SHORT = 12
"""So many digits name a key to people."""
SHORTEST_PASSPHRASE = 10


def keys_folder() -> Path:
    folder = Path(settings.HOME) / "keys"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def roots_folder() -> Path:
    return keys_folder() / "roots"


def signers() -> Signers:
    """The keys of this machine by role, as the newest root names them. Before the first root: one per role, made at first use."""
    root = newest_root()
    if root is None:
        return {role: (_first(role),) for role in ROLES}
    return signers_for(root)


def signers_for(root: Root) -> Signers:
    """The keys of this machine that `root` names, by role; a role whose keys lie elsewhere has none."""
    here = held_keys()
    return {role: tuple(here[keyid] for keyid in root.roles[role].keyids if keyid in here) for role in ROLES}


def newest_root() -> Root | None:
    """The newest root kept beside the keys."""
    kept = numbered_roots(roots_folder())
    return Metadata[Root].from_bytes(kept[max(kept)].read_bytes()).signed if kept else None


def numbered_roots(folder: Path) -> dict[int, Path]:
    """The roots that lie in a folder, by version."""
    found = ((ROOT_FILE.fullmatch(path.name), path) for path in folder.glob("*.root.json"))
    return {int(name[1]): path for name, path in found if name}


def held_keys() -> dict[str, CryptoSigner]:
    """Every key of this machine by its name (TUF keyid), whether a root names it or not."""
    return {signer.public_key.keyid: signer for signer in map(_read, _key_files())}


def make_key(role: str) -> CryptoSigner:
    """A new key for a role, kept on this machine. It signs nothing before a root names it."""
    signer = CryptoSigner.generate_ed25519()
    _write(keys_folder() / f"{role}-{signer.public_key.keyid[:SHORT]}.pem", signer.private_bytes)
    return signer


def discard_keys(named: Root) -> list[str]:
    """Delete the keys of this machine that this root does not name any more; their names."""
    gone = []
    for path in _key_files():
        keyid = _read(path).public_key.keyid
        if keyid not in named.keys:
            path.unlink()
            gone.append(keyid)
    return gone


def lock_away(signer: CryptoSigner, path: Path, passphrase: str) -> None:
    """Write the key into a file of its own (PKCS #8 PEM under a passphrase); Refused when there is such a file already."""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise Refused(f"口令至少 {SHORTEST_PASSPHRASE} 个字符")
    if path.exists():
        raise Refused(f"{path} 已经存在：不覆盖密钥文件")
    key = load_pem_private_key(signer.private_bytes, password=None)
    _write(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase.encode())))
    if unlock(path, passphrase).public_key.keyid != signer.public_key.keyid:  # before anybody deletes the other one
        raise Tampered(f"密钥文件 {path} 写完读回不符：这个介质不可靠")


def unlock(path: Path, passphrase: str) -> CryptoSigner:
    """The key in such a file; Refused when it does not open."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=passphrase.encode())
    except (OSError, ValueError, TypeError):
        raise Refused(f"密钥文件 {path} 打不开：文件不对，或口令不对") from None
    return _signer(key, path)


def _key_files() -> list[Path]:
    return sorted(path for path in keys_folder().glob("*.pem") if KEY_FILE.fullmatch(path.name))


def _first(role: str) -> CryptoSigner:
    path = keys_folder() / f"{role}.pem"
    if not path.exists():
        _write(path, CryptoSigner.generate_ed25519().private_bytes)
    return _read(path)


def _read(path: Path) -> CryptoSigner:
    return _signer(load_pem_private_key(path.read_bytes(), password=None), path)


def _signer(key: object, path: Path) -> CryptoSigner:
    if not isinstance(key, Ed25519PrivateKey):
        raise Tampered(f"签名密钥 {path.name} 不是 Ed25519 密钥")
    return CryptoSigner(key)


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_name(path.name + ".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)
