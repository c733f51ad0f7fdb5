"""Channels: their blocks and days for those who manage them; playlists and guide for players and television stations."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yuanjiao.courseware.queries import column_titles
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound, Refused
from yuanjiao.people.access import ActingRequest, door, public
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import unit_by_code
from yuanjiao.programmes import commands, packaging, queries
from yuanjiao.programmes.inputs import BlockForm, ChannelForm
from yuanjiao.programmes.models import Channel
from yuanjiao.programmes.rules.laying import weekdays_text
from yuanjiao.programmes.views.parts import form_page, open_columns, own_divisions, own_units, said, sent
from yuanjiao.ui.lists import Column, ListPage, respond

P = Permission
PLAYLIST = "application/vnd.apple.mpegurl"
LIVE_CACHE = "max-age=2"
"""A live list is asked for every few seconds; a cache in front may answer for so long."""


@door(P.MANAGE_COLUMNS)
@require_safe
def channel_list(request: ActingRequest) -> HttpResponseBase:
    rows = queries.channels_managed_by(request.actor)
    names = queries.names_of((row.audience for row in rows), clock.today())
    columns: list[Column[Channel]] = [
        Column(_("频道"), lambda row: row.title, link=lambda row: reverse("programmes:channel", args=[row.uid]), order=("title",)),
        Column(_("状态"), lambda row: _("已停播") if row.closed_on else _("播出"), badge=lambda row: "grey" if row.closed_on else "green"),
        Column(_("时段"), lambda row: len(row.blocks.all())),
        Column(_("面向范围"), lambda row: names.get(row.audience, row.audience)),
        Column(_("主办单位"), lambda row: row.unit.name, width=24),
    ]
    page = ListPage(
        title=_("频道"), rows=rows, columns=columns, empty=_("还没有频道。频道按时段轮播栏目里的课件，打开就播，也可交给电视台。"),
        actions=[(_("开设频道"), reverse("programmes:channel_new"))],
    )  # fmt: skip
    return respond(request, page)


@door(P.MANAGE_COLUMNS)
def channel_new(request: ActingRequest) -> HttpResponse:
    form = ChannelForm(sent(request)[0], units=own_units(request), divisions=own_divisions(request))

    def save(values: Any) -> str:
        row = commands.open_channel(**{**values, "unit": unit_by_code(values["unit"])}, by=request.actor, at=clock.now())
        return reverse("programmes:channel", args=[row.uid])

    back = (reverse("programmes:channel_list"), _("频道"))
    return form_page(request, form, title=_("开设频道"), back=back, save=save, done=_("频道已开设，请增加时段。"))


def _managed(request: ActingRequest, uid: UUID) -> Channel:
    row = queries.channels_managed_by(request.actor).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这个频道，或不在您负责的范围内")
    return row


@door(P.MANAGE_COLUMNS)
def channel(request: ActingRequest, uid: UUID) -> HttpResponse:
    """One channel: its blocks, one of its days, what a station may take away. POST adds a block."""
    row = _managed(request, uid)
    form = BlockForm(sent(request)[0], columns=open_columns())
    if request.method == "POST" and form.is_valid():
        try:
            commands.add_block(channel=row, **form.cleaned_data, by=request.actor, at=clock.now())
            return said(request, lambda: None, _("时段已增加；点“重排明天起的节目单”生效。"), "programmes:channel", uid)
        except Refused as error:
            form.add_error(None, error.message)
    today = clock.today()
    day = _day(request.GET.get("day", ""), today)
    titles = column_titles(block.column_uid for block in row.blocks.all() if block.column_uid)
    blocks = [(one, weekdays_text(one.weekdays), titles.get(one.column_uid, _("自选课件"))) for one in row.blocks.all()]  # type: ignore[arg-type]
    context = {
        "page_title": row.title,
        "channel": row,
        "form": form,
        "blocks": blocks,
        "day": day,
        "days": [today + timedelta(days=number) for number in range(-1, 8)],
        "airings": queries.day_of(row, day),
        "now": clock.now(),
    }
    return render(request, "programmes/channel.html", context, status=400 if form.errors else 200)


def _day(text: str, otherwise: date) -> date:
    try:
        return parse_date(text) or otherwise
    except ValueError:
        return otherwise


@door(P.MANAGE_COLUMNS)
@require_POST
def channel_act(request: ActingRequest, uid: UUID) -> HttpResponse:
    """The buttons of a channel: lay again, drop a block, close."""
    row = _managed(request, uid)
    who: Any = {"by": request.actor, "at": clock.now()}
    if "drop" in request.POST:
        block = next((one for one in row.blocks.all() if str(one.uid) == request.POST["drop"]), None)
        if block is None:
            raise NotFound("没有这个时段")
        return said(request, lambda: commands.drop_block(block=block, **who), _("时段已撤销。"), "programmes:channel", uid)
    if "close" in request.POST:
        return said(request, lambda: commands.close_channel(channel=row, **who), _("频道已停播。"), "programmes:channel", uid)
    return said(request, lambda: commands.relay_days(channel=row, **who), _("节目单已重排。"), "programmes:channel", uid)


@door(P.MANAGE_COLUMNS)
@require_safe
def channel_package(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    """What a television station takes for one day: list, guide, files, sums (DLV10)."""
    row = _managed(request, uid)
    day = _day(request.GET.get("day", ""), clock.today())
    begins, ends = request.GET.get("from", "00:00"), request.GET.get("to", "24:00")
    file = packaging.package(row, day, begins=begins, ends=ends)
    return FileResponse(file, as_attachment=True, filename=f"{row.title}{day:%Y%m%d}.zip")


@public
@require_safe
def guide(request: HttpRequest, uid: UUID) -> HttpResponse:
    """The guide from today on, as far as it is laid."""
    row, today = queries.channel_by_uid(uid), clock.today()
    body = queries.guide_of(row, today, today + timedelta(days=commands.channels.DAYS_AHEAD))
    return HttpResponse(body, content_type="application/xml; charset=utf-8", headers={"Cache-Control": "max-age=300"})


@public
@require_safe
def live_master(request: HttpRequest, uid: UUID) -> HttpResponse:
    return HttpResponse(queries.live_master(uid, at=clock.civil_now()), content_type=PLAYLIST, headers={"Cache-Control": "max-age=60"})


@public
@require_safe
def live_media(request: HttpRequest, uid: UUID, profile: str) -> HttpResponse:
    return HttpResponse(
        queries.live_media(uid, profile, at=clock.civil_now()), content_type=PLAYLIST, headers={"Cache-Control": LIVE_CACHE}
    )
