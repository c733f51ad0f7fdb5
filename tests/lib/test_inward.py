"""What is this machine or its own cable, by number and by name."""

from __future__ import annotations

import pytest

from yuanjiao.lib.inward import inward, leads_inward


@pytest.mark.parametrize(("address", "told"), [("10.1.2.3", False), ("::ffff:127.0.0.1", True), ("fe80::1%eth0", True), ("8.8.8.8", False)])
def test_what_is_inward(address: str, told: bool) -> None:
    assert inward(address) is told


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0", "::1", "169.254.169.254", "224.0.0.1"])
def test_a_name_leads_inward_however_it_is_written(host: str) -> None:
    assert leads_inward(host, 25)


def test_a_private_network_is_not_inward_and_a_name_of_nobody_is_told() -> None:
    assert not any(leads_inward(host, 25) for host in ("10.0.0.1", "172.16.0.1", "192.168.1.1"))
    for nobody in ("no-such-host.invalid", "10.0.0.1:6379", "a" * 64 + ".invalid"):
        with pytest.raises((OSError, ValueError)):
            leads_inward(nobody, 25)
