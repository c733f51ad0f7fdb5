"""The portal without a network: an item kept on the device plays when the line is cut, and is gone when it is deleted."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from tests.desks.conftest import Stock
from tests.desks.test_portal_browser import PLAY, goes, page_of

pytestmark = pytest.mark.django_db(transaction=True)
TITLE = "春季仔猪保温与防疫"


class Line:
    """A line between the browser and the server that can be cut."""

    def __init__(self, behind: tuple[str, int]) -> None:
        self._behind = behind
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.cut = False
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while not self.cut:
            try:
                near, _ = self._listening.accept()
                far = socket.create_connection(self._behind)
            except OSError:
                return
            self._open += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    @staticmethod
    def _carry(one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def end(self) -> None:
        self.cut = True
        for one in (self._listening, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@pytest.fixture
def film(long_film: Path) -> Path:
    return long_film


@pytest.fixture
def line(live_server: Any) -> Iterator[Line]:
    parts = urlsplit(live_server.url)
    made = Line((str(parts.hostname), int(parts.port or 80)))
    yield made
    made.end()


def kept_files(page: Any) -> int:
    return int(page.evaluate("caches.open('yuanjiao-kept').then(cache => cache.keys()).then(keys => keys.length)"))


@pytest.mark.browser
@pytest.mark.clause("DLV08")
def test_a_kept_item_plays_without_a_network_and_is_gone_when_deleted(chromium: Any, shown: Stock, line: Line) -> None:
    page = page_of(chromium)
    page.goto(line.address + reverse("desks:portal_item", args=[shown.items[TITLE].uid]) + "?v=std")
    page.click("[data-keep] [data-start]")
    page.wait_for_selector("[data-keep] [data-drop]:not([hidden])", timeout=20_000)
    assert "已存在本机" in page.inner_text("[data-keep]")
    page.goto(line.address + "/offline/")
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    line.end()
    page.goto(line.address + "/")
    assert "存在本机的课件" in page.inner_text("h1"), "any page leads to what is there"
    page.click(f"text={TITLE}")
    page.wait_for_selector("h1.title")
    page.evaluate(PLAY)
    goes(page, 1.0)
    page.evaluate("document.querySelector('video').currentTime = 20")
    goes(page, 20.5)
    page.goto(line.address + "/offline/")
    assert kept_files(page) >= 3, "page, film, captions"
    page.click(f"[aria-label='删除{TITLE}']")
    page.wait_for_selector("[data-none]:not([hidden])")
    page.wait_for_function("caches.open('yuanjiao-kept').then(cache => cache.keys()).then(keys => keys.length === 0)")
    assert page.errors == []


@pytest.mark.browser
def test_a_line_cut_while_keeping_leaves_nothing_half_kept(chromium: Any, shown: Stock, line: Line) -> None:
    page = page_of(chromium)
    cut = "fetch = (was => (file, ...more) => /\\.vtt$/.test(file) ? Promise.reject(new TypeError('cut')) : was(file, ...more))(fetch)"
    page.add_init_script(cut)
    page.goto(line.address + reverse("desks:portal_item", args=[shown.items[TITLE].uid]) + "?v=std")
    page.click("[data-keep] [data-start]")
    page.wait_for_function("document.querySelector('[data-say]').textContent.includes('没有存成')", timeout=20_000)
    assert kept_files(page) == 0
    assert page.evaluate("localStorage.getItem('yuanjiao:kept')") in {None, "[]"}
    assert page.is_enabled("[data-start]"), "it can be tried again"


@pytest.mark.usefixtures("cast")
def test_the_portal_can_be_put_on_a_home_screen_and_its_worker_carries_its_files() -> None:
    manifest = json.loads(Client().get("/manifest.webmanifest").content)
    assert (manifest["start_url"], manifest["display"]) == ("/", "standalone")
    assert 'rel="manifest"' in Client().get("/").content.decode()
    answer = Client().get("/worker.js")
    assert answer["Content-Type"] == "text/javascript"
    told = json.loads(answer.content.decode().split("\n", 1)[0].removeprefix("const SHELL = ").rstrip(";"))
    assert Client().get(told["page"]).status_code == 200
    assert all(finders.find(address.removeprefix("/static/")) for address in told["files"])
