"""Numbers of certificates: year, running number and a check digit that catches what people type wrong; and the code beside it (CW09)."""

from __future__ import annotations

import re

FORM = re.compile(r"YJ(\d{4})-?(\d{5})-?(\d)")


def certificate_number(year: int, running: int) -> str:
    """'YJ2026-00017-3': the last digit is the check (ISO 7064, MOD 11-10), which finds every single wrong digit and nearly every swap."""
    digits = f"{year:04}{running:05}"
    return f"YJ{year:04}-{running:05}-{_check(digits)}"


def read_number(text: str) -> str | None:
    """A number as people type it (spaces, small letters, full-width, without dashes), in its own form; None when it cannot be one."""
    plain = text.translate(FULL_WIDTH).replace(" ", "").upper()
    found = FORM.fullmatch(plain)
    if found is None or _check(found[1] + found[2]) != int(found[3]):
        return None
    return f"YJ{found[1]}-{found[2]}-{found[3]}"


CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without 0, O, 1, I and L, which people mistake for each other on paper."""
CODE_LENGTH = 8
"""31 letters to the power of 8 are 850 thousand million: at the few tries a minute the page allows nobody guesses one."""


def shown_code(code: str) -> str:
    """'K7QM-X2PD', as it is printed."""
    return f"{code[:4]}-{code[4:]}"


def read_code(text: str) -> str:
    """A code as people type it, in its own form; what cannot be one comes out as something no code is."""
    return text.translate(FULL_WIDTH).replace(" ", "").replace("-", "").upper()[: CODE_LENGTH + 1]


FULL_WIDTH = str.maketrans("０１２３４５６７８９ＹＪｙｊ－—–　", "0123456789YJyj--- ")


def _check(digits: str) -> int:
    product = 10
    for digit in digits:
        product = (product + int(digit)) % 10 or 10
        product = product * 2 % 11
    return (11 - product) % 10
