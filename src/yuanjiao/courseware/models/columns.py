"""Columns (栏目) and what stands in them (编排)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.courseware.models.item import Courseware, CoursewareClass
from yuanjiao.courseware.rules.freshness import FLAG_NAMES
from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.places.models import OrgUnit


class Column(models.Model):
    """One column of the portal and the television page: who answers for it, from when to when, for which subtree (DLV03)."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    title = models.CharField("栏目名称", max_length=30)
    summary = models.CharField("发布范围说明", max_length=200, blank=True, default="")  # GOV22: what belongs here and what does not
    owner = models.ForeignKey(OrgUnit, verbose_name="主办单位", on_delete=models.PROTECT, related_name="columns")
    order = models.PositiveIntegerField("顺序", default=100)
    visible_from = models.DateField("起")
    visible_to = models.DateField("止", null=True, blank=True)
    audience = models.CharField("面向范围", max_length=80, default="/")  # division path; '/' is everybody
    accepts_class = models.CharField("只收类别", max_length=10, choices=CoursewareClass.choices, blank=True, default="")
    official = models.BooleanField("官方栏目", default=True)  # GOV22: the one who releases is neither the author nor the reviewer
    min_weekly = models.PositiveSmallIntegerField("每周至少更新（件）", default=0)  # DLV04; 0 promises nothing
    max_delay_days = models.PositiveSmallIntegerField("上载时限（天）", null=True, blank=True)  # DLV04: from the source's date

    class Meta:
        verbose_name = "栏目"
        constraints = [
            models.UniqueConstraint(fields=["owner", "title"], name="column_title_once_per_owner"),
            models.CheckConstraint(
                condition=models.Q(visible_to=None) | models.Q(visible_to__gt=models.F("visible_from")), name="column_dates_in_order"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class ColumnCategory(models.Model):
    """One sub-category (子栏目) of a column (CW15): 中央精神, 市委部署 … An item stands in one of them or in none."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    column = models.ForeignKey(Column, verbose_name="栏目", on_delete=models.CASCADE, related_name="categories")
    title = models.CharField("子栏目", max_length=20)
    order = models.PositiveIntegerField("顺序", default=100)

    class Meta:
        verbose_name = "子栏目"
        ordering = ["order", "pk"]
        constraints = [models.UniqueConstraint(fields=["column", "title"], name="column_category_once")]

    def __str__(self) -> str:
        return self.title


class ColumnAlarm(models.Model):
    """One spell during which a column did not keep what it promises (DLV04): what is wrong, since when, until when.

    At most one of a kind is open at a time; it is told to the column's owner, and closes by itself once the column is fresh again.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    column = models.ForeignKey(Column, verbose_name="栏目", on_delete=models.CASCADE, related_name="alarms")
    flag = models.CharField("提醒", max_length=8, choices=FLAG_NAMES)
    words = models.CharField("情况", max_length=200)
    opened_on = models.DateField("自")
    closed_on = models.DateField("至", null=True, blank=True)

    class Meta:
        verbose_name = "栏目提醒"
        constraints = [
            models.UniqueConstraint(fields=["column", "flag"], condition=models.Q(closed_on=None), name="column_alarm_one_open"),
        ]

    def __str__(self) -> str:
        return f"{self.column}：{self.words}"


class Placement(models.Model):
    """One item standing in one column, at its place in the order. `adopted_from` is the uid of the column it was adopted from (DLV05)."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    column = models.ForeignKey(Column, verbose_name="栏目", on_delete=models.CASCADE, related_name="placements")
    courseware = models.ForeignKey(Courseware, verbose_name="课件", on_delete=models.CASCADE, related_name="placements")
    category = models.ForeignKey(
        ColumnCategory, verbose_name="子栏目", null=True, blank=True, on_delete=models.SET_NULL, related_name="placements"
    )
    order = models.PositiveIntegerField("顺序", default=100)
    placed_at = models.DateTimeField("编入时间")
    source_on = models.DateField("来源日期", null=True, blank=True)  # the day of the event or document it tells of; its delay is counted
    adopted_from = models.UUIDField("采用自", null=True, blank=True)

    class Meta:
        verbose_name = "编排"
        constraints = [models.UniqueConstraint(fields=["column", "courseware"], name="placement_once_per_column")]
        indexes = [models.Index(fields=["column", "order", "-placed_at"], name="placement_in_order")]  # a column's list

    def __str__(self) -> str:
        return f"{self.column}：{self.courseware}"
