"""What people send: forms of items, columns and reasons; headers of the upload protocol. Cleaned here, judged by the commands."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext_lazy as _

from yuanjiao.courseware.models import Column, ConsentForm, Courseware, CoursewareClass, CoursewareSource, NeedOrigin, PolicyRole, Topic
from yuanjiao.courseware.rules.kinds import AGE_BANDS, MATERIALS, Kind
from yuanjiao.lib.clock import day_start
from yuanjiao.lib.errors import Refused
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.places.rules import Level

TOPICS = forms.CheckboxSelectMultiple(attrs={"class": "ticks"})
DAY = {"type": "date"}


class CoursewareForm(forms.Form):
    """What is said of an item. The kind is chosen once, before; an address is asked for links only."""

    title = forms.CharField(label=_("标题"), max_length=100, help_text=_("村民在电视和手机上看到的名字，一句话说清讲什么"))
    address = forms.CharField(label=_("网址"), max_length=500, help_text=_("以 http:// 或 https:// 开头；没有外网的站点打不开"))
    summary = forms.CharField(
        label=_("内容简介"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text=_("可不填；会参与搜索")
    )
    speaker = forms.CharField(label=_("主讲人"), max_length=50, required=False, help_text=_("几位之间用顿号隔开"))
    item_class = forms.ChoiceField(label=_("类别"), choices=CoursewareClass.choices)
    source = forms.ChoiceField(label=_("来源"), choices=CoursewareSource.choices)
    origin = forms.CharField(label=_("来源单位"), max_length=100, required=False, help_text=_("其他部门提供的，写部门名称"))
    age_band = forms.ChoiceField(label=_("适合年龄"), choices=[("", _("不限")), *AGE_BANDS], required=False)
    topics = forms.MultipleChoiceField(label=_("主题标签"), required=False, widget=TOPICS)
    material = forms.ChoiceField(
        label=_("教材种类"),
        choices=[("", _("不是教材")), *MATERIALS],
        required=False,
        help_text=_("教材须逐项填写审核清单，并进入教材登记"),
    )
    is_story = forms.BooleanField(label=_("人物事迹"), required=False, help_text=_("写到的健在人物，须登记本人同意后才能审核通过"))
    is_case = forms.BooleanField(label=_("教学案例"), required=False, help_text=_("按“背景、做法、数据、成效”四节来写"))

    def __init__(self, *args: Any, kind: str = Kind.VIDEO, topics: Sequence[Topic] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by_code = {topic.code: topic for topic in topics}
        if kind != Kind.LINK:
            del self.fields["address"]
        if kind != Kind.ARTICLE:
            del self.fields["is_case"]
        if topics:
            self.fields["topics"].choices = _grouped(topics)  # type: ignore[attr-defined]
        else:
            del self.fields["topics"]

    def words(self) -> dict[str, Any]:
        """What the commands take."""
        values = dict(self.cleaned_data)
        if "topics" in values:
            values["topics"] = [self.by_code[code] for code in values["topics"]]
        return {**values, "item_class": CoursewareClass(values["item_class"]), "source": CoursewareSource(values["source"])}

    @staticmethod
    def values_of(item: Courseware) -> dict[str, Any]:
        """An item as the form shows it."""
        names = ("title", "address", "summary", "speaker", "item_class", "source", "origin", "age_band", "material", "is_story", "is_case")
        return {**{name: getattr(item, name) for name in names}, "topics": list(item.topics.values_list("code", flat=True))}


def _grouped(topics: Sequence[Topic]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Choices by the name of their taxonomy; `topics` come in order."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for topic in topics:
        groups.setdefault(topic.taxonomy.name, []).append((topic.code, topic.name))
    return list(groups.items())


class ArticleForm(forms.Form):
    """The text of an article in plain marks."""

    source = forms.CharField(label=_("正文"), max_length=100_000, widget=forms.Textarea(attrs={"rows": 22, "class": "writing"}))


class RightsForm(forms.Form):
    """A licence; the price in yuan as people write it."""

    holder = forms.CharField(label=_("权利人"), max_length=100)
    contract_number = forms.CharField(label=_("合同编号"), max_length=60, required=False)
    price = forms.DecimalField(label=_("价格（元）"), min_value=0, max_digits=10, decimal_places=2, required=False)
    scope = forms.CharField(
        label=_("许可范围"), max_length=200, required=False, help_text=_("合同里许可怎样使用，例如：全市远程教育站点播放，不得下载")
    )
    area = forms.ChoiceField(label=_("许可区域"), choices=(), required=False)
    rights_from = forms.DateField(label=_("授权开始"), required=False, widget=forms.DateInput(attrs=DAY, format="%Y-%m-%d"))
    rights_to = forms.DateField(
        label=_("授权截止"), required=False, widget=forms.DateInput(attrs=DAY, format="%Y-%m-%d"),
        help_text=_("从这一天起，中心和各边缘服务器都不再播出，断网的站点也一样"),
    )  # fmt: skip

    def __init__(self, *args: Any, divisions: Sequence[Division] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by_path = {one.path: one for one in divisions}
        self.fields["area"].choices = [("", _("不限")), *((one.path, one.name) for one in divisions)]  # type: ignore[attr-defined]

    def terms(self) -> dict[str, Any]:
        """What the command takes."""
        values = dict(self.cleaned_data)
        price = values.pop("price")
        return {**values, "price_fen": None if price is None else int(price * 100), "area": self.by_path.get(values["area"])}


class ShownPersonForm(forms.Form):
    """Somebody an item tells of."""

    name = forms.CharField(label=_("人物姓名"), max_length=50, help_text=_("加密保存，只用来核对同意材料"))
    is_living = forms.BooleanField(label=_("健在"), required=False, initial=True)
    consent_form = forms.ChoiceField(label=_("同意方式"), choices=[("", _("还没有")), *ConsentForm.choices], required=False)
    consent_on = forms.DateField(label=_("同意日期"), required=False, widget=forms.DateInput(attrs=DAY, format="%Y-%m-%d"))
    paper = forms.CharField(label=_("材料存放处"), max_length=100, required=False, help_text=_("例如：宣传科档案柜 2026-03 号"))


class NeedForm(forms.Form):
    """Something people asked for."""

    text = forms.CharField(label=_("需求"), max_length=100, help_text=_("一句话：群众想学什么、问什么；不写是谁"))
    origin = forms.ChoiceField(label=_("从哪里来"), choices=NeedOrigin.choices)
    topic = forms.ChoiceField(label=_("主题"), required=False, choices=())
    division = forms.ChoiceField(label=_("地方"), choices=())
    times = forms.IntegerField(label=_("次数"), min_value=1, max_value=100_000, initial=1)

    def __init__(self, *args: Any, divisions: Sequence[Division] = (), topics: Sequence[Topic] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by_path = {one.path: one for one in divisions}
        self.by_code = {one.code: one for one in topics}
        self.fields["division"].choices = [(one.path, one.name) for one in divisions]  # type: ignore[attr-defined]
        self.fields["topic"].choices = [("", _("（未分主题）")), *_grouped(topics)]  # type: ignore[attr-defined]

    def terms(self) -> dict[str, Any]:
        """What the command takes."""
        values = self.cleaned_data
        chosen = {"division": self.by_path[values["division"]], "topic": self.by_code.get(values["topic"])}
        return {**values, **chosen, "origin": NeedOrigin(values["origin"])}


class PolicyForm(forms.Form):
    """An item that is a policy text."""

    document = forms.CharField(label=_("文号"), max_length=60, help_text=_("例如：青农〔2026〕12号"))
    issued_on = forms.DateField(label=_("发文日期"), widget=forms.DateInput(attrs=DAY, format="%Y-%m-%d"))


class PolicyLinkForm(forms.Form):
    """The text that an item explains."""

    policy = forms.ChoiceField(label=_("政策文件"), choices=())
    role = forms.ChoiceField(label=_("性质"), choices=PolicyRole.choices)

    def __init__(self, *args: Any, policies: Sequence[tuple[UUID, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["policy"].choices = [(str(uid), name) for uid, name in policies]  # type: ignore[attr-defined]


class CommissionForm(forms.Form):
    """Something to make urgently."""

    title = forms.CharField(label=_("要做什么"), max_length=100)
    detail = forms.CharField(label=_("要求"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3}))
    unit = forms.ChoiceField(label=_("承办单位"), choices=())
    due_on = forms.DateField(label=_("期限"), widget=forms.DateInput(attrs=DAY, format="%Y-%m-%d"), help_text=_("到这一天结束为止"))

    def __init__(self, *args: Any, units: Sequence[OrgUnit] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by_code = {one.code: one for one in units}
        self.fields["unit"].choices = [(one.code, one.name) for one in units]  # type: ignore[attr-defined]

    def terms(self) -> dict[str, Any]:
        """What the command takes."""
        values = dict(self.cleaned_data)
        due = day_start(values.pop("due_on") + timedelta(days=1))
        return {**values, "unit": self.by_code[values["unit"]], "due_at": due}


class ManyFiles(forms.ClearableFileInput):
    """A choice of several files at once."""

    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """Several files: a list, empty when none was chosen."""

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        chosen = data if isinstance(data, list | tuple) else [data] if data else []
        return [super(ManyFilesField, self).clean(one, initial) for one in chosen]


class StoryForm(forms.Form):
    """A story written on a phone; the photographs are taken from the request."""

    title = forms.CharField(label=_("标题"), max_length=100, help_text=_("谁做了什么，一句话"))
    text = forms.CharField(label=_("事迹"), max_length=20_000, widget=forms.Textarea(attrs={"rows": 10}), help_text=_("空一行另起一段"))
    photos = ManyFilesField(
        label=_("照片"), required=False, widget=ManyFiles(attrs={"accept": "image/*"}), help_text=_("可选几张；会自动缩小并去掉拍摄地点")
    )
    division = forms.ChoiceField(label=_("报送到"), choices=())

    def __init__(self, *args: Any, divisions: Sequence[Division] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by_path = {one.path: one for one in divisions}
        self.fields["division"].choices = [(one.path, one.name) for one in divisions]  # type: ignore[attr-defined]


class BulkForm(forms.Form):
    """An archive of another department."""

    department = forms.CharField(label=_("来源单位"), max_length=100, help_text=_("例如：市农业农村局。会留在每件课件上"))
    archive = forms.FileField(
        label=_("压缩包（.zip）"),
        required=False,
        widget=forms.ClearableFileInput(attrs={"accept": ".zip"}),
        help_text=_("一张清单和清单里写的文件，放在一个压缩包里。大的先不选，下一页分段上传，断了能接着传；图文用 .docx 或 .txt"),
    )


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


def answers_of(post: QueryDict) -> dict[int, bool] | None:
    """Answers to the checklist, sent as `line-<key>` = yes or no; None when the form had none."""
    told = {name.removeprefix("line-"): value for name, value in post.items() if name.startswith("line-")}
    return {int(key): value == "yes" for key, value in told.items() if key.isdigit()} or None


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
