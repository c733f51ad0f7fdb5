"""Real objects of one county for every door that names one, and people of every role inside and outside that county.

All things are of 柳溪县 and made by its people through the commands; the outsiders hold the same roles in 石岭县. `THINGS` says which
kind of thing a route names: a new route that names an object must be entered here, or the matrix fails.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.test import Client
from django.urls import reverse

from tests.architecture import house
from tests.desks.conftest import photo
from yuanjiao.assets import commands as assets
from yuanjiao.burden import commands as burden
from yuanjiao.courseware import commands as courseware
from yuanjiao.courseware.commands.bulk import returned_path
from yuanjiao.courseware.models import CommissionKind, Courseware, CoursewareClass, CoursewareSource
from yuanjiao.courseware.rules.kinds import Kind
from yuanjiao.duties import commands as duties
from yuanjiao.faults import commands as faults
from yuanjiao.faults.models import ServiceTerm, Urging
from yuanjiao.faults.rules.urging import Rung
from yuanjiao.flow.journal.models import Entry, Unapplied
from yuanjiao.flow.nodes.models import Node
from yuanjiao.funds import commands as funds
from yuanjiao.funds.rules import Category, EntryKind, SourceKind
from yuanjiao.items import commands as items
from yuanjiao.items.rules import ItemKind
from yuanjiao.learning import commands as learning
from yuanjiao.learning.events import ItemShown
from yuanjiao.learning.models import CopyForm
from yuanjiao.learning.rules import SessionForm
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.uid import new_uid
from yuanjiao.network import commands as network
from yuanjiao.network import queries as network_queries
from yuanjiao.network.models import Outage
from yuanjiao.people import commands as people
from yuanjiao.people.rules import Actor, Permission, Role
from yuanjiao.places.rules import Level
from yuanjiao.plans import commands as plans
from yuanjiao.production import commands as production
from yuanjiao.programmes import commands as programmes
from yuanjiao.programmes.models import Arrival, Departure
from yuanjiao.programmes.rules.outlets import Connector
from yuanjiao.register import commands as register
from yuanjiao.register.commands.sightings import returned_file
from yuanjiao.register.documents import files
from yuanjiao.reports import commands as reports
from yuanjiao.reports.models import Document, Figure, Notice
from yuanjiao.reports.rules import DocumentKind
from yuanjiao.simulation.cast import PASSWORD, SINCE, Cast
from yuanjiao.supervision import commands as supervision
from yuanjiao.supervision.rules import Found, Measure, Method, ProblemKind, SupervisionLine
from yuanjiao.surveys import commands as surveys

INSIDE = {Role.ENGINEER: "DX-990101", Role.LEADER: "ZZ-990101100200"}  # the leader judges: not of the unit whose work it is
OUTSIDE = {Role.ENGINEER: "DX-990102"}
ROLES = [role for role in Role if role is not Role.LEARNER]

THINGS: dict[str, str] = {
    "draft": """courseware:item_article courseware:item_captions courseware:item_edit courseware:item_file courseware:item_needs
        courseware:item_offer courseware:item_people courseware:item_pictures courseware:item_policy courseware:item_retry
        courseware:item_rights courseware:item_submit courseware:item_word""",
    "waiting_item": "courseware:item_approve courseware:item_hurry courseware:item_return",
    "approved_item": "courseware:item_release",
    "item": """courseware:item courseware:item_progress courseware:item_revise courseware:item_withdraw courseware:preview_master
        programmes:arrival programmes:use""",
    "item_profile": "courseware:preview_media",
    "picture": "courseware:picture_change",
    "shown_person": "courseware:person_change",
    "placement": "courseware:adopt courseware:placement_describe courseware:placement_move courseware:placement_remove",
    "bulk": "courseware:bulk courseware:bulk_returned",
    "upload": "courseware:upload",
    "column": "courseware:category_change courseware:column",
    "commission": "courseware:commission",
    "offer": "courseware:offer courseware:offer_decide",
    "waiting_entry": "desks:waiting_entry",
    "site": """faults:hotline_site network:service network:service_labels network:service_move network:service_rhythm
        network:service_turn network:site plans:share""",
    "edge": "network:edge network:edge_code",
    "line": "network:line",
    "order": "faults:order",
    "agreement": "faults:agreement",
    "urging": "faults:urging",
    "task": "items:item",
    "report": "faults:report",
    "term": "faults:term",
    "training": "faults:training_withdraw",
    "distribution": "learning:distribution",
    "distribution_line": "learning:distribution_line",
    "letter": "learning:letter learning:letter_end learning:letter_print",
    "plan": "learning:plan learning:plan_end",
    "required": "learning:required learning:required_end",
    "session": "learning:session learning:session_correct",
    "place": "duties:duty_new duties:place",
    "tenure": "duties:handover_new",
    "handover": "duties:handover duties:handover_file",
    "asset": "assets:asset assets:asset_act assets:asset_move",
    "spare": "assets:asset_issue",
    "issued": "assets:asset_return",
    "fund": "funds:commitment_new funds:contribution_new funds:fund funds:payment_new funds:rate_new funds:source_new",
    "entry": "funds:entry funds:reversal_new",
    "proposal": "funds:proposal funds:proposal_act",
    "rate": "funds:allowance_pay funds:allowance_use funds:rate funds:rate_villages",
    "subsidy": "funds:subsidy",
    "commitment": "funds:commitment funds:delivery_new",
    "campaign": """supervision:campaign supervision:day_list supervision:draw_list supervision:inspector_list supervision:object_list
        supervision:plan_list supervision:problem_list supervision:visit_list""",
    "campaign_object": "supervision:visit_add",
    "campaign_problem": "supervision:problem",
    "draw": "supervision:draw supervision:draw_frame",
    "recheck": "supervision:recheck",
    "unit_plan": "supervision:plan",
    "inspection": "supervision:visit",
    "maintenance": "network:maintenance network:maintenance_cancel",
    "outage": "network:outage",
    "probe": "network:probe network:probe_stop",
    "facility": "plans:facility_return",
    "note": "plans:note",
    "outlet": "plans:outlet",
    "upgrade": "plans:upgrade",
    "certificate": "production:certificate_revoke",
    "contest": "production:contest",
    "contest_act": "production:contest_act",
    "work": "production:sheet",
    "resource_plan": "production:plan_lines",
    "edition": "programmes:bulletin_act programmes:bulletin_deliveries programmes:bulletin_edition",
    "series": "programmes:bulletin_series",
    "channel": "programmes:channel programmes:channel_act programmes:channel_package",
    "departure": "programmes:departure",
    "live": "programmes:live programmes:live_act",
    "notice": "programmes:notice programmes:notice_confirm programmes:notice_recall",
    "medium": "programmes:outlet_end",
    "publication": "programmes:publication programmes:publication_act",
    "theme": "programmes:theme",
    "import": """register:import register:import_apply register:import_cancel register:import_changes register:import_progress
        register:import_undo""",
    "import_with_faults": "register:import_returned",  # of its own: cancelling takes the file away, and no rollback brings it back
    "person": "register:person register:person_password",
    "returned": "register:sighting_returned",
    "unit": "burden:unit",
    "approval": "burden:approval",
    "survey": "surveys:frame_list surveys:survey surveys:visit_list",
    "visit": "surveys:visit",
    "document": "reports:document reports:refresh",
    "circular": "reports:approve reports:ask reports:give_back",
    "circular_notice": "reports:notice",
    "circular_figure": "reports:notice_rows",
    "document_file": "reports:download",
    "document_figure": "reports:figure",
}
THING_OF = {route: thing for thing, routes in THINGS.items() for route in routes.split()}


@dataclass
class County:
    """The world of the matrix: who asks, and the arguments by which each thing is named in an address."""

    cast: Cast
    at: datetime
    film: Path
    named: dict[str, tuple[object, ...]] = field(default_factory=dict)
    clients: dict[tuple[str, Role], Client] = field(default_factory=dict)

    def by(self, role: Role) -> Actor:
        """The person of this role in the county."""
        return self.cast.actor(f"in_{role}", on=local_day(self.at))

    def client(self, side: str, role: Role) -> Client:
        """A browser of the person of this role, `side` being "in" or "out"."""
        if (side, role) not in self.clients:
            client = self.clients[side, role] = Client()
            client.force_login(self.cast.accounts[f"{side}_{role}"], backend="django.contrib.auth.backends.ModelBackend")
        return self.clients[side, role]

    def address(self, route: str) -> str:
        """The address of the route for the county's thing."""
        names = dict(house.views())[route].pattern.converters
        return reverse(route, kwargs=dict(zip(names, self.named[THING_OF[route]], strict=True)))

    def name(self, **things: object) -> None:
        """Keep how things are named: by uid, or by what is given."""
        for name, thing in things.items():
            self.named[name] = thing if isinstance(thing, tuple) else (thing.uid,)  # type: ignore[attr-defined]


