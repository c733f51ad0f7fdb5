"""The small program of a site's box: nothing that was tested is lost by a cut, a kill, a full disk or a clock that is set (NET07).

Against a real edge process it runs in test_site_check.py.
"""

from __future__ import annotations

import ast
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import yuanjiao_agent as agent
from tests.kills import chance
from tests.network.probing.test_beacon_witness import Heard, machine
from yuanjiao.learning.rules import television_key

SOURCE = Path(agent.__file__).parent
DAY_S = 86_400.0
ADDING = """
import sys
import yuanjiao_agent as agent
kept, number = agent.Untold(sys.argv[1]), 0
while True:
    number += 1
    kept.add({"ok": True, "step": "", "item": str(number), "tested_at": str(number)})
    kept.write()
    print(number, flush=True)
"""


def options(folder: Path, *to: str, **more: Any) -> Any:
    line = [word for one in to for word in ("--to", one)]
    told = agent.read_options([*line, "--site", "S", "--key", "-K", "--folder", str(folder), "--period", "1", "--no-play"])
    vars(told).update(more)
    return told


def result(item: str, *, ok: bool = True, step: str = "") -> dict[str, Any]:
    return {"ok": ok, "step": step, "item": item, "tested_at": f"at {item}"}


def items(kept: agent.Untold) -> list[str]:
    return [str(one["item"]) for one in kept.tests]


def played(heard: Heard) -> list[str]:
    return [beat["play"]["item"] for beat in heard if "play" in beat]


class TestWhatIsKept:
    def test_killed_in_the_middle_of_writing_it_has_all_that_was_written_before(self, tmp_path: Path) -> None:
        draw = chance()
        for round_ in range(8):
            folder = tmp_path / str(round_)
            line = [sys.executable, "-c", ADDING, str(folder)]
            process = subprocess.Popen(line, env={**os.environ, "PYTHONPATH": str(SOURCE)}, stdout=subprocess.PIPE, text=True)
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(draw.uniform(0, 0.05))  # the moment of the kill is what is random
            process.send_signal(signal.SIGKILL)
            said = [1, *map(int, process.communicate()[0].split())]
            kept = items(agent.Untold(str(folder)))
            assert int(kept[-1]) in (said[-1], said[-1] + 1)
            assert kept == [str(number) for number in range(max(1, int(kept[-1]) - agent.KEPT_MOST + 1), int(kept[-1]) + 1)]

    def test_a_full_disk_loses_nothing_while_the_program_runs_and_is_written_when_there_is_room(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(agent, "DISK_AGAIN_S", 0.0)
        kept = agent.Untold(str(tmp_path))
        kept.add(result("一"))
        kept.write()
        kept.add(result("二"))
        limits, before = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))  # the kernel writes ten bytes of a file, and then no more
        try:
            kept.write()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, before)
        assert "记录写不进" in capsys.readouterr().out
        assert items(agent.Untold(str(tmp_path))) == ["一"], "what was there is untouched"
        kept.write()
        assert items(agent.Untold(str(tmp_path))) == ["一", "二"]
        assert kept.trouble == ""

    def test_on_a_disk_that_takes_nothing_at_all_it_goes_on_and_tells(self) -> None:
        with machine() as (edge, heard):
            box = agent.Agent(options(Path("/proc/yuanjiao"), edge))
            box.untold.add(result("一"))
            assert box.turn()
        assert played(heard) == ["一"]
        assert box.untold.trouble

    @pytest.mark.parametrize(
        "torn", ["", "{", "[]", '{"tests":[{"ok":1}],"zeros":{},"dropped":0}', '{"tests":3,"zeros":{},"dropped":0}', "\0" * 99]
    )
    def test_a_file_that_is_no_record_is_put_aside_and_stops_nobody(self, tmp_path: Path, torn: str) -> None:
        (tmp_path / "untold.json").write_text(torn)
        kept = agent.Untold(str(tmp_path))
        assert kept.tests == []
        kept.add(result("一"))
        kept.write()
        assert items(agent.Untold(str(tmp_path))) == ["一"]
        assert (tmp_path / "untold.bad").read_text() == torn

    def test_a_month_of_the_same_failure_is_two_records_and_the_file_stays_small(self, tmp_path: Path) -> None:
        kept = agent.Untold(str(tmp_path))
        for number in range(4000):
            kept.add(dict(result("", ok=False, step="link"), tested_at=str(number)))
        assert [one["tested_at"] for one in kept.tests] == ["0", "3999"]
        for number in range(1000):
            kept.add(result(str(number)))
        kept.write()
        assert len(kept.tests) == agent.KEPT_MOST
        assert kept.dropped == 1002 - agent.KEPT_MOST
        assert (tmp_path / "untold.json").stat().st_size < 64_000


