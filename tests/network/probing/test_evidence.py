"""What is offered as evidence of an object at a moment, and what is too old to be offered."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from yuanjiao.network.models import BoxSighting, EdgeCheck, PlayTest, Probe, ProbeOutcome, Watermark
from yuanjiao.network.queries import EvidenceKind, evidence_about
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db
LI = "S-990101100200"


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def test_a_probe_speaks_only_as_long_as_it_goes_on_asking(cast: Cast, at: datetime) -> None:
    site = cast.sites[LI]
    probe = Probe.objects.create(object=site, method="tcp", host="192.0.2.7", port=80, period_s=60)
    ProbeOutcome.objects.create(
        probe=probe, ok=True, latency_ms=3.2, at=at - minutes(60), asked_at=at - minutes(20), until=at - minutes(20)
    )
    ProbeOutcome.objects.create(probe=probe, ok=False, note="拒绝连接", at=at - minutes(20), asked_at=at)
    (now,) = evidence_about([site.pk], at + minutes(1))[site.pk]
    assert (now.kind, now.ok, now.at, now.since, now.what) == (EvidenceKind.PROBE, False, at, at - minutes(20), "tcp")
    assert now.note == "TCP 探测 192.0.2.7:80 无应答：拒绝连接"
    (before,) = evidence_about([site.pk], at - minutes(30))[site.pk]
    assert (before.ok, before.at) == (True, at - minutes(30))
    assert evidence_about([site.pk], at + minutes(4)) == {}, "nobody has asked for four periods"


def test_an_edges_unchanged_check_is_believed_as_far_as_its_record_is_complete(cast: Cast, at: datetime) -> None:
    edge, observer = cast.edges["E-990101"], uuid4()
    EdgeCheck.objects.create(
        edge_id=edge.pk, subject=edge, kind="disk", ok=False, value=3, unit="%", at=at - minutes(90), observer=observer, seq=7
    )
    Watermark.objects.create(observer=observer, edge=edge, held_through=at - minutes(10))
    (row,) = evidence_about([edge.pk], at)[edge.pk]
    assert (row.kind, row.ok, row.what, row.at, row.since) == (EvidenceKind.EDGE_CHECK, False, "disk", at - minutes(10), at - minutes(90))
    assert "磁盘不合格 3%" in row.note


def test_the_newest_sighting_and_the_newest_play_test_count_and_old_ones_do_not(cast: Cast, at: datetime) -> None:
    site, other = cast.sites[LI], cast.sites["S-990101100201"]
    for hours, online in ((30, True), (5, True)):
        BoxSighting.objects.create(site=site, seen_at=at - timedelta(hours=hours), online=online, source="清单.xlsx", entered_at=at)
    BoxSighting.objects.create(site=other, seen_at=at - timedelta(hours=30), online=True, source="清单.xlsx", entered_at=at)
    for hours, ok, step in ((20, True, ""), (1, False, "video")):
        PlayTest.objects.create(site=site, at=at - timedelta(hours=hours), ok=ok, step=step, observer=uuid4())
    found = evidence_about([site.pk, other.pk], at)
    assert [(row.kind, row.ok) for row in found[site.pk]] == [(EvidenceKind.PLAY, False), (EvidenceKind.SIGHTING, True)]
    assert found[site.pk][0].note == "试播失败，断在视频首段"
    assert other.pk not in found


def test_offline_holds_from_when_the_box_was_last_seen_to_the_day_of_the_list(cast: Cast, at: datetime) -> None:
    site = cast.sites[LI]
    seen, listed = at - timedelta(days=3), at - timedelta(hours=1)
    BoxSighting.objects.create(site=site, seen_at=seen, online=False, source="清单.xlsx", entered_at=listed)
    (row,) = evidence_about([site.pk], at)[site.pk]
    assert (row.ok, row.since, row.at) == (False, seen, listed)
    (then,) = evidence_about([site.pk], at - timedelta(days=2))[site.pk]
    assert (then.ok, then.at) == (False, at - timedelta(days=2))
    assert evidence_about([site.pk], at + timedelta(days=2)) == {}
    assert evidence_about([site.pk], seen - timedelta(hours=1)) == {}
