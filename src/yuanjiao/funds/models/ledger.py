"""A fund, its sources with their balances, and what an earmarked source may be spent on."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.funds.rules import GENESIS, WHOLE, Category, SourceKind
from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.places.models import Division

SOURCE_NAMES = [
    (SourceKind.FISCAL, "财政"),
    (SourceKind.PARTY_DUES, "党费"),
    (SourceKind.OPERATOR, "运营商"),
    (SourceKind.SPONSOR, "企业赞助"),
    (SourceKind.SPECIAL, "专项资金"),
    (SourceKind.OTHER, "其他"),
]
CATEGORY_NAMES = [
    (Category.EQUIPMENT, "设备购置"),
    (Category.REPAIR, "维修"),
    (Category.LINE, "线路使用"),
    (Category.OPERATION, "日常运转"),
    (Category.UPGRADE, "升级改造"),
    (Category.TRAINING, "培训"),
    (Category.COURSEWARE, "课件制作"),
    (Category.CULTURE, "文化活动"),
]


class Fund(models.Model):
    """One fund of one division (维护基金), with the end of the chain of its entries."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    code = models.CharField("基金编号", max_length=20, unique=True)
    name = models.CharField("名称", max_length=100)
    division = models.ForeignKey(Division, verbose_name="所属区划", on_delete=models.PROTECT, related_name="funds")
    opened_on = models.DateField("设立日期")
    document = models.CharField("依据文件", max_length=100)
    entry_count = models.PositiveIntegerField("分录数", default=0)
    head = models.CharField("末条指纹", max_length=64, default=GENESIS)

    class Meta:
        verbose_name = "基金"

    def __str__(self) -> str:
        return self.name


class Source(models.Model):
    """One source of one fund: who gives, the agreed share, and what is left of it. The balance is kept with each entry and is never
    below nothing: the database holds that, whoever pays at the same moment (FND02)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    fund = models.ForeignKey(Fund, verbose_name="基金", on_delete=models.PROTECT, related_name="sources")
    kind = models.CharField("来源类别", max_length=12, choices=SOURCE_NAMES)
    name = models.CharField("资金来源", max_length=100)
    share = models.PositiveIntegerField("约定份额（万分之）", default=0)
    earmarked = models.BooleanField("专款专用", default=False)
    balance_fen = models.BigIntegerField("余额（分）", default=0)

    class Meta:
        verbose_name = "资金来源"
        constraints = [
            models.UniqueConstraint(fields=["fund", "name"], name="source_once"),
            models.CheckConstraint(condition=models.Q(balance_fen__gte=0), name="source_never_negative"),
            models.CheckConstraint(condition=models.Q(share__lte=WHOLE), name="source_share_of_whole"),
        ]

    def __str__(self) -> str:
        return self.name


class PermittedCategory(models.Model):
    """One category that an earmarked source may be spent on (FND04)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    source = models.ForeignKey(Source, verbose_name="资金来源", on_delete=models.CASCADE, related_name="permitted")
    category = models.CharField("用途", max_length=12, choices=CATEGORY_NAMES)

    class Meta:
        verbose_name = "许可用途"
        constraints = [models.UniqueConstraint(fields=["source", "category"], name="permitted_once")]

    def __str__(self) -> str:
        return self.get_category_display()
