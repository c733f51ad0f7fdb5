"""Changing the keys of the catalogue: another key for a role, one key revoked, the root's keys taken off this machine.

Each change is one next root, signed by enough of the old and of the new root keys, that comes into force together with a catalogue
signed by the new keys; machines below walk from root to root, however many they missed. Then the private keys that no root names any more
are deleted. A change that is refused, or breaks off before its root is in force, leaves everything as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, Root

from yuanjiao.flow.catalogue.publish import contents, keep_roots, one_at_a_time, public_folder
from yuanjiao.flow.catalogue.repository import LIFE, NOTE, Repository
from yuanjiao.flow.catalogue.signing import (
    ROLES,
    SHORT,
    discard_keys,
    held_keys,
    lock_away,
    make_key,
    newest_root,
    numbered_roots,
    roots_folder,
    signers,
    signers_for,
)
from yuanjiao.flow.nodes.queries import signs_catalogue
from yuanjiao.lib.errors import NotFound, Refused

MOST_KEYS = 9


@dataclass(frozen=True)
class RoleKeys:
    """One role: how many of its keys must sign, their names, and which of them this machine has."""

    role: str
    threshold: int
    keyids: tuple[str, ...]
    here: frozenset[str]


@dataclass(frozen=True)
class RootState:
    """The root in force. `renew_by`: from then on a root with its keys on this machine is renewed by itself; others need `renew_root`."""

    version: int
    expires_at: datetime
    renew_by: datetime
    roles: tuple[RoleKeys, ...]
    history: tuple[tuple[int, str], ...]


def root_state() -> RootState:
    """What is in force; NotFound before the first catalogue."""
    root = newest_root()
    if root is None:
        raise NotFound("还没有签发过目录")
    here = frozenset(held_keys())
    roles = tuple(
        RoleKeys(role, root.roles[role].threshold, tuple(root.roles[role].keyids), here.intersection(root.roles[role].keyids))
        for role in ROLES
    )
    notes = (
        (version, str(Metadata[Root].from_bytes(path.read_bytes()).signed.unrecognized_fields.get(NOTE, "")))
        for version, path in sorted(numbered_roots(roots_folder()).items())
    )
    return RootState(root.version, root.expires, root.expires - LIFE["root"] / 2, roles, tuple(notes))


def rotate_keys(role: str, *, count: int = 1, threshold: int = 1, root_keys: Sequence[CryptoSigner] = (), reason: str, at: datetime) -> int:
    """Replace all keys of a role by `count` new ones on this machine, of which `threshold` must sign; the version of the next root."""
    _require(role in ROLES, f"角色应为 {'、'.join(ROLES)} 之一")
    _require(1 <= threshold <= count <= MOST_KEYS, f"密钥应有 1 到 {MOST_KEYS} 把，须签名的把数不超过它")
    with _ceremony(at, root_keys) as ceremony:
        fresh = [make_key(role) for _ in range(count)]
        return ceremony(lambda root: _replace(root, role, fresh, threshold), fresh, f"rotate {role}: {reason}")


def revoke_key(name: str, *, root_keys: Sequence[CryptoSigner] = (), reason: str, at: datetime) -> tuple[str, int]:
    """Believe this key no more, in whichever role; its whole name and the version of the next root. `name` may be its first digits.

    A role of this machine that would be left with too few keys gets a new one. The root does not: its keys are people's to make anew.
    """
    with _ceremony(at, root_keys) as ceremony:
        before = newest_root()
        assert before is not None  # the ceremony made sure
        keyid = _whole_name(before, name)
        short = [role for role in ROLES if keyid in before.roles[role].keyids and _is_at_its_threshold(before, role)]
        _require("root" not in short, "撤销后根密钥不够规定的把数：请用 offline 或 rotate root 换成新的根密钥")
        fresh = {role: make_key(role) for role in short}
        version = ceremony(lambda root: _revoke(root, keyid, fresh), (), f"revoke {keyid[:SHORT]}: {reason}")
        return keyid, version


def take_root_offline(
    files: Sequence[tuple[Path, str]], *, threshold: int, root_keys: Sequence[CryptoSigner] = (), reason: str, at: datetime
) -> int:
    """New root keys, one in each file under its passphrase, of which `threshold` must sign; none stays on this machine."""
    _require(1 <= threshold <= len(files) <= MOST_KEYS, f"根密钥文件应有 1 到 {MOST_KEYS} 个，须签名的把数不超过它")
    _require(len({path.resolve() for path, _ in files}) == len(files), "每把根密钥须有自己的文件")
    with _ceremony(at, root_keys) as ceremony:
        fresh = [CryptoSigner.generate_ed25519() for _ in files]
        written: list[Path] = []
        try:
            for signer, (path, passphrase) in zip(fresh, files, strict=True):
                lock_away(signer, path, passphrase)
                written.append(path)
            return ceremony(lambda root: _replace(root, "root", fresh, threshold), fresh, f"offline: {reason}")
        finally:
            keep_roots()
            in_force = newest_root()
            if in_force is None or fresh[0].public_key.keyid not in in_force.keys:  # refused, or broken off: these are no keys
                for path in written:
                    path.unlink()


def renew_root(*, root_keys: Sequence[CryptoSigner], at: datetime) -> int:
    """The same keys for another ten years, signed by root keys that are not on this machine."""
    with _ceremony(at, root_keys) as ceremony:
        return ceremony(lambda root: None, (), "renewed")


Ceremony = Callable[[Callable[[Root], None], Sequence[CryptoSigner], str], int]


@contextmanager
def _ceremony(at: datetime, root_keys: Sequence[CryptoSigner]) -> Iterator[Ceremony]:
    """Nobody publishes meanwhile; afterwards exactly the keys that the root in force names are on this machine."""
    _require(signs_catalogue(), "只有中心签发目录：本机跟随上级的目录")
    with one_at_a_time("publish"):
        keep_roots()
        if newest_root() is None:
            Repository(public_folder(), signers()).publish(contents(), at=at)
            keep_roots()

        def carry_out(change: Callable[[Root], None], fresh: Sequence[CryptoSigner], note: str) -> int:
            by = [*signers()["root"], *root_keys, *fresh]
            root = Repository(public_folder(), {}).next_root(change, by=_each_once(by), at=at, note=note)
            Repository(public_folder(), signers_for(root.signed)).publish(contents(), at=at, root=root)
            return root.signed.version

        try:
            yield carry_out
        finally:
            keep_roots()
            named = newest_root()
            if named is not None:
                discard_keys(named)


def _each_once(keys: Sequence[CryptoSigner]) -> list[CryptoSigner]:
    return list({signer.public_key.keyid: signer for signer in keys}.values())


def _replace(root: Root, role: str, fresh: Sequence[CryptoSigner], threshold: int) -> None:
    for keyid in list(root.roles[role].keyids):
        root.revoke_key(keyid, role)
    for signer in fresh:
        root.add_key(signer.public_key, role)
    root.roles[role].threshold = threshold


def _revoke(root: Root, keyid: str, fresh: dict[str, CryptoSigner]) -> None:
    for role in ROLES:
        if keyid in root.roles[role].keyids:
            root.revoke_key(keyid, role)
        if role in fresh:
            root.add_key(fresh[role].public_key, role)


def _is_at_its_threshold(root: Root, role: str) -> bool:
    return len(root.roles[role].keyids) <= root.roles[role].threshold


def _whole_name(root: Root, name: str) -> str:
    found = [keyid for keyid in root.keys if len(name) >= 6 and keyid.startswith(name.lower())]
    if len(found) != 1:
        raise NotFound(f"没有、或不止一把密钥以 {name} 开头（至少写 6 位）")
    return found[0]


def _require(fine: bool, message: str) -> None:
    if not fine:
        raise Refused(message)
