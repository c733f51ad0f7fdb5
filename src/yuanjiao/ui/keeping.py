"""Pages that work without a signal: the service worker that keeps one, and the answers to the acts it kept (decision 0101).

The page's room says which page, which files and what an act does; its script stands on `ui/kept.js`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.templatetags.static import static
from django.utils.translation import gettext as _

from yuanjiao.lib.errors import Conflict, Forbidden, Refused

FRAME = ("vendor/tabler.min.css", "ui/staff.css", "ui/kept.css", "ui/kept.js", "ui/forget.js", "vendor/htmx.min.js", "ui/mark.svg")
"""Files of every such page."""
WORKER = "ui/kept_worker.js"
MOST_ACTS = 200
Doing = Callable[[dict[str, Any], timedelta], str]


def kept_page(name: str, page: str, files: Sequence[str]) -> HttpResponse:
    """The service worker that keeps `page` under `name`, with these files of its own. It changes with every file it carries."""
    every = (*FRAME, *files)
    told = {"name": name, "version": _version(every), "page": page, "files": [static(one) for one in every]}
    text = f"const SHELL = {json.dumps(told)};\n{_source(WORKER)}"
    return HttpResponse(text, content_type="text/javascript", headers={"Cache-Control": "no-cache"})


def answer_kept(request: HttpRequest, person: str, do: Doing) -> JsonResponse:
    """Acts from the phone, oldest first, each with its own answer: what `do(act, age)` says, conflict or refused. JSON in and out.

    Forbidden when another person kept them: whoever did the work must send it.
    """
    try:
        said = json.loads(request.body)
        acts, sent_ms, kept_for = list(said["acts"])[:MOST_ACTS], int(said["sent_ms"]), str(said.get("person", ""))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise Refused(_("手机传来的内容无法读取")) from None
    if kept_for != person:
        raise Forbidden(_("这些步骤是另一个人记下的，请由本人登录后上传"))
    return JsonResponse({"answers": [_answer(one, sent_ms, do) for one in acts]}, json_dumps_params={"ensure_ascii": False})


def _answer(one: Any, sent_ms: int, do: Doing) -> dict[str, Any]:
    uid = str(one.get("uid", "")) if isinstance(one, dict) else ""
    try:
        return {"uid": uid, "outcome": do(one, timedelta(milliseconds=sent_ms - int(one["done_ms"])))}
    except Conflict as error:
        return {"uid": uid, "outcome": "conflict", "message": error.message}
    except Refused as error:
        return {"uid": uid, "outcome": "refused", "message": error.message}
    except (KeyError, TypeError, ValueError, OverflowError):
        return {"uid": uid, "outcome": "refused", "message": _("手机传来的内容无法读取")}


@cache
def _version(names: tuple[str, ...]) -> str:
    return hashlib.sha256("".join(_source(name) for name in (*names, WORKER)).encode()).hexdigest()[:12]


def _source(name: str) -> str:
    found = finders.find(name)
    assert isinstance(found, str), name
    return Path(found).read_text("utf-8")
