"""From evidence to a class: a table of cases."""

from __future__ import annotations

import pytest

from yuanjiao.network.rules.causes import Rule
from yuanjiao.network.rules.evidence import Observation, Weighed, play_verdict, weigh
from yuanjiao.network.rules.steadiness import is_back_to_stay

SINCE, WAIT = 10_000.0, 90.0
LATER, BEFORE = SINCE + 200, SINCE + 30

CASES = [
    ("site", Observation("witness", True, LATER, "直接收到"), ("line", Rule.WITNESS_HEARD)),
    ("site", Observation("witness", True, BEFORE, "断前收到"), None),
    ("site", Observation("probe", True, LATER, "应答", "icmp"), ("equipment", Rule.PROBE_ANSWERED)),
    ("site", Observation("probe", False, LATER, "无应答", "icmp"), None),
    ("site", Observation("probe", False, LATER, "线路无应答", "icmp", of="above"), ("line", Rule.PROBE_ANSWERED)),
    ("site", Observation("sighting", True, LATER, "盒子在线"), ("equipment", Rule.BOX_SEEN)),
    ("site", Observation("sighting", False, LATER, "盒子离线"), None),
    ("site", Observation("edge_check", False, LATER, "线路不合格", "line", of="above"), ("line", Rule.LINE_CHECK_FAILED)),
    ("site", Observation("edge_check", True, LATER, "线路合格", "line", of="above"), None),
    ("edge", Observation("probe", True, LATER, "应答", "tcp"), ("server", Rule.PROBE_ANSWERED)),
    ("edge", Observation("probe", True, BEFORE, "断前应答", "tcp"), None),
    ("edge", Observation("edge_check", False, SINCE, "磁盘不合格", "disk"), ("server", Rule.EDGE_CHECK_FAILED)),
    ("edge", Observation("edge_check", False, SINCE - 7200, "早已恢复", "disk"), None),
    ("edge", Observation("edge_check", False, LATER, "时钟不合格", "time"), None),
    ("line", Observation("edge_check", False, LATER, "线路不合格", "line"), ("line", Rule.LINE_CHECK_FAILED)),
    ("line", Observation("probe", True, LATER, "应答", "icmp"), None),
]


@pytest.mark.parametrize(("kind", "row", "wanted"), CASES)
def test_each_piece_of_evidence_says_what_it_can(kind: str, row: Observation, wanted: tuple[str, Rule] | None) -> None:
    found = weigh(kind, SINCE, WAIT, [row])
    assert (None if found is None else (found.fault, found.rule)) == wanted
    assert found is None or found.note == row.note


def test_the_surest_piece_decides() -> None:
    rows = [case[1] for case in CASES if case[0] == "site"]
    found = weigh("site", SINCE, WAIT, rows)
    assert found == Weighed("line", Rule.LINE_CHECK_FAILED, 0.9, "线路不合格")


@pytest.mark.parametrize(("step", "fault"), [("link", "line"), ("edge", "server"), ("catalogue", "server"), ("video", "equipment")])
def test_the_step_that_failed_names_the_class(step: str, fault: str) -> None:
    assert play_verdict(step)[0] == fault


def test_an_unknown_step_is_the_equipments_with_little_confidence() -> None:
    assert play_verdict("") == ("equipment", 0.5)


@pytest.mark.parametrize(("ended", "now", "wanted"), [(None, 1000.0, False), (900.0, 1000.0, False), (800.0, 1000.0, True)])
def test_a_return_lasts_after_three_periods(ended: float | None, now: float, wanted: bool) -> None:
    assert is_back_to_stay(ended, 60.0, now) is wanted
