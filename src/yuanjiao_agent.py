#!/usr/bin/env python3
"""The small program of a site's PC or Android-like box. Standard library and yuanjiao_beacon.py beside it; Python 3.8 or newer.

    python3 yuanjiao_agent.py --to http://10.1.1.2:8000 --to https://edge.example --witness https://centre.example \\
        --site S-990101100200 --key KEY --screen "chromium --kiosk {url}"

It beats and makes play tests as the beacon does. What could not be told is kept in one small file (`--folder`), outlasts a power cut and
is told afterwards in its order, each test with the time at which it was made, also when the box's clock was set meanwhile. It tells the
first address of `--to` that answers: they are ways to the one machine that judges. With `--screen` it opens the television page in the
box's browser, and again when that ends. `--check` looks at everything once and says in Chinese what is well and what is not;
`--install systemd|windows|termux` prints what starts it when the box is switched on.

A file with settings (`--settings FILE`: JSON, the same names without hyphens) spares the long line; its key is then on no process list.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yuanjiao_beacon as beacon

KEPT_MOST = 200
"""Tests that wait to be told: over a month of cut-off days. Of equal failures in a row only the first and the newest are kept."""
TOLD_AT_ONCE = 3
"""In one turn: a door asks who knocks too often to come later, and a play test costs it more than a beat."""
OLDEST_S = 31 * 86_400
LONG_GONE = 3
"""So many turns in a row must an address have failed before the screen moves to another: a browser is not to flicker with the line."""
NO_BOOT = "run-"
"""What the mark of a run begins with where the machine does not say when it began: this program's run is then all that is known."""
SCREEN_FIRST_S, SCREEN_LAST_S, SCREEN_STEADY_S = 2.0, 60.0, 300.0
DISK_AGAIN_S = 600.0
LOOKED_AT = {"link": "到上级的线路不通", "edge": "上级的软件没有应答", "catalogue": "上级没有这个节目", "video": "视频开头取不下来"}
BAD_MESSAGE = (400, 413, 422)
KEPT = {"ok": bool, "step": str, "item": str, "tested_at": str, "boot": str, "steady": float, "wall": float}
FIRST_AGAIN = 10
"""Every so many turns the addresses are tried in their written order again."""

if TYPE_CHECKING:
    Looked = tuple[bool, str]


def say(words: str) -> None:
    """One line on the console."""
    sys.stdout.write("{} {}\n".format(time.strftime("%Y-%m-%d %H:%M:%S"), words))
    sys.stdout.flush()


def boot_mark() -> str:
    """One text for one run of the machine; where it cannot be asked, one for each run of this program."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return f"{NO_BOOT}{os.getpid()}-{int(time.time() * 1000)}"


def steady() -> float:
    """Seconds by a clock that nobody sets and that a sleeping machine does not stop, where there is one."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.clock_gettime(clock) if clock is not None else time.monotonic()


