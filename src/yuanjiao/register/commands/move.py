"""A division goes to another parent as of a day, with everything in it: places, network and responsibilities in one transaction."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from yuanjiao.flow.nodes.queries import child_nodes
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Refused
from yuanjiao.network.commands import many as network
from yuanjiao.network.commands.versions import register_changed
from yuanjiao.people import commands as people
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places import commands as places
from yuanjiao.places.models import Division


@transaction.atomic
def move_division(*, division: Division, parent: Division, document: str, on: date, by: Actor, at: datetime) -> int:
    """From `on` the division lies under `parent`; what was counted before stays in the old tree. Gives how many objects moved with it.

    Edges inside it were let in for their old place: they are revoked first and let in again afterwards.
    """
    by.require(Permission.IMPORT_REGISTER, division.path)
    by.require(Permission.IMPORT_REGISTER, parent.path)
    if not document.strip():
        raise Refused("区划变更须写明依据文件")
    if on > local_day(at):
        raise Refused("变更日期不能晚于今天")
    bound = [node.name for node in child_nodes() if node.revoked_at is None and node.scope.startswith(division.path)]
    if bound:
        raise Refused(f"区划内有已登记的边缘节点（{'、'.join(bound[:5])}）：请先吊销，变更后重新登记")
    former = division.parent
    moved = 0
    for old, new in places.move_division(division=division, parent=parent, on=on):
        moved += network.follow_division(old=old, new=new)
        people.follow_division(old=old, new=new)
    register_changed()
    detail = f"{on} 起，由{former.name if former else '（无）'}划归{parent.name}，{document.strip()}；随迁对象 {moved} 个"
    write_audit(by=by, action="区划变更", subject=f"区划 {division.code} {division.name}", at=at, detail=detail)
    return moved
