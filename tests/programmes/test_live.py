"""Live programmes: who may arrange them, what is refused, what is told to whom, what goes down, what players are told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from tests.asking import ask
from yuanjiao.flow.catalogue.shelf import ALL
from yuanjiao.flow.nodes.models import Node
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused
from yuanjiao.lib.rsgi import Asked
from yuanjiao.lib.seal import unseal
from yuanjiao.people.models import AuditRow
from yuanjiao.programmes import api, commands, shelf
from yuanjiao.programmes.models import LiveProgramme, LiveSignal
from yuanjiao.programmes.packaging import onair
from yuanjiao.programmes.rules import live as rules
from yuanjiao.programmes.rules.live import Part, Phase, Run
from yuanjiao.simulation.cast import Cast

KEY = "rtmp://live.example.cn/hall/very-secret-key"
COUNTY = "990101000000"
Announce = Callable[..., LiveProgramme]
LogIn = Callable[[str], Client]


@pytest.fixture
def announce(cast: Cast, at: datetime) -> Announce:
    def make(by: str = "shiguan", unit: str = "ZZ-9901", **more: Any) -> LiveProgramme:
        span = {"starts_at": at + timedelta(hours=1), "ends_at": at + timedelta(hours=2)}
        values = {"title": "春耕现场会", "lead": "在石桥镇田头", "signal": KEY, **span, **more}
        return commands.announce_live(unit=cast.units[unit], by=cast.actor(by), at=at, **values)

    return make


def county_path(cast: Cast) -> str:
    return cast.divisions[COUNTY].path


# -- who and what -----------------------------------------------------------------------------------------------------------


def test_what_is_announced_is_kept_with_its_signal_sealed_and_in_the_audit(announce: Announce, settings: Any) -> None:
    row = announce()
    signal = LiveSignal.objects.get(programme=row)
    assert KEY.encode() not in bytes(signal.address_sealed)
    assert unseal(bytes(signal.address_sealed), settings.SECRET_KEY) == KEY
    assert signal.host == "live.example.cn"
    said = AuditRow.objects.get(action="安排现场直播")
    assert "secret" not in said.detail + said.subject


def test_a_county_announces_for_itself_and_nobody_changes_what_another_county_arranged(
    announce: Announce, cast: Cast, at: datetime
) -> None:
    with pytest.raises(Refused):
        announce(by="xianguan", unit="ZZ-990101")
    with pytest.raises(NotFound):
        announce(by="linxian", unit="ZZ-990101", audience=county_path(cast))
    with pytest.raises(Forbidden):
        announce(by="zhizuo")
    row = announce(by="xianguan", unit="ZZ-990101", audience=county_path(cast))
    span = {"starts_at": row.starts_at, "ends_at": row.ends_at}
    for stranger, error in (("linxian", NotFound), ("zhizuo", Forbidden)):
        who: dict[str, Any] = {"live": row, "by": cast.actor(stranger), "at": at}
        for act in (
            lambda who=who: commands.change_live(title="改", lead="", **span, **who),
            lambda who=who: commands.cancel_live(**who),
            lambda who=who: commands.end_live(**who),
            lambda who=who: commands.hand_recording(recorder=cast.people["zhizuo"].uid, **who),
        ):
            with pytest.raises(error):
                act()
    commands.change_live(live=row, title="改了", lead="", **span, by=cast.actor("shiguan"), at=at)
    assert LiveProgramme.objects.get().title == "改了"


def test_the_pages_of_another_countys_programme_are_not_there(announce: Announce, cast: Cast, log_in: LogIn) -> None:
    row = announce(by="xianguan", unit="ZZ-990101", audience=county_path(cast))
    assert log_in("xianguan").get(f"/programmes/lives/{row.uid}/").status_code == 200
    other = log_in("linxian")
    assert other.get(f"/programmes/lives/{row.uid}/").status_code == 404
    assert other.post(f"/programmes/lives/{row.uid}/act/", {"cancel": ""}).status_code == 404
    assert row.title not in other.get("/programmes/lives/").content.decode()


@pytest.mark.parametrize(("changed", "words"), [
    ({"title": "  "}, "名称"), ({"title": "长" * 41}, "名称"), ({"lead": "长" * 301}, "简介"), ({"signal": "file:///etc/passwd"}, "信号"),
    ({"column": uuid4()}, "栏目"),
])  # fmt: skip
def test_what_cannot_be_shown_is_refused_in_words(announce: Announce, changed: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        announce(**changed)


def test_times_in_disorder_and_a_recorder_who_makes_nothing_are_refused(announce: Announce, cast: Cast, at: datetime) -> None:
    for starts, ends in ((2, 1), (1, 1), (-3, -1), (1, 14)):
        with pytest.raises(Refused):
            announce(starts_at=at + timedelta(hours=starts), ends_at=at + timedelta(hours=ends))
    with pytest.raises(Refused, match="制作"):
        announce(recorder=cast.people["lingdao"].uid)


def test_on_a_machine_below_nothing_is_arranged(announce: Announce) -> None:
    Node.objects.filter(is_self=True).update(kind="edge")
    with pytest.raises(Refused, match="上级"):
        announce()


def test_a_programme_is_cancelled_before_and_ended_while_it_is_on(announce: Announce, cast: Cast, at: datetime) -> None:
    row, who = announce(), {"by": cast.actor("shiguan")}
    with pytest.raises(Conflict):
        commands.end_live(live=row, at=at, **who)
    begun = at + timedelta(minutes=70)
    with pytest.raises(Conflict):
        commands.cancel_live(live=row, at=begun, **who)
    commands.change_live(live=row, title="延长", lead="", starts_at=at, ends_at=at + timedelta(hours=3), signal=KEY + "2", at=begun, **who)
    changed = LiveProgramme.objects.get()
    assert (changed.starts_at, changed.ends_at) == (row.starts_at, at + timedelta(hours=3)), "what began has begun"
    commands.end_live(live=row, at=begun, **who)
    with pytest.raises(Conflict):
        commands.end_live(live=row, at=begun, **who)
    with pytest.raises(Conflict):
        commands.change_live(live=row, title="晚了", lead="", starts_at=at, ends_at=at + timedelta(hours=5), at=begun, **who)
    other = announce(title="另一场")
    commands.cancel_live(live=other, at=at, **who)
    with pytest.raises(Conflict):
        commands.cancel_live(live=other, at=at, **who)
    assert [str(one) for one in AuditRow.objects.filter(action__contains="现场直播").values_list("action", flat=True).distinct()]


# -- who sees it ------------------------------------------------------------------------------------------------------------


def test_the_first_page_announces_it_then_shows_it_and_then_forgets_it(
    announce: Announce, at: datetime, client: Client, monkeypatch: pytest.MonkeyPatch, cast: Cast
) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)
    row = announce()
    said = client.get("/").content.decode()
    assert "即将直播" in said
    assert "17:00" in said
    assert "正在直播" not in said
    assert "还没有开始" in client.get(f"/lives/{row.uid}/").content.decode()
    assert "即将直播" in client.get("/tv/").content.decode()
    assert client.get(f"/tv/lives/{row.uid}/")["Refresh"] == "300"
    monkeypatch.setattr(clock, "now", lambda: row.starts_at)
    assert "正在直播" in client.get("/").content.decode()
    page = client.get(f"/lives/{row.uid}/").content.decode()
    assert f"/onair/{row.uid}/master.m3u8" in page
    assert "?v=sound" in page
    assert f"/onair/{row.uid}/sound.m3u8" in client.get(f"/lives/{row.uid}/?v=sound").content.decode()
    assert f"/onair/{row.uid}/master.m3u8" in client.get(f"/tv/lives/{row.uid}/").content.decode()
    assert row.title in client.get("/tv/lives/").content.decode()
    monkeypatch.setattr(clock, "now", lambda: row.ends_at)
    assert row.title not in client.get("/").content.decode()
    assert "直播已结束" in client.get(f"/lives/{row.uid}/").content.decode()
    assert "直播已结束" in client.get(f"/tv/lives/{row.uid}/").content.decode()
    other = announce(title="取消的")
    commands.cancel_live(live=other, by=cast.actor("shiguan"), at=at)
    monkeypatch.setattr(clock, "now", lambda: at)
    assert "取消的" not in client.get("/").content.decode()
    assert client.get(f"/lives/{other.uid}/").status_code == 404


def test_the_signals_address_is_on_no_page_and_in_no_document(announce: Announce, cast: Cast, log_in: LogIn, client: Client) -> None:
    row = announce()
    officer = log_in("shiguan")
    addresses = ["/", f"/lives/{row.uid}/", f"/tv/lives/{row.uid}/", "/programmes/lives/", f"/programmes/lives/{row.uid}/"]
    for address in addresses:
        for reader in (client, officer):
            assert "very-secret" not in reader.get(address).content.decode()
    assert b"very-secret" not in shelf.offer(ALL).document
    assert "very-secret" not in officer.post(f"/programmes/lives/{row.uid}/", {"title": "", "signal": "file:///x"}).content.decode()


def test_a_live_programme_is_arranged_changed_and_ended_on_its_pages(
    cast: Cast, log_in: LogIn, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)
    officer = log_in("shiguan")
    sent = {
        "title": "春耕现场会", "lead": "", "unit": "ZZ-9901", "audience": "/", "starts_at": "2026-03-02T17:00",
        "ends_at": "2026-03-02T18:30",
        "signal": KEY, "recorder": str(cast.people["zhizuo"].uid), "column": "",
    }  # fmt: skip
    assert "信号地址" in officer.post("/programmes/lives/new/", {**sent, "signal": "file:///x"}).content.decode()
    answer = officer.post("/programmes/lives/new/", sent, follow=True)
    row = LiveProgramme.objects.get()
    assert row.title in answer.content.decode()
    assert (row.starts_at, row.ends_at) == (at + timedelta(hours=1), at + timedelta(hours=2.5))
    officer.post(f"/programmes/lives/{row.uid}/", {**sent, "title": "田头会", "signal": ""})
    row.refresh_from_db()
    assert row.title == "田头会"
    monkeypatch.setattr(clock, "now", lambda: row.starts_at)
    officer.post(f"/programmes/lives/{row.uid}/act/", {"end": ""})
    row.refresh_from_db()
    assert row.ended_at == row.starts_at


# -- down -------------------------------------------------------------------------------------------------------------------


def test_what_is_announced_goes_down_without_its_signal_and_leaves_when_it_is_dropped(
    announce: Announce, cast: Cast, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://edu.example.cn/"
    everybody, county = announce(), announce(title="县里的", by="xianguan", unit="ZZ-990101", audience=county_path(cast))
    scopes = {scope: shelf.offer(scope).document for scope in (ALL, county_path(cast))}
    LiveProgramme.objects.all().delete()
    for document in scopes.values():
        shelf.accept(document)
    assert {one.uid for one in LiveProgramme.objects.all()} == {everybody.uid, county.uid}
    assert LiveProgramme.objects.get(uid=everybody.uid).address == "https://edu.example.cn"
    assert not LiveSignal.objects.exists()
    LiveProgramme.objects.filter(uid=everybody.uid).delete()
    document = shelf.offer(ALL).document
    LiveProgramme.objects.create(
        uid=everybody.uid, title="旧", unit=everybody.unit, audience="/", starts_at=everybody.starts_at, ends_at=everybody.ends_at
    )
    shelf.accept(document)
    assert {one.uid for one in LiveProgramme.objects.all()} == {county.uid}


def test_an_edge_passes_on_the_stream_of_the_machine_above_and_says_kindly_when_the_line_is_down(
    announce: Announce, client: Client, monkeypatch: pytest.MonkeyPatch, settings: Any, live_above: str
) -> None:
    settings.PARENT = live_above
    row = announce()
    LiveSignal.objects.all().delete()  # as it comes down
    monkeypatch.setattr(clock, "now", lambda: row.starts_at)
    page = client.get(f"/lives/{row.uid}/").content.decode()
    assert f'"/onair/{row.uid}/master.m3u8' in page
    assert f'"/onair/{row.uid}/master.m3u8' in client.get(f"/tv/lives/{row.uid}/").content.decode()
    settings.PARENT = "http://127.0.0.1:9"
    assert "线路不通" in client.get(f"/lives/{row.uid}/").content.decode()
    assert 'data-again="20"' in client.get(f"/lives/{row.uid}/").content.decode()
    assert "线路不通" in client.get(f"/tv/lives/{row.uid}/").content.decode()


@pytest.fixture
def live_above(live_server: Any) -> str:
    """A machine that answers."""
    return str(live_server.url)


# -- doors ------------------------------------------------------------------------------------------------------------------


def lay(uid: UUID, run: int, numbers: range, rendition: str = "picture", before: str = "{}") -> None:
    folder = onair.home(uid) / str(run)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "before.json").write_text(before)
    lines = [line for number in numbers for line in ("#EXTINF:2.000000,", f"{rendition}-{number:06d}.ts")]
    (folder / f"{rendition}.m3u8").write_text("\n".join(["#EXTM3U", *lines]) + "\n")
    for number in numbers:
        (folder / f"{rendition}-{number:06d}.ts").write_bytes(b"G" + bytes([number % 256]))


def test_segments_are_handed_out_by_their_names_and_by_nothing_else(
    announce: Announce, client: Client, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)
    row = announce()
    lay(row.uid, 1, range(3))
    (onair.home(row.uid) / "1" / "picture-000009.txt").write_text("x")
    (onair.home(row.uid).parent / "picture-000000.ts").write_bytes(b"other")
    assert client.get(f"/onair/{row.uid}/picture.m3u8").status_code == 404, "not before it begins"
    onair.publish(row.uid, over=False)
    good = client.get(f"/onair/{row.uid}/1/picture-000002.ts")
    assert good.content == b"G\x02"
    assert good["Access-Control-Allow-Origin"] == "*"
    assert "immutable" in good["Cache-Control"]
    assert client.get(f"/onair/{row.uid}/picture.m3u8")["Cache-Control"] == "no-store"
    for path in (
        "1/picture-000003.ts", "2/picture-000000.ts", "1/words.ts", "1/before.json", "1/words.txt", "1/picture.ts",
        "1/..%2Fpicture-000000.ts",
        "1/../picture-000000.ts", "-1/picture-000000.ts", "1/picture-000002.ts.tmp", "before.m3u8", "words.m3u8",
    ):  # fmt: skip
        assert client.get(f"/onair/{row.uid}/{path}").status_code == 404, path
    (onair.home(row.uid) / "1" / "picture-000001.ts").write_bytes(b"x" * (onair.LARGEST_SEGMENT + 1))
    assert client.get(f"/onair/{row.uid}/1/picture-000001.ts").status_code == 404
    for name in ("..", "../1", "picture-000000.ts/../x", "/etc/passwd", "picture-000000.ts\n", "picture-000000.ts\0"):
        with pytest.raises(NotFound):
            onair.segment(row.uid, 1, name)


def test_the_lean_door_answers_as_the_views_do(announce: Announce, client: Client) -> None:
    row = announce()
    lay(row.uid, 1, range(3))
    onair.publish(row.uid, over=False)
    for path in ("master.m3u8", "picture.m3u8", "sound.m3u8", "1/picture-000001.ts", "1/picture-000007.ts", "2/picture-000001.ts"):
        address = f"/onair/{row.uid}/{path}"
        assert api.takes(address, "GET")
        view, lean = client.get(address), ask(api.door, Asked("GET", address))
        assert lean.status == view.status_code, path
        if lean.status == 200:
            assert lean.body == view.content
            for name in ("content-type", "cache-control", "access-control-allow-origin", "x-content-type-options"):
                assert lean.headers[name] == view.headers[name], name
    for path in ("1/../picture.m3u8", "1/before.json", "x.m3u8", "1/words.txt", "0/picture-000000.ts", "1/picture-000001.ts/", "../live"):
        assert not api.takes(f"/onair/{row.uid}/{path}", "GET"), path
    assert not api.takes(f"/onair/{row.uid}/picture.m3u8", "POST")


def test_nothing_lies_behind_the_doors_of_a_cancelled_programme(announce: Announce, cast: Cast, client: Client, at: datetime) -> None:
    row = announce()
    lay(row.uid, 1, range(3))
    onair.publish(row.uid, over=False)
    commands.cancel_live(live=row, by=cast.actor("shiguan"), at=at)
    commands.keep_live(at=at + timedelta(minutes=11))
    assert client.get(f"/onair/{row.uid}/picture.m3u8").status_code == 404
    assert not onair.home(row.uid).exists()


def test_a_programme_whose_signal_never_came_has_no_recording_and_says_so(announce: Announce, cast: Cast) -> None:
    row = announce(recorder=cast.people["zhizuo"].uid)
    assert commands.keep_live(at=row.ends_at) == 0
    assert commands.make_recordings(at=row.ends_at) == 0
    signal = LiveSignal.objects.get()
    assert (signal.state, signal.recording) == ("over", "failed")
    assert "没有收到信号" in signal.recording_words
    assert LiveProgramme.objects.get().ended_at == row.ends_at


def test_a_programme_that_cannot_be_kept_does_not_hold_up_the_others(announce: Announce) -> None:
    broken, good = announce(title="打不开的"), announce(title="好的", signal="http://127.0.0.1:9/hall.ts")
    LiveSignal.objects.filter(programme=broken).update(address_sealed=b"not what was sealed")
    keeper = onair.Keeper()
    assert commands.keep_live(at=good.starts_at, keeper=keeper) == 1
    assert set(keeper.airs) == {good.uid}
    keeper.drop(good.uid)


def test_a_recording_whose_producer_left_waits_for_another(announce: Announce, cast: Cast) -> None:
    row = announce(recorder=cast.people["zhizuo"].uid)
    lay(row.uid, 1, range(3))
    commands.keep_live(at=row.ends_at)
    cast.accounts["zhizuo"].is_active = False
    cast.accounts["zhizuo"].save()
    assert commands.make_recordings(at=row.ends_at) == 0
    signal = LiveSignal.objects.get()
    assert signal.recording == "wanted"
    assert "停用" in signal.recording_words
    commands.keep_live(at=row.ends_at + timedelta(hours=1))
    assert onair.home(row.uid).exists(), "what is to become an item is not removed"
    cast.accounts["zhizuo"].is_active = True
    cast.accounts["zhizuo"].save()
    commands.hand_recording(live=row, recorder=cast.people["zhizuo"].uid, by=cast.actor("shiguan"), at=row.ends_at)
    commands.make_recordings(at=row.ends_at + timedelta(seconds=1))
    assert LiveSignal.objects.get().recording == "failed", "these bytes are no film"
    assert "没有成为课件" in LiveSignal.objects.get().recording_words


# -- rules ------------------------------------------------------------------------------------------------------------------


def parts(first: int, last: int) -> tuple[Part, ...]:
    return tuple(Part(number, 2.0) for number in range(first, last + 1))


def test_a_segment_keeps_its_number_and_a_run_its_discontinuity_while_the_window_slides() -> None:
    first, second, third = Run(1, parts(0, 19), 0, 0), Run(2, parts(0, 1), 20, 1), Run(5, parts(0, 30), 22, 2)
    text = rules.playlist([first, second], "picture", over=False)
    assert "#EXT-X-MEDIA-SEQUENCE:10\n#EXT-X-DISCONTINUITY-SEQUENCE:0\n" in text
    assert text.index("1/picture-000019.ts") < text.index("#EXT-X-DISCONTINUITY\n") < text.index("2/picture-000000.ts")
    text = rules.playlist([first, second, Run(5, parts(0, 2), 22, 2)], "picture", over=True)
    assert text.count("#EXT-X-DISCONTINUITY\n") == 2
    assert text.endswith("5/picture-000002.ts\n#EXT-X-ENDLIST\n")
    text = rules.playlist([third], "sound", over=False)
    assert "#EXT-X-MEDIA-SEQUENCE:41\n#EXT-X-DISCONTINUITY-SEQUENCE:2\n" in text
    assert "#EXT-X-DISCONTINUITY\n" not in text
    assert text.count("#EXTINF") == rules.WINDOW
    assert rules.playlist([], "picture", over=True) == ""


def test_on_the_disk_the_next_run_begins_behind_what_lies_there() -> None:
    uid = uuid4()
    lay(uid, 1, range(400))
    lay(uid, 1, range(399), "sound")
    keeper = onair.Keeper()
    keeper.start(uid, 2, "http://127.0.0.1:9/x", datetime.now().astimezone()).process.wait(60)
    keeper.start(uid, 3, "http://127.0.0.1:9/x", datetime.now().astimezone()).process.wait(60)
    lay(uid, 3, range(2), before=(onair.home(uid) / "3" / "before.json").read_text())
    text = onair.playlist(uid, "picture", over=False)
    assert "#EXT-X-MEDIA-SEQUENCE:390\n#EXT-X-DISCONTINUITY-SEQUENCE:0\n" in text
    assert "3/picture-000001.ts" in text
    assert '"seconds": 800.0' in (onair.home(uid) / "3" / "before.json").read_text()
    assert "#EXT-X-MEDIA-SEQUENCE:387\n" in onair.playlist(uid, "sound", over=False)


def test_phases_follow_the_clock_and_what_was_done_by_hand(at: datetime) -> None:
    span = {"starts_at": at, "ends_at": at + timedelta(hours=1)}
    open_: dict[str, Any] = {**span, "ended_at": None, "cancelled_at": None}
    assert rules.phase(**open_, at=at - timedelta(seconds=1)) == Phase.COMING
    assert rules.phase(**open_, at=at) == Phase.ON_AIR
    assert rules.phase(**open_, at=at + timedelta(hours=1)) == Phase.OVER
    assert rules.phase(**{**open_, "ended_at": at}, at=at) == Phase.OVER
    assert rules.phase(**{**open_, "cancelled_at": at}, at=at) == Phase.CANCELLED


def test_pauses_grow_and_stop_growing() -> None:
    assert [rules.pause_s(number) for number in (0, 1, 3, 5, 99)] == [1, 2, 8, 30, 30]


def test_words_of_the_encoder_are_shown_without_addresses() -> None:
    uid = uuid4()
    keeper = onair.Keeper()
    air = keeper.start(uid, 1, "http://127.0.0.1:9/very-secret-key", datetime.now().astimezone())
    air.process.wait(60)
    words = onair.home(uid) / "1" / "words.txt"
    words.write_text(words.read_text() + f"Error opening input {KEY}: refused\n")
    assert "secret" not in air.words
    assert "refused" in air.words


@pytest.mark.parametrize("piece", ["farm-key", "tok3n", "name", "k=tok3n&b=%E7%94%98", "甘蔗", "pass%20word", "pass word", "app/farm-key"])
def test_no_piece_of_the_address_is_told_in_words(piece: str, at: datetime) -> None:
    address = "rtmp://name:pass%20word@live.example.cn/app/farm-key?k=tok3n&b=%E7%94%98%E8%94%97"
    air = onair.Air(uuid4(), 1, address, None, at, at)  # type: ignore[arg-type]
    (onair.home(air.uid) / "1").mkdir(parents=True)
    (onair.home(air.uid) / "1" / "words.txt").write_text(f"Server error: {piece}: refused\n")
    assert piece not in air.words
    assert "refused" in air.words


def test_who_comes_in_the_first_seconds_is_not_left_with_sound_alone() -> None:
    uid = uuid4()
    lay(uid, 1, range(2), "sound")
    with pytest.raises(NotFound):
        onair.master(uid)
    lay(uid, 1, range(1))
    assert "picture.m3u8" in onair.master(uid)
    lay(uid, 2, range(1), "sound", before='{"seconds": 4.0}')
    assert "picture.m3u8" in onair.master(uid), "the next run begins in the same way"
    lay(uid, 2, range(onair.SOUND_ALONE), "sound", before='{"seconds": 4.0}')
    assert "picture.m3u8" not in onair.master(uid), "a signal that has no pictures any more"
