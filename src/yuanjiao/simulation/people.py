"""What the people of the made-up city do: report some faults, repair, verify, hold study days. All through the rooms' commands."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from yuanjiao.faults import commands as faults
from yuanjiao.faults import queries as faults_now
from yuanjiao.faults.models import WorkOrder
from yuanjiao.faults.queries.acceptance import acceptance_check
from yuanjiao.faults.rules import Channel
from yuanjiao.items.rules import Answer, State, ThreeAnswers
from yuanjiao.learning import commands as learning
from yuanjiao.learning import queries as learning_now
from yuanjiao.lib.clock import CHINA, local_day
from yuanjiao.lib.errors import YuanjiaoError
from yuanjiao.lib.uid import new_uid
from yuanjiao.network import queries as network
from yuanjiao.network.models import Site
from yuanjiao.people.models import Account, Membership
from yuanjiao.people.queries import actor_of
from yuanjiao.people.rules import SYSTEM, Actor, Role
from yuanjiao.simulation.behaviour import Condition, TrueFault
from yuanjiao.simulation.city import City, SimSite

log = logging.getLogger(__name__)
YES = Answer(yes=True, evidence="站点播放测试已通过，回访正常")
STUDY_HOUR = 15
HOLDS_STUDY_DAY = 0.8


@dataclass
class People:
    """The clerk, the engineers and officers of each county, the managers of sites; `haste` makes them as quick as the faults."""

    city: City
    haste: float = 1.0
    _actors: dict[str, Actor] = field(default_factory=dict)
    _last: datetime | None = None

    def act(self, now: datetime, known: Sequence[TrueFault], condition: Condition) -> None:
        """Do what fell due since the last turn. A refusal is part of life: it is logged and the person goes on."""
        since, self._last = self._last or now, now
        for fault in known:
            if fault.reported_at and since < fault.reported_at <= now:
                self._try(self._report, fault, now)
        for order in self._open_orders():
            self._try(self._work_on, order, known, now)
        if self._is_study_time(since, now):
            self._hold_study_day(now, condition)

    def _try(self, deed: object, *arguments: object) -> None:
        try:
            deed(*arguments)  # type: ignore[operator]
        except YuanjiaoError as error:
            log.debug("%s: %s", getattr(deed, "__name__", ""), error.message)

    def _open_orders(self) -> Iterable[WorkOrder]:
        wanted = [State.ISSUED, State.ACCEPTED, State.IN_PROGRESS, State.RETURNED, State.SUBMITTED]
        return list(faults_now.orders_seen_by(SYSTEM).filter(item__state__in=wanted))

    def _report(self, fault: TrueFault, now: datetime) -> None:
        site = network.object_by_code(self._site_that_notices(fault).code)
        by = self._person(Role.HOTLINE_CLERK, "/") if fault.channel == Channel.PHONE else SYSTEM
        faults.report_fault(site=site, channel=Channel(fault.channel), symptom="no_play", words="打不开节目", by=by, at=now)

    def _site_that_notices(self, fault: TrueFault) -> SimSite:
        behind = [one for one in self.city.sites() if fault.object_code in {one.code, one.line, one.edge, "U" + one.edge[1:]}]
        return random.Random(fault.start.timestamp()).choice(behind)

    def _work_on(self, order: WorkOrder, known: Sequence[TrueFault], now: datetime) -> None:
        item, patience = order.item, timedelta(minutes=30 / self.haste)
        path = order.subject.division.path
        if item.state == State.SUBMITTED:
            self._verify(order, path, now)
            return
        engineer = self._engineer(order)
        if item.state == State.ISSUED and item.issued_at and now - item.issued_at >= patience:
            faults.accept_order(order=order, by=engineer, at=now)
        elif item.state in {State.ACCEPTED, State.RETURNED}:
            faults.start_order(order=order, by=engineer, at=now)
        elif item.state == State.IN_PROGRESS:
            self._submit(order, engineer, known, now)

    def _submit(self, order: WorkOrder, engineer: Actor, known: Sequence[TrueFault], now: datetime) -> None:
        code = order.subject.code
        own = {code, "U" + code[1:]} if code.startswith("E-") else {code}
        past = [fault for fault in known if fault.object_code in own and fault.start <= now]
        if not past or past[-1].end > now:
            return
        fault = past[-1]
        faults.submit_order(order=order, fault_class=fault.fault_class, cause=fault.cause, note="已现场处理，恢复正常", by=engineer, at=now)

    def _verify(self, order: WorkOrder, path: str, now: datetime) -> None:
        if not acceptance_check(order, at=now).passed:
            return
        officer = self._person(Role.COUNTY_OFFICER, path)
        order = faults.verify_order(order=order, answers=ThreeAnswers(done=YES, solved=YES, changed=YES), by=officer, at=now)
        faults.close_order(order=order, by=officer, at=now)

    def _engineer(self, order: WorkOrder) -> Actor:
        return self._person(Role.ENGINEER, order.subject.division.path, order.item.lead_unit_id)

    def _person(self, role: Role, path: str, unit_id: int | None = None) -> Actor:
        """Somebody of that role whose unit covers the place; the nearest one, the system itself when there is nobody."""
        key = f"{role}{path}{unit_id}"
        if key not in self._actors:
            rows = Membership.objects.filter(role=role, valid_to=None).select_related("unit__division", "person__account")
            fitting = [row for row in rows if path.startswith(row.unit.division.path) or path == "/"]
            if unit_id is not None:
                fitting = [row for row in fitting if row.unit_id == unit_id] or fitting
            nearest = max(fitting, key=lambda row: len(row.unit.division.path), default=None)
            account = Account.objects.filter(person=nearest.person_id).first() if nearest else None
            self._actors[key] = actor_of(account, on=nearest.valid_from) if account and nearest else SYSTEM
        return self._actors[key]

    def _is_study_time(self, since: datetime, now: datetime) -> bool:
        start = datetime.combine(local_day(now), time(STUDY_HOUR), tzinfo=CHINA)
        return since < start <= now

    def _hold_study_day(self, now: datetime, condition: Condition) -> None:
        day = local_day(now)
        places = {site.code: site for site in network.sites_in(["/"])}
        for site in self.city.sites():
            draw = random.Random(f"{self.city.plan.seed}/{site.code}/{day}")
            works = condition.site_works(site.code, site.line)
            if works and site.code in places and draw.random() < HOLDS_STUDY_DAY:
                self._try(self._record_session, places[site.code], day, draw, now)

    def _record_session(self, site: Site, day: date, draw: random.Random, now: datetime) -> None:
        plan = next(iter(learning_now.plans_of_day(site.division.path, day)), None)
        if plan is None:
            return
        held = learning.SessionRecord(held_at=now - timedelta(minutes=5), heads_onsite=draw.randint(8, 40), minutes=plan.minutes)
        learning.record_session(uid=new_uid(), site=site, plan=plan, held=held, by=SYSTEM, at=now)