def build_county(cast: Cast, at: datetime, film: Path) -> County:
    """All of it."""
    county = build_orders(cast, at, film)
    for build in (_flow, _learning, _plans, _courseware, _production, _programmes, _register, _reports):
        build(county)
    assert county.named.keys() == THINGS.keys()
    return county


def build_orders(cast: Cast, at: datetime, film: Path) -> County:
    """Its people, and what is kept of objects, orders, items and duties: all that stands without a film."""
    county = County(cast, at, film)
    for number, role in enumerate(ROLES):
        _engage(cast, f"in_{role}", role, INSIDE.get(role, "ZZ-990101"), 2 * number)
        _engage(cast, f"out_{role}", role, OUTSIDE.get(role, "ZZ-990102"), 2 * number + 1)
    for build in (_network, _items, _faults, _supervision, _duties, _assets, _funds, _surveys, _burden):
        build(county)
    return county


def _engage(cast: Cast, username: str, role: Role, unit: str, number: int) -> None:
    person = people.add_person(name=f"{role}{number}", unit=cast.units[unit], phone=f"139000{number:05}")
    cast.people[username] = person
    cast.accounts[username] = people.open_account(person=person, username=username, password=PASSWORD)
    people.appoint(person=person, unit=cast.units[unit], role=role, on=SINCE)


