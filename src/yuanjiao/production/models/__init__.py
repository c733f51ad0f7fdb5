"""Rows of production: plans, contests with their sheets, certificates."""

from yuanjiao.production.models.certificates import Certificate
from yuanjiao.production.models.contests import Award, Contest, Criterion, Entry, Judge, Objection, Recusal, Sheet, SheetLine
from yuanjiao.production.models.plans import PlanLine, ResourcePlan

__all__ = [
    "Award",
    "Certificate",
    "Contest",
    "Criterion",
    "Entry",
    "Judge",
    "Objection",
    "PlanLine",
    "Recusal",
    "ResourcePlan",
    "Sheet",
    "SheetLine",
]
