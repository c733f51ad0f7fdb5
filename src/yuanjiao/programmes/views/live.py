"""Live programmes: arranged by who manages columns, watched by everybody; their playlists and segments (DLV11)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yuanjiao.courseware.queries import column_titles
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.people.access import ActingRequest, door, public
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import unit_by_code
from yuanjiao.programmes import commands, queries
from yuanjiao.programmes.inputs import LiveForm
from yuanjiao.programmes.models import LiveProgramme
from yuanjiao.programmes.packaging import onair, relayed, streams
from yuanjiao.programmes.rules.live import Phase
from yuanjiao.programmes.views.parts import form_page, open_columns, own_divisions, own_units, said, sent
from yuanjiao.ui.lists import Column, ListPage, respond

P = Permission
SIGNAL_BADGES = {"opening": "blue", "on_air": "green", "lost": "orange", "full": "red"}


def _state(row: LiveProgramme) -> tuple[str, str]:
    where = queries.phase_of(row, clock.now())
    signal = getattr(row, "signal", None)
    if where == Phase.ON_AIR and signal is not None and signal.state in SIGNAL_BADGES:
        return signal.get_state_display(), SIGNAL_BADGES[signal.state]
    names = {Phase.COMING: (_("未开始"), "blue"), Phase.ON_AIR: (_("正在直播"), "green"), Phase.CANCELLED: (_("已取消"), "grey")}
    return names.get(where, (_("已结束"), "grey"))


@door(P.MANAGE_COLUMNS)
@require_safe
def live_list(request: ActingRequest) -> HttpResponseBase:
    rows = queries.lives_managed_by(request.actor)
    names = queries.names_of((row.audience for row in rows), clock.today())
    columns: list[Column[LiveProgramme]] = [
        Column(_("直播"), lambda row: row.title, link=lambda row: reverse("programmes:live", args=[row.uid]), order=("title",)),
        Column(_("状态"), lambda row: _state(row)[0], badge=lambda row: _state(row)[1]),
        Column(_("开始"), lambda row: row.starts_at, order=("starts_at",)),
        Column(_("结束"), lambda row: row.ended_at or row.ends_at),
        Column(_("面向范围"), lambda row: names.get(row.audience, row.audience)),
        Column(_("录像"), lambda row: row.signal.get_recording_display() if hasattr(row, "signal") else ""),
        Column(_("主办单位"), lambda row: row.unit.name, width=24),
    ]
    page = ListPage(
        title=_("现场直播"), rows=rows, columns=columns, empty=_("还没有现场直播。接入一路信号，到时间大家同看；结束后录像成为课件。"),
        search=("title",), search_hint=_("直播名称"), actions=[(_("安排直播"), reverse("programmes:live_new"))],
    )  # fmt: skip
    return respond(request, page)


def _choices(request: ActingRequest, row: LiveProgramme | None = None) -> dict[str, Any]:
    """What may be chosen, and what was chosen for `row` even if it could not be chosen now: saving a page loses nothing."""
    columns, recorders = open_columns(), queries.recorders(request.actor)
    if row is not None:
        columns += [one for one in column_titles([row.column_uid] if row.column_uid else []).items() if one[0] not in dict(columns)]
        recorder = row.signal.recorder_uid if hasattr(row, "signal") else None
        if recorder is not None and recorder not in dict(recorders):
            recorders += [(recorder, queries.recorder_name(recorder) or _("原来的制作人"))]
    return {"columns": columns, "recorders": recorders}


@door(P.MANAGE_COLUMNS)
def live_new(request: ActingRequest) -> HttpResponse:
    soon = (clock.now() + timedelta(hours=1)).astimezone(clock.CHINA).replace(minute=0, second=0, microsecond=0)
    initial = {"starts_at": soon, "ends_at": soon + timedelta(hours=2)}
    asked = {"units": own_units(request), "divisions": own_divisions(request), **_choices(request)}
    form = LiveForm(sent(request)[0], initial=initial, **asked)

    def save(values: Any) -> str:
        row = commands.announce_live(**{**values, "unit": unit_by_code(values["unit"])}, by=request.actor, at=clock.now())
        return reverse("programmes:live", args=[row.uid])

    back = (reverse("programmes:live_list"), _("现场直播"))
    return form_page(request, form, title=_("安排直播"), back=back, save=save, done=_("直播已安排，各终端首页会预告。"))


def _managed(request: ActingRequest, uid: UUID) -> LiveProgramme:
    row = queries.lives_managed_by(request.actor).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这场直播，或不在您负责的范围内")
    return row


@door(P.MANAGE_COLUMNS)
def live(request: ActingRequest, uid: UUID) -> HttpResponse:
    """One live programme: how its signal and its recording stand. POST changes what was announced."""
    row, now = _managed(request, uid), clock.now()
    signal, where = getattr(row, "signal", None), queries.phase_of(row, now)
    initial: dict[str, Any] = {name: getattr(row, name) for name in ("title", "lead", "starts_at", "ends_at")}
    initial |= {"column": row.column_uid or "", "recorder": (signal.recorder_uid or "") if signal else ""}
    form = LiveForm(sent(request)[0], initial=initial, **_choices(request, row))
    if request.method == "POST" and form.is_valid():
        try:
            commands.change_live(live=row, **form.cleaned_data, by=request.actor, at=now)
            return said(request, lambda: None, _("已保存。"), "programmes:live", uid)
        except (Refused, Conflict) as error:
            form.add_error(None, error.message)
    changeable = signal is not None and where in {Phase.COMING, Phase.ON_AIR}
    waits = signal is not None and where == Phase.OVER and commands.waits_for_item(signal)
    context = {
        "page_title": row.title,
        "row": row,
        "signal": signal,
        "where": str(where),
        "state": _state(row),
        "audience": queries.names_of([row.audience], clock.today()).get(row.audience, row.audience),
        "form": form if changeable else None,
        "recorders": queries.recorders(request.actor) if waits and signal and signal.recording_words else [],
        "column": column_titles([row.column_uid]).get(row.column_uid, "") if row.column_uid else "",
    }
    return render(request, "programmes/live.html", context, status=400 if form.errors else 200)


@door(P.MANAGE_COLUMNS)
@require_POST
def live_act(request: ActingRequest, uid: UUID) -> HttpResponse:
    """The buttons of a live programme: end, cancel, hand the recording on."""
    row = _managed(request, uid)
    who: Any = {"live": row, "by": request.actor, "at": clock.now()}
    if "end" in request.POST:
        return said(request, lambda: commands.end_live(**who), _("直播已结束。"), "programmes:live", uid)
    if "hand" in request.POST:
        chosen = next((one for one, _name in queries.recorders(request.actor) if str(one) == request.POST["hand"]), None)
        if chosen is None:
            raise NotFound("没有这位制作人")
        return said(request, lambda: commands.hand_recording(recorder=chosen, **who), _("录像已转交。"), "programmes:live", uid)
    return said(request, lambda: commands.cancel_live(**who), _("直播已取消。"), "programmes:live", uid)


# -- what players ask for ---------------------------------------------------------------------------------------------------


@public
@require_safe
def onair_list(request: HttpRequest, uid: UUID, name: str) -> HttpResponse:
    """A playlist as it stands. Our own server answers by the lean door (programmes/api.py) without coming here."""
    try:
        body = onair.published(uid, name)
    except NotFound:
        body = _from_above(uid, f"{name}.m3u8")
    return HttpResponse(body, content_type=streams.PLAYLIST, headers=streams.LIST_LABELS)


@public
@require_safe
def onair_segment(request: HttpRequest, uid: UUID, run: int, name: str) -> HttpResponse:
    """A finished segment."""
    try:
        body = onair.segment(uid, run, f"{name}.ts").read_bytes()
    except NotFound:
        body = _from_above(uid, f"{run}/{name}.ts")
    return HttpResponse(body, content_type=streams.SEGMENT, headers=streams.SEGMENT_LABELS)


def _from_above(uid: UUID, rest: str) -> bytes:
    """What the machine above has."""
    if not settings.PARENT:
        raise NotFound("直播还没有开始，或信号还没有到")
    return relayed.RELAY.wanted(uid, rest).result()
