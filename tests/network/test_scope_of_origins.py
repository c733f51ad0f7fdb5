"""An edge speaks for its own subtree only: what it says of another county is kept, set aside with the reason, and changes nothing."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from yuanjiao.faults.events import FaultReported
from yuanjiao.faults.models import FaultReport
from yuanjiao.flow.journal.models import Unapplied
from yuanjiao.flow.nodes.commands import issue_code
from yuanjiao.learning.models import Session
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.events import Change, EdgeChecked, Finding, PlayTested, StateChanged
from yuanjiao.network.models import EdgeCheck, PlayTest, StateChange
from yuanjiao.simulation.cast import Cast
from yuanjiao.simulation.edge import SimulatedEdge, fresh_memory
from yuanjiao.simulation.transport import InsideTransport

OWN, OTHER = "S-990101100200", "S-990102100200"


@pytest.fixture
def edge(cast: Cast, at: datetime, tmp_path: Path) -> SimulatedEdge:
    """The edge of 柳溪县, enrolled for its county."""
    made = SimulatedEdge("E-990101", [], InsideTransport(), fresh_memory(), at)
    scope = cast.divisions["990101000000"].path
    made.enrol(issue_code(kind="edge", name="柳溪县边缘", subject_code="E-990101", scope=scope, at=at), at)
    return made


def say(edge: SimulatedEdge, event: object, at: datetime) -> None:
    edge._record(event, at)  # type: ignore[arg-type]  # what its programme would never write, a broken-into machine might
    assert edge._ship(at)


def test_a_state_of_another_county_is_set_aside_and_the_own_one_is_taken(edge: SimulatedEdge, at: datetime) -> None:
    say(edge, StateChanged(changes=[Change(code=OTHER, state="down", at=at)]), at)
    say(edge, StateChanged(changes=[Change(code=OWN, state="up", at=at)]), at)
    assert list(StateChange.objects.values_list("object__code", flat=True)) == [OWN]
    assert "范围以外" in Unapplied.objects.get().reason


def test_a_play_test_and_a_report_of_another_county_change_nothing(edge: SimulatedEdge, cast: Cast, at: datetime) -> None:
    say(edge, PlayTested(uid=new_uid(), site=OTHER, at=at, ok=True), at)
    report = FaultReported(
        uid=new_uid(),
        receipt_code="ABCD2345",
        site=OTHER,
        site_name="高坪村站点",
        path=cast.divisions["990102100200"].path,
        channel="web",
        symptom="no_play",
        error_code="",
        words="",
        filer=None,
    )
    say(edge, report, at)
    assert not PlayTest.objects.exists()
    assert not FaultReport.objects.exists()
    assert not Session.objects.exists()
    assert Unapplied.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_the_check_of_an_edge_that_is_none_is_set_aside_and_holds_up_nothing(edge: SimulatedEdge, at: datetime) -> None:
    found = [Finding(subject=OWN, check="disk", ok=True, at=at)]
    edge._record(EdgeChecked(edge=OWN, findings=found), at)
    edge._record(PlayTested(uid=new_uid(), site=OWN, at=at, ok=True), at)
    assert edge._ship(at)
    assert (EdgeCheck.objects.count(), PlayTest.objects.count()) == (0, 1)
    assert "不是边缘服务器" in Unapplied.objects.get().reason
