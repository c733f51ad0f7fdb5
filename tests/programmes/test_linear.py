"""A channel's day and its live playlist, as pure rules: order, fitting, numbers that never go back."""

from __future__ import annotations

import itertools
import re
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuanjiao.lib.clock import CHINA
from yuanjiao.programmes.rules.guide import Programme, xmltv
from yuanjiao.programmes.rules.laying import Playable, Slot, falls_on, lay, overlapping, weekdays_text
from yuanjiao.programmes.rules.linear import Aired, live_playlist, segments_of

DAY = date(2026, 3, 2)
START = datetime(2026, 3, 2, 16, 0, tzinfo=CHINA)


def item(number: int, seconds: float) -> Playable:
    return Playable(UUID(int=number), f"第{number}课", seconds)


def slot(*lengths: float, minutes: float = 1, loop: bool = False) -> Slot:
    return Slot(START, START + timedelta(minutes=minutes), tuple(item(n, length) for n, length in enumerate(lengths)), loop)


def test_items_follow_each_other_and_none_is_cut_short() -> None:
    laid = lay([slot(30, 45, 20)])
    assert [(one.item.title, (one.starts_at - START).total_seconds()) for one in laid] == [("第0课", 0), ("第2课", 30)]


def test_a_loop_goes_round_until_nothing_fits_and_begins_each_day_one_further() -> None:
    today = [one.item.uid.int for one in lay([slot(10, 10, 10, loop=True)])]
    assert len(today) == 6
    assert sorted(today[:3]) == [0, 1, 2]
    tomorrow = Slot(START + timedelta(days=1), START + timedelta(days=1, minutes=1), slot(10, 10, 10).items, True)
    assert lay([tomorrow])[0].item.uid.int == (today[0] + 1) % 3


def test_an_empty_block_an_item_of_no_length_and_one_too_long_leave_nothing() -> None:
    assert lay([slot(loop=True)]) == lay([slot(0, loop=True)]) == lay([slot(61, loop=True)]) == []


@given(st.lists(st.floats(0.5, 400), max_size=8), st.booleans(), st.floats(0.1, 20))
def test_a_day_never_overlaps_and_never_leaves_its_block(lengths: list[float], loop: bool, minutes: float) -> None:
    laid = lay([slot(*lengths, minutes=minutes, loop=loop)])
    for one, following in itertools.pairwise(laid):
        assert one.ends_at == following.starts_at
    if laid:
        assert laid[-1].ends_at <= START + timedelta(minutes=minutes) + timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("spans", "found"),
    [
        ([("1", "08:00", "09:00"), ("1", "09:00", "10:00")], None),
        ([("1", "08:00", "09:00"), ("12", "08:59", "10:00")], (0, 1)),
        ([("1", "08:00", "09:00"), ("2", "08:00", "09:00")], None),
    ],
)
def test_blocks_that_meet_on_a_weekday_are_found(spans: list[tuple[str, str, str]], found: tuple[int, int] | None) -> None:
    assert overlapping(spans) == found


def test_weekdays_are_said_as_people_say_them() -> None:
    assert [weekdays_text(one) for one in ("1234567", "12345", "67", "3")] == ["每天", "周一至周五", "周六、周日", "周三"]
    assert falls_on("1", DAY)
    assert not falls_on("234567", DAY)


def playlist(name: str, *lengths: float) -> str:
    lines = ["#EXTM3U", f'#EXT-X-MAP:URI="{name}",BYTERANGE="800@0"']
    for number, length in enumerate(lengths):
        lines += [f"#EXTINF:{length:.3f},", f"#EXT-X-BYTERANGE:100@{800 + 100 * number}", name]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def aired(*films: tuple[str, int]) -> list[Aired]:
    """Films of so many six-second segments, one after the other from START."""
    rows, starts_at = [], START
    for name, count in films:
        rows.append(Aired(starts_at, playlist(name, *[6.0] * count), count))
        starts_at += timedelta(seconds=6 * count)
    return rows


