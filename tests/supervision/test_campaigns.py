"""A campaign freezes what it is compared with, asks units for plans, and ends only when all was looked at and all has an owner."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.supervision.conftest import CITY, DAY, FAR, GOOD, LIN, LIUXI, WANG, Month, midnight
from yuanjiao.items.models import Item
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused
from yuanjiao.network import commands as network
from yuanjiao.people.rules import Permission
from yuanjiao.places import commands as places
from yuanjiao.supervision import commands, queries
from yuanjiao.supervision.jobs import keep_campaigns
from yuanjiao.supervision.models import BurnDown, CampaignItem, CampaignObject, UnitPlan
from yuanjiao.supervision.rules import TALLY, CampaignState, Measure, Method, ProblemKind, together


@pytest.mark.clause("OPS01")
def test_the_population_is_frozen_with_its_names_of_the_day_it_began(running: Month) -> None:
    rows = {row.code: row for row in CampaignObject.objects.all()}
    assert len(rows) == 2 + 3 + 5
    assert {row.county_name for row in rows.values()} == {"柳溪县", "石岭县"}
    moved = running.cast.divisions["990101100200"]
    places.rename_division(division=moved, name="李家村", on=running.today + DAY)
    network.add_site(code="S-NEW", name="新站", division=moved, depends_on=running.cast.lines["L-990101100"], on=running.today)
    assert queries.frozen_objects(running.campaign, ["/"]).count() == 10
    assert rows[LIN].place_name == "李村"


def test_who_may_open_and_start_one(month: Month) -> None:
    month.open()
    for who in ("xianguan", "lingdao", "gongcheng"):
        with pytest.raises(Forbidden):
            commands.start_campaign(campaign=month.campaign, by=month.by(who), at=month.at)
    with pytest.raises(Refused, match="之间"):
        commands.start_campaign(campaign=month.campaign, by=month.by(), at=month.at - 2 * DAY)
    month.start()
    with pytest.raises(Conflict):
        month.start()


def test_a_scope_inside_another_and_dates_out_of_order_are_refused(month: Month) -> None:
    with pytest.raises(Refused, match="互相包含"):
        month.open(CITY, LIUXI)
    with pytest.raises(Refused, match="结束日期"):
        month.open(CITY, days=400)


@pytest.mark.clause("OPS17")
def test_before_and_after_are_of_the_same_frozen_sites_by_the_same_rule(month: Month) -> None:
    """Two sites were always dark before; one of them is suspended later, which must not make the rate look better. A site that moves to the
    other county is counted where it was frozen."""
    start = midnight(month.today)
    before, after = start - 10 * DAY, start + 10 * DAY
    month.listened(after)
    for code in (LIN, WANG):
        month.ran(code, "down", before, start)
        month.ran(code, "up", start, after)
    month.open(days=10)
    month.start()
    frozen = month.target(LIN)
    assert (frozen.before_up, frozen.before_down, frozen.after_up) == (0, 10 * 86_400, 0)
    site = month.cast.sites[WANG]
    network.suspend_object(subject=site, document="青组〔2026〕3号", by=month.by(), on=month.today + 3 * DAY, at=month.at + 3 * DAY)
    keep_campaigns(start + 10 * DAY)
    month.campaign.refresh_from_db()
    (county,) = [line for line in queries.compared(month.campaign, [month.cast.divisions[LIUXI].path]) if line.sites]
    assert (county.sites, county.left_out, county.before.value) == (3, 1, None), "two of the three were never heard of"
    assert (county.before.up, county.before.down, county.after.up) == (0, 10 * 86_400, 10 * 86_400)  # type: ignore[union-attr]
    assert county.before.rule.version == county.after.rule.version == month.campaign.rule_version  # type: ignore[union-attr]
    out = queries.left_out(month.campaign, queries.frozen_objects(month.campaign, ["/"]))
    assert [row.code for row in out] == [WANG]


@pytest.mark.clause("SUP07")
def test_each_unit_of_the_counties_hands_in_a_plan_and_the_missing_ones_are_listed(running: Month) -> None:
    expected = set(UnitPlan.objects.values_list("unit__code", flat=True))
    assert expected == {"ZZ-990101", "ZZ-990102", "DX-9901", "DX-990101", "DX-990102"}
    plan = UnitPlan.objects.get(unit__code="ZZ-990101")
    with pytest.raises(NotFound):
        commands.submit_plan(plan=plan, title="方案", words="逐站检修", by=running.by("linxian"), at=running.at)
    commands.submit_plan(plan=plan, title="方案", words="逐站检修", by=running.by("xianguan"), at=running.at)
    left = queries.planless(running.campaign, [running.cast.divisions[LIUXI].path])
    assert [row.unit.code for row in left] == ["DX-990101"]


def everything_inspected(month: Month, but: tuple[str, ...] = ()) -> None:
    inspector = month.inspector()
    commands.plan_round(inspector=inspector, method=Method.SPECIAL, by=month.by(), at=month.at)
    for visit in inspector.visits.exclude(target__code__in=but):
        commands.file_visit(visit=visit, record=GOOD, by=month.by("lingdao"), at=month.at)


@pytest.mark.clause("OPS02", "OPS20")
def test_it_cannot_close_while_anything_lacks_a_record_or_a_problem_its_owner(running: Month) -> None:
    everything_inspected(running, but=("E-990102", FAR))
    running.at += 30 * DAY
    commands.begin_review(campaign=running.campaign, by=running.by(), at=running.at)
    with pytest.raises(Refused, match="还有 2 个服务器、线路、站点没有检查记录"):
        commands.close_campaign(campaign=running.campaign, by=running.by(), at=running.at)
    running.campaign.refresh_from_db()
    inspector = running.campaign.inspectors.get()
    running.file("E-990102", inspector, GOOD)
    running.file(FAR, inspector, running.found())  # nobody of the operator answers for that county
    problem = CampaignItem.objects.get()
    assert problem.owner_name == ""
    with pytest.raises(Refused, match="还有 1 件问题没有责任单位和责任人"):
        commands.close_campaign(campaign=running.campaign, by=running.by(), at=running.at)
    unit = running.cast.units["ZZ-990102"]
    with pytest.raises(Refused, match="没有叫"):
        commands.name_owner(problem=problem, unit=unit, name="无名", by=running.by(), at=running.at)
    named = commands.name_owner(problem=problem, unit=unit, name="高志远", by=running.by(), at=running.at)
    assert (named.owner_name, Item.objects.get().state, Item.objects.get().lead_unit) == ("高志远", "issued", unit)
    closed = commands.close_campaign(campaign=running.campaign, by=running.by(), at=running.at)
    assert closed.state == CampaignState.CLOSED
    assert {row.measure: row.reached for row in closed.targets.all()}[Measure.OPEN] is False, (
        "an open problem misses the target, and is told"
    )
    with pytest.raises(Conflict):
        running.file(LIN, inspector, GOOD)


def test_review_waits_for_the_last_day(running: Month) -> None:
    with pytest.raises(Refused, match="之后才能"):
        commands.begin_review(campaign=running.campaign, by=running.by(), at=running.at + 5 * DAY)


@pytest.mark.clause("OPS01")
def test_each_night_has_a_frozen_row_per_county_that_can_be_computed_again(running: Month) -> None:
    inspector = running.inspector()
    running.file(LIN, inspector, running.found())
    running.file(FAR, inspector, running.found())
    first = running.today
    running.at += 2 * DAY
    running.file(WANG, inspector, GOOD)
    commands.name_owner(
        problem=CampaignItem.objects.get(target__code=FAR),
        unit=running.cast.units["ZZ-990102"],
        name="高志远",
        by=running.by(),
        at=running.at,
    )
    assert keep_campaigns(running.at + DAY) == 3 * 2, "two days late: three nights, two counties"
    assert keep_campaigns(running.at + DAY + timedelta(hours=1)) == 0
    told = {(row.day - first, row.county_name): (row.inspected, row.open, row.unowned) for row in BurnDown.objects.all()}
    assert told[0 * DAY, "柳溪县"] == (1, 1, 0)
    assert told[1 * DAY, "石岭县"] == (1, 1, 1)
    assert told[2 * DAY, "石岭县"] == (1, 1, 0)
    assert told[2 * DAY, "柳溪县"] == (2, 1, 0)
    for row in BurnDown.objects.all():
        (again,) = [
            line for line in queries.tallies(running.campaign, ["/"], before=midnight(row.day + DAY)) if line.code == row.county_code
        ]
        assert again.tally.values == tuple(getattr(row, name) for name in TALLY)
    now = together(line.tally for line in queries.tallies(running.campaign, ["/"]))
    assert (now.population, now.inspected, now.open, now.unowned) == (10, 3, 2, 0)


def test_a_county_sees_its_own_part_and_another_city_nothing(running: Month) -> None:
    assert queries.campaign_seen_by(running.by("linxian"), running.campaign.uid) == running.campaign
    (line,) = queries.tallies(running.campaign, running.by("linxian").paths(Permission.SEE_ITEMS))
    assert line.name == "石岭县"
    running.open(LIUXI)
    with pytest.raises(NotFound):
        queries.campaign_seen_by(running.by("linxian"), running.campaign.uid)


@pytest.mark.clause("OPS20")
def test_the_owner_of_a_problem_is_who_answers_on_the_side_it_belongs_to(running: Month) -> None:
    inspector = running.inspector()
    running.file(LIN, inspector, running.found(ProblemKind.LINE))
    running.file(WANG, inspector, running.found(ProblemKind.MANAGEMENT))
    found = {row.kind: (row.item.lead_unit.code, row.owner_name) for row in CampaignItem.objects.select_related("item__lead_unit")}  # type: ignore[union-attr]
    assert found == {"line": ("DX-990101", "王建军"), "management": ("ZZ-990101", "赵敏芝")}
