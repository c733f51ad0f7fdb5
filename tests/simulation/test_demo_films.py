"""The demo's films go the way every item goes: a city is founded with three reviews, and its people suffice for them."""

from __future__ import annotations

import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import imageio_ffmpeg
import pytest

from yuanjiao.courseware.models import Courseware, Review
from yuanjiao.courseware.rules.life import State
from yuanjiao.lib import clock
from yuanjiao.simulation import foundation
from yuanjiao.simulation.city import Plan, make_city
from yuanjiao.simulation.films import FILMS, webvtt
from yuanjiao.wiring.founding import found_city


@pytest.mark.clause("CW17")
@pytest.mark.django_db
def test_the_films_of_the_demo_are_reviewed_by_three_persons(tmp_path: Path, at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    film, captions = tmp_path / "short.mp4", tmp_path / "short.vtt"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=12:duration=1"]
    command += ["-f", "lavfi", "-i", "sine=frequency=330:duration=1", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest", str(film)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    captions.write_text(webvtt(("乡亲们好。",), 1))
    monkeypatch.setattr(foundation, "make_film", lambda *_: (film, captions))
    monkeypatch.setattr(clock, "now", lambda: at)
    found_city(
        code="990100000000", name="青禾市", province_name="清源省", admin_name="陈启明", username=foundation.ADMIN,
        at=at - timedelta(days=30),
    )  # fmt: skip
    setting = foundation.Setting(tmp_path, at - timedelta(days=1), "x")
    foundation.import_city(make_city(Plan(1, 1, 1)), setting, lambda _: None)
    foundation.publish_films(setting, lambda _: None)
    items = list(Courseware.objects.all())
    assert [item.state for item in items] == [State.RELEASED] * len(FILMS)
    for item in items:
        reviews = Review.objects.filter(courseware=item, passed=True)
        assert sorted(reviews.values_list("round", flat=True)) == [1, 2, 3]
        assert len({item.author.uid, *reviews.values_list("reviewer_uid", flat=True)}) == 4  # type: ignore[union-attr]
