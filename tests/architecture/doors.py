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
    "people:change_password": ANYBODY,
    "people:log_in": PUBLIC,
    "people:log_out": PUBLIC,
}

__all__ = ["ANYBODY", "DOORS", "MACHINE", "PUBLIC"]
