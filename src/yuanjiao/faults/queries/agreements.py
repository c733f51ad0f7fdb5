"""Reads of agreements: what is promised for a fault at a place, on which calendar; who is on duty; urging sheets in scope."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from yuanjiao.faults.models import AgreedHours, Agreement, CalendarDay, DutyTurn, Urging
from yuanjiao.faults.queries.dictionary import term_for
from yuanjiao.faults.rules import FaultClass, area_of
from yuanjiao.faults.rules.calendar import EXPIRY_WARNING_DAYS, FARTHEST_DAYS, Counting, DayKind, WorkCalendar, after
from yuanjiao.faults.rules.urging import Rung, addressees
from yuanjiao.items.models import Item
from yuanjiao.items.queries import overdue_items, stance_of
from yuanjiao.items.rules import WITH_OWNER, Act, ItemKind, permission_of, require_party
from yuanjiao.lib.clock import CHINA, local_day
from yuanjiao.lib.errors import Forbidden, NotFound
from yuanjiao.people.models import Person
from yuanjiao.people.queries import Responsible, responsible_for, within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division
from yuanjiao.places.queries import ancestors


@dataclass(frozen=True)
class Promise:
    """Until when an order dispatched now is to be answered and restored, and by which agreement ("" : the city's service terms)."""

    respond_due_at: datetime
    restore_due_at: datetime
    agreement_number: str


def promise_for(fault_class: str, division: Division, at: datetime) -> Promise:
    """By the agreement in force that lies nearest to the place and speaks of this class and area; else by the service terms."""
    chain = ancestors(division)
    area, on = area_of(row.urban_rural for row in reversed(chain)), local_day(at)
    rows = AgreedHours.objects.filter(
        agreement__division__code__in=[row.code for row in chain],
        agreement__valid_from__lte=on,
        agreement__valid_to__gte=on,
        fault_class=FaultClass(fault_class),
        area=area,
    )
    hours = rows.select_related("agreement").order_by("-agreement__division__level", "-agreement__valid_from", "-pk").first()
    if hours is None:
        return _by_terms(fault_class, division, at)
    agreement = hours.agreement
    counting, calendar = Counting(agreement.counting), calendar_from(on, agreement.opens, agreement.closes)
    try:
        respond, restore = (after(at, count, counting, calendar) for count in (hours.respond_hours, hours.restore_hours))
    except ValueError:  # the calendar has changed since the hours were entered: an order must be opened all the same
        return _by_terms(fault_class, division, at)
    return Promise(respond, restore, agreement.number)


def _by_terms(fault_class: str, division: Division, at: datetime) -> Promise:
    term = term_for(fault_class, division)
    return Promise(at + timedelta(hours=term.respond_hours), at + timedelta(hours=term.restore_hours), "")


def calendar_from(on: date, opens: time = time(8, 0), closes: time = time(18, 0)) -> WorkCalendar:
    """The official calendar from a day on, as far as any promise reaches."""
    rows = CalendarDay.objects.filter(on__gte=on, on__lte=on + timedelta(days=FARTHEST_DAYS))
    return WorkCalendar(CHINA, opens, closes, {day: DayKind(kind) for day, kind in rows.values_list("on", "kind")})


def agreements_seen_by(actor: Actor) -> QuerySet[Agreement]:
    """Agreements for places inside the actor's subtree, the soonest to end first."""
    rows = Agreement.objects.filter(within("division__path", actor.paths(Permission.SEE_ORDERS)))
    return rows.select_related("client", "operator", "division").order_by("valid_to", "number")


def agreement_seen_by(actor: Actor, number: str) -> Agreement:
    row = agreements_seen_by(actor).filter(uid=number).first()
    if row is None:
        raise NotFound("没有这份协议，或不在您负责的范围内")
    return row


def agreements_ending(actor: Actor, on: date) -> QuerySet[Agreement]:
    """Agreements that end within the warned days and have no successor of the same parties and place yet (OPS16)."""
    after_it = Agreement.objects.filter(operator=OuterRef("operator"), division=OuterRef("division"), valid_to__gt=OuterRef("valid_to"))
    soon = agreements_seen_by(actor).filter(valid_to__lte=on + timedelta(days=EXPIRY_WARNING_DAYS))
    return soon.filter(~Exists(after_it))


def calendar_days(year: int) -> QuerySet[CalendarDay]:
    return CalendarDay.objects.filter(on__year=year)


def duty_turns(paths: Iterable[str], on: date) -> QuerySet[DutyTurn]:
    """Turns of units inside the subtrees that are not over."""
    rows = DutyTurn.objects.filter(within("unit__division__path", paths), ends_on__gte=on)
    return rows.select_related("unit", "person").order_by("starts_on", "unit__code")


def on_duty(unit_id: int, on: date) -> Person | None:
    """Who is on duty for a unit on a day; None when nobody is entered."""
    row = DutyTurn.objects.filter(unit=unit_id, starts_on__lte=on, ends_on__gte=on).select_related("person").order_by("pk").first()
    return row.person if row else None


def overdue_without_sheet(at: datetime, rung: Rung, past: timedelta) -> QuerySet[Item]:
    """Items of every kind that are `past` their date with no sheet of this rung about it yet, the longest late first."""
    told = Urging.objects.filter(item=OuterRef("pk"), issued_at=OuterRef("issued_at"), due_at=OuterRef("due_at"), rung=rung)
    return overdue_items(at - past).filter(~Exists(told)).select_related("division", "lead_unit").order_by("due_at", "pk")


class Answering:
    """Whom to tell about what is late on one day; who answers for a place, and who is on duty for a unit, is looked up once."""

    def __init__(self, on: date) -> None:
        self._on = on
        self._places: dict[int, list[Responsible]] = {}
        self._duty: dict[int, Person | None] = {}

    def addressees(self, item: Item, rung: Rung) -> list[tuple[Person, str, bool]]:
        """Each person once, with the chain and whether they are told because they are on duty: that goes before."""
        if item.division_id not in self._places:
            self._places[item.division_id] = responsible_for(item.division, on=self._on)
        found = {row.person.pk: (row.person, str(row.chain), False) for row in addressees(self._places[item.division_id], rung)}
        unit = item.lead_unit
        if rung is Rung.DIRECT and unit is not None:
            if unit.pk not in self._duty:
                self._duty[unit.pk] = on_duty(unit.pk, self._on)
            duty = self._duty[unit.pk]
            if duty is not None:
                found[duty.pk] = (duty, unit.chain, True)
        return list(found.values())


def urgings_seen_by(actor: Actor) -> QuerySet[Urging]:
    """Sheets about orders and about items of other kinds, each inside the subtree where the actor reads such items, newest first."""
    order = Q(item__kind=ItemKind.WORK_ORDER)
    orders, others = (within("item__division__path", actor.paths(one)) for one in (Permission.SEE_ORDERS, Permission.SEE_ITEMS))
    rows = Urging.objects.filter((order & orders) | (~order & others))
    return rows.select_related("item__division", "item__lead_unit", "person__unit").order_by("-drafted_at", "-pk")


def sheets_still_so(at: datetime) -> QuerySet[Urging]:
    """Sheets whose item is late as they say: with its owner, not given out anew since, and due at that date."""
    return Urging.objects.filter(item__state__in=WITH_OWNER, item__issued_at=F("issued_at"), item__due_at=F("due_at"), due_at__lte=at)


def require_decider(urging: Urging, by: Actor) -> None:
    """Who may hand the item back decides about its sheet: never its owner, nor the person it goes to. Forbidden or NotFound for others."""
    by.require(permission_of(urging.item.kind, Act.RETURN), urging.item.division.path)
    require_party(Act.RETURN, stance_of(urging.item, by))
    if by.person_uid == urging.person.uid:
        raise Forbidden("催办单不能由收单的人自己审批")


def may_decide(urging: Urging, actor: Actor) -> bool:
    """Whether the sheet waits for a decision that this person may make."""
    try:
        require_decider(urging, actor)
    except (Forbidden, NotFound):
        return False
    return urging.approved is None


def urging_seen_by(actor: Actor, pk: int) -> Urging:
    row = urgings_seen_by(actor).filter(pk=pk).first()
    if row is None:
        raise NotFound("没有这张催办单，或不在您负责的范围内")
    return row
