"""Addresses of this machine itself and of its own cable: nobody's word leads us there."""

from __future__ import annotations

import ipaddress
import socket


def inward(address: str) -> bool:
    """Whether an IP address is this machine itself, or only means something on its own cable (RFC 6890)."""
    one = ipaddress.ip_address(address.split("%")[0])
    one = getattr(one, "ipv4_mapped", None) or one
    return one.is_loopback or one.is_link_local or one.is_unspecified or one.is_multicast


def leads_inward(host: str, port: int) -> bool:
    """Whether any address that this name has now is inward. OSError or ValueError when it has none."""
    return any(inward(str(place[0])) for *_, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
