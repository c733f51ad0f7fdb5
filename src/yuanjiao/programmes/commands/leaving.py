"""Opting out of bulletins (退订), and in again. No reason is asked, no moment kept, nobody is named in the trail (DLV06)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from yuanjiao.lib.errors import Forbidden, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.queries import people_by_phone, sharing_number, within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.programmes.models import OptOut
from yuanjiao.programmes.queries import made_here

NOTING = (Permission.MANAGE_COLUMNS, Permission.ANSWER_HOTLINE)
"""Who may note that somebody answered TD."""


@transaction.atomic
def choose_bulletins(*, wanted: bool, by: Actor) -> None:
    """What a person decides for themselves. To be in again takes back what was noted for the same number, too.

    It is nobody else's business, so it leaves no trail; hence no moment either.
    """
    if by.person_uid is None:
        raise Refused("没有登录")
    _at_home()
    if wanted:
        OptOut.objects.filter(person_uid__in=sharing_number([by.person_uid])).delete()
    else:
        OptOut.objects.get_or_create(person_uid=by.person_uid)


@transaction.atomic
def note_opt_out(*, number: str, by: Actor, at: datetime) -> None:
    """Note that whoever has this number answered TD. Said the same way whether they had before; Refused when nobody in scope has it."""
    paths = [path for permission in NOTING for path in by.paths(permission)]
    if not paths:
        raise Forbidden("您的岗位没有这项权限")
    _at_home()
    inside = within("unit__division__path", paths) | within("responsibilities__division__path", paths)  # whom a bulletin here goes to
    found = set(people_by_phone(number).filter(inside).values_list("uid", flat=True))
    if not found:
        raise Refused("您的范围内没有登记这个号码的人")
    for uid in found:
        OptOut.objects.get_or_create(person_uid=uid)
    write_audit(by=by, action="登记快讯退订", subject="一个回复 TD 的号码", at=at)


def _at_home() -> None:
    if not made_here():
        raise Refused("快讯由上级平台发送：请登录上级平台退订，或直接回复短信 TD")