def _network(county: County) -> None:
    cast, at, hour = county.cast, county.at, timedelta(hours=1)
    site, who = cast.sites["S-990101100200"], {"by": county.by(Role.CITY_ADMIN), "at": at}
    window = network.announce_maintenance(subject=site, start=at + 48 * hour, end=at + 50 * hour, document="柳〔2026〕1号", **who)
    outage = Outage.objects.create(
        object=network_queries.object_by_code(site.code), started_at=at, started_lo=at, started_hi=at, detected_at=at,
        fault_class="equipment", affected_count=1,
    )  # fmt: skip
    county.name(
        site=(site.code,), edge=("E-990101",), line=("L-990101100",), maintenance=window, outage=outage,
        probe=network.add_probe(subject=site, method="tcp", host="192.0.2.7", port=80, **who),
    )  # fmt: skip


def _flow(county: County) -> None:
    scope = county.cast.divisions["990101000000"].path
    node = Node.objects.create(
        kind="edge", name="柳溪县边缘", public_key=bytes(32), subject_code="E-990101", scope=scope, enrolled_at=county.at
    )
    entry = Entry.objects.create(
        origin=node, seq=1, kind="network.deaf/1", at=county.at, received_at=county.at, payload=b"{}", entry_hash=bytes(32)
    )
    Unapplied.objects.create(entry=entry, reason="ValidationError: x", since=county.at, tried_at=county.at)
    county.name(waiting_entry=(node.uid, 1))


def _items(county: County) -> None:
    """A task of the county's operator, still a draft: who gives such things out may change it, who does them sees it."""
    cast = county.cast
    task = items.create_item(
        kind=ItemKind.TASK, title="逐站检修", division=cast.divisions["990101000000"], lead_unit=cast.units["DX-990101"],
        by=county.by(Role.CITY_ADMIN), at=county.at,
    )  # fmt: skip
    county.name(task=(task.code,))


