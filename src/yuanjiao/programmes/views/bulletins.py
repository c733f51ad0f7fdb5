"""Weekly bulletins (快讯): the series, a week's edition from draft to delivery count, and what is behind each figure (DLV06)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import unit_by_code
from yuanjiao.programmes import commands, queries
from yuanjiao.programmes.inputs import WEEKDAY_CHOICES, BulletinChangeForm, BulletinForm, numbered
from yuanjiao.programmes.models import BulletinDelivery, BulletinEdition, BulletinSeries, DeliveryState, EditionState
from yuanjiao.programmes.rules.bulletin import LONGEST, due_on, parts, short_message, week_of
from yuanjiao.programmes.rules.outlets import Connector
from yuanjiao.programmes.views.parts import form_page, own_divisions, own_units, said, sent
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

P, E, D = Permission, EditionState, DeliveryState
BADGES = {E.DRAFT: "yellow", E.SENT: "green", E.SKIPPED: "grey"}
DELIVERY_BADGES = {
    D.WAITING: "blue", D.TRYING: "blue", D.HANDED: "green", D.REFUSED: "red", D.UNSURE: "yellow", D.NO_NUMBER: "grey", D.NOT_SENT: "red",
}  # fmt: skip
WEEKDAYS = dict(WEEKDAY_CHOICES)


def _title(row: BulletinEdition) -> str:
    return _("%(name)s %(year)d 年第 %(week)d 周") % {
        "name": row.series.name, "year": row.week_on.isocalendar().year, "week": row.week_on.isocalendar().week
    }  # fmt: skip


@door(P.MANAGE_COLUMNS)
@require_safe
def bulletin_list(request: ActingRequest) -> HttpResponseBase:
    """Every week's edition."""
    columns: list[Column[Any]] = [
        Column(_("快讯"), _title, link=lambda row: reverse("programmes:bulletin_edition", args=[row.uid]), width=30),
        Column(_("范围"), lambda row: row.series.scope.name, order=("series__scope__name",)),
        Column(_("状态"), lambda row: row.get_state_display(), badge=lambda row: BADGES[E(row.state)], order=("state",)),
        Column(_("起草"), lambda row: row.drafted_at, order=("drafted_at",)),
        Column(_("发送"), lambda row: row.sent_at, order=("sent_at",)),
        Column(_("已交付"), lambda row: row.handed if row.sent_at and not row.few else None, order=("handed",)),
        Column(_("待发"), lambda row: row.pending if row.sent_at and not row.few else None, order=("pending",)),
        Column(_("没有发成"), lambda row: row.wrong if row.sent_at else None, badge=lambda row: "red" if row.wrong else None),
    ]
    page: ListPage[Any] = ListPage(
        title=_("快讯"), rows=queries.editions_managed_by(request.actor), columns=columns,
        empty=_("还没有快讯。先开办一个：写明范围和起草日，每周自动起草，看过再发。"),
        lead=_("每周一期，由新发布的课件编成，经短信网关发给范围内的责任人，或由工作群机器人发到群里。起草是自动的，发送要人按。"),
        filters=[Filter("state", _("状态"), E.choices, lambda rows, value: rows.filter(state=value))],
        actions=[
            (_("快讯系列"), reverse("programmes:bulletin_series_list")),
            (_("登记退订"), reverse("programmes:bulletin_leave")),
            (_("短信网关与机器人"), reverse("programmes:outlet_list")),
        ],
    )  # fmt: skip
    return respond(request, page)


@door(P.MANAGE_COLUMNS)
@require_safe
def bulletin_series_list(request: ActingRequest) -> HttpResponseBase:
    columns: list[Column[BulletinSeries]] = [
        Column(_("快讯"), lambda row: row.name, link=lambda row: reverse("programmes:bulletin_series", args=[row.uid]), order=("name",)),
        Column(_("范围"), lambda row: row.scope.name),
        Column(_("主办单位"), lambda row: row.unit.name, width=24),
        Column(_("短信签名"), lambda row: f"【{row.sender}】"),
        Column(_("起草日"), lambda row: WEEKDAYS[str(row.weekday)], order=("weekday",)),
        Column(_("最多几件"), lambda row: row.most),
        Column(
            _("状态"), lambda row: _("停办") if row.ended_on else _("在办"), badge=lambda row: "grey" if row.ended_on else "green"
        ),
    ]  # fmt: skip
    page: ListPage[BulletinSeries] = ListPage(
        title=_("快讯系列"), rows=queries.bulletin_series_managed_by(request.actor), columns=columns,
        empty=_("还没有开办快讯。"), search=("name",), search_hint=_("快讯名称"),
        actions=[(_("开办快讯"), reverse("programmes:bulletin_series_new")), (_("各期快讯"), reverse("programmes:bulletin_list"))],
    )  # fmt: skip
    return respond(request, page)


