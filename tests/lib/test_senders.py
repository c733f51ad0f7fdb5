"""The name of a stranger's bucket: an address, a household of IPv6, and behind the own proxy what that proxy saw."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory

from yuanjiao.lib.senders import sender_of


@pytest.mark.parametrize(
    ("remote", "forwarded", "behind_proxy", "wanted"),
    [
        ("10.1.2.3", "", False, "10.1.2.3"),
        ("10.1.2.3", "1.2.3.4", False, "10.1.2.3"),
        ("127.0.0.1", "6.6.6.6, 10.9.8.7", True, "10.9.8.7"),
        ("127.0.0.1", "", True, "127.0.0.1"),
        ("2409:8a00:1:2:aaaa::1", "", False, "2409:8a00:1:2::/64"),
        ("::ffff:10.1.2.3", "", False, "10.1.2.3"),
        ("", "nonsense", True, "nonsense"),
    ],
)
def test_a_sender_is_named_by_what_it_cannot_choose(remote: str, forwarded: str, behind_proxy: bool, wanted: str, settings: Any) -> None:
    settings.BEHIND_PROXY = behind_proxy
    assert sender_of(RequestFactory().get("/", REMOTE_ADDR=remote, headers={"X-Forwarded-For": forwarded})) == wanted
