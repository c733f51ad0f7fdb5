"""Many sites that beat and cannot play are seldom many broken boxes: when it is what they share, and which. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

MANY = 3
"""So many sites must fail before what they share is accused."""
SHARE = 0.8
"""And so large a part of those that tried since the first of them failed."""


@dataclass(frozen=True)
class Tried:
    """The newest play test of one site since the first of the failures: where it broke ("" when it went well), and with what item."""

    site: int
    step: str
    item: str = ""


@dataclass(frozen=True)
class Shared:
    """What they share is at fault: `failed` of `tried` sites, most of them at `step`; `item` when only one item fails and others play."""

    sites: tuple[int, ...]
    tried: int
    step: str
    item: str = ""


def shared_cause(tries: Iterable[Tried]) -> Shared | None:
    """What the failures of the sites behind one object have in common, or None: then each is its own matter.

    Everything fails: it is the store or the way to it. Only one item fails, and others play: it is that item there.
    """
    rows = list(tries)
    found = _weigh(rows, "")
    failing = {one.item for one in rows if one.step}
    if found is None and len(failing) == 1 and (item := failing.pop()):
        found = _weigh([one for one in rows if one.item == item], item)
    return found


def _weigh(rows: list[Tried], item: str) -> Shared | None:
    failed = [one for one in rows if one.step]
    if len(failed) < MANY or len(failed) < SHARE * len(rows):
        return None
    step = Counter(one.step for one in failed).most_common(1)[0][0]
    return Shared(tuple(sorted(one.site for one in failed)), len(rows), step, item)
