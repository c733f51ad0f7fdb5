"""Writes of saved filters: a name for a list one comes back to."""

from __future__ import annotations

from django.db import transaction

from yuanjiao.items.models import SavedFilter
from yuanjiao.items.rules import may_keep
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.rules import Actor

MOST = 30


@transaction.atomic
def save_filter(*, name: str, query: str, shared: bool, by: Actor) -> SavedFilter:
    """Keep a list under a name; the same name again is a change. `shared`: everybody of one's first unit sees it too."""
    named, kept = name.strip()[:30], may_keep(query)
    if not named or by.person_uid is None:
        raise Refused("请给这个筛选起个名称")
    if not kept:
        raise Refused("先选好条件再保存")
    own = SavedFilter.objects.filter(owner_uid=by.person_uid)
    if own.exclude(name=named).count() >= MOST:
        raise Refused(f"最多保存 {MOST} 个常用筛选")
    unit_id = by.grants[0].unit_id if shared and by.grants else None
    values = {"owner_name": by.name[:50], "unit_id": unit_id, "query": kept}
    row, _ = SavedFilter.objects.update_or_create(owner_uid=by.person_uid, name=named, defaults=values)
    return row


def drop_filter(*, saved: SavedFilter, by: Actor) -> None:
    """Forget one's own filter. Conflict when it is somebody else's or gone."""
    if by.person_uid is None or not SavedFilter.objects.filter(pk=saved.pk, owner_uid=by.person_uid).delete()[0]:
        raise Conflict("这个筛选已经不在，或不是您保存的")
