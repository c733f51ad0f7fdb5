"""One turn of the diagnosis: the picture, the moment, and what was found so far. Its steps are in the files beside this one."""

from __future__ import annotations

from datetime import datetime

from yuanjiao.network.diagnosis import holds
from yuanjiao.network.diagnosis.news import News
from yuanjiao.network.diagnosis.picture import Picture
from yuanjiao.network.diagnosis.sighting import Heard
from yuanjiao.network.diagnosis.verdicts import Ruling, Told
from yuanjiao.network.diagnosis.weighing import is_time_to_weigh


class Turn:
    """One turn on one picture at one moment."""

    def __init__(self, picture: Picture, at: datetime, heard: Heard) -> None:
        self.picture, self.at, self.now, self.heard = picture, at, at.timestamp(), heard
        self.changed = False
        self.rulings: list[Ruling] = []
        self.told: list[Told] = []
        self.anyone_heard = True
        self.windows = holds.maintained(picture, at)
        self.settled: list[Ruling] = []

    def is_quiet(self, news: News, *, fresh: bool) -> bool:
        """Nothing is new, nothing waits: the roots stand as they are."""
        picture = self.picture
        waits = bool(picture.hold.any()) or bool(picture.unstable) or bool(picture.unsettled) or bool(self.told)
        ended = any(matter.ended is not None for matter in picture.matters.values())
        return not (fresh or len(news) or self.changed or waits or ended or is_time_to_weigh(picture, self.now))
