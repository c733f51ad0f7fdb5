"""An edge looks at itself: its disk, its temperature, its clock, its way up and its access lines. Told upwards when something changes."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.flow.wire.client import parent_line
from yuanjiao.lib.errors import Refused
from yuanjiao.network.commands.checks import record_findings
from yuanjiao.network.events import Finding
from yuanjiao.network.models import CheckKind, EdgeCheck, ManagedObject, ObjectKind
from yuanjiao.network.probing.questions import Asker, CannotAsk, Question, Reply
from yuanjiao.network.rules.checks import Reading, clock_limit, disk_limit, outcome, temperature_limit

SENSORS = ("class/thermal/thermal_zone*/temp", "class/hwmon/hwmon*/temp*_input")
MOST_BELIEVABLE_C = 150.0
"""A sensor that is not wired reads nonsense."""


@dataclass
class Checks:
    """What this process remembers between two turns: unanswered questions in a row, and since when, by (subject, check)."""

    missed: dict[tuple[str, str], int] = field(default_factory=dict)
    first_missed: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def note(self, reading: Reading, at: datetime) -> int:
        """Count one reading; returns the misses in a row."""
        key = (reading.subject, reading.check)
        if reading.reached:
            self.missed.pop(key, None)
            self.first_missed.pop(key, None)
            return 0
        self.missed[key] = self.missed.get(key, 0) + 1
        self.first_missed.setdefault(key, at)
        return self.missed[key]


CHECKS = Checks()


def check_edge(at: datetime, *, checks: Checks = CHECKS) -> int:
    """One turn: take every reading, journal the outcomes that changed; returns how many did. Nothing before enrolment."""
    edge = ManagedObject.objects.filter(code=own_node().subject_code, kind=ObjectKind.EDGE).first()
    if edge is None:
        return 0
    return judge(edge, [*own_readings(edge.code), *line_readings(edge)], at, checks=checks)


def judge(edge: ManagedObject, readings: Iterable[Reading], at: datetime, *, checks: Checks) -> int:
    """Journal what the readings change; a bad line is dated from its first unanswered question."""
    spans = EdgeCheck.objects.filter(edge=edge.pk, until=None)
    before = {(code, kind): ok for code, kind, ok in spans.values_list("subject__code", "kind", "ok")}
    findings = []
    for reading in readings:
        key = (reading.subject, reading.check)
        since = checks.first_missed.get(key, at)
        missed = checks.note(reading, at)
        ok = outcome(reading, before.get(key), missed)
        if ok is not None and ok != before.get(key):
            findings.append(_finding(reading, ok, at if ok else since))
    return record_findings(edge=edge.code, findings=findings, at=at)


def _finding(reading: Reading, ok: bool, at: datetime) -> Finding:
    value = None if reading.value is None else round(reading.value, 1)
    return Finding(
        subject=reading.subject, check=reading.check, ok=ok, at=at.replace(microsecond=0), value=value, unit=reading.unit, note=reading.note
    )


def own_readings(code: str) -> Iterator[Reading]:
    """Disk, temperature and clock; what cannot be read is left out."""
    disk = shutil.disk_usage(settings.HOME)
    yield Reading(code, CheckKind.DISK, 100 * disk.free / disk.total, "%", disk_limit(settings.CHECK_DISK_PERCENT), note="剩余空间")
    warmest = temperature()
    if warmest is not None:
        yield Reading(code, CheckKind.TEMPERATURE, warmest, "°C", temperature_limit(settings.CHECK_TEMPERATURE_C))
    offset_s = parent_line().offset_s if settings.PARENT else 0.0
    if offset_s:  # exactly nothing means that the parent has not answered yet
        yield Reading(code, CheckKind.TIME, abs(offset_s), "秒", clock_limit(settings.CHECK_CLOCK_S), note="与上级的钟相差")


def temperature(root: Path = Path("/sys")) -> float | None:
    """The warmest sensor of this machine in degrees Celsius; None where there is none."""
    found = [_degrees(path) for pattern in SENSORS for path in root.glob(pattern)]
    return max((degrees for degrees in found if degrees is not None and 0 < degrees < MOST_BELIEVABLE_C), default=None)


def _degrees(path: Path) -> float | None:
    try:
        return int(path.read_text()) / 1000
    except (OSError, ValueError):
        return None


def line_readings(edge: ManagedObject) -> list[Reading]:
    """The way up (told of the uplink line where there is one), and each access line whose far end has a known address."""
    questions = dict(_questions(edge))
    replies = asyncio.run(_ask_all(list(questions.values())))
    return [
        Reading(code, CheckKind.LINE, reached=reply.ok, value=reply.latency_ms, unit="毫秒", note=reply.note)
        for code, reply in zip(questions, replies, strict=True)
        if reply is not None
    ]


def _questions(edge: ManagedObject) -> Iterator[tuple[str, Question]]:
    parts = urlsplit(settings.PARENT)
    if parts.hostname:
        above = edge.depends_on
        code = above.code if above is not None and above.kind == ObjectKind.LINE else edge.code
        yield code, Question("tcp", parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))
    told = dict(map(line_address, settings.LINE_ADDRESSES))
    known = ManagedObject.objects.filter(kind=ObjectKind.LINE, code__in=list(told)).values_list("code", flat=True)
    yield from ((code, told[code]) for code in sorted(known))


def line_address(text: str) -> tuple[str, Question]:
    """One entry of LINE_ADDRESSES, such as L-990101100=10.1.2.1 (echo) or L-990101100=10.1.2.1:80 (connection)."""
    code, _, address = text.partition("=")
    host, colon, port = address.rpartition(":")
    if not colon:
        host, port = address, ""
    if not code.strip() or not host.strip() or (port and not port.isdigit()):
        raise Refused(f"YUANJIAO_LINE_ADDRESSES：{text} 应为 线路编号=地址 或 线路编号=地址:端口")
    return code.strip(), Question("tcp" if port else "icmp", host.strip(), int(port) if port else None)


async def _ask_all(questions: list[Question]) -> list[Reply | None]:
    asker = Asker()
    try:
        return await asyncio.gather(*(_or_none(asker, question) for question in questions))
    finally:
        asker.close()


async def _or_none(asker: Asker, question: Question) -> Reply | None:
    try:
        return await asker.ask(question)
    except CannotAsk:
        return None
