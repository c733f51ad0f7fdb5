"""Lists of the register: divisions, units, people with what they answer for, equipment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import ExpressionWrapper, F, IntegerField
from django.db.models.functions import ExtractYear
from django.http import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yuanjiao.assets import queries as assets
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound
from yuanjiao.network.models import Asset, Condition
from yuanjiao.network.queries import entries as network
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.commands import issue_password
from yuanjiao.people.models import Membership, Person, Responsibility
from yuanjiao.people.queries import accounts, masked_phone, memberships_open, people_rows, responsibilities_open, tenures_on, within
from yuanjiao.people.rules import Permission
from yuanjiao.places.models import CHAIN_NAMES, LEVEL_NAMES, Division, OrgUnit
from yuanjiao.places.queries import divisions, units
from yuanjiao.register.documents.columns import ROLES, URBAN_RURAL_NAMES
from yuanjiao.register.views.tree_list import PlaceNames, scope_of, tree_list
from yuanjiao.ui.lists import Column, Filter, ListPage

P = Permission
CHAINS = [(str(key), name) for key, name in CHAIN_NAMES]


def _actions(request: ActingRequest) -> list[tuple[str, str]]:
    return [(_("导入"), reverse("register:import_new"))] if request.actor.holds(P.IMPORT_REGISTER) else []


def _entering(request: ActingRequest) -> list[tuple[str, str]]:
    return [(_("登记设备"), reverse("assets:asset_new"))] if request.actor.holds(P.MANAGE_ASSETS) else []


def _moving(request: ActingRequest) -> list[tuple[str, str]]:
    return [(_("区划变更"), reverse("register:division_move"))] if request.actor.holds(P.IMPORT_REGISTER) else []


@door(P.SEE_NETWORK)
def division_list(request: ActingRequest) -> HttpResponseBase:
    scope, names = scope_of(request, P.SEE_NETWORK), PlaceNames()
    levels = [(str(int(key)), name) for key, name in LEVEL_NAMES]
    page: ListPage[Division] = ListPage(
        title=_("区划"),
        rows=divisions(on=clock.today()).filter(scope.within("path")),
        columns=[
            Column(_("区划代码"), lambda row: row.code, order=("code",), width=16),
            Column(_("区划名称"), lambda row: row.name, order=("name",), width=24),
            Column(_("级别"), lambda row: row.get_level_display(), order=("level",)),
            Column(_("所在"), lambda row: names.full(row), width=36),
            Column(_("城乡分类"), lambda row: URBAN_RURAL_NAMES.get(row.urban_rural, ""), order=("urban_rural",), width=16),
            Column(_("启用日期"), lambda row: row.valid_from, order=("valid_from",)),
        ],
        empty=_("这里还没有区划。可在“导入”页下载模板，填好“区划”表后上传。"),
        search=("code", "name"),
        search_hint=_("区划名称或代码"),
        filters=[
            Filter(
                "level", _("级别"), levels, lambda rows, value: rows.filter(level=value) if value.isdecimal() and len(value) < 3 else rows
            )
        ],
        actions=_actions(request) + _moving(request),
        prepare=names.prepare,
    )
    return tree_list(request, page, scope)


@door(P.SEE_NETWORK)
def unit_list(request: ActingRequest) -> HttpResponseBase:
    scope, names = scope_of(request, P.SEE_NETWORK), PlaceNames()
    page: ListPage[OrgUnit] = ListPage(
        title=_("单位"),
        rows=units(on=clock.today()).filter(scope.within("division__path")),
        columns=[
            Column(_("单位代码"), lambda row: row.code, order=("code",), width=20),
            Column(_("单位名称"), lambda row: row.name, order=("name",), width=28),
            Column(_("系统"), lambda row: row.get_chain_display(), order=("chain",)),
            Column(_("上级单位"), lambda row: row.parent.name if row.parent else "", width=24),
            Column(_("管辖区划"), lambda row: names.full(row.division), width=30),
            Column(_("成立日期"), lambda row: row.valid_from, order=("valid_from",)),
        ],
        empty=_("这里还没有单位。可在“导入”页下载模板，填好“单位”表后上传。"),
        search=("code", "name"),
        search_hint=_("单位名称或代码"),
        filters=[Filter("chain", _("系统"), CHAINS, lambda rows, value: rows.filter(chain=value))],
        actions=_actions(request),
        prepare=lambda rows: names.prepare(row.division for row in rows),
    )
    return tree_list(request, page, scope)


class Duties:
    """What the people of one page of rows answer for and which posts they hold, in two queries."""

    def __init__(self) -> None:
        self.duties: dict[int, list[Responsibility]] = defaultdict(list)
        self.posts: dict[int, list[Membership]] = defaultdict(list)

    def prepare(self, rows: Sequence[Person]) -> None:
        keys = [row.pk for row in rows]
        for duty in responsibilities_open().filter(person_id__in=keys):
            self.duties[duty.person_id].append(duty)
        for post in memberships_open().filter(person_id__in=keys):
            self.posts[post.person_id].append(post)

    def duty_text(self, person: Person) -> str:
        return "；".join(f"{duty.division.name} {duty.get_kind_display()}" for duty in self.duties[person.pk])

    def post_text(self, person: Person) -> str:
        return "、".join(ROLES[post.role] for post in self.posts[person.pk])


@door(P.SEE_PEOPLE)
def person_list(request: ActingRequest) -> HttpResponseBase:
    scope, duties = scope_of(request, P.SEE_PEOPLE), Duties()
    page: ListPage[Person] = ListPage(
        title=_("人员与责任人"),
        rows=people_rows().filter(scope.within("unit__division__path")),
        columns=[
            Column(_("姓名"), lambda row: row.name, link=lambda row: reverse("register:person", args=[row.uid]), order=("name",)),
            Column(_("单位"), lambda row: row.unit.name, order=("unit__name",), width=26),
            Column(_("职务"), lambda row: row.post),
            Column(_("电话"), masked_phone),
            Column(_("责任"), duties.duty_text, width=36),
            Column(_("岗位"), duties.post_text, width=22),
        ],
        empty=_("这里还没有人员。可在“导入”页下载模板，填好“责任人”表后上传。"),
        search=("name", "unit__name", "post"),
        search_hint=_("姓名、单位或职务"),
        filters=[
            Filter("chain", _("系统"), [(str(key), name) for key, name in CHAIN_NAMES], lambda rows, value: rows.filter(unit__chain=value))
        ],
        actions=_actions(request),
        lead=_("电话隐去中间四位；派工单和受理热线需要拨打时，在工单上显示。"),
        prepare=duties.prepare,
    )
    return tree_list(request, page, scope)


def _person_in_scope(request: ActingRequest, uid: UUID) -> Person:
    row = people_rows().filter(within("unit__division__path", request.actor.paths(P.SEE_PEOPLE)), uid=uid).first()
    if row is None:
        raise NotFound(_("没有找到，或不在您负责的范围内"))
    return row


def _person_page(request: ActingRequest, person: Person, password: str = "") -> HttpResponseBase:
    context = {
        "page_title": person.name,
        "person": person,
        "phone": masked_phone(person),
        "duties": tenures_on(clock.today()).filter(person=person),
        "posts": memberships_open().filter(person=person),
        "account": accounts().filter(person=person).first(),
        "password": password,
        "may_issue": request.actor.covers(P.IMPORT_REGISTER, person.unit.division.path),
    }
    response = render(request, "register/person.html", context)
    response["Cache-Control"] = "no-store"
    return response


@door(P.SEE_PEOPLE)
def person(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    return _person_page(request, _person_in_scope(request, uid))


@door(P.IMPORT_REGISTER)
@require_POST
def person_password(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    """Shown in the answer itself: a password in a redirect or a message would be stored."""
    found = _person_in_scope(request, uid)
    return _person_page(request, found, issue_password(person=found, by=request.actor, at=clock.now()))


def _age_badge(row: Asset) -> str | None:
    ends = _ends_in(row)
    return None if ends is None else "red" if ends < clock.today().year else "yellow" if ends == clock.today().year else "green"


def _asset_address(row: Asset) -> str:
    return reverse("assets:asset", args=[row.uid])


def _ends_in(row: Asset) -> int | None:
    return row.purchased_on.year + row.life_years if row.purchased_on else None


def _of_one_store(request: ActingRequest) -> list[Filter]:
    """The kind and the store that an address names, as the list of stores does: shown when they are asked for."""
    kind, store = request.GET.get("kind", ""), request.GET.get("store", "")
    found = [Filter("kind", _("设备名称"), [(kind, kind)], lambda rows, value: rows.filter(kind=value))] if kind else []
    if store:
        name = units(on=clock.today()).filter(code=store).values_list("name", flat=True).first() or store
        found.append(Filter("store", _("备件库"), [(store, name)], lambda rows, value: rows.filter(store__code=value)))
    return found


def _by_age(rows: Any, value: str) -> Any:
    ends = ExpressionWrapper(ExtractYear("purchased_on") + F("life_years"), output_field=IntegerField())
    year = clock.today().year
    dated = rows.annotate(ends=ends)
    return {"over": dated.filter(ends__lt=year), "due": dated.filter(ends=year), "undated": rows.filter(purchased_on=None)}.get(value, rows)


@door(P.SEE_NETWORK)
def asset_list(request: ActingRequest) -> HttpResponseBase:
    scope, names = scope_of(request, P.SEE_NETWORK), PlaceNames()
    ages = [("over", _("已超年限")), ("due", _("今年到期")), ("undated", _("没有购置日期"))]
    page: ListPage[Asset] = ListPage(
        title=_("设备"),
        rows=network.assets().filter(assets.inside(scope.within)),
        columns=[
            Column(_("资产编号"), lambda row: row.code, link=_asset_address, order=("code",), width=16),
            Column(_("设备名称"), lambda row: row.kind, order=("kind",)),
            Column(_("型号"), lambda row: row.model),
            Column(_("规格"), lambda row: row.specification),
            Column(_("序列号"), lambda row: row.serial_number, width=18),
            Column(_("所在"), lambda row: assets.where(row), order=("place__name", "unit__name", "store__name"), width=24),
            Column(_("县"), lambda row: names.county(row.division), order=("place__division__path",)),
            Column(_("状态"), lambda row: row.get_condition_display(), order=("condition",)),
            Column(_("单价（元）"), lambda row: row.price_fen, money=True, order=("price_fen",)),
            Column(_("购置日期"), lambda row: row.purchased_on, order=("purchased_on",)),
            Column(_("到期年份"), lambda row: str(_ends_in(row) or _("不明")), badge=_age_badge, order=("purchased_on",)),
        ],
        empty=_("没有符合条件的设备。可在“导入”页下载模板，填好“设备”表后上传。"),
        search=("code", "kind", "model", "serial_number", "place__name", "unit__name", "store__name"),
        search_hint=_("编号、名称、型号或所在"),
        filters=[
            Filter("age", _("使用年限"), ages, _by_age),
            Filter("condition", _("状态"), Condition.choices, lambda rows, value: rows.filter(condition=value)),
            *_of_one_store(request),
        ],
        actions=_actions(request) + _entering(request),
        lead=_("到期年份＝购置年份＋使用年限。到期该更新的见“更新清单”。"),
        prepare=lambda rows: names.prepare(row.division for row in rows),
    )
    return tree_list(request, page, scope)
