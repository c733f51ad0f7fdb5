"""What a machine below tells the one above: its own beat with what it heard."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import zstandard
from numpy.typing import NDArray

from yuanjiao.flow.journal.queries import own_seq
from yuanjiao.flow.nodes.keys import key_to
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import own_node, parent_node
from yuanjiao.flow.wire.client import Line, parent_line
from yuanjiao.lib.errors import Refused
from yuanjiao.network.commands.moments import learn_parents_time
from yuanjiao.network.live import LINE, LISTENER, STEP_S, Listener, LiveArray, steady_s
from yuanjiao.network.rules.batch import COMPACT, COMPACT_FORM, LONG_FORM, Compact, pack, roster_digest, tenths_of

if TYPE_CHECKING:
    import httpx

KINDS = {LONG_FORM: "application/json", COMPACT_FORM: COMPACT}
UNSEALED = frozenset({400, 401})
"""How a parent answers that cannot open our seal."""
SMALL = 1024
"""Ages hardly compress: what goes into one packet is not worth the parent's time."""


def beat_parent(at: datetime, *, listener: Listener = LISTENER, line: Line | None = None, steady: float | None = None) -> int:
    """Send this node's own beat with the last beats of what it observes, in one request; returns how many were taken.

    In the compact form once the parent has kept our roster; under a seal once it has said that it takes seals, else signed. Nothing
    to do before enrolment. Unavailable when the line is dead; the next turn tries again. `steady` is a clock that nobody sets
    (seconds); without it the time that is passed in is believed.
    """
    own, parent = own_node(), parent_node()
    if parent is None or not listener.swept_at:
        return 0
    line, places = line or parent_line(), observed(listener.array, own.subject_code)
    stepped, moment = listener.stepped_s, _moment(listener, at.timestamp(), steady)
    taken = _beat(Sender(line, listener, bytes(parent.public_key)), own, places, moment)
    if listener.stepped_s == stepped:  # else the answer is of before our clock was set: the next one will tell
        unnoticed = at.timestamp() - moment.now
        learn_parents_time(ahead_s=line.offset_s + (unnoticed if abs(unnoticed) >= STEP_S else 0.0))
        listener.answered = True
    return taken


def beat_now(at: datetime) -> int:
    """The beat of a running process: a wall clock that is set between two sweeps makes nothing older or younger."""
    return beat_parent(at, steady=steady_s())


@dataclass(frozen=True)
class Moment:
    """Of a beat, by our clock as it read at the last sweep and went on evenly since: now, and when this process began to listen."""

    now: float
    boot: float


def _moment(listener: Listener, now: float, steady: float | None) -> Moment:
    if steady is None or listener.started_steady is None:
        return Moment(now, listener.started_at)
    even = listener.even(now, steady)
    return Moment(even, even - (steady - listener.started_steady))


def _beat(sender: Sender, own: Node, places: NDArray[np.int64], moment: Moment) -> int:
    listener = sender.listener
    codes = [listener.array.codes[place] for place in places]
    if codes and listener.agreed == roster_digest(codes):
        answer = sender.post(pack(_compact(listener, own, places, moment)), COMPACT_FORM)
        if answer.status_code != 409:
            return _taken(answer)
        listener.agreed = b""  # the parent was started anew, or its register has changed
    answer = sender.post(msgspec.json.encode(_long(listener, own, codes, moment)), LONG_FORM)
    taken = _taken(answer)
    listener.agreed = bytes.fromhex(answer.json().get("roster", ""))
    return taken


def observed(array: LiveArray, subject: str) -> NDArray[np.int64]:
    """The places of what hangs below this node and can beat, in order: its roster."""
    own = array.places.get(subject)
    if own is None:
        return np.zeros(0, np.int64)
    below = np.sort(array.tree.below(own)).astype(np.int64)
    beating: NDArray[np.int64] = below[array.kind[below] != LINE]
    return beating


@dataclass(frozen=True)
class Sender:
    """The way to one parent; its public key tells under which key we seal."""

    line: Line
    listener: Listener
    parent_key: bytes

    def post(self, body: bytes, form: int) -> httpx.Response:
        """One batch, sealed where the parent takes seals. One that does not any more (an older programme, a restored database) is
        told the same signed."""
        packed = len(body) > SMALL
        content = zstandard.ZstdCompressor(level=3).compress(body) if packed else body
        if self.listener.parent_seals:
            answer = self.line.post_sealed("/beat", content, form=form, packed=packed, key=key_to(self.parent_key))
            if answer.status_code not in UNSEALED:
                return answer
        answer = self.line.post("/beat", content, headers={"content-type": KINDS[form], **({"content-encoding": "zstd"} if packed else {})})
        self.listener.parent_seals = answer.status_code == 200 and answer.json().get("seals") is True
        return answer


def _taken(answer: httpx.Response) -> int:
    if answer.status_code != 200:
        raise Refused(f"上级节点没有接受心跳（{answer.status_code}）：{answer.text[:200]}")
    return int(answer.json()["accepted"])


def _compact(listener: Listener, own: Node, places: NDArray[np.int64], moment: Moment) -> Compact:
    array = listener.array
    ages = moment.now - array.last[places]
    ages[(array.last[places] == 0) | (ages > 2 * array.period[places])] = np.inf
    now, boot, through = (round(second * 1e6) for second in (moment.now, moment.boot, _through(listener)))
    return Compact(own.uid, listener.agreed, now, boot, through, own_seq(), tenths_of(ages))


def _through(listener: Listener) -> float:
    """How far our record is complete; 0 (not told) while something is held."""
    return 0.0 if listener.undated is not None else listener.swept_at


def _long(listener: Listener, own: Node, codes: list[str], moment: Moment) -> dict[str, Any]:
    through = _through(listener)
    return {
        "node": str(own.uid),
        "sent_at": _iso(moment.now),
        "boot_at": _iso(moment.boot),
        "observed_through": _iso(through) if through else None,
        "journal_seq": own_seq(),
        "beats": _recent(listener, moment.now),
        "roster": codes,
    }


def _iso(second: float) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()


def _recent(listener: Listener, now: float) -> list[tuple[str, float]]:
    """What was heard within the last two periods: [code, seconds ago]."""
    array = listener.array
    young = np.flatnonzero((array.last > 0) & (now - array.last <= 2 * array.period) & (array.flags != 0))
    return [(array.codes[place], round(float(now - array.last[place]), 1)) for place in young]
