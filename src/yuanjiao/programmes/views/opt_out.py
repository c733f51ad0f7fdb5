"""Opting out of bulletins (退订): everybody for themselves, and for somebody whose telephone answered TD (DLV06)."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.queries import masked_phone, person_by_uid
from yuanjiao.people.rules import Permission
from yuanjiao.programmes import commands, queries
from yuanjiao.programmes.views.parts import said

P = Permission


@door()
def bulletin_mine(request: ActingRequest) -> HttpResponse:
    """Whether bulletins come to me; one button turns it."""
    if request.method == "POST":
        wanted = request.POST.get("wanted") == "yes"
        done = _("已恢复接收快讯。") if wanted else _("已退订，今后的快讯都不再发给您。")
        return said(request, lambda: commands.choose_bulletins(wanted=wanted, by=request.actor), done, "programmes:bulletin_mine")
    if request.actor.person_uid is None:
        raise Refused(_("没有登录"))
    number = masked_phone(person_by_uid(request.actor.person_uid))
    context = {"page_title": _("快讯短信"), "out": queries.has_opted_out(request.actor.person_uid), "number": number,
               "here": queries.made_here()}  # fmt: skip
    return render(request, "programmes/bulletin_mine.html", context)


@door(P.MANAGE_COLUMNS, P.ANSWER_HOTLINE)
def bulletin_leave(request: ActingRequest) -> HttpResponse:
    """Note a number that answered TD. Nothing tells whether it had before, and there is no list."""
    context = {"page_title": _("登记退订"), "number": "", "against": ""}
    if request.method == "POST":
        number = request.POST.get("number", "").strip()[:30]
        try:
            commands.note_opt_out(number=number, by=request.actor, at=clock.now())
        except Refused as error:
            context |= {"number": number, "against": error.message}
            return render(request, "programmes/bulletin_leave.html", context, status=400)
        messages.success(request, _("已登记，今后的快讯不再发到这个号码。"))
        return redirect("programmes:bulletin_leave")
    return render(request, "programmes/bulletin_leave.html", context)
