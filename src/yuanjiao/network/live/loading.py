"""From the register and the last states to a live array. Rows are streamed in chunks, never held as 700,000 objects."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import QuerySet
from numpy.typing import NDArray

from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import parent_ahead_s, subjects_with_a_node
from yuanjiao.network.live.array import LiveArray
from yuanjiao.network.live.flaps import calm
from yuanjiao.network.live.tree import observers
from yuanjiao.network.live.words import KIND_CODES, LINE, MINE, SERVING, STATE_CODES
from yuanjiao.network.models import Instability, Lifecycle, Liveness, ManagedObject, Site

CHUNK = 10_000
UNSET = -1


def load(own: Node, *, top: bool, previous: LiveArray | None = None) -> LiveArray:
    """The array for this machine. `top`: the centre or solo, which also hears what hangs on no edge.

    What `previous` has of codes is used again where the register is still the same: two arrays live side by side for a moment.
    """
    columns = _register()
    codes, places = _names(columns.pop("code"), previous)
    ids = columns["pk"]
    kind = columns["kind"].astype(np.uint8)
    parent = place_of(ids, columns["depends_on"]).astype(np.int32)
    live = LiveArray(
        places=places,
        codes=codes,
        keys=_keys(ids),
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
    )
    _restore(live)
    return live


def _chunks(rows: QuerySet[Any, Any]) -> Iterator[list[tuple[Any, ...]]]:
    """The columns of a query, some thousand rows at a time."""
    stream = rows.iterator(chunk_size=CHUNK)
    while part := list(islice(stream, CHUNK)):
        yield list(zip(*part, strict=True))


def _register() -> dict[str, Any]:
    """Columns of the register in the order of keys; numbers as arrays, codes as a list."""
    parts: dict[str, list[Any]] = {name: [] for name in ("pk", "kind", "serving", "period", "grace", "depends_on")}
    codes: list[str] = []
    fields = ("pk", "code", "kind", "lifecycle", "period_s", "grace_s", "depends_on_id")
    for pk, code, kind, lifecycle, period, grace, above in _chunks(ManagedObject.objects.order_by("pk").values_list(*fields)):
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


def _keys(ids: NDArray[np.int64]) -> NDArray[np.bytes_]:
    """Every site's key as one block of bytes; empty for what is no site."""
    pks: list[NDArray[np.int64]] = []
    keys: list[NDArray[np.bytes_]] = []
    for pk, key in _chunks(Site.objects.order_by("pk").values_list("pk", "beat_key")):
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
    """The nearest observer of an object is the first edge above it that runs a node, else the top. Lines do not beat."""
    speaks = np.zeros(len(codes), np.bool_)
    speaks[[places[code] for code in subjects_with_a_node() if code in places]] = True
    wanted = -1 if top else places.get(own.subject_code, len(codes))
    mine = (kind != LINE) & (observers(parent, kind, speaks) == wanted)
    flags: NDArray[np.uint8] = (MINE * mine + SERVING * serving).astype(np.uint8)
    return flags


def _restore(live: LiveArray) -> None:
    """States come back from the database, by our own clock; when the objects were last heard comes from the snapshot, if there is one."""
    ahead = parent_ahead_s()
    for pk, state, since in _chunks(Liveness.objects.order_by("pk").values_list("object_id", "state", "since")):
        places = place_of(live.ids, np.array(pk, np.int64))
        live.state[places] = [STATE_CODES[one] for one in state]
        live.since[places] = [moment.timestamp() - ahead for moment in since]
    shaken = np.array(list(Instability.objects.filter(ended_at=None).values_list("object_id", flat=True)), np.int64)
    live.flaps.resume(place_of(live.ids, shaken))
