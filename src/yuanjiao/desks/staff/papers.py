"""What start pages say of documents: circulars that wait for one's own unit's answer, or for one's own decision."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from yuanjiao.desks.staff.desk import Desk
from yuanjiao.lib.clock import local_day
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.reports import queries as reports
from yuanjiao.ui.panels import Line, Panel, link

SHOWN = 6
MOMENT = timedelta(microseconds=1)


def own_papers(actor: Actor, at: datetime) -> Desk:
    """Nothing when nothing waits (SUP04): a unit is told where its people begin the day."""
    told = reports.notices_to_answer(actor.paths(Permission.WRITE_REPORTS), at)[:SHOWN]
    lines = [
        Line(
            f"{row.place_name}：{row.document}",
            link("reports:notice", row.uid),
            f"{local_day(row.reply_until - MOMENT):%m-%d} 止",
            _("待说明"),
            "yellow",
        )
        for row in told
    ]
    decide = reports.circulars_to_decide(actor.paths(Permission.APPROVE_CIRCULARS))[:SHOWN]
    lines += [Line(str(row), link("reports:document", row.uid), "", _("待批准"), "blue") for row in decide]
    return Desk(panels=[Panel(_("通报"), lines, "")]) if lines else Desk()
