"""The rows of what a root explains, written after the root."""

from __future__ import annotations

import numpy as np
from django.db.models import Max

from yuanjiao.network.diagnosis.record import insert_children
from yuanjiao.network.diagnosis.turn import Turn
from yuanjiao.network.diagnosis.verdicts import CLASS_OF
from yuanjiao.network.models import Outage
from yuanjiao.network.rules.causes import Places


def unwritten(turn: Turn) -> Places:
    """Places of dark objects that another explains and that have no row yet."""
    return np.flatnonzero(~np.isnan(turn.picture.silent) & (turn.picture.outage == 0) & (turn.picture.root > 0))


def write_children(turn: Turn, places: Places) -> None:
    """Their rows, with the class that their root has or will have; then the keys the database gave them."""
    if not len(places):
        return
    picture, classes = turn.picture, {pk: coming_class(turn, pk) for pk in np.unique(turn.picture.root[places]).tolist()}
    before = Outage.objects.aggregate(newest=Max("pk"))["newest"] or 0
    columns = (picture.forest.ids, picture.silent, picture.lo, picture.hi, picture.root)
    rows = zip(*(column[places].tolist() for column in columns), strict=True)
    insert_children([(pk, at, lo, hi, None, root, classes[root], "silence") for pk, at, lo, hi, root in rows], turn.at)
    fresh = np.array(list(Outage.objects.filter(pk__gt=before, ended_at=None).values_list("object_id", "pk")), np.int64).reshape(-1, 2)
    where = picture.forest.places(fresh[:, 0])
    picture.outage[where], picture.started[where] = fresh[:, 1], picture.silent[where]
    picture.hold[where] = 0
    turn.changed = True


def coming_class(turn: Turn, pk: int) -> str:
    matter = turn.picture.matters.get(pk)
    if matter is None:
        return ""
    return matter.fault or (CLASS_OF[matter.found[0]][0].value if matter.found else "")
