"""Telephone numbers are compared by their keyed digest; only a mask from our own export needs the sealed number opened."""

from __future__ import annotations

from django.conf import settings

from yuanjiao.lib.seal import digest, mask_phone, phone_digits, unseal
from yuanjiao.register import rules
from yuanjiao.register.checks.rows import CHANGED, Row


def phone_digest(number: str) -> str:
    return digest(phone_digits(number), settings.SECRET_KEY)


def settle_phone(row: Row) -> None:
    """Note a changed number; a mask that fits the kept number changes nothing, and cannot begin a row."""
    number = row.values.get("phone")
    if number is None:
        return
    if rules.is_mask(number):
        _check_mask(row, number)
        row.values.pop("phone")
    elif row.kept is not None and phone_digest(number) != row.kept.values["phone_digest"]:
        row.changes["phone"] = number
        row.action = CHANGED


def _check_mask(row: Row, mask: str) -> None:
    if row.kept is None:
        row.blame("phone", "电话隐去了中间几位，新增的行请填完整号码")
    elif mask_phone(unseal(bytes(row.kept.values["phone_sealed"]), settings.SECRET_KEY)) != mask:
        row.blame("phone", "隐去的号码与已有号码不符；要改号码请填完整")
