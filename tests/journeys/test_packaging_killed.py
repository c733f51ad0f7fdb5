"""A real worker is killed while it encodes a real film: another takes over what it held, and nothing proved is made again."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

from tests.journeys.living import wait_for
from tests.kills import KILLS
from yuanjiao.simulation.processes import NodeProcess

pytestmark = KILLS
SECONDS = 20
QUEUED = """
import django; django.setup()
import sys
from pathlib import Path
from yuanjiao.courseware import commands
from yuanjiao.courseware.models import CoursewareClass, CoursewareSource
from yuanjiao.lib import clock
from yuanjiao.simulation.cast import build_cast
at = clock.now()
cast = build_cast(at=at)
by = cast.actor("zhizuo")
item = commands.create_courseware(title="夜里打包", item_class=CoursewareClass.SERVICE, source=CoursewareSource.OWN, by=by, at=at)
commands.take_original(courseware=item, path=Path(sys.argv[1]), filename="film.mp4", by=by, at=at)
"""
LATER = """
import django; django.setup()
from datetime import timedelta
from yuanjiao.courseware.jobs import requeue_packaging
from yuanjiao.courseware.packaging.leases import LEASE_S
from yuanjiao.lib import clock
from yuanjiao.wiring.upkeep import settle_tasks
at = clock.now()
print(requeue_packaging(at), requeue_packaging(at + timedelta(seconds=LEASE_S + 1)), settle_tasks(at + timedelta(hours=1)))
"""
JOBS = "SELECT profile, state, attempts, percent, finished_at, worker FROM courseware_renditionjob"
KEPT = "SELECT profile, uid, key, blob FROM courseware_rendition"
TASKS = "SELECT status FROM django_tasks_database_dbtaskresult ORDER BY enqueued_at"


@pytest.fixture
def node(tmp_path: Path) -> NodeProcess:
    """A node with one film in its queue and nobody to package it."""
    made = NodeProcess(role="solo", home=tmp_path / "node", name="打包机")
    made.command("migrate", "-v", "0")
    film = tmp_path / "film.mp4"
    pattern = f"testsrc2=size=1280x720:rate=25:duration={SECONDS},noise=alls=40:allf=t"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", "-f", "lavfi", "-i", pattern]
    command += ["-f", "lavfi", "-i", f"sine=frequency=440:duration={SECONDS}", "-c:v", "libx264", "-preset", "ultrafast"]
    subprocess.run([*command, "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest", str(film)], check=True, stdin=subprocess.DEVNULL)
    script(made, QUEUED, str(film))
    return made


@pytest.fixture
def worker(node: NodeProcess) -> Iterator[subprocess.Popen[bytes]]:
    line = [sys.executable, "-m", "yuanjiao.wiring", "db_worker", "--queue-name", "packaging", "--no-startup-delay"]
    process = subprocess.Popen(line, env=node.environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield process
    if process.poll() is None:
        process.kill()
    process.wait()


def script(node: NodeProcess, text: str, *arguments: str) -> str:
    environment = {**node.environment, "DJANGO_SETTINGS_MODULE": "yuanjiao.wiring.settings"}
    done = subprocess.run([sys.executable, "-c", text, *arguments], env=environment, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def ask(node: NodeProcess, question: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(f"file:{node.home / 'yuanjiao.sqlite3'}?mode=ro", uri=True, timeout=30) as database:
        return database.execute(question).fetchall()


def encoders() -> set[int]:
    """ffmpeg processes whose folder is a node's scratch folder."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and b"ffmpeg" in (entry / "cmdline").read_bytes().split(b"\0")[0]:
                found.add(int(entry.name))
        except OSError:
            continue
    return found


def of_group(group: int) -> set[int]:
    """Encoders that the killed worker had started and that live on."""
    alive = set()
    for pid in encoders():
        try:
            if os.getpgid(pid) == group and (Path("/proc") / str(pid) / "stat").read_text().split(") ")[1][0] != "Z":
                alive.add(pid)
        except (OSError, IndexError):
            continue
    return alive


def in_the_middle(node: NodeProcess) -> bool:
    """The sound is proved and kept, the pictures are being made."""
    rows = ask(node, JOBS)
    running = [row for row in rows if row[1] == "running"]
    return bool(ask(node, KEPT)) and any(row[3] >= 5 for row in running) and len(running) > 1


@pytest.mark.clause("DLV02")
def test_a_killed_worker_is_replaced_and_nothing_proved_is_made_again(node: NodeProcess, worker: subprocess.Popen[bytes]) -> None:
    wait_for("pictures are being made", lambda: in_the_middle(node), within_s=240, every_s=0.2)
    worker.send_signal(signal.SIGKILL)  # the worker alone: what it started must not go on encoding for nobody
    worker.wait()
    kept, before = ask(node, KEPT), {row[0]: row for row in ask(node, JOBS)}
    held = {name for name, row in before.items() if row[1] == "running"}
    assert held
    assert kept
    assert {name for name, *_ in kept} <= {name for name, row in before.items() if row[1] == "done"}
    assert ask(node, TASKS) == [("RUNNING",)], "the row of a killed worker says what is not so"
    wait_for("its encoder is gone", lambda: not of_group(worker.pid), within_s=60)
    told = script(node, LATER).split()
    assert told == ["0", "1", "1"], "nothing is given away while the lease runs; afterwards the item waits for anybody"
    node.command("db_worker", "--queue-name", "packaging", "--batch", "--no-startup-delay", timeout_s=900)
    after = {row[0]: row for row in ask(node, JOBS)}
    assert {row[1] for row in after.values()} == {"done"}
    assert ask(node, "SELECT state FROM courseware_courseware") == [("in_review",)]
    assert set(kept) <= set(ask(node, KEPT)), "what was proved is the same row and the same blob"
    assert {name: after[name] for name, *_ in kept} == {name: before[name] for name, *_ in kept}, "and nobody came back to it"
    assert {after[name][2] for name in held} == {2}
    assert all(after[name][5] != before[name][5] for name in held), "somebody else made it"
    assert not list((node.home / "uploads" / "packaging").iterdir()), "nothing is left lying"
    assert sorted(status for (status,) in ask(node, TASKS)) == ["FAILED", "SUCCESSFUL"]
