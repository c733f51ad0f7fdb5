"""One judgement from beginning to end in a fresh database: the city is founded, lives its days, and is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from yuanjiao.network.commands import set_rhythm
from yuanjiao.network.queries import object_by_code
from yuanjiao.simulation import foundation
from yuanjiao.simulation.city import City, Plan, make_city, share_uplinks
from yuanjiao.simulation.history import start_afresh
from yuanjiao.simulation.judge.beats import GRACE_S, PERIOD_S
from yuanjiao.simulation.judge.bench import Bench
from yuanjiao.simulation.judge.life import Life, judged_edges
from yuanjiao.simulation.judge.truth import HOUR, Truth, draw_truth
from yuanjiao.simulation.judge.verdict import Judgement, judge

START = datetime(2026, 3, 1, 16, 0, tzinfo=UTC)
"""Midnight in China."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Case:
    """What is judged."""

    plan: Plan
    days: float
    haste: float = 1.0
    wrong_clocks: bool = True


def hold(case: Case, folder: Path, found_city: Callable[[datetime], object], say: Say = lambda _: None) -> tuple[Judgement, Bench]:
    """Found the city, let it live, judge it."""
    city = share_uplinks(make_city(case.plan))
    _found(city, folder, found_city, say)
    truth = draw_truth(city, days=case.days, seed=case.plan.seed, haste=case.haste, wrong_clocks=case.wrong_clocks)
    _set_rhythms(truth)
    start_afresh()
    life = Life(truth, judged_edges(truth, START), START)
    say(f"真实故障 {len(truth.strikes)} 次，开始运行 {case.days:g} 天")
    life.live(lambda share: say(f"{share:.0%}，{life.steps} 步"))
    start_afresh()
    say("对照")
    bench = Bench(truth, START, truth.length - HOUR)
    return judge(bench), bench


def _set_rhythms(truth: Truth) -> None:
    officer = foundation.actor(foundation.ADMIN)
    for code, (period, grace) in truth.rhythms.items():
        if (period, grace) != (PERIOD_S, GRACE_S):
            set_rhythm(subject=object_by_code(code), period_s=int(period), grace_s=int(grace), by=officer, at=START)


def _found(city: City, folder: Path, found_city: Callable[[datetime], object], say: Say) -> None:
    found_city(datetime(foundation.SINCE.year, 1, 1, tzinfo=UTC))
    foundation.import_city(city, foundation.Setting(folder, START, foundation.new_password()), say)
