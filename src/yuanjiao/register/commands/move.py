"""A division goes to another parent as of a day, with everything in it: places, network and responsibilities in one transaction."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from yuanjiao.flow.nodes.moving import follow_division
from yuanjiao.lib.clock import day_start, local_day
from yuanjiao.lib.errors import Refused
from yuanjiao.network.commands import many as network
from yuanjiao.network.commands.versions import register_changed
from yuanjiao.people import commands as people
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places import commands as places
from yuanjiao.places.models import Division
from yuanjiao.places.rules import path_of


@transaction.atomic
def move_division(*, division: Division, parent: Division, document: str, on: date, by: Actor, at: datetime) -> int:
    """From `on` the division lies under `parent`; what was counted before stays in the old tree. Gives how many objects moved with it.

    Nodes of places inside go with it; they get the rows of the new place when they enrol again, and are believed meanwhile.
    """
    by.require(Permission.IMPORT_REGISTER, division.path)
    by.require(Permission.IMPORT_REGISTER, parent.path)
    if not document.strip():
        raise Refused("区划变更须写明依据文件")
    if on > local_day(at):
        raise Refused("变更日期不能晚于今天")
    former = division.parent
    former_path, moved = division.path, 0
    for old, new in places.move_division(division=division, parent=parent, on=on):
        moved += network.follow_division(old=old, new=new)
        people.follow_division(old=old, new=new)
    follow_division(old=former_path, new=path_of(parent.path, division.code), at=day_start(on))
    register_changed()
    detail = f"{on} 起，由{former.name if former else '（无）'}划归{parent.name}，{document.strip()}；随迁对象 {moved} 个"
    write_audit(by=by, action="区划变更", subject=f"区划 {division.code} {division.name}", at=at, detail=detail)
    return moved
