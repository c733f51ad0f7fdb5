"""One-time enrolment codes (登记码): how they are made, read back from a person's typing, and what they prove. Pure.

`XXXX-XXXX-XXXX-XXXX-PPPP-PPPP`: sixteen letters of chance (80 bits) that let one node in, then eight letters that name the
parent's public key (40 bits of its SHA-256), so that the child knows it is speaking to the machine that issued the code.
Letters and digits that look alike (I, L, O, U) do not occur; typing may be in any case, with or without dashes.
"""

from __future__ import annotations

import hashlib
import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LOOKALIKES = str.maketrans("ILO", "110", "- \t\n　")
SECRET_LETTERS, PIN_LETTERS = 16, 8


def new_code(public_key: bytes) -> str:
    """A fresh code for children of the node that owns `public_key` (32 bytes)."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LETTERS)) + pin(public_key)
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def tidy(code: str) -> str:
    """The code as it counts: upper case, no dashes, look-alikes read as what they must be."""
    return code.upper().translate(LOOKALIKES)


def code_hash(code: str) -> bytes:
    """What is kept of a code: SHA-256 of its letters."""
    return hashlib.sha256(tidy(code).encode()).digest()


def pin(public_key: bytes) -> str:
    """Eight letters that name a public key."""
    number = int.from_bytes(hashlib.sha256(public_key).digest()[:5], "big")
    return "".join(ALPHABET[number >> shift & 31] for shift in range(35, -1, -5))


def names_key(code: str, public_key: bytes) -> bool:
    """Whether the code was issued by the owner of `public_key`."""
    return tidy(code)[SECRET_LETTERS:] == pin(public_key)


def looks_right(code: str) -> bool:
    """Whether a typed code has the shape of one."""
    letters = tidy(code)
    return len(letters) == SECRET_LETTERS + PIN_LETTERS and set(letters) <= set(ALPHABET)


def proof_bytes(code: str, uid: bytes, public_key: bytes) -> bytes:
    """What a child signs to show that it owns the key it brings. Never change: succeed it with YJN2."""
    return b"YJN1" + code_hash(code) + uid + public_key
