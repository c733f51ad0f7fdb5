"""From the register and the last states to a live array. Rows are streamed in chunks, never held as 700,000 objects.

Where the register says which objects have changed since an array was read, only these are read again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import QuerySet
from numpy.typing import NDArray

from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import parent_ahead_s, subjects_gone, subjects_with_a_node
from yuanjiao.network.live.array import LiveArray
from yuanjiao.network.live.flaps import calm
from yuanjiao.network.live.tree import observers
from yuanjiao.network.live.words import KIND_CODES, LINE, MINE, SERVING, STATE_CODES, THEIRS
from yuanjiao.network.models import Instability, Lifecycle, Liveness, ManagedObject, Site, edits_between, version_number

CHUNK = 10_000
UNSET = -1
FEW, MOST = 500, 20_000
"""Keys in one query; and so many objects at most are read one by one."""
WHOLE_S = 3500.0
"""The whole register is read so often, whatever is on record of it."""


def load(own: Node, *, top: bool, previous: LiveArray | None = None) -> LiveArray:
    """The array for this machine. `top`: the centre or solo, which also hears what hangs on no edge.

    What `previous` has of codes is used again where the register is still the same: two arrays live side by side for a moment.
    """
    version = version_number()
    edited = None if previous is None else _edited(previous, version, own, top=top)
    if edited is not None:
        return edited
    columns = _register(ManagedObject.objects.all())
    codes, places = _names(columns.pop("code"), previous)
    ids = columns["pk"]
    kind = columns["kind"].astype(np.uint8)
    parent = place_of(ids, columns["depends_on"]).astype(np.int32)
    live = LiveArray(
        places=places,
        codes=codes,
        keys=_keys(ids, Site.objects.all()),
        ids=ids,
        last=np.zeros(len(ids)),
        back=np.zeros(len(ids)),
        since=np.zeros(len(ids)),
        period=_or_default(columns["period"], settings.BEAT_PERIOD_S, least=1),
        grace=_or_default(columns["grace"], settings.BEAT_GRACE_S, least=0),
        state=np.zeros(len(ids), np.uint8),
        flags=_flags(codes, places, kind, parent, columns["serving"], own, top=top),
        parent=parent,
        offset=np.zeros(len(ids), np.float32),
        kind=kind,
        flaps=calm(len(ids)),
        version=version,
        read_at=time.monotonic(),
    )
    _restore(live, Liveness.objects.all())
    _resume_flaps(live)
    return live


def _edited(previous: LiveArray, version: int, own: Node, *, top: bool) -> LiveArray | None:
    """The array that was read before with what newer versions of the register changed; None when everything is to be read."""
    keys = _to_read(previous, version)
    if keys is None:
        return None
    rows = _rows_of(keys)
    fresh = rows["pk"][place_of(previous.ids, rows["pk"]) < 0]
    if len(rows["pk"]) < len(keys) or (len(fresh) and fresh[0] < previous.ids[-1]):
        return None  # something was taken out, or stands between the others
    ids = np.append(previous.ids, fresh)
    place, size = place_of(ids, rows["pk"]), len(ids)
    codes, places = _renamed(previous, place, rows["code"], size)
    kind = _with(previous.kind, size, place, rows["kind"])
    parent = _with(previous.parent, size, place, place_of(ids, rows["depends_on"]))
    serving = _with((previous.flags & SERVING) // SERVING, size, place, rows["serving"])
    live = LiveArray(
        places=places,
        codes=codes,
        keys=_with(np.asarray(previous.keys), size, place, rows["beat_key"]),
        ids=ids,
        last=np.zeros(size),
        back=np.zeros(size),
        since=_with(previous.since, size),
        period=_with(previous.period, size, place, _or_default(rows["period"], settings.BEAT_PERIOD_S, least=1)),
        grace=_with(previous.grace, size, place, _or_default(rows["grace"], settings.BEAT_GRACE_S, least=0)),
        state=_with(previous.state, size),
        flags=_flags(codes, places, kind, parent, serving.astype(np.int64), own, top=top),
        parent=parent,
        offset=np.zeros(size, np.float32),
        kind=kind,
        flaps=calm(size),
        version=version,
        read_at=previous.read_at,
    )
    return live if _states_of_others(live, previous, place) else None


def _to_read(previous: LiveArray, version: int) -> list[int] | None:
    """The keys of what has changed; None when that is not on record or very much, when several processes judge, and once an hour."""
    if version == previous.version or time.monotonic() - previous.read_at > WHOLE_S or (previous.flags & THEIRS).any():
        return None
    keys = edits_between(previous.version, version)
    return None if keys is None or len(keys) > MOST else keys


def _rows_of(keys: list[int]) -> dict[str, Any]:
    """`_register` of these objects, and their beat keys."""
    found: list[dict[str, Any]] = []
    for start in range(0, max(len(keys), 1), FEW):
        part = keys[start : start + FEW]
        rows = _register(ManagedObject.objects.filter(pk__in=part))
        found.append(rows | {"code": np.array(rows["code"], np.object_), "beat_key": _keys(rows["pk"], Site.objects.filter(pk__in=part))})
    return {name: np.concatenate([one[name] for one in found]) for name in found[0]}


def _with(column: NDArray[Any], size: int, place: NDArray[np.int64] | None = None, values: NDArray[Any] | None = None) -> NDArray[Any]:
    """A copy of a column, longer by what is new, with other values at some places."""
    wide = column.dtype if values is None or column.dtype.kind != "S" else max(column.dtype, values.dtype, key=lambda one: one.itemsize)
    found = np.zeros(size, wide)
    found[: len(column)] = column
    if place is not None:
        found[place] = values
    return found


def _renamed(previous: LiveArray, place: NDArray[np.int64], names: NDArray[np.object_], size: int) -> tuple[list[str], dict[str, int]]:
    """Codes and places: the same lists where no code is new, so that who holds a place need not look for it again."""
    if size == len(previous.codes) and all(previous.codes[one] == name for one, name in zip(place.tolist(), names, strict=True)):
        return previous.codes, previous.places
    codes = previous.codes + [""] * (size - len(previous.codes))
    for one, name in zip(place.tolist(), names, strict=True):
        codes[one] = name
    return codes, {code: number for number, code in enumerate(codes)}


def _states_of_others(live: LiveArray, previous: LiveArray, place: NDArray[np.int64]) -> bool:
    """Read the states of what changed and of what this machine did not observe before; False when those are very many."""
    before = _with(previous.flags, len(live.ids))
    places = np.union1d(place, np.flatnonzero((live.flags & ~before & MINE) != 0))
    if len(places) > MOST:
        return False
    for start in range(0, len(places), FEW):
        _restore(live, Liveness.objects.filter(object__in=live.ids[places[start : start + FEW]].tolist()))
    _resume_flaps(live)
    if len(live.ids) == len(previous.ids) and np.array_equal(live.parent, previous.parent):
        live.tree = previous.tree
    return True


def _chunks(rows: QuerySet[Any, Any]) -> Iterator[list[tuple[Any, ...]]]:
    """The columns of a query, some thousand rows at a time."""
    stream = rows.iterator(chunk_size=CHUNK)
    while part := list(islice(stream, CHUNK)):
        yield list(zip(*part, strict=True))


def _register(rows: QuerySet[ManagedObject]) -> dict[str, Any]:
    """Columns of the register in the order of keys; numbers as arrays, codes as a list."""
    parts: dict[str, list[Any]] = {name: [] for name in ("pk", "kind", "serving", "period", "grace", "depends_on")}
    codes: list[str] = []
    fields = ("pk", "code", "kind", "lifecycle", "period_s", "grace_s", "depends_on_id")
    for pk, code, kind, lifecycle, period, grace, above in _chunks(rows.order_by("pk").values_list(*fields)):
        codes += code
        parts["pk"].append(np.array(pk, np.int64))
        parts["kind"].append(np.array([KIND_CODES[one] for one in kind], np.int64))
        parts["serving"].append(np.array([one == Lifecycle.IN_SERVICE for one in lifecycle], np.int64))
        parts["period"].append(_numbers(period))
        parts["grace"].append(_numbers(grace))
        parts["depends_on"].append(_numbers(above))
    return {"code": codes} | {name: np.concatenate(part) if part else np.zeros(0, np.int64) for name, part in parts.items()}


def _numbers(column: tuple[int | None, ...]) -> NDArray[np.int64]:
    return np.array([UNSET if value is None else value for value in column], np.int64)


def _or_default(column: NDArray[np.int64], default: float, *, least: int) -> NDArray[np.float32]:
    return np.where(column < least, default, column).astype(np.float32)


def _names(codes: list[str], previous: LiveArray | None) -> tuple[list[str], dict[str, int]]:
    if previous is not None and codes == previous.codes:
        return previous.codes, previous.places
    return codes, {code: place for place, code in enumerate(codes)}


def place_of(ids: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of each wanted key, or -1; `ids` is in order."""
    if not len(ids):
        return np.full(len(wanted), -1, np.int64)
    found = np.searchsorted(ids, wanted).clip(max=len(ids) - 1)
    answer: NDArray[np.int64] = np.where(ids[found] == wanted, found, -1)
    return answer


