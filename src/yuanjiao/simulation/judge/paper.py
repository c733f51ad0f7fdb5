"""The judgement as a page: what was asked, the confusion table, the seconds, and every single thing that was wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from yuanjiao.simulation.judge.bench import Found
from yuanjiao.simulation.judge.clocks import CONSTANT, DRIFTING, RIGHT, SET
from yuanjiao.simulation.judge.court import Case
from yuanjiao.simulation.judge.truth import CLASS_OF, EDGE, LINE, PLAY, SITE, UPLINK
from yuanjiao.simulation.judge.verdict import Difference, Finding, Judgement

KINDS = {SITE: "site equipment", PLAY: "site beats, cannot play", LINE: "access line", UPLINK: "uplink of an edge", EDGE: "edge server"}
CLASSES = ("equipment", "line", "server")
SHOWN = 40


def lines(case: Case, judgement: Judgement) -> list[str]:
    """The page in Markdown, line by line."""
    plan = case.plan
    wrong = clocks(judgement) if case.wrong_clocks else "all clocks right"
    return [
        f"## Seed {plan.seed}: {plan.sites} sites, {plan.counties} edges, {plan.towns} access lines, {case.days:g} days; {wrong}",
        "",
        *_summary(judgement),
        "",
        *_table("what truly broke", "told root", _roots(judgement.findings), (*KINDS.values(), "not found")),
        "",
        *_table("true class", "class that stands", _classes(judgement.findings), CLASSES),
        "",
        *_wrong(judgement),
    ]


def clocks(judgement: Judgement) -> str:
    """What clocks the edges had."""
    said = {RIGHT: "right", CONSTANT: "wrong by a constant", DRIFTING: "drifting", SET: "set by hand now and then"}
    return "clocks of edges: " + ", ".join(f"{count} {said[kind]}" for kind, count in sorted(judgement.clocks.items()))


def _summary(judgement: Judgement) -> list[str]:
    struck = ", ".join(f"{kind} {count}" for kind, count in sorted(judgement.strikes.items()))
    expected, told = judgement.expected, judgement.told
    return [
        f"- What happened: {struck}. Must be found: {len(judgement.findings)}; "
        f"{judgement.too_short} more (nearly all restarts) made no silence that anybody could notice, "
        f"{judgement.under_another} could not be told from another that was there at the same time, {judgement.set_apart} fell into "
        f"announced work or suspension.",
        f"- Missed {len(judgement.missed)}; invented {len(judgement.invented)}; symptoms told as roots {len(judgement.symptoms)} "
        f"of {judgement.roots} roots told.",
        f"- Root object exact {judgement.exact_share:.2%}; class right {judgement.class_share:.2%}.",
        f"- Site-seconds that must be told: up {expected.up}, down {expected.down}, unknown {expected.unknown}; "
        f"told: up {told.up}, down {told.down}, unknown {told.unknown}.",
        f"- Sites equal to the second {judgement.sites - len(judgement.differences)} of {judgement.sites}; "
        f"{len(judgement.differences) - len(judgement.unequal)} more within what the drift of their edge's clock allows (the most that one "
        f"moved between two words with the centre: {judgement.moved_s:.3f} s); unequal {len(judgement.unequal)}.",
        f"- Announced work {judgement.works}, of which told as a root all the same {len(judgement.told_in_work)}. Villages that sites left "
        f"or came to {judgement.places}, of which unequal {len(judgement.places_off)}.",
    ]


Cells = Counter[tuple[str, str]]


def _roots(findings: Iterable[Finding]) -> Cells:
    """A root of the right kind but on another object counts as not found here."""
    cells: Cells = Counter()
    for one in findings:
        right_kind = one.root_kind == one.strike.kind
        told = KINDS[one.root_kind] if one.root_kind and (one.exact or not right_kind) else "not found"
        cells[KINDS[one.strike.kind], told] += 1
    return cells


def _classes(findings: Iterable[Finding]) -> Cells:
    return Counter((one.true_class or CLASS_OF[one.strike.kind], one.fault_class) for one in findings if one.root_kind)


def _table(row_title: str, column_title: str, cells: Cells, columns: Sequence[str]) -> list[str]:
    rows = [name for name in (*KINDS.values(), *CLASSES) if any(row == name for row, _ in cells)]
    return [
        f"| {row_title} ↓ · {column_title} → | {' | '.join(columns)} |",
        "|---" * (len(columns) + 1) + "|",
        *(f"| {row} | {' | '.join(str(cells[row, column]) for column in columns)} |" for row in rows),
    ]


def _wrong(judgement: Judgement) -> list[str]:
    misplaced = [one for one in judgement.findings if one.root_kind and not one.exact]
    misjudged = [one for one in judgement.findings if one.root_kind and not one.right_class]
    parts = [
        *_part("Missed", [_finding(one) for one in judgement.missed]),
        *_part("Root on another object", [_finding(one) for one in misplaced]),
        *_part("Wrong class", [_finding(one) for one in misjudged]),
        *_part("Invented", [_found(one) for one in judgement.invented]),
        *_part("Symptoms told as roots", [_found(one) for one in judgement.symptoms]),
        *_part("Told in announced work", [_found(one) for one in judgement.told_in_work]),
        *_part("Places that differ", [f"{code} {wanted} told {given}" for code, wanted, given in judgement.places_off]),
        *_part("Seconds that differ", [_difference(one) for one in judgement.unequal]),
    ]
    return parts or ["Nothing else was wrong."]


def _part(title: str, rows: Sequence[str]) -> list[str]:
    more = [f"- … and {len(rows) - SHOWN} more"] if len(rows) > SHOWN else []
    return [f"{title}:", "", *(f"- {row}" for row in rows[:SHOWN]), *more, ""] if rows else []


def _finding(one: Finding) -> str:
    strike = one.strike
    told = f", told as {one.root_kind} ({one.fault_class or 'no class'})" if one.root_kind else ""
    return f"{strike.code} {strike.note} {_clock(strike.start)} for {strike.seconds:.0f} s{told}"


def _found(one: Found) -> str:
    return f"{one.code} {one.sign} {_clock(one.start)} to {_clock(one.end)} ({one.fault_class or 'no class'})"


def _difference(one: Difference) -> str:
    off = one.off_by
    return f"{one.code} up {off.up:+d}, down {off.down:+d}, unknown {off.unknown:+d} s"


def _clock(seconds: float) -> str:
    """Day and time since the beginning."""
    if seconds > 1e11:
        return "still open"
    day, rest = divmod(int(seconds), 86_400)
    return f"day {day + 1} {rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
