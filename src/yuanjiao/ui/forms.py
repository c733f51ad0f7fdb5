"""The one page that holds a form: what it says is saved, or said what must be mended with nothing typed lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from yuanjiao.lib.errors import Conflict, Refused


@dataclass(frozen=True)
class FormPage:
    """What such a page shows beside the form: its title, where it leads back to, the button, a note under the fields."""

    title: str
    back: str
    back_title: str
    done: str
    note: str = ""
    button: str = "保存"


def form_page(request: HttpRequest, form: forms.Form, page: FormPage, save: Callable[[dict[str, Any]], str | None]) -> HttpResponse:
    """Show a form; on POST save what it says and go to the address that `save` gives (or back)."""
    if request.method == "POST" and form.is_valid():
        try:
            address = save(form.cleaned_data) or page.back
            messages.success(request, page.done)
            return redirect(address)
        except (Refused, Conflict) as error:
            form.add_error(None, error.message)
        except forms.ValidationError as error:
            form.add_error(None, error)
    context = {"page_title": page.title, "form": form, "page": page}
    return render(request, "ui/form_page.html", context, status=400 if form.errors else 200)
