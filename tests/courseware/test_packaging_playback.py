"""What a browser plays is played in one: the ladder by hls.js from its lightest to its heaviest rung, and every plain file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.courseware.conftest import ffmpeg, publish
from yuanjiao.courseware.models import Column, Courseware
from yuanjiao.simulation.cast import Cast

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CAPTIONS = b"WEBVTT\n\n00:00.500 --> 00:09.000\n\xe4\xb9\xa1\xe4\xba\xb2\xe4\xbb\xac\xe5\xa5\xbd\n"
PAGE = """<!doctype html><video id="film" muted playsinline></video>
<script src="/static/vendor/hls.min.js"></script>"""
STREAM = """([master, rung]) => new Promise((done, failed) => {
  const hls = new Hls({startLevel: rung, capLevelToPlayerSize: false, autoStartLoad: true});
  window.hls = hls; window.rungs = [];
  hls.on(Hls.Events.FRAG_CHANGED, (event, data) => window.rungs.push(hls.levels[data.frag.level].height));
  hls.on(Hls.Events.ERROR, (event, data) => { if (data.fatal) failed(new Error(data.details)); });
  hls.on(Hls.Events.MANIFEST_PARSED, () => {
    hls.currentLevel = rung;
    document.getElementById('film').play().then(() => done(hls.levels.length));
  });
  hls.loadSource(master); hls.attachMedia(document.getElementById('film'));
})"""
GOES = """([least]) => { const film = document.querySelector('video');
  return film.currentTime > least && (film.dataset.sound || film.getVideoPlaybackQuality().totalVideoFrames > 3) && !film.error; }"""


@pytest.fixture
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def shown(cast: Cast, column: Column, at: datetime, tmp_path: Path) -> Courseware:
    """A film large enough for every form, released with captions."""
    film = tmp_path / "film.mp4"
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=5:duration=14", "-f", "lavfi", "-i", "sine=frequency=440:duration=14",
        "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", str(film),
    )  # fmt: skip
    return publish(cast, column, film, at, captions=CAPTIONS)


def page_of(chromium: Any, live_server: Any) -> Any:
    page = chromium.new_page()
    page.route("**/film-test", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
    page.goto(f"{live_server.url}/film-test")
    return page


@pytest.mark.clause("DLV02")
def test_the_ladder_plays_and_changes_rungs_and_sound_without_a_stop(chromium: Any, shown: Courseware, live_server: Any) -> None:
    page = page_of(chromium, live_server)
    assert page.evaluate(STREAM, [f"/play/{shown.uid}/master.m3u8", 0]) == 3
    page.wait_for_function(GOES, arg=[1.0], timeout=30_000)
    assert page.evaluate("hls.subtitleTracks.length") == 1
    assert page.evaluate("document.querySelector('video').videoHeight") == 240
    page.evaluate("hls.nextLevel = 2")
    page.wait_for_function(GOES, arg=[9.0], timeout=40_000)
    heights = page.evaluate("rungs")
    assert heights[0] == 240
    assert heights[-1] == 720, "the next segment came from the heaviest rung, with the better sound"
    assert page.evaluate("document.querySelector('video').videoHeight") == 720


PLAIN = ["phone-low", "box-sd", "box-hd", "audio", "loudspeaker"]


@pytest.mark.parametrize("chosen", [PLAIN], ids=["every plain file"])
def test_every_plain_file_plays_from_its_address(chosen: list[str], chromium: Any, shown: Courseware, live_server: Any) -> None:
    page = page_of(chromium, live_server)
    for name in chosen:
        form = shown.renditions.get(profile=name)
        suffix = {"audio/mp4": ".m4a", "audio/mpeg": ".mp3"}.get(form.media_type, ".mp4")
        page.evaluate(
            """([address, sound]) => { const film = document.querySelector('video'); film.src = address;
            film.dataset.sound = sound ? '1' : ''; return film.play(); }""",
            [f"/blobs/{form.blob}{suffix}", form.kind == "audio"],
        )
        page.wait_for_function(GOES, arg=[1.0], timeout=30_000)
        told = page.evaluate("document.querySelector('video').duration")
        assert abs(told - 14) < 0.5, f"{name} says how long it is: {told}"
        page.evaluate("document.querySelector('video').currentTime = 10")
        page.wait_for_function(GOES, arg=[10.3], timeout=30_000)
