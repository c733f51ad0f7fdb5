"""The code of an item as it is read out and typed."""

from __future__ import annotations

from uuid import UUID

CODE_LETTERS = "3479ACDEFHJKMNPQRTWXY"
"""Letters and digits that cannot be mistaken for one another when read out or written by hand (no 0 O 1 I L 2 Z 5 S 6 G 8 B U V)."""
CODE_LENGTH = 8


def readable_code(uid: UUID) -> str:
    """The code read out on the telephone: eight characters that follow from the random part of a uid. Never change this map."""
    number = uid.int & (1 << 62) - 1
    letters = []
    for _ in range(CODE_LENGTH):
        number, place = divmod(number, len(CODE_LETTERS))
        letters.append(CODE_LETTERS[place])
    return "".join(letters)


def grouped_code(code: str) -> str:
    """As it is read out: K7M4 9QXT."""
    return " ".join(code[start : start + 4] for start in range(0, len(code), 4))


def clean_code(text: str) -> str:
    """What somebody typed, as it is stored: no spaces or dashes, capitals, full-width letters made narrow."""
    narrow = "".join(chr(ord(letter) - 0xFEE0) if 0xFF01 <= ord(letter) <= 0xFF5E else letter for letter in text)
    return "".join(letter for letter in narrow.upper() if letter.isalnum())
