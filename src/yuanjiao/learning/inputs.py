"""Cleaning of what people enter about study days and sessions. Everything that is known is filled in beforehand (requirements c1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from yuanjiao.courseware.queries import ItemCard
from yuanjiao.learning.events import ItemShown
from yuanjiao.learning.models import FORM_NAMES, CopyForm, DistributionLine, StudyDayPlan
from yuanjiao.learning.rules import MAX_HEADS, MAX_MINUTES, SessionForm, parse_days
from yuanjiao.lib.clock import CHINA
from yuanjiao.lib.errors import Refused
from yuanjiao.lib.uid import new_uid
from yuanjiao.places.models import LEVEL_NAMES, Division, OrgUnit
from yuanjiao.places.rules import Level

LEVELS_ASKED = [(level, name) for level, name in LEVEL_NAMES if level >= Level.COUNTY]
DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class PlanForm(forms.Form):
    """A study day: for whom, when, what."""

    title = forms.CharField(label=lazy("名称"), max_length=80, help_text=lazy("例如：逢六学习日"))
    scope = forms.ChoiceField(label=lazy("范围"), help_text=lazy("范围内的每个站点都会收到提醒"))
    unit = forms.ChoiceField(label=lazy("组织单位"))
    days = forms.CharField(
        label=lazy("每月的日子"), required=False, help_text=lazy("例如 6、16、26；某月没有这一天则当月不办。只办一次的请留空")
    )
    single_on = forms.DateField(label=lazy("只办一次的日期"), required=False, widget=DAY)
    start_time = forms.TimeField(
        label=lazy("开始时间"), initial=time(19, 30), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    minutes = forms.IntegerField(label=lazy("时长（分钟）"), initial=60, min_value=1, max_value=MAX_MINUTES)
    form = forms.ChoiceField(label=lazy("形式"), choices=FORM_NAMES)
    starts_on = forms.DateField(label=lazy("从哪天起"), widget=DAY)
    ends_on = forms.DateField(label=lazy("到哪天止（含当日）"), required=False, widget=DAY, help_text=lazy("留空为长期"))
    items = forms.MultipleChoiceField(
        label=lazy("推荐课件"), required=False, widget=forms.CheckboxSelectMultiple, help_text=lazy("站点登记时已替他们选好，放了别的再改")
    )

    def __init__(self, data: Any, *, places: Iterable[Division], units: Sequence[OrgUnit], cards: Sequence[ItemCard], today: date) -> None:
        super().__init__(data, initial={"starts_on": today})
        self._titles = {str(card.uid): card.title for card in cards}
        self._units = {unit.code: unit for unit in units}
        self.fields["scope"].choices = [(row.path, "　" * (row.level - Level.CITY) + row.name) for row in places]  # type: ignore[attr-defined]
        self.fields["unit"].choices = [(unit.code, unit.name) for unit in units]  # type: ignore[attr-defined]
        self.fields["items"].choices = list(self._titles.items())  # type: ignore[attr-defined]
        if not self._titles:
            del self.fields["items"]  # an empty frame would only ask a question nobody can answer

    def clean_days(self) -> frozenset[int]:
        text = self.cleaned_data["days"].strip()
        try:
            return parse_days(text) if text else frozenset()
        except ValueError:
            raise forms.ValidationError(_("请写每月的几号，用顿号或逗号隔开，例如 6、16、26")) from None

    def plan(self) -> dict[str, Any]:
        """The arguments of `plan_study_day`, except who and when."""
        cleaned = self.cleaned_data
        return {
            "title": cleaned["title"],
            "unit": self._units[cleaned["unit"]],
            "scope": cleaned["scope"],
            "form": SessionForm(cleaned["form"]),
            "start_time": cleaned["start_time"],
            "minutes": cleaned["minutes"],
            "starts_on": cleaned["starts_on"],
            "ends_on": cleaned["ends_on"],
            "days_of_month": cleaned["days"],
            "single_on": cleaned["single_on"],
            "items": [ItemShown(uid=UUID(uid), title=self._titles[uid]) for uid in cleaned.get("items", [])],
        }


class RequiredForm(forms.Form):
    """A required list: of whom, what, by when."""

    title = forms.CharField(label=lazy("名称"), max_length=80, help_text=lazy("例如：第三季度必学课件"))
    document = forms.CharField(label=lazy("依据文件"), max_length=100)
    scope = forms.ChoiceField(label=lazy("范围"))
    level = forms.TypedChoiceField(
        label=lazy("哪一级组织"), coerce=int, choices=LEVELS_ASKED, initial=Level.VILLAGE, help_text=lazy("范围内这一级的每个组织各自完成")
    )
    unit = forms.ChoiceField(label=lazy("布置单位"))
    starts_on = forms.DateField(label=lazy("从哪天起"), widget=DAY)
    due_on = forms.DateField(label=lazy("期限（含当日）"), widget=DAY)
    items = forms.MultipleChoiceField(
        label=lazy("课件"), widget=forms.CheckboxSelectMultiple,
        help_text=lazy("只看组织有没有在集中学习时放过，不记个人看没看"),
    )  # fmt: skip

    def __init__(self, data: Any, *, places: Sequence[Division], units: Sequence[OrgUnit], cards: Sequence[ItemCard], today: date) -> None:
        super().__init__(data, initial={"starts_on": today})
        self._titles = {str(card.uid): card.title for card in cards}
        self._units, self._places = {unit.code: unit for unit in units}, {row.code: row for row in places}
        self.fields["scope"].choices = [(row.code, "　" * (row.level - Level.CITY) + row.name) for row in places]  # type: ignore[attr-defined]
        self.fields["unit"].choices = [(unit.code, unit.name) for unit in units]  # type: ignore[attr-defined]
        self.fields["items"].choices = list(self._titles.items())  # type: ignore[attr-defined]

    def asked(self) -> dict[str, Any]:
        """The arguments of `assign_required_list`, except who and when."""
        cleaned = self.cleaned_data
        return {
            **{name: cleaned[name] for name in ("title", "document", "starts_on", "due_on")},
            "unit": self._units[cleaned["unit"]],
            "place": self._places[cleaned["scope"]],
            "level": Level(cleaned["level"]),
            "items": [ItemShown(uid=UUID(uid), title=self._titles[uid]) for uid in cleaned["items"]],
        }


class DistributionForm(forms.Form):
    """Copies to be given out: what, to whom, how many each."""

    title = forms.CharField(label=lazy("文件或书名"), max_length=100)
    edition = forms.CharField(label=lazy("版本"), max_length=30, required=False, help_text=lazy("例如：2026 年第 1 版"))
    form = forms.ChoiceField(label=lazy("形式"), choices=CopyForm.choices)
    item = forms.ChoiceField(label=lazy("课件库里的电子版"), required=False, help_text=lazy("有的话选上，单位可以直接打开看"))
    document = forms.CharField(label=lazy("依据文件"), max_length=100, required=False)
    scope = forms.ChoiceField(label=lazy("范围"))
    level = forms.TypedChoiceField(label=lazy("发到哪一级组织"), coerce=int, choices=LEVELS_ASKED, initial=Level.VILLAGE)
    each = forms.IntegerField(label=lazy("每个单位多少份"), min_value=1, initial=1, help_text=lazy("各单位不同的，开始以后逐个改"))
    unit = forms.ChoiceField(label=lazy("发放单位"))

    def __init__(self, data: Any, *, places: Sequence[Division], units: Sequence[OrgUnit], cards: Sequence[ItemCard]) -> None:
        super().__init__(data)
        self._units, self._places = {unit.code: unit for unit in units}, {row.code: row for row in places}
        self.fields["scope"].choices = [(row.code, "　" * (row.level - Level.CITY) + row.name) for row in places]  # type: ignore[attr-defined]
        self.fields["unit"].choices = [(unit.code, unit.name) for unit in units]  # type: ignore[attr-defined]
        self.fields["item"].choices = [("", _("没有")), *((str(card.uid), card.title) for card in cards)]  # type: ignore[attr-defined]

    def asked(self) -> dict[str, Any]:
        """The arguments of `begin_distribution`, except who and when."""
        cleaned = self.cleaned_data
        return {
            **{name: cleaned[name] for name in ("title", "edition", "document", "each")},
            "form": CopyForm(cleaned["form"]),
            "item": UUID(cleaned["item"]) if cleaned["item"] else None,
            "unit": self._units[cleaned["unit"]],
            "place": self._places[cleaned["scope"]],
            "level": Level(cleaned["level"]),
        }


class CopiesForm(forms.Form):
    """How many copies one unit needs and has; who only receives does not change the need."""

    needed = forms.IntegerField(label=lazy("需要"), min_value=1)
    delivered = forms.IntegerField(label=lazy("已发（累计）"), min_value=0)
    on = forms.DateField(label=lazy("送达日期"), widget=DAY)

    def __init__(self, data: Any, *, line: DistributionLine, may_need: bool, today: date) -> None:
        super().__init__(data, initial={"needed": line.needed, "delivered": line.delivered, "on": today})
        self.fields["needed"].disabled = not may_need


class LetterForm(forms.Form):
    """A letter for units to print."""

    title = forms.CharField(label=lazy("标题"), max_length=40, initial=lazy("致家长的一封信"))
    body = forms.CharField(
        label=lazy("正文"), max_length=3000, widget=forms.Textarea(attrs={"rows": 12}),
        help_text=lazy("一行一段。可以留空由各单位打印时自动填：{单位} {地方} {日期}；选了学习日还有 {课程} {时间}。不要写任何人的姓名"),
    )  # fmt: skip
    scope = forms.ChoiceField(label=lazy("范围"))
    unit = forms.ChoiceField(label=lazy("起草单位"))
    plan = forms.ChoiceField(label=lazy("配合的学习日（如开学第一课）"), required=False)

    def __init__(self, data: Any, *, places: Sequence[Division], units: Sequence[OrgUnit], plans: Sequence[StudyDayPlan]) -> None:
        super().__init__(data)
        self._units, self._places = {unit.code: unit for unit in units}, {row.code: row for row in places}
        self._plans = {str(plan.uid): plan for plan in plans}
        self.fields["scope"].choices = [(row.code, "　" * (row.level - Level.CITY) + row.name) for row in places]  # type: ignore[attr-defined]
        self.fields["unit"].choices = [(unit.code, unit.name) for unit in units]  # type: ignore[attr-defined]
        self.fields["plan"].choices = [("", _("没有")), *((uid, plan.title) for uid, plan in self._plans.items())]  # type: ignore[attr-defined]

    def asked(self) -> dict[str, Any]:
        """The arguments of `issue_letter`, except who and when."""
        cleaned = self.cleaned_data
        return {
            "title": cleaned["title"],
            "body": cleaned["body"],
            "place": self._places[cleaned["scope"]],
            "unit": self._units[cleaned["unit"]],
            "plan": self._plans.get(cleaned["plan"]),
        }


class HeadsForm(forms.Form):
    """Heads, length and form of a session; used to record it and to set it right."""

    heads_onsite = forms.IntegerField(
        label=lazy("现场人数"), min_value=0, max_value=MAX_HEADS,
        widget=forms.NumberInput(attrs={"autofocus": True, "inputmode": "numeric"}),
    )  # fmt: skip
    heads_online = forms.IntegerField(label=lazy("线上人数"), min_value=0, max_value=MAX_HEADS, initial=0)
    minutes = forms.IntegerField(label=lazy("时长（分钟）"), min_value=1, max_value=MAX_MINUTES, initial=60)
    form = forms.ChoiceField(label=lazy("形式"), choices=FORM_NAMES)


class RecordForm(HeadsForm):
    """A session as its site manager records it: one field is empty, the heads."""

    uid = forms.UUIDField(widget=forms.HiddenInput)
    start_time = forms.TimeField(label=lazy("开始时间"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))

    def __init__(self, data: Any, *, plans: Sequence[StudyDayPlan], at: datetime, on: date) -> None:
        first = plans[0] if plans else None
        initial: dict[str, Any] = {"uid": new_uid(), "start_time": held_time(first, on, at), "heads_online": 0}
        if first is not None:
            initial |= {"minutes": first.minutes, "form": first.form}
        super().__init__(data, initial=initial)


class CorrectForm(HeadsForm):
    """What a session's record should have said, and why."""

    reason = forms.CharField(label=lazy("改正原因"), max_length=200)


