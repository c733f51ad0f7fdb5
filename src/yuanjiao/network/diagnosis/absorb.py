"""State changes not yet judged become outages: `down` opens one, `up` ends it, `unknown` leaves it as it is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from yuanjiao.network.models import Lifecycle, Liveness, Outage, State, StateChange

AT_ONCE = 20_000


def absorb(at: datetime) -> tuple[list[Outage], bool]:
    """Open and end outages from what is new; returns the outages that ended and whether anything was new."""
    rows = list(StateChange.objects.filter(judged=False).select_related("object").order_by("object_id", "at", "id")[:AT_ONCE])
    touched = {row.object_id for row in rows}
    current = {outage.object_id: outage for outage in _open_outages(touched)}
    begun: list[Outage] = []
    ended: list[Outage] = []
    for row in rows:
        present = current.get(row.object_id)
        if row.state == State.DOWN and present is None and row.object.lifecycle == Lifecycle.IN_SERVICE:
            current[row.object_id] = _begin(row, at)
            begun.append(current[row.object_id])
        elif row.state == State.UP and present is not None and row.at >= present.started_at:
            present.ended_at = row.at
            ended.append(current.pop(row.object_id))
    _keep(begun, ended, rows)
    return ended + _end_forgotten(at), bool(rows)


def _open_outages(ids: Iterable[int]) -> list[Outage]:
    wanted = set(ids)
    return [outage for outage in Outage.objects.filter(ended_at=None).select_related("object", "root") if outage.object_id in wanted]


def _begin(row: StateChange, at: datetime) -> Outage:
    return Outage(
        object=row.object,
        started_at=row.at,
        started_lo=min(row.last_heard_at or row.at, row.at),
        started_hi=max(row.latest_at or row.at, row.at),
        detected_at=at,
        held=True,
    )


def _keep(begun: list[Outage], ended: list[Outage], rows: list[StateChange]) -> None:
    """An outage that began and ended among the new rows is stored ended: only one may be open per object."""
    Outage.objects.bulk_update([outage for outage in ended if outage.pk], ["ended_at"], batch_size=500)
    Outage.objects.bulk_create(begun, batch_size=500)
    ids = [row.pk for row in rows]
    for start in range(0, len(ids), 500):
        StateChange.objects.filter(pk__in=ids[start : start + 500]).update(judged=True)


def _end_forgotten(at: datetime) -> list[Outage]:
    """Open outages whose object is up by a row judged out of order, or is no longer in service."""
    ended = []
    back_up = Liveness.objects.filter(state=State.UP, object__outages__isnull=False, object__outages__ended_at=None)
    up = dict(back_up.values_list("object_id", "since"))
    for outage in Outage.objects.filter(ended_at=None).select_related("object", "root"):
        back = up.get(outage.object_id)
        if outage.object.lifecycle != Lifecycle.IN_SERVICE:
            back = at
        if back is not None and back >= outage.started_at:
            outage.ended_at = back
            outage.save(update_fields=["ended_at"])
            ended.append(outage)
    return ended
