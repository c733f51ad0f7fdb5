"""A contest as pure rules: its stages, who may judge what, how a total is made (CW11, CW12)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum


class Stage(StrEnum):
    """Where a contest stands; each follows the one before it and none comes back."""

    CALL = "call"
    JUDGING = "judging"
    PUBLICITY = "publicity"
    AWARDED = "awarded"


STAGE_NAMES = [(Stage.CALL, "征集"), (Stage.JUDGING, "评审"), (Stage.PUBLICITY, "公示"), (Stage.AWARDED, "已评定")]
FOLLOWS = {Stage.CALL: Stage.JUDGING, Stage.JUDGING: Stage.PUBLICITY, Stage.PUBLICITY: Stage.AWARDED}
TRIMMED_FROM = 5
"""From so many sheets on the highest and the lowest total fall away."""
LEAST_PUBLICITY_DAYS = 5


@dataclass(frozen=True)
class Criterion:
    """One line of the judging sheet: what is judged and the most points it brings."""

    key: str
    title: str
    most: int


def sheet_fault(criteria: Sequence[Criterion], points: Mapping[str, int]) -> str:
    """Why a sheet cannot be taken, in Chinese; empty when it can."""
    missing = [one.title for one in criteria if one.key not in points]
    if missing:
        return f"还有 {len(missing)} 项没有打分：{'、'.join(missing)}"
    wrong = [one for one in criteria if not 0 <= points[one.key] <= one.most]
    if wrong:
        return f"“{wrong[0].title}”应在 0 到 {wrong[0].most} 分之间"
    return "" if len(points) == len(criteria) else "评分表里有不认识的项目"


def total(sheets: Sequence[int]) -> Decimal | None:
    """The entry's total from the sums of its sheets: their mean to two places, half up; None without any.

    With five sheets or more the highest and the lowest fall away, one of each.
    """
    kept = sorted(sheets)[1:-1] if len(sheets) >= TRIMMED_FROM else sorted(sheets)
    if not kept:
        return None
    return (Decimal(sum(kept)) / len(kept)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def may_judge(*, judge_units: Collection[int], entry_unit: int, kin: Collection[int], stepped_back: bool) -> bool:
    """Whether an entry is given to a judge. `kin` are the entry's unit, its parent and its children (CW12)."""
    return not stepped_back and not ({entry_unit, *kin} & set(judge_units))


def ranked(totals: Mapping[int, Decimal | None]) -> list[tuple[int, int]]:
    """(place, entry) of works with a total, the best first; equal totals share a place and the next is left out."""
    found = sorted(((score, key) for key, score in totals.items() if score is not None), key=lambda pair: (-pair[0], pair[1]))
    places: list[tuple[int, int]] = []
    for number, (score, key) in enumerate(found, 1):
        same = places and totals[places[-1][1]] == score
        places.append((places[-1][0] if same else number, key))
    return places
