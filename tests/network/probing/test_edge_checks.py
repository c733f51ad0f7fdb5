"""What an edge finds of itself and its lines: thresholds with a gap, told only when something changes, at both ends."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from yuanjiao.flow.journal.models import Entry, Unapplied
from yuanjiao.flow.journal.replay import replay
from yuanjiao.flow.nodes.commands import issue_code
from yuanjiao.flow.nodes.models import Node
from yuanjiao.lib.errors import Refused
from yuanjiao.network import commands
from yuanjiao.network.events import EdgeChecked, Finding
from yuanjiao.network.models import EdgeCheck
from yuanjiao.network.probing import edge as checking
from yuanjiao.network.probing.questions import Question
from yuanjiao.network.queries import evidence_about
from yuanjiao.network.rules.checks import Limit, Reading, clock_limit, disk_limit, outcome, temperature_limit
from yuanjiao.simulation.cast import SINCE, Cast
from yuanjiao.simulation.edge import SimulatedEdge, fresh_memory
from yuanjiao.simulation.transport import InsideTransport

CODE = "E-990101"


@pytest.mark.parametrize(
    ("limit", "value", "before", "good"),
    [
        (disk_limit(10), 10.0, None, True),
        (disk_limit(10), 9.9, True, False),
        (disk_limit(10), 12.0, True, True),
        (disk_limit(10), 12.0, False, False),
        (disk_limit(10), 15.0, False, True),
        (temperature_limit(75), 75.0, True, True),
        (temperature_limit(75), 75.1, True, False),
        (temperature_limit(75), 71.0, False, False),
        (temperature_limit(75), 70.0, False, True),
        (clock_limit(5), 4.0, True, True),
        (clock_limit(5), 4.0, False, False),
        (clock_limit(5), 2.5, False, True),
    ],
)
def test_a_reading_turns_bad_at_one_value_and_good_at_another(limit: Limit, value: float, before: bool | None, good: bool) -> None:
    assert outcome(Reading(CODE, "disk", value, limit=limit), before, 0) is good


@given(middle=st.floats(20, 80), noise=st.lists(st.floats(-2.0, 2.0), min_size=2, max_size=60))
def test_noise_narrower_than_the_gap_never_flaps(middle: float, noise: list[float]) -> None:
    """Whatever the level, the outcome changes at most once after the first reading when the readings stay within four degrees."""
    limit = temperature_limit(50)
    outcomes: list[bool] = []
    for jitter in noise:
        outcomes.append(limit.accepts(middle + jitter, outcomes[-1] if outcomes else None))
    assert sum(new is not old for old, new in pairwise(outcomes)) <= 1


def test_one_lost_packet_is_nothing_two_in_a_row_are() -> None:
    lost, there = Reading(CODE, "line", reached=False), Reading(CODE, "line")
    assert [outcome(lost, True, 1), outcome(lost, None, 1), outcome(lost, True, 2), outcome(there, False, 0)] == [True, None, False, True]


@pytest.fixture
def as_edge(cast: Cast, settings: Any) -> Cast:
    """This machine is the edge of 柳溪县, which hangs on an uplink line of its own."""
    Node.objects.filter(is_self=True).update(subject_code=CODE)
    uplink = commands.add_line(code="U-990101", name="柳溪县上联线路", division=cast.divisions["990100000000"], on=SINCE, is_uplink=True)
    type(cast.edges[CODE]).objects.filter(pk=cast.edges[CODE].pk).update(depends_on=uplink.pk)
    cast.lines["U-990101"] = uplink
    settings.PARENT, settings.LINE_ADDRESSES = "", []
    return cast


@contextmanager
def listening(port: int = 0) -> Iterator[int]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(16)
        yield listener.getsockname()[1]


def outcomes(subject: str) -> list[tuple[str, bool, datetime, datetime | None]]:
    return list(EdgeCheck.objects.filter(subject__code=subject).order_by("at", "pk").values_list("kind", "ok", "at", "until"))


def test_the_way_up_and_the_access_lines_are_asked_for_real_and_told_when_they_change(as_edge: Cast, settings: Any, at: datetime) -> None:
    memory, minute = checking.Checks(), timedelta(minutes=1)
    with listening() as parent, listening() as far_end:
        settings.PARENT = f"http://127.0.0.1:{parent}"
        settings.LINE_ADDRESSES = [f"L-990101100=127.0.0.1:{far_end}"]
        assert checking.check_edge(at, checks=memory) >= 3
        entries = Entry.objects.count()
        assert checking.check_edge(at + minute, checks=memory) == 0
        assert Entry.objects.count() == entries, "nothing is sent while nothing changes"
    with listening(parent):
        assert checking.check_edge(at + 2 * minute, checks=memory) == 0, "one miss is nothing"
        assert checking.check_edge(at + 3 * minute, checks=memory) == 1
        with listening(far_end):
            assert checking.check_edge(at + 4 * minute, checks=memory) == 1
    assert outcomes("U-990101") == [("line", True, at, None)]
    assert outcomes("L-990101100") == [
        ("line", True, at, at + 2 * minute),
        ("line", False, at + 2 * minute, at + 4 * minute),
        ("line", True, at + 4 * minute, None),
    ]
    (row,) = evidence_about([as_edge.lines["L-990101100"].pk], at + 3.5 * minute)[as_edge.lines["L-990101100"].pk]
    assert (row.ok, row.since) == (False, at + 2 * minute)
    assert "拒绝连接" in row.note


@pytest.mark.usefixtures("as_edge")
def test_a_disk_that_fills_up_is_told_once_and_again_when_there_is_room(settings: Any, at: datetime) -> None:
    memory = checking.Checks()
    settings.CHECK_DISK_PERCENT = 0.001
    checking.check_edge(at, checks=memory)
    settings.CHECK_DISK_PERCENT = 99.99
    checking.check_edge(at + timedelta(minutes=1), checks=memory)
    checking.check_edge(at + timedelta(minutes=2), checks=memory)
    disk = [(ok, since) for kind, ok, since, _ in outcomes(CODE) if kind == "disk"]
    assert disk == [(True, at), (False, at + timedelta(minutes=1))]


def test_the_warmest_believable_sensor_counts(tmp_path: Path) -> None:
    assert checking.temperature(tmp_path) is None
    for name, text in (("class/thermal/thermal_zone0", "48500"), ("class/thermal/thermal_zone1", "61000"), ("class/hwmon/hwmon0", "-1")):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / ("temp1_input" if "hwmon" in name else "temp")).write_text(text)
    (tmp_path / "class/hwmon/hwmon0/temp2_input").write_text("255000")
    assert checking.temperature(tmp_path) == 61.0


@pytest.mark.usefixtures("as_edge")
def test_heat_and_a_wrong_clock_are_told_with_what_was_read(
    settings: Any, at: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor = tmp_path / "class/thermal/thermal_zone0/temp"
    sensor.parent.mkdir(parents=True)
    monkeypatch.setattr(checking.temperature, "__defaults__", (tmp_path,))  # the machine's own sensors are elsewhere
    line = SimpleNamespace(offset_s=0.0)
    monkeypatch.setattr(checking, "parent_line", lambda: line)
    settings.CHECK_TEMPERATURE_C, settings.CHECK_CLOCK_S = 75.0, 30.0
    with listening() as parent:
        settings.PARENT, memory = f"http://127.0.0.1:{parent}", checking.Checks()
        for minute, heat, off in ((0, 60, 0.0), (1, 60, 4.0), (2, 91, -400.0), (3, 92, -400.0), (4, 60, 1.0)):
            sensor.write_text(f"{heat}000")
            line.offset_s = off
            checking.check_edge(at + timedelta(minutes=minute), checks=memory)
    rows = EdgeCheck.objects.filter(subject__code=CODE, kind__in=["temperature", "time"]).order_by("at")
    told = [(row.kind, row.ok, (row.at - at).seconds // 60, row.value) for row in rows]
    assert sorted(told) == [
        ("temperature", False, 2, 91.0),
        ("temperature", True, 0, 60.0),
        ("temperature", True, 4, 60.0),
        ("time", False, 2, 400.0),
        ("time", True, 1, 4.0),  # before the parent has answered nothing is known of the clock
        ("time", True, 4, 1.0),
    ]


def test_line_addresses_are_read_or_refused_by_name() -> None:
    assert checking.line_address("L-1=10.1.2.1") == ("L-1", Question("icmp", "10.1.2.1"))
    assert checking.line_address("L-1=10.1.2.1:80") == ("L-1", Question("tcp", "10.1.2.1", 80))
    for wrong in ("L-1", "=10.1.2.1", "L-1=", "L-1=10.1.2.1:http"):
        with pytest.raises(Refused, match="LINE_ADDRESSES"):
            checking.line_address(wrong)


@pytest.fixture
def far_edge(cast: Cast, at: datetime) -> SimulatedEdge:
    made = SimulatedEdge(CODE, [], InsideTransport(), fresh_memory(), at)
    scope = cast.divisions["990101000000"].path
    made.enrol(issue_code(kind="edge", name="柳溪县边缘", subject_code=CODE, scope=scope, at=at), at)
    return made


def say(edge: SimulatedEdge, findings: list[Finding], at: datetime) -> None:
    edge._record(EdgeChecked(edge=CODE, findings=findings), at)
    assert edge._ship(at)


def test_what_an_edge_found_is_above_after_its_journal_and_the_same_again_after_a_replay(
    far_edge: SimulatedEdge, cast: Cast, at: datetime
) -> None:
    say(far_edge, [Finding(subject=CODE, check="disk", ok=True, at=at, value=55.0, unit="%")], at)
    later = at + timedelta(hours=1)
    say(far_edge, [Finding(subject=CODE, check="disk", ok=False, at=later, value=4.0, unit="%")], later)
    back = at + timedelta(minutes=30)  # the clock was set back
    say(far_edge, [Finding(subject=CODE, check="disk", ok=True, at=back, value=40.0, unit="%")], later + timedelta(minutes=5))
    told = outcomes(CODE)
    assert told == [("disk", True, at, later), ("disk", False, later, later), ("disk", True, later, None)]
    assert evidence_about([cast.edges[CODE].pk], later + timedelta(minutes=6))[cast.edges[CODE].pk][0].ok
    again = replay(at=later, keep=True)
    assert (again.set_aside, again.changed) == (0, ())
    assert outcomes(CODE) == told


def test_an_edge_cannot_speak_of_the_line_of_another_county(far_edge: SimulatedEdge, at: datetime) -> None:
    say(far_edge, [Finding(subject="L-990102100", check="line", ok=False, at=at)], at)
    assert not EdgeCheck.objects.exists()
    assert "范围以外" in Unapplied.objects.get().reason


def test_the_list_shows_what_fails_first_and_nothing_of_another_county(
    far_edge: SimulatedEdge, log_in: Callable[[str], Client], at: datetime
) -> None:
    found = [
        Finding(subject=CODE, check="temperature", ok=True, at=at, value=41.0, unit="°C"),
        Finding(subject=CODE, check="disk", ok=False, at=at, value=4.0, unit="%", note="剩余空间"),
    ]
    say(far_edge, found, at)
    page = log_in("xianguan").get("/network/checks/").content.decode()
    assert page.index("剩余空间") < page.index("41 °C")
    assert "41 °C" not in log_in("xianguan").get("/network/checks/?ok=0").content.decode()
    assert "剩余空间" not in log_in("linxian").get("/network/checks/").content.decode()
    assert "磁盘不合格 4%" in log_in("xianguan").get(f"/network/edges/{CODE}/").content.decode()
