"""`/metrics` for Prometheus: sums of this machine, never a label for each site. Read by a token, or from this very machine.

What the database must be asked for is asked at most every half minute; the rest are numbers in memory.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import ip_address

from django.conf import settings
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from yuanjiao.flow.journal.queries import heads_now, unapplied_count
from yuanjiao.lib import clock
from yuanjiao.network.intake import COUNTS
from yuanjiao.network.live import LISTENER
from yuanjiao.network.models import FaultClass, Intake, IntakeLease, Liveness, Outage, State, StateChange
from yuanjiao.people.access import machine
from yuanjiao.wiring.pulse import PULSE

ASK_EVERY_S = 30
TAKEN = ("site", "edge", "batch", "relayed")


class Beats(Collector):
    """What came through the door of this process, by form and by why it was refused."""

    def collect(self) -> Iterator[Metric]:
        counts = dict(COUNTS)
        taken = CounterMetricFamily("yuanjiao_beats", "Beats taken by this process", labels=["form"])
        for form in ("site", "edge"):
            taken.add_metric([form], counts.get(form, 0))
        yield taken
        yield CounterMetricFamily("yuanjiao_beat_batches", "Signed batches taken by this process", value=counts.get("batch", 0))
        refused = CounterMetricFamily("yuanjiao_beats_refused", "Messages or beats not taken, by reason", labels=["reason"])
        for reason in sorted(set(counts) - set(TAKEN)):
            refused.add_metric([reason], counts[reason])
        yield refused


class Listening(Collector):
    """The sweep of this process and the streams it feeds."""

    def collect(self) -> Iterator[Metric]:
        swept = LISTENER.swept_at
        yield GaugeMetricFamily("yuanjiao_sweep_seconds", "Seconds the last sweep held the live array", value=LISTENER.sweep_s)
        age = clock.now().timestamp() - swept if swept else float("nan")
        yield GaugeMetricFamily("yuanjiao_sweep_age_seconds", "Seconds since the last sweep", value=age)
        yield GaugeMetricFamily("yuanjiao_live_objects", "Objects in the live array", value=len(LISTENER.array.ids))
        yield GaugeMetricFamily("yuanjiao_event_streams", "Open streams of /events", value=PULSE.open.total())


class Stored(Collector):
    """What the database says, at most half a minute old."""

    def collect(self) -> Iterator[Metric]:
        yield from asked(int(time.monotonic()) // ASK_EVERY_S)


@lru_cache(maxsize=1)
def asked(turn: int) -> tuple[Metric, ...]:
    """All families that need the database; `turn` makes them anew every half minute."""
    del turn
    return (_objects(), _changes(), _roots(), *_journal(), *_leases())


def _objects() -> Metric:
    family = GaugeMetricFamily("yuanjiao_objects", "Objects of the register by kind and state", labels=["kind", "state"])
    rows = Liveness.objects.order_by().values_list("object__kind", "state").annotate(count=Count("pk"))
    found = {(kind, state): count for kind, state, count in rows}
    for kind in ("edge", "site"):
        for state in State.values:
            family.add_metric([kind, state], found.get((kind, state), 0))
    return family


def _changes() -> Metric:
    newest = StateChange.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return CounterMetricFamily("yuanjiao_state_changes", "State changes recorded here since the beginning", value=newest)


def _roots() -> Metric:
    family = GaugeMetricFamily("yuanjiao_open_roots", "Open outages that nothing else explains, by class", labels=["class"])
    rows = Outage.objects.filter(ended_at=None, root=None, held=False).order_by().values_list("fault_class").annotate(count=Count("pk"))
    found = dict(rows)
    for name in (*FaultClass.values, ""):
        family.add_metric([name or "undecided"], found.get(name, 0))
    return family


def _journal() -> Iterable[Metric]:
    heads = heads_now()
    own = [head for head in heads if head.is_self]
    lag = sum(head.seq - head.acknowledged_seq for head in own) if settings.PARENT else 0
    yield GaugeMetricFamily("yuanjiao_journal_unsent", "Entries of this node that its parent has not acknowledged", value=lag)
    yield GaugeMetricFamily("yuanjiao_journal_set_aside", "Entries held whose rows could not be built", value=unapplied_count())
    refused = sum(bool(head.refusal) for head in heads)
    yield GaugeMetricFamily("yuanjiao_journal_refused", "Origins whose next entries the parent refuses", value=refused)


def _leases() -> Iterable[Metric]:
    now = clock.now()
    held = IntakeLease.objects.filter(until__gt=now).exclude(holder=None)
    yield GaugeMetricFamily("yuanjiao_lease_shares_held", "Shares of the edges that a living intake holds", value=held.count())
    yield GaugeMetricFamily("yuanjiao_intakes", "Intakes that hold a share", value=held.order_by().values("holder").distinct().count())
    yield GaugeMetricFamily("yuanjiao_intakes_known", "Intakes that have a row", value=Intake.objects.count())


REGISTRY = CollectorRegistry(auto_describe=False)
for _collector in (Beats(), Listening(), Stored()):
    REGISTRY.register(_collector)
ProcessCollector(registry=REGISTRY)


@machine
def metrics(request: HttpRequest) -> HttpResponse:
    """The text of all families, for who may read it."""
    if not may_read(request):
        return HttpResponse("forbidden\n", status=403, content_type="text/plain")
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)


def may_read(request: HttpRequest) -> bool:
    """By the token where one is set; else only from this machine, and never where a proxy stands on it: through that all of them come."""
    if settings.METRICS_TOKEN:
        return hmac.compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    if settings.BEHIND_PROXY or "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
