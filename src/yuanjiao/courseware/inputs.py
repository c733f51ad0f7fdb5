"""What people send: forms of items, columns and reasons; headers of the upload protocol. Cleaned here, judged by the commands."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext_lazy as _

from yuanjiao.courseware.models import Column, CoursewareClass, CoursewareSource
from yuanjiao.lib.errors import Refused
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.places.rules import Level


class CoursewareForm(forms.Form):
    """The words of an item."""

    title = forms.CharField(label=_("标题"), max_length=100, help_text=_("村民在电视和手机上看到的名字，一句话说清讲什么"))
    summary = forms.CharField(
        label=_("内容简介"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text=_("可不填；会参与搜索")
    )
    speaker = forms.CharField(label=_("主讲人"), max_length=50, required=False)
    item_class = forms.ChoiceField(label=_("类别"), choices=CoursewareClass.choices)
    source = forms.ChoiceField(label=_("来源"), choices=CoursewareSource.choices)

    def words(self) -> dict[str, Any]:
        """What the commands take."""
        values = self.cleaned_data
        return {**values, "item_class": CoursewareClass(values["item_class"]), "source": CoursewareSource(values["source"])}


class ColumnForm(forms.Form):
    """A column. The owner is chosen once, when it is opened."""

    title = forms.CharField(label=_("栏目名称"), max_length=30)
    summary = forms.CharField(
        label=_("发布范围说明"), max_length=200, required=False, help_text=_("这个栏目收什么、不收什么；发布时会显示给发布人")
    )
    owner = forms.ChoiceField(label=_("主办单位"), choices=())
    audience = forms.ChoiceField(label=_("面向范围"), choices=())
    accepts_class = forms.ChoiceField(label=_("只收类别"), choices=[("", _("不限")), *CoursewareClass.choices], required=False)
    official = forms.BooleanField(label=_("官方栏目"), required=False, initial=True, help_text=_("制作、审核、发布须是三个不同的人"))
    order = forms.IntegerField(label=_("顺序"), min_value=0, max_value=9999, initial=100, help_text=_("小的在前"))
    min_weekly = forms.IntegerField(
        label=_("每周至少更新（件）"), min_value=0, max_value=99, initial=0, required=False,
        help_text=_("0 即不承诺；连续七天不足，提醒主办单位"),
    )  # fmt: skip
    max_delay_days = forms.IntegerField(
        label=_("上载时限（天）"), min_value=0, max_value=365, required=False, help_text=_("从来源日期到上载不超过几天；空着即不承诺")
    )
    visible_from = forms.DateField(label=_("开始日期"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    visible_to = forms.DateField(
        label=_("截止日期"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("空着即长期；到这一天不再显示"),
    )

    def __init__(self, *args: Any, units: Sequence[OrgUnit] = (), divisions: Sequence[Division] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if units:
            self.fields["owner"].choices = [(unit.code, unit.name) for unit in units]  # type: ignore[attr-defined]
        else:
            del self.fields["owner"]
        everybody = [("/", _("所有人"))] if any(one.level <= Level.CITY for one in divisions) else []
        self.fields["audience"].choices = [*everybody, *((one.path, one.name) for one in divisions)]  # type: ignore[attr-defined]

    def clean_min_weekly(self) -> int:
        return int(self.cleaned_data["min_weekly"] or 0)

    @staticmethod
    def values_of(column: Column) -> dict[str, Any]:
        """A column as the form shows it."""
        names = [
            "title", "summary", "audience", "accepts_class", "official", "order", "visible_from", "visible_to", "min_weekly",
            "max_delay_days",
        ]  # fmt: skip
        return {name: getattr(column, name) for name in names}


def sent(request: HttpRequest) -> QueryDict | None:
    """What a form was sent, or None when the page is only looked at: an empty form that was sent is still to be judged."""
    return request.POST if request.method == "POST" else None


def upload_metadata(header: str) -> dict[str, str]:
    """The tus header Upload-Metadata: comma-separated pairs of a key and a value in base64 (UTF-8). Refused when it cannot be read."""
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _space, value = pair.partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise Refused(f"Upload-Metadata 的 {key} 不是 base64 编码的文字") from None
    return found


def whole_number(text: str, name: str) -> int:
    """A header that must be a whole number of bytes; Refused otherwise."""
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise Refused(f"缺少 {name} 或不是整数")
    return int(text)


def uid_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Refused("没有说明是哪件课件") from None
