"""Telling official channels over the network. One try per publication and turn; the result is written down whatever it was (DLV15)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings

from yuanjiao.courseware.queries import released_uids
from yuanjiao.lib.seal import unseal
from yuanjiao.programmes.models import Publication, PublicationState
from yuanjiao.programmes.rules.outlets import PAUSES_S, Connector, Piece, Told, message, told

if TYPE_CHECKING:
    import httpx

AT_ONCE = 10
"""Publications tried in one turn: a channel that does not answer holds the others up no longer than that many time limits."""
TIMEOUT_S = 10.0
LEASE = timedelta(minutes=5)
LARGEST_ANSWER = 64_000
UNSURE = "发出后没有收到答复，可能已经发布；请先到该媒体核对，没有再重新发送"


def send_publications(*, at: datetime, transport: httpx.BaseTransport | None = None) -> int:
    """Try what is due; returns how many were published. `transport` is a fake line in tests.

    Whoever moves `due_at` first sends: two workers do not publish twice.
    """
    waiting = Publication.objects.filter(state=PublicationState.WAITING, due_at__lte=at).select_related("outlet")
    due, done = list(waiting.order_by("due_at", "pk")[:AT_ONCE]), 0
    if not due:
        return 0
    import httpx  # where it is needed, and no line is made ready, with all roots of the web's certificates, when there is nothing to send

    with httpx.Client(timeout=TIMEOUT_S, trust_env=False, follow_redirects=False, transport=transport) as line:
        for row in due:
            mine = Publication.objects.filter(pk=row.pk, state=PublicationState.WAITING, due_at=row.due_at)
            if mine.update(due_at=at + LEASE, tries=row.tries + 1):
                answer = _ask(line, row, at)
                _keep(row, answer, at)
                done += answer.published
    return done


def _ask(line: httpx.Client, row: Publication, at: datetime) -> Told:
    import httpx

    if row.item_uid not in released_uids([row.item_uid]):
        return Told(False, "课件已经撤下，没有发送")
    outlet, key = row.outlet, settings.SECRET_KEY
    if row.tries and not row.answer and outlet.connector != Connector.WEBHOOK:
        return Told(False, UNSURE)  # the worker that tried it died before it could say how it went
    piece = Piece(str(row.uid), row.title, row.summary, row.address, row.picture)
    address, secret = unseal(bytes(outlet.address_sealed), key), unseal(bytes(outlet.secret_sealed), key)
    asked = message(outlet.connector, address, secret, piece, int(at.timestamp()))
    try:
        with line.stream("POST", asked.address, content=asked.body, headers=asked.headers) as response:
            body = b""
            for part in response.iter_bytes(8192):
                body += part
                if len(body) > LARGEST_ANSWER:
                    break
            return told(outlet.connector, response.status_code, body)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
        return Told(False, "连不上该媒体", again=True)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        if outlet.connector == Connector.WEBHOOK and isinstance(error, httpx.HTTPError):
            return Told(False, "该媒体没有答复", again=True)  # it tells a repeated one by its key
        return Told(False, UNSURE)


def _keep(row: Publication, answer: Told, at: datetime) -> None:
    tried = row.tries + 1
    said: dict[str, object] = {"answer": answer.words[:300]}
    if answer.published:
        said |= {"state": PublicationState.PUBLISHED, "done_at": at, "link": answer.link, "due_at": None}
    elif answer.again and tried <= len(PAUSES_S):
        said |= {"due_at": at + timedelta(seconds=PAUSES_S[tried - 1])}
    else:
        said |= {"state": PublicationState.FAILED, "done_at": at, "due_at": None}
    Publication.objects.filter(pk=row.pk, state=PublicationState.WAITING).update(**said)
