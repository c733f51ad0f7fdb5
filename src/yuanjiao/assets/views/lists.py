"""Lists of equipment: ageing, replacement, stores, warranties, what units hold, expected lives, the register on paper."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.assets import commands, queries
from yuanjiao.assets.inputs import LeastForm, LifeForm
from yuanjiao.assets.models import Issue
from yuanjiao.assets.queries import Ageing, BookLine, StockLine
from yuanjiao.assets.rules import USUAL_LIFE_YEARS, WARRANTY_DAYS, years_used
from yuanjiao.assets.views.parts import asset_address, asset_columns, counties, county_filter, kind_filter, managed_units, seen
from yuanjiao.lib import clock
from yuanjiao.lib.shares import per_cent
from yuanjiao.network.models import Asset
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Permission
from yuanjiao.ui.forms import FormPage, form_page
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

P = Permission


def asked(**filters: str) -> str:
    """The query of an address: filters that say something."""
    return urlencode({name: value for name, value in filters.items() if value}, safe="/")


@door(P.SEE_NETWORK)
def ageing(request: ActingRequest) -> HttpResponseBase:
    """Each county: how much of its equipment is beyond its life (OPS08)."""
    today, kind = clock.today(), request.GET.get("kind", "")
    lines = queries.ageing_by_county(seen(request.actor), on=today, kind=kind)
    years = sorted({year for line in lines for year in line.years})[-8:]
    kinds = Filter("kind", _("设备名称"), [(one, one) for one in queries.kinds(seen(request.actor))], lambda rows, _value: rows)

    def opened(row: Ageing) -> str:
        return f"{reverse('assets:replacement_list')}?{asked(county=row.path, kind=kind)}"

    page: ListPage[Ageing] = ListPage(
        title=_("设备老化"),
        rows=lines,
        columns=[
            Column(_("县（市、区）"), lambda row: row.name, width=20),
            Column(_("设备数"), lambda row: row.total),
            Column(_("超年限"), lambda row: row.beyond, link=opened),
            Column(_("超年限比例"), lambda row: "—" if row.share is None else per_cent(row.share)),
            Column(_("没有购置日期"), lambda row: row.undated),
            *[Column(_("%(year)s 年购") % {"year": year}, lambda row, year=year: row.years[year]) for year in years],  # type: ignore[misc]
        ],
        empty=_("台账中还没有设备。从“导入台账”导入“设备”表，或在“设备”页登记。"),
        filters=[kinds],
        lead=_("超年限比例＝超过使用年限的设备 ÷ 有购置日期的设备；报废的不计。点“超年限”看逐件清单。"),
    )
    return respond(request, page)


@door(P.SEE_NETWORK)
def replacement_list(request: ActingRequest) -> HttpResponseBase:
    today = clock.today()
    page: ListPage[Asset] = ListPage(
        title=_("设备更新清单"),
        rows=queries.replacement_list(seen(request.actor), on=today),
        columns=[
            *asset_columns(),
            Column(_("使用年限"), lambda row: row.life_years),
            Column(_("已用（年）"), lambda row: years_used(row.purchased_on, today) if row.purchased_on else None),
            Column(_("状态"), lambda row: row.get_condition_display()),
            Column(_("原值（元）"), lambda row: row.price_fen, money=True),
        ],
        empty=_("没有超过使用年限的设备。"),
        search=("code", "kind", "model"),
        search_hint=_("编号、名称或型号"),
        filters=[county_filter(request.actor), kind_filter(request.actor)],
        lead=_("购置满使用年限、没有报废的设备，最早购置的在前。没有购置日期的不在其中。"),
    )
    return respond(request, page)


@door(P.SEE_NETWORK)
def stock_list(request: ActingRequest) -> HttpResponseBase:
    def opened(row: StockLine) -> str:
        return f"{reverse('register:asset_list')}?{asked(condition='spare', kind=row.kind, store=row.store_code)}"

    page: ListPage[StockLine] = ListPage(
        title=_("备件库存"),
        rows=queries.stock(seen(request.actor)),
        columns=[
            Column(_("备件库"), lambda row: row.store_name, width=26),
            Column(_("设备名称"), lambda row: row.kind),
            Column(_("备用"), lambda row: row.spare, link=opened, badge=lambda row: "red" if row.is_short else "green"),
            Column(_("最低库存"), lambda row: row.least),
            Column(_("需补"), lambda row: max((row.least or 0) - row.spare, 0)),
        ],
        empty=_("备件库里没有设备。把设备调到备件库，或设定最低库存。"),
        actions=[(_("设定最低库存"), reverse("assets:least_new"))] if request.actor.holds(P.MANAGE_ASSETS) else [],
    )
    return respond(request, page)


@door(P.MANAGE_ASSETS)
def least_new(request: ActingRequest) -> HttpResponse:
    def save(said: dict[str, Any]) -> None:
        commands.set_least_stock(store=said["unit"], kind=said["kind"], least=said["least"], by=request.actor, at=clock.now())

    form = LeastForm(request.POST or None, units=managed_units(request.actor))
    return form_page(request, form, FormPage(_("设定最低库存"), reverse("assets:stock_list"), _("备件库存"), _("已设定。")), save)


@door(P.SEE_NETWORK)
def warranty_list(request: ActingRequest) -> HttpResponseBase:
    page: ListPage[Asset] = ListPage(
        title=_("质保到期"),
        rows=queries.warranties_ending(seen(request.actor), on=clock.today()),
        columns=[*asset_columns(), Column(_("质保到期"), lambda row: row.warranty_ends_on, badge=lambda _row: "yellow")],
        empty=_("近期没有质保到期的设备。"),
        filters=[county_filter(request.actor), kind_filter(request.actor)],
        lead=_("%(days)s 天内质保到期的设备，到期前检查一遍，有故障的及时报修。") % {"days": WARRANTY_DAYS},
    )
    return respond(request, page)


@door(P.SEE_NETWORK)
def issue_list(request: ActingRequest) -> HttpResponseBase:
    out = [("out", _("未交回")), ("back", _("已交回"))]
    page: ListPage[Issue] = ListPage(
        title=_("设备配发"),
        rows=queries.issues(seen(request.actor)),
        columns=[
            Column(_("使用单位"), lambda row: row.unit.name, width=24, order=("unit__code",)),
            Column(_("资产编号"), lambda row: row.asset.code, link=lambda row: asset_address(row.asset), width=16),
            Column(_("设备名称"), lambda row: row.asset.kind),
            Column(_("型号"), lambda row: row.asset.model),
            Column(_("领用人"), lambda row: row.taker),
            Column(_("配发日期"), lambda row: row.issued_on, order=("issued_on",)),
            Column(_("交回日期"), lambda row: row.returned_on or _("未交回"), badge=lambda row: None if row.returned_on else "yellow"),
        ],
        empty=_("没有配发给单位的设备。备件库里的设备从它自己的页面配发。"),
        search=("unit__name", "asset__code", "asset__kind", "taker"),
        search_hint=_("单位、编号、名称或领用人"),
        filters=[
            Filter("state", _("是否交回"), out, lambda rows, value: rows.filter(returned_on__isnull=value == "out")),
            Filter("county", _("县（市、区）"), counties(request.actor), lambda rows, v: rows.filter(within("unit__division__path", [v]))),
        ],
        lead=_("登记到单位；人员离任时由单位收回，交回备件库。"),
    )
    return respond(request, page)


@door(P.SEE_NETWORK)
def life_list(request: ActingRequest) -> HttpResponseBase:
    page: ListPage[tuple[str, int]] = ListPage(
        title=_("使用年限"),
        rows=list(queries.kind_lives().items()),
        columns=[Column(_("设备名称"), lambda row: row[0]), Column(_("使用年限"), lambda row: row[1])],
        empty=_("还没有按设备名称设定年限，没有设定的按 %(years)s 年。") % {"years": USUAL_LIFE_YEARS},
        actions=[(_("设定年限"), reverse("assets:life_new"))] if request.actor.holds(P.IMPORT_REGISTER) else [],
    )
    return respond(request, page)


@door(P.IMPORT_REGISTER)
def life_new(request: ActingRequest) -> HttpResponse:
    def save(said: dict[str, Any]) -> None:
        commands.set_kind_life(kind=said["kind"], years=said["years"], by=request.actor, at=clock.now())

    page = FormPage(
        _("设定使用年限"),
        reverse("assets:life_list"),
        _("使用年限"),
        _("已设定。"),
        _("原来按这个名称的年限登记的设备随之改变，单独写了年限的不变。"),
    )
    return form_page(request, LifeForm(request.POST or None), page, save)


@door(P.SEE_NETWORK)
def book(request: ActingRequest) -> HttpResponseBase:
    """The register on paper: 名称、型号、规格、数量、购置日期、经办人."""
    under = request.GET.get("county", "")
    known = counties(request.actor)
    lines = queries.book_lines(seen(request.actor), under=under if under in dict(known) else "")
    page: ListPage[BookLine] = ListPage(
        title=_("设备登记簿"),
        rows=lines,
        columns=[
            Column(_("名称"), lambda row: row.kind, width=18),
            Column(_("型号"), lambda row: row.model, width=18),
            Column(_("规格"), lambda row: row.specification, width=18),
            Column(_("数量"), lambda row: row.count, width=8),
            Column(_("购置日期"), lambda row: row.purchased_on),
            Column(_("经办人"), lambda row: row.handled_by),
        ],
        empty=_("登记簿是空的。"),
        filters=[Filter("county", _("县（市、区）"), known, lambda rows, _value: rows)],
        lead=_("同一天购置的同样设备合为一行；报废的不在簿上。可导出打印。"),
    )
    return respond(request, page)
