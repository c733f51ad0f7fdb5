"""What is known of an object at a moment besides its beats: probes, checks by its edge, the operator's sightings, play tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Q

from yuanjiao.network.models import BoxSighting, CheckKind, EdgeCheck, PlayTest, Probe, ProbeOutcome, Watermark
from yuanjiao.network.rules.checks import SILENT_PERIODS

BATCH = 500
PLAY_FRESH = timedelta(days=2)
"""A play test is made once a day; one older than two says nothing of now."""
SIGHTING_FRESH = timedelta(days=1)


class EvidenceKind(StrEnum):
    """Where a piece of evidence comes from."""

    PROBE = "probe"
    EDGE_CHECK = "edge_check"
    SIGHTING = "sighting"
    PLAY = "play"


@dataclass(frozen=True)
class EvidenceRow:
    """One finding about one object. It has been so since `since`, and was last known to be so at `at`.

    `what` is the probe's method, the check's kind, or the failed step of a play test; `note` is a sentence in Chinese.
    """

    kind: EvidenceKind
    ok: bool
    at: datetime
    note: str
    what: str = ""
    since: datetime | None = None


def evidence_about(ids: Iterable[int], at: datetime) -> dict[int, list[EvidenceRow]]:
    """Object id → what was known of it at `at`, newest first; an object of which nothing is known does not occur.

    An edge's check of a line stands under the line, its checks of itself under the edge. What is stale at `at` is left out.
    """
    wanted = sorted(set(ids))
    found: dict[int, list[EvidenceRow]] = {}
    for start in range(0, len(wanted), BATCH):
        part = wanted[start : start + BATCH]
        for source in (_probes, _edge_checks, _sightings, _plays):
            for pk, row in source(part, at):
                found.setdefault(pk, []).append(row)
    for rows in found.values():
        rows.sort(key=lambda row: row.at, reverse=True)
    return found


def _probes(ids: list[int], at: datetime) -> Iterator[tuple[int, EvidenceRow]]:
    """The span of each probe that holds `at`; a question asked too long before says nothing."""
    spans = ProbeOutcome.objects.filter(Q(until=None) | Q(until__gt=at), probe__object__in=ids, at__lte=at)
    for span in spans.select_related("probe"):
        known = min(span.asked_at if span.until is None else span.until, at)
        if at - known <= SILENT_PERIODS * timedelta(seconds=span.probe.period_s):
            yield span.probe.object_id, EvidenceRow(EvidenceKind.PROBE, span.ok, known, probe_note(span), span.probe.method, span.at)


def probe_note(span: ProbeOutcome) -> str:
    """One sentence about a span of a probe."""
    name = f"{span.probe.get_method_display()} 探测 {address_text(span.probe)}"
    took = f"，{milliseconds(span.latency_ms)}" if span.ok and span.latency_ms is not None else ""
    return f"{name} {'有应答' if span.ok else '无应答'}{took}{f'：{span.note}' if span.note else ''}"


def milliseconds(latency: float) -> str:
    """How long an answer took, as people read it."""
    return f"{latency:.0f} 毫秒" if latency >= 1 else "不到 1 毫秒"


def address_text(probe: Probe) -> str:
    """Host, port and path of a probe as people read them."""
    return f"{probe.host}{f':{probe.port}' if probe.port else ''}{f' {probe.path}' if probe.path else ''}"


def _edge_checks(ids: list[int], at: datetime) -> Iterator[tuple[int, EvidenceRow]]:
    """The span of each check that holds `at`; an edge's silence about a check counts as "unchanged" as far as its record is complete."""
    spans = list(EdgeCheck.objects.filter(Q(until=None) | Q(until__gt=at), subject__in=ids, at__lte=at).select_related("edge"))
    heard = Watermark.objects.filter(observer__in={span.observer for span in spans})
    through = dict(heard.values_list("observer", "held_through"))
    for span in spans:
        complete = through.get(span.observer, at) or span.at
        known = max(span.at, min(complete, at))
        yield span.subject_id, EvidenceRow(EvidenceKind.EDGE_CHECK, span.ok, known, check_note(span), span.kind, span.at)


def failed_line_checks(lines: Iterable[int], start: datetime, end: datetime) -> dict[int, list[EvidenceRow]]:
    """Line → when in [start, end) its edge's check of it failed, oldest first: each row from `since` to `at`. An edge that is cut off tells
    it only when it is back."""
    wanted = sorted(set(lines))
    found: dict[int, list[EvidenceRow]] = {}
    for first in range(0, len(wanted), BATCH):
        spans = EdgeCheck.objects.filter(Q(until=None) | Q(until__gt=start), subject__in=wanted[first : first + BATCH], at__lt=end)
        for span in spans.filter(kind=CheckKind.LINE, ok=False).select_related("edge").order_by("at"):
            row = EvidenceRow(EvidenceKind.EDGE_CHECK, False, span.until or end, check_note(span), span.kind, span.at)
            found.setdefault(span.subject_id, []).append(row)
    return found


def check_note(span: EdgeCheck) -> str:
    """One sentence about a span of a check."""
    read = f" {span.value:g}{span.unit}" if span.value is not None else ""
    return f"{span.edge.name}自检{span.get_kind_display()}{'合格' if span.ok else '不合格'}{read}{f'：{span.note}' if span.note else ''}"


def _sightings(ids: list[int], at: datetime) -> Iterator[tuple[int, EvidenceRow]]:
    """The newest word of the operator on each site: "online" is of the moment it was seen, "offline" holds from then to the list's day."""
    lately = Q(online=True, seen_at__gt=at - SIGHTING_FRESH) | Q(online=False, entered_at__gt=at - SIGHTING_FRESH)
    rows = BoxSighting.objects.filter(lately, site__in=ids, seen_at__lte=at)
    newest: dict[int, EvidenceRow] = {}
    for row in rows.order_by("seen_at", "pk"):
        known = row.seen_at if row.online else min(row.entered_at, at)
        note = f"运营商平台{'见到盒子在线' if row.online else '最后见到盒子，其后离线'}（{row.source}）"
        before = newest.get(row.site_id)
        if before is None or before.at <= known:
            newest[row.site_id] = EvidenceRow(EvidenceKind.SIGHTING, row.online, known, note, since=row.seen_at)
    yield from newest.items()


def _plays(ids: list[int], at: datetime) -> Iterator[tuple[int, EvidenceRow]]:
    """The newest play test of each site."""
    rows = PlayTest.objects.filter(site__in=ids, at__lte=at, at__gt=at - PLAY_FRESH).order_by("at", "pk")
    for pk, row in {row.site_id: row for row in rows}.items():
        note = f"试播{'成功' if row.ok else '失败'}{f'，断在{STEP_NAMES.get(row.step, row.step)}' if row.step else ''}"
        yield pk, EvidenceRow(EvidenceKind.PLAY, row.ok, row.at, note, row.step)


STEP_NAMES = {"link": "链路", "edge": "边缘服务器", "catalogue": "片目", "video": "视频首段"}
"""The steps of a site's check, in the order in which they are tried (NET07)."""
