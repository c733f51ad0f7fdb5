"""The door POST /enrol: a machine with a one-time code asks to be let in (wire/join.py says what both sides say).

It stands above both pipes because the welcome carries the catalogue's root beside the keys of the journal.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from yuanjiao.flow.catalogue.publish import public_folder
from yuanjiao.flow.wire.join import MAX_QUESTION_BYTES, answer_question
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused, Unavailable


@csrf_exempt  # a machine without a session: it proves itself by the code and its key
@require_POST
def enrol(request: HttpRequest) -> HttpResponse:
    """Let a node in, or say why not. 503 while this node has no catalogue root to hand on yet."""
    body = request.read(MAX_QUESTION_BYTES + 1)
    if len(body) > MAX_QUESTION_BYTES:
        raise Refused("登记请求过大")
    root = public_folder() / "metadata" / "root.json"
    if not root.is_file():
        raise Unavailable("本节点的目录尚未准备好，请稍后用同一登记码再试")
    return HttpResponse(answer_question(body, root=root.read_bytes(), at=clock.now()), content_type="application/json")


enrol.door = "machine"  # type: ignore[attr-defined]  # people.access marks doors, but people stand above the flow
