"""The resource plan (教学资源建设规划): what is to be made by whom in which year (CW03)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.places.models import OrgUnit


class ResourcePlan(models.Model):
    """One plan with its document. It keeps targets, never counts."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    title = models.CharField("名称", max_length=60)
    unit = models.ForeignKey(OrgUnit, verbose_name="制定单位", on_delete=models.PROTECT, related_name="resource_plans")
    document = models.CharField("依据文件", max_length=100)

    class Meta:
        verbose_name = "资源建设规划"

    def __str__(self) -> str:
        return self.title


class PlanLine(models.Model):
    """One line: so many items on a topic in a year, made by a unit or one below it. The topic is a column, or words in titles."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    plan = models.ForeignKey(ResourcePlan, verbose_name="规划", on_delete=models.CASCADE, related_name="lines")
    topic = models.CharField("主题", max_length=40)
    column_uid = models.UUIDField("栏目", null=True, blank=True)
    year = models.PositiveSmallIntegerField("年度")
    quantity = models.PositiveIntegerField("数量（件）")
    owner = models.ForeignKey(OrgUnit, verbose_name="责任单位", on_delete=models.PROTECT, related_name="plan_lines")

    class Meta:
        verbose_name = "规划条目"
        ordering = ["year", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "topic", "year", "owner"], name="plan_line_once"),
            models.CheckConstraint(condition=models.Q(quantity__gte=1), name="plan_line_asks_for_something"),
        ]

    def __str__(self) -> str:
        return f"{self.year} {self.topic}"
