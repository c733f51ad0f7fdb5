"""What the room keeps beside the register's equipment: its way, who took it, expected lives, least stock. All LOCAL: made at the top."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.assets.rules import Act
from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.models import Asset
from yuanjiao.places.models import OrgUnit

ACT_NAMES = [
    (Act.MOVED, "调拨"),
    (Act.ISSUED, "配发"),
    (Act.HANDED_BACK, "交回"),
    (Act.TO_REPAIR, "送修"),
    (Act.REPAIRED, "修复"),
    (Act.SCRAPPED, "报废"),
    (Act.LISTED, "台账变更"),
]


class Move(models.Model):
    """One step of the way of one piece of equipment, in the words of its day. Written once."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("by_name",)

    asset = models.ForeignKey(Asset, verbose_name="设备", on_delete=models.PROTECT, related_name="moves")
    act = models.CharField("事项", max_length=12, choices=ACT_NAMES)
    on = models.DateField("日期")
    left = models.CharField("原在", max_length=140)
    reached = models.CharField("现在", max_length=140)
    note = models.CharField("说明", max_length=200, blank=True, default="")
    by_name = models.CharField("经办", max_length=50)

    class Meta:
        verbose_name = "设备变动"
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.asset} {self.get_act_display()}"


class Issue(models.Model):
    """One piece of equipment issued to a unit until it is handed back (配发). The unit has it; of the person who took it the name on the
    hand-over and nothing else (OPS22)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("taker",)

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    asset = models.ForeignKey(Asset, verbose_name="设备", on_delete=models.PROTECT, related_name="issues")
    unit = models.ForeignKey(OrgUnit, verbose_name="使用单位", on_delete=models.PROTECT, related_name="asset_issues")
    taker = models.CharField("领用人", max_length=50)
    issued_on = models.DateField("配发日期")
    document = models.CharField("凭据", max_length=100, blank=True, default="")
    returned_on = models.DateField("交回日期", null=True, blank=True)

    class Meta:
        verbose_name = "设备配发"
        constraints = [
            models.UniqueConstraint(fields=["asset"], condition=models.Q(returned_on=None), name="issue_one_open"),
            models.CheckConstraint(
                condition=models.Q(returned_on=None) | models.Q(returned_on__gte=models.F("issued_on")), name="issue_dates_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.asset} {self.unit}"


class KindLife(models.Model):
    """The years for which equipment of one kind is expected to last."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    kind = models.CharField("设备名称", max_length=40, unique=True)
    years = models.PositiveSmallIntegerField("使用年限")

    class Meta:
        verbose_name = "使用年限"
        constraints = [models.CheckConstraint(condition=models.Q(years__gt=0), name="kind_life_positive")]

    def __str__(self) -> str:
        return f"{self.kind} {self.years}"


class LeastStock(models.Model):
    """Of how many spares of a kind a store is to be filled up."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    store = models.ForeignKey(OrgUnit, verbose_name="备件库单位", on_delete=models.PROTECT, related_name="least_stocks")
    kind = models.CharField("设备名称", max_length=40)
    least = models.PositiveSmallIntegerField("最低库存")

    class Meta:
        verbose_name = "最低库存"
        constraints = [models.UniqueConstraint(fields=["store", "kind"], name="least_stock_once")]

    def __str__(self) -> str:
        return f"{self.store} {self.kind} {self.least}"
