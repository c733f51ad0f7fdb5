"""The door POST /enrol: a machine with a one-time code asks to be let in (wire/join.py says what both sides say)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from yuanjiao.flow.wire.join import MAX_QUESTION_BYTES, answer_question
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused


@csrf_exempt  # a machine without a session: it proves itself by the code and its key
@require_POST
def enrol(request: HttpRequest) -> HttpResponse:
    """Let a node in, or say why not."""
    body = request.read(MAX_QUESTION_BYTES + 1)
    if len(body) > MAX_QUESTION_BYTES:
        raise Refused("登记请求过大")
    return HttpResponse(answer_question(body, at=clock.now()), content_type="application/json")


enrol.door = "machine"  # type: ignore[attr-defined]  # people.access marks doors, but people stand above the flow
