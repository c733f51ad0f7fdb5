"""What is found is always filed: no cap of the month, no broken record beside it and nobody's own unit stands in the way of it."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from tests.supervision.conftest import FAR, LIN, WANG, Month
from yuanjiao.burden import commands as burden
from yuanjiao.burden.rules import Measure
from yuanjiao.flow.journal.record import record
from yuanjiao.lib.errors import Refused
from yuanjiao.lib.uid import new_uid
from yuanjiao.places.rules import Level
from yuanjiao.supervision import commands, jobs, queries
from yuanjiao.supervision.events import CensusConfirmed, ProblemTold
from yuanjiao.supervision.models import CampaignItem, CensusReturn, CensusTaking
from yuanjiao.supervision.rules import ProblemKind

FIXED = commands.Fixed("某人", "派人看管", "有人管", "看了")


def told(month: Month, *kinds: ProblemKind, code: str = LIN, path: str = "") -> CensusReturn:
    """A confirmation as it comes up from a machine below."""
    where = path or month.cast.sites[code].division.path
    said = [ProblemTold(kind=kind, words="") for kind in kinds]
    uid = new_uid()
    record(
        CensusConfirmed(uid=uid, campaign=month.campaign.uid, site=code, path=where, remark="", problems=said, confirmer=None), at=month.at
    )
    return CensusReturn.objects.get(uid=uid)


def capped(month: Month) -> None:
    """Nothing more may be asked of anybody."""
    for level in Level:
        said = {"level": level, "measure": Measure.UPLOADS, "most": 0, "from_month": date(2026, 3, 1), "document": "青组〔2026〕5号"}
        burden.set_cap(by=month.by(), at=month.at, **said)  # type: ignore[arg-type]


@pytest.mark.clause("OPS20", "SUP28")
def test_a_cap_of_the_month_does_not_keep_a_finding_from_being_filed(running: Month) -> None:
    capped(running)
    running.file(WANG, running.inspector(), running.found())
    told(running, ProblemKind.LINE)
    assert jobs.take_up_census(running.at) == 1
    assert [row.item.state for row in CampaignItem.objects.select_related("item")] == ["issued"] * 2
    running.file(FAR, running.campaign.inspectors.get(), running.found())
    bare = CampaignItem.objects.get(target__code=FAR)
    commands.name_owner(problem=bare, unit=running.cast.units["ZZ-990102"], name="高志远", by=running.by(), at=running.at)


def test_confirmations_that_cannot_be_taken_up_do_not_stop_the_others(running: Month, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full turn of broken ones waits in front of a good one."""
    monkeypatch.setattr(jobs, "RETURNS_PER_TURN", 2)
    broken = {told(running).pk for _number in range(3)}
    good = told(running)
    real = jobs.take_up_return

    def take(*, row: CensusReturn, at: datetime) -> CensusTaking:
        if row.pk in broken:
            raise Refused("坏了")
        return real(row=row, at=at)

    monkeypatch.setattr(jobs, "take_up_return", take)
    assert [jobs.take_up_census(running.at) for _turn in range(3)] == [0, 1, 0]
    assert CensusTaking.objects.get().census == good
    first = broken.pop()
    assert jobs.take_up_left_census(running.at) + jobs.take_up_left_census(running.at) == 1
    assert CensusTaking.objects.filter(census=first).exists()
    assert queries.pending_returns().count() == 2
