"""Moving a division under another parent, as of a day, by a document."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import division_by_code
from yuanjiao.register.commands import move_division


class MoveForm(forms.Form):
    """Which division goes where, since when, by what."""

    division = forms.CharField(label=gettext_lazy("变更的区划代码"), max_length=12, min_length=12)
    parent = forms.CharField(label=gettext_lazy("新的上级区划代码"), max_length=12, min_length=12)
    on = forms.DateField(
        label=gettext_lazy("自哪天起"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("不晚于今天"),
    )
    document = forms.CharField(label=gettext_lazy("依据文件"), max_length=100)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for field in self.fields.values():
            field.widget.attrs.setdefault("class", "form-control")


@door(Permission.IMPORT_REGISTER)
def division_move(request: ActingRequest) -> HttpResponseBase:
    """The form; POST moves."""
    is_sent = request.method == "POST"
    form = MoveForm(request.POST if is_sent else None, initial={"division": request.GET.get("code", ""), "on": clock.today()})
    if is_sent and form.is_valid():
        try:
            moved = _move(request, form.cleaned_data)
        except (Refused, Conflict, NotFound) as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("已变更，随迁站点、线路和服务器 %s 个。上联不随区划改变，请核对它们接在哪条线路上。") % moved)
            return redirect("register:division_list")
    return render(request, "register/division_move.html", {"page_title": _("区划变更"), "form": form}, status=400 if form.errors else 200)


def _move(request: ActingRequest, told: dict[str, Any]) -> int:
    today = clock.today()
    division, parent = division_by_code(told["division"], on=today), division_by_code(told["parent"], on=today)
    return move_division(division=division, parent=parent, document=told["document"], on=told["on"], by=request.actor, at=clock.now())
