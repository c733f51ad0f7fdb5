"""A disk that is full or read-only: the server goes on showing what it has, says so in words, and comes back by itself."""

from __future__ import annotations

import errno
import sqlite3
import subprocess
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from django.db import OperationalError

from tests.journeys.living import wait_for
from yuanjiao.lib.disk import FULL, READ_ONLY, disk_trouble, is_read_only
from yuanjiao.simulation.processes import NodeProcess
from yuanjiao.wiring import cli


def behind(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), FULL),
        (OSError(errno.EROFS, "Read-only file system", "/x"), READ_ONLY),
        (OperationalError("database or disk is full"), FULL),
        (OperationalError("attempt to write a readonly database"), READ_ONLY),
        (behind(RuntimeError("a job"), sqlite3.OperationalError("database or disk is full")), FULL),
        (OSError(errno.ENOENT, "No such file or directory"), ""),
        (OperationalError("database is locked"), ""),
    ],
)
def test_what_comes_of_the_disk_is_told_from_everything_else(error: Exception, sentence: str) -> None:
    assert disk_trouble(error) == sentence


def test_a_command_that_finds_no_room_says_so_and_asks_to_be_tried_later(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(arguments: list[str]) -> None:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr("django.core.management.execute_from_command_line", full)
    assert cli.main(["migrate"]) == cli.TRY_LATER
    assert FULL in capsys.readouterr().err


def fill(path: Path) -> None:
    """To the last byte."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"\0" * 65536):
            pass


def status(node: NodeProcess) -> str:
    answer = httpx.get(f"{node.address}/status/", timeout=60, trust_env=False)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.journey
def test_a_server_on_a_full_disk_and_on_a_read_only_one_goes_on_and_says_so(small: Path, tmp_path: Path) -> None:
    node = NodeProcess(role="solo", home=small / "home", name="青禾市中心", MIN_FREE_BYTES="1000000", SWEEP_S="0.5", LOCK_TRIES="5")
    node.log = tmp_path / "server.log"
    node.command("found", "--code", "990100000000", "--name", "青禾市")
    try:
        node.start()
        assert "注意：空间不足" not in status(node)
        fill(small / "fill")
        wait_for("the log says so", lambda: FULL in node.tail())
        assert "注意：空间不足" in status(node)
        (small / "fill").unlink()
        assert "注意：空间不足" not in status(node)
        node.stop()
        subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
        assert is_read_only(small)
        node.start()
        assert "注意：只读" in status(node)
        assert httpx.get(f"{node.address}/", timeout=60, trust_env=False).status_code == 200
        assert "Traceback" not in node.log.read_text(), "a line each, no pages of it on a disk that is full"
    finally:
        node.stop()
