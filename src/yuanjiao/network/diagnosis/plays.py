"""Sites that beat and cannot play: a failed test opens an outage of its own sign, the next passed one ends it, and so does silence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from django.db.models import F, Max

from yuanjiao.network.counting.reading import Epoch
from yuanjiao.network.diagnosis.picture import UP, Picture
from yuanjiao.network.diagnosis.record import moment
from yuanjiao.network.models import Outage, PlayTest

STEP_NAMES = {"link": "链路", "edge": "边缘服务器", "catalogue": "片目", "video": "视频首段"}
LOOK_BACK = 50_000
"""After a start so many tests are looked through again; what is known already changes nothing."""


@dataclass(frozen=True)
class Failed:
    """One site's newest test has failed."""

    place: int
    at: float
    step: str


def read_tests(picture: Picture) -> tuple[list[Failed], list[tuple[int, float]]]:
    """The newest new test of each site: those that failed, and (place, moment) of those that went well."""
    newest = PlayTest.objects.aggregate(newest=Max("pk"))["newest"] or 0
    since = picture.tested_id or newest - LOOK_BACK
    picture.tested_id = newest
    if since >= newest:
        return [], []
    rows = PlayTest.objects.filter(pk__gt=since).order_by("at", "pk").values_list("site_id", Epoch(F("at")), "ok", "step")
    last = {site: (float(at), ok, step) for site, at, ok, step in rows}
    places = picture.forest.places(list(last)).tolist() if last else []
    failed, passed = [], []
    for place, (at, ok, step) in zip(places, last.values(), strict=True):
        if place >= 0 and ok:
            passed.append((place, at))
        elif place >= 0:
            failed.append(Failed(place, at, step))
    return failed, passed


def begins(picture: Picture, test: Failed) -> bool:
    """Whether a failed test is news: the site beats, and has no outage."""
    if picture.state[test.place] != UP or picture.outage[test.place] or not np.isnan(picture.silent[test.place]):
        return False
    later = Outage.objects.filter(object=int(picture.forest.ids[test.place]), ended_at__gte=moment(test.at))
    return not later.exists()  # after a start old tests are read again
