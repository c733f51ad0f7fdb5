"""Setting the clock by the parent's: what is done when, by an injected setter; the clock of this machine is never touched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from yuanjiao.desks.status.machine import OwnClock
from yuanjiao.flow.wire import parents_time
from yuanjiao.lib.errors import Refused
from yuanjiao.wiring.edge import timekeeping as keeping
from yuanjiao.wiring.edge.chosen import Chosen
from yuanjiao.wiring.edge.setup import Plan, files
from yuanjiao.wiring.edge.timekeeping import MADE, Act, Found, Setter, decide, span
from yuanjiao.wiring.edge.unit import unit_text

NOW = datetime(2027, 3, 2, 8, 0, tzinfo=UTC).timestamp()
HOUR, DAY = 3600.0, 86_400.0


def found(
    ahead_s: float, *, now: float = NOW, last_entry: float = NOW - 60, within_s: float = 0.02, kept_by_service: bool = False
) -> Found:
    return Found(ahead_s=ahead_s, within_s=within_s, now=now, last_entry=last_entry, kept_by_service=kept_by_service)


@pytest.mark.parametrize(
    ("what", "act", "by_s"),
    [
        (found(0.05), Act.LEAVE, 0.0),
        (found(3.0, within_s=5.0), Act.LEAVE, 0.0),  # a line so slow that nothing is known better than this
        (found(1.5), Act.SLEW, 1.5),
        (found(-45.0), Act.SLEW, -45.0),
        (found(3 * HOUR), Act.STEP, 3 * HOUR),
        (found(57 * 365 * DAY, now=10.0, last_entry=NOW), Act.STEP, 57 * 365 * DAY),  # an empty battery: 1970
        (found(-3 * HOUR), Act.REFUSE, 0.0),  # behind what was recorded a minute ago
        (found(-3 * HOUR, last_entry=NOW - 4 * HOUR), Act.STEP, -3 * HOUR),  # nothing was recorded since
        (found(-3 * HOUR, last_entry=0.0), Act.STEP, -3 * HOUR),
        (found(-200 * DAY, last_entry=0.0), Act.REFUSE, 0.0),  # a parent that stands before this software was made
        (found(3 * HOUR, kept_by_service=True), Act.LEAVE, 0.0),
    ],
)
def test_what_is_done_to_a_clock(what: Found, act: Act, by_s: float) -> None:
    plan = decide(what)
    assert (plan.act, plan.by_s) == (act, by_s)


def test_a_refusal_says_why_and_what_people_can_do() -> None:
    assert "date -s" in decide(found(-3 * HOUR)).words
    assert "早于本软件" in decide(found(MADE.timestamp() - NOW - 1, last_entry=0.0)).words


@pytest.mark.parametrize(
    ("seconds", "words"), [(3.04, "3.0 秒"), (600, "10 分钟"), (3 * HOUR + 720, "3 小时 12 分"), (2 * DAY + 5 * HOUR, "2 天 5 小时")]
)
def test_lengths_are_said_as_people_say_them(seconds: float, words: str) -> None:
    assert span(seconds) == words


class Recording:
    """A system whose clock nobody sets."""

    def __init__(self, allowed: bool = True) -> None:
        self.allowed, self.done = allowed, list[tuple[str, float]]()
        self.setter = Setter(lambda by: self._do("slew", by), lambda to: self._do("step", to), lambda: False)

    def _do(self, what: str, value: float) -> None:
        if not self.allowed:
            raise PermissionError
        self.done.append((what, value))


def test_a_step_counts_from_the_moment_it_is_made() -> None:
    system = Recording()
    for ahead in (0.0, 1.0, 3 * HOUR, -3 * HOUR):
        keeping.carry_out(decide(found(ahead)), system.setter, now=lambda: NOW + 7)
    assert system.done == [("slew", 1.0), ("step", NOW + 7 + 3 * HOUR)]


def test_without_the_right_to_it_nothing_is_done_and_it_says_who_has_it() -> None:
    with pytest.raises(Refused, match="set-clock"):
        keeping.carry_out(decide(found(3 * HOUR)), Recording(allowed=False).setter)


def test_a_refusal_is_shown_until_all_is_well_and_a_step_until_the_next() -> None:
    keeping.note(decide(found(0.0)), now=NOW)
    assert parents_time.last_set() is None
    keeping.note(decide(found(-3 * HOUR)), now=NOW)
    refused = parents_time.last_set()
    assert refused is not None
    assert refused.refused
    keeping.note(decide(found(0.0)), now=NOW)
    well = parents_time.last_set()
    assert well is not None
    assert not well.refused
    keeping.note(decide(found(3 * HOUR)), now=NOW)
    keeping.note(decide(found(0.0)), now=NOW + 60)
    last = parents_time.last_set()
    assert last is not None
    assert (last.at, last.by_s) == (NOW, 3 * HOUR)


@pytest.mark.parametrize(("by_s", "refused", "told"), [(1.0, False, False), (3 * HOUR, False, True), (0.0, True, True)])
def test_the_status_page_tells_of_great_jumps_and_of_refusals(by_s: float, refused: bool, told: bool) -> None:
    last = parents_time.LastSet(at=NOW, by_s=by_s, refused=refused, words="…")
    own = OwnClock(-5.0, 0.02, datetime.fromtimestamp(NOW, UTC), last)
    assert (own.set_at is not None, own.right, own.off) == (told, False, timedelta(seconds=5))


def test_the_system_is_asked_without_being_changed() -> None:
    assert keeping.system_setter().kept_by_service() in {True, False}


# -- the unit ------------------------------------------------------------------------------------------------------------------------


def texts(root: Path, **chosen: bool) -> dict[str, str]:
    plan = Plan(Chosen(parent="https://centre.example", **chosen), code="", root=root, start=False)  # type: ignore[arg-type]
    return {wanted.path.name: wanted.text or "" for wanted in files(plan)}


def test_the_clock_is_set_only_where_that_was_chosen_and_by_a_unit_that_may_do_nothing_else(tmp_path: Path) -> None:
    assert not any("clock" in name for name in texts(tmp_path))
    written = texts(tmp_path, set_clock=True)
    lines = written["yuanjiao-clock.service"].splitlines()
    assert {"CapabilityBoundingSet=CAP_SYS_TIME", "AmbientCapabilities=CAP_SYS_TIME", "User=yuanjiao", "Type=oneshot"} <= set(lines)
    assert any(line.endswith("-m yuanjiao.wiring clock set") for line in lines)
    assert "OnBootSec" in written["yuanjiao-clock.timer"]
    service = unit_text(user="u", home=Path("/h"), settings=Path("/s"), address="::", port=8000)
    assert "ProtectClock=yes" in service.splitlines()
    assert "SYS_TIME" not in service


def test_a_certificate_that_the_service_could_not_see_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="/etc/yuanjiao"):
        Plan(Chosen(parent="https://centre.example", parent_ca="/home/ca.pem"), code="", root=Path("/"), start=False)
    plan = Plan(Chosen(parent="https://centre.example", parent_ca="/etc/yuanjiao/ca.pem"), code="", root=tmp_path, start=False)
    assert any("YUANJIAO_PARENT_CA='/etc/yuanjiao/ca.pem'" in (wanted.text or "") for wanted in files(plan))
