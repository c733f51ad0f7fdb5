"""A small city listened to in simulated time: who beats, who is silent, and what the machine makes of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from yuanjiao.network.inputs import SiteBeat, hear_site
from yuanjiao.network.jobs import diagnose_outages, sweep
from yuanjiao.network.live import Listener
from yuanjiao.simulation.cast import Cast

LIU = ("S-990101100200", "S-990101100201", "S-990101101200", "S-990101101201")
SHI = ("S-990102100200",)
ALL = LIU + SHI


class Night:
    """Listens for as long as asked: every site that is not silent beats once a minute, the sweep runs every five seconds."""

    def __init__(self, cast: Cast, at: datetime) -> None:
        self.cast, self.now, self.listener = cast, at, Listener()
        sweep(at, listener=self.listener)

    def beat(self, code: str) -> bool:
        return hear_site(self.listener, SiteBeat(code, self.cast.sites[code].beat_key), self.now.timestamp())

    def passes(self, minutes: float, *, beating: Iterable[str] = ALL) -> None:
        """Time passes; each site beats at its own second of the minute."""
        wanted = sorted(beating)
        for _ in range(round(minutes * 12)):
            second = int(self.now.timestamp()) // 5 % 12
            for place, code in enumerate(ALL):
                if code in wanted and second == place:
                    self.beat(code)
            self.turn()
            self.now += timedelta(seconds=5)

    def turn(self) -> None:
        sweep(self.now, listener=self.listener)
        diagnose_outages(self.now, listener=self.listener)

    def restarts(self, after_minutes: float) -> None:
        """The machine is off for a while and starts anew with an empty memory."""
        self.now += timedelta(minutes=after_minutes)
        self.listener = Listener()
        sweep(self.now, listener=self.listener)