def numbers(text: str) -> tuple[int, int, list[tuple[int, int, str]]]:
    """Media sequence, discontinuity sequence, and of each segment (number, discontinuity number, where it lies)."""
    sequence = int(re.search(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", text)[1])  # type: ignore[index]
    breaks = int(re.search(r"#EXT-X-DISCONTINUITY-SEQUENCE:(\d+)", text)[1])  # type: ignore[index]
    found, number, now, place = [], sequence, breaks, ""
    for line in text.splitlines():
        if line == "#EXT-X-DISCONTINUITY":
            now += 1
        elif line.startswith("#EXT-X-BYTERANGE"):
            place = line
        elif line and not line.startswith("#"):
            found.append((number, now, line + place))
            number += 1
    return sequence, breaks, found


def test_the_segments_of_a_stored_playlist_are_read() -> None:
    parts = segments_of(playlist("a.m4s", 6.0, 2.5))
    assert [part.duration_s for part in parts] == [6.0, 2.5]
    assert parts[1].lines == ("#EXTINF:2.500,", "#EXT-X-BYTERANGE:100@900", "a.m4s")
    assert parts[0].map_line.startswith("#EXT-X-MAP")


@pytest.mark.clause("DLV10")
def test_over_a_whole_afternoon_every_segment_keeps_its_number_and_its_break_and_all_of_them_are_shown() -> None:
    day = aired(("a", 7), ("b", 3), ("a", 7), ("c", 1), ("b", 3))
    seen: dict[int, tuple[int, str]] = {}
    last = 0
    for second in range(0, 21 * 6, 2):
        sequence, _breaks, found = numbers(live_playlist(day, day=DAY, now=START + timedelta(seconds=second)))
        assert sequence >= last
        last = sequence
        assert [number for number, _, _ in found] == list(range(sequence, sequence + len(found)))
        for number, broken, place in found:
            assert seen.setdefault(number, (broken, place)) == (broken, place)
    assert len(seen) == 21
    assert [broken for broken, _ in seen.values()] == sorted(broken for broken, _ in seen.values())
    assert len({broken for broken, _ in seen.values()}) == 5


def test_a_withdrawn_item_leaves_a_gap_and_the_numbers_behind_it_stay() -> None:
    day = aired(("a", 3), ("b", 5), ("c", 3))
    after = START + timedelta(seconds=9 * 6)
    whole = numbers(live_playlist(day, day=DAY, now=after))[2]
    day[1] = Aired(day[1].starts_at, "", 5)
    assert numbers(live_playlist(day, day=DAY, now=after))[2] == whole[-2:]
    assert live_playlist(day, day=DAY, now=START + timedelta(seconds=30)) == ""


def test_before_and_long_after_the_last_programme_nothing_is_on_the_air() -> None:
    day = aired(("a", 3))
    assert live_playlist(day, day=DAY, now=START - timedelta(seconds=1)) == ""
    assert live_playlist(day, day=DAY, now=START + timedelta(minutes=5)) == ""
    first = live_playlist(day, day=DAY, now=START)
    assert first.count("#EXTINF") == 1
    assert "#EXT-X-PROGRAM-DATE-TIME:2026-03-02T16:00:00.000+08:00" in first
    assert "#EXT-X-ENDLIST" not in first


def test_the_guide_is_xmltv_with_local_times_and_words_made_harmless() -> None:
    lines = [Programme(START, START + timedelta(minutes=20), "养猪<技术>\x08", "简介 & 说明", "服务类")]
    text = xmltv(channel="1.yuanjiao", name="远教频道", programmes=lines).decode()
    assert '<programme start="20260302160000 +0800" stop="20260302162000 +0800" channel="1.yuanjiao">' in text
    assert "养猪&lt;技术&gt;</title>" in text
    assert "简介 &amp; 说明" in text
