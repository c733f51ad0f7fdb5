"""The page on which an operator's list of boxes is taken in."""

from __future__ import annotations

import re

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound, Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.register import commands
from yuanjiao.register.documents.operator_list import TITLES
from yuanjiao.register.documents.workbook import MAX_ROWS

SHOWN = 50
NAME = re.compile(r"([0-9a-f-]{36})_[0-9a-f-]{36}\.(xlsx|csv)")


class ListForm(forms.Form):
    """One list."""

    file = forms.FileField(
        label=gettext_lazy("运营商平台导出的清单（.xlsx 或 .csv）"),
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx,.csv", "class": "form-control"}),
    )
    good_rows_only = forms.BooleanField(label=gettext_lazy("有错误的行时，只导入正确的行"), required=False)


@door(Permission.IMPORT_REGISTER)
def sighting_import(request: ActingRequest) -> HttpResponseBase:
    """Take a list in, and say at once what came of it."""
    is_upload = request.method == "POST"
    form = ListForm(request.POST, request.FILES) if is_upload else ListForm()
    outcome = None
    if is_upload and form.is_valid():
        upload: UploadedFile = form.cleaned_data["file"]
        try:
            outcome = commands.import_sightings(
                name=upload.name or "", chunks=upload.chunks(), size_bytes=upload.size or 0,
                good_rows_only=form.cleaned_data["good_rows_only"], by=request.actor, at=clock.now(),
            )  # fmt: skip
        except Refused as error:
            form.add_error("file", error.message)
    context = {
        "page_title": _("导入运营商清单"),
        "form": form,
        "outcome": outcome,
        "reasons": sorted(outcome.reasons.items())[:SHOWN] if outcome else [],
        "titles": [" / ".join(titles) for titles in TITLES.values()],
        "max_rows": MAX_ROWS,
    }
    return render(request, "register/sighting_import.html", context, status=400 if form.errors else 200)


@door(Permission.IMPORT_REGISTER)
def sighting_returned(request: ActingRequest, name: str) -> HttpResponseBase:
    """The list with the reasons in its last column, for whoever brought it."""
    found = NAME.fullmatch(name)
    path = commands.returned_file(name) if found and found[1] == str(request.actor.person_uid) else None
    if path is None or not path.exists():
        raise NotFound(_("退回的文件已经清除；请重新上传原文件"))
    return FileResponse(path.open("rb"), as_attachment=True, filename=f"运营商清单（错误原因）{path.suffix}")
