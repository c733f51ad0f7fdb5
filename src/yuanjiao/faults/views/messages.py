"""Messages that leave the house: their addresses, and the queue with what failed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.faults import commands
from yuanjiao.faults.inputs import ChannelForm
from yuanjiao.faults.models import Message, MessageState
from yuanjiao.faults.queries import messages as queries
from yuanjiao.faults.rules.messages import KINDS
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import units
from yuanjiao.ui.lists import Column, Filter, ListPage, respond
from yuanjiao.ui.middleware import status_of

PROPOSED = 300
BADGES: dict[str, str] = {MessageState.SENT: "green", MessageState.FAILED: "red", MessageState.WAITING: "yellow"}


def _asked(request: ActingRequest) -> int:
    text = request.POST.get("pk", "")[:12]
    return int(text) if text.isdecimal() else 0


@door(Permission.IMPORT_REGISTER)
def channels(request: ActingRequest) -> HttpResponse:
    """Addresses outside; POST keeps a new one, or switches one on or off."""
    own = units(on=clock.today()).filter(within("division__path", request.actor.paths(Permission.IMPORT_REGISTER)))
    act, status = request.POST.get("act", ""), 200
    form = ChannelForm(request.POST if request.method == "POST" and not act else None, units=own)
    try:
        if act in {"on", "off"}:
            found = queries.channel_of(request.actor, _asked(request))
            commands.switch_channel(channel=found, active=act == "on", by=request.actor, at=clock.now())
            messages.success(request, _("已启用。") if act == "on" else _("已停用。"))
            return redirect("faults:channels")
        if request.method == "POST" and form.is_valid():
            commands.open_channel(by=request.actor, at=clock.now(), **form.cleaned_data)
            messages.success(request, _("通道已登记，启用后才送出。"))
            return redirect("faults:channels")
    except (Refused, Conflict) as error:
        messages.error(request, error.message)
        status = status_of(error)
    rows = [(row, KINDS.get(row.kind, row.kind)) for row in queries.channels_of(request.actor)]
    context = {"page_title": _("消息通道"), "rows": rows, "form": form, "units": own[:PROPOSED]}
    return render(request, "faults/channels.html", context, status=400 if form.errors and status == 200 else status)


@door(Permission.IMPORT_REGISTER)
def message_list(request: ActingRequest) -> HttpResponseBase:
    """Every message and how it stands, what failed first in mind; POST lets a failed one go again, or gives it up."""
    if request.method == "POST":
        return _decide(request)
    rows = queries.messages_of(request.actor)
    failed = list(rows.filter(state=MessageState.FAILED)[:50])
    page = ListPage[Message](
        title=_("外发消息"),
        rows=rows,
        columns=[
            Column(_("排队"), lambda m: m.queued_at, order=("queued_at",), width=17),
            Column(_("通道"), lambda m: m.channel.name, width=20),
            Column(_("标题"), lambda m: m.title, link=_sheet),
            Column(_("结果"), lambda m: m.get_state_display(), badge=lambda m: BADGES.get(m.state, "grey"), order=("state",)),
            Column(_("已试"), lambda m: m.tries),
            Column(_("最近一次"), lambda m: m.tried_at, width=17),
            Column(_("答复"), lambda m: m.answer, width=30),
        ],
        filters=[Filter("state", _("结果"), list(MessageState.choices), lambda rows, value: rows.filter(state=value))],
        actions=[(_("消息通道"), reverse("faults:channels"))],
        lead=_("%d 条没有送出，请核对通道后再送，或定为不再送") % len(failed) if failed else "",
        notes=[_("只有经人批准的催办单和已启用的每日摘要会送出；诉求的内容不外发")],
        empty=_("没有外发过消息。"),
        context={"failed": failed},
    )
    return respond(request, page, "faults/messages.html")


def _sheet(message: Message) -> str | None:
    return reverse("faults:urging", args=[message.urging_id]) if message.urging_id else None


def _decide(request: ActingRequest) -> HttpResponse:
    found: Any = queries.message_of(request.actor, _asked(request))
    again = request.POST.get("act") == "again"
    try:
        (commands.try_message_again if again else commands.drop_message)(message=found, by=request.actor, at=clock.now())
        messages.success(request, _("马上再送一次。") if again else _("不再送。"))
    except Conflict as error:
        messages.error(request, error.message)
    return redirect("faults:message_list")
