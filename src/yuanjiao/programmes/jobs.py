"""Timed work of programmes."""

from __future__ import annotations

from datetime import datetime

from yuanjiao.lib import clock
from yuanjiao.programmes import commands


def lay_days(at: datetime) -> int:
    """Returns how many airings were laid."""
    return commands.lay_days(at=clock.civil(at))


def tell_above(at: datetime) -> tuple[int, bool, int]:
    """What a machine below owes upwards: notices that arrived, the catalogue it took up, yesterday's sums."""
    return commands.tell_arrivals(at=at), commands.tell_catalogue(at=at), commands.tell_plays(at=at)


def tell_plays(at: datetime) -> int:
    """The same sums at the top: its own portal's plays are facts like any others."""
    return commands.tell_plays(at=at)


def send_publications(at: datetime) -> int:
    """Returns how many publications official channels took."""
    return commands.send_publications(at=at)


def send_bulletins(at: datetime) -> int:
    """Returns how many robots and numbers took a bulletin. A turn may last minutes: its time goes on from `at`."""
    begun = clock.now()
    return commands.send_bulletins(at=at, now=lambda: at + (clock.now() - begun))


def draft_bulletins(at: datetime) -> int:
    """Returns how many editions were drafted, for a person to look at and send."""
    return commands.draft_bulletins(at=at)


def watch_arrivals(at: datetime) -> int:
    """Returns how many first catalogues of released items were noted."""
    return commands.watch_arrivals(at=at)


def watch_departures(at: datetime) -> int:
    """Returns how many proofs came in that a withdrawn item is gone somewhere."""
    return commands.watch_departures(at=at)


def keep_live(at: datetime) -> int:
    """Returns how many live programmes this process keeps on the air."""
    return commands.keep_live(at=at)


def make_recordings(at: datetime) -> int:
    """Returns how many recordings of live programmes became items."""
    return commands.make_recordings(at=at)
