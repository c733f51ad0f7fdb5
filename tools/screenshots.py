"""Take the README's screenshots from a fresh demo: start it, let it live a little, open the pages as people do, end it.

usage: screenshots.py [seconds to let the city live, 90 by default]
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build/screenshots"
TARGET = ROOT / "docs/screenshots"
PORT = 8170
WIDE, PHONE, TELEVISION, WALL = (1366, 860), (390, 844), (640, 530), (1920, 1080)
SHOTS: tuple[tuple[str, str, str, tuple[int, int]], ...] = (
    # file, account (none: a stranger), address, size
    ("portal-phone", "", "/", PHONE),
    ("television", "", "/tv/?box=sd640", TELEVISION),
    ("desk-county", "xianguan", "/desk/", WIDE),
    ("rates", "shiguan", "/network/rates/", WIDE),
    ("outages", "shiguan", "/network/outages/", WIDE),
    ("hotline", "rexian", "/faults/hotline/?q=村", WIDE),
    ("orders-phone", "gongcheng", "/faults/mine/", PHONE),
    ("register-import", "shiguan", "/register/imports/new/", WIDE),
    ("screen", "lingdao", "/screen/?division=990101000000", WALL),
)


def main(seconds: float) -> int:
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    TARGET.mkdir(parents=True, exist_ok=True)
    with (WORK / "demo.log").open("wb") as log:
        demo = subprocess.Popen(demo_command(), cwd=ROOT, env=environment(), stdout=log, stderr=subprocess.STDOUT)
    try:
        password = wait_for_password(demo)
        print(f"letting the city live for {seconds:.0f} s …", flush=True)
        time.sleep(seconds)
        take_all(password)
    finally:
        demo.send_signal(signal.SIGTERM)
        demo.wait(timeout=90)
    return 0


def demo_command() -> list[str]:
    return [str(Path(sys.executable).parent / "yuanjiao"), "demo", "--port", str(PORT), "--history-days", "2"]


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("YUANJIAO_")}
    times = {"BEAT_PERIOD_S": "20", "BEAT_GRACE_S": "15", "SWEEP_S": "2", "SHIP_S": "3", "FOLLOW_S": "5"}
    own = {"HOME": str(WORK / "centre"), "ROLE": "centre", "NAME": "青禾市中心", **times}
    return {**kept, **{f"YUANJIAO_{name}": value for name, value in own.items()}}


def wait_for_password(demo: subprocess.Popen[bytes]) -> str:
    """The demo prints it when everything runs."""
    while demo.poll() is None:
        found = re.search(r"密码都是 (\S+)）", (WORK / "demo.log").read_text())
        if found:
            return found[1]
        time.sleep(1)
    raise SystemExit((WORK / "demo.log").read_text()[-3000:])


def take_all(password: str) -> None:
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        for name, username, address, (width, height) in SHOTS:
            context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN")
            context.set_default_timeout(120_000)  # a machine that does other things as well
            page = context.new_page()
            if username:
                log_in(page, username, password)
            page.goto(f"http://127.0.0.1:{PORT}{address}")
            page.wait_for_timeout(800)
            page.screenshot(path=TARGET / f"{name}.png")
            print(f"docs/screenshots/{name}.png", flush=True)
            context.close()
        browser.close()


def log_in(page: Any, username: str, password: str) -> None:
    page.goto(f"http://127.0.0.1:{PORT}/account/login/")
    page.fill("[name=username]", username)
    page.fill("[name=password]", password)
    page.click("button.btn-primary")
    page.wait_for_load_state()


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 90.0))
