"""Forms of campaigns: what a person types or a phone sends, cleaned."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from yuanjiao.people.models import Person
from yuanjiao.people.queries import person_in_unit
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.supervision.commands import Fixed, VisitRecord
from yuanjiao.supervision.models import Inspector
from yuanjiao.supervision.rules import (
    FOUND_NAMES,
    LINE_NAMES,
    METHOD_NAMES,
    PROBLEM_NAMES,
    Found,
    Measure,
    Method,
    ProblemKind,
    SupervisionLine,
)

PARTED = re.compile(r"[、，,;；\n]+")
ROWS = forms.Textarea(attrs={"rows": 2})
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)
YES_NO = [("", _("没有看")), ("yes", _("是")), ("no", _("否"))]
PROBLEMS = [("", _("没有问题")), *PROBLEM_NAMES.items()]


class DayField(forms.DateField):
    """A day by the browser's calendar, of this century: days are counted with, and the last a calendar knows has none after it."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["validators"] = [MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)]
        super().__init__(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **kwargs)


def place_named(text: str, among: QuerySet[Division]) -> Division:
    """The place of this code or name. ValidationError when there is none, or several of the name."""
    found = list(among.filter(Q(code=text.strip()) | Q(name=text.strip()))[:2])
    if len(found) != 1:
        raise forms.ValidationError(_("没有找到地方“%(text)s”，或有重名：请写全名或区划代码"), params={"text": text.strip()[:40]})
    return found[0]


def unit_named(text: str, among: QuerySet[OrgUnit]) -> OrgUnit:
    """The unit of this code or name. ValidationError when there is none, or several of the name."""
    found = list(among.filter(Q(code=text.strip()) | Q(name=text.strip()))[:2])
    if len(found) != 1:
        raise forms.ValidationError(_("没有找到单位“%(text)s”，或有重名：请写全称或单位代码"), params={"text": text.strip()[:40]})
    return found[0]


class PlaceForm(forms.Form):
    """A form that names a place by code or full name: there may be thousands, so none is chosen from a list."""

    place = forms.CharField(label=_("地方"), max_length=60, help_text=_("写全名或区划代码"))

    def __init__(self, *args: Any, places: QuerySet[Division], **kwargs: Any) -> None:
        self.places = places
        super().__init__(*args, **kwargs)

    def clean_place(self) -> Division:
        return place_named(self.cleaned_data["place"], self.places)


class CampaignForm(forms.Form):
    """A campaign as it is prepared; one month is proposed."""

    title = forms.CharField(label=_("名称"), max_length=80)
    document = forms.CharField(label=_("依据文件"), max_length=80)
    scope = forms.CharField(
        label=_("范围"), max_length=2000, widget=ROWS, help_text=_("地方的全名或区划代码，可以有几个，用顿号分开；包括以下各级")
    )
    starts_on = DayField(label=_("开始日期"))
    ends_on = DayField(label=_("结束日期"))
    plan_due_on = DayField(label=_("方案报送期限"))
    rate = forms.FloatField(label=_("畅通率不低于（%）"), min_value=0, max_value=100, initial=95)
    open = forms.IntegerField(label=_("未办结问题不多于（件）"), min_value=0, initial=0)
    inspected = forms.FloatField(label=_("检查覆盖不低于（%）"), min_value=0, max_value=100, initial=100)
    confirmed = forms.FloatField(label=_("底数确认不低于（%）"), min_value=0, max_value=100, initial=100)

    def __init__(self, *args: Any, places: QuerySet[Division], **kwargs: Any) -> None:
        self.places = places
        super().__init__(*args, **kwargs)

    def clean_scope(self) -> list[Division]:
        return [place_named(name, self.places) for name in PARTED.split(self.cleaned_data["scope"]) if name.strip()]

    def targets(self) -> dict[Measure, float]:
        """Shares as 0 to 1."""
        data = self.cleaned_data
        return {measure: data[measure] / (1 if measure is Measure.OPEN else 100) for measure in Measure}


def month_from(day: date) -> dict[str, date]:
    """The proposed days: a month of thirty days, plans within ten."""
    return {"starts_on": day, "ends_on": day + timedelta(days=29), "plan_due_on": day + timedelta(days=9)}


class InspectorForm(PlaceForm):
    """Whom to send, on which line, where, from when to when."""

    name = forms.CharField(label=_("姓名"), max_length=50)
    unit = forms.CharField(label=_("单位"), max_length=100, help_text=_("写全称或单位代码"))
    line = forms.ChoiceField(label=_("督查线"), choices=list(LINE_NAMES.items()))
    valid_from = DayField(label=_("起"))
    until = DayField(label=_("止"))
    field_order = ("name", "unit", "line", "place", "valid_from", "until")

    def __init__(self, *args: Any, units: QuerySet[OrgUnit], **kwargs: Any) -> None:
        self.units = units
        super().__init__(*args, **kwargs)

    def clean_unit(self) -> OrgUnit:
        return unit_named(self.cleaned_data["unit"], self.units)

    def appointment(self) -> dict[str, Any]:
        data = self.cleaned_data
        person: Person | None = person_in_unit(data["name"], data["unit"])
        if person is None:
            raise forms.ValidationError(_("该单位没有这个人员，请先在台账登记并开通账号"))
        span = {"valid_from": data["valid_from"], "valid_to": data["until"] + timedelta(days=1)}
        return {"person": person, "line": SupervisionLine(data["line"]), "place": data["place"], **span}