def held_time(plan: StudyDayPlan | None, on: date, at: datetime) -> time:
    """When the session probably began: as planned, but not later than now."""
    local = at.astimezone(CHINA)
    now = local.time().replace(second=0, microsecond=0)
    if plan is None or (on == local.date() and plan.start_time > now):
        return now
    return plan.start_time


def shown_items(
    plan: StudyDayPlan | None, ticked: Iterable[str], cards: Sequence[ItemCard], required: Iterable[tuple[UUID, str]] = ()
) -> tuple[ItemShown, ...]:
    """The ticked items with their titles: those of the plan, of the required lists, of the library; unknown ones are dropped."""
    titles = {str(item.courseware_uid): item.title for item in plan.items.all()} if plan else {}
    titles |= {str(uid): title for uid, title in required} | {str(card.uid): card.title for card in cards}
    wanted = set(ticked)
    return tuple(ItemShown(uid=UUID(uid), title=title) for uid, title in titles.items() if uid in wanted)


def day_asked(text: str, today: date) -> date:
    """The day in ?on=, today without one. Refused when it is no day."""
    try:
        return date.fromisoformat(text) if text else today
    except ValueError:
        raise Refused(_("日期写法应为 2026-03-16")) from None


def month_asked(text: str, today: date) -> date:
    """The first day of the month in ?month=2026-03; this month without one. Refused when it is no month."""
    return day_asked(f"{text}-01" if text else "", today).replace(day=1)
