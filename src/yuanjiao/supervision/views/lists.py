"""The lists a campaign's figures open to: the frozen population, inspections, nightly rows."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.network.models import ObjectKind
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.supervision import queries
from yuanjiao.supervision.models import BurnDown, CampaignObject, Visit
from yuanjiao.supervision.rules import FOUND_NAMES, LINE_NAMES, METHOD_NAMES
from yuanjiao.supervision.views.scope import county_filter, found, opened, seen
from yuanjiao.ui.lists import Column, Filter, ListPage, respond
from yuanjiao.ui.templatetags.zh import duration

PAGES = {ObjectKind.SITE: "network:site", ObjectKind.EDGE: "network:edge", ObjectKind.LINE: "network:line"}
COME = [("no", "缺"), ("yes", "有")]


def come_filter(name: str, title: str, field: str) -> Filter:
    """Rows with a moment in a field, or without."""
    return Filter(name, title, COME, lambda rows, value: rows.filter(**{f"{field}__isnull": value == "no"}))


def seconds_column(title: str, field: str) -> Column[CampaignObject]:
    return Column(title, lambda row: duration(getattr(row, field)) if row.kind == ObjectKind.SITE else "", order=(field,))


@door(Permission.SEE_ITEMS)
def object_list(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    """The population as it was frozen: what was inspected and confirmed, and the seconds behind both rates."""
    campaign = found(request, uid)

    def parted(rows: Any, value: str) -> Any:
        out = queries.left_out(campaign, rows).values("pk")
        return rows.filter(kind=ObjectKind.SITE).exclude(pk__in=out) if value == "in" else rows.filter(pk__in=out)

    page: ListPage[CampaignObject] = ListPage(
        title=_("行动对象"),
        rows=queries.frozen_objects(campaign, seen(request.actor)),
        columns=[
            Column(
                _("编号"),
                lambda row: row.code,
                link=lambda row: reverse(PAGES[ObjectKind(row.kind)], args=[row.code]),
                order=("code",),
                width=20,
            ),
            Column(_("名称"), lambda row: row.name, order=("name",), width=24),
            Column(_("类别"), lambda row: row.get_kind_display(), order=("kind",)),
            Column(_("县"), lambda row: row.county_name, order=("county_code", "code")),
            Column(_("所在地"), lambda row: row.place_name, order=("path",), width=18),
            Column(
                _("检查"),
                lambda row: row.inspected_at or _("缺检查记录"),
                badge=lambda row: None if row.inspected_at else "red",
                link=lambda row: reverse("supervision:visit_add", args=[campaign.uid, row.code]),
                order=("inspected_at",),
                width=18,
            ),
            Column(
                _("底数"),
                lambda row: row.confirmed_at or (_("未确认") if row.kind == ObjectKind.SITE else ""),
                order=("confirmed_at",),
                width=18,
            ),
            seconds_column(_("之前畅通"), "before_up"),
            seconds_column(_("之前不通"), "before_down"),
            seconds_column(_("之前不明"), "before_unknown"),
            seconds_column(_("行动期畅通"), "after_up"),
            seconds_column(_("行动期不通"), "after_down"),
            seconds_column(_("行动期不明"), "after_unknown"),
        ],
        empty=_("专项行动启动后，这里是启动那天固定下来的服务器、线路和站点。"),
        search=("name", "code", "place_name"),
        search_hint=_("名称、编号或所在地"),
        filters=[
            Filter("kind", _("类别"), list(ObjectKind.choices), lambda rows, value: rows.filter(kind=value)),
            county_filter(campaign, request.actor, "county_code"),
            come_filter("inspected", _("检查记录"), "inspected_at"),
            Filter(
                "confirmed", _("底数确认"), COME, lambda rows, value: rows.filter(kind=ObjectKind.SITE, confirmed_at__isnull=value == "no")
            ),
            Filter("compared", _("前后对比"), [("in", _("列入")), ("out", _("未列入"))], parted),
        ],
        actions=[(campaign.title, opened("campaign", campaign))],
        lead=_("编号、名称和所在地是启动那天的；以后的改名、迁移、停用不改变这张名单。"),
        notes=[_("前后对比只列入两段时间自始至终在用的站点")],
    )
    return respond(request, page)


@door(Permission.SEE_ITEMS)
def visit_list(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    """Inspections, those to come as well; an unannounced one appears for the place when it is filed."""
    campaign = found(request, uid)
    flags = {True: _("是"), False: _("否"), None: ""}
    page: ListPage[Visit] = ListPage(
        title=_("检查记录"),
        rows=queries.visits_seen_by(request.actor, campaign),
        columns=[
            Column(_("对象"), lambda row: row.target.name, order=("target__name",), width=24),
            Column(_("县"), lambda row: row.target.county_name, order=("target__county_code",)),
            Column(
                _("结果"),
                lambda row: row.get_found_display() or _("待检查"),
                badge=lambda row: {"good": "green", "problem": "red"}.get(row.found, "grey"),
            ),
            Column(_("方式"), lambda row: row.get_method_display(), order=("method",)),
            Column(_("督查线"), lambda row: row.get_line_display(), order=("line",), width=20),
            Column(_("检查时间"), lambda row: row.made_at, order=("made_at",), width=18),
            Column(_("检查人"), lambda row: row.by_name or row.inspector.person_name),
            Column(_("通电"), lambda row: flags[row.powered]),
            Column(_("能播放"), lambda row: flags[row.plays]),
            Column(_("有人管"), lambda row: flags[row.kept]),
            Column(_("说明"), lambda row: row.note, width=30),
        ],
        empty=_("还没有检查记录。派出检查人员并安排检查后，会出现在这里。"),
        search=("target__name", "target__code"),
        search_hint=_("对象名称或编号"),
        filters=[
            Filter(
                "found", _("结果"), [(one.value, name) for one, name in FOUND_NAMES.items()], lambda rows, value: rows.filter(found=value)
            ),
            Filter(
                "method",
                _("方式"),
                [(one.value, name) for one, name in METHOD_NAMES.items()],
                lambda rows, value: rows.filter(method=value),
            ),
            Filter(
                "line", _("督查线"), [(one.value, name) for one, name in LINE_NAMES.items()], lambda rows, value: rows.filter(line=value)
            ),
            come_filter("filed", _("记录"), "filed_at"),
            county_filter(campaign, request.actor, "target__county_code"),
        ],
        actions=[(campaign.title, opened("campaign", campaign))],
    )
    return respond(request, page)


@door(Permission.SEE_ITEMS)
def day_list(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    """The nightly rows."""
    campaign = found(request, uid)
    numbers = [
        (_("对象"), "population"), (_("已检查"), "inspected"), (_("站点"), "sites"), (_("已确认"), "confirmed"), (_("问题"), "items"),
        (_("未办结"), "open"), (_("已销号"), "closed"), (_("无责任人"), "unowned"), (_("复查未过"), "failed"),
    ]  # fmt: skip
    page: ListPage[BurnDown] = ListPage(
        title=_("每日进度"),
        rows=queries.days_of(campaign, seen(request.actor)).order_by("-day", "county_code"),
        columns=[
            Column(_("日期"), lambda row: row.day, order=("day", "county_code")),
            Column(_("县"), lambda row: row.county_name, order=("county_code", "day")),
            *(Column(title, lambda row, name=name: getattr(row, name), order=(name,)) for title, name in numbers),  # type: ignore[misc]
        ],
        empty=_("每天夜里记一次。启动后的第二天起，这里每县每天一行。"),
        filters=[county_filter(campaign, request.actor, "county_code")],
        actions=[(campaign.title, opened("campaign", campaign))],
        lead=_("每天终了时各县的进度，写下以后不再改动；由检查记录、底数确认和事项的办理记录可以重新算出。"),
    )
    return respond(request, page)