class Untold:
    """The tests that wait, oldest first, in one file that is replaced whole: after any end of the power it is the old or the new one.

    `zeros` says for each run of the machine when it began by the parent's clock, as soon as a parent has said what time it is. A disk that
    takes nothing loses no test while the program runs: they stay in memory and are written when it can be written again.
    """

    def __init__(self, folder: str) -> None:
        self.path = Path(folder) / "untold.json"
        self.tests: list[dict[str, Any]] = []
        self.zeros: dict[str, float] = {}
        self.dropped = 0
        self.trouble = ""
        self._again_at = 0.0
        self._changed = False
        self.boot = boot_mark()
        self._before = steady() if self.boot.startswith(NO_BOOT) else 0.0
        self._read()

    def _read(self) -> None:
        try:
            with self.path.open(encoding="utf-8") as kept:
                told = json.load(kept)
            self.tests = [{name: kind(one[name]) for name, kind in KEPT.items()} for one in told["tests"]][-KEPT_MOST:]
            self.zeros = {str(boot): float(zero) for boot, zero in told["zeros"].items()}
            self.dropped = int(told["dropped"])
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            self.tests, self.zeros = [], {}
            say(f"记录文件读不出来，另存后重新开始：{error}")
            with suppress(OSError):
                self.path.replace(self.path.with_suffix(".bad"))

    def add(self, result: dict[str, Any]) -> None:
        """Keep a test that was made now."""
        fresh = dict(result, boot=self.boot, steady=steady(), wall=time.time())
        if len(self.tests) > 1 and all(_same(one, fresh) for one in self.tests[-2:]):
            self.tests.pop()  # the first of a row of equal failures tells when it began, the newest that it lasts
        self.tests.append(fresh)
        if len(self.tests) > KEPT_MOST:
            self.dropped += len(self.tests) - KEPT_MOST
            self.tests = self.tests[-KEPT_MOST:]
        self._changed = True

    def settle(self) -> None:
        """The oldest needs to be told no more."""
        self.tests.pop(0)
        self._changed = True

    def learn(self, parents_now: float) -> None:
        """What time it is by the parent's clock. Written only when it says something new: a box's flash wears out."""
        zero = parents_now - steady()
        if abs(self.zeros.get(self.boot, 0.0) - zero) > 60:
            self._changed = True
        needed = {one["boot"] for one in self.tests}
        self.zeros = {**{boot: zero for boot, zero in self.zeros.items() if boot in needed}, self.boot: zero}

    def ago(self, test: dict[str, Any]) -> float:
        """How many seconds ago a test was made. Of an earlier run of the machine whose time nobody told: by the box's own clock, if that
        can be true; else as late as it can have been, when this run began."""
        then: float = test["steady"]
        if test["boot"] == self.boot:
            return max(0.0, steady() - then)
        lasts = steady() - self._before
        zero, now = self.zeros.get(test["boot"]), self.zeros.get(self.boot, time.time() - steady()) + steady()
        if zero is not None:
            return min(max(now - zero - then, lasts), float(OLDEST_S))
        by_wall = now - float(test["wall"])
        return by_wall if lasts <= by_wall <= OLDEST_S else lasts

    def write(self) -> None:
        """Onto the disk what changed, synced; on a full or locked disk again some minutes later."""
        if not self._changed or time.monotonic() < self._again_at:
            return
        told = {"tests": self.tests, "zeros": self.zeros, "dropped": self.dropped}
        try:
            _write_whole(self.path, json.dumps(told, ensure_ascii=False).encode())
        except OSError as error:
            self.trouble = f"记录写不进 {self.path}：{error}"
            self._again_at = time.monotonic() + DISK_AGAIN_S
            say(self.trouble)
            return
        self._changed, self.trouble, self._again_at = False, "", 0.0


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return not one["ok"] and all(one.get(name) == other.get(name) for name in ("ok", "step", "item"))