class RoundForm(forms.Form):
    """An inspector, and how they look."""

    inspector = forms.ChoiceField(label=_("检查人员"))
    method = forms.ChoiceField(label=_("方式"), choices=list(METHOD_NAMES.items()))

    def __init__(self, *args: Any, inspectors: Sequence[Inspector], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = {str(one.pk): one for one in inspectors}
        self.fields["inspector"].choices = [(key, str(one)) for key, one in self.known.items()]  # type: ignore[attr-defined]

    def chosen(self) -> tuple[Inspector, Method]:
        return self.known[self.cleaned_data["inspector"]], Method(self.cleaned_data["method"])


class DrawForm(PlaceForm, RoundForm):
    """How many places are drawn, where, for whom."""

    count = forms.IntegerField(label=_("抽多少个村"), min_value=1, max_value=1000, initial=100)
    seed = forms.CharField(label=_("种子"), max_length=40, required=False, help_text=_("公开抽签时填写；不填由系统随机产生"))
    field_order = ("place", "count", "inspector", "method", "seed")


class RecheckDrawForm(PlaceForm):
    """What share of the closed problems is looked at again."""

    percent = forms.IntegerField(label=_("复查比例（%）"), min_value=1, max_value=100, initial=10)
    seed = forms.CharField(label=_("种子"), max_length=40, required=False)


class PlanForm(forms.Form):
    """A unit's plan; `seen` is the mark of the text that stood there when the page was opened."""

    title = forms.CharField(label=_("方案名称"), max_length=80)
    words = forms.CharField(label=_("内容"), max_length=4000, widget=forms.Textarea(attrs={"rows": 8}))
    seen = forms.CharField(max_length=16, required=False, widget=forms.HiddenInput)


class OwnerForm(forms.Form):
    """Who answers for a problem."""

    unit = forms.CharField(label=_("责任单位"), max_length=100, help_text=_("写全称或单位代码"))
    name = forms.CharField(label=_("责任人"), max_length=50)

    def __init__(self, *args: Any, units: QuerySet[OrgUnit], **kwargs: Any) -> None:
        self.units = units
        super().__init__(*args, **kwargs)

    def clean_unit(self) -> OrgUnit:
        return unit_named(self.cleaned_data["unit"], self.units)


class RecheckForm(forms.Form):
    """What was found when it was looked at again."""

    passed = forms.ChoiceField(
        label=_("问题还在不在"), choices=[("yes", _("不在了，复查通过")), ("no", _("还在，重新打开"))], widget=forms.RadioSelect
    )
    note = forms.CharField(label=_("看到的情况"), max_length=300, widget=ROWS)


class CensusForm(forms.Form):
    """A manager's confirmation: nothing but a press where all is right."""

    remark = forms.CharField(label=_("与实际不同的地方"), max_length=300, required=False, widget=ROWS)
    problem = forms.ChoiceField(label=_("有没有问题"), choices=PROBLEMS, required=False)
    words = forms.CharField(label=_("问题的情况"), max_length=200, required=False, widget=ROWS)

    def problems(self) -> list[tuple[ProblemKind, str]]:
        kind = self.cleaned_data["problem"]
        return [(ProblemKind(kind), self.cleaned_data["words"])] if kind else []


class VisitForm(forms.Form):
    """The checklist of an inspection, the same on paper, on the page and from the phone."""

    found = forms.ChoiceField(label=_("结果"), choices=list(FOUND_NAMES.items()))
    powered = forms.ChoiceField(label=_("设备在位、通电"), choices=YES_NO, required=False)
    plays = forms.ChoiceField(label=_("现场能播放"), choices=YES_NO, required=False)
    kept = forms.ChoiceField(label=_("有人管、有记录"), choices=YES_NO, required=False)
    problem = forms.ChoiceField(label=_("问题类别"), choices=PROBLEMS, required=False)
    words = forms.CharField(label=_("问题的情况"), max_length=100, required=False)
    measure = forms.CharField(label=_("整改措施"), max_length=300, required=False, help_text=_("不填按问题类别的通常措施"))
    who = forms.CharField(label=_("当场整改：谁改的"), max_length=50, required=False, help_text=_("没有当场改好的，这一项和下面三项不填"))
    done = forms.CharField(label=_("要求落实的依据"), max_length=200, required=False)
    solved = forms.CharField(label=_("问题解决的依据"), max_length=200, required=False)
    changed = forms.CharField(label=_("现状改变的依据"), max_length=200, required=False)
    note = forms.CharField(label=_("说明"), max_length=300, required=False, widget=ROWS)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        said = [bool(data.get(name, "").strip()) for name in ("who", "done", "solved", "changed")]
        if any(said) and not all(said):
            raise forms.ValidationError(_("当场整改的，谁改的和三项依据都要写"))
        if any(said) and not data.get("problem"):
            raise forms.ValidationError(_("当场整改的，请选问题类别"))
        return data

    def record(self) -> VisitRecord:
        data = self.cleaned_data
        powered, plays, kept = ({"yes": True, "no": False}.get(data[name]) for name in ("powered", "plays", "kept"))
        fixed = Fixed(data["who"], data["done"], data["solved"], data["changed"]) if data["who"].strip() else None
        return VisitRecord(
            found=Found(data["found"]),
            powered=powered,
            plays=plays,
            kept=kept,
            note=data["note"],
            problem=ProblemKind(data["problem"]) if data["problem"] else None,
            words=data["words"],
            measure=data["measure"],
            fixed=fixed,
        )
