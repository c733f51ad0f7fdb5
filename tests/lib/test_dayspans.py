"""Spans of the day as a setting names them: over midnight, at their edges, and what is no span."""

from __future__ import annotations

from datetime import datetime

import pytest

from yuanjiao.lib.clock import CHINA
from yuanjiao.lib.dayspans import opens_at, read_spans
from yuanjiao.lib.env import BadSetting, Env

NIGHT_AND_NOON = "22:00-06:00, 12:00-13:00"


def moment(text: str, day: int = 2) -> datetime:
    hour, _, minute = text.partition(":")
    return datetime(2026, 3, day, int(hour), int(minute), 59, tzinfo=CHINA)


@pytest.mark.parametrize(
    ("spans", "now", "opens"),
    [
        (NIGHT_AND_NOON, "21:59", "22:00"),
        (NIGHT_AND_NOON, "22:00", None),
        (NIGHT_AND_NOON, "00:00", None),
        (NIGHT_AND_NOON, "05:59", None),
        (NIGHT_AND_NOON, "06:00", "12:00"),
        (NIGHT_AND_NOON, "12:30", None),
        (NIGHT_AND_NOON, "13:00", "22:00"),
        ("00:00-24:00", "23:59", None),
        ("18:00-24:00", "23:59", None),
        ("", "15:00", None),
        (" ", "15:00", None),
    ],
)
def test_a_span_holds_from_its_first_minute_to_before_its_last(spans: str, now: str, opens: str | None) -> None:
    found = opens_at(read_spans(spans), moment(now))
    assert (found and f"{found:%H:%M:%S}") == (opens and f"{opens}:00")


def test_what_opens_tomorrow_is_told_with_its_day() -> None:
    assert opens_at(read_spans("06:00-07:00"), moment("07:00")) == datetime(2026, 3, 3, 6, 0, tzinfo=CHINA)


@pytest.mark.parametrize(
    "text", ["22-6", "22:00", "25:00-01:00", "24:00-06:00", "06:00-24:30", "08:00-08:00", "22:00-06:00,", "晚上", "22:60-23:00"]
)
def test_what_is_no_span_stops_the_start_with_its_name_and_an_example(text: str) -> None:
    with pytest.raises(BadSetting, match=r"YUANJIAO_BLOB_WINDOW=.*span"):
        Env({"YUANJIAO_BLOB_WINDOW": text}).spans("BLOB_WINDOW", "", "…")


def test_a_number_below_its_least_stops_the_start() -> None:
    with pytest.raises(BadSetting, match="YUANJIAO_BYTES_DAY='-1': 0 or more is expected"):
        Env({"YUANJIAO_BYTES_DAY": "-1"}).integer("BYTES_DAY", 0, "…", least=0)
    assert Env({"YUANJIAO_BYTES_DAY": "0"}).integer("BYTES_DAY", 5, "…", least=0) == 0