def _faults(county: County) -> None:
    cast, at = county.cast, county.at
    faults.ensure_dictionaries()
    clerk, site = county.by(Role.HOTLINE_CLERK), cast.sites["S-990101100200"]
    report, handling = faults.take_call(site=site, symptom="no_play", by=clerk, at=at)
    training = faults.record_training(
        division=cast.divisions["990101000000"], on=local_day(at), topic="机顶盒操作", by=county.by(Role.COUNTY_OFFICER), at=at
    )
    term = ServiceTerm.objects.order_by("pk")[0]
    assert handling.order is not None
    agreement = faults.sign_agreement(
        number="柳维〔2026〕1号", title="维护协议", client=cast.units["ZZ-990101"], operator=cast.units["DX-990101"],
        valid_from=date(2026, 1, 1), valid_to=date(2026, 12, 31), counting="clock", opens=time(8), closes=time(18),
        by=county.by(Role.CITY_ADMIN), at=at,
    )  # fmt: skip
    faults.draft_urging(item=handling.order.item, rung=Rung.FIRST, at=at)
    county.name(agreement=agreement, urging=(Urging.objects.first().pk,))  # type: ignore[union-attr]
    county.name(report=(report.receipt_code,), order=(handling.order.item.code,), training=(training.pk,), term=(term.pk,))


def _supervision(county: County) -> None:
    """A campaign of the county, run by its people: one visit with a problem put right on the spot, which is to be looked at again."""
    cast, who, on = county.cast, {"by": county.by(Role.CITY_ADMIN), "at": county.at}, local_day(county.at)
    home = cast.divisions["990101000000"]
    campaign = supervision.open_campaign(
        title="集中整顿月", document="柳〔2026〕6号", unit=cast.units["ZZ-990101"], places=[home], starts_on=on,
        ends_on=on + timedelta(days=29),
        plan_due_on=on + timedelta(days=9), targets={Measure.OPEN: 0}, **who,
    )  # fmt: skip
    campaign = supervision.start_campaign(campaign=campaign, **who)
    inspector = supervision.appoint_inspector(
        campaign=campaign, person=cast.people[f"in_{Role.LEADER}"], line=SupervisionLine.LEADER, place=home, valid_from=on,
        valid_to=on + timedelta(days=30), **who,
    )  # fmt: skip
    drawn = supervision.draw_visits(campaign=campaign, place=home, inspector=inspector, count=9, method=Method.SPOT_CHECK, **who)
    leader, (visit, left) = {"by": county.by(Role.LEADER), "at": county.at}, drawn.visits.order_by("target__code")[:2]
    fixed = supervision.Fixed("值班员", "换好", "能播放", "看了一段")
    record = supervision.VisitRecord(found=Found.PROBLEM, problem=ProblemKind.EQUIPMENT, fixed=fixed)
    supervision.file_visit(visit=visit, record=record, **leader)
    problem = visit.problems.get()
    again = supervision.draw_rechecks(campaign=campaign, place=home, percent=100, **who)
    county.name(
        campaign=campaign, campaign_object=(campaign.uid, visit.target.code), campaign_problem=(problem.item.code,), draw=drawn,
        recheck=again.rechecks.get(), unit_plan=(campaign.plans.order_by("pk")[0].pk,), inspection=left,
    )  # fmt: skip


def _duties(county: County) -> None:
    cast, by, at = county.cast, county.by(Role.COUNTY_OFFICER), county.at
    place, unit = cast.divisions["990101100200"], cast.units["ZZ-990101100200"]
    tenure = duties.name_responsible(named=duties.Named("刘建国", unit), division=place, kind="liaison", on=local_day(at), by=by, at=at)
    manager = cast.people["zhanguan"].responsibilities.get(kind="site_manager")
    sheet = duties.hand_over(tenure=manager, to=None, vacancy="外出务工", on=local_day(at), by=by, at=at)
    county.name(place=(place.code,), tenure=tenure, handover=sheet)


def _surveys(county: County) -> None:
    """A survey of the county, given out, so that its villages are visited."""
    today, who = local_day(county.at), {"by": county.by(Role.CITY_ADMIN), "at": county.at}
    place = county.cast.divisions["990101000000"]
    survey = surveys.make_survey(division=place, title="百村调查", frame_on=today, size=4, due_on=today + timedelta(days=20), **who)
    surveys.open_survey(survey=survey, **who)
    county.name(survey=survey, visit=survey.visits.all()[0])


def _burden(county: County) -> None:
    """A cap that is reached, and leave asked for by the county's officer for a task that would go over it."""
    officer, month = {"by": county.by(Role.COUNTY_OFFICER), "at": county.at}, local_day(county.at).replace(day=1)
    unit = county.cast.units["ZZ-990101"]
    about = burden.Wanted("item:1", "逐站检修", unit, month, "报送材料 0 → 1（上限 0）")
    county.name(unit=(unit.code,), approval=burden.ask_approval(about=about, reason="汛期将至", **officer))


