"""Forms of the ledger: what a person types, cleaned. Amounts are typed in yuan and become fen here."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from yuanjiao.funds.commands import NewSource
from yuanjiao.funds.models import CATEGORY_NAMES, SOURCE_NAMES, Fund, Source
from yuanjiao.funds.rules import EntryKind, SourceKind
from yuanjiao.lib.money import to_fen
from yuanjiao.lib.uid import new_uid
from yuanjiao.places.models import Division

LINE = re.compile(
    r"^(?P<kind>\S{1,10})\s+(?P<name>\S{1,100})(\s+(?P<share>\d{1,3}(\.\d{1,2})?)\s*[%％])?(\s+(?:限|只用于|专用于)[：:]?\s*(?P<only>\S+))?\s*$"
)
KINDS = {str(name): key for key, name in SOURCE_NAMES}
CATEGORIES = {str(name): str(key) for key, name in CATEGORY_NAMES}


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class YuanField(forms.DecimalField):
    """Yuan with at most two decimals; the cleaned value is a whole number of fen."""

    def __init__(self, *, least: str = "0.01", **kwargs: Any) -> None:
        super().__init__(min_value=Decimal(least), max_digits=14, decimal_places=2, **kwargs)

    def clean(self, value: Any) -> int | None:
        amount = super().clean(value)
        return None if amount is None else to_fen(amount)


class OnceForm(forms.Form):
    """Forms that make one entry: sent twice they make it once."""

    uid = forms.UUIDField(widget=forms.HiddenInput, initial=new_uid)


class FundForm(forms.Form):
    """A fund and its sources, one a line."""

    code = forms.RegexField(r"^[A-Za-z0-9-]{1,20}$", label=_("基金编号"), help_text=_("字母、数字和短横，如 WH2026；凭证号由它和序号组成"))
    name = forms.CharField(label=_("名称"), max_length=100)
    document = forms.CharField(label=_("依据文件"), max_length=100)
    sources = forms.CharField(
        label=_("资金来源"), widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("每行一个：类别 名称 份额。例：财政 市财政局 70%；党费 市管党费 30%。专项资金再写“限 设备购置、维修”"),
    )  # fmt: skip

    def __init__(self, *args: Any, places: QuerySet[Division], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["division"] = forms.ModelChoiceField(label=_("所属区划"), queryset=places, empty_label=None)

    def clean_sources(self) -> list[NewSource]:
        lines = filter(None, (line.strip() for line in self.cleaned_data["sources"].splitlines()))
        return [read_source(line) for line in lines]


class SourceForm(forms.Form):
    """One more source."""

    source = forms.CharField(
        label=_("资金来源"),
        max_length=200,
        help_text=_("类别 名称，专项资金再写“限 用途”。例：企业赞助 某某公司；专项资金 文化建设专项 限 文化活动、设备购置"),
    )

    def clean_source(self) -> NewSource:
        return read_source(self.cleaned_data["source"].strip())


def read_source(line: str) -> NewSource:
    """财政 市财政局 50% 限 设备购置、维修. A ValidationError names the line that is none."""
    found = LINE.match(line)
    kind = KINDS.get(found["kind"]) if found else None
    if found is None or kind is None:
        kinds = "、".join(KINDS)
        raise forms.ValidationError(_("看不懂这一行：%(line)s。类别为：%(kinds)s"), params={"line": line, "kinds": kinds})
    words = [word for word in re.split("[、,，]", found["only"] or "") if word]
    unknown = [word for word in words if word not in CATEGORIES]
    if unknown:
        known = "、".join(CATEGORIES)
        raise forms.ValidationError(_("没有用途“%(word)s”。用途为：%(known)s"), params={"word": unknown[0], "known": known})
    return NewSource(SourceKind(kind), found["name"], int(Decimal(found["share"] or 0) * 100), [CATEGORIES[word] for word in words])


class FundPartForm(forms.Form):
    """Forms that choose one source of a fund."""

    def __init__(self, *args: Any, fund: Fund, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Source.objects.filter(fund=fund).order_by("pk")
        self.fields["source"] = forms.ModelChoiceField(label=_("资金来源"), queryset=rows)
        self.order_fields(["kind", "source", "what"])


class PlaceCodeForm(FundPartForm):
    """Forms that name a place by its code; empty: the fund's own division."""

    place = forms.CharField(label=_("区划代码"), max_length=12, required=False, help_text=_("用在哪个县、乡镇或村；不填为基金所属区划"))


