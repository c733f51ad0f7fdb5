"""Forms of the network's pages: what a person types, cleaned; permission and sense are the commands' business."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.network.commands.rhythms import LONGEST_S, SHORTEST_S
from yuanjiao.network.models import AccessMode, SiteKind

DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def _moment() -> forms.DateTimeInput:
    return forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class StaffForm(forms.Form):
    """Fields as the staff pages draw them. Several forms may stand on one page: each has its own ids."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"auto_id": f"{type(self).__name__.lower()}_%s"} | options)
        for field in self.fields.values():
            kind = "form-check-input" if isinstance(field, forms.BooleanField) else "form-control"
            field.widget.attrs.setdefault("class", "form-select" if isinstance(field, forms.ChoiceField) else kind)


class MaintenanceForm(StaffForm):
    """Announced work."""

    subject = forms.CharField(
        label=_("站点、线路或边缘服务器的编号"), max_length=30, help_text=_("线路或服务器的检修，同时作用于它所带的全部站点")
    )
    start = forms.DateTimeField(label=_("开始"), widget=_moment())
    end = forms.DateTimeField(label=_("结束"), widget=_moment(), help_text=_("最长 14 天；更久的请办理停用"))
    document = forms.CharField(label=_("通知文号"), max_length=100)
    reason = forms.CharField(label=_("事由"), max_length=200, required=False)
    urgent = forms.BooleanField(label=_("紧急抢修，已经开始（24 小时以内，须写明事由）"), required=False)


class ServiceForm(StaffForm):
    """A turn in the life of an object, from a day on, by a document."""

    turn = forms.ChoiceField(label=_("办理"))
    on = forms.DateField(label=_("自哪天起"), widget=DAY, help_text=_("不晚于今天，不早于上一次变更"))
    document = forms.CharField(label=_("依据文件"), max_length=100, required=False, help_text=_("停用、退役必填"))

    def __init__(self, *args: Any, turns: list[tuple[str, Any]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["turn"].choices = turns  # type: ignore[attr-defined]


class RhythmForm(StaffForm):
    """How often an object beats and how late it may be; empty is as everywhere."""

    period_s = forms.IntegerField(
        label=_("心跳周期（秒）"),
        min_value=SHORTEST_S,
        max_value=LONGEST_S,
        required=False,
        help_text=_("留空按全局设置；盒子上的周期要设成一样"),
    )
    grace_s = forms.IntegerField(
        label=_("宽限（秒）"), min_value=0, max_value=LONGEST_S, required=False, help_text=_("过了周期再等多久才算不通；留空按全局设置")
    )


class PlaceForm(StaffForm):
    """Another place for an object, from a day on."""

    division = forms.CharField(label=_("新的所在区划代码"), max_length=12, min_length=12)
    on = forms.DateField(label=_("自哪天起"), widget=DAY, help_text=_("不晚于今天；此前的日子仍算在原处"))


class LabelsForm(StaffForm):
    """What a site is, from a day on."""

    site_kind = forms.ChoiceField(label=_("站点类型"), choices=SiteKind.choices)
    access_mode = forms.ChoiceField(label=_("接入方式"), choices=AccessMode.choices)
    programmes = forms.CharField(label=_("所属项目"), max_length=100, required=False, help_text=_("党员远教、农村中小学远教等，用顿号分开"))
    on = forms.DateField(
        label=_("自哪天起"), widget=DAY, help_text=_("不晚于今天；此前的日子仍按原来的统计。登记有误的，填写投用日期，即全部更正")
    )


class TargetForm(StaffForm):
    """The rate a division is to reach."""

    division = forms.CharField(label=_("区划代码"), max_length=12, min_length=12, help_text=_("下级没有自己的目标时，沿用它的"))
    value = forms.FloatField(label=_("目标（%）"), min_value=0, max_value=100, widget=forms.NumberInput(attrs={"step": "0.01"}))
    on = forms.DateField(label=_("自哪天起"), widget=DAY)
    document = forms.CharField(label=_("依据文件"), max_length=100)


class RuleForm(StaffForm):
    """A new version of the rule."""

    heartbeat_min = forms.IntegerField(label=_("几分钟内有心跳"), min_value=1, max_value=1440)
    play_days = forms.IntegerField(label=_("几天内播放测试成功"), min_value=1, max_value=366)
    min_coverage = forms.FloatField(label=_("最低已知比例（%）"), min_value=50, max_value=100)
    on = forms.DateField(label=_("自哪天起"), widget=DAY, help_text=_("今后的一天；已经公布的数字不改"))
    document = forms.CharField(label=_("依据文件"), max_length=100)


def act_on(form: forms.Form, act: Callable[[dict[str, Any]], None]) -> bool:
    """Whether a valid form's act was done; why not stands in the form."""
    if not form.is_valid():
        return False
    try:
        act(dict(form.cleaned_data))
    except (Refused, Conflict, NotFound) as error:
        form.add_error(None, error.message)
        return False
    return True
