"""Forms of duties: somebody is named by name and unit, as the register knows people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from yuanjiao.duties.commands import Named
from yuanjiao.duties.rules import KIND_NAMES
from yuanjiao.items.inputs import UnitField
from yuanjiao.network.models import ManagedObject
from yuanjiao.people.models import ROLE_NAMES, Membership
from yuanjiao.places.models import OrgUnit

DAY = {"type": "date"}
FURTHEST = timedelta(days=3660)


class OnForm(forms.Form):
    """One day of the past or the future."""

    on = forms.DateField(label=_("哪一天"), widget=forms.DateInput(attrs=DAY, format="%Y-%m-%d"))


class PersonForm(forms.Form):
    """Who: somebody the register knows, or somebody new."""

    name = forms.CharField(label=_("姓名"), max_length=50, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    post = forms.CharField(label=_("职务"), max_length=50, required=False, help_text=_("已登记的人员不必再填"))
    phone = forms.CharField(
        label=_("电话"),
        max_length=30,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "tel"}),
        help_text=_("加密保存；已登记的人员不必再填"),
    )

    def __init__(self, *args: Any, units: QuerySet[OrgUnit], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["unit"] = UnitField(label=_("单位"), among=units, help_text=_("写全称或单位代码"))

    def named(self) -> Named:
        data = self.cleaned_data
        return Named(name=data["name"], unit=data["unit"], post=data["post"], phone=data["phone"])


class DutyForm(PersonForm):
    """A duty for somebody, from a day on."""

    kind = forms.ChoiceField(label=_("责任"), choices=list(KIND_NAMES.items()))
    object_code = forms.ChoiceField(label=_("范围"), required=False)
    on = forms.DateField(label=_("自哪天起"), widget=forms.DateInput(attrs=DAY, format="%Y-%m-%d"))
    document = forms.CharField(label=_("依据文件"), max_length=100, required=False)
    field_order = ["kind", "object_code", "unit", "name", "post", "phone", "on", "document"]

    def __init__(self, *args: Any, things: Iterable[ManagedObject], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        whole = [("", _("整个地方"))]
        self.fields["object_code"].choices = [*whole, *((one.code, f"{one.name} {one.code}") for one in things)]  # type: ignore[attr-defined]
        self.order_fields(self.field_order)


class HandoverForm(PersonForm):
    """A change: a successor, or why there is none."""

    vacant = forms.BooleanField(label=_("暂时没有接任人（记为空缺）"), required=False)
    vacancy = forms.CharField(label=_("空缺原因"), max_length=100, required=False)
    on = forms.DateField(
        label=_("自哪天起不再负责"),
        widget=forms.DateInput(attrs=DAY, format="%Y-%m-%d"),
        help_text=_("这一天起由接任人负责，原权限同时收回"),
    )
    roles = forms.MultipleChoiceField(
        label=_("随责任一并终止、转给接任人的岗位"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("站点管理员的岗位总是随责任终止"),
    )  # fmt: skip
    document = forms.CharField(label=_("依据文件"), max_length=100, required=False)
    note = forms.CharField(label=_("说明"), max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    field_order = ["on", "unit", "name", "post", "phone", "vacant", "vacancy", "roles", "document", "note"]

    def __init__(self, *args: Any, posts: Sequence[Membership], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = dict(ROLE_NAMES)
        self.fields["name"].required = self.fields["unit"].required = False
        held = [(post.role, names[post.role]) for post in posts]  # type: ignore[index]
        self.fields["roles"].choices = held  # type: ignore[attr-defined]
        if not held:
            del self.fields["roles"]
        self.order_fields(self.field_order)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("vacant") and not (data.get("name") and data.get("unit")):
            raise forms.ValidationError(_("请填写接任人的单位和姓名；没有接任人的，勾选“暂时没有接任人”并写明原因"))
        return data

    def successor(self) -> Named | None:
        return None if self.cleaned_data["vacant"] else self.named()


def day_asked(text: str, today: date) -> date:
    """The day of ?on=, at most `FURTHEST` ahead; today when it is none."""
    try:
        return min(date.fromisoformat(text), today + FURTHEST)
    except ValueError:
        return today
