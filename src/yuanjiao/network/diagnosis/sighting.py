"""What the rules see at one moment: the picture's states as far as they are believed, and what the live array heard."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from yuanjiao.network.counting.reading import number_of
from yuanjiao.network.diagnosis.picture import NEVER, UNKNOWN, UP, Picture
from yuanjiao.network.queries.states import catching_up, own_observer, stale_observers
from yuanjiao.network.rules.causes import Mask, Places, Seconds, Sight


@dataclass(frozen=True)
class Heard:
    """Object ids with their last beat, and with the last beat that came straight here from what an edge observes (0: none)."""

    ids: Places = field(default_factory=lambda: np.zeros(0, np.int64))
    last: Seconds = field(default_factory=lambda: np.zeros(0))
    witness: Seconds = field(default_factory=lambda: np.zeros(0))

    def witnessed(self, ids: Iterable[int]) -> dict[int, float]:
        """Object id → when it was last heard directly, of those that were."""
        wanted = np.flatnonzero(self.witness > 0)
        found = dict(zip(self.ids[wanted].tolist(), self.witness[wanted].tolist(), strict=True))
        return {pk: found[pk] for pk in ids if pk in found}


def see(picture: Picture, heard: Heard, at: datetime) -> Sight:
    """The sight at one moment; an edge whose record is not complete is not believed about its sites."""
    stale = [number_of(observer) for observer in stale_observers(at)]
    known = picture.state > UNKNOWN
    if stale:
        known &= ~np.isin(picture.observer, stale)
    heard_at = np.zeros(len(picture.forest))
    if len(heard.ids):
        place = _places(picture, heard.ids)
        inside = place >= 0
        heard_at[place[inside]] = heard.last[inside]
    heard_at[picture.state != UP] = 0.0
    return Sight(
        dark=picture.silent,
        heard=known,
        beats=picture.state != NEVER,
        told_below=(picture.observer >= 0) & (picture.observer != number_of(own_observer())),
        heard_at=heard_at,
    )


def behind(picture: Picture, at: datetime) -> Mask:
    """Whose observer is heard again while its record is still on the way: what has come of it may have been over for weeks."""
    numbers = [number_of(observer) for observer in catching_up(at)]
    answer: Mask = np.isin(picture.observer, numbers) if numbers else np.zeros(len(picture.forest), np.bool_)
    return answer


def _places(picture: Picture, ids: Places) -> Places:
    """The live array keeps its order for as long as the register does."""
    if picture.heard_ids is None or not np.array_equal(picture.heard_ids, ids):
        picture.heard_ids, picture.heard_places = ids, picture.forest.places(ids)
    return picture.heard_places
