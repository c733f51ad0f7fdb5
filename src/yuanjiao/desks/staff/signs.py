"""Early signs on objects and tasks (SUP33) from every room that sees some, as one list with reasons; never of persons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256

import numpy as np
from django.core.cache import cache
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

MANY, KEPT_S = 50_000, 1800
COLOURS = {Sign.OVERDUE: "red", Sign.RISING: "red", Sign.UNUSED: "grey"}


def early_signs(paths: Sequence[str], at: datetime) -> list[EarlySign]:
    """Signs in faults and orders, then places whose sites work and are not used."""
    return [*faults.fault_signs(paths, at), *_unused_towns(paths, at)]


def _unused_towns(paths: Sequence[str], at: datetime) -> list[EarlySign]:
    """Towns in which at least half of the working sites held nothing for so long; a site that does not work is no matter of use."""
    today, working = local_day(at), network.working_sites(paths, at=at)
    rows = [row for path in paths for row in divisions(on=today, level=Level.TOWN, under=path).values_list("path", "code", "name")]
    places = [path for path, _, _ in rows]
    total, unused = working.under(places), working.under(places, np.array(_idle(tuple(paths), today), dtype=np.int64))
    told = np.flatnonzero((unused > 0) & (unused >= UNUSED_FROM * total))
    return [
        EarlySign(
            Sign.UNUSED, rows[n][2], rows[n][1], "division", rows[n][0],
            f"{total[n]} 个正常的站点中 {unused[n]} 个 {UNUSED_DAYS} 天没有学习场次", float(unused[n] / total[n]),
        )
        for n in sorted(told.tolist(), key=lambda n: -unused[n])
    ]  # fmt: skip


def _idle(paths: tuple[str, ...], today: date) -> list[int]:
    """Keys of the sites without a session for so long. Of a nation the answer is kept for a while: it is of days, and dear."""
    key = f"idle-sites-{today}-{sha256('|'.join(paths).encode()).hexdigest()}"
    kept: list[int] | None = cache.get(key)
    if kept is not None:
        return kept
    since = today - timedelta(days=UNUSED_DAYS)
    rows = learning.zero_use(paths, since, today).filter(in_service_on__lte=since).order_by()
    found = list(rows.values_list("pk", flat=True).iterator(chunk_size=20_000))
    if len(found) > MANY:
        cache.set(key, found, KEPT_S)
    return found


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
