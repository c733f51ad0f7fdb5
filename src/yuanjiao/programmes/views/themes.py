"""Themes: the list, a new one, changing one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import unit_by_code
from yuanjiao.programmes import commands, queries
from yuanjiao.programmes.inputs import ThemeForm
from yuanjiao.programmes.models import Theme
from yuanjiao.programmes.views.parts import form_page, open_columns, own_divisions, own_units, sent
from yuanjiao.ui.lists import Column, ListPage, respond

P = Permission


def _state(row: Theme) -> tuple[str, str]:
    today = clock.today()
    if row.starts_on > today:
        return _("未开始"), "blue"
    return (_("已结束"), "grey") if row.ends_on <= today else (_("显示中"), "green")


@door(P.MANAGE_COLUMNS)
@require_safe
def theme_list(request: ActingRequest) -> HttpResponseBase:
    rows = queries.themes_managed_by(request.actor)
    names = queries.names_of((row.audience for row in rows), clock.today())
    columns: list[Column[Theme]] = [
        Column(_("主题"), lambda row: row.title, link=lambda row: reverse("programmes:theme", args=[row.uid]), order=("title",)),
        Column(_("状态"), lambda row: _state(row)[0], badge=lambda row: _state(row)[1]),
        Column(_("栏目数"), lambda row: len(row.columns.all())),
        Column(_("面向范围"), lambda row: names.get(row.audience, row.audience)),
        Column(_("起"), lambda row: row.starts_on, order=("starts_on",)),
        Column(_("止"), lambda row: row.ends_on, order=("ends_on",)),
        Column(_("横幅"), lambda row: bool(row.banner)),
        Column(_("主办单位"), lambda row: row.unit.name, width=24),
    ]
    page = ListPage(
        title=_("主题"), rows=rows, columns=columns, empty=_("还没有主题。主题把几个栏目、一张横幅和起止日期放在一起，到期自动下线。"),
        search=("title",), search_hint=_("主题名称"), actions=[(_("开设主题"), reverse("programmes:theme_new"))],
    )  # fmt: skip
    return respond(request, page)


def _choices(request: ActingRequest) -> dict[str, Any]:
    return {"divisions": own_divisions(request), "columns": open_columns()}


@door(P.MANAGE_COLUMNS)
def theme_new(request: ActingRequest) -> HttpResponse:
    form = ThemeForm(*sent(request), initial={"starts_on": clock.today()}, units=own_units(request), **_choices(request))

    def save(values: Any) -> str:
        kept = {name: value for name, value in values.items() if name not in {"unit", "banner"}}
        row = commands.open_theme(**kept, unit=unit_by_code(values["unit"]), by=request.actor, at=clock.now())
        _banner(request, row, values)
        return reverse("programmes:theme_list")

    back = (reverse("programmes:theme_list"), _("主题"))
    return form_page(request, form, title=_("开设主题"), back=back, save=save, done=_("主题已开设。"))


def _banner(request: ActingRequest, row: Theme, values: Any) -> None:
    if values.get("banner"):
        commands.set_banner(theme=row, picture=values["banner"].read(), by=request.actor, at=clock.now())


@door(P.MANAGE_COLUMNS)
def theme(request: ActingRequest, uid: UUID) -> HttpResponse:
    row = queries.themes_managed_by(request.actor).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有找到这个主题，或不在您负责的范围内")
    initial = {name: getattr(row, name) for name in ("title", "summary", "audience", "starts_on", "ends_on", "order")}
    initial["columns"] = [str(one.column_uid) for one in row.columns.all()]
    form = ThemeForm(*sent(request), initial=initial, **_choices(request))

    def save(values: Any) -> str:
        kept = {name: value for name, value in values.items() if name != "banner"}
        commands.change_theme(theme=row, **kept, by=request.actor, at=clock.now())
        _banner(request, row, values)
        return reverse("programmes:theme_list")

    note = _("换横幅时再选一张图片；不选即保留原来的。") if row.banner else ""
    back = (reverse("programmes:theme_list"), _("主题"))
    return form_page(request, form, title=row.title, back=back, save=save, done=_("已保存。"), note=note)
