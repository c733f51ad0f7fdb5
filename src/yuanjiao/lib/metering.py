"""Who adds up what is asked of units, and what each room asks: wiring names both, rooms below know neither (lib.asked)."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.utils.module_loading import import_string

from yuanjiao.lib.asked import Asking, Meter


def meter() -> Meter:
    """The meter that is asked before something new is given out."""
    found: Meter = import_string(settings.YUANJIAO_METER)
    return found


def askings() -> Sequence[Asking]:
    """Every room's query."""
    found: Sequence[Asking] = import_string(settings.YUANJIAO_ASKINGS)
    return found
