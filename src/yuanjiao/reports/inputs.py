"""Cleaning of what officers enter in a report: two paragraphs, and which month."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from yuanjiao.lib.errors import Refused
from yuanjiao.reports.documents.county_month import PARAGRAPHS

LONGEST = 3000


class ParagraphsForm(forms.Form):
    """What only a person can write; the figures are not asked for."""

    revision = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, written: Mapping[str, str], revision: int) -> None:
        super().__init__(data, initial={**written, "revision": revision})
        for key, heading in PARAGRAPHS.items():
            self.fields[key] = forms.CharField(
                label=heading, required=False, max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 5, "placeholder": _("一行一段")})
            )

    def texts(self) -> dict[str, str]:
        return {key: self.cleaned_data[key] for key in PARAGRAPHS}


def month_asked(text: str) -> date:
    """The first day of '2026-03'. Refused when it is no month."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise Refused(_("月份写法应为 2026-03")) from None
