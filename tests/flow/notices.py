"""A small real shelf for the tests of the catalogue: notices kept in the audit table, some with a file.

It stands where a room would stand, so that the tests of trust and of the switch need no room above the flow.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.flow.catalogue.shelf import ALL, Offer, from_document, to_document
from yuanjiao.lib.errors import Refused
from yuanjiao.people.models import AuditRow
from yuanjiao.simulation.cast import SINCE

FILM = "新片"
"""A notice that begins so does not show before every blob of the document is here."""
POISON = "读到这一条就出错"


class Notices(msgspec.Struct, frozen=True):
    """The document."""

    texts: tuple[str, ...]


class NoticeShelf:
    """What `on_offer` holds is offered; what is accepted are rows of the audit table under this shelf's name."""

    def __init__(self, name: str, scope: str = ALL) -> None:
        self.name, self.scope = name, scope
        self.texts: tuple[str, ...] = ()
        self.blobs: tuple[BlobRef, ...] = ()

    def offer(self, scope: str) -> Offer:
        if (self.scope == ALL and scope != ALL) or (self.scope != ALL and not scope.startswith(self.scope)):
            return Offer()
        return Offer(to_document(Notices(texts=self.texts)), self.blobs)

    def accept(self, document: bytes, missing: Collection[str] = ()) -> None:
        texts = from_document(document, Notices).texts
        AuditRow.objects.filter(action=self.name).delete()
        for text in texts:
            if missing and text.startswith(FILM):
                continue
            if text == POISON:
                raise Refused("这份文档无法落地")
            AuditRow.objects.create(at=f"{SINCE}T00:00:00Z", actor_name="目录", action=self.name, subject=text)

    def shown(self) -> list[str]:
        """What people of this machine see now."""
        return list(AuditRow.objects.filter(action=self.name).order_by("pk").values_list("subject", flat=True))


NOTICES = NoticeShelf("notices")
LOCAL = NoticeShelf("local", "/990000000000/990100000000/")
SHELVES = (NOTICES, LOCAL)
"""What the settings of these tests wire: one shelf for everybody, one for the subtrees of the city."""
