"""Forms of the burden meter."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from yuanjiao.burden.rules import CAPPED, MEASURE_NAMES, month_of
from yuanjiao.places.models import LEVEL_NAMES

ROWS = forms.Textarea(attrs={"rows": 2})
OLDEST = date(2000, 1, 1)


class CapForm(forms.Form):
    """The most of one measure for each unit of a level, from a month on."""

    level = forms.TypedChoiceField(label=_("哪一级单位"), coerce=int, choices=LEVEL_NAMES)
    measure = forms.ChoiceField(label=_("计量"), choices=[(one, MEASURE_NAMES[one]) for one in CAPPED])
    most = forms.IntegerField(label=_("每个单位每月上限"), min_value=0, max_value=100_000, required=False, help_text=_("留空：不再设上限"))
    from_month = forms.DateField(
        label=_("自哪个月起"), input_formats=["%Y-%m"], widget=forms.DateInput(attrs={"type": "month"}, format="%Y-%m")
    )
    document = forms.CharField(label=_("依据"), max_length=100)


class AskForm(forms.Form):
    """Why it is needed though it is above the cap."""

    reason = forms.CharField(label=_("为什么必须现在布置"), max_length=300, widget=ROWS)


class DecideForm(forms.Form):
    """Yes or no, and why."""

    granted = forms.ChoiceField(label=_("意见"), choices=[("yes", _("批准")), ("no", _("不批准"))], widget=forms.RadioSelect)
    decision = forms.CharField(label=_("说明"), max_length=300, widget=ROWS)

    def said(self) -> dict[str, Any]:
        return {"granted": self.cleaned_data["granted"] == "yes", "decision": self.cleaned_data["decision"]}


def month_asked(text: str, today: date) -> date:
    """The month of ?month=2026-03, at most the next one; this month when it is none."""
    try:
        asked = date.fromisoformat(f"{text}-01")
    except ValueError:
        return month_of(today)
    return asked if OLDEST <= asked <= date(today.year + 1, today.month, 1) else month_of(today)
