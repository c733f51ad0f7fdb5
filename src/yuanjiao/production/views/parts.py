"""What the pages of production share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.people.access import ActingRequest
from yuanjiao.people.queries import own_unit_first
from yuanjiao.people.rules import Permission
from yuanjiao.places.models import OrgUnit
from yuanjiao.places.queries import units
from yuanjiao.places.rules import Level


def own_units(request: ActingRequest) -> list[OrgUnit]:
    """Units of city, counties and towns for which the person manages columns."""
    found = [unit for path in request.actor.paths(Permission.MANAGE_COLUMNS) for unit in units(on=clock.today(), under=path)]
    return own_unit_first([unit for unit in found if unit.division.level <= Level.TOWN], request.actor)


def form_page(
    request: ActingRequest, form: forms.Form, *, title: str, back: tuple[str, str], save: Callable[[Mapping[str, Any]], str], done: str
) -> HttpResponse:
    """Show a form; on POST save what it says and go where `save` says. Nothing typed is lost."""
    if request.method == "POST" and form.is_valid():
        try:
            address = save(form.cleaned_data)
            messages.success(request, done)
            return redirect(address)
        except NotFound:
            raise
        except (Refused, Conflict) as error:
            form.add_error(None, error.message)
    context = {"page_title": title, "form": form, "back": back[0], "back_title": back[1]}
    return render(request, "production/form.html", context, status=400 if form.errors else 200)


def act(request: ActingRequest, doing: Callable[[], object], address: str) -> HttpResponse:
    """Do what a button asks, say how it went, go to a page."""
    try:
        doing()
        messages.success(request, _("已保存。"))
    except NotFound:
        raise
    except (Refused, Conflict) as error:
        messages.error(request, error.message)
    return redirect(address)
