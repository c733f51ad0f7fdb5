"""The cast with beats: what telemetry says of each site is known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from django.test import Client

from yuanjiao.flow.journal.record import record
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib import clock
from yuanjiao.network.commands import record_play_test
from yuanjiao.network.events import Change, StateChanged
from yuanjiao.network.models import ListeningMark
from yuanjiao.simulation.cast import Cast
from yuanjiao.surveys import commands
from yuanjiao.surveys.commands import Told
from yuanjiao.surveys.models import Survey, Visit
from yuanjiao.surveys.rules import Strata

LogIn = Callable[[str], Client]
LIN, WANG, TAO, GAO = "S-990101100200", "S-990101100201", "S-990101101200", "S-990102100200"
SAID = {"yes": Told(0, plays="yes"), "no": Told(0, plays="no", fault_class="equipment", remark="黑屏"), "nobody": Told(0, plays="nobody")}


class Field:
    """A survey of the city and the people who walk."""

    def __init__(self, cast: Cast, at: datetime) -> None:
        self.cast, self.at = cast, at

    def states(self, states: dict[str, str], *, hours: float) -> None:
        """What the machines heard, so many hours after `at` (before, if negative); what is up has played a film two days ago."""
        moment = self.at + timedelta(hours=hours)
        ListeningMark.objects.update_or_create(observer=own_node().uid, defaults={"at": self.at + timedelta(hours=6)})
        for code in (code for code, state in states.items() if state == "up"):
            played = self.at - timedelta(days=2)
            record_play_test(site=code, ok=True, step="", item="测试片", sent_at=played.isoformat(), at=played)
        record(StateChanged(changes=[Change(code=c, state=s, at=moment, last=moment, latest=moment) for c, s in states.items()]), at=moment)

    def draw(self, size: int = 4, strata: Strata = Strata.NONE, **said: object) -> Survey:
        details = {"division": self.cast.divisions["990100000000"], "frame_on": date(2026, 3, 1), "due_on": date(2026, 3, 28), **said}
        by = self.cast.actor("shiguan")
        return commands.make_survey(title="百村调查", size=size, strata=strata, by=by, at=self.at, **details)  # type: ignore[arg-type]

    def given_out(self, size: int = 4, strata: Strata = Strata.NONE, **said: object) -> Survey:
        return commands.open_survey(survey=self.draw(size, strata, **said), by=self.cast.actor("shiguan"), at=self.at)

    def tell(self, visit: Visit, told: Told, *, who: str = "shiguan", hours: float = 2) -> bool:
        return commands.tell_visit(visit=visit, told=told, by=self.cast.actor(who), at=self.at + timedelta(hours=hours))

    def close(self, survey: Survey, *, hours: float = 5) -> Survey:
        return commands.close_survey(survey=survey, by=self.cast.actor("shiguan"), at=self.at + timedelta(hours=hours))


@pytest.fixture
def field(cast: Cast, at: datetime, monkeypatch: pytest.MonkeyPatch) -> Field:
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(hours=6))
    return Field(cast, at)
