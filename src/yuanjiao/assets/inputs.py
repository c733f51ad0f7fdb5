"""Forms about equipment."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from yuanjiao.lib.money import to_fen
from yuanjiao.places.models import OrgUnit

STANDING_CHOICES = [("place", _("站点、线路或服务器")), ("store", _("备件库"))]


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class StandingForm(forms.Form):
    """Where it goes: the kind of place, and its code."""

    where = forms.ChoiceField(label=_("放在"), choices=STANDING_CHOICES)
    where_code = forms.CharField(label=_("编号"), max_length=30, help_text=_("站点、线路或服务器的编号；备件库写保管单位的代码"))

    def standing(self) -> dict[str, str]:
        return {self.cleaned_data["where"]: self.cleaned_data["where_code"].strip()}


class AssetForm(StandingForm):
    """One piece of equipment."""

    code = forms.CharField(label=_("资产编号"), max_length=30)
    kind = forms.CharField(label=_("设备名称"), max_length=40, help_text=_("如：机顶盒、电视机、计算机、投影机、网络设备"))
    model = forms.CharField(label=_("型号"), max_length=60, required=False)
    specification = forms.CharField(label=_("规格"), max_length=100, required=False)
    serial_number = forms.CharField(label=_("序列号"), max_length=60, required=False)
    purchased_on = forms.DateField(label=_("购置日期"), widget=DateInput(), required=False)
    price = forms.DecimalField(label=_("单价（元）"), min_value=0, max_digits=12, decimal_places=2, required=False)
    life_years = forms.IntegerField(label=_("使用年限"), min_value=1, max_value=50, required=False, help_text=_("不填按设备名称的年限"))
    warranty_ends_on = forms.DateField(label=_("质保到期"), widget=DateInput(), required=False)
    paid_from = forms.CharField(label=_("资金凭证号"), max_length=40, required=False, help_text=_("维护基金采购分录的凭证号，如 WH2026-12"))
    handled_by = forms.CharField(label=_("经办人"), max_length=50, required=False)
    field_order = ("code", "kind", "model", "specification", "serial_number", "where", "where_code")

    def details(self) -> dict[str, Any]:
        """The columns of the register; the price in fen."""
        plain = ("model", "specification", "serial_number", "purchased_on", "life_years", "warranty_ends_on", "paid_from", "handled_by")
        price = self.cleaned_data["price"]
        return {**{key: self.cleaned_data[key] for key in plain}, "price_fen": None if price is None else to_fen(price)}


class MoveForm(StandingForm):
    """Where to, and why."""

    note = forms.CharField(label=_("说明"), max_length=200, required=False)


class UnitForm(forms.Form):
    """Forms that choose a unit of the person's subtree."""

    def __init__(self, *args: Any, units: QuerySet[OrgUnit], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["unit"] = forms.ModelChoiceField(label=_("单位"), queryset=units)
        self.order_fields(["unit"])


class IssueForm(UnitForm):
    """To which unit, who takes it along."""

    taker = forms.CharField(label=_("领用人"), max_length=50, help_text=_("只记姓名，用于交接签收"))
    document = forms.CharField(label=_("凭据"), max_length=100, required=False)


class HandBackForm(UnitForm):
    """Into which store."""

    note = forms.CharField(label=_("说明"), max_length=200, required=False, help_text=_("如：领用人离任交回"))


class NoteForm(forms.Form):
    """A word about a repair, the document of a scrapping."""

    note = forms.CharField(label=_("说明或依据文件"), max_length=200, required=False)


class LifeForm(forms.Form):
    """How long a kind lasts."""

    kind = forms.CharField(label=_("设备名称"), max_length=40)
    years = forms.IntegerField(label=_("使用年限"), min_value=1, max_value=50)


class LeastForm(UnitForm):
    """Of how many spares a store is to be filled up."""

    kind = forms.CharField(label=_("设备名称"), max_length=40)
    least = forms.IntegerField(label=_("最低库存"), min_value=0, max_value=10_000, help_text=_("0 为取消"))
