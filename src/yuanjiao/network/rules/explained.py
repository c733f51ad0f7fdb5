"""Why one site counts as it does at one second: the table of rules/rates.py told as sentences about this site (NET06)."""

from __future__ import annotations

from dataclasses import dataclass

from yuanjiao.network.rules.rates import RateRule

DAY_S = 86_400


@dataclass(frozen=True)
class Known:
    """What is known of a site at `now` (all times whole seconds since 1970): its state, last beat and newest play test; 0 is none.

    `outside` says, when it does, why the second counts for nobody: suspended, not yet in service, under maintenance.
    """

    now: int
    state: str
    heard: int = 0
    test_at: int = 0
    test_ok: bool = False
    outside: str = ""


@dataclass(frozen=True)
class Step:
    """One thing the rule asks, what was found, and whether it holds (None: it cannot be said)."""

    asks: str
    found: str
    holds: bool | None


@dataclass(frozen=True)
class Explained:
    """How the second counts (up, down, unknown, excluded), and the steps that led there."""

    counted: str
    steps: tuple[Step, ...]


def explained(rule: RateRule, known: Known) -> Explained:
    """The steps of the rule for one site, in the order in which they decide."""
    if known.outside:
        return Explained("excluded", (Step("在用且不在检修中", known.outside, False),))
    listened = Step("有人在监听", *_listening(known))
    if known.state == "unknown":
        return Explained("unknown", (listened,))
    beats = Step(f"{rule.heartbeat_min} 分钟内有心跳", *_beating(rule, known))
    if not beats.holds:
        return Explained("down", (listened, beats))
    plays = Step(f"{rule.play_days} 天内最近一次播放测试成功", *_playing(rule, known))
    counted = {True: "up", False: "down", None: "unknown"}[plays.holds]
    return Explained(counted, (listened, beats, plays))


def _listening(known: Known) -> tuple[str, bool]:
    if known.state == "unknown":
        return "监听的机器没有听到这一段，或从未收到过这个站点的心跳", False
    return "有", True


def _beating(rule: RateRule, known: Known) -> tuple[str, bool]:
    """While it is held to be up its beats keep coming; once silent, the last one counts for N minutes."""
    if known.state == "up":
        return "心跳正常", True
    if not known.heard:
        return "没有心跳", False
    age = known.now - known.heard
    return f"最后一次心跳在 {length(age)}前", age < rule.heartbeat_min * 60


def _playing(rule: RateRule, known: Known) -> tuple[str, bool | None]:
    if not known.test_at:
        return "还没有播放测试", None
    age = known.now - known.test_at
    if age >= rule.play_days * DAY_S:
        return f"最近一次测试已是 {length(age)}前，太久，不能作数", None
    return f"最近一次测试在 {length(age)}前，{'成功' if known.test_ok else '失败'}", known.test_ok


def length(seconds: int) -> str:
    """A length of time in its two largest units: 3 天 4 小时, 2 分 5 秒."""
    parts = [(seconds // DAY_S, "天"), (seconds % DAY_S // 3600, "小时"), (seconds % 3600 // 60, "分"), (seconds % 60, "秒")]
    first = next((index for index, (count, _) in enumerate(parts) if count), 3)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count or unit == "秒")
