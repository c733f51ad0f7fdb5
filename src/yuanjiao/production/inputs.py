"""Forms of production: what people type, cleaned."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from yuanjiao.places.models import OrgUnit
from yuanjiao.production.commands import Line

PLAN_LINE = re.compile(r"^(?P<topic>.{1,40}?)[\s,，、]+(?P<year>20\d\d)[\s,，、年]+(?P<quantity>\d{1,5})\s*件?[\s,，、]+(?P<owner>\S.*)$")
PAIR = re.compile(r"^(?P<name>.{1,30}?)[\s:：,，]+(?P<number>\d{1,3})\s*$")


def pairs(text: str) -> list[tuple[str, int]]:
    """Lines such as "内容 60" as pairs; a ValidationError names the line that is none."""
    found = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        match = PAIR.match(line)
        if match is None:
            raise forms.ValidationError(_("看不懂这一行：%(line)s。请写成“名称 数”"), params={"line": line})
        found.append((match["name"].strip(), int(match["number"])))
    return found


class UnitForm(forms.Form):
    """Forms that speak for one of the person's units."""

    def __init__(self, *args: Any, units: Sequence[OrgUnit], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.units = units
        self.fields["unit"] = forms.ChoiceField(label=_("单位"), choices=[(unit.code, unit.name) for unit in units])


class PlanLines(forms.Form):
    """Lines of a resource plan, one each; `units` may be their owners."""

    units: Sequence[OrgUnit]
    lines = forms.CharField(
        label=_("条目"), widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_(
            "每行一条：主题，年度，数量，责任单位。例：果树 2026 12 柳溪县委组织部。有该主题标签、或题名简介里有主题词的课件发布后计入。"
        ),
    )  # fmt: skip

    def clean_lines(self) -> list[Line]:
        owners = {name: unit for unit in self.units for name in (unit.name, unit.code)}
        found = []
        for text in filter(None, (line.strip() for line in self.cleaned_data["lines"].splitlines())):
            match = PLAN_LINE.match(text)
            owner = owners.get(match["owner"].strip()) if match else None
            if match is None or owner is None:
                raise forms.ValidationError(_("看不懂这一行，或没有这个单位：%(line)s"), params={"line": text})
            found.append(Line(match["topic"].strip(), int(match["year"]), int(match["quantity"]), owner))
        return found


class LinesForm(PlanLines):
    """Further lines of a plan."""

    def __init__(self, *args: Any, units: Sequence[OrgUnit], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.units = units


class PlanForm(UnitForm, PlanLines):
    """A resource plan with its first lines."""

    title = forms.CharField(label=_("名称"), max_length=60)
    document = forms.CharField(label=_("依据文件"), max_length=100)
    field_order = ("title", "document", "lines", "unit")


class ContestForm(UnitForm):
    """A contest with its judging sheet."""

    title = forms.CharField(label=_("名称"), max_length=60)
    call = forms.CharField(label=_("征集说明"), max_length=600, required=False, widget=forms.Textarea(attrs={"rows": 3}))
    entries_until = forms.DateField(label=_("征集截止"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    criteria = forms.CharField(
        label=_("评分项"), widget=forms.Textarea(attrs={"rows": 4}), initial="内容 60\n制作 40", help_text=_("每行一项和满分，合计 100")
    )
    least_sheets = forms.IntegerField(label=_("每件至少几张评分表"), min_value=1, max_value=20, initial=3)
    publicity_days = forms.IntegerField(label=_("公示天数"), min_value=5, max_value=60, initial=5)

    def clean_criteria(self) -> list[tuple[str, int]]:
        return pairs(self.cleaned_data["criteria"])


class CertificateForm(UnitForm):
    """A certificate."""

    holder = forms.CharField(label=_("获证者（人或单位）"), max_length=60)
    reason = forms.CharField(label=_("事由"), max_length=120, help_text=_("例：主讲课件《果树冬季修剪》"))
