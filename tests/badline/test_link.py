"""The bad line between namespaces: TCP gets everything over it whole, a dead line brings nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.badline.faults import Faults
from tests.badline.link import BadLink, allowed

pytestmark = [pytest.mark.journey, pytest.mark.skipif(not allowed(), reason="namespaces or TUN devices are not allowed here")]
LISTEN = """
import socket, sys
with socket.create_server((sys.argv[1], 7000)) as ear:
    print("up", flush=True)
    line, _ = ear.accept()
    with line:
        line.sendall(bytes(range(256)) * 400)
"""
READ = """
import hashlib, socket, sys
with socket.create_connection((sys.argv[1], 7000), timeout=float(sys.argv[2])) as line:
    line.settimeout(None)
    content = b"".join(iter(lambda: line.recv(65536), b""))
print(len(content), hashlib.sha256(content).hexdigest())
"""


def listening(line: BadLink) -> subprocess.Popen[str]:
    words = line.inside(0, sys.executable, "-c", LISTEN, line.addresses[0])
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


def reading(line: BadLink, *, timeout_s: float) -> subprocess.CompletedProcess[str]:
    words = line.inside(1, sys.executable, "-c", READ, line.addresses[0], str(timeout_s))
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_a_line_that_loses_delays_and_reorders_still_brings_everything() -> None:
    import hashlib

    content = bytes(range(256)) * 400
    with BadLink(Faults(delay_s=0.02, jitter_s=0.005, loss=0.05, rate_bps=2_000_000.0)) as line:
        server = listening(line)
        told = reading(line, timeout_s=60.0)
        server.communicate(timeout=20)
    assert told.stdout.split() == [str(len(content)), hashlib.sha256(content).hexdigest()]
    assert line.carried["lost"] > 0
    assert line.carried["bytes"] > len(content)


def test_a_dead_line_brings_nothing_until_it_is_mended() -> None:
    with BadLink(Faults(cut_every_s=1000.0, cut_s=1000.0)) as line:
        server = listening(line)
        assert "TimeoutError" in reading(line, timeout_s=1.5).stderr
        line.become(Faults())
        assert reading(line, timeout_s=60.0).stdout.startswith("102400 ")
        server.communicate(timeout=20)
    assert line.carried["lost"] > 0


def test_nothing_is_left_behind() -> None:
    with BadLink() as line:
        assert "10.99.0.1" in subprocess.run(line.inside(0, "ip", "addr"), capture_output=True, text=True, check=True).stdout
    assert "bad0" not in subprocess.run(["ip", "link"], capture_output=True, text=True, check=True).stdout
