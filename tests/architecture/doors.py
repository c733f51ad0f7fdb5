"""The authorisation matrix: each route and what it asks for. Read every change of this file as a change of who may do what."""

from __future__ import annotations

from yuanjiao.people.access import ANYBODY, MACHINE, PUBLIC
from yuanjiao.people.rules import Permission as P

DOORS: dict[str, object] = {
    "desks:home": ANYBODY,
    "desks:portal_home": PUBLIC,
    "flow:blob": PUBLIC,
    "flow:catalogue_metadata": PUBLIC,
    "flow:catalogue_target": MACHINE,
    "learning:plan": frozenset({P.SEE_LEARNING}),
    "learning:plan_end": frozenset({P.PLAN_LEARNING}),
    "learning:plan_list": frozenset({P.SEE_LEARNING}),
    "learning:plan_new": frozenset({P.PLAN_LEARNING}),
    "learning:record": frozenset({P.RECORD_SESSION}),
    "learning:session": frozenset({P.SEE_LEARNING}),
    "learning:session_correct": frozenset({P.RECORD_SESSION}),
    "learning:session_list": frozenset({P.SEE_LEARNING}),
    "learning:tv_done": MACHINE,
    "learning:tv_record": MACHINE,
    "learning:use": frozenset({P.SEE_LEARNING}),
    "learning:zero_use": frozenset({P.SEE_LEARNING}),
    "people:change_password": ANYBODY,
    "people:log_in": PUBLIC,
    "people:log_out": PUBLIC,
}

__all__ = ["ANYBODY", "DOORS", "MACHINE", "PUBLIC"]
