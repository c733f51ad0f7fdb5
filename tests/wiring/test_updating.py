"""A release is installed from proven wheels, off line, by real pip; rehearsed by a real process; and handed to the keeper only then."""

from __future__ import annotations

import json
import os
import platform
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import yuanjiao_keeper as keeper
from tests.wiring.wheels import environment, wheel
from yuanjiao.flow.blobs import store
from yuanjiao.flow.models import Node, SoftwareTold
from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.flow.software.rules import Release, Wheel
from yuanjiao.lib.clock import CHINA
from yuanjiao.lib.dayspans import read_spans
from yuanjiao.lib.errors import Refused, Tampered, Unavailable
from yuanjiao.wiring.edge import updating
from yuanjiao.wiring.newborn import migrations_on_disk

pytestmark = pytest.mark.django_db
RUNS = "1.0"


@pytest.fixture
def folder(tmp_path: Path, settings: Any, at: datetime, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The keeper's folder of a machine below; what it is offered is put into `offered`."""
    ensure_self(at=at)
    Node.objects.filter(is_self=True).update(subject_code="E-1")
    settings.SOFTWARE = str(tmp_path / "software")
    (tmp_path / "secret_key").write_text("x")
    for name in ("DATABASE", "DATABASE_FILE"):
        monkeypatch.delenv(f"YUANJIAO_{name}", raising=False)
    (tmp_path / "software").mkdir()
    monkeypatch.setattr(updating, "version", lambda _name: RUNS)
    monkeypatch.setenv("YUANJIAO_ROLE", "edge")
    return tmp_path / "software"


def release(*wheels: Path, version: str = "9.0", **how: Any) -> Release:
    refs = [(path.name, store.put(path)) for path in wheels]
    return Release(version=version, wheels=tuple(Wheel(name, ref.sha256, ref.size) for name, ref in refs), **how)


def whole(folder: Path, version: str, **how: Any) -> Path:
    """A wheel with all the migrations that our database has taken."""
    return wheel(folder, version, migrations=tuple(f"{label}/{name}" for label, name in migrations_on_disk()), **how)


def turn(offered: list[Release], at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updating, "offered_here", lambda: offered)
    updating.keep_software(at)


def words() -> list[tuple[str, bool, str]]:
    return list(SoftwareTold.objects.order_by("seq").values_list("version", "ok", "reason"))


def test_a_release_is_installed_from_its_own_wheels_alone(folder: Path, tmp_path: Path) -> None:
    found = release(wheel(tmp_path / "w", "9.0", needs="needed"), wheel(tmp_path / "w", "1.5", name="needed"))
    target = updating.install(folder, found)
    packages = next(target.glob("lib/python*/site-packages"))
    assert {path.name for path in packages.iterdir()} >= {"yuanjiao", "needed.py", "yuanjiao-9.0.dist-info"}
    assert target == folder / "releases" / found.key
    assert not (folder / "wheels").exists()
    made = (target / updating.WHOLE).stat().st_mtime_ns
    updating.install(folder, found)
    assert (target / updating.WHOLE).stat().st_mtime_ns == made, "what is whole is not installed again"


def test_what_is_needed_and_not_among_the_wheels_comes_from_nowhere(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="安装没有成功"):
        updating.install(folder, release(wheel(tmp_path / "w", "9.0", needs="msgspec")))
    assert not list(folder.glob(f"releases/*/{updating.WHOLE}"))


def test_a_wheel_with_other_bytes_than_were_signed_is_never_installed(folder: Path, tmp_path: Path) -> None:
    found = release(wheel(tmp_path / "w", "9.0"))
    evil = wheel(tmp_path / "evil", "9.0", ails="dies at once").read_bytes()
    store.path(found.wheels[0].sha256).write_bytes(evil)
    with pytest.raises(Tampered, match="摘要不符"):
        updating.install(folder, found)
    assert not list((folder / "releases").glob("*"))
    assert not store.has(found.wheels[0].sha256), "it is fetched anew"


def test_a_release_for_another_platform_is_told_of_and_left(
    folder: Path, tmp_path: Path, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "aarch64" if platform.machine() == "x86_64" else "x86_64"
    found = release(wheel(tmp_path / "w", "9.0", tag=f"py3-none-manylinux_2_28_{other}"))
    with pytest.raises(Refused, match="不适合本机"):
        turn([found], at, monkeypatch)
    assert [(version, ok) for version, ok, _ in words()] == [(RUNS, True), ("9.0", False)]
    turn([found], at + timedelta(hours=1), monkeypatch)
    assert len(words()) == 2, "not tried again the same day"


def test_an_installation_that_was_cut_begins_again(folder: Path, tmp_path: Path) -> None:
    found = release(wheel(tmp_path / "w", "9.0"))
    half = folder / "releases" / found.key
    (half / "bin").mkdir(parents=True)
    (half / "bin/python").symlink_to("/nowhere")
    (folder / "wheels").mkdir()
    (folder / "wheels" / "left.whl").write_bytes(b"x")
    assert os.access(updating.install(folder, found) / "bin/python", os.X_OK)


@pytest.mark.django_db(transaction=True)
def test_a_release_that_is_well_is_handed_to_the_keeper_and_its_end_is_told(
    folder: Path, tmp_path: Path, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = release(whole(tmp_path / "w", "9.0"))
    turn([found], at, monkeypatch)
    trial = json.loads((folder / keeper.TRIAL).read_bytes())
    assert (trial["to"], trial["version"], trial["previous"], trial["tries"]) == (found.key, "9.0", RUNS, 0)
    turn([release(wheel(tmp_path / "w", "9.1"), version="9.1")], at, monkeypatch)
    assert json.loads((folder / keeper.TRIAL).read_bytes()) == trial, "one at a time"
    (folder / keeper.TRIAL).unlink()
    outcome = {"id": trial["id"], "release": found.key, "version": "9.0", "previous": RUNS, "ok": False, "reason": "没有应答"}
    for _ in range(2):  # told, and cut before the word was taken away: it is told once
        keeper.write_whole(folder / keeper.OUTCOME, json.dumps(outcome).encode())
        turn([found], at, monkeypatch)
    assert words() == [(RUNS, True, ""), ("9.0", False, "没有应答")]
    assert not (folder / keeper.OUTCOME).exists()
    assert not list((folder / "releases").glob("*")), "what does not serve goes"


@pytest.mark.django_db(transaction=True)
def test_a_release_that_does_not_start_never_reaches_the_keeper(
    folder: Path, tmp_path: Path, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refused, match="I am not well"):
        turn([release(whole(tmp_path / "w", "9.0", ails="dies at once"))], at, monkeypatch)
    assert not (folder / keeper.TRIAL).exists()
    assert "I am not well" in words()[-1][2]
    assert not list(folder.rglob("*.py")), "half a gigabyte each"
    assert not (folder / "rehearsal").exists()


@pytest.mark.django_db(transaction=True)
def test_a_machine_whose_secret_stands_in_its_settings_changes_too(
    folder: Path, tmp_path: Path, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret_key").unlink()
    turn([release(whole(tmp_path / "w", "9.0"))], at, monkeypatch)
    assert (folder / keeper.TRIAL).exists()


@pytest.mark.django_db(transaction=True)
def test_a_change_that_outlasts_its_hours_waits_for_the_next_ones(
    folder: Path, tmp_path: Path, at: datetime, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = release(whole(tmp_path / "w", "9.0"))
    settings.UPDATE_WINDOW = read_spans("02:00-05:00")
    last = at.astimezone(CHINA).replace(hour=4, minute=59, second=59, microsecond=999_000)
    turn([found], last, monkeypatch)
    assert not (folder / keeper.TRIAL).exists()
    assert (folder / "releases" / found.key / updating.WHOLE).exists(), "it need not be installed again"
    assert words() == [(RUNS, True, "")]


def test_an_error_of_the_disk_is_told_and_not_tried_every_minute(
    folder: Path, tmp_path: Path, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "wheels").write_text("a file where a folder should be")
    with pytest.raises(Refused, match="没有准备好"):
        turn([release(wheel(tmp_path / "w", "9.0"))], at, monkeypatch)
    assert [(version, ok) for version, ok, _ in words()] == [(RUNS, True), ("9.0", False)]


def test_a_program_that_was_told_to_end_says_nothing_of_the_release() -> None:
    with pytest.raises(Unavailable):
        updating._run("安装", "-c", "import os; os.kill(os.getpid(), 15)")
    with pytest.raises(Refused):
        updating._run("安装", "-c", "import os; os.kill(os.getpid(), 9)")


def test_what_a_cut_left_behind_goes_and_what_is_wanted_stays(
    folder: Path, tmp_path: Path, at: datetime, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.UPDATE_WINDOW = read_spans("02:00-05:00")  # it is 16:00 in China
    found = release(wheel(tmp_path / "w", "9.0"))
    for name in ("rehearsal", "wheels", "before.part", "releases/8.0-x", f"releases/{found.key}"):
        (folder / name).mkdir(parents=True)
    turn([found], at, monkeypatch)
    assert sorted(path.name for path in folder.rglob("*")) == sorted(["releases", found.key])


def test_nothing_is_changed_where_no_keeper_is_and_none_is_asked_for(
    folder: Path, tmp_path: Path, at: datetime, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SOFTWARE = ""
    turn([release(wheel(tmp_path / "w", "9.0"))], at, monkeypatch)
    assert words() == [(RUNS, True, "")], "what runs is told all the same"
    assert not list(folder.iterdir())


@pytest.mark.parametrize("how", [{"nodes": ("E-2",)}, {"version": "0.0.1"}])
def test_what_is_for_others_or_older_is_left(
    folder: Path, tmp_path: Path, at: datetime, how: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    turn([release(wheel(tmp_path / "w", how.get("version", "9.0")), **how)], at, monkeypatch)
    assert not list(folder.iterdir())


def test_it_waits_for_its_hours_and_for_all_its_wheels(
    folder: Path, tmp_path: Path, at: datetime, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = release(wheel(tmp_path / "w", "9.0"))
    settings.UPDATE_WINDOW = read_spans("02:00-05:00")  # it is 16:00 in China
    turn([found], at, monkeypatch)
    settings.UPDATE_WINDOW = ()
    store.forget(found.wheels[0].sha256)
    turn([found], at, monkeypatch)
    assert not list(folder.iterdir())


def test_an_older_release_that_cannot_read_our_database_is_refused(folder: Path, tmp_path: Path) -> None:
    made = environment(tmp_path / "old", "0.1", migrations=("flow/0001_initial",))
    with pytest.raises(Refused, match="数据库比这个版本新"):
        updating.rehearse(folder, made)
