"""What each role sees first: one function per role, each asking only the rooms' queries for what lies in its scope."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from functools import wraps
from typing import TypeVar

from django.conf import settings
from django.utils.translation import gettext as _

from yuanjiao.courseware import queries as courseware
from yuanjiao.courseware.rules.life import State as ItemState
from yuanjiao.desks.screen.board import Ranked, misses, per_cent, ranked, rate_notes
from yuanjiao.desks.screen.views import top_division
from yuanjiao.desks.staff.desk import Desk, Figure
from yuanjiao.desks.staff.duties import own_sheets, vacancies
from yuanjiao.desks.staff.papers import own_papers
from yuanjiao.desks.staff.signs import sign_address
from yuanjiao.desks.staff.waiting import refusals_seen, waiting_seen
from yuanjiao.faults import queries as faults
from yuanjiao.faults.models import FaultReport, WorkOrder
from yuanjiao.items.queries import colour_filter, colour_now
from yuanjiao.items.rules import WITH_OWNER, Colour, State
from yuanjiao.learning import queries as learning
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.shared import Shared
from yuanjiao.network import queries as network
from yuanjiao.people.queries import audit_trail
from yuanjiao.people.rules import Actor, Permission, Role
from yuanjiao.supervision.queries import census_wanted
from yuanjiao.ui.panels import Line, Panel, link
from yuanjiao.ui.templatetags.zh import duration

SHOWN = 8
COLOURS = {Colour.RED: ("red", "超期"), Colour.YELLOW: ("yellow", "滞后"), Colour.BLUE: ("blue", "将到期")}


def desk_for(actor: Actor, at: datetime) -> Desk:
    """The start page of everything this person is."""
    desk = own_sheets(actor)
    desk.add(own_papers(actor, at))
    for role in ORDER:
        if role in actor.roles:
            desk.add(BUILDERS[role](actor, at))
    return desk


T = TypeVar("T")
PARTS = Shared()


def shared(permission: Permission) -> Callable[[Callable[[Actor, datetime], T]], Callable[[Actor, datetime], T]]:
    """A part of start pages that depends on nothing of its reader but where the permission is held: made once for all who hold it there."""

    def over(build: Callable[[Actor, datetime], T]) -> Callable[[Actor, datetime], T]:
        @wraps(build)
        def found(actor: Actor, at: datetime) -> T:
            return PARTS.get((build, actor.paths(permission)), settings.DESK_SHARED_S, lambda: build(actor, at))

        return found

    return over


def city_admin(actor: Actor, at: datetime) -> Desk:
    network_figures, units = _network(actor, at)
    vacant, gaps = _vacancies(actor, at)
    return Desk(
        figures=[*network_figures, *_order_figures(actor, at), vacant, *_flow_figures(actor, at)],
        panels=[_roots(actor, at), *units, _late_orders(actor, at), gaps, _signs(actor, at), _study_days(actor, at)],
        actions=[(_("导入台账"), link("register:import_new")), (_("大屏"), link("desks:screen"))],
    )


def county_officer(actor: Actor, at: datetime) -> Desk:
    network_figures, units = _network(actor, at)
    vacant, gaps = _vacancies(actor, at)
    panels = [_dark_sites(actor, at), _roots(actor, at), _late_orders(actor, at), gaps, *units, _signs(actor, at)]
    panels.append(_study_days(actor, at))
    actions = [
        (_("替站点报修"), link("faults:report_new")),
        (_("月底报告"), link("reports:report_list")),
        (_("大屏"), link("desks:screen")),
    ]
    return Desk([*network_figures, *_order_figures(actor, at), vacant], panels, actions)


def leader(actor: Actor, at: datetime) -> Desk:
    network_figures, units = _network(actor, at)
    return Desk(network_figures, [*units, _roots(actor, at), _signs(actor, at)], [(_("打开大屏"), link("desks:screen"))])


def engineer(actor: Actor, at: datetime) -> Desk:
    rows = list(faults.orders_of_unit(actor)[:SHOWN])
    panel = Panel(
        _("本单位的工单"),
        [_order_line(row, at) for row in rows],
        _("现在没有要处理的工单。有新工单时会出现在这里。"),
        link("faults:my_orders"),
        _("按道路排好的全部工单"),
    )
    return Desk(panels=[panel], actions=[(_("今天的工单"), link("faults:my_orders"))])


def hotline_clerk(actor: Actor, at: datetime) -> Desk:
    find = Panel(
        _("查找站点"),
        [],
        "",
        search=link("faults:hotline"),
        search_hint=_("电话、名称、拼音首字母或编号"),
    )
    rows = faults.reports_seen_by(actor)[:SHOWN]
    recent = Panel(
        _("最近的申报"),
        [_report_line(row, at) for row in rows],
        _("还没有人申报故障。接到电话后，先在上面查找站点。"),
        link("faults:report_list"),
    )
    return Desk(panels=[find, recent, _roots(actor, at)])


def site_manager(actor: Actor, at: datetime) -> Desk:
    sites = list(network.with_state(network.sites_in(actor.paths(Permission.RECORD_SESSION)), at=at)[:SHOWN])
    own = Panel(
        _("我的站点"),
        [Line(site.name, link("network:site", site.code), "", *STATE_WORDS[site.state]) for site in sites],  # type: ignore[attr-defined]
        _("您负责的村还没有登记站点。请联系县级组织员。"),
    )
    actions = [(_("登记学习"), link("learning:record")), (_("报修"), link("faults:report_new"))]
    asked = sum(one.done is None for one in census_wanted(actor))
    figures = [Figure(_("待确认底数"), asked, link("supervision:census"), True)] if asked else []
    return Desk(figures, [own, _study_days(actor, at)], actions)


def producer(actor: Actor, at: datetime) -> Desk:
    rows = courseware.items_seen_by(actor)
    lines = [Line(row.title, link("courseware:item", row.uid), "", row.get_state_display()) for row in rows[:SHOWN]]
    returned = rows.filter(state=ItemState.RETURNED).count()
    figures = [Figure(_("被退回、待修改"), returned, link("courseware:item_list", state=ItemState.RETURNED), returned > 0)]
    panel = Panel(_("我的课件"), lines, _("还没有课件。点右上角“上传课件”，选一段手机拍的视频就可以开始。"), link("courseware:item_list"))
    return Desk(figures, [panel], [(_("上传课件"), link("courseware:item_new"))])


def reviewer(actor: Actor, at: datetime) -> Desk:
    rows = courseware.items_seen_by(actor).filter(state=ItemState.IN_REVIEW)
    lines = [Line(row.title, link("courseware:item", row.uid), str(row.author)) for row in rows[:SHOWN]]
    panel = Panel(_("等待审核"), lines, _("没有等待审核的课件。"), link("courseware:review_list"))
    return Desk([Figure(_("等待审核"), rows.count(), link("courseware:review_list"))], [panel], [])


def auditor(actor: Actor, at: datetime) -> Desk:
    rows = audit_trail(actor.paths(Permission.SEE_AUDIT))[:SHOWN]
    lines = [Line(f"{row.actor_name} {row.action} {row.subject}", "", f"{_ago(row.at, at)}前") for row in rows]
    panel = Panel(_("最近的操作"), lines, _("还没有操作记录。"), link("desks:audit"), _("全部操作日志"))
    figures = [*_network(actor, at)[0], *_flow_figures(actor, at)]
    return Desk(figures, [panel], [(_("操作日志"), link("desks:audit")), (_("节点与日志"), link("desks:nodes"))])


@shared(Permission.SEE_NETWORK)
def _network(actor: Actor, at: datetime) -> tuple[list[Figure], list[Panel]]:
    """The figures of the highest place the person sees, and the panels of the units directly below it."""
    division = top_division(actor, Permission.SEE_NETWORK, at)
    rate, units = network.rate_and_children(division, at)
    counts, place = network.site_counts(division.path, at=at), {"division": division.code}
    figures = [
        Figure(_("不通的站点"), counts.down, link("network:site_list", state="down", **place), counts.down > 0),
        Figure(_("情况不明"), counts.unknown, link("network:site_list", state="unknown", **place)),
        Figure(_("当前畅通率"), per_cent(rate), link("network:rates", **place), misses(rate), "；".join(rate_notes(rate))),
        Figure(_("在用站点"), counts.total, link("network:site_list", state="serving", **place)),
    ]
    return figures, _units(units)


@shared(Permission.SEE_PEOPLE)
def _vacancies(actor: Actor, at: datetime) -> tuple[Figure, Panel]:
    return vacancies(actor, at)


@shared(Permission.SEE_ORDERS)
def _order_figures(actor: Actor, at: datetime) -> list[Figure]:
    rows = faults.orders_seen_by(actor)
    running = rows.filter(item__state__in=[*WITH_OWNER, State.SUBMITTED]).count()
    late = rows.filter(colour_filter(Colour.RED, at, "item__")).count()
    return [
        Figure(_("处理中的工单"), running, link("faults:order_list", state="open")),
        Figure(_("超期工单"), late, link("faults:order_list", colour="red"), late > 0),
    ]


def _flow_figures(actor: Actor, at: datetime) -> list[Figure]:
    """What stops facts on their way: entries that wait to be built, nodes whose entries the parent refuses. Nothing when all is well."""
    rows, owners = waiting_seen(actor, local_day(at))
    aside, refused = rows.count(), len(refusals_seen(owners))
    figures = [Figure(_("未能入库的记录"), aside, link("desks:waiting"), bad=True)] if aside else []
    return [*figures, Figure(_("被上级拒收的节点"), refused, link("desks:waiting"), bad=True)] if refused else figures


@shared(Permission.SEE_NETWORK)
def _roots(actor: Actor, at: datetime) -> Panel:
    """The roots that darken most sites first: class, how sure, since when."""
    found = network.open_roots(actor.paths(Permission.SEE_NETWORK), limit=SHOWN)
    lines = [
        Line(row.name, link("network:outage", row.uid), _root_remark(row, at), row.class_name or _("待判定"), _root_colour(row))
        for row in found.widest
    ]
    title = _("未恢复的根源（{count}，影响 {affected} 站）").format(count=found.count, affected=found.affected)
    return Panel(title if found.count else _("未恢复的根源"), lines, _("没有未恢复的中断。"), link("network:outage_list", open="1"))


def _root_remark(row: network.OutageView, at: datetime) -> str:
    sure = _("{word} {share}%").format(word=_("定论") if row.settled else _("初判"), share=round(row.confidence * 100))
    words = [_("影响 %d 站") % row.affected_count, duration(at - row.started_at)]
    return " · ".join([sure, *words] if row.class_name else words)


def _root_colour(row: network.OutageView) -> str:
    return "red" if row.affected_count > 1 else "yellow"


@shared(Permission.SEE_NETWORK)
def _dark_sites(actor: Actor, at: datetime) -> Panel:
    """Story 5: which sites are dark, since when, why probably, and of which nobody has reported."""
    rows = network.dark_sites(actor.paths(Permission.SEE_NETWORK), at=at, limit=SHOWN)
    roots = network.open_roots_of([row.object_id for row in rows])
    reported = faults.reported_outages([root.outage_id for root in roots.values()])
    lines = [_dark_line(row, roots.get(row.object_id), reported, at) for row in rows]
    return Panel(_("不通的站点"), lines, _("所有能听到的站点都正常。"), link("network:site_list", state="down"))


def _dark_line(row: network.DarkSite, root: network.OutageView | None, reported: Collection[int], at: datetime) -> Line:
    since = _("已 %s") % duration(at - row.since)
    why = root.class_name if root is not None else ""
    told = root is not None and root.outage_id in reported
    badge = (_("已申报"), "yellow") if told else (_("未申报"), "red")
    return Line(row.name, link("network:site", row.code), " · ".join(filter(None, [why, since])), *badge)


def _units(units: Iterable[network.ChildRate]) -> list[Panel]:
    """The units with the highest share of faulty sites, and the best with what others may learn from them (OPS12, OPS13)."""
    rows = list(units)
    if not rows:
        return []
    ranking = network.rank_units(rows)
    worst, best = ranked(ranking, SHOWN)
    more, over = link("desks:ranking"), f"{ranking.threshold:.0%}"
    aside = [Line(_("已知太少、不排名的单位"), more, str(len(ranking.unranked)))] if ranking.unranked else []
    return [
        Panel(
            _("故障率在 %s 以上的单位") % over,
            [*(_worst_line(row) for row in worst), *aside],
            _("没有单位的故障率达到 %s。") % over,
            more,
            _("全部排名"),
        ),
        Panel(_("保持得最好的单位"), [_best_line(row) for row in best], _("还没有单位达到目标。"), more, _("全部排名")),
    ]


def _worst_line(row: Ranked) -> Line:
    rate = row.standing.rate
    remark = _("不通 {down} / {known} · 未能认定 {unknown}").format(down=rate.down, known=rate.known, unknown=rate.unknown)
    return Line(row.standing.division.name, row.link, remark, row.faulty, "red")


def _best_line(row: Ranked) -> Line:
    if row.note_link:
        return Line(f"{row.standing.division.name}：{row.note_title}", row.note_link, "", row.rate, "green")
    return Line(row.standing.division.name, row.link, "", row.rate, "green")


@shared(Permission.SEE_REPORTS)
def _signs(actor: Actor, at: datetime) -> Panel:
    """What is getting worse; orders that wait have a panel of their own."""
    rows = [row for row in faults.fault_signs(actor.paths(Permission.SEE_REPORTS), at) if row.kind != "order"]
    lines = [Line(row.subject, sign_address(row), row.reason, row.sign_name, "yellow") for row in rows[:SHOWN]]
    return Panel(_("苗头预警"), lines, _("没有发现故障增多或反复中断。"), link("desks:signs"))


@shared(Permission.SEE_ORDERS)
def _late_orders(actor: Actor, at: datetime) -> Panel:
    rows = faults.orders_seen_by(actor).filter(item__state__in=WITH_OWNER).order_by("item__due_at")[:SHOWN]
    return Panel(_("最急的工单"), [_order_line(row, at) for row in rows], _("没有处理中的工单。"), link("faults:order_list"))


def _order_line(order: WorkOrder, at: datetime) -> Line:
    colour, word = COLOURS.get(colour_now(order.item, at), ("grey", order.item.get_state_display()))
    due = order.item.due_at
    remark = "" if due is None else f"还剩 {duration(due - at)}" if due > at else f"超期 {duration(at - due)}"
    return Line(order.item.title, link("faults:order", order.item.code), remark, word, colour)


def _report_line(report: FaultReport, at: datetime) -> Line:
    title = f"{report.site_name} {report.get_symptom_display()}"
    return Line(title, link("faults:report", report.receipt_code), f"{_ago(report.filed_at, at)}前")


@shared(Permission.SEE_LEARNING)
def _study_days(actor: Actor, at: datetime) -> Panel:
    paths: Iterable[str] = actor.paths(Permission.SEE_LEARNING)
    days = learning.upcoming(paths, local_day(at), 10)[:SHOWN]
    lines = [
        Line(f"{day.on:%m-%d} {day.title}", link("learning:plan", day.plan_uid), f"{day.start_time:%H:%M} · {day.unit_name}")
        for day in days
    ]
    return Panel(_("近期学习日"), lines, _("近十天没有学习日。"), link("learning:plan_list"))


def _ago(moment: datetime, at: datetime) -> str:
    return duration(at - moment)


STATE_WORDS = {"up": (_("正常"), "green"), "down": (_("不通"), "red"), "unknown": (_("情况不明"), "grey")}
BUILDERS: dict[Role, Callable[[Actor, datetime], Desk]] = {
    Role.CITY_ADMIN: city_admin,
    Role.COUNTY_OFFICER: county_officer,
    Role.LEADER: leader,
    Role.ENGINEER: engineer,
    Role.HOTLINE_CLERK: hotline_clerk,
    Role.SITE_MANAGER: site_manager,
    Role.PRODUCER: producer,
    Role.REVIEWER: reviewer,
    Role.AUDITOR: auditor,
}
ORDER = tuple(BUILDERS)
