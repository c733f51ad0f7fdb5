"""Opt-in (`pytest -m scale`): `yuanjiao edge setup` on a machine with a real systemd: enabled, started, killed, stopped, set up again."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.journeys.living import wait_for
from tests.kills import KILLS
from tests.wiring.booted import PYTHON, Machine, NoMachine
from yuanjiao.simulation.processes import NodeProcess, free_port

pytestmark = [pytest.mark.scale, *KILLS[1:]]
log = logging.getLogger(__name__)
MOST_EXPOSED = 4.0
"""By `systemd-analyze security`: 10 is a service that may do everything, 9.6 one that says nothing."""


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    try:
        with Machine(tmp_path / "machine") as booted:
            yield booted
    except NoMachine as why:
        pytest.skip(str(why))


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[NodeProcess]:
    made = NodeProcess(role="solo", home=tmp_path / "centre", name="青禾市中心")
    made.command("found", "--code", "990100000000", "--name", "青禾市")
    made.start()
    yield made
    made.stop()


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def test_one_code_and_one_command_make_a_service_that_lives_through_what_happens(machine: Machine, centre: NodeProcess) -> None:
    code = centre.command("nodes", "issue-code", "--kind", "edge", "--name", "柳溪县边缘", "--subject", "E-990101").strip()
    port = free_port()
    setup = [PYTHON, "-m", "yuanjiao.wiring", "edge", "setup", "--parent", centre.address]
    first = machine.run(*setup, "--code", code, "--port", str(port)).stdout
    assert "服务已启动并有应答，开机时自动启动" in first, first
    assert machine.run("systemctl", "is-enabled", "yuanjiao").stdout.strip() == "enabled"
    assert httpx.get(f"http://127.0.0.1:{port}/status/", timeout=20, trust_env=False).status_code == 200
    assert "青禾市中心" in machine.run("yuanjiao-edge", "nodes", "list").stdout

    _looked_at(machine)
    _killed(machine, port)
    again = machine.run(*setup).stdout
    assert "已写出" not in again
    machine.run("systemctl", "stop", "yuanjiao")
    assert machine.shows("yuanjiao", "ActiveState", "Result") == ["inactive", "success"], "it ended by itself within its time"
    assert not answers(port)
    machine.run("systemctl", "start", "yuanjiao")
    wait_for("it answers after a stop", lambda: answers(port))


def _looked_at(machine: Machine) -> None:
    """What the hardening leaves it: no user of its own rights but ICMP, its own folder, and nothing that systemd finds wrong."""
    (pid,) = machine.shows("yuanjiao", "MainPID")
    status = dict(line.split(":\t", 1) for line in machine.run("cat", f"/proc/{pid}/status").stdout.splitlines() if ":\t" in line)
    assert int(status["CapEff"], 16) == 1 << 13, "CAP_NET_RAW and nothing else"
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    inside = ["nsenter", "--target", pid, "--mount", "--", "sh", "-c"]
    assert machine.run(*inside, "touch /var/lib/yuanjiao/x && rm /var/lib/yuanjiao/x", check=False).returncode == 0
    assert machine.run(*inside, "touch /etc/x || touch /usr/x || touch /var/lib/x", check=False).returncode != 0
    verified = machine.run("systemd-analyze", "verify", "--man=no", "/etc/systemd/system/yuanjiao.service", check=False)
    assert [line for line in verified.stderr.splitlines() if "yuanjiao" in line] == []
    said = machine.run("systemd-analyze", "security", "--no-pager", "yuanjiao.service", check=False).stdout
    exposed = float(re.search(r"Overall exposure level for yuanjiao\.service: ([0-9.]+)", said).group(1))  # type: ignore[union-attr]
    log.warning("systemd-analyze security: %s\n%s", exposed, said)
    assert exposed <= MOST_EXPOSED


def _killed(machine: Machine, port: int) -> None:
    (pid,) = machine.shows("yuanjiao", "MainPID")
    machine.run("systemctl", "kill", "--kill-whom=all", "--signal=KILL", "yuanjiao")
    wait_for("it is there again after kill -9", lambda: machine.shows("yuanjiao", "NRestarts", "ActiveState") == ["1", "active"])
    wait_for("it answers again", lambda: answers(port))
    assert machine.shows("yuanjiao", "MainPID") != [pid]
