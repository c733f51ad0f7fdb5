"""The keeper with real processes: a new release serves, or the old one does on its own database, wherever the power went in between."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import yuanjiao_keeper as keeper
from tests.kills import chance
from tests.wiring.test_disk import fill
from tests.wiring.wheels import copied, environment

pytestmark = [pytest.mark.journey, pytest.mark.own_files]
OLD, NEW = "1.0", "2.0"
SOURCES = str(Path(keeper.__file__).parent)


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Environments, each made once."""
    made: dict[str, Path] = {}
    room = tmp_path_factory.mktemp("releases")

    def one(version: str, **how: Any) -> Path:
        name = f"{version}{''.join(map(str, how.values()))}".replace(" ", "-")
        if name not in made:
            made[name] = environment(room / name, version, **how)
        return made[name]

    return one


class Village:
    """One machine: its HOME, its keeper's folder, the keeper while it runs."""

    def __init__(self, home: Path, old: Path) -> None:
        self.home, self.folder = home, home / "software"
        self.held = socket.socket()  # bound for as long as the test lasts: the port is given to nobody else, and the server may have it
        self.held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.held.bind(("127.0.0.1", 0))
        self.port = self.held.getsockname()[1]
        (self.folder / "releases").mkdir(parents=True)
        copied(old, self.folder / "releases" / OLD)
        (self.folder / "current").symlink_to(f"releases/{OLD}")
        self.process: subprocess.Popen[str] | None = None

    def start(self, *, dies_at: int = 0) -> None:
        line = [sys.executable, str(Path(__file__).with_name("dying_keeper.py")), str(dies_at), str(self.folder)]
        line += ["serve", "--host", "127.0.0.1", "--port", str(self.port)]
        settings = {**os.environ, "PYTHONPATH": SOURCES, "YUANJIAO_HOME": str(self.home)}
        with (self.home / "keeper.log").open("a") as log:
            self.process = subprocess.Popen(line, env=settings, stdout=subprocess.PIPE, stderr=log, text=True)

    def stop(self) -> int:
        """End it in order; returns the steps it took."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        said, _ = self.process.communicate(timeout=60)
        self.process = None
        return int(said or 0)

    def offer(self, release: Path, *, tries: int = 0) -> None:
        copied(release, self.folder / "releases" / NEW)
        said = {"id": "t1", "to": NEW, "release": NEW, "version": NEW, "previous": OLD, "tries": tries}
        keeper.write_whole(self.folder / keeper.TRIAL, json.dumps(said).encode())

    def wait_until(self, true: Callable[[], Any]) -> None:
        until = time.monotonic() + 60
        while not true():
            assert time.monotonic() < until, (self.home / "keeper.log").read_text()[-3000:]
            time.sleep(0.02)

    def serves(self) -> str:
        """Which version answers; nothing while none does."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/", timeout=5, trust_env=False).text
        except httpx.HTTPError:
            return ""

    @property
    def outcome(self) -> dict[str, Any]:
        path = self.folder / keeper.OUTCOME
        return json.loads(path.read_bytes()) if path.exists() else {}

    def told(self) -> dict[int, str]:
        """What the parent was told: number → word. Two words under one number are a fork."""
        path, found = self.home / "parent.txt", dict[int, str]()
        for line in path.read_text().splitlines() if path.exists() else ():
            seq, _, word = line.partition(" ")
            assert found.setdefault(int(seq), word) == word, f"entry {seq} was told in two ways"
        return found

    def recorded(self) -> dict[int, str]:
        with sqlite3.connect(self.home / "yuanjiao.sqlite3") as database:
            found = dict(database.execute("SELECT seq, word FROM entry"))
        database.close()
        return found

    def schema(self) -> int:
        with sqlite3.connect(self.home / "yuanjiao.sqlite3") as database:
            found: int = database.execute("PRAGMA user_version").fetchone()[0]
        database.close()
        return found

    def require_one_story(self) -> None:
        """All that was told stands here, as it was told."""
        told, recorded = self.told(), self.recorded()
        assert told
        assert told.items() <= recorded.items()
        assert list(recorded) == list(range(1, len(recorded) + 1))