@door(P.MANAGE_COLUMNS)
def bulletin_series_new(request: ActingRequest) -> HttpResponse:
    places = own_divisions(request)
    start = {"sender": settings.NODE_NAME[:20], "address": _portal(request), "weekday": "1", "most": 5}
    form = BulletinForm(sent(request)[0], units=own_units(request), divisions=places, initial=start)

    def save(values: Any) -> str:
        scope = next(one for one in places if one.path == values["scope"])
        made = commands.open_bulletin(
            **{**values, "unit": unit_by_code(values["unit"]), "scope": scope, "weekday": int(values["weekday"])},
            by=request.actor, at=clock.now(),
        )  # fmt: skip
        return reverse("programmes:bulletin_series", args=[made.uid])

    back = (reverse("programmes:bulletin_series_list"), _("快讯系列"))
    return form_page(request, form, title=_("开办快讯"), back=back, save=save, done=_("快讯已开办。"))


def _portal(request: HttpRequest) -> str:
    """Where the public opens this node: the same address for everybody, so that it tells nothing about who opens it."""
    path = reverse("desks:portal_home")
    return settings.PUBLIC_URL.rstrip("/") + path if settings.PUBLIC_URL else request.build_absolute_uri(path)


@door(P.MANAGE_COLUMNS)
def bulletin_series(request: ActingRequest, uid: UUID) -> HttpResponse:
    """One series: its rhythm, this week's draft, and its end."""
    row = queries.bulletin_series_for(request.actor, uid)
    form = BulletinChangeForm(initial={"weekday": str(row.weekday), "most": row.most})
    if request.method == "POST":
        return _series_act(request, row)
    week_on = week_of(clock.today())
    context = {
        "page_title": row.name, "row": row, "form": form, "weekday": WEEKDAYS[str(row.weekday)],
        "edition": row.editions.filter(week_on=week_on).first(), "due_on": due_on(week_on, row.weekday),
        "audience": queries.audience_of(row, on=clock.today()),
    }  # fmt: skip
    return render(request, "programmes/bulletin_series.html", context)


def _series_act(request: ActingRequest, row: BulletinSeries) -> HttpResponse:
    who: dict[str, Any] = {"series": row, "by": request.actor, "at": clock.now()}
    doing: dict[str, Callable[[], object]] = {
        "change": lambda: _change_series(request, who),
        "draft": lambda: commands.draft_edition(**who),
        "end": lambda: commands.end_bulletin(**who),
    }
    act = doing.get(request.POST.get("do", ""))
    if act is None:
        raise Refused(_("请选择要做什么"))
    return said(request, act, _("已保存。"), "programmes:bulletin_series", row.uid)


def _change_series(request: ActingRequest, who: dict[str, Any]) -> None:
    form = BulletinChangeForm(request.POST)
    if not form.is_valid():
        raise Refused(_("起草日从周一到周日，课件 1 到 12 件"))
    commands.change_bulletin(weekday=int(form.cleaned_data["weekday"]), most=form.cleaned_data["most"], **who)


@door(P.MANAGE_COLUMNS)
@require_safe
def bulletin_edition(request: ActingRequest, uid: UUID) -> HttpResponse:
    """One edition: a draft to be put together and sent, or what was sent with its delivery count."""
    row = queries.edition_for(request.actor, uid)
    whole = short_message(row.series.sender, row.text)
    if request.GET.get("as") == "txt" and row.text:
        return _file(row, whole)
    context: dict[str, Any] = {
        "page_title": _title(row), "row": row, "badge": BADGES[E(row.state)], "whole": whole, "letters": len(whole), "parts": parts(whole),
        "longest": LONGEST,
    }  # fmt: skip
    if row.state == E.DRAFT:
        return render(request, "programmes/bulletin_draft.html", {**context, **_draft(request, row)})
    return render(request, "programmes/bulletin_sent.html", {**context, **_figures(row)})


def _file(row: BulletinEdition, text: str) -> HttpResponse:
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, f"{_title(row)}.txt") or "attachment"
    return response


def _draft(request: ActingRequest, row: BulletinEdition) -> dict[str, Any]:
    """What the form of a draft offers: the named items first, then what else was released lately."""
    named = list(row.items.all())
    chosen = {one.item_uid for one in named}
    offered = queries.items_offered(row)
    there = {one.uid: one for one in offered}
    lines: list[tuple[object, ...]] = [(one.item_uid, one.title, one.number, there.get(one.item_uid)) for one in named]
    lines += [(one.uid, one.title, "", one) for one in offered if one.uid not in chosen]
    proposed = queries.last_channels(row.series)
    outlets = [(one, one.uid in proposed) for one in queries.bulletin_outlets(request.actor)]
    return {
        "lines": lines, "named": named, "outlets": outlets, "audience": queries.audience_of(row.series, on=clock.today()),
        "sms": any(one.connector == Connector.SMS for one, _proposed in outlets),
    }  # fmt: skip


