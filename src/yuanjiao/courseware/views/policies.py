"""Policy texts with their explanations and questions (DLV14): the list with its delays, and what one item is to a policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from yuanjiao.courseware import commands, queries
from yuanjiao.courseware.inputs import PolicyForm, PolicyLinkForm, uid_of
from yuanjiao.courseware.models import Courseware, PolicyRole
from yuanjiao.courseware.rules.explaining import WITHIN_DAYS, Delay
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

P = Permission


def said(delay: Delay) -> str:
    """The delay in words: how late it came, or how long it has been waited for."""
    if not delay.over:
        return _("还没有，已 %d 天") % delay.days
    return _("晚 %d 天") % delay.days if delay.days else _("当天")


def badge(delay: Delay) -> str:
    if delay.late:
        return "red" if not delay.over else "yellow"
    return "green" if delay.over else "grey"


@door(P.PRODUCE_COURSEWARE, P.REVIEW_COURSEWARE, P.MANAGE_COLUMNS)
@require_safe
def policy_list(request: ActingRequest) -> HttpResponseBase:
    """Every released policy text: when it was issued, how late its explanation and its questions came."""
    columns: list[Column[Any]] = [
        Column(_("政策文件"), lambda row: row.title, link=lambda row: reverse("courseware:item", args=[row.uid]), width=36),
        Column(_("文号"), lambda row: row.document, width=20),
        Column(_("发文日期"), lambda row: row.issued_on),
        Column(_("通俗解读"), lambda row: said(row.plain), badge=lambda row: badge(row.plain)),
        Column(_("问答"), lambda row: said(row.asked), badge=lambda row: badge(row.asked)),
        Column(_("解读与问答"), lambda row: "；".join(one.title for one in row.explained), width=40),
    ]
    page: ListPage[Any] = ListPage(
        title=_("政策解读"), rows=queries.policies_seen_by(request.actor, on=clock.today()), columns=columns,
        empty=_("还没有发布政策文件。政策原文发布后，在它的“材料”里登记文号和发文日期，就会列在这里。"),
        lead=_("从发文之日到第一件解读、第一件问答发布的天数；超过 %d 天的标出。") % WITHIN_DAYS,
        filters=[Filter("open", _("解读"), [("1", _("还没有解读"))], lambda rows, _v: [row for row in rows if not row.plain.over])],
    )  # fmt: skip
    return respond(request, page)


@door(P.PRODUCE_COURSEWARE, P.MANAGE_COLUMNS)
def item_policy(request: ActingRequest, uid: UUID) -> HttpResponse:
    """One item: a policy text with number and day, or an explanation linked with texts; by the button that was pressed."""
    item, wanted = queries.item_for(request.actor, uid), request.POST.get("do", "")
    text = getattr(item, "policy", None)
    initial = {"document": text.document, "issued_on": text.issued_on} if text else {}
    naming = PolicyForm(request.POST if wanted == "name" else None, initial=initial)
    linking = PolicyLinkForm(request.POST if wanted == "link" else None, policies=_others(item))
    doing = _asked(request, item, wanted, naming, linking)
    if doing is not None:
        try:
            doing()
            messages.success(request, _("已保存。"))
            return redirect("courseware:item_policy", uid)
        except NotFound:
            raise
        except (Refused, Conflict) as error:
            messages.error(request, error.message)
    context = {
        "page_title": _("政策与解读"), "item": item, "text": text, "naming": naming, "linking": linking,
        "links": queries.policy_links(item), "choices": bool(_others(item)),
    }  # fmt: skip
    return render(request, "courseware/item_policy.html", context, status=400 if naming.errors or linking.errors else 200)


def _others(item: Courseware) -> list[tuple[UUID, str]]:
    return [(uid, name) for uid, name in queries.policy_choices() if uid != item.uid]


def _asked(
    request: ActingRequest, item: Courseware, wanted: str, naming: PolicyForm, linking: PolicyLinkForm
) -> Callable[[], object] | None:
    """What is to be done; None when nothing was asked or the form is not right."""
    who: dict[str, Any] = {"by": request.actor, "at": clock.now()}
    if wanted == "name" and naming.is_valid():
        return lambda: commands.name_policy(courseware=item, **naming.cleaned_data, **who)
    if wanted == "link" and linking.is_valid():
        policy = queries.policy_text(UUID(linking.cleaned_data["policy"]))
        role = PolicyRole(linking.cleaned_data["role"])
        return lambda: commands.explain_policy(courseware=item, policy=policy, role=role, **who)
    if wanted == "unname":
        return lambda: commands.unname_policy(courseware=item, **who)
    if wanted == "unlink":
        link = queries.policy_link_for(item, uid_of(request.POST.get("link", "")))
        return lambda: commands.stop_explaining(link=link, **who)
    return None
