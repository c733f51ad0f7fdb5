"""A site that runs the whole software tests its own way to a film, as the small beacon does for a box (NET07)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

import yuanjiao_beacon as beacon
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.network.commands import record_play_test
from yuanjiao.network.commands.moments import told
from yuanjiao.network.models import PlayTest


def try_newest_film(at: datetime) -> bool | None:
    """Test when it is due and journal how it went; None when nothing was tested. Due: a day after a success, minutes after a failure."""
    code = own_node().subject_code
    last = PlayTest.objects.filter(site__code=code).order_by("-at").first()
    wait_s = settings.PLAY_TEST_S if last is None or last.ok else min(beacon.AGAIN_S, settings.PLAY_TEST_S)
    if not code or not settings.PARENT or (last is not None and told(at) - last.at < timedelta(seconds=wait_s)):
        return None
    found = beacon.check(settings.PARENT)
    if found is None:
        return None
    step, _why, item = found
    record_play_test(site=code, ok=not step, step=step, item=item, sent_at=at.isoformat(), at=at)
    return not step
