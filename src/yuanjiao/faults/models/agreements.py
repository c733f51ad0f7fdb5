"""Agreements with operators, the official calendar they run on, who is on duty, and urging sheets."""

from __future__ import annotations

from datetime import time
from typing import ClassVar

from django.db import models

from yuanjiao.faults.models.faults import AREAS, CLASSES
from yuanjiao.faults.rules.calendar import COUNTING_NAMES, DAY_NAMES, Counting
from yuanjiao.faults.rules.urging import RUNG_NAMES
from yuanjiao.items.models import Item
from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.people.models import Person
from yuanjiao.places.models import Division, OrgUnit


class Agreement(models.Model):
    """One maintenance agreement (协议): who promised whom what for which place, from when to when. Both days are included (OPS16)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    number = models.CharField("协议编号", max_length=40, unique=True)
    title = models.CharField("名称", max_length=100)
    client = models.ForeignKey(OrgUnit, verbose_name="甲方", on_delete=models.PROTECT, related_name="agreements_given")
    operator = models.ForeignKey(OrgUnit, verbose_name="乙方（运营商）", on_delete=models.PROTECT, related_name="agreements_kept")
    division = models.ForeignKey(Division, verbose_name="适用地区", on_delete=models.PROTECT, related_name="agreements")
    valid_from = models.DateField("生效日期")
    valid_to = models.DateField("到期日期")
    counting = models.CharField("时限计法", max_length=8, choices=list(COUNTING_NAMES.items()), default=Counting.ROUND_THE_CLOCK)
    opens = models.TimeField("上班", default=time(8, 0))
    closes = models.TimeField("下班", default=time(18, 0))

    class Meta:
        verbose_name = "协议"
        ordering = ["valid_to", "number"]
        constraints = [
            models.CheckConstraint(condition=models.Q(valid_to__gte=models.F("valid_from")), name="agreement_dates_in_order"),
            models.CheckConstraint(condition=models.Q(closes__gt=models.F("opens")), name="agreement_hours_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"


class AgreedHours(models.Model):
    """What one agreement promises for one class of fault in one kind of area."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    agreement = models.ForeignKey(Agreement, verbose_name="协议", on_delete=models.CASCADE, related_name="hours")
    fault_class = models.CharField("类别", max_length=9, choices=CLASSES)
    area = models.CharField("地区", max_length=7, choices=AREAS)
    respond_hours = models.PositiveSmallIntegerField("响应时限（小时）")
    restore_hours = models.PositiveSmallIntegerField("修复时限（小时）")

    class Meta:
        verbose_name = "协议时限"
        ordering = ["fault_class", "area"]
        constraints = [
            models.UniqueConstraint(fields=["agreement", "fault_class", "area"], name="agreed_hours_once"),
            models.CheckConstraint(condition=models.Q(restore_hours__gte=models.F("respond_hours")), name="agreed_hours_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.agreement} {self.get_fault_class_display()} {self.get_area_display()}"


class CalendarDay(models.Model):
    """One day that an official notice makes a holiday, or a working day on a weekend. Days without a row follow the week."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    on = models.DateField("日期", unique=True)
    kind = models.CharField("安排", max_length=8, choices=list(DAY_NAMES.items()))
    name = models.CharField("节日", max_length=40, blank=True, default="")
    document = models.CharField("依据文件", max_length=100)

    class Meta:
        verbose_name = "日历"
        ordering = ["on"]

    def __str__(self) -> str:
        return f"{self.on} {self.get_kind_display()}"


class DutyTurn(models.Model):
    """One person on duty for one unit for some days, both included (值班表, OPS21)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    unit = models.ForeignKey(OrgUnit, verbose_name="单位", on_delete=models.PROTECT, related_name="duty_turns")
    person = models.ForeignKey(Person, verbose_name="值班人", on_delete=models.PROTECT, related_name="duty_turns")
    starts_on = models.DateField("起")
    ends_on = models.DateField("止")

    class Meta:
        verbose_name = "值班"
        ordering = ["starts_on", "unit__code"]
        constraints = [
            models.CheckConstraint(condition=models.Q(ends_on__gte=models.F("starts_on")), name="duty_dates_in_order"),
            models.UniqueConstraint(fields=["unit", "person", "starts_on"], name="duty_turn_once"),
        ]

    def __str__(self) -> str:
        return f"{self.unit} {self.person} {self.starts_on}"


class Urging(models.Model):
    """One urging sheet (催办单) about one late item to one person: drafted by the machine, sent or dropped by a person only."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("decided_by",)

    item = models.ForeignKey(Item, verbose_name="事项", on_delete=models.CASCADE, related_name="urgings")
    issued_at = models.DateTimeField("交办时间")
    due_at = models.DateTimeField("所催时限")
    rung = models.PositiveSmallIntegerField("送达层次", choices=[(int(rung), name) for rung, name in RUNG_NAMES.items()])
    chain = models.CharField("系统", max_length=12)
    person = models.ForeignKey(Person, verbose_name="送达", on_delete=models.PROTECT, related_name="urgings")
    on_duty = models.BooleanField("值班人", default=False)
    words = models.CharField("内容", max_length=400)
    drafted_at = models.DateTimeField("拟稿时间")
    approved = models.BooleanField("批准", null=True)
    decided_by = models.CharField("审批人", max_length=50, blank=True, default="")
    decided_at = models.DateTimeField("审批时间", null=True, blank=True)
    note = models.CharField("审批意见", max_length=200, blank=True, default="")

    class Meta:
        verbose_name = "催办单"
        ordering = ["-drafted_at", "-pk"]
        constraints = [
            # One sheet per dispatch, date, rung and person, however often the job looks; a later date may be missed again.
            models.UniqueConstraint(fields=["item", "issued_at", "due_at", "rung", "person"], name="urging_once"),
            models.CheckConstraint(
                condition=models.Q(approved=None) | (models.Q(decided_at__isnull=False) & ~models.Q(decided_by="")),
                name="urging_decided_by",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item} → {self.person}"