class ContributionForm(FundPartForm, OnceForm):
    """Money that came in."""

    amount = YuanField(label=_("金额（元）"))
    purpose = forms.CharField(label=_("摘要"), max_length=200)
    document = forms.CharField(label=_("凭据"), max_length=100, required=False, help_text=_("拨款文件或银行回单编号"))


class PaymentForm(PlaceCodeForm, OnceForm):
    """Money to be paid."""

    kind = forms.ChoiceField(label=_("类别"), choices=[(EntryKind.PURCHASE, _("设备采购")), (EntryKind.PAYMENT, _("其他支出"))])
    amount = YuanField(label=_("金额（元）"))
    category = forms.ChoiceField(label=_("用途"), choices=CATEGORY_NAMES)
    purpose = forms.CharField(label=_("摘要"), max_length=200)
    payee = forms.CharField(label=_("收款单位"), max_length=100)
    document = forms.CharField(label=_("凭据"), max_length=100, required=False)


class ReasonForm(forms.Form):
    """A word of explanation."""

    reason = forms.CharField(label=_("原因"), max_length=150)


class RateForm(forms.Form):
    """What a village is entitled to in a year."""

    year = forms.IntegerField(label=_("年度"), min_value=2000, max_value=2099)
    rate = YuanField(label=_("每村标准（元）"))
    counted_on = forms.DateField(label=_("村数截至"), widget=DateInput(), help_text=_("按这一天的区划计村数"))
    document = forms.CharField(label=_("依据文件"), max_length=100)


class AllowancePaymentForm(PlaceCodeForm, OnceForm):
    """So much for each village of a place."""

    per_village = YuanField(label=_("每村金额（元）"))
    purpose = forms.CharField(label=_("摘要"), max_length=200, required=False)


class AllowanceUseForm(OnceForm):
    """What a village used."""

    place = forms.RegexField(r"^[0-9]{12}$", label=_("村区划代码"))
    amount = YuanField(label=_("金额（元）"))
    purpose = forms.CharField(label=_("用途说明"), max_length=200)
    document = forms.CharField(label=_("凭据"), max_length=100, required=False)


class SubsidyForm(OnceForm):
    """A county asks."""

    purpose = forms.CharField(label=_("项目"), max_length=200, help_text=_("如：120 个站点升级改造"))
    asked = YuanField(label=_("申请金额（元）"))
    own = YuanField(label=_("承诺配套（元）"), least="0")
    document = forms.CharField(label=_("申请文件"), max_length=100)

    def __init__(self, *args: Any, places: QuerySet[Division], funds: QuerySet[Fund], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["division"] = forms.ModelChoiceField(label=_("申请区划"), queryset=places, empty_label=None)
        self.fields["fund"] = forms.ModelChoiceField(label=_("基金"), queryset=funds, empty_label=None)
        self.order_fields(["fund", "division"])


class GrantForm(FundPartForm):
    """What is granted, from which source."""

    amount = YuanField(label=_("批准金额（元）"))
    decision = forms.CharField(label=_("审批意见"), max_length=200, required=False)


class AcceptForm(forms.Form):
    """What was found when the work was looked at."""

    own_spent = YuanField(label=_("实际配套（元）"), least="0")
    acceptance = forms.CharField(label=_("验收意见"), max_length=200)


class CommitmentForm(PlaceCodeForm, OnceForm):
    """What was promised in kind."""

    what = forms.CharField(label=_("实物"), max_length=100, help_text=_("如：机顶盒、电视机"))
    count = forms.IntegerField(label=_("数量"), min_value=1, max_value=1_000_000)
    unit = YuanField(label=_("单价（元）"))
    due_on = forms.DateField(label=_("约定日期"), widget=DateInput())
    document = forms.CharField(label=_("协议"), max_length=100)


class DeliveryForm(OnceForm):
    """So many have come."""

    count = forms.IntegerField(label=_("到位数量"), min_value=1, max_value=1_000_000)
    document = forms.CharField(label=_("签收单"), max_length=100, required=False)
