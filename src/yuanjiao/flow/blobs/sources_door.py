"""The door POST /blobs/sources: a child asks from whom else of its county it may fetch blobs (flow/blobs/inviting.py).

Signed, so that only children learn addresses. Asked again it answers anew; nothing is counted and nothing is owed.
"""

from __future__ import annotations

import time

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from yuanjiao.flow.blobs import store
from yuanjiao.flow.blobs.inviting import MOST_BLOBS, Ask, invite
from yuanjiao.flow.wire.auth import NotBelieved, WrongTime, micros, verified_node
from yuanjiao.flow.wire.client import WRONG_TIME
from yuanjiao.flow.wire.signing import SERVER_TIME
from yuanjiao.lib import clock

PATH = "/blobs/sources"
LONGEST_ASK = 16_384


@csrf_exempt  # a machine without a session: the request is signed
@require_POST
def view(request: HttpRequest) -> HttpResponse:
    """The answer, or why not."""
    at = clock.now()
    headers = {name.lower(): value for name, value in request.headers.items()}
    told = {SERVER_TIME: str(micros(at))}
    length = headers.get("content-length", "")
    if not length.isdigit() or int(length) > LONGEST_ASK:
        return _answer(413, {"error": "too_large", "message": f"一次最多问 {MOST_BLOBS} 个文件"}, told)
    try:
        node, _ = verified_node(method="POST", target=request.get_full_path(), headers=headers, body=request.body, at=at)
    except NotBelieved as error:
        name = WRONG_TIME if isinstance(error, WrongTime) else "not_believed"
        return _answer(401, {"error": name, "message": error.message}, told)
    ask = _read(request.body)
    if ask is None:
        return _answer(400, {"error": "ask", "message": "不是询问文件来源的请求"}, told)
    return _answer(200, invite(node, ask, at=at, now_s=time.monotonic()), told)


view.door = "machine"  # type: ignore[attr-defined]  # people.access marks doors, but people stand above the flow


def _read(body: bytes) -> Ask | None:
    """The question, or None for what is none."""
    try:
        ask = msgspec.json.decode(body, type=Ask)
    except (msgspec.DecodeError, RecursionError):
        return None
    names = [*ask.blobs, ask.fetching] if ask.fetching else ask.blobs
    return ask if len(ask.blobs) <= MOST_BLOBS and all(store.is_name(name) for name in names) else None


def _answer(status: int, told: object, headers: dict[str, str]) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(told), status=status, content_type="application/json", headers=headers)
