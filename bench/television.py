"""What somebody sees before a television and on a phone: `yuanjiao serve`, a film packaged by it, a real headless Chromium.

Television: from the key OK on 播放 to the first frame, from Back to the list drawn again, ten times each with nothing kept by the
browser (asked: 2 s and 1 s on the edge's own network; the line here is this machine's). Phone: each form on a line of 256 kbit/s with
300 ms to and fro, for half a minute from its first picture or sound: how long it takes to begin, how often it stops.
The film is as restless as films get, so that every form takes all the rate it may.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import imageio_ffmpeg
from django.conf import settings
from playwright.sync_api import Browser, Page, sync_playwright

from bench.portal import Row, _row, _served
from yuanjiao.courseware import commands
from yuanjiao.courseware.models import Courseware
from yuanjiao.desks.tv.boxes import BOXES
from yuanjiao.lib import clock
from yuanjiao.simulation.cast import build_cast

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
SECONDS, WATCHED_S, ROUNDS = 40, 30.0, 10
LINE = {"offline": False, "downloadThroughput": 256_000 / 8, "uploadThroughput": 64_000 / 8, "latency": 300}
MOMENTS = """
const now = () => performance.timeOrigin + performance.now();
addEventListener('keydown', () => { sessionStorage.pressed = now(); }, true);
addEventListener('DOMContentLoaded', () => {
  const film = document.getElementById('film'), seen = () => { window.took = now() - Number(sessionStorage.pressed); };
  if (film) { film.requestVideoFrameCallback(seen); } else { requestAnimationFrame(() => requestAnimationFrame(seen)); }
});
"""
WATCH = """() => { const film = document.querySelector('video, audio'), begun = performance.now();
  window.watched = {started: 0, stalls: 0, at: 0};
  film.muted = true;
  film.addEventListener('playing', () => { watched.started = watched.started || performance.now() - begun; });
  film.addEventListener('waiting', () => { if (watched.started) { watched.stalls += 1; } });
  film.play(); }"""
PLAYED = "() => { const film = document.querySelector('video, audio'); watched.at = film.currentTime; return watched; }"


def run() -> list[Row]:
    """Milliseconds before the television; stops and seconds on a phone's line."""
    item = _film_of()
    with _served() as server, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        rows = [row for box in ("hd", "sd640") for row in _television(browser, server.base, box)]
        rows += [row for form in ("low", "audio", "auto") for row in _phone(browser, server.base, item, form)]
        browser.close()
    return rows


def _film_of() -> Courseware:
    """One released item on one column of a small city."""
    cast = build_cast(at=AT)
    head = cast.actor("shiguan")
    column = commands.open_column(title="种养技术", owner=cast.units["ZZ-9901"], visible_from=date(2025, 1, 1), by=head, at=AT)
    with tempfile.TemporaryDirectory(dir=settings.HOME) as folder:
        path = Path(folder, "film.mp4")
        scene = f"testsrc2=size=854x480:rate=25:duration={SECONDS},noise=alls=25:allf=t"
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-f", "lavfi", "-i", scene]
        command += ["-f", "lavfi", "-i", f"anoisesrc=color=pink:amplitude=0.2:duration={SECONDS}"]
        command += ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest", str(path)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        return commands.publish_file(
            path=path, title="春季仔猪保温", author=cast.actor("zhizuo"), reviewer=cast.actor("shenhe"), releaser=head, columns=[column],
            now=clock.now,
        )  # fmt: skip


# -- television -------------------------------------------------------------------------------------------------------------


def _television(browser: Browser, base: str, box: str) -> Iterator[Row]:
    first, back = [], []
    for _ in range(ROUNDS):
        canvas = BOXES[box].canvas
        context = browser.new_context(viewport={"width": canvas.width, "height": canvas.height})  # nothing kept from before
        page = context.new_page()
        page.add_init_script(MOMENTS)
        page.goto(f"{base}/tv/?box={box}")
        for key, pattern in (("1", "/tv/all/"), ("1", "/tv/items/")):
            _go(page, key, pattern)
        first.append(_go(page, "Enter", "/tv/play/"))
        back.append(_go(page, "Backspace", "/tv/all/"))
        context.close()
    for name, taken, asked in (("OK to the first frame", first, 2000.0), ("Back to the list drawn", back, 1000.0)):
        yield _row(f"television {box}: {name}, best of {ROUNDS}", min(taken), "ms", asked)
        yield _row(f"television {box}: {name}, p95", sorted(taken)[round(0.95 * ROUNDS) - 1], "ms", asked)


def _go(page: Page, key: str, pattern: str) -> float:
    """Milliseconds from the key to what it shows."""
    with page.expect_navigation(url=f"**{pattern}**"):
        page.keyboard.press(key)
    page.wait_for_function("() => window.took !== undefined", timeout=60_000)
    return float(page.evaluate("took"))


# -- phone ------------------------------------------------------------------------------------------------------------------


def _phone(browser: Browser, base: str, item: Courseware, form: str) -> Iterator[Row]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN")
    page = context.new_page()
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", LINE)
    page.goto(f"{base}/items/{item.uid}/" + ("" if form == "auto" else f"?v={form}"), wait_until="load", timeout=120_000)
    page.evaluate(WATCH)
    told: dict[str, Any] = {}
    ends = time.monotonic() + 90
    while time.monotonic() < ends and (told := page.evaluate(PLAYED))["at"] < WATCHED_S:
        page.wait_for_timeout(200)
    source = page.evaluate("document.querySelector('video, audio').currentSrc")
    if source.startswith("blob:") != (form == "auto"):
        raise SystemExit(f"{form} was played from {source}: is hls.js in static/vendor (make setup-dev)?")
    context.close()
    yield _row(f"phone at 256 kbit/s, {form}: play to first picture or sound", told["started"] / 1000, "s")
    yield _row(f"phone at 256 kbit/s, {form}: stops in the first {WATCHED_S:.0f} s", told["stalls"], "", None)
    yield _row(f"phone at 256 kbit/s, {form}: seconds of it played", told["at"], "s", WATCHED_S)
