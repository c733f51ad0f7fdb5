"""Key pictures of an item, for terminals that play no film."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from yuanjiao.courseware.models import RenditionKind
from yuanjiao.courseware.queries.detail import released_item
from yuanjiao.courseware.rules import stills
from yuanjiao.courseware.rules.stills import KeyPicture
from yuanjiao.flow.blobs import store


def key_pictures(uid: UUID, *, on: date) -> tuple[KeyPicture, ...]:
    """The key pictures of a released item with what is said meanwhile; empty when it has none. The strip is its `still` rendition."""
    row = released_item(uid, on=on)
    strip = row.renditions.filter(kind=RenditionKind.STILL).first()
    if strip is None:
        return ()
    captions = row.renditions.filter(kind=RenditionKind.CAPTIONS).values_list("blob", flat=True).first()
    words = store.read(captions).decode() if captions and store.has(captions) else ""
    return stills.key_pictures(duration_s=row.duration_s, width=strip.width, height=strip.height, captions=words)
