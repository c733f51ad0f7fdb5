"""What else is known of a silent object says what is broken: pure rules from evidence to a class, with the sentence that names it.

Only what was seen after the silence had become one speaks against the obvious: before it, everything was well anyhow.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from yuanjiao.network.rules.causes import Rule

SERVER, LINE, EQUIPMENT = "server", "line", "equipment"


@dataclass(frozen=True)
class Observation:
    """One piece of evidence about an object, or about what it hangs on: last known to be so at `at` (seconds since 1970)."""

    kind: str
    ok: bool
    at: float
    note: str
    what: str = ""
    of: str = "self"
    """`self`, or `above` for the object it hangs on."""


@dataclass(frozen=True)
class Weighed:
    """What the evidence says: a class, the rule, how sure (0 to 1), and on what."""

    fault: str
    rule: Rule
    confidence: float
    note: str


CLASS_OF_STEP = {"link": LINE, "edge": SERVER, "catalogue": SERVER, "video": EQUIPMENT}
"""A site's own check goes this way (NET07); the step that fails names the class. A catalogue that does not answer is the server's."""
PLAY_SURE = {"link": 0.8, "edge": 0.8, "catalogue": 0.85, "video": 0.6}
CLOCK = "time"
"""A server whose clock is wrong runs and beats all the same: that check says nothing of a silence."""


def weigh(kind: str, since: float, wait: float, rows: Iterable[Observation]) -> Weighed | None:
    """The strongest evidence about a silent edge, line or site; None when there is none that speaks."""
    seen = [row for row in rows if row.at > since - wait]
    candidates = [found for row in seen for found in [_speaks(kind, row, late=row.at > since + wait)] if found is not None]
    return max(candidates, key=lambda found: found.confidence, default=None)


def _speaks(kind: str, row: Observation, *, late: bool) -> Weighed | None:
    if row.kind == "edge_check" and row.what == "line" and not row.ok:
        return Weighed(LINE, Rule.LINE_CHECK_FAILED, 0.9, row.note)
    if row.kind == "edge_check" and row.of == "self" and kind == "edge" and not row.ok and row.what != CLOCK:
        return Weighed(SERVER, Rule.EDGE_CHECK_FAILED, 0.75, row.note)
    if row.kind == "probe":
        return _probe(kind, row, late=late)
    if not late or not row.ok or kind != "site":
        return None
    if row.kind == "witness":
        return Weighed(LINE, Rule.WITNESS_HEARD, 0.85, row.note)
    if row.kind == "sighting":
        return Weighed(EQUIPMENT, Rule.BOX_SEEN, 0.75, row.note)
    return None


def _probe(kind: str, row: Observation, *, late: bool) -> Weighed | None:
    """An address that answers while no beat comes: the way is open, the machine at its end is not well."""
    if row.of == "above":
        return None if row.ok else Weighed(LINE, Rule.PROBE_ANSWERED, 0.8, row.note)
    if not late or not row.ok or kind == "line":
        return None
    return Weighed(SERVER if kind == "edge" else EQUIPMENT, Rule.PROBE_ANSWERED, 0.85, row.note)


def play_verdict(step: str) -> tuple[str, float]:
    """Class and confidence of a site that beats and cannot play, by the step at which its check failed."""
    return CLASS_OF_STEP.get(step, EQUIPMENT), PLAY_SURE.get(step, 0.5)
