"""Many people at once, as the register's spreadsheet brings them, the way back, and a first password.

The caller stands inside one transaction and has checked the rows; what the database can hold it still holds.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import models, transaction

from yuanjiao.lib.errors import Conflict
from yuanjiao.lib.relations import dependants, named
from yuanjiao.lib.seal import digest, phone_digits, seal
from yuanjiao.people.commands.single import write_audit
from yuanjiao.people.models import Account, AuditRow, Membership, Person, Responsibility
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division, OrgUnit

BATCH = 1000
PASSWORD_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that are read for one another


@dataclass(frozen=True)
class PersonEntry:
    """One person to enter."""

    name: str
    unit: OrgUnit
    phone: str
    post: str


def write_audits(*, by: Actor, action: str, subjects: Sequence[tuple[str, str]], at: datetime) -> None:
    """One audit row per (subject, detail), in the change's own transaction."""
    AuditRow.objects.bulk_create(
        [
            AuditRow(at=at, actor_uid=by.person_uid, actor_name=by.name, action=action[:60], subject=subject[:120], detail=detail[:400])
            for subject, detail in subjects
        ],
        batch_size=BATCH,
    )


def enter_people(*, entries: Sequence[PersonEntry]) -> list[Person]:
    """Enter people in the order given; their numbers are sealed at once."""
    rows = [
        Person(
            name=entry.name, unit=entry.unit, post=entry.post, phone_sealed=seal(entry.phone, settings.SECRET_KEY),
            phone_digest=digest(phone_digits(entry.phone), settings.SECRET_KEY),
        )
        for entry in entries
    ]  # fmt: skip
    return Person.objects.bulk_create(rows, batch_size=BATCH)


def correct_person(*, person: Person, fields: Mapping[str, str]) -> None:
    """Set post or phone (empty clears it)."""
    for name, value in fields.items():
        if name == "phone":
            person.phone_sealed = seal(value, settings.SECRET_KEY)
            person.phone_digest = digest(phone_digits(value), settings.SECRET_KEY)
        else:
            setattr(person, name, value)
    person.save(update_fields=["post", "phone_sealed", "phone_digest"])


def restore_person(*, person: Person, post: str, phone_sealed: bytes, phone_digest: str) -> None:
    """Put back what correct_person changed; the number comes sealed, as it was kept."""
    person.post, person.phone_sealed, person.phone_digest = post, phone_sealed, phone_digest
    person.save(update_fields=["post", "phone_sealed", "phone_digest"])


def change_membership_start(*, membership: Membership, fields: Mapping[str, object]) -> None:
    """Set the day a membership began."""
    for name, value in fields.items():
        setattr(membership, name, value)
    membership.save(update_fields=list(fields))


def open_accounts(*, people: Sequence[tuple[Person, str]]) -> list[Account]:
    """Log-ins without a password: nobody can use one before `issue_password` gives the first."""
    rows = [Account(username=username, person=person, must_change_password=True) for person, username in people]
    for row in rows:
        row.set_unusable_password()
    return Account.objects.bulk_create(rows, batch_size=BATCH)


@transaction.atomic
def issue_password(*, person: Person, by: Actor, at: datetime) -> str:
    """Give a person's account a fresh first password and return it: it is shown once and kept nowhere. Conflict without an account."""
    by.require(Permission.IMPORT_REGISTER, person.unit.division.path)
    account = Account.objects.filter(person=person).first()
    if account is None:
        raise Conflict(f"{person.name} 还没有账号")
    password = "-".join("".join(secrets.choice(PASSWORD_LETTERS) for _ in range(4)) for _ in range(3))
    account.set_password(password)
    account.must_change_password = True
    account.save(update_fields=["password", "must_change_password"])
    write_audit(by=by, action="发放首次密码", subject=f"账号 {account.username}", at=at)
    return password


def follow_division(*, old: Division, new: Division) -> None:
    """Responsibilities in force for a renamed place, also those whose end is known already, are now for its new row."""
    lasting = models.Q(valid_to=None) | models.Q(valid_to__gt=new.valid_from)
    Responsibility.objects.filter(lasting, division=old).update(division=new)


@transaction.atomic
def remove_people(
    *, people: Collection[UUID], responsibilities: Collection[UUID], accounts: Collection[UUID], memberships: Collection[UUID]
) -> None:
    """Take people and what was given to them out again. Conflict, naming what depends on them, when anything does."""
    _remove(Membership, memberships, "任职")
    _remove(Responsibility, responsibilities, "责任")
    used = Account.objects.filter(uid__in=accounts)
    if any(account.has_usable_password() for account in used):
        raise Conflict("这次导入的账号里已有人领了密码，不能撤销；请改为终止其任职")
    _remove(Account, accounts, "账号")
    _remove(Person, people, "人员")


def _remove(model: type[models.Model], uids: Collection[UUID], title: str) -> None:
    keys = list(model._base_manager.filter(uid__in=uids).values_list("pk", flat=True))
    left = dependants(model, keys)
    if left:
        raise Conflict(f"这次导入的{title}已被依赖：{named(left)}。请先处理这些记录")
    model._base_manager.filter(pk__in=keys).delete()