def _assets(county: County) -> None:
    """A box at a site, one in the county's store, one issued to a unit of the county."""
    cast, on = county.cast, local_day(county.at)
    who: dict[str, Any] = {"by": county.by(Role.COUNTY_OFFICER), "at": county.at}
    site, store = {"place": "S-990101100200"}, {"store": "ZZ-990101"}
    box, spare, out = (
        assets.enter_asset(code=code, kind="机顶盒", standing=standing, details={}, **who)
        for code, standing in (("A-in-1", site), ("A-in-2", store), ("A-in-3", store))
    )
    assets.issue_asset(asset=out, unit=cast.units["ZZ-990101100"], taker="刘建国", document="", on=on, **who)
    county.name(asset=box, spare=spare, issued=out)


def _funds(county: County) -> None:
    """The county's own fund, kept by its officer."""
    at, home = county.at, county.cast.divisions["990101000000"]
    who: dict[str, Any] = {"by": county.by(Role.COUNTY_OFFICER), "at": at}
    source = funds.NewSource(SourceKind.FISCAL, "县财政局", 10_000)
    fund = funds.open_fund(code="LX", name="柳溪维护基金", division=home, document="文", sources=[source], on=local_day(at), **who)
    given = funds.enter_contribution(source=fund.sources.get(), amount_fen=900_000, purpose="拨款", document="", **who)
    proposal = funds.propose_payment(
        kind=EntryKind.PAYMENT, source=fund.sources.get(), amount_fen=1_000, category=Category.REPAIR, division=home, purpose="维修",
        payee="电信", document="", **who,
    )  # fmt: skip
    rate = funds.set_allowance_rate(fund=fund, year=2026, rate_fen=1_000, counted_on=local_day(at), document="文", **who)
    subsidy = funds.apply_for_subsidy(fund=fund, division=home, purpose="升级", asked_fen=9, own_fen=1, document="文", **who)
    promise = funds.enter_commitment(
        source=fund.sources.get(), division=home, what="机顶盒", count=9, unit_fen=100, due_on=local_day(at), document="协议", **who
    )
    county.name(fund=fund, entry=given, proposal=proposal, rate=rate, subsidy=subsidy, commitment=promise)


def _learning(county: County) -> None:
    cast, at, today = county.cast, county.at, local_day(county.at)
    who = {"by": county.by(Role.COUNTY_OFFICER), "at": at}
    place = {"unit": cast.units["ZZ-990101"], "place": cast.divisions["990101000000"]}
    distribution = learning.begin_distribution(
        title="读本",
        edition="第 1 版",
        form=CopyForm.PRINTED,
        item=None,
        document="柳〔2026〕2号",
        level=Level.VILLAGE,
        each=1,
        **place,
        **who,
    )
    plan = learning.plan_study_day(
        title="学习日", unit=place["unit"], scope=place["place"].path, form=SessionForm.GROUP_VIEWING, start_time=time(15), minutes=60,
        starts_on=date(2026, 1, 1), days_of_month={2, 16}, **who,
    )  # fmt: skip
    required = learning.assign_required_list(
        title="必学", document="柳〔2026〕3号", level=Level.VILLAGE, starts_on=today, due_on=today + timedelta(days=20),
        items=[ItemShown(uid=new_uid(), title="养猪技术")], **place, **who,
    )  # fmt: skip
    session = learning.record_session(
        uid=new_uid(), site=cast.sites["S-990101100200"], plan=None, held=learning.SessionRecord(held_at=at, heads_onsite=9), **who
    )
    letter = learning.issue_letter(title="一封信", body="{单位}请您收看。", plan=None, **place, **who)
    line = (distribution.lines.order_by("pk")[0].pk,)
    county.name(distribution=distribution, distribution_line=line, plan=plan, required=required, session=session, letter=letter)


