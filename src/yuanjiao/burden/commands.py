"""Writes of the burden meter: caps, approvals by a second person, keeping an ended month; and the check that rooms below call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core import signing
from django.db import IntegrityError, transaction
from django.urls import reverse

from yuanjiao.burden.models import Approval, Cap, FrozenAsked, FrozenMonth, UnitMonth
from yuanjiao.burden.queries import approved, asked_now, caps_of, is_frozen, load_now, standings, units_reached
from yuanjiao.burden.rules import CAPPED, MEASURE_NAMES, Caps, Load, Measure, growth, last_of, load_of, month_of, months_back
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib.asked import Asked, Weight
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Forbidden, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import OrgUnit
from yuanjiao.places.queries import lock_division, unit_by_code, units
from yuanjiao.places.rules import Level

SALT = "yuanjiao.burden.approval"
CHUNK = 1000
KEPT_MONTHS = 12
"""So many ended months are kept at the first start of a machine that has long been in use."""


@dataclass(frozen=True)
class Grown:
    """One unit's month with what would be added."""

    unit: OrgUnit
    month: date
    now: Load
    more: Load
    caps: Caps

    @property
    def over(self) -> list[Measure]:
        return growth(self.now, self.more, self.caps)

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(_sentence(one, self) for one in Measure if self.more.of(one))


def _sentence(one: Measure, grown: Grown) -> str:
    before, after = grown.now.of(one), (grown.now + grown.more).of(one)
    cap = f"（上限 {grown.caps[one]}）" if one in grown.caps else ""
    return f"{MEASURE_NAMES[one]} {before} → {after}{cap}"


def grown(asks: Sequence[Asked]) -> list[Grown]:
    """The months of all units these reach, with what they add."""
    reached: dict[tuple[str, date], list[Asked]] = {}
    known: dict[str, OrgUnit] = {}
    for one in asks:
        for unit in units_reached(one, one.due_on):
            known[unit.code] = unit
            reached.setdefault((unit.code, month_of(one.due_on)), []).append(one)
    return [
        Grown(known[code], month, load_now(known[code], month), load_of(some), caps_of(month).get(known[code].division.level, {}))
        for (code, month), some in sorted(reached.items())
    ]


class BurdenMeter:
    """`lib.asked.Meter`, as wiring passes it to the rooms below."""

    def weighed(self, asks: Sequence[Asked], *, subject: str, at: datetime) -> list[Weight]:
        """What these add to each unit's month; with the address where leave is asked for, where a cap stands in the way."""
        return [_weight(one, subject, _words(asks)) for one in grown(asks)]

    def require(self, asks: Sequence[Asked], *, subject: str, by: Any, at: datetime) -> None:
        """Refused while somebody would be over a cap without an approval. Of two who ask at once the second sees what the first asked."""
        if not asks or not any(any(caps_of(month_of(one.due_on)).values()) for one in asks):
            return
        for key in sorted({unit.division_id for one in asks for unit in units_reached(one, one.due_on)}):
            lock_division(key)
        over = [one for one in grown(asks) if one.over and not approved(subject, _words(asks), one.unit.code, one.month)]
        if over:
            told = "；".join(f"{one.unit.name} {one.month:%Y-%m} {'，'.join(one.lines)}" for one in over[:3])
            raise Refused(f"超出每月上限，须先经另一人批准：{told}{'；等' if len(over) > 3 else ''}")


def _words(asks: Sequence[Asked]) -> str:
    """What is asked, as an approval keeps it."""
    return asks[0].what[:160] if asks else ""


def _weight(one: Grown, subject: str, what: str) -> Weight:
    over = bool(one.over)
    has = over and approved(subject, what, one.unit.code, one.month)
    address = reverse("burden:approval_new") + "?about=" + _sealed(one, subject, what) if over and not has else ""
    return Weight(one.unit.name, one.month, one.lines, over, has, address)


def _sealed(one: Grown, subject: str, what: str) -> str:
    """What the approval is about, as this machine said it: nobody asks for leave in other words than the page used."""
    return signing.dumps([subject, what, one.unit.code, f"{one.month:%Y-%m-%d}", "，".join(one.lines)[:300]], salt=SALT, compress=True)


@dataclass(frozen=True)
class Wanted:
    """What somebody asks leave for."""

    subject: str
    what: str
    unit: OrgUnit
    month: date
    lines: str


def wanted(sealed: str) -> Wanted:
    """Read back what `weighed` gave; Refused for anything else."""
    try:
        subject, what, code, month, lines = signing.loads(sealed, salt=SALT)
    except signing.BadSignature:
        raise Refused("这个申请的链接不对，请回到交办的页面再点一次") from None
    return Wanted(subject, what, unit_by_code(code), date.fromisoformat(month), lines)


