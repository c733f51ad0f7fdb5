"""Themes: columns, banner and dates together; gone by themselves, at the edge too."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

import av
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.programmes.conftest import Publish
from yuanjiao.courseware import commands as courseware
from yuanjiao.courseware.models import Column
from yuanjiao.flow.blobs import store
from yuanjiao.flow.catalogue.shelf import ALL
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound, Refused
from yuanjiao.lib.uid import new_uid
from yuanjiao.programmes import commands, queries, shelf
from yuanjiao.programmes.models import Theme
from yuanjiao.simulation.cast import SINCE, Cast

LogIn = Callable[[str], Client]
ON = date(2026, 3, 2)


@pytest.fixture(autouse=True)
def clock_stands(monkeypatch: pytest.MonkeyPatch, at: datetime) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)


@pytest.fixture
def theme(cast: Cast, column: Column, at: datetime) -> Theme:
    return commands.open_theme(
        title="决胜全面小康", summary="一起加油干", unit=cast.units["ZZ-9901"], starts_on=ON, ends_on=ON + timedelta(days=30),
        columns=[column.uid], by=cast.actor("shiguan"), at=at,
    )  # fmt: skip


def png(width: int, height: int) -> bytes:
    frame = av.VideoFrame(width, height, "rgb24")
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = width, height, "rgb24", Fraction(1)
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


@pytest.mark.clause("DLV12")
def test_a_theme_bundles_columns_and_is_gone_on_its_last_day_from_every_face(
    theme: Theme, publish: Publish, client: Client, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish("脱贫故事")
    assert "决胜全面小康" in client.get("/").content.decode()
    page = client.get(f"/themes/{theme.uid}/").content.decode()
    assert "农技课堂" in page
    assert "脱贫故事" in page
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(days=30))
    assert "决胜全面小康" not in client.get("/").content.decode()
    assert client.get(f"/themes/{theme.uid}/").status_code == 404


def test_a_theme_shows_only_the_columns_that_are_open_at_its_place(theme: Theme, column: Column, cast: Cast, at: datetime) -> None:
    liuxi = cast.divisions["990101000000"].path
    by = cast.actor("shiguan")
    own = courseware.open_column(title="柳溪专栏", owner=cast.units["ZZ-990101"], visible_from=SINCE, audience=liuxi, by=by, at=at)
    values = {"title": theme.title, "starts_on": ON, "ends_on": ON + timedelta(days=2), "audience": "/", "summary": "", "order": 1}
    commands.change_theme(theme=theme, columns=[own.uid, column.uid], by=by, at=at, **values)  # type: ignore[arg-type]
    assert [one.title for one in queries.themes_now(on=ON, path=liuxi)[0].columns] == ["柳溪专栏", "农技课堂"]
    assert [one.title for one in queries.themes_now(on=ON, path=cast.divisions["990102000000"].path)[0].columns] == ["农技课堂"]
    wrongs: list[dict[str, Any]] = [{"columns": []}, {"columns": [new_uid()]}, {"ends_on": ON}, {"title": " "}]
    for wrong in wrongs:
        with pytest.raises(Refused):
            commands.change_theme(theme=theme, by=by, at=at, **{**values, "columns": [column.uid], **wrong})
    with pytest.raises(NotFound):
        commands.change_theme(theme=theme, by=cast.actor("xianguan"), at=at, **{**values, "columns": [column.uid]})  # type: ignore[arg-type]


def test_a_banner_is_decoded_written_anew_and_goes_down_with_the_theme(theme: Theme, cast: Cast, at: datetime) -> None:
    by = cast.actor("shiguan")
    commands.set_banner(theme=theme, picture=png(2000, 500), by=by, at=at)
    with av.open(io.BytesIO(store.path(theme.banner).read_bytes())) as picture:
        assert (picture.streams.video[0].width, picture.streams.video[0].height) == (1280, 320)
    offer = shelf.offer(ALL)
    assert [blob.sha256 for blob in offer.blobs] == [theme.banner]
    for wrong in (b"<svg onload='alert(1)'/>", b"\x89PNG\r\n\x1a\n" + b"0" * 100, b"no picture", b"\xff\xd8\xff" + b"\0" * 50):
        with pytest.raises(Refused):
            commands.set_banner(theme=theme, picture=wrong, by=by, at=at)


def test_a_banner_of_too_many_pixels_is_refused_before_it_is_decoded(theme: Theme, cast: Cast, at: datetime) -> None:
    head = b"\x00\x00\x00\rIHDR" + struct.pack(">IIBBBBB", 8_000, 8_000, 8, 2, 0, 0, 0)
    head += struct.pack(">I", zlib.crc32(head[4:]))
    data = zlib.compress(b"\0" * 24_001)
    body = struct.pack(">I", len(data)) + b"IDAT" + data + struct.pack(">I", zlib.crc32(b"IDAT" + data))
    with pytest.raises(Refused, match="8000×8000 像素"):
        commands.set_banner(theme=theme, picture=b"\x89PNG\r\n\x1a\n" + head + body, by=cast.actor("shiguan"), at=at)


@pytest.mark.clause("DLV12")
def test_a_theme_goes_down_and_ends_there_without_the_centre(theme: Theme, at: datetime) -> None:
    offer = shelf.offer(ALL)
    assert shelf.offer(ALL) == offer
    Theme.objects.all().delete()
    shelf.accept(offer.document)
    shelf.accept(offer.document)
    assert [one.title for one in queries.themes_now(on=ON + timedelta(days=29))] == ["决胜全面小康"]
    assert queries.themes_now(on=ON + timedelta(days=30)) == []
    assert shelf.offer(ALL) == offer


def test_the_pages_open_and_change_a_theme_with_its_banner(column: Column, cast: Cast, log_in: LogIn) -> None:
    client = log_in("shiguan")
    form = {
        "title": "春耕", "summary": "", "unit": "ZZ-9901", "audience": "/", "starts_on": "2026-03-01", "ends_on": "2026-04-01", "order": 5,
        "columns": [str(column.uid)],
    }  # fmt: skip
    assert client.post("/programmes/themes/new/", {**form, "ends_on": "2026-02-01"}).status_code == 400
    picture = SimpleUploadedFile("b.png", png(640, 160), content_type="image/png")
    assert client.post("/programmes/themes/new/", {**form, "banner": picture}).status_code == 302
    row = Theme.objects.get()
    assert row.banner
    assert "春耕" in client.get("/programmes/themes/").content.decode()
    assert client.post(f"/programmes/themes/{row.uid}/", {**form, "title": "春耕备耕"}).status_code == 302
    row.refresh_from_db()
    assert (row.title, bool(row.banner)) == ("春耕备耕", True)
    assert log_in("xianguan").get(f"/programmes/themes/{row.uid}/").status_code == 404
