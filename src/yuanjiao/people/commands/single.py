"""Writes about people: persons, accounts, memberships; and the audit row every room's command writes."""

from __future__ import annotations

from datetime import date, datetime

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from yuanjiao.flow.nodes.queries import parent_node
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.lib.seal import digest, phone_digits, seal
from yuanjiao.people.models import Account, AuditRow, Membership, Person
from yuanjiao.people.rules import Actor, Role
from yuanjiao.places.models import OrgUnit


def write_audit(*, by: Actor, action: str, subject: str, at: datetime, detail: str = "") -> None:
    """Leave who, when and what beside a change; call it inside the change's own transaction."""
    AuditRow.objects.create(
        at=at, actor_uid=by.person_uid, actor_name=by.name, action=action[:60], subject=subject[:120], detail=detail[:400]
    )


def add_person(*, name: str, unit: OrgUnit, phone: str = "", post: str = "") -> Person:
    """A person of a unit; the telephone number is sealed at once."""
    if not name.strip():
        raise Refused("姓名不能为空")
    digits = phone_digits(phone)
    return Person.objects.create(
        name=name.strip(),
        unit=unit,
        post=post.strip(),
        phone_sealed=seal(phone.strip(), settings.SECRET_KEY),
        phone_digest=digest(digits, settings.SECRET_KEY),
    )


def open_account(*, person: Person, username: str, password: str) -> Account:
    """Give a person a log-in. Refused for a weak password or a name in use."""
    account = Account(username=username.strip(), person=person)
    try:
        validate_password(password, account)
    except ValidationError as error:
        raise Refused("；".join(error.messages)) from None
    if Account.objects.filter(username=account.username).exists():
        raise Refused(f"账号 {account.username} 已被使用")
    account.set_password(password)
    account.save()
    return account


@transaction.atomic
def choose_password(*, account: Account, password: str, by: Actor, at: datetime) -> None:
    """Set the password its owner chose; a first password given by somebody else is thereby used up.

    Refused for a weak one, and below another node: accounts are at home above and come down with the catalogue.
    """
    if parent_node() is not None:
        raise Refused("账号由上级中心管理：请登录上级中心修改密码，改后随目录下发到本机")
    try:
        validate_password(password, account)
    except ValidationError as error:
        raise Refused("；".join(error.messages)) from None
    account.set_password(password)
    account.must_change_password = False
    account.save(update_fields=["password", "must_change_password"])
    write_audit(by=by, action="修改密码", subject=f"账号 {account.username}", at=at)


def appoint(*, person: Person, unit: OrgUnit, role: Role, on: date) -> Membership:
    """Give a person a role in a unit from a day on. Conflict when the same appointment is in force."""
    try:
        with transaction.atomic():
            return Membership.objects.create(person=person, unit=unit, role=role, valid_from=on)
    except IntegrityError:
        raise Conflict(f"{person.name} 已在 {unit.name} 任此职") from None
