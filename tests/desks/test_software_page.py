"""Which machine runs which version since when: for those who keep the machines, of their own subtree, failures first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client

from tests.desks.test_waiting_entries import auditor_of
from yuanjiao.flow.nodes.commands import issue_code
from yuanjiao.flow.software.telling import SoftwareInstalled
from yuanjiao.lib.uid import new_uid
from yuanjiao.simulation.cast import Cast
from yuanjiao.simulation.edge import SimulatedEdge, fresh_memory
from yuanjiao.simulation.transport import InsideTransport

PAGE = "/desk/software/"
Browser = Callable[[str], Client]


@pytest.fixture
def edges(cast: Cast, at: datetime) -> dict[str, SimulatedEdge]:
    """The edges of two counties: one runs 2.0, the other tried and could not."""
    made = {}
    for code, name, place in (("E-990101", "柳溪县边缘", "990101000000"), ("E-990102", "另一县边缘", "990102000000")):
        one = SimulatedEdge(code, [], InsideTransport(), fresh_memory(), at)
        one.enrol(issue_code(kind="edge", name=name, subject_code=code, scope=cast.divisions[place].path, at=at), at)
        one._record(SoftwareInstalled(uid=new_uid(), version="1.0"), at)
        made[name] = one
    made["柳溪县边缘"]._record(SoftwareInstalled(uid=new_uid(), version="2.0", previous="1.0", release="2.0-a"), at)
    failed = SoftwareInstalled(uid=new_uid(), version="2.0", previous="1.0", release="2.0-a", ok=False, reason="不适合本机：numpy")
    made["另一县边缘"]._record(failed, at)
    for one in made.values():
        assert one._ship(at)
    return made


@pytest.mark.usefixtures("edges")
def test_the_page_says_who_runs_what_and_who_could_not(log_in: Browser) -> None:
    page = log_in("shenji").get(PAGE).content.decode()
    for words in ("柳溪县边缘", "2.0", "另一县边缘", "1.0", "没有换成", "不适合本机：numpy"):
        assert words in page
    assert page.index("另一县边缘") < page.index("柳溪县边缘"), "what asks for a person comes first"
    only = log_in("shenji").get(PAGE, {"state": "failed"}).content.decode()
    assert "另一县边缘" in only
    assert "柳溪县边缘" not in only


@pytest.mark.usefixtures("edges")
def test_nobody_sees_machines_outside_the_own_subtree(log_in: Browser, cast: Cast) -> None:
    page = log_in(auditor_of(cast, "ZZ-990101")).get(PAGE)
    assert page.status_code == 200
    assert "柳溪县边缘" in page.content.decode()
    assert "另一县边缘" not in page.content.decode()
    assert log_in("zhanguan").get(PAGE).status_code == 403
