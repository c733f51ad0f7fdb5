"""The doors of the flow that belong to neither pipe.

POST /enrol: a machine with a one-time code asks to be let in (wire/join.py says what both sides say); the welcome carries the
catalogue's root beside the keys of the journal. GET /time: what time it is here, signed (wire/parents_time.py).
"""

from __future__ import annotations

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from yuanjiao.flow.catalogue.publish import public_folder
from yuanjiao.flow.wire.join import MAX_QUESTION_BYTES, answer_question
from yuanjiao.flow.wire.parents_time import tell
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


@never_cache
@require_safe
def tell_time(request: HttpRequest) -> HttpResponse:
    """The time as people live it here, which a parent above may have put right, signed over the asker's nonce. 400 for what is none."""
    told = tell(request.GET.get("nonce", ""), now_s=clock.civil_now().timestamp())
    return HttpResponse(msgspec.json.encode(told), content_type="application/json")


tell_time.door = "machine"  # type: ignore[attr-defined]
