"""What machines tell of their software, upwards by the journal."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.db import transaction

from yuanjiao.flow.journal.event import Event, Fact
from yuanjiao.flow.journal.record import record
from yuanjiao.flow.nodes.queries import node_by_uid, own_node
from yuanjiao.flow.software.models import SoftwareTold
from yuanjiao.lib.errors import Conflict

LONGEST_REASON = 400


class SoftwareInstalled(Event, frozen=True, kw_only=True):
    """The recorder runs `version`, before that `previous`; or, not `ok`, it does not, for this reason. `release` is the set of wheels."""

    KIND: ClassVar[str] = "flow.software_installed/1"

    uid: UUID
    version: str
    previous: str = ""
    release: str = ""
    ok: bool = True
    reason: str = ""


def apply_installed(event: SoftwareInstalled, fact: Fact) -> None:
    """Each machine speaks for itself: the word is the recorder's."""
    node = node_by_uid(fact.origin)
    values = {
        "seq": fact.seq,
        "version": event.version[:60],
        "previous": event.previous[:60],
        "release": event.release[:80],
        "ok": event.ok,
        "reason": event.reason[:LONGEST_REASON],
        "at": fact.at,
    }
    SoftwareTold.objects.update_or_create(uid=event.uid, node=node, defaults=values)


@transaction.atomic
def tell_software(event: SoftwareInstalled, *, at: datetime) -> None:
    """Record it once, however often the machine came so far and no further. Conflict when it was told."""
    if SoftwareTold.objects.filter(uid=event.uid).exists():
        raise Conflict("已经报过")
    record(event, at=at)


def own_words() -> list[SoftwareTold]:
    """What this machine told, oldest first."""
    return list(SoftwareTold.objects.filter(node=own_node()).order_by("seq"))