@pytest.fixture
def village(tmp_path: Path, releases: Callable[..., Path]) -> Iterator[Village]:
    made = Village(tmp_path, releases(OLD))
    yield made
    if made.process is not None:
        made.stop()
    made.held.close()


def test_a_release_that_is_well_serves_with_all_that_was_recorded(village: Village, releases: Callable[..., Path]) -> None:
    village.start()
    village.wait_until(lambda: len(village.told()) > 3)
    village.offer(releases(NEW, schema=2))
    village.wait_until(lambda: village.serves() == NEW and village.told() and max(village.told().values()).startswith(NEW))
    village.stop()
    assert (village.folder / "current").readlink() == Path(f"releases/{NEW}")
    assert village.outcome == {"id": "t1", "release": NEW, "version": NEW, "previous": OLD, "ok": True, "reason": ""}
    assert not (village.folder / keeper.TRIAL).exists()
    assert not list(village.folder.glob("before*")), "a copy of the database that can be put back no more"
    assert village.schema() == 2
    village.require_one_story()


@pytest.mark.parametrize(
    ("ails", "words"), [("dies at once", "I am not well"), ("dies after it has migrated", "I migrated and am not well")]
)
def test_a_release_that_does_not_start_twice_is_put_back_with_its_database(
    village: Village, releases: Callable[..., Path], ails: str, words: str
) -> None:
    village.start()
    village.wait_until(lambda: len(village.told()) > 3)
    village.offer(releases(NEW, schema=2, ails=ails))
    village.wait_until(lambda: village.outcome and village.serves() == OLD)
    before = len(village.told())
    village.wait_until(lambda: len(village.told()) > before)  # it goes on recording
    village.stop()
    assert not village.outcome["ok"]
    assert words in village.outcome["reason"]
    assert village.schema() == 1
    assert (village.folder / "current").readlink() == Path(f"releases/{OLD}")
    village.require_one_story()


