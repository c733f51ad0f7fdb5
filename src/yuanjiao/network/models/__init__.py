"""The tables of the network, by noun."""

from yuanjiao.network.models.checks import BoxSighting, CheckKind, EdgeCheck, Probe, ProbeMethod, ProbeOutcome
from yuanjiao.network.models.hours import begun_from
from yuanjiao.network.models.intakes import Intake, IntakeLease
from yuanjiao.network.models.liveness import ListeningGap, ListeningMark, Liveness, PlayTest, State, StateChange, Watermark
from yuanjiao.network.models.outages import FaultClass, Hold, Instability, Outage, OutageVerdict, Sign
from yuanjiao.network.models.placements import FormerLabels, MaintenanceWindow, Placement, RateRuleVersion, RateTarget
from yuanjiao.network.models.register import (
    AccessMode,
    Asset,
    Condition,
    Edge,
    Lifecycle,
    Line,
    ManagedObject,
    ObjectKind,
    RegisterEdit,
    RegisterVersion,
    Site,
    SiteKind,
    edits_between,
    version_number,
)
from yuanjiao.network.models.rollups import DayRollup

__all__ = [
    "AccessMode",
    "Asset",
    "BoxSighting",
    "CheckKind",
    "Condition",
    "DayRollup",
    "Edge",
    "EdgeCheck",
    "FaultClass",
    "FormerLabels",
    "Hold",
    "Instability",
    "Intake",
    "IntakeLease",
    "Lifecycle",
    "Line",
    "ListeningGap",
    "ListeningMark",
    "Liveness",
    "MaintenanceWindow",
    "ManagedObject",
    "ObjectKind",
    "Outage",
    "OutageVerdict",
    "Placement",
    "PlayTest",
    "Probe",
    "ProbeMethod",
    "ProbeOutcome",
    "RateRuleVersion",
    "RateTarget",
    "RegisterEdit",
    "RegisterVersion",
    "Sign",
    "Site",
    "SiteKind",
    "State",
    "StateChange",
    "Watermark",
    "begun_from",
    "edits_between",
    "version_number",
]
