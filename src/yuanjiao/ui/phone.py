"""Pages that go on working on a phone without a signal (decision 0101): what the browser keeps, and what it sends when there is one.

A page includes ui/phone.js with `#phone` (name, send, worker, scope, person) and `#phone-words`; each thing is a `[data-card]` with one
plain form per act. The room gives the worker's script and an answer to each act; without script the forms work as they are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.templatetags.static import static
from django.utils.translation import gettext as _

from yuanjiao.lib.errors import Conflict, Forbidden, Refused

FILES = ("vendor/tabler.min.css", "ui/staff.css", "ui/phone.js", "ui/forget.js", "vendor/htmx.min.js", "ui/mark.svg")
MOST_ACTS = 200
WORKER = "ui/phone_worker.js"


def worker_of(*, name: str, page: str, files: tuple[str, ...] = ()) -> HttpResponse:
    """The service worker of one page alone; a stranger learns nothing from it. It changes with every file it carries.

    `name` begins the names of what the browser keeps and never changes; `files` are static files besides those of every page.
    """
    every = (*FILES, *files)
    told = {"name": name, "version": _version(every), "page": page, "files": [static(one) for one in every]}
    text = f"const SHELL = {json.dumps(told)};\n{_source(WORKER)}"
    return HttpResponse(text, content_type="text/javascript", headers={"Cache-Control": "no-cache"})


@cache
def _version(files: tuple[str, ...]) -> str:
    return hashlib.sha256("".join(_source(name) for name in (*files, WORKER)).encode()).hexdigest()[:12]


def _source(name: str) -> str:
    found = finders.find(name)
    assert isinstance(found, str), name
    return Path(found).read_text("utf-8")


Do = Callable[[dict[str, Any], timedelta], str]
"""Does one act of an age and says what became of it: "done" or "already"."""


def answer_acts(request: HttpRequest, *, person: str, do: Do) -> HttpResponse:
    """Acts from the phone, oldest first, each with its own answer: done, already, conflict or refused. JSON in and out.

    `person` is who is logged in: Forbidden when the page was kept for somebody else, who did this work and must send it.
    """
    try:
        said = json.loads(request.body)
        acts, sent_ms, kept_for = list(said["acts"])[:MOST_ACTS], int(said["sent_ms"]), str(said.get("person", ""))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise Refused(_("手机传来的内容无法读取")) from None
    if kept_for != person:
        raise Forbidden(_("这些步骤是另一个人记下的，请由本人登录后上传"))
    return JsonResponse({"answers": [_answer(one, sent_ms, do) for one in acts]}, json_dumps_params={"ensure_ascii": False})


def _answer(one: Any, sent_ms: int, do: Do) -> dict[str, Any]:
    """The age of an act is measured by the phone's clock alone, so that a wrong clock gives a right age."""
    uid = str(one.get("uid", "")) if isinstance(one, dict) else ""
    try:
        return {"uid": uid, "outcome": do(one, timedelta(milliseconds=sent_ms - int(one["done_ms"])))}
    except Conflict as error:
        return {"uid": uid, "outcome": "conflict", "message": error.message}
    except Refused as error:
        return {"uid": uid, "outcome": "refused", "message": error.message}
    except (KeyError, TypeError, ValueError, OverflowError):
        return {"uid": uid, "outcome": "refused", "message": _("手机传来的内容无法读取")}
