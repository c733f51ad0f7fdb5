"""Who knocks at a door that asks for nobody: the name of a stranger's bucket (lib/limits.py). Kept in memory only."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest

HOUSEHOLD_BITS = 64
"""What one house gets of IPv6: with an address alone one would be a new sender at will."""


def sender_of(request: HttpRequest) -> str:
    """The address, an IPv6 one by its household. Behind the own proxy the last of X-Forwarded-For, the only one it wrote itself."""
    told = str(request.META.get("REMOTE_ADDR", ""))
    if settings.BEHIND_PROXY:
        told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip() or told
    try:
        number = ip_address(told)
    except ValueError:
        return told[:60]
    if isinstance(number, IPv6Address):
        if number.ipv4_mapped is not None:
            return str(number.ipv4_mapped)
        rest = 128 - HOUSEHOLD_BITS
        return f"{IPv6Address(int(number) >> rest << rest)}/{HOUSEHOLD_BITS}"
    return str(number)
