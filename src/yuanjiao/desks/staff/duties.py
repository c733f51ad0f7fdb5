"""What start pages say of responsibility: places without anybody, and sheets that wait for one's own signature."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from yuanjiao.desks.staff.desk import Desk, Figure
from yuanjiao.duties import queries as duties
from yuanjiao.duties.rules import KIND_NAMES, Vacancy
from yuanjiao.lib.clock import local_day
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.ui.panels import Line, Panel, link

SHOWN = 6


def vacancies(actor: Actor, at: datetime) -> tuple[Figure, Panel]:
    """Counties first, then what will be vacant, then villages; the list has them all."""
    day, paths = local_day(at), actor.paths(Permission.SEE_PEOPLE)
    now, coming, bare = (
        duties.county_vacancies(paths, day),
        duties.coming_vacancies(paths, day),
        duties.villages_without_manager(paths, day),
    )
    lines = [_line(gap, "red") for gap in now] + [_line(gap, "yellow") for gap in coming]
    for row in bare[:SHOWN]:
        since = row.since  # type: ignore[attr-defined]
        remark = f"{since:%Y-%m-%d} 起空缺" if since else _("从未登记")
        lines.append(Line(row.name, link("duties:place", row.code), remark, _("缺站点管理员"), "yellow"))
    count = len({gap.place_code for gap in now}) + bare.order_by().count()
    figure = Figure(_("没有责任人的地方"), count, link("duties:vacancy_list"), count > 0)
    return figure, Panel(_("责任空缺"), lines[:SHOWN], _("每个地方都有责任人。"), link("duties:vacancy_list"))


def _line(gap: Vacancy, colour: str) -> Line:
    return Line(gap.place_name, link("duties:place", gap.place_code), gap.remark, gap.title, colour)


def own_sheets(actor: Actor) -> Desk:
    """Sheets this person has still to sign; nothing when there are none."""
    rows = list(duties.waiting_for(actor.person_uid)[:SHOWN])
    if not rows:
        return Desk()
    lines = [Line(_title(row), link("duties:handover", row.uid), f"{row.on:%Y-%m-%d}", _("待签字"), "yellow") for row in rows]
    return Desk(panels=[Panel(_("待您签字的交接单"), lines, "")])


def _title(row: object) -> str:
    tenure = row.tenure  # type: ignore[attr-defined]
    return f"{tenure.division.name}{KIND_NAMES[tenure.kind]}"
