"""Hand-over sheets and their lines."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.duties.rules import LINE_NAMES, Kind
from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.people.models import Person, Responsibility

LINE_KINDS = [(kind, LINE_NAMES[kind]) for kind in Kind]


class Handover(models.Model):
    """One change of a responsible person (交接): who gave what to whom on which day, signed by both.

    In a vacancy (`vacancy` says why) `taker` is who keeps things until somebody comes.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("vacancy", "note")

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    tenure = models.OneToOneField(Responsibility, verbose_name="移交的责任", on_delete=models.PROTECT, related_name="handover")
    following = models.OneToOneField(
        Responsibility, verbose_name="接任的责任", null=True, blank=True, on_delete=models.PROTECT, related_name="taken_over"
    )
    taker = models.ForeignKey(Person, verbose_name="接收人", null=True, blank=True, on_delete=models.PROTECT, related_name="taken_sheets")
    vacancy = models.CharField("空缺原因", max_length=100, blank=True, default="")
    on = models.DateField("交接日期")
    document = models.CharField("依据文件", max_length=100, blank=True, default="")
    note = models.CharField("说明", max_length=300, blank=True, default="")
    drawn_at = models.DateTimeField("清单截至")
    given_at = models.DateTimeField("移交人签字", null=True, blank=True)
    given_on_paper = models.CharField("移交人纸质签字说明", max_length=100, blank=True, default="")
    taken_at = models.DateTimeField("接收人签字", null=True, blank=True)
    taken_on_paper = models.CharField("接收人纸质签字说明", max_length=100, blank=True, default="")

    class Meta:
        verbose_name = "交接单"
        ordering = ["-on", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(following__isnull=False, vacancy="") | (models.Q(following=None) & ~models.Q(vacancy="")),
                name="handover_successor_or_vacancy",  # b2: ending a tenure needs a successor or a recorded vacancy
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tenure} {self.on}"

    @property
    def is_signed(self) -> bool:
        return self.given_at is not None and self.taken_at is not None


class HandoverLine(models.Model):
    """One thing on a sheet as it stood when the sheet was drawn, and what somebody disputes about it. Neither is taken back."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("disputed_by",)

    sheet = models.ForeignKey(Handover, verbose_name="交接单", on_delete=models.CASCADE, related_name="lines")
    number = models.PositiveIntegerField("序号")
    kind = models.CharField("类别", max_length=8, choices=LINE_KINDS)
    code = models.CharField("编号", max_length=40, blank=True, default="")
    title = models.CharField("内容", max_length=160)
    remark = models.CharField("备注", max_length=160, blank=True, default="")
    dispute = models.CharField("异议", max_length=200, blank=True, default="")
    disputed_by = models.CharField("提出人", max_length=50, blank=True, default="")
    disputed_at = models.DateTimeField("提出时间", null=True, blank=True)

    class Meta:
        verbose_name = "交接清单"
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["sheet", "number"], name="handover_line_once")]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"
