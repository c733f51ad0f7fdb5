"""Active probes: the list with what answers now, one probe's story, adding and stopping."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.network import commands, queries
from yuanjiao.network.models import Probe, ProbeMethod
from yuanjiao.network.queries.evidence import address_text
from yuanjiao.network.views.parts import address_of, county_filter, seen_paths, shown_time
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

COLUMNS: tuple[Column[Any], ...] = (
    Column("对象", lambda p: p.object.name, link=lambda p: address_of(p.object), order=("object__name",), width=24),
    Column("编号", lambda p: p.object.code, order=("object__code",), width=16),
    Column("方式", lambda p: p.get_method_display(), order=("method",), width=8),
    Column("地址", address_text, link=lambda p: reverse("network:probe", args=[p.uid]), order=("host",), width=26),
    Column("结果", lambda p: p.shown[0], badge=lambda p: p.shown[1], width=14),
    Column("自", lambda p: shown_time(p.span.at) if p.span else "—", width=18),
    Column("时延（毫秒）", lambda p: round(p.span.latency_ms, 1) if p.span and p.span.latency_ms is not None else "—", width=12),
    Column("说明", lambda p: p.span.note if p.span else "", width=26),
    Column("周期（秒）", lambda p: p.period_s, width=10),
)


def fill(rows: Sequence[Any]) -> None:
    """What each probe of a page says now."""
    at = clock.now()
    for row in rows:
        row.span = row.now_spans[0] if row.now_spans else None
        row.shown = now_text(row, row.span, queries.is_fresh(row, row.span, at))


def now_text(probe: Probe, span: Any, fresh: bool) -> tuple[str, str]:
    """Word and colour of a probe's present result."""
    if not probe.active:
        return "已停止", "grey"
    if span is None:
        return "还没有结果", "grey"
    if not fresh:
        return "很久没有探测", "yellow"
    return ("有应答", "green") if span.ok else ("无应答", "red")


@door(Permission.SEE_NETWORK)
def probe_list(request: ActingRequest) -> HttpResponseBase:
    """Probes of the reader's subtree."""
    may_add = request.actor.holds(Permission.IMPORT_REGISTER)
    page = ListPage[Any](
        title="主动探测",
        rows=queries.probes_in(seen_paths(request.actor)),
        columns=COLUMNS,
        empty="还没有主动探测。它按周期询问一个地址是否应答，作为判断故障原因的旁证，不改变站点的通断状态。",
        search=("object__name", "object__code", "host"),
        search_hint="名称、编号或地址",
        filters=[
            Filter("method", "方式", [(str(key), str(name)) for key, name in ProbeMethod.choices], lambda rows, v: rows.filter(method=v)),
            county_filter(request.actor, "object__division__path"),
        ],
        actions=[(_("增加探测"), reverse("network:probe_new"))] if may_add else [],
        prepare=fill,
    )
    return respond(request, page)


@door(Permission.SEE_NETWORK)
def probe(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    """One probe and the spans of its outcomes."""
    row = _visible(request, uid, Permission.SEE_NETWORK)
    spans = queries.probe_spans(row, limit=100)
    now = next((span for span in spans if span.until is None), None)
    context = {
        "page_title": f"{row.object.name} {row.get_method_display()} {address_text(row)}",
        "probe": row,
        "address": address_text(row),
        "object_address": address_of(row.object),
        "shown": now_text(row, now, queries.is_fresh(row, now, clock.now())),
        "spans": spans,
        "may_stop": row.active and request.actor.covers(Permission.IMPORT_REGISTER, row.object.division.path),
    }
    return render(request, "network/probe.html", context)


def _visible(request: ActingRequest, uid: UUID, permission: Permission) -> Probe:
    row = queries.probe_by_uid(uid)
    request.actor.require(permission, row.object.division.path)
    return row


class ProbeForm(forms.Form):
    """What to ask whom."""

    subject = forms.CharField(label=gettext_lazy("站点、线路或边缘服务器的编号"), max_length=30)
    method = forms.ChoiceField(label=gettext_lazy("方式"), choices=ProbeMethod.choices)
    host = forms.CharField(label=gettext_lazy("IP 地址或域名"), max_length=100)
    port = forms.IntegerField(label=gettext_lazy("端口"), required=False, help_text=gettext_lazy("TCP 必填；HTTP 默认 80，SNMP 默认 161"))
    path = forms.CharField(
        label=gettext_lazy("路径或 OID"), max_length=200, required=False, help_text=gettext_lazy("HTTP 的路径；SNMP 的 OID，默认问开机时长")
    )
    community = forms.CharField(
        label=gettext_lazy("SNMP 团体字"), max_length=60, required=False, widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("加密保存，不再显示；默认 public"),
    )  # fmt: skip
    period_s = forms.IntegerField(label=gettext_lazy("周期（秒）"), initial=60)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for field in self.fields.values():
            field.widget.attrs.setdefault("class", "form-select" if isinstance(field, forms.ChoiceField) else "form-control")


@door(Permission.IMPORT_REGISTER)
def probe_new(request: ActingRequest) -> HttpResponseBase:
    """Add a probe."""
    is_sent = request.method == "POST"
    form = ProbeForm(request.POST if is_sent else None, initial={"subject": request.GET.get("object", "")})
    if is_sent and form.is_valid():
        try:
            row = _add(request, dict(form.cleaned_data))
        except (Refused, Conflict, NotFound) as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("已增加，一个周期内会有第一次结果。"))
            return redirect("network:probe", uid=row.uid)
    return render(request, "network/probe_new.html", {"page_title": _("增加探测"), "form": form}, status=400 if form.errors else 200)


def _add(request: ActingRequest, wanted: dict[str, Any]) -> Probe:
    subject = queries.object_by_code(wanted.pop("subject").strip())
    return commands.add_probe(subject=subject, **wanted, by=request.actor, at=clock.now())


@door(Permission.IMPORT_REGISTER)
@require_POST
def probe_stop(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    """Ask no more."""
    commands.stop_probe(probe=_visible(request, uid, Permission.IMPORT_REGISTER), by=request.actor, at=clock.now())
    messages.success(request, _("已停止。已有的结果保留。"))
    return redirect("network:probe_list")
