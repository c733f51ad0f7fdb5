"""Dated divisions and organisation units."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib import subtree
from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.places.rules import Chain, Level

assert subtree.Under.lookup_name == "under", "loading the module registers `path__under`"
LEVEL_NAMES = [
    (Level.PROVINCE, "省"),
    (Level.CITY, "市"),
    (Level.COUNTY, "县（市、区）"),
    (Level.TOWN, "乡镇（街道）"),
    (Level.VILLAGE, "村（社区）"),
]
CHAIN_NAMES = [
    (Chain.ORGANISATION, "组织"),
    (Chain.EDUCATION, "教育"),
    (Chain.OPERATOR, "运营商"),
    (Chain.FINANCE, "财政"),
    (Chain.OTHER, "其他"),
]


class Division(models.Model):
    """One place under one code for one span of days (行政区划). Renamed, moved or merged places get a new row."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    code = models.CharField("区划代码", max_length=12)
    name = models.CharField("名称", max_length=60)
    level = models.PositiveSmallIntegerField("级别", choices=LEVEL_NAMES)
    parent = models.ForeignKey("self", verbose_name="上级", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    path = models.CharField("路径", max_length=80)
    urban_rural = models.CharField("城乡分类", max_length=3, blank=True, default="")
    valid_from = models.DateField("启用日期")
    valid_to = models.DateField("停用日期", null=True, blank=True)

    class Meta:
        verbose_name = "行政区划"
        constraints = [
            models.UniqueConstraint(fields=["code", "valid_from"], name="division_code_once_per_day"),
            models.UniqueConstraint(fields=["code"], condition=models.Q(valid_to=None), name="division_one_open_row"),
            models.CheckConstraint(
                condition=models.Q(valid_to=None) | models.Q(valid_to__gt=models.F("valid_from")), name="division_dates_in_order"
            ),
        ]
        indexes = [
            models.Index(fields=["path"], name="division_below", opclasses=["varchar_pattern_ops"]),  # every scoped query, lib/subtree.py
            models.Index(fields=["level", "code"], name="division_level"),  # the few counties and towns beside every list of a nation
        ]

    def __str__(self) -> str:
        return self.name


class OrgUnit(models.Model):
    """One organisation unit in one chain for one span of days (组织单位). Never deleted, only ended."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    code = models.CharField("单位代码", max_length=30, unique=True)
    name = models.CharField("单位名称", max_length=100)
    chain = models.CharField("系统", max_length=12, choices=CHAIN_NAMES)
    parent = models.ForeignKey("self", verbose_name="上级单位", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    division = models.ForeignKey(Division, verbose_name="所在区划", on_delete=models.PROTECT, related_name="units")
    temporary = models.BooleanField("临时机构", default=False)
    valid_from = models.DateField("成立日期")
    valid_to = models.DateField("撤销日期", null=True, blank=True)

    class Meta:
        verbose_name = "组织单位"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(valid_to=None) | models.Q(valid_to__gt=models.F("valid_from")), name="unit_dates_in_order"
            ),
        ]

    def __str__(self) -> str:
        return self.name
