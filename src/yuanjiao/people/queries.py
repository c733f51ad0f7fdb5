"""Reads about people: who somebody is, what they may see, who answers for a place."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.conf import settings
from django.db.models import Case, Q, QuerySet, When

from yuanjiao.lib.errors import Conflict, NotFound
from yuanjiao.lib.seal import digest, mask_phone, phone_digits, unseal
from yuanjiao.people.models import Account, AuditRow, Membership, Person, Responsibility, ResponsibilityKind
from yuanjiao.people.rules import POST_OF_KIND, Actor, Grant, Role, is_mobile
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.places.queries import ancestors, in_subtrees, valid_on
from yuanjiao.places.rules import Chain


def actor_of(account: Account, *, on: date) -> Actor:
    """The account's person with the memberships in force on that day; leaving ends access the same day."""
    rows = Membership.objects.filter(valid_on(on), person=account.person_id).select_related("unit__division")
    grants = tuple(Grant(Role(row.role), row.unit.division.path, row.unit_id) for row in rows)
    return Actor(name=account.person.name, person_uid=account.person.uid, grants=grants)


def within(field: str, paths: Iterable[str]) -> Q:
    """A filter for rows whose division path `field` lies under any of `paths`; nothing when there are none."""
    return in_subtrees(field, paths)


def phone_of(person: Person) -> str:
    """The whole telephone number. Show `masked_phone` unless the reader's work needs to dial."""
    return unseal(bytes(person.phone_sealed), settings.SECRET_KEY)


def masked_phone(person: Person) -> str:
    return mask_phone(phone_of(person))


def person_by_uid(uid: UUID) -> Person:
    """The person behind an actor or a travelled row; NotFound when this machine does not know them."""
    row = Person.objects.filter(uid=uid).select_related("unit__division").first()
    if row is None:
        raise NotFound("没有这个人员")
    return row


def own_unit_first(found: Iterable[OrgUnit], by: Actor) -> list[OrgUnit]:
    """Units to choose from, the person's own before the others: that is what a form proposes."""
    own = {grant.unit_id for grant in by.grants}
    return sorted(found, key=lambda unit: unit.pk not in own)


def people_by_phone(number: str) -> QuerySet[Person]:
    """People with exactly this number, however it is written."""
    return Person.objects.filter(phone_digest=digest(phone_digits(number), settings.SECRET_KEY)).exclude(phone_digest="")


@dataclass(frozen=True)
class Responsible:
    """One person who answers for a place, as pages and orders show it."""

    person: Person
    unit_name: str
    chain: str
    kind: str
    kind_name: str
    division_name: str
    level: int
    object_code: str = ""
    division_code: str = ""
    valid_from: date | None = None
    uid: UUID | None = None


def responsible_for(
    division: Division, *, on: date, subject: str = "distance_education", object_code: str = "", with_objects: bool = False
) -> list[Responsible]:
    """Everyone who answers for the place or a place above it on that day, nearest place first, then chain and kind.

    With `object_code`, or `with_objects` (all that the place was named for, be it gone since), those who answer for the objects come
    before the others. Places have the names of that day.
    """
    names = {row.code: row.name for row in ancestors(division, on=on)}
    wanted = Q(object_code="", division__code__in=list(names))
    if object_code:
        wanted |= Q(object_code=object_code)
    if with_objects:
        wanted |= ~Q(object_code="") & Q(division__code=division.code)
    rows = (
        Responsibility.objects.filter(valid_on(on), wanted, subject=subject)
        .select_related("person", "unit", "division")
        .order_by("-division__level", Case(When(object_code="", then=1), default=0), "chain", "kind", "valid_from", "pk")
    )
    return [
        Responsible(
            person=row.person,
            unit_name=row.unit.name,
            chain=row.chain,
            kind=row.kind,
            kind_name=ResponsibilityKind(row.kind).label,
            division_name=names.get(row.division.code, row.division.name),
            level=row.division.level,
            object_code=row.object_code,
            division_code=row.division.code,
            valid_from=row.valid_from,
            uid=row.uid,
        )
        for row in rows
    ]


@dataclass(frozen=True)
class Reachable:
    """One person who answers for a place, as far as a message to them needs it. `mobile` is empty without a mobile number."""

    person_uid: UUID
    unit_name: str
    division_name: str
    mobile: str
    digest: str


def reachable_inside(path: str, *, on: date, subject: str = "distance_education") -> list[Reachable]:
    """Each person who answers for a place of the subtree on that day, once, in the order of places; operators are not among them."""
    rows = (
        Responsibility.objects.filter(valid_on(on), division__path__under=path, subject=subject)
        .exclude(chain=Chain.OPERATOR)
        .select_related("person", "unit", "division")
        .order_by("division__code", "kind", "pk")
    )
    found: dict[UUID, Reachable] = {}
    for row in rows:
        if row.person.uid not in found:
            found[row.person.uid] = reachable(row.person, row.unit.name, row.division.name)
    return list(found.values())


