"""What the pages of plans share: the scope of who looks and writes, and the one page that holds a form."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.network.models import Site
from yuanjiao.network.queries import sites
from yuanjiao.people.access import ActingRequest
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division
from yuanjiao.places.queries import divisions
from yuanjiao.places.rules import Level
from yuanjiao.plans.inputs import site_named


def seen(actor: Actor) -> tuple[str, ...]:
    """Where the person may look."""
    return actor.paths(Permission.SEE_NETWORK)


def own_places(actor: Actor, permission: Permission = Permission.PLAN_BUILDING) -> QuerySet[Division]:
    """City, counties and towns the person may plan for (a list of every village would be no help)."""
    return divisions(on=clock.today()).filter(within("path", actor.paths(permission)), level__lte=Level.TOWN)


def own_site(form: forms.Form, actor: Actor) -> Site:
    """The site the form names, inside the person's subtree."""
    return site_named(form.cleaned_data["site"], sites().filter(within("division__path", actor.paths(Permission.PLAN_BUILDING))))


def form_page(
    request: ActingRequest,
    form: forms.Form,
    *,
    title: str,
    back: str,
    back_title: str,
    save: Callable[[dict[str, Any]], object],
    done: str,
    note: str = "",
) -> HttpResponse:
    """Show a form; on POST save what it says and go back. What the person must mend is said in the form, nothing typed is lost."""
    if request.method == "POST" and form.is_valid():
        try:
            save(form.cleaned_data)
            messages.success(request, done)
            return redirect(back)
        except (Refused, Conflict) as error:
            form.add_error(None, error.message)
        except forms.ValidationError as error:
            form.add_error(None, error)
    context = {"page_title": title, "form": form, "back": reverse(back), "back_title": back_title, "note": note}
    return render(request, "plans/form.html", context, status=400 if form.errors else 200)


def new_button(actor: Actor, title: str, name: str, permission: Permission = Permission.PLAN_BUILDING) -> list[tuple[str, str]]:
    """A button above a list, for those who may use it."""
    return [(title, reverse(name))] if actor.holds(permission) else []


def day(value: date | None) -> str:
    return f"{value:%Y-%m-%d}" if value else ""
