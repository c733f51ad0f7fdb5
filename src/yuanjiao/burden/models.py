"""Caps, approvals to exceed them, and months as they were when they ended. Of units; nothing is counted of persons."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.burden.rules import KIND_NAMES, MEASURE_NAMES
from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.places.models import LEVEL_NAMES


class Cap(models.Model):
    """The most that may be asked of each unit of a level in a month, from a month on until the next such row; 0 lifts it again."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("set_by",)

    level = models.PositiveSmallIntegerField("哪一级单位", choices=LEVEL_NAMES)
    measure = models.CharField("计量", max_length=8, choices=list(MEASURE_NAMES.items()))
    most = models.PositiveIntegerField("每月上限", null=True, blank=True)
    from_month = models.DateField("自哪个月起")
    document = models.CharField("依据", max_length=100)
    set_by = models.CharField("设定人", max_length=50)
    set_at = models.DateTimeField("设定时间")

    class Meta:
        verbose_name = "负担上限"
        ordering = ["level", "measure", "-from_month", "-pk"]

    def __str__(self) -> str:
        return f"{self.get_level_display()} {self.get_measure_display()} {self.most}"


class Approval(models.Model):
    """Leave to ask one thing of one unit in one month though that is above its cap: asked for by one person, decided by another."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("asked_by", "decided_by")

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    subject = models.CharField("事由代号", max_length=60)
    what = models.CharField("事由", max_length=160)
    unit_code = models.CharField("单位代码", max_length=30)
    unit_name = models.CharField("单位", max_length=100)
    path = models.CharField("区划路径", max_length=80, db_index=True)  # scope of every query
    month = models.DateField("月份")
    lines = models.CharField("超出情况", max_length=300)
    reason = models.CharField("申请理由", max_length=300)
    asked_by = models.CharField("申请人", max_length=50)
    asked_by_uid = models.UUIDField("申请人编号")
    asked_at = models.DateTimeField("申请时间")
    granted = models.BooleanField("是否批准", null=True, blank=True)
    decision = models.CharField("批准意见", max_length=300, blank=True, default="")
    decided_by = models.CharField("批准人", max_length=50, blank=True, default="")
    decided_by_uid = models.UUIDField("批准人编号", null=True, blank=True)
    decided_at = models.DateTimeField("决定时间", null=True, blank=True)

    class Meta:
        verbose_name = "超限申请"
        ordering = ["-asked_at"]
        constraints = [
            models.UniqueConstraint(  # one at a time; what was denied may be asked again
                fields=["subject", "what", "unit_code", "month"],
                condition=models.Q(granted=None) | models.Q(granted=True),
                name="burden_approval_once",
            ),
            models.CheckConstraint(
                condition=models.Q(decided_by_uid=None) | ~models.Q(decided_by_uid=models.F("asked_by_uid")), name="burden_two_persons"
            ),
            models.CheckConstraint(
                condition=models.Q(granted=None) | (models.Q(decided_at__isnull=False) & ~models.Q(decision="")),
                name="burden_decision_has_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit_name} {self.what}"


class FrozenMonth(models.Model):
    """A month that has ended: what was asked in it is kept as it was then."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    month = models.DateField("月份", unique=True)
    frozen_at = models.DateTimeField("封存时间")

    class Meta:
        verbose_name = "封存的月份"

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class FrozenAsked(models.Model):
    """One thing asked in an ended month (lib.asked.Asked); `path` is the place of the unit, or where all units of `level` are meant."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    month = models.ForeignKey(FrozenMonth, on_delete=models.CASCADE, related_name="asked")
    room = models.CharField("来自", max_length=30)
    kind = models.CharField("类别", max_length=8, choices=list(KIND_NAMES.items()))
    what = models.CharField("内容", max_length=160)
    due_on = models.DateField("期限")
    fields = models.PositiveIntegerField("填写项")
    times = models.PositiveIntegerField("份数")
    unit = models.CharField("单位代码", max_length=30, blank=True, default="")
    path = models.CharField("区划路径", max_length=80)
    level = models.PositiveSmallIntegerField("级别", default=0)
    by = models.CharField("布置单位", max_length=100, blank=True, default="")
    link = models.CharField("出处", max_length=120, blank=True, default="")

    class Meta:
        verbose_name = "封存的要求"
        indexes = [models.Index(fields=["month", "unit"], name="burden_asked_of_unit")]  # a unit's page

    def __str__(self) -> str:
        return self.what


class UnitMonth(models.Model):
    """What one unit had to do in an ended month, added up, and whether that was above the cap of the month."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    month = models.ForeignKey(FrozenMonth, on_delete=models.CASCADE, related_name="units")
    unit_code = models.CharField("单位代码", max_length=30)
    unit_name = models.CharField("单位", max_length=100)
    path = models.CharField("区划路径", max_length=80)
    level = models.PositiveSmallIntegerField("级别", choices=LEVEL_NAMES)
    forms = models.PositiveIntegerField("表单")
    fields = models.PositiveIntegerField("填写项")
    meetings = models.PositiveIntegerField("会议活动")
    uploads = models.PositiveIntegerField("报送材料")
    over = models.BooleanField("超限")

    class Meta:
        verbose_name = "单位月负担"
        constraints = [models.UniqueConstraint(fields=["month", "unit_code"], name="burden_unit_month_once")]
        indexes = [models.Index(fields=["month", "over"], name="burden_over")]  # units over the cap

    def __str__(self) -> str:
        return f"{self.unit_name} {self.month}"
