"""Forms of faults: what a person types, cleaned; what is known already is filled in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from yuanjiao.faults.models import AREAS, CLASSES, SYMPTOMS, FaultCause, ServiceTerm, WorkOrder
from yuanjiao.faults.queries import AcceptanceCheck, causes_for
from yuanjiao.faults.rules.calendar import COUNTING_NAMES
from yuanjiao.items.inputs import UnitField
from yuanjiao.items.rules import QUESTIONS, Answer, ThreeAnswers
from yuanjiao.lib.clock import CHINA
from yuanjiao.lib.uid import new_uid
from yuanjiao.people.models import Person
from yuanjiao.places.models import Division, OrgUnit

YES_NO = [("yes", _("是")), ("no", _("否"))]


class ReportForm(forms.Form):
    """A fault as a site manager or an officer files it: one choice, the rest if there is something to say."""

    uid = forms.UUIDField(widget=forms.HiddenInput, initial=new_uid)  # a doubled click files one report
    symptom = forms.ChoiceField(label=_("现象"), choices=SYMPTOMS)
    error_code = forms.CharField(label=_("错误代码"), max_length=20, required=False, help_text=_("屏幕上显示的号码，没有就空着"))
    words = forms.CharField(
        label=_("还有什么要说明"), max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("不用写姓名、电话等个人信息"),
    )  # fmt: skip

    def details(self) -> dict[str, Any]:
        """What `commands.report_fault` takes."""
        return dict(self.cleaned_data)


class CallForm(ReportForm):
    """The same, as a clerk hears it, with whom to call back."""

    caller_name = forms.CharField(label=_("来电人称呼"), max_length=50, required=False)
    caller_phone = forms.CharField(label=_("回访电话"), max_length=30, required=False, widget=forms.TextInput(attrs={"inputmode": "tel"}))
    separate = forms.BooleanField(label=_("不是同一故障，另开一张工单"), required=False)

    def __init__(self, *args: Any, known: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["symptom"].widget.attrs["autofocus"] = True
        self.fields["words"].label = _("来电人的话")
        if not known:
            del self.fields["separate"]


class CallBackForm(forms.Form):
    """What the reporter says of the repair."""

    satisfied = forms.ChoiceField(label=_("对处理结果"), choices=[("yes", _("满意")), ("no", _("不满意"))], widget=forms.RadioSelect)
    note = forms.CharField(label=_("回访情况"), max_length=200, required=False, help_text=_("不满意须写明还有什么问题，工单将重新打开"))


class ReasonForm(forms.Form):
    """One line of reason."""

    reason = forms.CharField(label=_("原因"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}))


class ExtendForm(ReasonForm):
    """How much longer, and why."""

    hours = forms.IntegerField(label=_("延长（小时）"), min_value=1, max_value=720, initial=24)
    field_order = ["hours", "reason"]


class DispatchForm(forms.Form):
    """Which unit gets the order."""

    def __init__(self, *args: Any, units: QuerySet[OrgUnit], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["unit"] = UnitField(label=_("承办单位"), among=units, help_text=_("写全称或单位代码"))


class SubmitForm(forms.Form):
    """The engineer's result: class and cause compulsory (OPS03, OPS09)."""

    fault_class = forms.ChoiceField(label=_("故障类别"), choices=CLASSES, widget=forms.RadioSelect)
    cause = forms.ChoiceField(label=_("故障原因"))
    note = forms.CharField(label=_("处理情况"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, order: WorkOrder, causes: Iterable[FaultCause] | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"fault_class": order.fault_class or order.proposed_class})
        super().__init__(*args, **kwargs)
        known = list(causes_for() if causes is None else causes)
        groups = [(title, [(c.code, c.name) for c in known if c.fault_class == key]) for key, title in (*CLASSES, ("", _("各类通用")))]
        self.fields["cause"].choices = [("", _("请选择")), *groups]  # type: ignore[attr-defined]