@transaction.atomic
def ask_approval(*, about: Wanted, reason: str, by: Actor, at: datetime) -> Approval:
    """Ask leave to go over a cap. Conflict when it has been asked for already."""
    if not (by.holds(Permission.ISSUE_ITEM) or by.holds(Permission.MAKE_SURVEY)):
        raise Forbidden("您的岗位不布置工作，不必申请")
    if by.person_uid is None or not reason.strip():
        raise Refused("请写明理由")
    try:
        with transaction.atomic():
            row = Approval.objects.create(
                subject=about.subject, what=about.what, unit_code=about.unit.code, unit_name=about.unit.name, path=about.unit.division.path,
                month=about.month, lines=about.lines, reason=reason.strip()[:300], asked_by=by.name[:50], asked_by_uid=by.person_uid,
                asked_at=at,
            )  # fmt: skip
    except IntegrityError:
        raise Conflict("这件事已经申请过") from None
    write_audit(by=by, action="申请超出负担上限", subject=f"{row.unit_name} {row.what}", at=at, detail=row.reason)
    return row


@transaction.atomic
def decide_approval(*, approval: Approval, granted: bool, decision: str, by: Actor, at: datetime) -> Approval:
    """Say yes or no, with a reason; never to one's own (two persons)."""
    by.require(Permission.APPROVE_BURDEN, approval.path)
    if by.person_uid is None or by.person_uid == approval.asked_by_uid:
        raise Forbidden("须由申请人以外的人批准")
    if not decision.strip():
        raise Refused("请写明意见")
    seen = Approval.objects.filter(pk=approval.pk, granted=None)
    said = {"granted": granted, "decision": decision.strip()[:300], "decided_by": by.name[:50], "decided_by_uid": by.person_uid}
    if not seen.update(decided_at=at, **said):
        raise Conflict("这份申请已经有人决定")
    write_audit(
        by=by, action="批准超出负担上限" if granted else "不批准超出负担上限", subject=str(approval), at=at, detail=decision.strip()
    )
    return Approval.objects.get(pk=approval.pk)


@transaction.atomic
def set_cap(*, level: int, measure: str, most: int | None, from_month: date, document: str, by: Actor, at: datetime) -> Cap:
    """Set the cap of a level from a month on (None: no cap any more). What was before stays; an ended month is not judged anew."""
    by.require(Permission.LIMIT_BURDEN)
    _require_all_of(level, by, at)
    if level not in set(Level) or measure not in CAPPED:
        raise Refused("请选择级别和计量")
    if not document.strip():
        raise Refused("请写明依据")
    if month_of(from_month) < month_of(local_day(at)):
        raise Refused("上限自本月或以后的月份起执行")
    row = Cap.objects.create(
        level=level, measure=measure, most=most, from_month=month_of(from_month), document=document.strip()[:100], set_by=by.name[:50],
        set_at=at,
    )  # fmt: skip
    write_audit(by=by, action="设定负担上限", subject=str(row), at=at, detail=row.document)
    return row


def _require_all_of(level: int, by: Actor, at: datetime) -> None:
    """A cap binds every unit of its level, so it is set by who answers for all of them."""
    bound = units(on=local_day(at)).filter(division__level=level)
    if bound.exclude(within("division__path", by.paths(Permission.LIMIT_BURDEN))).exists():
        raise Forbidden("上限对本级的所有单位有效，须由管辖全部这些单位的人设定")


def freeze_months(at: datetime) -> int:
    """Keep the months that have ended and are not kept yet, back to when this machine began; returns how many."""
    began = month_of(local_day(own_node().enrolled_at))
    ended = [month for month in months_back(local_day(at), KEPT_MONTHS + 1)[1:] if month >= began]
    waiting = [month for month in ended if not is_frozen(month)]
    for month in reversed(waiting):
        _freeze(month, at)
    return len(waiting)


@transaction.atomic
def _freeze(month: date, at: datetime) -> None:
    lines, found = asked_now(month, "/"), standings(month, "/", on=last_of(month))
    places = {one.code: one.path for one in found}
    kept = FrozenMonth.objects.create(month=month, frozen_at=at)
    FrozenAsked.objects.bulk_create(
        (
            FrozenAsked(
                month=kept, room=room, kind=one.kind, what=one.what[:160], due_on=one.due_on, fields=one.fields, times=one.times,
                unit=one.unit, path=places.get(one.unit, "") if one.unit else one.path, level=one.level, by=one.by[:100],
                link=" ".join(one.link)[:120],
            )
            for room, one in ((line.room, line.asked) for line in lines)
        ),
        batch_size=CHUNK,
    )  # fmt: skip
    UnitMonth.objects.bulk_create(
        (
            UnitMonth(
                month=kept, unit_code=one.code, unit_name=one.name, path=one.path, level=one.level, over=bool(one.over),
                **{measure.value: one.load.of(measure) for measure in Measure},
            )
            for one in found
        ),
        batch_size=CHUNK,
    )  # fmt: skip
