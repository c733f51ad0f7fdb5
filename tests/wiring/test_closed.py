"""While a new release is tried no command writes, and no trial begins while one does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import yuanjiao_keeper as keeper
from tests.wiring.test_command_line import yuanjiao
from yuanjiao.lib.errors import Refused
from yuanjiao.wiring import closed

pytestmark = pytest.mark.own_files


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.HOME, settings.SOFTWARE = tmp_path, ""
    (tmp_path / "software").mkdir()
    return tmp_path / "software"


@pytest.mark.parametrize("asked", [["serve"], ["nodes", "list"], ["software", "list"]])
def test_no_command_runs_while_a_trial_goes_on(folder: Path, asked: list[str]) -> None:
    with closed.open_doors(["yuanjiao", *asked]):
        pass
    (folder / keeper.TRIAL).write_text("{}")
    with pytest.raises(Refused, match="正在换软件"), closed.open_doors(["yuanjiao", *asked]):
        raise AssertionError("it ran")


@pytest.mark.parametrize("asked", [["serve", "--trial", "--port", "1"], ["software", "keep", "x"], ["software", "put-back", "x"], ["help"]])
def test_what_the_keeper_asks_for_runs(folder: Path, asked: list[str]) -> None:
    (folder / keeper.TRIAL).write_text("{}")
    with closed.open_doors(["yuanjiao", *asked]):
        closed.wait_for_others(folder)


def test_a_server_started_by_hand_during_a_trial_makes_no_database(folder: Path) -> None:
    (folder / keeper.TRIAL).write_text("{}")
    done = yuanjiao(folder.parent, "serve", "--port", "1")
    assert done.returncode == 1
    assert "正在换软件" in done.stderr
    assert not (folder.parent / "yuanjiao.sqlite3").exists()


def test_the_database_is_not_written_aside_while_a_command_that_began_before_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closed, "OTHERS_S", 0.0)
    with closed.open_doors(["yuanjiao", "serve"]), pytest.raises(Refused, match="另有"):
        closed.wait_for_others(folder)
    closed.wait_for_others(folder)
