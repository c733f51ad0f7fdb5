"""What the page says of one site is what the arithmetic counts, second by second (NET06)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from yuanjiao.lib import clock
from yuanjiao.network.models import Liveness, PlayTest
from yuanjiao.network.rules.explained import Known, explained, length
from yuanjiao.network.rules.rates import DOWN, RULE, UP, SiteSpans, seconds_by_site
from yuanjiao.simulation.cast import Cast

NOW = 1_800_000_000
DAY = 86_400
ages = st.one_of(st.integers(0, 700), st.integers(29 * DAY, 31 * DAY), st.integers(0, 40 * DAY))


def counted_by_arithmetic(known: Known, began: int) -> str:
    """The one second at `now`, by the sums that make the rates."""

    def one(value: int) -> Any:
        return np.array([value], np.int64)

    none: Any = np.zeros(0, np.int64)
    heard_of, tested = known.state != "unknown", known.test_at > 0
    rows = SiteSpans(
        site=one(0) if heard_of else none,
        state=one(UP if known.state == "up" else DOWN) if heard_of else none,
        at=one(began) if heard_of else none,
        until=one(NOW + 3600) if heard_of else none,
        heard=one(known.heard) if heard_of else none,
        test_site=one(0) if tested else none,
        test_at=one(known.test_at) if tested else none,
        test_ok=one(int(known.test_ok)) if tested else none,
        served_from=one(0),
        served_to=one(NOW + 2 * DAY),
        suspended=one(0),
    )
    sums = seconds_by_site(rows, start=NOW, end=NOW + 1)
    return next(name for name in ("up", "down", "unknown") if getattr(sums, name)[0] == 1)


@pytest.mark.clause("NET06")
@given(
    state=st.sampled_from(["up", "down", "unknown"]),
    heard_age=st.one_of(st.none(), ages),
    test_age=st.one_of(st.none(), ages),
    test_ok=st.booleans(),
)
def test_the_explanation_ends_where_the_arithmetic_does(state: str, heard_age: int | None, test_age: int | None, test_ok: bool) -> None:
    heard = 0 if heard_age is None else NOW - heard_age
    known = Known(NOW, state, heard, 0 if test_age is None else NOW - test_age, test_ok)
    began = heard or NOW - DAY  # silence begins at the last beat
    told = explained(RULE, known)
    assert told.counted == counted_by_arithmetic(known, began)
    assert all(step.holds for step in told.steps[:-1]), "the last step decides"


def test_what_is_outside_counts_for_nobody_and_says_why() -> None:
    told = explained(RULE, Known(NOW, "down", outside="停用（柳组发〔2026〕3 号）"))
    assert (told.counted, told.steps[0].found) == ("excluded", "停用（柳组发〔2026〕3 号）")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 秒"), (59, "59 秒"), (125, "2 分 5 秒"), (3600, "1 小时"), (3 * DAY + 4 * 3600 + 61, "3 天 4 小时"), (DAY + 30, "1 天")],
)
def test_lengths_in_two_units(seconds: int, words: str) -> None:
    assert length(seconds) == words


Enter = Callable[[str], Client]


@pytest.mark.django_db
@pytest.mark.clause("NET06")
def test_the_page_says_the_rule_its_versions_and_why_a_site_counts_as_it_does(cast: Cast, log_in: Enter) -> None:
    site, now = cast.sites["S-990101100200"], clock.now().replace(microsecond=0)
    Liveness.objects.create(
        object=site, state="down", since=now - timedelta(minutes=20), last_heard_at=now - timedelta(minutes=20), observer=uuid4(), seq=1
    )
    PlayTest.objects.create(site=site, at=now - timedelta(days=2), ok=True, observer=uuid4())
    officer = log_in("xianguan")
    page = officer.get(f"/network/rule/?site={site.code}").content.decode()
    assert "5 分钟内有心跳，且 30 天内最近一次播放测试成功" in page
    assert "规则第 1 版" in page
    assert "最后一次心跳在 20 分" in page
    assert log_in("linxian").get(f"/network/rule/?site={site.code}").status_code == 404
    type(site).objects.filter(pk=site.pk).update(lifecycle="suspended", suspension_document="柳组发〔2026〕3 号")
    assert "停用（柳组发〔2026〕3 号）" in officer.get(f"/network/rule/?site={site.code}").content.decode()
