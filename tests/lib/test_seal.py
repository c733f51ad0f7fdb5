"""Sealed telephone numbers: readable with the secret only, found however they are written, shown masked."""

from __future__ import annotations

import pytest

from yuanjiao.lib.errors import Tampered
from yuanjiao.lib.seal import digest, mask_phone, phone_digits, seal, unseal


def test_a_number_is_readable_with_the_secret_and_with_no_other() -> None:
    sealed = seal("13800001234", "one secret")
    assert b"138" not in sealed
    assert unseal(sealed, "one secret") == "13800001234"
    with pytest.raises(Tampered):
        unseal(sealed, "another secret")


def test_changed_bytes_are_noticed() -> None:
    sealed = bytearray(seal("13800001234", "s"))
    sealed[20] ^= 1
    with pytest.raises(Tampered):
        unseal(bytes(sealed), "s")


@pytest.mark.parametrize("written", ["13800001234", "138-0000-1234", "+86 138 0000 1234", "138 0000 1234"])
def test_a_number_is_found_however_it_is_written(written: str) -> None:
    assert digest(phone_digits(written), "s") == digest("13800001234", "s")


@pytest.mark.parametrize(("number", "shown"), [("13800001234", "138****1234"), ("0990-1234567", "099****4567"), ("110", "****"), ("", "")])
def test_a_number_is_shown_masked(number: str, shown: str) -> None:
    assert mask_phone(number) == shown


def test_nothing_is_sealed_as_nothing() -> None:
    assert seal("", "s") == b""
    assert unseal(b"", "s") == ""
    assert digest("", "s") == ""
