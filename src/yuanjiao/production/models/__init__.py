"""Rows of production: plans, contests with their sheets, certificates, handouts."""

from yuanjiao.production.models.certificates import Certificate
from yuanjiao.production.models.contests import Award, Contest, Criterion, Entry, Judge, Objection, Recusal, Sheet, SheetLine
from yuanjiao.production.models.handouts import CopyForm, Handout, HandoutDelivery, HandoutKind, HandoutNeed
from yuanjiao.production.models.plans import PlanLine, ResourcePlan

__all__ = [
    "Award",
    "Certificate",
    "Contest",
    "CopyForm",
    "Criterion",
    "Entry",
    "Handout",
    "HandoutDelivery",
    "HandoutKind",
    "HandoutNeed",
    "Judge",
    "Objection",
    "PlanLine",
    "Recusal",
    "ResourcePlan",
    "Sheet",
    "SheetLine",
]
