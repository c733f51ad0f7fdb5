"""Cleaning of what officers enter in a document: its paragraphs, which month or week, a limit, an answer, a reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yuanjiao.lib.errors import Refused
from yuanjiao.reports.models import WEEKDAYS
from yuanjiao.reports.rules import REPLY_DAYS

LONGEST = 3000
YEARS = range(2000, 2101)
"""Of which documents may be asked: days beyond what a calendar can count are nobody's."""


class ParagraphsForm(forms.Form):
    """What only a person can write; the figures are not asked for."""

    revision = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, headings: Mapping[str, str], written: Mapping[str, str], revision: int) -> None:
        super().__init__(data, initial={**written, "revision": revision})
        self.headings = headings
        for key, heading in headings.items():
            self.fields[key] = forms.CharField(
                label=heading, required=False, max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 5, "placeholder": _("一行一段")})
            )

    def texts(self) -> dict[str, str]:
        return {key: self.cleaned_data[key] for key in self.headings}


class AskForm(forms.Form):
    """How long the named units have to explain."""

    asked_revision = forms.IntegerField(widget=forms.HiddenInput)
    days = forms.IntegerField(label=gettext_lazy("说明时限（天）"), min_value=1, max_value=30, initial=REPLY_DAYS)


class ReturnForm(forms.Form):
    """Why a circular goes back."""

    revision = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(label=gettext_lazy("退回原因"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}))


class ReplyForm(forms.Form):
    """What a named unit says."""

    revision = forms.IntegerField(widget=forms.HiddenInput)
    reply = forms.CharField(
        label=gettext_lazy("本单位的说明"),
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 6, "placeholder": gettext_lazy("写明事实和原因")}),
    )


class ReportDayForm(forms.Form):
    """The day of the week on which weekly reports fall due."""

    weekday = forms.TypedChoiceField(label=gettext_lazy("周报日"), choices=WEEKDAYS, coerce=int)


def month_asked(text: str) -> date:
    """The first day of '2026-03'. Refused when it is no month of `YEARS`."""
    return _day(f"{text}-01", _("月份写法应为 2026-03"))


def day_asked(text: str) -> date:
    """'2026-03-20'. Refused when it is no day of `YEARS`."""
    return _day(text, _("日期写法应为 2026-03-20"))


def _day(text: str, otherwise: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise Refused(otherwise) from None
    if found.year not in YEARS:
        raise Refused(otherwise)
    return found