def test_a_release_that_never_answers_is_given_up(village: Village, releases: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    village.offer(releases(NEW, schema=2, ails="never answers"))
    monkeypatch.setattr(keeper, "STOP_S", 5.0)
    monkeypatch.setenv("YUANJIAO_HOME", str(village.home))
    short = keeper.Keeper(village.folder, [], anchor=Path(sys.prefix), patience_s=0.5)
    while (trial := short.trial()) is not None:
        assert short.go_on(trial)
    assert "没有正常应答" in village.outcome["reason"]
    assert village.schema() == 0, "as before the trial: nothing had served here yet"


def test_what_is_not_there_is_not_tried(village: Village) -> None:
    keeper.write_whole(
        village.folder / keeper.TRIAL,
        json.dumps({"id": "t", "to": "x", "release": "x", "version": "x", "previous": OLD, "tries": 0}).encode(),
    )
    village.start()
    village.wait_until(lambda: village.outcome and village.serves() == OLD)
    assert not village.outcome["ok"]


def test_a_keeper_that_is_told_to_end_does_not_count_it_against_the_release(village: Village, releases: Callable[..., Path]) -> None:
    village.offer(releases(NEW, schema=2, ails="never answers"))
    village.start()
    village.wait_until(lambda: json.loads((village.folder / keeper.TRIAL).read_bytes())["tries"] == 1)
    village.stop()
    assert json.loads((village.folder / keeper.TRIAL).read_bytes())["tries"] == 0
    assert list(village.folder.glob(f"{keeper.BEFORE}*")), "what it was before can still be put back"


def test_on_a_full_disk_the_old_release_serves_on(small: Path, releases: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    village = Village(small, releases(OLD))
    monkeypatch.setenv("YUANJIAO_HOME", str(village.home))
    with sqlite3.connect(village.home / "yuanjiao.sqlite3") as database:
        database.execute("CREATE TABLE entry (seq INTEGER PRIMARY KEY, word TEXT)")
    database.close()
    village.offer(releases(NEW, schema=2))
    fill(small / "fill")
    there = keeper.Keeper(village.folder, [], anchor=Path(sys.prefix))
    while (trial := there.trial()) is not None:
        assert there._step(trial)
    village.held.close()
    assert there.release() == (village.folder / "releases" / OLD).resolve()
    assert not list(village.folder.glob("before*"))
    assert village.schema() == 0, "the new one has not touched it"


def test_a_disk_that_cannot_be_written_to_any_more_ends_nothing(
    small: Path, releases: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It turns read-only in mid-trial; the keeper says so, changes nothing, and goes on once it is well again."""
    village = Village(small, releases(OLD))
    village.held.close()
    monkeypatch.setenv("YUANJIAO_HOME", str(village.home))
    village.offer(releases(NEW, schema=2))
    there = keeper.Keeper(village.folder, ["serve", "--port", "0"], anchor=Path(sys.prefix))
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    try:
        for _ in range(2):
            trial = there.trial()
            assert trial is not None
            assert not there._step(trial)
        assert "Read-only file system" in capfd.readouterr().err
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(small)], check=True)
    assert there.trial() is not None
    while (trial := there.trial()) is not None:
        assert there._step(trial)
    assert there.release() == (village.folder / "releases" / NEW).resolve()
    assert village.schema() == 2


def test_a_rehearsal_that_is_told_to_end_says_nothing_of_the_release(tmp_path: Path, releases: Callable[..., Path]) -> None:
    line = [sys.executable, keeper.__file__, "--try", str(releases(NEW, schema=2, ails="never answers"))]
    process = subprocess.Popen(line, env={**os.environ, "YUANJIAO_HOME": str(tmp_path)})
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    until = time.monotonic() + 60
    while not children.read_text():
        assert time.monotonic() < until
        time.sleep(0.02)
    process.terminate()
    assert process.wait(60) == keeper.TOLD_TO_END


def one_life(home: Path, old: Path, new: Path, dies_at: int) -> tuple[Village, int]:
    """A machine whose keeper dies at that step of a change, and the next one. Returns the steps a keeper takes that does not die."""
    home.mkdir()
    village = Village(home, old)
    village.start()
    village.wait_until(lambda: len(village.told()) > 1)
    village.stop()
    village.offer(new)
    village.start(dies_at=dies_at)
    assert village.process is not None
    process, steps = village.process, 0
    if dies_at:
        assert process.wait(60) == -signal.SIGKILL
        assert process.stdout is not None
        process.stdout.close()
        village.start()
    village.wait_until(lambda: village.outcome and village.serves() and not (village.folder / keeper.TRIAL).exists())
    known = len(village.told())
    village.wait_until(lambda: len(village.told()) > known)
    steps = village.stop()
    village.held.close()
    return village, steps


@pytest.mark.parametrize("ails", ["", "dies after it has migrated"])
@pytest.mark.parametrize("every", [12, pytest.param(1, marks=pytest.mark.scale)])
def test_killed_at_any_step_it_comes_up_whole_with_the_one_or_the_other(
    tmp_path: Path, releases: Callable[..., Path], ails: str, every: int
) -> None:
    """Every twelfth step, from one by chance on; with `-m scale` each of them."""
    old, new = releases(OLD), releases(NEW, schema=2, ails=ails)
    _, steps = one_life(tmp_path / "lives", old, new, 0)
    assert steps > 10
    for dies_at in range(chance().randint(1, every), steps - 2, every):  # the last two are those of the server it starts in the end
        village, _ = one_life(tmp_path / f"dies at {dies_at}", old, new, dies_at)
        village.require_one_story()
        well = village.outcome["ok"]
        assert well or ails or dies_at, "what is well is given up only when it was cut"
        assert not (ails and well)
        assert village.schema() == (2 if well else 1)
        assert (village.folder / "current").readlink() == Path(f"releases/{NEW if well else OLD}")
