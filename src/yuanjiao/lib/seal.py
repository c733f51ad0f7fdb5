"""Sealing short private text (telephone numbers): readable only with this machine's secret, findable by a keyed digest."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from cryptography.fernet import Fernet, InvalidToken

from yuanjiao.lib.errors import Tampered


def _key(secret: str, purpose: bytes) -> bytes:
    return hmac.digest(secret.encode(), purpose, hashlib.sha256)


def seal(text: str, secret: str) -> bytes:
    """Encrypt and authenticate; empty text stays empty bytes."""
    return Fernet(base64.urlsafe_b64encode(_key(secret, b"seal"))).encrypt(text.encode()) if text else b""


def unseal(sealed: bytes, secret: str) -> str:
    """The text again; Tampered when the bytes were changed or another machine's secret sealed them."""
    if not sealed:
        return ""
    try:
        return Fernet(base64.urlsafe_b64encode(_key(secret, b"seal"))).decrypt(bytes(sealed)).decode()
    except InvalidToken:
        raise Tampered("密文无法解开：密钥不符或内容被改动") from None


def phone_digits(text: str) -> str:
    """Only the digits, without the country code 86: what two ways of writing one number have in common."""
    digits = re.sub(r"\D", "", text)
    return digits[2:] if len(digits) == 13 and digits.startswith("86") else digits


def digest(text: str, secret: str) -> str:
    """A keyed digest for exact look-up, 64 hex characters; empty for empty."""
    return hmac.new(_key(secret, b"digest"), text.encode(), hashlib.sha256).hexdigest() if text else ""


def mask_phone(text: str) -> str:
    """138****1234, as shown by default (requirements c6)."""
    digits = phone_digits(text)
    return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 7 else "****" if digits else ""