class VerifyForm(forms.Form):
    """The three questions, each with its evidence; what the journal and the engineer say is filled in for the reader to confirm."""

    def __init__(self, *args: Any, order: WorkOrder, check: AcceptanceCheck, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = {"done": order.repair_note, "solved": _play_words(check), "changed": ""}
        for name, question in QUESTIONS.items():
            self.fields[f"{name}_yes"] = forms.ChoiceField(label=question, choices=YES_NO, widget=forms.RadioSelect)
            self.fields[name] = forms.CharField(label=_("依据"), max_length=200, initial=known[name])

    def answers(self) -> ThreeAnswers:
        data = self.cleaned_data
        return ThreeAnswers(**{name: Answer(data[f"{name}_yes"] == "yes", data[name]) for name in QUESTIONS})


def _play_words(check: AcceptanceCheck) -> str:
    if check.play is None or check.site is None:
        return ""
    return f"{check.site.name} {check.play.at.astimezone(CHINA):%m-%d %H:%M} 播放测试通过"


class TrainingForm(forms.Form):
    """One training: where, when, about what."""

    division = forms.ChoiceField(label=_("地区"))
    on = forms.DateField(label=_("培训日期"), widget=forms.DateInput(attrs={"type": "date"}))
    topic = forms.CharField(label=_("内容"), max_length=100)

    def __init__(self, *args: Any, places: Iterable[Division], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["division"].choices = [(place.code, place.name) for place in places]  # type: ignore[attr-defined]


class CauseForm(forms.ModelForm):  # type: ignore[type-arg]
    """One cause of the dictionary."""

    class Meta:
        model = FaultCause
        fields = ["code", "name", "fault_class", "active"]
        help_texts = {"code": _("小写英文、数字、下划线；已有代码则修改该原因")}

    def validate_unique(self) -> None:
        """The same code again is a change of that cause, made by the command."""


class TermForm(forms.ModelForm):  # type: ignore[type-arg]
    """One service term."""

    class Meta:
        model = ServiceTerm
        fields = ["unit_level", "respond_hours", "restore_hours", "patience_minutes", "filing_limit_hours"]


class AgreementForm(forms.Form):
    """One agreement as it was signed."""

    number = forms.CharField(label=_("协议编号"), max_length=40)
    title = forms.CharField(label=_("名称"), max_length=100)
    valid_from = forms.DateField(label=_("生效日期"), widget=forms.DateInput(attrs={"type": "date"}))
    valid_to = forms.DateField(label=_("到期日期"), widget=forms.DateInput(attrs={"type": "date"}), help_text=_("当天仍有效"))
    counting = forms.ChoiceField(label=_("时限计法"), choices=list(COUNTING_NAMES.items()))
    opens = forms.TimeField(label=_("上班"), initial="08:00", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    closes = forms.TimeField(label=_("下班"), initial="18:00", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    field_order = ["number", "title", "client", "operator"]

    def __init__(self, *args: Any, clients: QuerySet[OrgUnit], operators: QuerySet[OrgUnit], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        typed = _("写全称或单位代码；适用于甲方所在地区")
        self.fields["client"] = UnitField(label=_("甲方"), among=clients, listed="clients", help_text=typed)
        self.fields["operator"] = UnitField(label=_("乙方（运营商）"), among=operators, listed="operators")
        self.order_fields(self.field_order)


class HoursForm(forms.Form):
    """What an agreement promises for one class and area."""

    fault_class = forms.ChoiceField(label=_("类别"), choices=CLASSES)
    area = forms.ChoiceField(label=_("地区"), choices=AREAS)
    respond_hours = forms.IntegerField(label=_("响应时限（小时）"), min_value=1, max_value=720)
    restore_hours = forms.IntegerField(label=_("修复时限（小时）"), min_value=1, max_value=720)


class CalendarForm(forms.Form):
    """An official arrangement as it is copied from the notice."""

    document = forms.CharField(label=_("依据文件"), max_length=100, help_text=_("如国务院办公厅的放假安排通知及文号"))
    text = forms.CharField(
        label=_("日期"), max_length=6000, widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("一天一行：2026-10-01 放假 国庆节；调休上班写“上班”。已有的日期按新的改"),
    )  # fmt: skip


class DutyForm(forms.Form):
    """Who is on duty from when to when: a person of a unit by name, not one of a list of everybody."""

    name = forms.CharField(label=_("值班人"), max_length=50, help_text=_("写本单位人员的姓名"))
    starts_on = forms.DateField(label=_("起"), widget=forms.DateInput(attrs={"type": "date"}))
    ends_on = forms.DateField(label=_("止"), widget=forms.DateInput(attrs={"type": "date"}))
    field_order = ["unit", "name", "starts_on", "ends_on"]

    def __init__(self, *args: Any, units: QuerySet[OrgUnit], people: QuerySet[Person], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = people
        self.fields["unit"] = UnitField(label=_("单位"), among=units, help_text=_("写全称或单位代码"))
        self.order_fields(self.field_order)

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if "unit" in data and "name" in data:
            found = list(self.people.filter(unit=data["unit"], name=data.pop("name").strip())[:2])
            if len(found) != 1:
                raise forms.ValidationError(_("本单位没有这个人，或有重名"))
            data["person"] = found[0]
        return data


class DecideForm(forms.Form):
    """Whether a sheet goes out."""

    note = forms.CharField(label=_("意见"), max_length=200, required=False)


class ChannelForm(forms.Form):
    """An address outside; it is sealed and not shown again."""

    name = forms.CharField(label=_("名称"), max_length=50, help_text=_("如：县运维值班群"))
    address = forms.CharField(
        label=_("地址"), max_length=500, widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("群机器人的网址，或 mailtos://用户:口令@邮件服务器?to=收件人"),
    )  # fmt: skip
    sheets = forms.BooleanField(label=_("送经批准的催办单"), required=False)
    digest = forms.BooleanField(label=_("每天早上送摘要"), required=False)
    field_order = ["name", "unit", "address", "sheets", "digest"]

    def __init__(self, *args: Any, units: QuerySet[OrgUnit], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["unit"] = UnitField(label=_("单位"), among=units, help_text=_("送给这个单位的人员；写全称或单位代码"))
        self.order_fields(self.field_order)
