"""Which items need a file: for whoever keeps files and has lost or left out some."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from yuanjiao.courseware.models import Courseware
from yuanjiao.courseware.rules.life import State


@dataclass(frozen=True)
class Using:
    """One item that needs one of the files; `public`: it is released, so its title may stand on any page."""

    uid: UUID
    title: str
    public: bool


def items_using(files: Collection[str]) -> list[Using]:
    """The items, by title, of which these files are a form, a page or the playlists."""
    names = sorted(files)
    found: dict[UUID, Using] = {}
    for start in range(0, len(names), 200):  # SQLite takes so many parameters at once
        some = names[start : start + 200]
        used = Q(renditions__blob__in=some) | Q(parts__blob__in=some) | Q(playlists__in=some)
        for uid, title, state in Courseware.objects.filter(used).distinct().values_list("uid", "title", "state"):
            found[uid] = Using(uid, title, state == State.RELEASED)
    return sorted(found.values(), key=lambda one: (one.title, one.uid))