class Clocks:
    """The box's two clocks and the run of the machine, as a test sets them; `true` is the parent's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.true, self.wall_wrong, self.booted, self.boot = 1_800_000_000.0, 0.0, 1_800_000_000.0 - 500, "first"
        monkeypatch.setattr(agent, "steady", lambda: self.true - self.booted)
        monkeypatch.setattr(agent, "boot_mark", lambda: self.boot)
        monkeypatch.setattr(agent.time, "time", lambda: self.true + self.wall_wrong)

    def reboot(self, name: str) -> None:
        self.boot, self.booted = name, self.true


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    return Clocks(monkeypatch)


class TestWhenItWas:
    def test_a_clock_that_is_set_changes_nothing(self, tmp_path: Path, clocks: Clocks) -> None:
        kept = agent.Untold(str(tmp_path))
        kept.add(result("一"))
        for wrong in (-2 * DAY_S, 2 * DAY_S, -clocks.true):
            clocks.true, clocks.wall_wrong = clocks.true + 100, wrong
            kept.write()
        assert kept.ago(kept.tests[0]) == 300
        assert agent.Untold(str(tmp_path)).ago(kept.tests[0]) == 300, "the program was started again, the machine was not"

    def test_through_reboots_of_a_box_without_a_clock_the_parents_time_dates_it(self, tmp_path: Path, clocks: Clocks) -> None:
        clocks.wall_wrong = -clocks.true
        kept = agent.Untold(str(tmp_path))
        kept.learn(clocks.true)
        clocks.true += 1000
        kept.add(result("一"))
        kept.write()
        clocks.true += 9 * DAY_S
        clocks.reboot("second")
        clocks.true += 60
        again = agent.Untold(str(tmp_path))
        again.learn(clocks.true)
        assert again.ago(again.tests[0]) == 9 * DAY_S + 60

    def test_where_the_machine_does_not_say_when_it_began_a_restart_of_the_program_dates_nothing_back(
        self, tmp_path: Path, clocks: Clocks
    ) -> None:
        clocks.true, clocks.boot = clocks.true + 20 * DAY_S, "run-1"
        kept = agent.Untold(str(tmp_path))
        kept.add(result("一"))
        kept.write()
        clocks.true, clocks.boot = clocks.true + 3600, "run-2"
        again = agent.Untold(str(tmp_path))
        clocks.true += 60
        again.learn(clocks.true)
        assert again.ago(again.tests[0]) == pytest.approx(3660)

    @pytest.mark.parametrize(("wrong", "ago"), [(0.0, 3 * DAY_S + 60), (-40 * 365 * DAY_S, 60.0), (40 * DAY_S, 60.0)])
    def test_if_nobody_told_the_time_the_own_clock_is_believed_where_it_can_be_true(
        self, tmp_path: Path, clocks: Clocks, wrong: float, ago: float
    ) -> None:
        clocks.wall_wrong = wrong
        kept = agent.Untold(str(tmp_path))
        kept.add(result("一"))
        kept.write()
        clocks.true += 3 * DAY_S
        clocks.reboot("second")
        clocks.true, clocks.wall_wrong = clocks.true + 60, 0.0
        again = agent.Untold(str(tmp_path))
        again.learn(clocks.true)
        assert again.ago(again.tests[0]) == pytest.approx(ago)


class TestTelling:
    def test_what_waits_is_told_oldest_first_each_once_and_then_forgotten(self, tmp_path: Path) -> None:
        box = agent.Agent(options(tmp_path, "http://127.0.0.1:9"))
        for number in range(7):
            box.untold.add(result(str(number)))
        assert not box.turn()
        with machine() as (edge, heard):
            box = agent.Agent(options(tmp_path, edge))
            assert all(box.turn() for _ in range(3))
        assert played(heard) == [str(number) for number in range(7)]
        assert {beat["key"] for beat in heard} == {"-K"}
        assert items(agent.Untold(str(tmp_path))) == []

    @pytest.mark.parametrize(("status", "words"), [(403, "密钥"), (429, "太勤"), (500, "稍后再报"), (503, "稍后再报")])
    def test_a_refusal_keeps_what_waits_and_says_who_has_to_act(
        self, tmp_path: Path, status: int, words: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with machine(status) as (edge, heard):
            box = agent.Agent(options(tmp_path, edge))
            box.untold.add(result("一"))
            assert not box.turn()
            assert not box.turn()
        assert played(heard) == []
        assert items(agent.Untold(str(tmp_path))) == ["一"]
        assert capsys.readouterr().out.count(words) == 1, "once, while it stays"

    def test_one_that_cannot_be_read_above_does_not_hold_up_the_others(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        tell = agent.beacon.tell

        def picky(to: str, message: dict[str, Any]) -> agent.beacon.Answer:
            return agent.beacon.Answer(400, False, "no") if message.get("play", {}).get("item") == "坏" else tell(to, message)

        monkeypatch.setattr(agent.beacon, "tell", picky)
        with machine() as (edge, heard):
            box = agent.Agent(options(tmp_path, edge))
            for name in ("一", "坏", "二"):
                box.untold.add(result(name))
            box.turn()
        assert played(heard) == ["一", "二"]
        assert (box.untold.tests, box.untold.dropped) == ([], 1)

    def test_it_tells_the_first_address_that_answers_and_goes_back_to_the_first_later(self, tmp_path: Path) -> None:
        with machine() as (centre, at_centre), machine() as (second, at_second):
            box = agent.Agent(options(tmp_path, "http://127.0.0.1:9", second, witness=centre))
            box.untold.add(result("一"))
            assert box.turn()
            assert played(at_second) == ["一"]
            assert (played(at_centre), len(at_centre)) == ([], 1), "the witness hears beats, it does not judge"
            with machine() as (first, at_first):
                box.options.to[0] = first
                box.failed[first] = 1
                for _ in range(agent.FIRST_AGAIN):
                    box.turn()
                assert at_first


def opened(log: Path) -> list[str]:
    return log.read_text().split() if log.exists() else []


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def until(condition: Callable[[], bool], meanwhile: Callable[[], None]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        meanwhile()
        time.sleep(0.02)  # another process: there is nothing here to wait on


class TestScreen:
    @pytest.fixture
    def browser(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Path]:
        """A program that notes its page and then stays."""
        monkeypatch.setattr(agent, "SCREEN_FIRST_S", 0.0)
        script, log = tmp_path / "browser.sh", tmp_path / "opened"
        script.write_text(f'#!/bin/sh\necho "$2" >> {log}\nexec sleep 100\n')
        script.chmod(0o755)
        return f"{script} --kiosk {{url}}", log

    def test_it_is_opened_and_opened_again_when_it_dies(self, tmp_path: Path, browser: tuple[str, Path]) -> None:
        box = agent.Agent(options(tmp_path, "http://127.0.0.1:9", screen=browser[0]))
        page = f"http://127.0.0.1:9/learning/tv/?site=S&key={television_key('-K', 'S')}"
        until(lambda: opened(browser[1]) == [page], box.look_after_screen)
        assert box.screen is not None
        assert box.screen._process is not None
        box.screen._process.kill()
        box.screen._wait_s = 0.0
        until(lambda: opened(browser[1]) == [page, page], box.look_after_screen)
        box.screen.close()

    def test_it_follows_the_beats_some_turns_late_and_goes_back_with_them(
        self, tmp_path: Path, browser: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second, alive = "http://127.0.0.1:9", "http://127.0.0.1:8", ""
        monkeypatch.setattr(agent.beacon, "tell", lambda to, _: agent.beacon.Answer(200 if to == alive else 0, to == alive, ""))
        box = agent.Agent(options(tmp_path, first, second, screen=browser[0], page="/tv/"))
        until(lambda: len(opened(browser[1])) == 1, box.look_after_screen)
        shown = [f"{first}/tv/"]
        for alive in (second, first):
            for _ in range(agent.LONG_GONE):
                box.look_after_screen()
                assert opened(browser[1]) == shown
                box.turn()
            shown.append(f"{alive}/tv/")
            until(lambda: opened(browser[1]) == shown, box.look_after_screen)
        assert box.screen is not None
        box.screen.close()

    def test_it_ends_with_the_program(self, tmp_path: Path, browser: tuple[str, Path]) -> None:
        line = [sys.executable, str(SOURCE / "yuanjiao_agent.py"), "--to", "http://127.0.0.1:9", "--site", "S", "--key", "K"]
        mark = f"{tmp_path}/kept"
        told = [*line, "--folder", mark, "--screen", f"{browser[0]} {mark}", "--no-play", "--page", "/tv/"]
        box = subprocess.Popen(told, stdout=subprocess.DEVNULL)
        until(lambda: len(opened(browser[1])) == 1, lambda: None)
        shown = [pid for pid in children(box.pid) if b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        assert shown
        box.terminate()
        assert box.wait(20) == 0
        assert not [pid for pid in shown if Path(f"/proc/{pid}").exists()]

    def test_a_browser_that_is_not_there_stops_nobody(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        box = agent.Agent(options(tmp_path, "http://127.0.0.1:9", screen="no-such-browser"))
        box.look_after_screen()
        box.look_after_screen()
        assert capsys.readouterr().out.count("打不开浏览器") == 1


class TestSettings:
    def test_a_file_spares_the_line_and_the_line_wins(self, tmp_path: Path) -> None:
        file = tmp_path / "agent.json"
        file.write_text(json.dumps({"to": "http://a", "site": "S", "key": "K", "period": 5, "noplay": True}))
        told = agent.read_options(["--settings", str(file), "--period", "7"])
        assert (told.to, told.site, told.key, told.period, told.noplay) == (["http://a"], "S", "K", 7, True)

    @pytest.mark.parametrize("told", ["{", "[]", '{"sitte":"S"}', '{"period":"5"}', '{"to":[1]}', '{"period":true}'])
    def test_one_that_is_wrong_says_so_in_chinese_and_nothing_begins(self, tmp_path: Path, told: str) -> None:
        file = tmp_path / "agent.json"
        file.write_text(told)
        with pytest.raises(SystemExit, match="设置文件"):
            agent.read_options(["--settings", str(file)])

    @pytest.mark.parametrize("kind", ["systemd", "windows", "termux"])
    def test_what_starts_it_names_program_and_settings(self, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert agent.main(["--install", kind, "--settings", str(tmp_path / "agent.json")]) == 0
        told = capsys.readouterr().out
        assert str(tmp_path / "agent.json") in told
        assert "yuanjiao_agent.py" in told

    def test_both_files_are_written_in_the_language_of_an_old_box(self) -> None:
        for name in ("yuanjiao_agent.py", "yuanjiao_beacon.py"):
            ast.parse((SOURCE / name).read_text(), feature_version=(3, 8))


def test_the_self_check_says_what_is_well_and_what_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with machine() as (edge, _heard):
        assert agent.check(options(tmp_path, edge)) == 0
    assert "全部正常" in capsys.readouterr().out
    assert agent.check(options(Path("/proc/yuanjiao"), "http://127.0.0.1:9", screen="no-such-browser")) == 1
    told = capsys.readouterr().out
    assert all(words in told for words in ("写不进去", "连不上上级", "no-such-browser 找不到", "有 3 处问题"))
