"""The city's own tables: causes and service terms."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from yuanjiao.faults import commands, queries
from yuanjiao.faults.inputs import CauseForm, TermForm
from yuanjiao.faults.models import FaultCause
from yuanjiao.faults.queries.dictionary import term_by_pk
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission


@door(Permission.IMPORT_REGISTER)
def fault_settings(request: ActingRequest) -> HttpResponse:
    """Both tables; POST adds or changes a cause."""
    form = CauseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            commands.set_cause(**form.cleaned_data, by=request.actor, at=clock.now())
            messages.success(request, _("故障原因已保存。"))
            return redirect("faults:fault_settings")
        except Refused as error:
            form.add_error(None, error.message)
    context = {"page_title": _("故障设置"), "form": form, "causes": FaultCause.objects.all(), "terms": queries.terms()}
    return render(request, "faults/settings.html", context, status=400 if form.errors else 200)


@door(Permission.IMPORT_REGISTER)
def term(request: ActingRequest, pk: int) -> HttpResponse:
    """Change one service term."""
    found = term_by_pk(pk)
    title = str(found)
    form = TermForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        try:
            commands.set_term(term=term_by_pk(pk), by=request.actor, at=clock.now(), **form.cleaned_data)
            messages.success(request, _("服务时限已保存，今后派出的工单按新时限。"))
            return redirect("faults:fault_settings")
        except Refused as error:
            form.add_error(None, error.message)
    return render(request, "faults/term.html", {"page_title": title, "form": form}, status=400 if form.errors else 200)
