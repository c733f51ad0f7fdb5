"""The lean door of live programmes: playlists and segments, past Django, because every viewer asks for one of them each second.

What this machine does not make itself it passes on from the one above (packaging/relayed.py). Machines below ask under /relay/, where
every answer is signed.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from django.conf import settings

from yuanjiao.lib.errors import NotFound, YuanjiaoError
from yuanjiao.lib.rsgi import GONE, Asker, Pairs, Question
from yuanjiao.programmes.packaging import onair, relayed, streams
from yuanjiao.programmes.packaging.relayed import RELAY, REST, SIGNED

PREFIXES = ("/onair/", "/relay/")
PLACE = re.compile(r"/(?:onair|relay)/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/(.+)")


def takes(path: str, method: str) -> bool:
    """Whether this question is for here; what is asked for in another form goes to the views."""
    return path.startswith(PREFIXES) and method == "GET" and _parts(path) is not None


def _parts(path: str) -> tuple[UUID, str] | None:
    """The programme, and which list or segment of it."""
    found = PLACE.fullmatch(path)
    return (UUID(found[1]), found[2]) if found and REST.fullmatch(found[2]) else None


async def door(question: Question, asker: Asker) -> None:
    """The file that lies there, here or on the machine above; 404, or 503 when that cannot be reached."""
    parts = _parts(question.path)
    assert parts is not None  # `takes` looked
    uid, rest = parts
    signs = question.path.startswith(PREFIXES[1])
    if not signs and (path := _file(uid, rest)) is not None:
        asker.response_file(200, [*_labels(rest), ("content-length", str(path.stat().st_size))], str(path))
        return
    try:
        body = await _found(uid, rest)
    except YuanjiaoError as error:
        status = 404 if isinstance(error, NotFound) else 503
        _answer(asker, status, _said("text/plain; charset=utf-8", streams.LIST_LABELS), error.message.encode())
        return
    _answer(asker, 200, [*_labels(rest), (SIGNED, relayed.signature(question.path, body))] if signs else _labels(rest), body)


def _file(uid: UUID, rest: str) -> Path | None:
    """A segment that lies here: the server sends it itself."""
    with suppress(NotFound):
        return None if _is_list(rest) else onair.segment(uid, *_place(rest))
    return None


async def _found(uid: UUID, rest: str) -> bytes:
    """From here, else from above."""
    try:
        return _here(uid, rest)
    except NotFound:
        if not settings.PARENT:
            raise
    return await asyncio.wrap_future(RELAY.wanted(uid, rest))


def _here(uid: UUID, rest: str) -> bytes:
    if _is_list(rest):
        return onair.published(uid, rest.removesuffix(".m3u8"))
    return onair.segment(uid, *_place(rest)).read_bytes()


def _place(rest: str) -> tuple[int, str]:
    run, _slash, name = rest.partition("/")
    return int(run), name


def _answer(asker: Asker, status: int, labels: Pairs, body: bytes) -> None:
    with suppress(*GONE):
        asker.response_bytes(status, labels, body)


def _is_list(rest: str) -> bool:
    return rest.endswith(".m3u8")


def _labels(rest: str) -> Pairs:
    if _is_list(rest):
        return _said(streams.PLAYLIST, streams.LIST_LABELS)
    return _said(streams.SEGMENT, streams.SEGMENT_LABELS)


def _said(media_type: str, labels: dict[str, str]) -> Pairs:
    return [("content-type", media_type), *((name.lower(), value) for name, value in labels.items())]