def _plans(county: County) -> None:
    cast, who = county.cast, {"by": county.by(Role.COUNTY_OFFICER), "at": county.at}
    home, site, on = cast.divisions["990101000000"], cast.sites["S-990101100200"], local_day(county.at)
    facility = plans.lend_facility(
        name="会议室",
        owner="县文化馆",
        division=home,
        permitted_use="集中收看",
        lent_on=on,
        ends_on=on + timedelta(days=300),
        document="协议",
        **who,
    )
    plans.set_cost_shares(site=site, shares=[("远程教育", 2), ("农家书屋", 1)], **who)
    plans.open_outlet(site=site, opened_on=on, document="", **who)
    county.name(
        facility=facility, outlet=(site.code,),
        note=plans.write_practice_note(division=home, title="包片巡检", words="每周走一遍。", **who),
        upgrade=plans.plan_upgrade(site=site, to_mode="pc", work="", planned_on=on, cost_cents=1, document="", **who),
    )  # fmt: skip


def _made(county: County, title: str, kind: Kind = Kind.ARTICLE) -> Courseware:
    """A draft of the county's producer; an article with a picture and words."""
    who = {"by": county.by(Role.PRODUCER), "at": county.at}
    row = courseware.create_courseware(title=title, kind=kind, item_class=CoursewareClass.SERVICE, source=CoursewareSource.OWN, **who)
    if kind is Kind.ARTICLE:
        courseware.add_picture(courseware=row, content=photo(), caption="晒种", **who)
        courseware.write_article(courseware=row, source="晒种两天，再用盐水选种。\n\n[图1]", **who)
    return row


def _courseware(county: County) -> None:
    at, officer = county.at, {"by": county.by(Role.COUNTY_OFFICER), "at": county.at}
    producer, reviewer = {"by": county.by(Role.PRODUCER), "at": at}, {"by": county.by(Role.REVIEWER), "at": at}
    unit, home = county.cast.units["ZZ-990101"], county.cast.divisions["990101000000"]
    column = courseware.open_column(title="柳溪课堂", owner=unit, visible_from=SINCE, audience=home.path, **officer)
    draft, waiting, approved, offered = (_made(county, title) for title in ("草稿", "待审", "待发布", "报送"))
    for row in (waiting, approved):
        courseware.submit_courseware(courseware=row, **producer)
        row.refresh_from_db()
    courseware.approve_courseware(courseware=approved, **reviewer)
    item = courseware.publish_file(
        path=county.film, title="春季仔猪保温", author=producer["by"], reviewer=reviewer["by"], releaser=officer["by"], columns=[column],
        now=lambda: at,
    )  # fmt: skip
    profile = item.renditions.exclude(playlist="").order_by("pk")[0].profile
    bulk = courseware.open_bulk_import(department="县农业局", **producer)
    returned_path(bulk).parent.mkdir(parents=True, exist_ok=True)
    returned_path(bulk).write_bytes(b"PK")
    shown = courseware.add_shown_person(courseware=draft, name="张秀英", is_living=True, **producer)
    film = _made(county, "上传中", Kind.VIDEO)
    county.name(
        draft=draft, waiting_item=waiting, approved_item=approved, item=item, item_profile=(item.uid, profile), picture=(draft.uid, 1),
        shown_person=shown, placement=item.placements.get(), column=column,
        bulk=bulk,
        upload=courseware.begin_upload(courseware=film, filename="a.mp4", size_bytes=5, **producer),
        commission=courseware.open_commission(
            kind=CommissionKind.URGENT, title="防汛避险", unit=unit, due_at=at + timedelta(days=1), **officer
        ),
        offer=courseware.offer_courseware(courseware=offered, division=home, **producer),
    )  # fmt: skip


def _production(county: County) -> None:
    unit, who, on = county.cast.units["ZZ-990101"], {"by": county.by(Role.COUNTY_OFFICER), "at": county.at}, local_day(county.at)
    contest = production.open_contest(
        title="评选", unit=unit, entries_until=on + timedelta(days=9), criteria=[("内容", 100)], least_sheets=1, **who
    )
    work = production.enter_work(contest=contest, item=county.named["item"][0], by=county.by(Role.PRODUCER), at=county.at)  # type: ignore[arg-type]
    judge = production.ask_judge(contest=contest, person=county.cast.people[f"in_{Role.LEADER}"], **who)
    production.begin_judging(contest=contest, units={judge.pk: {judge.person.unit_id}}, **who)
    plan = production.add_resource_plan(
        title="规划", unit=unit, document="柳〔2026〕4号", lines=[production.Line("果树", 2026, 3, unit)], **who
    )
    paper = production.issue_certificate(holder="刘教授", reason="主讲", unit=unit, **who)
    county.name(contest=contest, contest_act=(contest.uid, "close"), work=work, resource_plan=plan, certificate=(paper.number,))