def reachable(person: Person, unit_name: str = "", division_name: str = "") -> Reachable:
    """The person as a message would reach them now."""
    digits = phone_digits(phone_of(person))
    mobile = digits if is_mobile(digits) else ""
    return Reachable(person.uid, unit_name, division_name, mobile, person.phone_digest if mobile else "")


def sharing_number(uids: Iterable[UUID]) -> set[UUID]:
    """These persons, and whoever is entered with a number of one of them."""
    asked = set(uids)
    digests = Person.objects.filter(uid__in=asked).exclude(phone_digest="").values("phone_digest")
    return asked | set(Person.objects.filter(phone_digest__in=digests).values_list("uid", flat=True))


def actor_of_person(person_uid: UUID, *, on: date) -> Actor:
    """The actor behind a person's uid on that day, for work that goes on after the request; NotFound without an active account."""
    account = Account.objects.select_related("person").filter(person__uid=person_uid, is_active=True).first()
    if account is None:
        raise NotFound("办理人的账号已经停用")
    return actor_of(account, on=on)


def people_rows() -> QuerySet[Person]:
    """Everybody with unit and division; narrow it by `within`."""
    return Person.objects.select_related("unit__division").order_by("unit__code", "name", "pk")


def responsibilities_open() -> QuerySet[Responsibility]:
    """Responsibilities for places (not for single objects) that have not ended: what the register's sheet says."""
    return tenures().filter(valid_to=None, object_code="").order_by("pk")


def tenures() -> QuerySet[Responsibility]:
    """Every tenure, ended ones too, the newest first."""
    return Responsibility.objects.select_related("person", "unit", "division").order_by("-valid_from", "-pk")


def tenures_on(day: date) -> QuerySet[Responsibility]:
    """Tenures in force on a day."""
    return tenures().filter(valid_on(day))


def tenure_by_uid(uid: UUID, paths: Iterable[str]) -> Responsibility:
    """One tenure of a place under the paths; NotFound otherwise."""
    row = tenures().filter(within("division__path", paths), uid=uid).first()
    if row is None:
        raise NotFound("没有这项责任，或不在您负责的范围内")
    return row


def posts_of_tenure(tenure: Responsibility, *, on: date, roles: Collection[Role]) -> list[tuple[Membership, date]]:
    """The posts in the tenure's unit that end with it, each with its day: those in `roles` on `on`, and those the tenure itself gave.

    A site manager's post stays while the person still manages another site from the same unit: when none of those is open any more,
    it ends with the last of them.
    """
    given, ends = POST_OF_KIND.get(tenure.kind), dict.fromkeys(roles, on)
    if given:
        ends.pop(given, None)
        others = _same_duty(tenure).filter(Q(valid_to=None) | Q(valid_to__gt=on)).values_list("valid_to", flat=True)
        last = [end for end in others if end is not None]
        if len(last) == len(others):
            ends[given] = max([on, *last])
    posts = Membership.objects.filter(person=tenure.person_id, unit=tenure.unit_id, role__in=ends)
    dated = [(post, ends[Role(post.role)]) for post in posts]
    return [(post, end) for post, end in dated if post.valid_to is None or post.valid_to > end]


def _same_duty(tenure: Responsibility) -> QuerySet[Responsibility]:
    """Other tenures of the person from the same unit that give the same post."""
    return Responsibility.objects.filter(person=tenure.person_id, unit=tenure.unit_id, kind=tenure.kind).exclude(pk=tenure.pk)


def posts_in_unit(person: Person, unit: OrgUnit, *, on: date) -> list[Membership]:
    """The posts a person holds in one unit on a day."""
    return list(Membership.objects.filter(valid_on(on), person=person, unit=unit).select_related("unit").order_by("role"))


def person_in_unit(name: str, unit: OrgUnit) -> Person | None:
    """The person of that name in the unit; Conflict when there are several."""
    found = list(Person.objects.filter(name=name.strip(), unit=unit)[:2])
    if len(found) > 1:
        raise Conflict(f"{unit.name} 有几位同名的 {name}，请在姓名后注明，如 张伟（远教办）")
    return found[0] if found else None


def has_log_in(person: Person) -> bool:
    """Whether the person can come in with an account of their own."""
    return Account.objects.filter(person=person, is_active=True).exclude(password__startswith="!").exists()


def memberships_open() -> QuerySet[Membership]:
    """Memberships that have not ended."""
    return Membership.objects.filter(valid_to=None).select_related("person", "unit").order_by("pk")


def accounts() -> QuerySet[Account]:
    return Account.objects.select_related("person").order_by("username")


def audit_trail(paths: Iterable[str]) -> QuerySet[AuditRow]:
    """What people of these subtrees changed, and what the machine itself did, newest first."""
    inside = Person.objects.filter(within("unit__division__path", paths)).values("uid")
    return AuditRow.objects.filter(Q(actor_uid__in=inside) | Q(actor_uid=None)).order_by("-at", "-pk")
