"""A campaign over the small city: one inspector per county line, days of telemetry before it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count

import pytest

from tests.desks.conftest import chromium
from yuanjiao.lib.clock import day_start, local_day
from yuanjiao.network.models import ListeningMark, PlayTest, StateChange
from yuanjiao.network.queries.states import own_observer
from yuanjiao.people.rules import Actor
from yuanjiao.simulation.cast import Cast
from yuanjiao.supervision import commands
from yuanjiao.supervision.models import Campaign, CampaignObject, Inspector, Visit
from yuanjiao.supervision.rules import Found, Measure, Method, ProblemKind, SupervisionLine

__all__ = ["chromium"]
CITY, LIUXI, SHILING = "990100000000", "990101000000", "990102000000"
LIN, WANG, FAR = "S-990101100200", "S-990101100201", "S-990102100200"
DAY = timedelta(days=1)
numbers = count(1)


@dataclass
class Month:
    """The cast, a moment, and a campaign of the city."""

    cast: Cast
    at: datetime
    campaign: Campaign = field(init=False)

    @property
    def today(self) -> date:
        return local_day(self.at)

    def by(self, who: str = "shiguan") -> Actor:
        return self.cast.actor(who, on=self.today)

    def open(self, *places: str, days: int = 30) -> Campaign:
        self.campaign = commands.open_campaign(
            title="集中整顿月", document="青组〔2026〕6号", unit=self.cast.units["ZZ-9901"],
            places=[self.cast.divisions[code] for code in places or (CITY,)], starts_on=self.today, ends_on=self.today + days * DAY - DAY,
            plan_due_on=self.today + min(days - 1, 5) * DAY,
            targets={Measure.RATE: 0.9, Measure.OPEN: 0, Measure.INSPECTED: 1, Measure.CONFIRMED: 1}, by=self.by(), at=self.at,
        )  # fmt: skip
        return self.campaign

    def start(self) -> Campaign:
        self.campaign = commands.start_campaign(campaign=self.campaign, by=self.by(), at=self.at)
        return self.campaign

    def inspector(self, who: str = "lingdao", place: str = CITY, line: SupervisionLine = SupervisionLine.OFFICE) -> Inspector:
        return commands.appoint_inspector(
            campaign=self.campaign, person=self.cast.people[who], line=line, place=self.cast.divisions[place], valid_from=self.today,
            valid_to=self.today + 60 * DAY, by=self.by(), at=self.at,
        )  # fmt: skip

    def target(self, code: str) -> CampaignObject:
        return CampaignObject.objects.select_related("campaign").get(campaign=self.campaign, code=code)

    def visit(self, code: str, inspector: Inspector, who: str = "lingdao") -> Visit:
        return commands.add_visit(target=self.target(code), inspector=inspector, method=Method.ON_SITE, by=self.by(who), at=self.at)

    def found(self, kind: ProblemKind = ProblemKind.EQUIPMENT, fixed: commands.Fixed | None = None) -> commands.VisitRecord:
        return commands.VisitRecord(found=Found.PROBLEM, plays=False, problem=kind, words="机顶盒不能启动", fixed=fixed)

    def file(self, code: str, inspector: Inspector, record: commands.VisitRecord, who: str = "lingdao") -> Visit:
        visit = self.visit(code, inspector, who)
        commands.file_visit(visit=visit, record=record, by=self.by(who), at=self.at)
        visit.refresh_from_db()
        return visit

    def ran(self, code: str, name: str, start: datetime, until: datetime) -> None:
        """A span of a site's record, with play tests that say it played."""
        heard, observer = start if name == "up" else None, own_observer()
        StateChange.objects.create(
            object=self.cast.sites[code], state=name, at=start, until=until, last_heard_at=heard, observer=observer, seq=next(numbers)
        )
        for number in range((until - start).days + 1):
            PlayTest.objects.create(site=self.cast.sites[code], at=start + number * DAY, ok=True, observer=observer)

    def listened(self, until: datetime) -> None:
        ListeningMark.objects.update_or_create(observer=own_observer(), defaults={"at": until})


@pytest.fixture
def month(cast: Cast, at: datetime) -> Month:
    """Nothing opened yet."""
    return Month(cast, at)


@pytest.fixture
def running(month: Month) -> Month:
    """Started today over the whole city; nobody listened before, so that nothing is known of the days before."""
    month.open()
    month.start()
    return month


def midnight(day: date) -> datetime:
    return day_start(day)


GOOD = commands.VisitRecord(found=Found.GOOD, powered=True, plays=True, kept=True)