def _write_whole(path: Path, content: bytes) -> None:
    fresh = path.with_suffix(".new")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with fresh.open("wb") as target:
            target.write(content)
            target.flush()
            os.fsync(target.fileno())
        fresh.replace(path)
    except OSError:
        with suppress(OSError):
            fresh.unlink()
        raise
    if hasattr(os, "O_DIRECTORY"):  # Windows cannot sync a folder, and need not
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class Screen:
    """The box's browser on one page: opened, opened again when it ends (a little later each time), moved when the address changed."""

    def __init__(self, command: str) -> None:
        self.command, self.url, self.opening = command, "", False
        self._process: subprocess.Popen[bytes] | None = None
        self._begun = self._next_at = 0.0
        self._wait_s = SCREEN_FIRST_S

    def line(self, url: str) -> list[str]:
        """The command as it is run; where it names no {url}, the address comes last."""
        words = [word.strip('"') for word in shlex.split(self.command, posix=os.name != "nt")]
        return [word.replace("{url}", url) for word in words] + ([] if "{url}" in self.command else [url])

    def show(self, url: str) -> None:
        """Called every second or so."""
        if self._process is not None and self._process.poll() is None and url == self.url:
            return
        if self._process is not None and url == self.url:
            steadily = time.monotonic() - self._begun > SCREEN_STEADY_S
            self._wait_s = SCREEN_FIRST_S if steadily else min(self._wait_s * 2, SCREEN_LAST_S)
            self._next_at = time.monotonic() + self._wait_s
            say(f"浏览器退出了，{self._wait_s:.0f} 秒后重新打开")
            self._process = None
        if time.monotonic() >= self._next_at:
            self._open(url)

    def _open(self, url: str) -> None:
        self.close()
        self.url, self._begun, self.opening = url, time.monotonic(), True
        try:
            self._process = subprocess.Popen(self.line(url), stdin=subprocess.DEVNULL)
        except (OSError, ValueError) as error:
            self._next_at = time.monotonic() + SCREEN_LAST_S
            say(f"打不开浏览器：{error}")
        finally:
            self.opening = False

    def close(self) -> None:
        """End the browser."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None


class Agent:
    """One box. `turn` is what happens each period, `look_after_screen` what happens in between."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.untold = Untold(options.folder)
        self.screen = Screen(options.screen) if options.screen else None
        self.failed = dict.fromkeys(options.to, 0)
        self.said = ""
        self.test_at, self.turns, self.stopped = 0.0, 0, False
        self.elsewhere, self.answers = 0, options.to[0]

    # -- telling ----------------------------------------------------------------------------------------------------------------

    def turn(self) -> bool:
        """A beat, what waits to be told, a test when it is time. Whether the beat was taken."""
        answer, to = self._beat()
        if answer.taken:
            self._tell_kept(to)
        if not self.options.noplay and time.monotonic() >= self.test_at:
            self._test(to)
            if answer.taken:
                self._tell_kept(to)
        self.untold.write()
        return answer.taken

    def _beat(self) -> tuple[beacon.Answer, str]:
        """To the first address that answers, and to the witness. One that answered badly is tried behind the others the next time."""
        answer, found = beacon.Answer(0, False, ""), self.options.to[0]
        self.turns += 1
        for to in sorted(self.options.to, key=lambda one: self.failed[one] > 0 and self.turns % FIRST_AGAIN > 0):
            answer, found = beacon.tell(to, message(self.options)), to
            self.failed[to] = 0 if answer.taken else self.failed[to] + 1
            if answer.taken:
                break
        if answer.taken:
            self.elsewhere, self.answers = 0 if found == self._shown() else self.elsewhere + 1, found
        if answer.time is not None and answer.taken:
            self.untold.learn(answer.time)
        if self.options.witness:
            beacon.tell(self.options.witness, message(self.options))
        self._report(answer, found)
        return answer, found

    def _tell_kept(self, to: str) -> None:
        """In their order, until one is not taken. One that the machine above cannot read would be refused for ever: it is let go."""
        for test in self.untold.tests[:TOLD_AT_ONCE]:
            play = {name: test[name] for name in ("ok", "step", "item", "tested_at")}
            answer = beacon.tell(to, dict(message(self.options), play=dict(play, ago=round(self.untold.ago(test), 1))))
            if answer.status in BAD_MESSAGE:
                self.untold.dropped += 1
                say(f"上级不收这条试播结果，不再重发：{answer.said[:100]}")
            elif not answer.taken:
                return
            self.untold.settle()
            self.untold.write()

    def _test(self, to: str) -> None:
        found = beacon.check(to, self.options.play)
        begun = time.monotonic()
        self.test_at = begun + self.options.playevery
        if found is None:
            return
        step, why, item = found
        if step:
            self.test_at = begun + min(beacon.AGAIN_S, self.options.playevery)
            say(f"试播失败：{LOOKED_AT.get(step, step)}（{why}）")
        self.untold.add({"ok": not step, "step": step, "item": item[-100:], "tested_at": beacon.now_text()})
        self.untold.write()

    def _report(self, answer: beacon.Answer, to: str) -> None:
        """A line when something changed, none while it stays."""
        said = state_words(answer, to)
        waiting = len(self.untold.tests)
        if said != self.said:
            say(said + (f"；待补报 {waiting} 条" if waiting else ""))
            self.said = said

    # -- the screen -------------------------------------------------------------------------------------------------------------

    def look_after_screen(self) -> None:
        if self.screen is not None:
            self.screen.show(self._page())

    def _page(self) -> str:
        """The page at the address shown now, until another has taken the beats for some turns."""
        now = self._shown()
        return page_address(self.answers if now is None or self.elsewhere >= LONG_GONE else now, self.options)

    def _shown(self) -> str | None:
        url = self.screen.url if self.screen is not None else ""
        return next((to for to in self.options.to if url.startswith(to)), None)

    def stop(self, *_: object) -> None:
        """Told to end: at once, but not between a browser and the note of it."""
        self.stopped = True
        if self.screen is None or not self.screen.opening:
            sys.exit(0)

    def run(self) -> None:
        """Until it is told to end, at this site's own second of each period."""
        next_at = time.monotonic() + (sum(self.options.site.encode()) % self.options.period if self.options.period > 5 else 0)
        say(f"站点 {self.options.site} 的小程序开始工作，记录在 {self.options.folder}")
        try:
            while not self.stopped:
                self.look_after_screen()
                if time.monotonic() >= next_at:
                    next_at = time.monotonic() + self.options.period
                    self.turn()
                time.sleep(min(1.0, max(0.05, next_at - time.monotonic())))
        finally:
            if self.screen is not None:
                self.screen.close()


def message(options: argparse.Namespace) -> dict[str, object]:
    """A beat, made now."""
    return {"site": options.site, "key": options.key, "sent_at": beacon.now_text(), "boot_at": beacon.boot_text()}


