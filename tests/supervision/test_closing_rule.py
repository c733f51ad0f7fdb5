"""Whatever happens during a campaign, in whatever order, it is closed only when all was inspected and every open problem has an owner."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import ClassVar

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.supervision.conftest import DAY, FAR, GOOD, Month
from yuanjiao.flow.journal.record import record
from yuanjiao.items import commands as items
from yuanjiao.items.models import Item
from yuanjiao.items.rules import ENDED
from yuanjiao.lib.errors import YuanjiaoError
from yuanjiao.lib.uid import new_uid
from yuanjiao.simulation.cast import Cast
from yuanjiao.supervision import commands, queries
from yuanjiao.supervision.events import CensusConfirmed, ProblemTold
from yuanjiao.supervision.jobs import take_up_census
from yuanjiao.supervision.models import BurnDown, Campaign, CampaignItem, CampaignObject
from yuanjiao.supervision.rules import CampaignState, ProblemKind, together

CODES = ("E-990102", "L-990102100", FAR)
OWNERS = (("ZZ-990102", "高志远"), ("DX-990102", "高志远"), ("ZZ-9901", "陈启明"))


class ClosingMachine(RuleBasedStateMachine):
    """A campaign over the smaller county: three objects, nobody of the operator answers there."""

    cast: ClassVar[Cast]
    start: ClassVar[datetime]

    @initialize()
    def begin(self) -> None:
        self.rolled = transaction.atomic()
        self.rolled.__enter__()
        self.month = Month(self.cast, self.start)
        self.month.open("990102000000", days=2)
        self.month.start()
        self.inspector = self.month.inspector("lingdao", "990102000000")
        self.closed_as: tuple[int, ...] | None = None

    def teardown(self) -> None:
        if hasattr(self, "rolled"):
            transaction.set_rollback(True)
            self.rolled.__exit__(None, None, None)

    def attempt(self, doing: object, **said: object) -> None:
        with suppress(YuanjiaoError):
            doing(by=self.month.by(), at=self.month.at, **said)  # type: ignore[operator]

    @rule(code=st.sampled_from(CODES), kind=st.sampled_from((None, ProblemKind.LINE, ProblemKind.USE)), spot=st.booleans())
    def an_inspector_looks(self, code: str, kind: ProblemKind | None, spot: bool) -> None:
        fixed = commands.Fixed("某人", "换好", "能放", "看了") if spot else None
        said = GOOD if kind is None else self.month.found(kind, fixed)
        try:
            self.month.file(code, self.inspector, said)
        except YuanjiaoError:
            assert self.state() == CampaignState.CLOSED

    @rule(kind=st.sampled_from(ProblemKind))
    def a_confirmation_arrives(self, kind: ProblemKind) -> None:
        site = self.cast.sites[FAR]
        told = {"path": site.division.path, "remark": "", "problems": [ProblemTold(kind=kind, words="")], "confirmer": None}
        record(CensusConfirmed(uid=new_uid(), campaign=self.campaign().uid, site=FAR, **told), at=self.month.at)  # type: ignore[arg-type]
        take_up_census(self.month.at)

    @rule(owner=st.sampled_from(OWNERS), which=st.integers(0, 5))
    def somebody_names_an_owner(self, owner: tuple[str, str], which: int) -> None:
        rows = list(CampaignItem.objects.order_by("pk"))
        if rows:
            row = rows[which % len(rows)]
            self.attempt(commands.name_owner, problem=row, unit=self.cast.units[owner[0]], name=owner[1])

    @rule(which=st.integers(0, 5))
    def somebody_withdraws_a_problem(self, which: int) -> None:
        rows = list(Item.objects.order_by("pk"))
        if rows:
            self.attempt(items.cancel_item, item=rows[which % len(rows)], reason="重复")

    @rule(hours=st.sampled_from((1, 24)))
    def time_passes(self, hours: int) -> None:
        self.month.at += timedelta(hours=hours)

    @rule()
    def the_city_reviews(self) -> None:
        self.attempt(commands.begin_review, campaign=self.campaign())

    @rule(who=st.sampled_from(("shiguan", "linxian")))
    def somebody_closes(self, who: str) -> None:
        bare, state, came = self.gaps(), self.state(), ""
        try:
            commands.close_campaign(campaign=self.campaign(), by=self.month.by(who), at=self.month.at)
            self.closed_as = self.tally()
        except YuanjiaoError as error:
            came = type(error).__name__
        if who != "shiguan":
            assert came == "Forbidden"
        elif state != CampaignState.REVIEW:
            assert came == "Conflict"
        else:
            assert (came == "Refused") == bool(bare)
            assert came in {"", "Refused"}

    def campaign(self) -> Campaign:
        return Campaign.objects.get()

    def state(self) -> str:
        return self.campaign().state

    def gaps(self) -> int:
        """By the rows alone, in no way as the rule counts them."""
        unowned = [row for row in CampaignItem.objects.select_related("item") if row.item.state not in ENDED and not row.owner_name]
        return CampaignObject.objects.exclude(visits__filed_at__isnull=False).count() + len(unowned)

    def tally(self) -> tuple[int, ...]:
        return together(line.tally for line in queries.tallies(self.campaign(), ["/"])).values

    @invariant()
    def what_is_owned_has_a_unit_and_a_person(self) -> None:
        for row in CampaignItem.objects.select_related("item"):
            if row.owned_at is not None:
                assert row.item.lead_unit_id is not None
                assert row.owner_name
                assert row.item.lead_unit_id != self.cast.units["ZZ-9901"].pk, "who gives it out does not own it"

    @invariant()
    def what_is_closed_stays_as_it_was(self) -> None:
        if getattr(self, "closed_as", None) is not None:
            assert self.state() == CampaignState.CLOSED
            frozen = together(row.tally for row in BurnDown.objects.order_by("-pk")[:1])
            assert frozen.values == self.closed_as
            assert CampaignObject.objects.filter(inspected_at=None).count() == 0


@pytest.mark.clause("OPS02", "OPS20")
def test_no_path_closes_a_campaign_with_something_left(cast: Cast, at: datetime) -> None:
    ClosingMachine.cast, ClosingMachine.start = cast, at
    config = settings(max_examples=8, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    run_state_machine_as_test(ClosingMachine, settings=config)


def test_the_shortest_way_to_the_end_is_open(cast: Cast, at: datetime) -> None:
    """Else the machine above would show nothing: the closing can be reached."""
    month = Month(cast, at)
    month.open("990102000000", days=2)
    month.start()
    inspector = month.inspector("lingdao", "990102000000")
    for code in CODES:
        month.file(code, inspector, GOOD)
    month.at += 2 * DAY
    commands.begin_review(campaign=month.campaign, by=month.by(), at=month.at)
    assert commands.close_campaign(campaign=month.campaign, by=month.by(), at=month.at).state == CampaignState.CLOSED
