"""Doors for pages: a view says which permission it asks for, and gets `request.actor`.

`@door(Permission.X)` sends strangers to the log-in page and refuses people without the permission; the subtree is the
query's and the command's business (`actor.paths`, `actor.require`). `@public` marks a page that asks for nobody. Every view
carries its answer as `view.door`, which the authorisation matrix test reads: a view without one fails the build.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from yuanjiao.flow.nodes.line import answers
from yuanjiao.flow.nodes.models import NodeKind
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Unavailable
from yuanjiao.people.models import Account
from yuanjiao.people.queries import actor_of
from yuanjiao.people.rules import Actor, Permission

View = Callable[..., HttpResponseBase]
PUBLIC = "public"
ANYBODY = "anybody"
MACHINE = "machine"
CHANGE_PASSWORD = "change_password"
"""Where a person with a first password is sent, whatever they asked for."""
PROLONG_S = 60
LINE_DOWN = _("此项在上级平台办理，现在与上级的线路不通，线路恢复后再办。")
NOT_KEPT = _("此项在上级平台办理，这里没有保存。请从菜单重新进入，会转到上级平台。")


class ActingRequest(HttpRequest):
    """A request behind a door: somebody is logged in."""

    actor: Actor
    user: Account


def door(*permissions: Permission) -> Callable[[View], View]:
    """Ask for any one of the permissions; without any, for a logged-in person."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not isinstance(request.user, Account):
                return redirect_to_login(request.get_full_path())
            if request.user.must_change_password and request.resolver_match and request.resolver_match.url_name != CHANGE_PASSWORD:
                return redirect(f"people:{CHANGE_PASSWORD}")
            actor = actor_of(request.user, on=clock.today())
            if permissions and not any(actor.holds(permission) for permission in permissions):
                actor.require(permissions[0])
            request.actor = actor  # type: ignore[attr-defined]
            _prolong(request)
            return view(request, *args, **kwargs)

        guarded.door = permissions or ANYBODY  # type: ignore[attr-defined]
        return guarded

    return decorate


def _prolong(request: HttpRequest) -> None:
    """Idle time counts from the last request, not from the log-in (IDLE_MINUTES): written down at most once a minute.

    A screen on a wall asks again and again, and so stays on.
    """
    now = int(clock.now().timestamp())
    if now - request.session.get("seen_s", 0) >= PROLONG_S:
        request.session["seen_s"] = now


def public(view: View) -> View:
    """Mark a page that asks for no log-in."""
    view.door = PUBLIC  # type: ignore[attr-defined]
    return view


def machine(view: View) -> View:
    """Mark a machine's door: it proves itself by key or token inside the view, never by a session."""
    view.door = MACHINE  # type: ignore[attr-defined]
    return view


def made_above(view: View, *, line_down: str | Promise = LINE_DOWN, not_kept: str | Promise = NOT_KEPT) -> View:
    """Lead a page of a machine below to the same page above: what has its home there would never arrive from here (decision 0071).

    Unavailable (`line_down`) while the line is down; Conflict (`not_kept`) for what was already sent here: a form is filled in where it
    is kept.
    """

    @wraps(view)
    def led(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not settings.PARENT or own_node().kind == NodeKind.CENTRE:  # a city below a province makes its own
            return view(request, *args, **kwargs)
        if not answers(settings.PARENT):
            raise Unavailable(str(line_down), retry_s=60)
        if request.method not in {"GET", "HEAD"}:
            raise Conflict(str(not_kept))
        return HttpResponseRedirect(settings.PARENT.rstrip("/") + request.get_full_path())

    return led
