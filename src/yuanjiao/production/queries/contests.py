"""Contests: what a judge receives, how works stand once judging is closed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import Q, QuerySet, Sum

from yuanjiao.lib.errors import NotFound, Refused
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.production.models import Contest, Entry, Judge, Sheet
from yuanjiao.production.rules.contests import Stage, may_judge, ranked, total


@dataclass(frozen=True)
class Standing:
    """One work with the sums of its sheets, the total made from them now, and its place; None without enough sheets."""

    entry: Entry
    sums: tuple[int, ...]
    total: Decimal | None
    place: int | None


def contests_seen(by: Actor) -> QuerySet[Contest]:
    """Contests of units around or inside the person's subtrees (a county enters the city's contest), and those the person judges."""
    rows = Contest.objects.select_related("unit__division").order_by("-pk")
    paths = [grant.path for grant in by.grants]
    around = [above for path in paths for above in _above(path)]
    return rows.filter(within("unit__division__path", paths) | _in("unit__division__path", around) | _judged(by)).distinct()


def _above(path: str) -> list[str]:
    parts = [part for part in path.split("/") if part]
    return ["/" + "/".join(parts[:n]) + "/" for n in range(1, len(parts) + 1)]


def _in(field: str, values: list[str]) -> Q:
    return Q(**{f"{field}__in": values})


def _judged(by: Actor) -> Q:
    return Q(judges__person__uid=by.person_uid) if by.person_uid else Q(pk__in=[])


def contest_by_uid(by: Actor, uid: UUID) -> Contest:
    row = contests_seen(by).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这次评选，或不在您的范围内")
    return row


def runs(by: Actor, contest: Contest) -> bool:
    """Whether the person runs the contest."""
    return by.covers(Permission.MANAGE_COLUMNS, contest.unit.division.path)


def judge_of(contest: Contest, by: Actor) -> Judge | None:
    return contest.judges.filter(person__uid=by.person_uid).select_related("person").first() if by.person_uid else None


def entries_for_judge(judge: Judge, units: set[int]) -> list[Entry]:
    """The eligible works a judge receives: none of the own units or their kin, none stepped back from (CW12). `units` are the judge's."""
    rows = judge.contest.entries.filter(refusal="").select_related("unit")
    back = set(judge.recusals.values_list("entry_id", flat=True))
    return [row for row in rows if receives(row, units, back)]


def receives(entry: Entry, units: set[int], back: set[int]) -> bool:
    kin = {entry.unit.parent_id, *entry.unit.children.values_list("pk", flat=True)} - {None}
    return may_judge(judge_units=units, entry_unit=entry.unit_id, kin=kin, stepped_back=entry.pk in back)  # type: ignore[arg-type]


def standings(contest: Contest) -> list[Standing]:
    """Works by place, totals recomputed from the stored sheets. Refused while judging is open: scores are hidden, from everybody."""
    if contest.stage in {Stage.CALL, Stage.JUDGING}:
        raise Refused("评审结束前不公开任何分数")
    sums: dict[int, list[int]] = defaultdict(list)
    for row in Sheet.objects.filter(entry__contest=contest).annotate(sum=Sum("lines__given")).order_by("at", "pk"):
        sums[row.entry_id].append(int(row.sum or 0))
    totals = {key: total(found) for key, found in sums.items()}
    places = {key: place for place, key in ranked(totals)}
    entries = contest.entries.filter(refusal="").select_related("unit", "award")
    found = [Standing(one, tuple(sums[one.pk]), totals.get(one.pk), places.get(one.pk)) for one in entries]
    return sorted(found, key=lambda one: (one.place is None, one.place or 0, one.entry.number))
