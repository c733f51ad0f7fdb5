"""Policy texts: named as such, and linked with the items that explain them or answer questions about them (DLV14)."""

from __future__ import annotations

from datetime import date, datetime

from django.db import IntegrityError, transaction

from yuanjiao.courseware.commands.rights import BEFORE_RELEASE, require_papers
from yuanjiao.courseware.models import Courseware, PolicyLink, PolicyRole, PolicyText
from yuanjiao.courseware.rules.life import State
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor

OPEN = BEFORE_RELEASE | {State.RELEASED}
"""What a text is, and what explains it, may be said after its release as well: it changes no word of either."""


@transaction.atomic
def name_policy(*, courseware: Courseware, document: str, issued_on: date, by: Actor, at: datetime) -> PolicyText:
    """Say that an item is a policy text, or put its number and day right. Refused without a number or for a day that is ahead."""
    require_papers(courseware, by, OPEN)
    if not document.strip() or len(document.strip()) > 60:
        raise Refused("请填写文号（最多 60 字）")
    if issued_on > local_day(at):
        raise Refused("发文日期不能晚于今天")
    if courseware.explains.exists():
        raise Refused("这件课件已登记为解读或问答，不能又是政策文件")
    row, _made = PolicyText.objects.update_or_create(courseware=courseware, defaults={"document": document.strip(), "issued_on": issued_on})
    write_audit(by=by, action="登记政策文件", subject=f"课件 {courseware.title}", at=at, detail=f"{row.document}，{issued_on:%Y-%m-%d}")
    return row


@transaction.atomic
def unname_policy(*, courseware: Courseware, by: Actor, at: datetime) -> None:
    """It is no policy text after all; what was linked with it is let go."""
    require_papers(courseware, by, OPEN)
    deleted, _rows = PolicyText.objects.filter(courseware=courseware).delete()
    if not deleted:
        raise Conflict("这件课件没有登记为政策文件")
    PolicyLink.objects.filter(policy_uid=courseware.uid).delete()
    write_audit(by=by, action="取消政策文件", subject=f"课件 {courseware.title}", at=at)


@transaction.atomic
def explain_policy(*, courseware: Courseware, policy: Courseware, role: PolicyRole, by: Actor, at: datetime) -> PolicyLink:
    """Say that an item explains a policy text, or answers questions about it. It is reviewed and released like any item.

    Refused when the text is none, or the item is a policy text itself; Conflict when it is linked already.
    """
    require_papers(courseware, by, OPEN)
    if not PolicyText.objects.filter(courseware=policy).exists():
        raise Refused("选中的课件没有登记为政策文件")
    if PolicyText.objects.filter(courseware=courseware).exists():
        raise Refused("政策文件不能又是解读")
    try:
        with transaction.atomic():
            row = PolicyLink.objects.create(courseware=courseware, policy_uid=policy.uid, role=role)
    except IntegrityError:
        raise Conflict("已经关联过这份政策文件") from None
    write_audit(by=by, action=f"关联政策{row.get_role_display()}", subject=f"课件 {courseware.title}", at=at, detail=policy.title)
    return row


@transaction.atomic
def stop_explaining(*, link: PolicyLink, by: Actor, at: datetime) -> None:
    """Take a link away; both items stay as they are."""
    require_papers(link.courseware, by, OPEN)
    deleted, _rows = PolicyLink.objects.filter(pk=link.pk).delete()
    if not deleted:
        raise Conflict("这条关联已经去掉了")
    write_audit(by=by, action="去掉政策关联", subject=f"课件 {link.courseware.title}", at=at)