def state_words(answer: beacon.Answer, to: str) -> str:
    """How the machine above took a beat, and who has to act."""
    if answer.taken:
        return f"在线，上级 {to} 已收到心跳"
    if answer.status == 0:
        return f"连不上上级 {to}：请看网线、路由器和地址（{answer.said[:80]}）"
    if answer.status in (401, 403):
        return "上级不认本站的密钥：请到站点页面重新抄写"
    if answer.status == 200:
        return "上级的台账里还没有本站编号：请找县级管理员"
    if answer.status == 429:
        return "上级嫌来得太勤，稍后再报"
    return f"上级 {to} 暂时不能收（{answer.status or answer.said[:80]}），稍后再报"


def page_address(to: str, options: argparse.Namespace) -> str:
    """The page for the screen; the television's pages know the box's site by the twelve digits made from its key."""
    path = options.page.replace("{site}", options.site).replace("{digits}", television_digits(options.key, options.site))
    return "{}/{}".format(to.rstrip("/"), path.lstrip("/"))


def television_digits(key: str, site: str) -> str:
    """As `television_key` of yuanjiao/learning/rules.py."""
    made = hmac.new(key.encode(), b"learning/television/1:" + site.encode(), hashlib.sha256).digest()
    return "{:012}".format(int.from_bytes(made[:8], "big") % 10**12)


# -- looking at everything once ---------------------------------------------------------------------------------------------------


def check(options: argparse.Namespace) -> int:
    """The self-check, for a person before the console: 0 when all is well."""
    looked = [_look_at_folder(options), *(_look_at(to, options) for to in options.to), *_look_at_clock(options)]
    if options.witness:
        looked.append(_look_at(options.witness, options))
    if not options.noplay:
        looked.append(_look_at_playing(options))
    if options.screen:
        looked.append(_look_at_screen(options))
    for well, words in looked:
        sys.stdout.write("{} {}\n".format("[正常]" if well else "[有问题]", words))
    bad = sum(not well for well, _ in looked)
    sys.stdout.write("全部正常\n" if not bad else f"有 {bad} 处问题，请逐条处理；处理不了请打热线\n")
    return 1 if bad else 0


def _look_at_folder(options: argparse.Namespace) -> Looked:
    trial = Path(options.folder) / "trial"
    try:
        _write_whole(trial, b"trial")
        trial.unlink()
    except OSError as error:
        return False, f"记录目录 {options.folder} 写不进去：{error}（请看磁盘是否已满或只读）"
    kept = Untold(options.folder)
    waits = f"；还有 {len(kept.tests)} 条试播结果待补报" if kept.tests else ""
    return True, f"记录目录 {options.folder} 可写{waits}"


def _look_at(to: str, options: argparse.Namespace) -> Looked:
    answer = beacon.tell(to, message(options))
    return answer.taken, state_words(answer, to)


def _look_at_clock(options: argparse.Namespace) -> list[Looked]:
    for to in options.to:
        told = beacon.tell(to, message(options)).time
        if told is not None:
            wrong = time.time() - told
            fine = abs(wrong) < 300
            return [(fine, "本机时钟{}".format("准" if fine else f"差 {wrong:+.0f} 秒：不影响补报，但网页可能打不开，请对时"))]
    return []


def _look_at_playing(options: argparse.Namespace) -> Looked:
    found = beacon.check(options.to[0], options.play)
    if found is None:
        return True, "上级还没有发布节目，不用试播"
    step, why, item = found
    return not step, f"试播《{item}》成功" if not step else f"试播失败：{LOOKED_AT.get(step, step)}（{why}）"


def _look_at_screen(options: argparse.Namespace) -> Looked:
    program = Screen(options.screen).line("")[0]
    return shutil.which(program) is not None, "浏览器命令 {}{}".format(
        program, "" if shutil.which(program) else " 找不到：请安装或改写命令"
    )


# -- starting with the box --------------------------------------------------------------------------------------------------------


def installing(kind: str, settings: str) -> str:
    """The text that starts the agent when the box is switched on; where it goes stands in its first line."""
    here, file = Path(__file__).resolve(), Path(settings).resolve()
    line = f'"{sys.executable}" "{here}" --settings "{file}"'
    return {
        "systemd": SYSTEMD.format(line=line),
        "windows": WINDOWS.format(line=line.replace('"', '\\"')),
        "termux": TERMUX.format(line=line),
    }[kind]


