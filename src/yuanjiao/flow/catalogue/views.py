"""The doors under /catalogue/: signed metadata for everybody, documents only for the enrolled node whose subtree they are.

Answers are as small as they can be: 304 for one who has it, the difference (encoding.py) for one who has an earlier version.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from yuanjiao.flow.catalogue.encoding import pack, wanted_digest
from yuanjiao.flow.catalogue.publish import public_folder
from yuanjiao.flow.catalogue.shards import may_read
from yuanjiao.flow.wire.auth import NotBelieved, WrongTime, micros, verified_node
from yuanjiao.flow.wire.client import WRONG_TIME
from yuanjiao.flow.wire.signing import SERVER_TIME
from yuanjiao.lib import clock

METADATA = re.compile(r"timestamp\.json|root\.json|(?P<version>\d{1,18})\.(?P<role>root|snapshot|targets)\.json", re.ASCII)
TARGET = re.compile(r"(?P<folder>all|\d{12}(?:/\d{12})*)/(?P<sha256>[0-9a-f]{64})\.(?P<base>[a-z_]+\.json)", re.ASCII)
BASES_LOOKED_AT = 64
"""How many earlier metadata versions are tried as the base of a difference."""


@require_safe
def metadata(request: HttpRequest, name: str) -> HttpResponse:
    """root, timestamp, snapshot, targets: public, as TUF means them to be; they name scopes and digests, no rows."""
    found = METADATA.fullmatch(name)
    path = public_folder() / "metadata" / name
    if found is None or not path.is_file():
        return HttpResponse(status=404)
    earlier = _earlier(found["version"], found["role"]) if found["version"] else []
    return _answer(request, path, earlier)


@require_safe
def target(request: HttpRequest, path: str) -> HttpResponse:
    """A document: 401 for who cannot prove to be an enrolled node, 404 for what lies outside the node's subtree or is not there."""
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
    held = wanted_digest(request.headers.get("Available-Dictionary", ""))
    return _answer(request, folder / f"{found['sha256']}.{found['base']}", [folder / f"{held}.{found['base']}"] if held else [])


metadata.door = "public"  # type: ignore[attr-defined]  # people.access marks doors, but people stand above the flow
target.door = "machine"  # type: ignore[attr-defined]


def _answer(request: HttpRequest, path: Path, earlier: list[Path]) -> HttpResponse:
    content = path.read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()}"'
    fixed = path.name[0].isdigit() or len(path.name) > 64
    labels = {"ETag": tag, "Cache-Control": "max-age=31536000, immutable" if fixed else "no-cache"}
    if request.headers.get("If-None-Match") == tag:
        return HttpResponse(status=304, headers=labels)
    encoding, body = _encoded(request, content, earlier)
    labels |= {"Content-Type": "application/json", "Content-Encoding": encoding, "Vary": "Accept-Encoding, Available-Dictionary"}
    return HttpResponse(body, headers=labels)


def _encoded(request: HttpRequest, content: bytes, earlier: list[Path]) -> tuple[str, bytes]:
    accepted = {part.split(";")[0].strip() for part in request.headers.get("Accept-Encoding", "").split(",")}
    held = wanted_digest(request.headers.get("Available-Dictionary", "")) if "dcz" in accepted else ""
    base = next((path.read_bytes() for path in earlier if held and path.is_file() and _digest(path) == held), None)
    if base is None and ("zstd" not in accepted or len(content) < 1000):
        return "identity", content
    return pack(content, base)


def _earlier(version: str, role: str) -> list[Path]:
    """Versions before this one, newest first."""
    found = (public_folder() / "metadata").glob(f"*.{role}.json")
    numbered = sorted((int(path.name.split(".")[0]), path) for path in found if path.name.split(".")[0].isdigit())
    return [path for number, path in reversed(numbered) if number < int(version)][:BASES_LOOKED_AT]


@lru_cache(maxsize=1024)
def _digest(path: Path) -> str:
    """Files with a version or a digest in their name never change."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
