"""How edges are dealt to intakes: fixed shares by a hash, dealt evenly to whoever lives. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

SHARES = 64
"""Never changed while intakes run: a share is a row, and what is in it follows from this number."""


def share_of(code: str) -> int:
    """The share of an edge and all that hangs on it, or of an object that hangs on no edge."""
    return crc32(code.encode()) % SHARES


def quota(holder: int, living: Iterable[int]) -> int:
    """How many shares an intake should hold: as many as the others, and the first ones in order what is left over."""
    ranks = sorted(set(living))
    if holder not in ranks:
        return 0
    each, over = divmod(SHARES, len(ranks))
    return each + (ranks.index(holder) < over)


@dataclass(frozen=True)
class Lease:
    """One share: who holds it until when, and up to when its record is complete. Times in seconds since 1970 UTC, 0 for never."""

    share: int
    holder: int | None
    until: float
    complete: float

    def is_free(self, now: float) -> bool:
        return self.holder is None or self.until < now


def to_give_back(mine: Iterable[int], wanted: int) -> list[int]:
    """The shares above the quota."""
    return sorted(mine)[wanted:]


def to_take(leases: Mapping[int, Lease], held: int, wanted: int, now: float) -> Sequence[int]:
    """Free shares up to the quota."""
    free = sorted(share for share, lease in leases.items() if lease.is_free(now))
    return free[: max(wanted - held, 0)]


def gap_start(lease: Lease, holder: int, now: float, *, alone_since: float, patience_s: float) -> float:
    """From when on nobody listened to a share that is taken over at `now`; 0 when there was no gap worth the name.

    After a death there always is one: what the dead one heard last is not known. A share that was given back, or our own, has been heard
    meanwhile by the others. `alone_since` is the last mark of a machine that had no leases yet.
    """
    if not lease.complete:
        return alone_since if alone_since and now - alone_since > patience_s else 0.0
    died = lease.holder is not None and lease.holder != holder
    return lease.complete if died or now - lease.complete > patience_s else 0.0
