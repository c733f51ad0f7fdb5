"""What is made at the top is asked for there: on a machine below, these pages lead up while the line is there, and say so when not.

An item has one home, the top (decision 0071). Made on an edge it would never be reviewed, packaged or sent round; nothing is begun there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.utils.translation import gettext as _

from yuanjiao.flow.nodes.line import answers
from yuanjiao.flow.nodes.models import NodeKind
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib.errors import Conflict, Unavailable

View = Callable[..., HttpResponseBase]


def made_above(view: View) -> View:
    """Lead a page of a machine below to the same page above. Unavailable while the line is down; Conflict for what was already sent
    here: a form is filled in where it is kept."""

    @wraps(view)
    def led(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not settings.PARENT or own_node().kind == NodeKind.CENTRE:  # a city below a province makes its own
            return view(request, *args, **kwargs)
        if not answers(settings.PARENT):
            raise Unavailable(_("课件在上级平台制作，现在与上级的线路不通。请先把片子、照片留在手机里，线路恢复后再传。"), retry_s=60)
        if request.method not in {"GET", "HEAD"}:
            raise Conflict(_("课件在上级平台制作，这里没有保存。请从菜单重新进入，会转到上级平台。"))
        return HttpResponseRedirect(settings.PARENT.rstrip("/") + request.get_full_path())

    return led
