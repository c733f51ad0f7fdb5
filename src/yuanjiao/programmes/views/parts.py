"""What the pages of programmes share: who may choose what, and the page that holds one form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from yuanjiao.courseware.queries import columns_now
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.people.access import ActingRequest
from yuanjiao.people.queries import own_unit_first
from yuanjiao.people.rules import Permission
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.places.queries import divisions, units
from yuanjiao.places.rules import Level

CHOICE_LEVELS = (Level.PROVINCE, Level.CITY, Level.COUNTY, Level.TOWN)


def own_units(request: ActingRequest) -> list[OrgUnit]:
    """Units of city, counties and towns for which the person manages columns."""
    found = [unit for path in request.actor.paths(Permission.MANAGE_COLUMNS) for unit in units(on=clock.today(), under=path)]
    return own_unit_first([unit for unit in found if unit.division.level <= Level.TOWN], request.actor)


def own_divisions(request: ActingRequest) -> list[Division]:
    """Where a row may speak to: city, counties and towns of the person's subtrees."""
    paths = request.actor.paths(Permission.MANAGE_COLUMNS)
    return [one for path in paths for one in divisions(on=clock.today(), under=path).filter(level__in=CHOICE_LEVELS)]


def open_columns() -> list[tuple[UUID, str]]:
    """Columns open today, to be bundled or broadcast."""
    return [(one.uid, f"{one.title}（{one.owner_name}）") for one in columns_now(on=clock.today())]


def sent(request: HttpRequest) -> tuple[Any, Any]:
    """Data and files of a form that was sent; (None, None) when the page is only looked at."""
    return (request.POST, request.FILES) if request.method == "POST" else (None, None)


def form_page(
    request: ActingRequest,
    form: forms.Form,
    *,
    title: str,
    back: tuple[str, str],
    save: Callable[[Mapping[str, Any]], str],
    done: str,
    note: str = "",
    submit: str = "",
) -> HttpResponse:
    """Show a form; on POST save what it says and go where `save` says. `back` is (address, title). Nothing typed is lost."""
    if request.method == "POST" and form.is_valid():
        try:
            address = save(form.cleaned_data)
            messages.success(request, done)
            return redirect(address)
        except NotFound:
            raise
        except (Refused, Conflict) as error:
            form.add_error(None, error.message)
    context = {"page_title": title, "form": form, "back": back[0], "back_title": back[1], "note": note, "submit": submit}
    return render(request, "programmes/form.html", context, status=400 if form.errors else 200)


def said(request: ActingRequest, act: Callable[[], object], done: str, name: str, *args: object) -> HttpResponse:
    """Do what a button asks, say how it went, go to a page."""
    try:
        act()
        messages.success(request, done)
    except NotFound:
        raise
    except (Refused, Conflict) as error:
        messages.error(request, error.message)
    return redirect(reverse(name, args=args))
