"""Which machine of the reader's subtree runs which version since when, and which could not change to a newer one, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponseBase
from django.utils.translation import gettext as _

from yuanjiao.desks.staff.waiting import Owner, owners_seen
from yuanjiao.flow.nodes.queries import child_nodes
from yuanjiao.flow.software.queries import Running, releases, running
from yuanjiao.lib import clock
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

UNTOLD, RUNS, FAILED = "untold", "runs", "failed"


@dataclass(frozen=True)
class MachineRow:
    """One machine and what it told last."""

    owner: Owner
    now: Running | None

    @property
    def state(self) -> str:
        if self.now is None:
            return UNTOLD
        return FAILED if self.now.failed else RUNS


def state_names() -> dict[str, str]:
    return {RUNS: _("正常"), FAILED: _("没有换成"), UNTOLD: _("还没有报过")}


@door(Permission.SEE_FLOW)
def software(request: ActingRequest) -> HttpResponseBase:
    """The list; those that failed come first."""
    nodes = [node for node in child_nodes() if node.revoked_at is None]
    owners = owners_seen(request.actor, clock.today(), nodes)
    told = running(node for node in nodes if node.uid in owners)
    rows = [MachineRow(owners[node.uid], told.get(node.pk)) for node in nodes if node.uid in owners]
    page = ListPage[Any](
        title=_("软件版本"),
        rows=sorted(rows, key=lambda row: (row.state != FAILED, row.owner.path, row.owner.node.name)),
        columns=_columns(),
        empty=_("还没有下级机器。到“边缘服务器”页给一台服务器发登记码。"),
        filters=[
            Filter("state", _("情况"), list(state_names().items()), lambda found, value: [row for row in found if row.state == value])
        ],
        lead=_offered(),
        notes=[_("没有换成的机器照旧用原来的版本，一天后自动再试，最多三次；要停下，请在中心撤回这个版本。")],
    )
    return respond(request, page)


def _columns() -> list[Column[MachineRow]]:
    names, colours = state_names(), {RUNS: "green", FAILED: "red", UNTOLD: "secondary"}
    return [
        Column(_("机器"), lambda row: row.owner.node.name, width=28),
        Column(_("编号"), lambda row: row.owner.node.subject_code, width=16),
        Column(_("所在地"), lambda row: row.owner.place_name, width=20),
        Column(_("版本"), lambda row: (row.now.version if row.now else "") or "—", width=12),
        Column(_("自何时"), lambda row: row.now.since if row.now else None, width=18),
        Column(_("情况"), lambda row: names[row.state], badge=lambda row: colours[row.state], width=12),
        Column(_("没有换成的版本"), lambda row: row.now.failed.version if row.now and row.now.failed else "", width=14),
        Column(_("何时试的"), lambda row: row.now.failed.at if row.now and row.now.failed else None, width=18),
        Column(_("原因"), lambda row: row.now.failed.reason if row.now and row.now.failed else "", width=50),
    ]


def _offered() -> str:
    """What is published at this machine."""
    going = [release for release in releases() if release.withdrawn_at is None and release.rings.all()]
    if not going:
        return _("现在没有下发新版本。")
    return _("正在下发：{versions}。").format(versions="、".join(str(release) for release in going))
