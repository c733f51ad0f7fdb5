"""Forms of surveys: what is to be drawn, and what is seen at a visit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from yuanjiao.places.models import Division
from yuanjiao.surveys.commands import LARGEST
from yuanjiao.surveys.rules import CLASS_NAMES, LEAST, PLAYS_NAMES, STRATA_NAMES

DAY = {"type": "date"}
WALKERS = [("counties", _("各县（市、区）走访本县的村")), ("city", _("本级派人走访"))]


class SurveyForm(forms.Form):
    """A survey: where, as of which day, how parted, how many, who walks."""

    title = forms.CharField(label=_("名称"), max_length=60, help_text=_("例如：2026年百村调查"))
    place = forms.ChoiceField(label=_("范围"))
    frame_on = forms.DateField(
        label=_("抽样框截至"), widget=forms.DateInput(attrs=DAY, format="%Y-%m-%d"), help_text=_("这一天在用的村级站点，逐个留存")
    )
    strata = forms.ChoiceField(
        label=_("分层"), required=False, choices=list(STRATA_NAMES.items()), help_text=_("分层的按比例分配，每层至少 2 个")
    )
    size = forms.IntegerField(label=_("抽多少个村"), initial=100, min_value=LEAST, max_value=LARGEST)
    walkers = forms.ChoiceField(label=_("谁去走访"), choices=WALKERS, widget=forms.RadioSelect, initial="counties")
    due_on = forms.DateField(label=_("走访截止（含当日）"), widget=forms.DateInput(attrs=DAY, format="%Y-%m-%d"))

    def __init__(self, *args: Any, places: Iterable[Division], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"].choices = [(row.code, row.name) for row in places]  # type: ignore[attr-defined]


class VisitForm(forms.Form):
    """What is seen at the set, in three boxes."""

    plays = forms.ChoiceField(label=_("到村时能不能播放"), choices=list(PLAYS_NAMES.items()), widget=forms.RadioSelect)
    fault_class = forms.ChoiceField(
        label=_("不能播放的，问题在哪"), required=False, choices=[("", _("（能播放或看不了的不选）")), *CLASS_NAMES.items()]
    )
    remark = forms.CharField(
        label=_("备注"), required=False, max_length=200, widget=forms.Textarea(attrs={"rows": 2}), help_text=_("不用写姓名、电话等个人信息")
    )


class UnreachedForm(forms.Form):
    """Why the village could not be visited; the next of the same draw takes its place."""

    remark = forms.CharField(label=_("未能走访的原因"), max_length=200, widget=forms.Textarea(attrs={"rows": 2}))
