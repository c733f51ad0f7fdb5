"""What this room says beside pages of the network: which orders belong to what is shown there."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from yuanjiao.faults import queries
from yuanjiao.faults.models import WorkOrder
from yuanjiao.items.rules import ENDED
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.ui.panels import Line, Panel, link
from yuanjiao.ui.templatetags.zh import duration

SHOWN = 8


def orders_of_outage(outage: int, actor: Actor, at: datetime) -> Panel | None:
    """The orders made of an outage, or of one that it explains."""
    return _panel(Q(outage=outage) | Q(outage__root=outage), _("还没有为这次中断派单。"), actor, at)


def orders_of_site(site: int, actor: Actor, at: datetime) -> Panel | None:
    """The site's own orders and those of what darkens it, newest first."""
    return _panel(Q(subject=site) | Q(outage__explained__object=site), _("没有这个站点的工单。"), actor, at)


def _panel(which: Q, empty: str, actor: Actor, at: datetime) -> Panel | None:
    if not actor.holds(Permission.SEE_ORDERS):
        return None
    rows = queries.orders_seen_by(actor).filter(which).distinct()[:SHOWN]
    return Panel(_("工单"), [_line(row, at) for row in rows], empty)


def _line(order: WorkOrder, at: datetime) -> Line:
    item = order.item
    ended = item.state in ENDED
    who = item.lead_unit.name if item.lead_unit else _("未派")
    left = "" if ended or item.due_at is None else _("超期 %s") % duration(at - item.due_at) if item.due_at < at else ""
    remark = " · ".join(filter(None, [who, left]))
    return Line(item.title, link("faults:order", item.code), remark, item.get_state_display(), "green" if ended else "yellow")