SYSTEMD = """# 存为 ~/.config/systemd/user/yuanjiao-agent.service，然后运行：
#   systemctl --user daemon-reload && systemctl --user enable --now yuanjiao-agent && loginctl enable-linger
[Unit]
Description=远教站点小程序
After=network-online.target graphical-session.target

[Service]
ExecStart={line}
Restart=always
RestartSec=5

[Install]
WantedBy=default.target
"""
WINDOWS = """rem 以管理员身份打开“命令提示符”，运行下面一行（登录后自动启动）：
schtasks /Create /F /TN "Yuanjiao Agent" /SC ONLOGON /RL LIMITED /TR "{line}"
"""
TERMUX = """#!/data/data/com.termux/files/usr/bin/sh
# 先安装 Termux:Boot，再把本文件存为 ~/.termux/boot/yuanjiao-agent，并 chmod +x
termux-wake-lock
while true; do {line}; sleep 5; done
"""


# -- settings ---------------------------------------------------------------------------------------------------------------------


def read_options(arguments: list[str]) -> argparse.Namespace:
    """The options of the line over those of the settings file; ends the program, in Chinese, when something is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", default="", help="file with settings as JSON")
    parser.add_argument("--to", action="append", help="address of the machine above; again for another way to it")
    parser.add_argument("--witness", help="address of the centre, told of every beat as well")
    parser.add_argument("--site", help="code of the site in the register")
    parser.add_argument("--key", help="beat key; or YUANJIAO_BEAT_KEY, or in the settings file")
    parser.add_argument("--period", type=int, help="seconds between beats")
    parser.add_argument("--play", help="address to try; else the newest programme above")
    parser.add_argument("--play-every", dest="playevery", type=int, help="seconds between tries")
    parser.add_argument("--no-play", dest="noplay", action="store_const", const=True, help="never test")
    parser.add_argument("--folder", help="where what is untold is kept")
    parser.add_argument("--screen", help="command of the browser; {url} is the page")
    parser.add_argument("--page", help="page for the screen; {site} and {digits} prove the box")
    parser.add_argument("--check", action="store_true", help="look at everything once, and say how it is")
    parser.add_argument("--install", choices=("systemd", "windows", "termux"), help="print what starts it with the box")
    told = {name: value for name, value in vars(parser.parse_args(beacon.whole_keys(arguments))).items() if value is not None}
    options = argparse.Namespace(**{**_defaults(), **_from_file("" if "install" in told else told["settings"]), **told})
    if isinstance(options.to, str):
        options.to = [options.to]
    missing = [name for name in ("to", "site", "key") if not getattr(options, name)]
    if missing and not options.install:
        parser.exit(2, "缺少 {}：写在命令里，或写进 --settings 指定的文件\n".format("、".join(missing)))
    return options


def _defaults() -> dict[str, Any]:
    return {
        "to": [], "witness": "", "site": "", "key": os.environ.get("YUANJIAO_BEAT_KEY", ""), "period": beacon.PERIOD_S, "play": None,
        "playevery": beacon.PLAY_EVERY_S, "noplay": False, "folder": str(Path.home() / ".yuanjiao-agent"),
        "install": "", "screen": "", "page": "/learning/tv/?site={site}&key={digits}",
    }  # fmt: skip


def _from_file(path: str) -> dict[str, Any]:
    """What a settings file says; ends the program when it says something that is no setting."""
    if not path:
        return {}
    try:
        with Path(path).open(encoding="utf-8-sig") as told:
            found = json.load(told)
        if not isinstance(found, dict):
            raise ValueError("应是 {…}")
        strange = sorted(set(found) - set(_defaults()) | set(found) & {"install"})
        wrong = [name for name, value in found.items() if name not in strange and not _fits(_defaults()[name], value)]
    except (OSError, ValueError) as error:
        sys.exit(f"设置文件 {path} 读不出来：{error}")
    if strange or wrong:
        sys.exit("设置文件 {} 里有写错的项：{}".format(path, "、".join(strange + wrong)))
    return dict(found)


def _fits(usual: object, value: object) -> bool:
    if isinstance(usual, list):
        return isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value))
    kind = str if usual is None else type(usual)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def main(arguments: list[str] | None = None) -> int:
    """Exit status of `--check`: 0 when all is well."""
    options = read_options(sys.argv[1:] if arguments is None else arguments)
    if options.install:
        sys.stdout.write(installing(options.install, options.settings or "agent.json"))
        return 0
    socket.setdefaulttimeout(beacon.TIMEOUT_S)
    if options.check:
        return check(options)
    box = Agent(options)
    signal.signal(signal.SIGTERM, box.stop)
    box.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
