"""Forms of programmes: what people type, cleaned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from yuanjiao.lib.clock import CHINA
from yuanjiao.lib.errors import Refused
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.places.rules import Level
from yuanjiao.programmes.rules.outlets import CONNECTOR_NAMES

WEEKDAY_CHOICES = [(str(number), f"周{name}") for number, name in enumerate("一二三四五六日", 1)]


def date_input() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class OwnedForm(forms.Form):
    """Forms of rows that a unit owns and that speak to an audience. Without `units` the owner is fixed already."""

    def __init__(self, *args: Any, units: Sequence[OrgUnit] = (), divisions: Sequence[Division] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if units:
            self.fields["unit"].choices = [(unit.code, unit.name) for unit in units]  # type: ignore[attr-defined]
        else:
            self.fields.pop("unit", None)
        everybody = [("/", _("所有人"))] if any(one.level <= Level.CITY for one in divisions) else []
        if "audience" in self.fields:
            self.fields["audience"].choices = [*everybody, *((one.path, one.name) for one in divisions)]  # type: ignore[attr-defined]
        if "scope" in self.fields:
            self.fields["scope"].choices = [(one.path, one.name) for one in divisions]  # type: ignore[attr-defined]


class ThemeForm(OwnedForm):
    """A theme with the columns it bundles."""

    title = forms.CharField(label=_("主题名称"), max_length=30)
    summary = forms.CharField(label=_("说明"), max_length=200, required=False)
    unit = forms.ChoiceField(label=_("主办单位"), choices=())
    audience = forms.ChoiceField(label=_("面向范围"), choices=())
    starts_on = forms.DateField(label=_("开始日期"), widget=date_input())
    ends_on = forms.DateField(label=_("结束日期"), widget=date_input(), help_text=_("到这一天自动从各终端下线"))
    order = forms.IntegerField(label=_("顺序"), min_value=0, max_value=9999, initial=100, help_text=_("小的在前"))
    columns = forms.MultipleChoiceField(label=_("栏目"), choices=(), widget=forms.CheckboxSelectMultiple)
    banner = forms.FileField(label=_("横幅图片"), required=False, help_text=_("JPEG、PNG 或 WebP；横幅宜宽，建议 1280×320"))

    def __init__(self, *args: Any, columns: Sequence[tuple[UUID, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["columns"].choices = [(str(uid), title) for uid, title in columns]  # type: ignore[attr-defined]

    def clean_columns(self) -> list[UUID]:
        return [UUID(one) for one in self.cleaned_data["columns"]]


class NoticeForm(OwnedForm):
    """An urgent notice."""

    title = forms.CharField(label=_("标题"), max_length=40)
    body = forms.CharField(label=_("正文"), max_length=600, widget=forms.Textarea(attrs={"rows": 6}))
    unit = forms.ChoiceField(label=_("发布单位"), choices=())
    document = forms.CharField(label=_("文号或批准依据"), max_length=60, help_text=_("只发正式通知；会显示在通知下方"))
    scope = forms.ChoiceField(label=_("范围"), choices=(), help_text=_("范围内所有电视、手机页面先显示这条通知"))
    ends_at = forms.DateTimeField(
        label=_("截止时间"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("最长三十天"),
    )

    def clean_ends_at(self) -> datetime:
        found: datetime = self.cleaned_data["ends_at"]
        return found if found.tzinfo else found.replace(tzinfo=CHINA)


def moment_input() -> forms.DateTimeInput:
    return forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class LiveForm(OwnedForm):
    """A live programme. Without `units` it is announced already, and an empty signal keeps the one it has."""

    title = forms.CharField(label=_("直播名称"), max_length=40)
    lead = forms.CharField(label=_("简介"), max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 3}))
    unit = forms.ChoiceField(label=_("主办单位"), choices=())
    audience = forms.ChoiceField(label=_("面向范围"), choices=())
    starts_at = forms.DateTimeField(label=_("开始时间"), widget=moment_input())
    ends_at = forms.DateTimeField(label=_("结束时间"), widget=moment_input(), help_text=_("到时间自动结束，最长 12 小时；直播中可以延长"))
    signal = forms.CharField(
        label=_("信号地址"), max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("由直播设备或直播服务器给出，例如 rtmp://直播服务器/应用/流名；加密保存，不再显示"),
    )  # fmt: skip
    recorder = forms.ChoiceField(
        label=_("录像交给"), choices=(), required=False, help_text=_("结束后自动成为他的课件草稿，打包、三审后发布")
    )
    column = forms.ChoiceField(label=_("录像拟编入的栏目"), choices=(), required=False)

    def __init__(
        self, *args: Any, columns: Sequence[tuple[UUID, str]] = (), recorders: Sequence[tuple[UUID, str]] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        for name, none, choices in (("recorder", _("不录像"), recorders), ("column", _("未定"), columns)):
            self.fields[name].choices = [("", none), *((str(uid), title) for uid, title in choices)]  # type: ignore[attr-defined]
        if "unit" not in self.fields:
            del self.fields["audience"]
            self.fields["signal"].required = False
            self.fields["signal"].help_text = _("不填即用原来的；填了新的，直播中也会立即改收新信号")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for name in ("starts_at", "ends_at"):
            if (found := values.get(name)) is not None and not found.tzinfo:
                values[name] = found.replace(tzinfo=CHINA)
        for name in ("recorder", "column"):
            values[name] = UUID(values[name]) if values.get(name) else None
        return values


class OutletForm(OwnedForm):
    """An official channel."""

    name = forms.CharField(label=_("媒体名称"), max_length=40, help_text=_("例如：市教育局公众号、青禾日报"))
    unit = forms.ChoiceField(label=_("主管单位"), choices=())
    registration = forms.CharField(label=_("备案号或批准依据"), max_length=80, help_text=_("只向官方媒体发布"))
    connector = forms.ChoiceField(label=_("连接方式"), choices=CONNECTOR_NAMES)
    address = forms.CharField(label=_("接口网址"), max_length=500, required=False, help_text=_("人工发布不填；加密保存，不再显示"))
    secret = forms.CharField(
        label=_("签名密钥"), max_length=200, required=False, widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("媒体系统接口和短信网关至少 16 位；机器人开了“加签”才填"),
    )  # fmt: skip


class PublishForm(forms.Form):
    """An item and the channels it goes to."""

    item = forms.ChoiceField(label=_("课件"), choices=())
    outlets = forms.MultipleChoiceField(label=_("媒体"), choices=(), widget=forms.CheckboxSelectMultiple)
    lead = forms.CharField(
        label=_("导语"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text=_("不填即用课件的简介")
    )

    def __init__(self, *args: Any, items: Sequence[tuple[UUID, str]], outlets: Mapping[str, object], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["item"].choices = [(str(uid), title) for uid, title in items]  # type: ignore[attr-defined]
        self.fields["outlets"].choices = [(key, str(one)) for key, one in outlets.items()]  # type: ignore[attr-defined]


class ChannelForm(OwnedForm):
    """A channel without its blocks."""

    title = forms.CharField(label=_("频道名称"), max_length=20)
    unit = forms.ChoiceField(label=_("主办单位"), choices=())
    audience = forms.ChoiceField(label=_("面向范围"), choices=())
    order = forms.IntegerField(label=_("顺序"), min_value=0, max_value=9999, initial=100, help_text=_("小的在前"))


class BlockForm(forms.Form):
    """A block of a channel: a column, once through or round and round."""

    weekdays = forms.MultipleChoiceField(
        label=_("星期"), choices=WEEKDAY_CHOICES, widget=forms.CheckboxSelectMultiple, initial=list("1234567")
    )
    begins = forms.TimeField(label=_("开始"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    ends = forms.TimeField(label=_("结束"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    column = forms.ChoiceField(label=_("播放栏目"), choices=())
    loop = forms.BooleanField(label=_("轮播到结束"), required=False, initial=True, help_text=_("不选则按顺序播一遍"))

    def __init__(self, *args: Any, columns: Sequence[tuple[UUID, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["column"].choices = [(str(uid), title) for uid, title in columns]  # type: ignore[attr-defined]

    def clean_weekdays(self) -> str:
        return "".join(self.cleaned_data["weekdays"])

    def clean_column(self) -> UUID:
        return UUID(self.cleaned_data["column"])


class BulletinForm(OwnedForm):
    """A weekly bulletin."""

    name = forms.CharField(label=_("快讯名称"), max_length=40, help_text=_("例如：青禾市远教快讯"))
    unit = forms.ChoiceField(label=_("主办单位"), choices=())
    scope = forms.ChoiceField(label=_("范围"), choices=(), help_text=_("发给这个范围内现任的责任人和站点管理员；开办后不能改"))
    sender = forms.CharField(label=_("短信签名"), max_length=20, help_text=_("不带括号，与短信网关报备的一致；开办后不能改"))
    address = forms.URLField(label=_("观看网址"), max_length=120, assume_scheme="https", help_text=_("人人同一个网址，不带个人标记"))
    weekday = forms.ChoiceField(label=_("起草日"), choices=WEEKDAY_CHOICES, help_text=_("这一天自动起草，不自动发送"))
    most = forms.IntegerField(label=_("最多几件"), min_value=1, max_value=12)


class BulletinChangeForm(forms.Form):
    """The rhythm of a bulletin."""

    weekday = forms.ChoiceField(label=_("起草日"), choices=WEEKDAY_CHOICES)
    most = forms.IntegerField(label=_("最多几件"), min_value=1, max_value=12)


def numbered(post: Mapping[str, Any]) -> list[UUID]:
    """Items of a form in which each has a box for its place: those with a number, in the order of the numbers."""
    found: list[tuple[int, int, str]] = []
    for name, value in post.items():
        if name.startswith("n-") and str(value).strip():
            if not str(value).strip().isdecimal():
                raise Refused("顺序请填数字，不选的留空")
            found.append((int(str(value).strip()[:4]), len(found), name[2:]))
    try:
        return [UUID(uid) for _number, _place, uid in sorted(found)]
    except ValueError:
        raise Refused("没有这件课件") from None
