"""Rows of faults: reports and orders; agreements, calendar, duty and urging sheets; messages outside."""

from yuanjiao.faults.models.agreements import AgreedHours, Agreement, CalendarDay, DutyTurn, Urging
from yuanjiao.faults.models.faults import (
    AREAS,
    CHANNELS,
    CLASSES,
    SYMPTOMS,
    CallBack,
    FaultCause,
    FaultReport,
    ReporterContact,
    ReportHandling,
    ServiceTerm,
    Training,
    WorkOrder,
)
from yuanjiao.faults.models.messages import Message, MessageChannel, MessageState

__all__ = [
    "AREAS",
    "CHANNELS",
    "CLASSES",
    "SYMPTOMS",
    "AgreedHours",
    "Agreement",
    "CalendarDay",
    "CallBack",
    "DutyTurn",
    "FaultCause",
    "FaultReport",
    "Message",
    "MessageChannel",
    "MessageState",
    "ReportHandling",
    "ReporterContact",
    "ServiceTerm",
    "Training",
    "Urging",
    "WorkOrder",
]
