"""What a phone may choose from, by what has been packaged."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.test import Client

from tests.desks.conftest import Stock
from yuanjiao.courseware.queries import ItemDetail, RenditionCard
from yuanjiao.desks import faces
from yuanjiao.desks.portal.choices import choices, chosen
from yuanjiao.flow.models import Wanted
from yuanjiao.programmes.models import PlayTally


def form(profile: str, size: int, kind: str = "video", *, height: int = 0, hls: bool = False) -> RenditionCard:
    media = {"video": "video/mp4", "audio": "audio/mp4"}[kind]
    return RenditionCard(profile, profile, kind, f"{size:064d}", size, media, "", height * 16 // 9, height, 0, 60.0, hls)


SD, HD, SOUND = form("box-sd", 900, height=576), form("box-hd", 2000, height=720), form("audio", 60, "audio")
LADDER = (form("hls-240", 200, height=240, hls=True), form("hls-480", 500, height=480, hls=True), form("hls-audio", 90, "audio", hls=True))
LOW = form("phone-low", 150, height=240)


def item(*renditions: RenditionCard) -> ItemDetail:
    return ItemDetail(uuid4(), "片", "", "", "教育类", "自制", "组织部", 60.0, 0, 0, True, datetime(2026, 3, 2, tzinfo=UTC), (), renditions)


@pytest.mark.parametrize(
    ("renditions", "expected"),
    [
        ((SD, SOUND, *LADDER), {"low": 290, "std": 900, "audio": 60}),
        ((SD, SOUND, LOW, *LADDER), {"low": 150, "std": 900, "audio": 60}),
        ((SD, HD, SOUND), {"std": 900, "hd": 2000, "audio": 60}),
        ((SD, *LADDER[:2]), {"low": 200, "std": 900}),
        ((SOUND,), {"audio": 60}),
        ((), {}),
    ],
)
def test_each_form_is_offered_with_what_it_really_costs(renditions: tuple[RenditionCard, ...], expected: dict[str, int]) -> None:
    assert {choice.key: choice.size_bytes for choice in choices(item(*renditions))} == expected


def test_a_low_form_that_only_streams_is_marked_so_and_falls_back_to_a_whole_file() -> None:
    low = choices(item(SD, *LADDER))[0]
    assert low.needs_script
    assert low.url == faces.blob_url(SD.blob, "video/mp4")
    assert not choices(item(SD, LOW))[0].needs_script


@pytest.mark.parametrize(
    ("wanted", "saving", "expected"),
    [("", False, "std"), ("", True, "low"), ("audio", True, "audio"), ("hd", False, "std"), ("nonsense", False, "std")],
)
def test_the_choice_asked_for_wins_then_the_saving_one(wanted: str, saving: bool, expected: str) -> None:
    found = chosen(choices(item(SD, LOW, SOUND)), wanted, saving=saving)
    assert found is not None
    assert found.key == expected


def test_nothing_packaged_is_nothing_to_play() -> None:
    assert chosen((), "std", saving=False) is None


@pytest.mark.parametrize(("hd", "expected"), [(False, "box-sd"), (True, "box-hd")])
def test_a_box_gets_the_plain_mp4_its_kind_can_play(hd: bool, expected: str) -> None:
    found = faces.box_rendition(item(SD, HD, SOUND, *LADDER), hd=hd)
    assert found is not None
    assert found.profile == expected


def test_a_box_never_gets_a_stream_and_gets_the_sound_when_there_is_no_picture() -> None:
    assert faces.box_rendition(item(*LADDER)) is None
    assert faces.box_rendition(item(SOUND), hd=True) == SOUND
    assert faces.box_rendition(item(SD), hd=True) == replace(SD)


@pytest.mark.django_db
def test_a_form_that_is_not_on_this_machine_is_not_offered_and_why_is_said(shown: Stock, client: Client, at: datetime) -> None:
    film = shown.items["医疗保险怎么报销"]
    address, row = f"/items/{film.uid}/", {"size": 9, "media_type": "video/mp4", "asked_at": at, "asked_version": 1}
    forms = dict(film.renditions.values_list("profile", "blob"))
    Wanted.objects.create(sha256=forms["audio"], left_out=None, **row)
    page = client.get(address, follow=True).content.decode()
    assert 'data-choice="audio"' not in page
    assert 'data-choice="std"' in page
    for name in set(forms.values()) - {forms["audio"]}:
        Wanted.objects.create(sha256=name, left_out=None, **row)
    assert "播放文件还没有到" in client.get(address, follow=True).content.decode()
    Wanted.objects.update(left_out=True)
    assert "这个课件没有存在本机" in client.get(address, follow=True).content.decode()


@pytest.mark.django_db
def test_what_there_was_no_room_for_is_marked_in_lists_and_not_played_on_the_television(shown: Stock, client: Client, at: datetime) -> None:
    film, row = shown.items["医疗保险怎么报销"], {"size": 9, "media_type": "video/mp4", "asked_at": at, "asked_version": 1}
    lists, television = ("/tv/all/", "/"), (f"/tv/items/{film.uid}/", f"/tv/play/{film.uid}/")
    pages = [client.get(address, follow=True).content.decode() for address in (*lists, television[0])]
    assert not any("本站暂无" in page or "暂无这一件" in page for page in pages)
    for name in film.renditions.values_list("blob", flat=True):
        Wanted.objects.create(sha256=name, left_out=True, **row)
    for address in lists:
        assert "本站暂无" in client.get(address, follow=True).content.decode()
    page = client.get(television[0], follow=True).content.decode()
    assert "暂无这一件" in page
    assert television[1] not in page
    asked = client.get(television[1], follow=True)
    assert (asked.status_code, "联系县里调取" in asked.content.decode()) == (404, True)
    assert not PlayTally.objects.exists(), "what could not be played is no play"
    Wanted.objects.filter(sha256=film.renditions.get(profile="audio").blob).delete()
    assert "本站暂无" not in client.get("/tv/all/").content.decode(), "it can be listened to"
    page = client.get(television[0], follow=True).content.decode()
    assert "只听声音" in page