def _keys(ids: NDArray[np.int64], rows: QuerySet[Site]) -> NDArray[np.bytes_]:
    """Every site's key as one block of bytes; empty for what is no site."""
    pks: list[NDArray[np.int64]] = []
    keys: list[NDArray[np.bytes_]] = []
    for pk, key in _chunks(rows.order_by("pk").values_list("pk", "beat_key")):
        pks.append(np.array(pk, np.int64))
        keys.append(np.array([one.encode() for one in key], np.bytes_))
    block = np.zeros(len(ids), max((part.dtype for part in keys), key=lambda kind: kind.itemsize, default=np.dtype("S1")))
    for number, some in enumerate(pks):
        block[place_of(ids, some)] = keys[number]
    return block


def _flags(
    codes: list[str],
    places: dict[str, int],
    kind: NDArray[np.uint8],
    parent: NDArray[np.int32],
    serving: NDArray[np.int64],
    own: Node,
    *,
    top: bool,
) -> NDArray[np.uint8]:
    """The nearest observer of an object is the first edge above it that runs a node, else the top. Lines do not beat, and what has gone
    to another parent beats there."""
    speaks = np.zeros(len(codes), np.bool_)
    speaks[[places[code] for code in subjects_with_a_node() if code in places]] = True
    wanted = -1 if top else places.get(own.subject_code, len(codes))
    mine = (kind != LINE) & (observers(parent, kind, speaks) == wanted)
    mine[[places[code] for code in subjects_gone() if code in places]] = False
    flags: NDArray[np.uint8] = (MINE * mine + SERVING * serving).astype(np.uint8)
    return flags


def _restore(live: LiveArray, rows: QuerySet[Liveness]) -> None:
    """States come back from the database, by our own clock; when the objects were last heard comes from the snapshot, if there is one."""
    ahead = parent_ahead_s()
    for pk, state, since in _chunks(rows.order_by("pk").values_list("object_id", "state", "since")):
        places = place_of(live.ids, np.array(pk, np.int64))
        live.state[places] = [STATE_CODES[one] for one in state]
        live.since[places] = [moment.timestamp() - ahead for moment in since]


def _resume_flaps(live: LiveArray) -> None:
    shaken = np.array(list(Instability.objects.filter(ended_at=None).values_list("object_id", flat=True)), np.int64)
    live.flaps.resume(place_of(live.ids, shaken))
