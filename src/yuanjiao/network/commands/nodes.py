"""Letting an edge's machine in."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from yuanjiao.flow.nodes.commands import issue_code
from yuanjiao.lib.errors import Refused
from yuanjiao.network.models import Lifecycle, ManagedObject, ObjectKind
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission

VALID_HOURS = 72.0


@transaction.atomic
def issue_edge_code(*, edge: ManagedObject, by: Actor, at: datetime) -> str:
    """A code with which the edge's machine may enrol once within three days; shown once, kept only as a hash."""
    by.require(Permission.ENROL_NODES, edge.division.path)
    if edge.kind != ObjectKind.EDGE or edge.lifecycle == Lifecycle.RETIRED:
        raise Refused("登记码只发给台账中未退役的边缘服务器")
    code = issue_code(kind="edge", name=edge.name, subject_code=edge.code, scope=edge.division.path, valid_hours=VALID_HOURS, at=at)
    write_audit(by=by, action="发登记码", subject=f"边缘服务器 {edge.code}", at=at, detail=f"{VALID_HOURS:.0f} 小时内有效")
    return code
