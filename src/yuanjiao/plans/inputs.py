"""Forms of plans: what a person types, cleaned."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from yuanjiao.network.models import AccessMode, Site, SiteKind
from yuanjiao.places.models import LEVEL_NAMES, Division
from yuanjiao.places.rules import Level
from yuanjiao.plans.rules import Measure

LINE = re.compile(r"^(?P<name>.{1,40}?)[\s：:，,]+(?P<count>[0-9]{1,4})\s*$")
"""One line of a target or a share: a name of at most forty letters and a number below ten thousand."""
KINDS = {str(label): value for value, label in SiteKind.choices}


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class PlaceForm(forms.Form):
    """Forms that speak of one division of the person's own subtree."""

    def __init__(self, *args: Any, places: QuerySet[Division], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["division"] = forms.ModelChoiceField(label=_("区划"), queryset=places, empty_label=None)
        self.order_fields(["division"])


class SiteForm(forms.Form):
    """Forms that speak of one site, named by its code; the subtree is the view's business."""

    site = forms.CharField(label=_("站点编号"), max_length=30)


def named_numbers(text: str) -> list[tuple[str, int]]:
    """Lines such as "综合信息服务站 120" as pairs; a ValidationError names the line that is none."""
    pairs = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        found = LINE.match(line)
        if found is None:
            raise forms.ValidationError(
                _("看不懂这一行：%(line)s。请写成“名称 数量”，名称不超过四十字，数量不超过四位"), params={"line": line}
            )
        pairs.append((found["name"].strip(), int(found["count"])))
    return pairs


class BuildPlanForm(PlaceForm):
    """A plan; its targets one a line."""

    title = forms.CharField(label=_("名称"), max_length=100)
    document = forms.CharField(label=_("依据文件"), max_length=100)
    due_on = forms.DateField(label=_("完成期限"), widget=DateInput())
    targets = forms.CharField(
        label=_("目标"), widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("每行一项：站点类型或服务能力，空格，数量。例：行政村 120；综合信息服务站 80"),
    )  # fmt: skip

    def clean_targets(self) -> list[tuple[Measure, str, int]]:
        pairs = named_numbers(self.cleaned_data["targets"])
        return [(Measure.KIND, KINDS[name], count) if name in KINDS else (Measure.CAPABILITY, name, count) for name, count in pairs]


class CoverageTargetForm(PlaceForm):
    """Which places are to be covered, by when."""

    level = forms.TypedChoiceField(label=_("级别"), coerce=int, choices=[row for row in LEVEL_NAMES if row[0] >= Level.COUNTY])
    urban_only = forms.BooleanField(label=_("只算社区（城乡分类为城镇）"), required=False)
    due_on = forms.DateField(label=_("期限"), widget=DateInput())
    document = forms.CharField(label=_("依据文件"), max_length=100)


class UpgradeForm(SiteForm):
    """A site's renewal."""

    to_mode = forms.ChoiceField(label=_("改造为"), choices=AccessMode.choices)
    work = forms.CharField(label=_("内容"), max_length=200, required=False)
    planned_on = forms.DateField(label=_("计划日期"), widget=DateInput())
    cost = forms.DecimalField(label=_("费用（元）"), min_value=Decimal(0), max_digits=12, decimal_places=2, initial=0)
    document = forms.CharField(label=_("依据文件"), max_length=100, required=False)


class OutletForm(SiteForm):
    """A site that becomes a community outlet."""

    opened_on = forms.DateField(label=_("设立日期"), widget=DateInput())
    document = forms.CharField(label=_("依据文件"), max_length=100, required=False)


class PointForm(forms.Form):
    """One more point of the checklist."""

    words = forms.CharField(label=_("检查内容"), max_length=100)


class MinimumForm(PlaceForm):
    """How many demonstration outlets a county must have."""

    count = forms.IntegerField(label=_("最少数"), min_value=0, max_value=10_000)
    document = forms.CharField(label=_("依据文件"), max_length=100, required=False)


class FacilityForm(PlaceForm):
    """A facility lent by another department."""

    name = forms.CharField(label=_("设施"), max_length=100)
    owner = forms.CharField(label=_("产权单位"), max_length=100)
    permitted_use = forms.CharField(label=_("许可用途"), max_length=200)
    lent_on = forms.DateField(label=_("借用日期"), widget=DateInput())
    ends_on = forms.DateField(label=_("到期日期"), widget=DateInput())
    document = forms.CharField(label=_("协议"), max_length=100, required=False)


class ShareForm(forms.Form):
    """Who bears a site's costs, one programme a line."""

    shares = forms.CharField(
        label=_("项目与份数"), widget=forms.Textarea(attrs={"rows": 4}), help_text=_("每行一个：项目名，空格，份数。例：远程教育 3")
    )
    amount = forms.DecimalField(label=_("试算金额（元）"), min_value=Decimal(0), max_digits=12, decimal_places=2, required=False)

    def clean_shares(self) -> list[tuple[str, int]]:
        return named_numbers(self.cleaned_data["shares"])


class NoteForm(PlaceForm):
    """How a division does it well."""

    title = forms.CharField(label=_("标题"), max_length=100)
    words = forms.CharField(label=_("做法"), widget=forms.Textarea(attrs={"rows": 8}))


def site_named(code: str, sites: QuerySet[Site]) -> Site:
    """The site of that code among those a person may see; a ValidationError otherwise."""
    found = sites.filter(code=code.strip()).first()
    if found is None:
        raise forms.ValidationError(_("没有编号为 %(code)s 的站点，或不在您负责的范围内"), params={"code": code})
    return found
