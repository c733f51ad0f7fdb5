"""Forms of items: what a person types, cleaned."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from yuanjiao.items.models import Item
from yuanjiao.items.rules import KIND_NAMES, QUESTIONS, Answer, ItemKind, ThreeAnswers, may_stand_under
from yuanjiao.lib import clock
from yuanjiao.lib.clock import day_start
from yuanjiao.places.models import OrgUnit

YES_NO = [("yes", _("是")), ("no", _("否"))]
EARLIEST = date(2000, 1, 1)
ROWS = forms.Textarea(attrs={"rows": 2})
MADE_BY_HAND = (
    ItemKind.PLAN, ItemKind.MATTER, ItemKind.TASK, ItemKind.PROBLEM, ItemKind.MEASURE, ItemKind.RECTIFICATION, ItemKind.PRACTICAL_SERVICE,
)  # fmt: skip
"""Kinds an officer writes down; the others are born of orders, requests and resource plans."""
PARTED = re.compile(r"[、，,;；\n]+")


def end_of(day: date) -> datetime:
    """The last minute of a day in China: what "until the 30th" means."""
    return day_start(day) + timedelta(hours=23, minutes=59)


def unit_named(text: str, among: QuerySet[OrgUnit]) -> OrgUnit:
    """The unit of this code or name. Raises ValidationError when there is none, or several."""
    found = list(among.filter(Q(code=text.strip()) | Q(name=text.strip()))[:2])
    if len(found) != 1:
        raise forms.ValidationError(_("没有找到单位“%(text)s”，或有重名：请写全称或单位代码"), params={"text": text.strip()[:40]})
    return found[0]


class DayField(forms.DateField):
    """A day by the browser's calendar."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **kwargs)


def _latest() -> date:
    return date(clock.today().year + 10, 12, 31)


class DueField(DayField):
    """A day until which something is done: a plan may take years, but a slip of the finger is no plan."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validators=[MinValueValidator(EARLIEST), MaxValueValidator(_latest)], **kwargs)


class UnitField(forms.CharField):
    """One unit by code or full name, proposed from a list of the page (`listed`: its id). Of 20,000 units no page lists all."""

    def __init__(self, *, among: QuerySet[OrgUnit], listed: str = "units", **kwargs: Any) -> None:
        self.among = among
        super().__init__(max_length=100, widget=forms.TextInput(attrs={"list": listed, "autocomplete": "off"}), **kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        return unit_named(text, self.among) if text else None


class UnitsField(forms.CharField):
    """Several units, one a line or parted by 、."""

    def __init__(self, *, among: QuerySet[OrgUnit], **kwargs: Any) -> None:
        self.among = among
        super().__init__(max_length=2000, widget=forms.Textarea(attrs={"rows": 2}), **kwargs)

    def clean(self, value: Any) -> Any:
        return [unit_named(name, self.among) for name in PARTED.split(super().clean(value)) if name.strip()]


class ItemForm(forms.Form):
    """An item as an officer writes it down; measure and schedule may come later, but before it is given out (SUP09)."""

    kind = forms.ChoiceField(label=_("类别"))
    title = forms.CharField(label=_("事项"), max_length=120)
    measure = forms.CharField(label=_("措施"), max_length=400, required=False, widget=ROWS)
    expected_result = forms.CharField(label=_("预期成效"), max_length=200, required=False, widget=ROWS)
    starts_on = DayField(label=_("开始日期"), required=False, help_text=_("分阶段的事项可以不填，登记后再写各阶段"))

    def __init__(self, *args: Any, own: QuerySet[OrgUnit], every: QuerySet[OrgUnit], parent: Item | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [kind for kind in MADE_BY_HAND if parent is None or may_stand_under(kind, parent.kind)]
        self.fields["kind"].choices = [(kind.value, KIND_NAMES[kind]) for kind in kinds]  # type: ignore[attr-defined]
        self.fields["lead"] = UnitField(label=_("牵头（责任）单位"), among=own, help_text=_("写全称或单位代码"))
        self.fields["cooperating"] = UnitsField(label=_("配合单位"), among=every, required=False, help_text=_("可以有几个，用顿号分开"))


class DraftForm(forms.Form):
    """What may be changed before an item is given out."""

    title = forms.CharField(label=_("事项"), max_length=120)
    measure = forms.CharField(label=_("措施"), max_length=400, required=False, widget=ROWS)
    expected_result = forms.CharField(label=_("预期成效"), max_length=200, required=False, widget=ROWS)
    starts_on = DayField(label=_("开始日期"), required=False)


class IssueForm(forms.Form):
    """Until when; the unit stands in the item."""

    due_on = DueField(label=_("办结时限"), help_text=_("当天 23:59 以前"))


class ReasonForm(forms.Form):
    """One line of reason."""

    reason = forms.CharField(label=_("原因"), max_length=300, widget=ROWS)


class ResultForm(forms.Form):
    """What was done."""

    reason = forms.CharField(label=_("办理结果"), max_length=300, widget=ROWS)


class LaterForm(ReasonForm):
    """A later date, and why."""

    due_on = DueField(label=_("新的时限"))
    field_order = ["due_on", "reason"]


class AmendForm(ReasonForm):
    """Another target, and why."""

    expected_result = forms.CharField(label=_("变更后的预期成效"), max_length=200, widget=ROWS)
    field_order = ["expected_result", "reason"]


class AskForm(ReasonForm):
    """What the owner unit wants changed."""

    due_on = DueField(label=_("申请改到"), required=False)
    expected_result = forms.CharField(label=_("申请改为的预期成效"), max_length=200, required=False, widget=ROWS)
    field_order = ["due_on", "expected_result", "reason"]


class PhaseForm(forms.Form):
    """One phase with its dates."""

    title = forms.CharField(label=_("阶段"), max_length=60)
    starts_on = DayField(label=_("起"))
    ends_on = DayField(label=_("止"))


class PhaseDoneForm(forms.Form):
    """What came of the phase."""

    result = forms.CharField(label=_("完成情况"), max_length=200)


class CooperateForm(forms.Form):
    """The cooperating units."""

    def __init__(self, *args: Any, every: QuerySet[OrgUnit], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["units"] = UnitsField(label=_("配合单位"), among=every, required=False)


class VerifyForm(forms.Form):
    """The three questions, each with its evidence."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, question in QUESTIONS.items():
            self.fields[f"{name}_yes"] = forms.ChoiceField(label=question, choices=YES_NO, widget=forms.RadioSelect)
            self.fields[name] = forms.CharField(label=_("依据"), max_length=200)

    def answers(self) -> ThreeAnswers:
        data = self.cleaned_data
        return ThreeAnswers(**{name: Answer(data[f"{name}_yes"] == "yes", data[name]) for name in QUESTIONS})


class KeepForm(forms.Form):
    """A name for the list as it is now."""

    name = forms.CharField(label=_("名称"), max_length=30)
    shared = forms.BooleanField(label=_("本单位共用"), required=False)


def names_of(units: Iterable[OrgUnit]) -> str:
    """Units as UnitsField reads them."""
    return "、".join(unit.name for unit in units)
