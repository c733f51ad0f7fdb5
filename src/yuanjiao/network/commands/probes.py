"""Writes about active probes: which addresses are asked, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address

from django.conf import settings
from django.db import connection, transaction

from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.lib.seal import seal
from yuanjiao.network.models import Lifecycle, ManagedObject, Probe, ProbeMethod, ProbeOutcome
from yuanjiao.network.rules.checks import SILENT_PERIODS
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission

BATCH = 500
LEAST_PERIOD_S, MOST_PERIOD_S = 10, 86_400
HOST_NAME = re.compile(r"(?=.{1,100}\Z)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*\Z")
OID = re.compile(r"[0-2](\.\d+)+\Z")


@dataclass(frozen=True)
class Answer:
    """What one question of one probe came to. `since` is when it first came to that: earlier than `asked_at` after a confirmed miss."""

    probe_id: int
    ok: bool
    asked_at: datetime
    since: datetime
    latency_ms: float | None = None
    note: str = ""


@transaction.atomic
def add_probe(
    *,
    subject: ManagedObject,
    method: str,
    host: str,
    port: int | None = None,
    path: str = "",
    community: str = "",
    period_s: int = 60,
    by: Actor,
    at: datetime,
) -> Probe:
    """Ask an address of an object from now on. Refused when the question makes no sense, Conflict when it is asked already."""
    by.require(Permission.IMPORT_REGISTER, subject.division.path)
    host, path = host.strip(), path.strip()
    _check(subject, method, host, port, path, period_s)
    if Probe.objects.filter(object=subject.pk, method=method, host=host, port=port, path=path, active=True).exists():
        raise Conflict(f"{subject.name} 已有同样的探测")
    sealed = seal(community.strip(), settings.SECRET_KEY) if method == ProbeMethod.SNMP else b""
    probe = Probe.objects.create(
        object=subject, method=method, host=host, port=port, path=path, secret_sealed=sealed, period_s=period_s
    )  # fmt: skip
    write_audit(by=by, action="增加探测", subject=f"{subject.get_kind_display()} {subject.code}", at=at, detail=f"{method} {host}")
    return probe


def _check(subject: ManagedObject, method: str, host: str, port: int | None, path: str, period_s: int) -> None:
    if subject.lifecycle == Lifecycle.RETIRED:
        raise Refused(f"{subject.name} 已退役，不再探测")
    if method not in ProbeMethod.values:
        raise Refused("探测方式只能是 ICMP、TCP、HTTP 或 SNMP")
    if not _is_host(host):
        raise Refused(f"{host or '（空）'} 不是 IP 地址或域名")
    if port is not None and not 1 <= port <= 65535:
        raise Refused("端口应在 1 到 65535 之间")
    if method == ProbeMethod.TCP and port is None:
        raise Refused("TCP 探测须写明端口")
    if method == ProbeMethod.SNMP and path and not OID.match(path):
        raise Refused(f"{path} 不是 OID，应如 1.3.6.1.2.1.1.3.0")
    if not LEAST_PERIOD_S <= period_s <= MOST_PERIOD_S:
        raise Refused(f"周期应在 {LEAST_PERIOD_S} 秒到 {MOST_PERIOD_S // 3600} 小时之间")


def _is_host(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return HOST_NAME.match(host) is not None and not host.replace(".", "").isdigit()
    return True


@transaction.atomic
def stop_probe(*, probe: Probe, by: Actor, at: datetime) -> None:
    """Ask no more. What it found stays."""
    by.require(Permission.IMPORT_REGISTER, probe.object.division.path)
    if not Probe.objects.filter(pk=probe.pk, active=True).update(active=False):
        raise Conflict("这项探测已经停止")
    for span in ProbeOutcome.objects.filter(probe=probe.pk, until=None):
        span.until = max(span.asked_at, span.at)
        span.save(update_fields=["until"])
    subject = f"{probe.object.get_kind_display()} {probe.object.code}"
    write_audit(by=by, action="停止探测", subject=subject, at=at, detail=f"{probe.method} {probe.host}")


@transaction.atomic
def record_answers(*, answers: Sequence[Answer]) -> int:
    """Keep answers, oldest first, as spans of equal outcomes; returns how many outcomes changed. Stopped probes are passed over."""
    if not answers:
        return 0
    ids = sorted({answer.probe_id for answer in answers})
    periods = {
        pk: period for part in _parts(ids) for pk, period in Probe.objects.filter(pk__in=part, active=True).values_list("pk", "period_s")
    }
    spans = {span.probe_id: span for part in _parts(ids) for span in ProbeOutcome.objects.filter(probe__in=part, until=None)}
    ended: list[ProbeOutcome] = []
    touched: dict[int, ProbeOutcome] = {}
    changed = 0
    for answer in answers:
        if answer.probe_id not in periods:
            continue
        before = spans.get(answer.probe_id)
        span = _followed(before, answer, SILENT_PERIODS * periods[answer.probe_id])
        if span is not before:
            changed += 1
            if before is not None:
                ended.append(before)
        spans[answer.probe_id] = touched[answer.probe_id] = span
    _write(ended, list(touched.values()))
    return changed


def _parts(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]


def _followed(span: ProbeOutcome | None, answer: Answer, silent_s: float) -> ProbeOutcome:
    """The span an answer belongs to: the one before, or a new one. A pause of ours ends the one before where it was last asked."""
    if span is not None and answer.asked_at - span.asked_at > timedelta(seconds=silent_s):
        span.until = span.asked_at
    elif span is not None and span.ok == answer.ok:
        span.asked_at, span.latency_ms, span.note = max(span.asked_at, answer.asked_at), answer.latency_ms, answer.note[:200]
        return span
    elif span is not None:
        span.until = max(span.at, answer.since)
    begun = answer.since if span is None or span.until is None else max(answer.since, span.until)
    return ProbeOutcome(
        probe_id=answer.probe_id, ok=answer.ok, note=answer.note[:200], latency_ms=answer.latency_ms, at=begun, asked_at=answer.asked_at
    )  # fmt: skip


def _write(ended: list[ProbeOutcome], touched: list[ProbeOutcome]) -> None:
    ProbeOutcome.objects.bulk_update([span for span in ended if span.pk], ["until", "asked_at", "latency_ms", "note"], batch_size=100)
    ProbeOutcome.objects.bulk_create([span for span in ended if not span.pk], batch_size=BATCH)
    ProbeOutcome.objects.bulk_create([span for span in touched if not span.pk], batch_size=BATCH)
    table, adapt = connection.ops.quote_name(ProbeOutcome._meta.db_table), connection.ops.adapt_datetimefield_value
    marks = [(adapt(span.asked_at), span.latency_ms, span.note, span.pk) for span in touched if span.pk]
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {table} SET asked_at = %s, latency_ms = %s, note = %s WHERE id = %s", marks)
