"""Which `apply_*` builds the rows of which event. A row is (event class, apply function); a test fails for an event left out."""

from __future__ import annotations

from yuanjiao.flow.journal.event import EventTable

EVENTS: EventTable = {}
