"""Reads of production, by noun."""

from yuanjiao.production.queries.certificates import certificates_issued, verified_certificate
from yuanjiao.production.queries.contests import (
    Standing,
    contest_by_uid,
    contests_seen,
    entries_for_judge,
    judge_of,
    standings,
)
from yuanjiao.production.queries.plans import Progress, plan_progress, plans_seen

__all__ = [
    "Progress",
    "Standing",
    "certificates_issued",
    "contest_by_uid",
    "contests_seen",
    "entries_for_judge",
    "judge_of",
    "plan_progress",
    "plans_seen",
    "standings",
    "verified_certificate",
]
