"""People of a subtree go down with their log-ins, so that they can work while the line is cut. Nobody else's row ever does.

Passwords travel as their hashes. Telephone numbers do not travel: they are sealed with the secret of the machine above.
Who is not in the document any more loses log-in, roles and responsibilities here; the name stays only if something hangs on it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from uuid import UUID

import msgspec
from django.db.models import Q

from yuanjiao.flow.catalogue.copying import Link, Table, copy_tables
from yuanjiao.flow.catalogue.shelf import ALL, Offer, from_document, to_document
from yuanjiao.people.models import Account, Membership, Person, Responsibility
from yuanjiao.places.models import Division, OrgUnit

name = "people"


class PersonRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One person; `unit` is a code."""

    uid: UUID
    name: str
    unit: str
    post: str = ""


class AccountRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One log-in; `password` is the hash as Django keeps it."""

    uid: UUID
    username: str
    person: UUID
    password: str
    is_active: bool = True
    must_change_password: bool = False


class MembershipRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One role in a unit of the subtree."""

    uid: UUID
    person: UUID
    unit: str
    role: str
    valid_from: date
    valid_to: date | None = None


class ResponsibilityRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who answers for a place of the subtree."""

    uid: UUID
    person: UUID
    unit: str
    division: UUID
    chain: str
    subject: str
    kind: str
    valid_from: date
    valid_to: date | None = None
    document: str = ""
    object_code: str = ""


class People(msgspec.Struct, frozen=True):
    """The document of this shelf."""

    persons: tuple[PersonRow, ...]
    accounts: tuple[AccountRow, ...]
    memberships: tuple[MembershipRow, ...]
    responsibilities: tuple[ResponsibilityRow, ...]


def offer(scope: str) -> Offer:
    """Persons whose unit, or one of whose roles, is inside the subtree; of their roles and duties only those inside it."""
    if scope == ALL:
        return Offer()
    inside = Person.objects.filter(
        Q(unit__division__path__under=scope) | Q(pk__in=Membership.objects.filter(unit__division__path__under=scope).values("person"))
    )
    keys = inside.values("pk")
    persons = inside.order_by("uid").values_list("uid", "name", "unit__code", "post")
    accounts = Account.objects.filter(person__in=keys).order_by("uid")
    memberships = Membership.objects.filter(person__in=keys, unit__division__path__under=scope).order_by("uid")
    duties = Responsibility.objects.filter(person__in=keys, division__path__under=scope).order_by("uid")
    people = People(
        persons=tuple(PersonRow(*row) for row in persons),
        accounts=tuple(
            AccountRow(*row)
            for row in accounts.values_list("uid", "username", "person__uid", "password", "is_active", "must_change_password")
        ),
        memberships=tuple(
            MembershipRow(*row) for row in memberships.values_list("uid", "person__uid", "unit__code", "role", "valid_from", "valid_to")
        ),
        responsibilities=tuple(
            ResponsibilityRow(*row)
            for row in duties.values_list(
                "uid",
                "person__uid",
                "unit__code",
                "division__uid",
                "chain",
                "subject",
                "kind",
                "valid_from",
                "valid_to",
                "document",
                "object_code",
            )
        ),
    )
    return Offer(to_document(people))


def accept(document: bytes, missing: Collection[str] = ()) -> None:
    """Make the people of this machine equal to the document's."""
    people = from_document(document, People)
    copy_tables(
        (PERSONS, people.persons),
        (ACCOUNTS, people.accounts),
        (MEMBERSHIPS, people.memberships),
        (RESPONSIBILITIES, people.responsibilities),
    )


def _keep_the_name(person: Person) -> None:
    """Something written here still names the person: the row stays, without post or number."""
    person.post, person.phone_sealed, person.phone_digest = "", b"", ""
    person.save(update_fields=["post", "phone_sealed", "phone_digest"])


def _close(account: Account) -> None:
    account.is_active = False
    account.set_unusable_password()
    account.save(update_fields=["is_active", "password"])


def _end(row: Membership | Responsibility) -> None:
    row.valid_to = row.valid_from
    row.save(update_fields=["valid_to"])


UNIT, PERSON = Link(OrgUnit, "code"), Link(Person)
PERSONS = Table(Person, natural=(), links={"unit": UNIT}, rest=_keep_the_name)
ACCOUNTS = Table(Account, natural=("username",), links={"person": PERSON}, rest=_close)
MEMBERSHIPS = Table(
    Membership, natural=("person", "unit", "role", "valid_from"), links={"person": PERSON, "unit": UNIT}, ends="valid_to", rest=_end
)
RESPONSIBILITIES = Table(
    Responsibility,
    natural=("person", "unit", "division", "kind", "valid_from", "object_code"),
    links={"person": PERSON, "unit": UNIT, "division": Link(Division)},
    ends="valid_to",
    rest=_end,
)
