"""Pure rules of study days and sessions: when a plan falls due, what may be recorded, how use is counted. No clock, no I/O."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

MAX_HEADS = 5000
"""More heads than this at one site in one session is a slip of the finger."""
MAX_MINUTES = 12 * 60
KEY_DIGITS = 12


class SessionForm(StrEnum):
    """Forms of a session (LRN10). The first is the ordinary one; a form is never renamed, because events carry its word."""

    GROUP_VIEWING = "group_viewing"
    DISCUSSION = "discussion"
    FIELD_STUDY = "field_study"
    EXPERT_LECTURE = "expert_lecture"
    VISIT = "visit"
    JOINT_STUDY = "joint_study"
    SELF_STUDY = "self_study"


@dataclass(frozen=True)
class Recurrence:
    """When a study day (集中学习活动日) falls: on days of every month, or on one day; inside [starts_on, ends_on], both included."""

    starts_on: date
    ends_on: date | None = None
    days_of_month: frozenset[int] = frozenset()
    single_on: date | None = None

    def covers(self, day: date) -> bool:
        """Whether `day` is a study day. A month without the 31st has none on that date (as RFC 5545, BYMONTHDAY)."""
        if self.single_on is not None:
            return day == self.single_on
        return self.starts_on <= day and (self.ends_on is None or day <= self.ends_on) and day.day in self.days_of_month

    def between(self, start: date, end: date) -> Iterator[date]:
        """Study days in the half-open span [start, end), in order."""
        return (day for day in days_between(start, end) if self.covers(day))


def days_between(start: date, end: date) -> Iterator[date]:
    """The days of the half-open span [start, end)."""
    return (start + timedelta(days=n) for n in range(max((end - start).days, 0)))


def month_span(month: date) -> tuple[date, date]:
    """The half-open span of the month in which `month` lies."""
    first = month.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)


def parse_days(text: str) -> frozenset[int]:
    """'6, 16、26' → {6, 16, 26}. ValueError for anything that is not a day of a month."""
    words = text.translate(str.maketrans("、，日号", ",,  ")).replace(" ", "").split(",")
    days = frozenset(int(word) for word in words if word)
    if not days or not days <= frozenset(range(1, 32)):
        raise ValueError(text)
    return days


def heads_fault(onsite: int, online: int) -> str:
    """Why these head counts cannot be recorded, in Chinese; empty when they can. A session without anybody was not held."""
    if min(onsite, online) < 0:
        return "人数不能为负"
    if onsite + online == 0:
        return "至少应有 1 人参加；没有开成的活动不必登记"
    if onsite + online > MAX_HEADS:
        return f"人数超过 {MAX_HEADS}，请核对是否多按了数字"
    return ""


def scope_covers(scope: str, path: str) -> bool:
    """Whether a plan for the subtree `scope` concerns the place at `path`."""
    return path.startswith(scope)


def paths_above(path: str) -> list[str]:
    """The path itself and every path above it: '/a/b/' → ['/', '/a/', '/a/b/']."""
    codes = [code for code in path.split("/") if code]
    return ["/"] + ["/" + "/".join(codes[: n + 1]) + "/" for n in range(len(codes))]


def television_key(beat_key: str, site_code: str) -> str:
    """Twelve digits that let one box record sessions of its own site, and nothing else; changing the box's key changes them.

    Derived (HMAC-SHA256), so that the address on the television does not carry the key that proves beats. 40 bits: it is
    checked on line, one site at a time, and what it opens is a head count that a person can correct.
    """
    mac = hmac.digest(beat_key.encode(), b"learning/television/1:" + site_code.encode(), hashlib.sha256)
    return f"{int.from_bytes(mac[:8]) % 10**KEY_DIGITS:0{KEY_DIGITS}}"


@dataclass(frozen=True)
class SessionCount:
    """One session as far as counting needs it."""

    path: str
    minutes: int
    onsite: int
    online: int


@dataclass(frozen=True)
class Use:
    """Use of a place over a span. Four counters stand apart (LRN15): sessions, persons, person-times on site, and on line.

    `persons_at_least` is the largest session of each site, added over sites: only counts travel up, so a person who comes
    twice is known at the site alone; `sites` is how many sites held a session (参学率 has it as numerator).
    """

    sessions: int = 0
    minutes: int = 0
    onsite: int = 0
    online: int = 0
    persons_at_least: int = 0
    sites: int = 0

    @property
    def person_times(self) -> int:
        return self.onsite + self.online

    @property
    def hours(self) -> float:
        return round(self.minutes / 60, 1)

    def plus(self, other: Use) -> Use:
        """Both together; right only for spans over different sites."""
        return Use(
            self.sessions + other.sessions,
            self.minutes + other.minutes,
            self.onsite + other.onsite,
            self.online + other.online,
            self.persons_at_least + other.persons_at_least,
            self.sites + other.sites,
        )


def use_of_site(sessions: Iterable[SessionCount]) -> Use:
    """Use of one site over its sessions."""
    total = Use()
    for one in sessions:
        heads = one.onsite + one.online
        total = replace(
            total,
            sessions=total.sessions + 1,
            minutes=total.minutes + one.minutes,
            onsite=total.onsite + one.onsite,
            online=total.online + one.online,
            persons_at_least=max(total.persons_at_least, heads),
            sites=1,
        )
    return total


def roll_up(by_site: Collection[tuple[str, Use]], under: Iterable[str]) -> dict[str, Use]:
    """Use per division path of `under` from (site's division path, use) pairs; a place without sessions has zeros."""
    totals = {path: Use() for path in under}
    for site_path, use in by_site:
        for path in paths_above(site_path):
            if path in totals:
                totals[path] = totals[path].plus(use)
    return totals


@dataclass(frozen=True)
class Shown:
    """One item shown in one session somewhere: where, what, in which session, on which day."""

    path: str
    item: UUID
    session: int
    on: date


class Standing(StrEnum):
    """Where an organisation stands with a required list."""

    DONE = "done"
    DONE_LATE = "done_late"
    OPEN = "open"
    OVERDUE = "overdue"


STANDING_NAMES = {
    Standing.DONE: "按期完成",
    Standing.DONE_LATE: "逾期完成",
    Standing.OPEN: "进行中",
    Standing.OVERDUE: "逾期未完成",
}


@dataclass(frozen=True)
class Completion:
    """What one organisation has shown of a required list (CW05). `first_on` has the first day of each item that was shown."""

    asked: tuple[UUID, ...]
    first_on: Mapping[UUID, date]
    sessions: int = 0

    @property
    def done(self) -> int:
        return len(self.first_on)

    @property
    def missing(self) -> tuple[UUID, ...]:
        return tuple(item for item in self.asked if item not in self.first_on)

    @property
    def done_on(self) -> date | None:
        """The day on which the last item was shown for the first time; None while one is missing."""
        return None if self.missing else max(self.first_on.values(), default=None)

    def standing(self, due_on: date, today: date) -> Standing:
        if self.done_on is not None:
            return Standing.DONE if self.done_on <= due_on else Standing.DONE_LATE
        return Standing.OPEN if today <= due_on else Standing.OVERDUE


def completions(asked: Sequence[UUID], shown: Iterable[Shown], places: Iterable[str]) -> dict[str, Completion]:
    """Per division path of `places` what was shown at sites under it; one session speaks for every place above it."""
    firsts: dict[str, dict[UUID, date]] = {path: {} for path in places}
    sessions: dict[str, set[int]] = {path: set() for path in firsts}
    for one in shown:
        for path in paths_above(one.path):
            if path in firsts:
                firsts[path][one.item] = min(one.on, firsts[path].get(one.item, one.on))
                sessions[path].add(one.session)
    return {path: Completion(tuple(asked), first, len(sessions[path])) for path, first in firsts.items()}


GAPS = ("单位", "地方", "日期", "课程", "时间")
"""Words in braces that a letter's text may leave to the unit that prints it."""
_GAP = re.compile(r"\{([^{}]*)\}")


def letter_fault(body: str) -> str:
    """Why a letter's text cannot be taken, in Chinese; empty when it can."""
    if not body.strip():
        return "请写正文"
    unknown = [gap for gap in _GAP.findall(body) if gap not in GAPS]
    if unknown:
        return f"不认识“{{{unknown[0]}}}”；可以用的有 {'、'.join(f'{{{gap}}}' for gap in GAPS)}"
    return "花括号不成对" if "{" in _GAP.sub("", body) or "}" in _GAP.sub("", body) else ""


def fill_letter(body: str, filled: Mapping[str, str]) -> list[str]:
    """The paragraphs of a letter with its gaps filled; a gap nobody filled stays a line to write on."""
    text = _GAP.sub(lambda found: filled.get(found[1]) or "＿＿＿＿＿＿", body)
    return [line.strip() for line in text.splitlines() if line.strip()]