def _programmes(county: County) -> None:
    cast, at, on, day = county.cast, county.at, local_day(county.at), timedelta(days=1)
    unit, home, who = cast.units["ZZ-990101"], cast.divisions["990101000000"], {"by": county.by(Role.COUNTY_OFFICER), "at": at}
    item, column = county.named["item"][0], county.named["column"][0]
    Arrival.objects.create(item_uid=item, title="春季仔猪保温", path=home.path, released_at=at)
    series = programmes.open_bulletin(
        name="快讯", unit=unit, scope=home, sender="柳溪", address="https://edu.example.cn/", weekday=1, most=3, **who
    )
    medium = programmes.register_outlet(name="柳溪日报", unit=unit, registration="CN13-0001", connector=Connector.BY_HAND, **who)
    (publication,) = programmes.publish_on(item=item, outlets=[medium], address="https://edu.example.cn/", **who)  # type: ignore[arg-type]
    county.name(
        series=series, edition=programmes.draft_edition(series=series, **who), medium=medium, publication=publication,
        channel=programmes.open_channel(title="柳溪频道", unit=unit, audience=home.path, **who),
        departure=(Departure.objects.create(item_uid=uuid4(), title="已撤下", path=home.path, withdrawn_at=at).pk,),
        live=programmes.announce_live(
            title="现场会", unit=unit, starts_at=at + day, ends_at=at + day + timedelta(hours=1), signal="rtmp://192.0.2.9/live/1",
            audience=home.path, **who,
        ),
        notice=programmes.issue_notice(
            title="暴雨预警", body="请转移。", unit=unit, document="柳防汛〔2026〕1号", scope=home.path, ends_at=at + day, **who
        ),
        theme=programmes.open_theme(
            title="安全月", unit=unit, starts_on=on, ends_on=on + 9 * day, columns=[column], audience=home.path, **who  # type: ignore[list-item]
        ),
    )  # fmt: skip


def _register(county: County) -> None:
    admin = {"by": county.by(Role.CITY_ADMIN), "at": county.at}
    batch, faulty = (register.receive_file(name="台账.xlsx", chunks=[b"PK\x03\x04"], size_bytes=4, **admin) for _ in range(2))
    files.returned(faulty.uid).write_bytes(b"PK")
    returned = f"{county.by(Role.CITY_ADMIN).person_uid}_{uuid4()}.xlsx"
    returned_file(returned).parent.mkdir(parents=True, exist_ok=True)
    returned_file(returned).write_bytes(b"PK")
    county.name(**{"import": batch, "import_with_faults": faulty}, person=county.cast.people["zhanguan"], returned=(returned,))


def _reports(county: County) -> None:
    month = (local_day(county.at).replace(day=1) - timedelta(days=1)).replace(day=1)
    document = reports.draft_county_month(
        county=county.cast.divisions["990101000000"], month=month, by=county.by(Role.COUNTY_OFFICER), at=county.at
    )
    (path,) = county.by(Role.LEADER).paths(Permission.APPROVE_CIRCULARS)  # who decides has a post in a village here
    home = {"place_code": document.place_code, "place_name": document.place_name, "path": path}
    heading = {
        "template_version": 1,
        "addressee": "各单位",
        "signer": "市委组织部",
        "as_of": county.at,
        "rule": "规则",
        "drafted_at": county.at,
    }
    circular = Document.objects.create(kind=DocumentKind.CIRCULAR, first_day=month, **home, **heading)
    told = Notice.objects.create(document=circular, facts="故障率6%", sent_at=county.at, reply_until=county.at + timedelta(days=5), **home)
    said = {"section": "站点运行", "label": "畅通率", "measure": "rate", "table": "sites", "text": "94.00%"}
    Figure.objects.create(
        document=circular,
        key=f"town-{document.place_code}-rate",
        position=0,
        path=document.path,
        population=0,
        cut_off_at=county.at,
        **said,
    )
    county.name(circular=circular, circular_notice=told, circular_figure=(told.uid, "rate"))
    county.name(document=document, document_file=(document.uid, "docx"), document_figure=(document.uid, "sites"))


__all__ = ["ROLES", "THINGS", "THING_OF", "County", "build_county"]
