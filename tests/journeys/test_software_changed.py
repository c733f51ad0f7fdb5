"""The whole of this software, as wheels: a centre sends it, an edge changes to it, and does not change to one that is not well.

Opt-in: `RELEASE_WHEELS` names a folder with the wheels of everything in requirements/run.txt (`pip download --no-deps -r … -d …`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import yuanjiao_keeper as keeper
from tests.journeys.living import PACE, wait_for
from tests.kills import KILLS
from tests.wiring.wheels import whole_wheel
from yuanjiao.simulation.processes import NodeProcess

WHEELS = os.environ.get("RELEASE_WHEELS", "")
pytestmark = [*KILLS, pytest.mark.scale, pytest.mark.skipif(not WHEELS, reason="RELEASE_WHEELS names no folder of wheels")]
CODE, SCOPE = "E-990101", "/990000000000/990100000000/990101000000/"
BROKEN = {"yuanjiao/wiring/application.py": b"raise SystemExit('this release is not well')\n"}


class KeptNode(NodeProcess):
    """A node that its keeper starts."""

    def start(self, *, wait_s: float = 60) -> None:
        line = [sys.executable, keeper.__file__, str(self.home / "software"), "serve", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(line, env=self.environment, stdout=log, stderr=log, start_new_session=True)
        self.wait_ready(wait_s)


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[NodeProcess]:
    made = NodeProcess(role="centre", home=tmp_path / "centre", name="市中心", **PACE)
    made.start(wait_s=300)
    yield made
    made.stop()


@pytest.fixture
def edge(tmp_path: Path, centre: NodeProcess) -> Iterator[KeptNode]:
    made = KeptNode(role="edge", home=tmp_path / "edge", name="柳溪县", parent=centre.address, **PACE)
    told = centre.command("nodes", "issue-code", "--kind", "edge", "--name", "柳溪县", "--subject", CODE, "--scope", SCOPE)
    wait_for("a root to pin", (centre.home / "catalogue/public/metadata/root.json").is_file, within_s=300)
    made.command("enrol", "--parent", centre.address, "--code", told.strip().splitlines()[-1])
    made.start(wait_s=300)
    yield made
    made.stop()


def listed(centre: NodeProcess) -> list[str]:
    """What the centre says of the edge: code, name, version, since, trouble."""
    lines = centre.command("software", "list").splitlines()
    return next(line.split("\t")[1:] for line in lines if line.startswith("机器"))


def release(tmp_path: Path, version: str, **how: dict[str, bytes]) -> Path:
    folder = tmp_path / f"release {version}"
    folder.mkdir()
    for path in Path(WHEELS).glob("*.whl"):
        shutil.copy(path, folder)
    whole_wheel(folder, version, **how)
    return folder


def test_an_edge_changes_its_software_and_stays_with_it_when_the_next_is_not_well(
    tmp_path: Path, centre: NodeProcess, edge: KeptNode
) -> None:
    wait_for("the edge tells what it runs", lambda: listed(centre)[2], within_s=300, every_s=3)
    centre.command("software", "publish", str(release(tmp_path, "7.1")))
    centre.command("software", "send", "7.1", "--edge", CODE)
    wait_for("the edge runs 7.1", lambda: listed(centre)[2] == "7.1", within_s=900, every_s=3)
    current = (edge.home / "software/current").resolve()
    assert current.name.startswith("7.1-")
    edge.wait_ready(300)
    running = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    assert f"{current}/bin/python" in running
    centre.command("software", "publish", str(release(tmp_path, "7.2", instead=BROKEN)))
    centre.command("software", "send", "7.2", "--everywhere")
    words = wait_for("the edge says why not", lambda: listed(centre)[4:], within_s=900, every_s=3)
    assert "7.2" in words[0]
    assert "this release is not well" in words[0]
    assert listed(centre)[2] == "7.1"
    edge.wait_ready(300)
    assert (edge.home / "software/current").resolve() == current
    for machine in (edge, centre):
        machine.stop()
        machine.command("journal", "verify")
