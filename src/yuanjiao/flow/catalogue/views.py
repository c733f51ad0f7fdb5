"""The doors under /catalogue/: signed metadata for everybody, documents only for the enrolled node whose subtree they are."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from yuanjiao.flow.catalogue import answers
from yuanjiao.flow.catalogue.answers import Answer
from yuanjiao.flow.catalogue.encoding import wanted_digest
from yuanjiao.flow.catalogue.publish import public_folder
from yuanjiao.flow.catalogue.shards import may_read
from yuanjiao.flow.wire.auth import NotBelieved, WrongTime, micros, verified_node
from yuanjiao.flow.wire.client import WRONG_TIME
from yuanjiao.flow.wire.signing import SERVER_TIME
from yuanjiao.lib import clock

TARGET = re.compile(r"(?P<folder>all|\d{12}(?:/\d{12})*)/(?P<sha256>[0-9a-f]{64})\.(?P<base>[a-z_]+\.(?:json|part))", re.ASCII)


@require_safe
def metadata(request: HttpRequest, name: str) -> HttpResponse:
    """root, timestamp, snapshot, targets: public, as TUF means them to be; they name scopes and digests, no rows."""
    return _response(answers.metadata(name, lambda label: request.headers.get(label, "")))


@require_safe
def target(request: HttpRequest, path: str) -> HttpResponse:
    """A document or a part of one: 401 for who cannot prove to be an enrolled node, 404 for what lies outside the node's subtree or is not
    there.
    """
    at = clock.now()
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        node, _ = verified_node(method="GET", target=request.get_full_path(), headers=headers, body=b"", at=at)
    except NotBelieved as error:
        reason = WRONG_TIME if isinstance(error, WrongTime) else error.message
        return HttpResponse(reason, status=401, content_type="text/plain; charset=utf-8", headers={SERVER_TIME: str(micros(at))})
    found = TARGET.fullmatch(path)
    if found is None or not may_read(node.scope, f"{found['folder']}/{found['base']}"):
        return HttpResponse(status=404)
    folder = public_folder() / "targets" / found["folder"]
    if not (folder / f"{found['sha256']}.{found['base']}").is_file():
        return HttpResponse(status=404)
    held = wanted_digest(headers.get("available-dictionary", ""))
    earlier = [folder / f"{held}.{found['base']}"] if held else []
    return _response(answers.answer(folder / f"{found['sha256']}.{found['base']}", earlier, lambda label: headers.get(label, "")))


metadata.door = "public"  # type: ignore[attr-defined]  # people.access marks doors, but people stand above the flow
target.door = "machine"  # type: ignore[attr-defined]


def _response(answer: Answer) -> HttpResponse:
    return HttpResponse(answer.body, status=answer.status, headers=answer.labels)
