"""`/events`: tells open screens that something has changed (server-sent events). It carries no facts: the page asks for those itself.

Every stream looks at one pulse of this process; the database is asked once every few seconds however many look on, and not at all
while nobody does. Streams are few, bounded for each account, and closed after a while: the browser comes back by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db.models import Count, Max, Q
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from yuanjiao.faults.models import FaultReport
from yuanjiao.network.models import Outage, StateChange
from yuanjiao.people.access import door

EVERY_S = 3.0
QUIET_S = 15.0
"""A stream on which nothing happens says so this often: the other end may have gone without a word."""
LONGEST_S = 900.0
RETRY_MS = 5000
MOST_STREAMS, MOST_OF_ONE = 300, 8
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Content-Encoding": "identity"}


@dataclass(frozen=True)
class Newest:
    """What moves when something a screen shows has changed."""

    states: int
    outages: int
    open_outages: int
    reports: int


def newest() -> Newest:
    """Read from the database: numbers of the newest rows and how many outages are open."""
    outages = Outage.objects.aggregate(newest=Max("pk"), open=Count("pk", filter=Q(ended_at=None)))
    states = StateChange.objects.order_by("-pk").values_list("pk", flat=True).first()
    reports = FaultReport.objects.order_by("-pk").values_list("pk", flat=True).first()
    return Newest(states or 0, outages["newest"] or 0, outages["open"], reports or 0)


@dataclass
class Pulse:
    """The newest state of this process and the streams that look at it. Lives in the event loop: no locks."""

    every_s: float = EVERY_S
    quiet_s: float = QUIET_S
    longest_s: float = LONGEST_S
    number: int = 0
    newest: Newest | None = None
    asked_at: float = 0.0
    open: Counter[int] = field(default_factory=Counter)

    def room_for(self, account: int) -> bool:
        return self.open.total() < MOST_STREAMS and self.open[account] < MOST_OF_ONE

    async def look(self) -> None:
        """Ask the database unless somebody just did."""
        now = time.monotonic()
        if self.asked_at and now - self.asked_at < self.every_s:
            return
        self.asked_at = now
        found = await sync_to_async(newest)()
        if found != self.newest:
            self.newest, self.number = found, self.number + 1

    async def stream(self, account: int) -> AsyncIterator[bytes]:
        """Lines of one stream until it is old; however it ends, it is taken off the count."""
        self.open[account] += 1
        begun, told, spoke = time.monotonic(), -1, time.monotonic()
        try:
            yield b"retry: %d\n\n" % RETRY_MS
            while time.monotonic() - begun < self.longest_s:
                await self.look()
                if self.number != told:
                    told, spoke = self.number, time.monotonic()
                    yield self._line()
                elif time.monotonic() - spoke >= self.quiet_s:
                    spoke = time.monotonic()
                    yield b": nothing new\n\n"
                await asyncio.sleep(self.every_s)
        finally:
            self.open[account] -= 1
            self.open += Counter()  # drops who has none left

    def _line(self) -> bytes:
        """Only that something has changed: how much, and where, is for each reader's own subtree to show."""
        return b"id: %d\nevent: changed\ndata: %d\n\n" % (self.number, self.number)


PULSE = Pulse()


@door()
def events(request: HttpRequest) -> HttpResponseBase:
    """One stream of changes for whoever is logged in."""
    if not isinstance(request, ASGIRequest):
        return HttpResponse(_("这种服务器不能推送变化，请定时刷新页面"), status=405, content_type="text/plain; charset=utf-8")
    if not PULSE.room_for(request.user.pk or 0):
        answer = HttpResponse(_("打开的屏幕过多，请关闭几个再试"), status=503, content_type="text/plain; charset=utf-8")
        answer["Retry-After"] = "60"
        return answer
    return StreamingHttpResponse(PULSE.stream(request.user.pk or 0), content_type="text/event-stream", headers=HEADERS)
