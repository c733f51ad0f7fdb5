"""Early signs on objects and tasks (SUP33) from every room that sees some, as one list with reasons; never of persons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence
from datetime import datetime, timedelta

from django.http import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.faults import queries as faults
from yuanjiao.faults.rules import SIGN_NAMES, UNUSED_DAYS, UNUSED_FROM, WARNING_RULE, EarlySign, Sign
from yuanjiao.learning import queries as learning
from yuanjiao.lib import clock
from yuanjiao.lib.clock import local_day
from yuanjiao.network import queries as network
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import divisions
from yuanjiao.places.rules import Level
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

COLOURS = {Sign.OVERDUE: "red", Sign.RISING: "red", Sign.UNUSED: "grey"}


def early_signs(paths: Sequence[str], at: datetime) -> list[EarlySign]:
    """Signs in faults and orders, then places whose sites work and are not used."""
    return [*faults.fault_signs(paths, at), *_unused_towns(paths, at)]


def _unused_towns(paths: Sequence[str], at: datetime) -> list[EarlySign]:
    """Towns in which at least half of the working sites held nothing for so long; a site that does not work is no matter of use."""
    today = local_day(at)
    up = network.with_state(network.sites_in(paths), at=at).filter(state="up")  # type: ignore[misc]  # with_state adds it
    working = dict(up.values_list("code", "division__path"))
    since = today - timedelta(days=UNUSED_DAYS)
    idle = learning.zero_use(paths, since, today).filter(in_service_on__lte=since)
    towns = {place.path: place for path in paths for place in divisions(on=today, level=Level.TOWN, under=path)}
    total = Counter(_town(path, towns) for path in working.values())
    unused = Counter(_town(working[code], towns) for code in idle.values_list("code", flat=True) if code in working)
    return [
        EarlySign(
            Sign.UNUSED, towns[path].name, towns[path].code, "division", path,
            f"{total[path]} 个正常的站点中 {count} 个 {UNUSED_DAYS} 天没有学习场次", count / total[path],
        )
        for path, count in unused.most_common()
        if path and count / total[path] >= UNUSED_FROM
    ]  # fmt: skip


def _town(path: str, towns: Container[str]) -> str:
    """The path of the town a place lies in; empty above towns."""
    parts = path.strip("/").split("/")
    steps = ("/" + "/".join(parts[:length]) + "/" for length in range(len(parts), 0, -1))
    return next((step for step in steps if step in towns), "")


def sign_address(row: EarlySign) -> str:
    """Where the rows behind a sign are."""
    if row.kind == "order":
        return reverse("faults:order", args=[row.key])
    if row.sign is Sign.UNUSED:
        return reverse("learning:zero_use")
    if row.kind == "division":
        return f"{reverse('network:outage_list')}?division={row.key}"
    return reverse(f"network:{row.kind}", args=[row.key])


def _names(paths: Sequence[str]) -> dict[str, str]:
    return {place.path: place.name for path in paths for place in divisions(on=clock.today(), level=Level.COUNTY, under=path)}


@door(Permission.SEE_REPORTS)
def signs(request: ActingRequest) -> HttpResponseBase:
    """The list: what, which sign, why, since when."""
    paths, at = request.actor.paths(Permission.SEE_REPORTS), clock.now()
    counties, kind = _names(paths), request.GET.get("sign", "")
    rows = early_signs(paths, at)
    page = ListPage[EarlySign](
        title=_("苗头预警"),
        rows=[row for row in rows if kind in {"", row.sign}],
        columns=[
            Column(_("征兆"), lambda row: row.sign_name, badge=lambda row: COLOURS.get(row.sign, "yellow")),
            Column(_("对象或任务"), lambda row: row.subject, sign_address, width=30),
            Column(_("县"), lambda row: next((name for path, name in counties.items() if row.path.startswith(path)), "")),
            Column(_("依据"), lambda row: row.reason, width=50),
            Column(_("自"), lambda row: row.since, width=17),
        ],
        filters=[Filter("sign", _("征兆"), [(sign.value, SIGN_NAMES[sign]) for sign in Sign], lambda rows, _value: rows)],
        empty=_("没有发现苗头。故障增多、反复中断、工单拖延、站点不用时会列在这里。"),
        lead=_("截至 {at:%Y-%m-%d %H:%M}，共 {n} 条。").format(at=at.astimezone(clock.CHINA), n=len(rows)) + WARNING_RULE + "。",
        notes=[WARNING_RULE],
    )
    return respond(request, page)