def _figures(row: BulletinEdition) -> dict[str, Any]:
    found = queries.figures_of(row)
    lasting = [one for one in found if one.channel.outlet.ended_on is None]
    again = {state: sum(one.by_state[state] for one in lasting) for state in (D.NOT_SENT, D.REFUSED, D.UNSURE)}
    return {
        "figures": found, "named": row.items.all(), "pending": sum(one.by_state[D.WAITING] + one.by_state[D.TRYING] for one in found),
        "again": [(state, D(state).label, number) for state, number in again.items() if number],
    }  # fmt: skip


@door(P.MANAGE_COLUMNS)
@require_POST
def bulletin_act(request: ActingRequest, uid: UUID) -> HttpResponse:
    """What the pressed button says is done with an edition."""
    row, post = queries.edition_for(request.actor, uid), request.POST
    who: dict[str, Any] = {"edition": row, "by": request.actor, "at": clock.now()}
    doing: dict[str, tuple[Callable[[], object], str]] = {
        "choose": (lambda: commands.choose_items(items=numbered(post), **who), _("已按所选重新编写。")),
        "write": (lambda: commands.write_bulletin(text=post.get("text", ""), **who), _("正文已保存。")),
        "skip": (lambda: commands.skip_edition(**who), _("本周不发。")),
        "reopen": (lambda: commands.reopen_edition(**who), _("已恢复为草稿。")),
        "send": (lambda: _send(request, who), _("已开始发送，各通道的结果见下表。")),
        "stop": (lambda: commands.stop_edition(**who), _("已停止，没有发的不再发。")),
        "again": (lambda: commands.send_rest(state=_state(post.get("state", "")), **who), _("已重新排队。")),
    }
    if post.get("do", "") not in doing:
        raise Refused(_("请选择要做什么"))
    act, done = doing[post["do"]]
    return said(request, act, done, "programmes:bulletin_edition", uid)


def _state(text: str) -> DeliveryState:
    if text not in D.values:
        raise Refused(_("请选择要重发哪些"))
    return D(text)


def _send(request: ActingRequest, who: dict[str, Any]) -> None:
    outlets = {str(one.uid): one for one in queries.bulletin_outlets(request.actor)}
    asked = list(dict.fromkeys(request.POST.getlist("outlets")))
    if not outlets.keys() >= set(asked):
        raise Conflict(_("选的通道有的刚刚停用，没有发送；请看一遍再发"))
    commands.send_edition(outlets=[outlets[key] for key in asked], seen=request.POST.get("seen", ""), **who)


@door(P.MANAGE_COLUMNS)
@require_safe
def bulletin_deliveries(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    """What is behind the figures: units and places, numbers masked. No names, and nobody who has opted out."""
    row = queries.edition_for(request.actor, uid)
    columns: list[Column[BulletinDelivery]] = [
        Column(_("单位"), lambda one: one.unit_name, order=("unit_name",), width=26),
        Column(_("责任区域"), lambda one: one.division_name, order=("division_name",)),
        Column(_("号码"), lambda one: one.number_masked or (_("没有手机号") if one.person_uid else _("工作群"))),
        Column(_("通道"), lambda one: one.channel.outlet.name, width=20),
        Column(_("结果"), lambda one: one.get_state_display(), badge=lambda one: DELIVERY_BADGES[D(one.state)], order=("state",)),
        Column(_("答复"), lambda one: one.answer, width=36),
        Column(_("完成"), lambda one: one.done_at, order=("done_at",)),
    ]
    channels = [(str(one.pk), one.outlet.name) for one in row.channels.select_related("outlet")]
    page: ListPage[BulletinDelivery] = ListPage(
        title=_("交付明细"), rows=queries.deliveries_of(row), columns=columns, export=False,
        empty=_("没有这样的一条。收件人不足 5 人的通道不列明细。"),
        lead=_title(row), search=("unit_name", "division_name"), search_hint=_("单位或责任区域"),
        filters=[
            Filter("channel", _("通道"), channels, lambda rows, value: rows.filter(channel=value if value.isdigit() else None)),
            Filter("state", _("结果"), D.choices, lambda rows, value: rows.filter(state=value)),
        ],
        actions=[(_("回到这一期"), reverse("programmes:bulletin_edition", args=[uid]))],
    )  # fmt: skip
    return respond(request, page)
