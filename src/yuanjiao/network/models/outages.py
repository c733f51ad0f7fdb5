"""Outages, their one root and the verdicts on them. Derived where they are read; they do not travel."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.models.register import ManagedObject


class FaultClass(models.TextChoices):
    SERVER = "server", "服务器故障"
    LINE = "line", "线路故障"
    EQUIPMENT = "equipment", "设备故障"


class Hold(models.TextChoices):
    """Why an outage is recorded but not told: no place in the list of open roots, no order."""

    EVIDENCE = "evidence", "待上级证据"
    UNSTABLE = "unstable", "时断时续，已作为一件事处理"
    MAINTENANCE = "maintenance", "检修期内"


class Sign(models.TextChoices):
    """What showed that the object does not work."""

    SILENCE = "silence", "无心跳"
    PLAY = "play", "有心跳而不能播放"


class Outage(models.Model):
    """One span in which one object did not work. `root` is the outage that explains it; a root has none.

    Lines do not beat: a line's outage is derived from the silence of what hangs on it. `started_at` is the last beat (or
    the start of listening); the true beginning lies in [started_lo, started_hi]. An outage is `held` exactly when `held_for` says why.
    When the cut of an edge is settled as one of its uplink, the outage becomes the uplink's and the edge gets one that it explains.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    object = models.ForeignKey(ManagedObject, verbose_name="对象", on_delete=models.CASCADE, related_name="outages")
    started_at = models.DateTimeField("开始")
    started_lo = models.DateTimeField("最早开始")
    started_hi = models.DateTimeField("最迟开始")
    detected_at = models.DateTimeField("发现时刻")
    ended_at = models.DateTimeField("结束", null=True, blank=True)
    root = models.ForeignKey("self", verbose_name="根源", null=True, blank=True, on_delete=models.SET_NULL, related_name="explained")
    held = models.BooleanField("未告知", default=False)
    held_for = models.CharField("未告知原因", max_length=11, choices=Hold.choices, blank=True, default="")
    sign = models.CharField("迹象", max_length=7, choices=Sign.choices, default=Sign.SILENCE)
    fault_class = models.CharField("类别", max_length=9, choices=FaultClass.choices, blank=True, default="")
    affected_count = models.PositiveIntegerField("影响站点数", default=1)

    class Meta:
        verbose_name = "中断"
        constraints = [
            models.UniqueConstraint(fields=["object"], condition=models.Q(ended_at=None), name="outage_one_open_per_object"),
            models.CheckConstraint(
                condition=models.Q(ended_at=None) | models.Q(ended_at__gte=models.F("started_at")), name="outage_in_order"
            ),
        ]
        indexes = [
            models.Index(fields=["root", "ended_at"], name="outage_open_roots"),  # the list of roots
            models.Index(fields=["started_at"], name="outage_period"),  # reports over a month
        ]

    def __str__(self) -> str:
        return f"{self.object} {self.started_at:%Y-%m-%d %H:%M}"


class OutageVerdict(models.Model):
    """One judgement on one outage: which class, by which rule, on what evidence. Never rewritten; a later one follows it."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    outage = models.ForeignKey(Outage, verbose_name="中断", on_delete=models.CASCADE, related_name="verdicts")
    at = models.DateTimeField("判定时刻")
    fault_class = models.CharField("类别", max_length=9, choices=FaultClass.choices)
    rule = models.CharField("规则", max_length=40)
    evidence = models.TextField("依据")
    confidence = models.FloatField("把握")
    settled = models.BooleanField("定论", default=False)

    class Meta:
        verbose_name = "判定"
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.get_fault_class_display()}（{self.rule}）"


class Instability(models.Model):
    """One span in which one object came and went so often that its single drops are one matter (时断时续). Every drop stays in the record.

    Open while it lasts; ended after a steady time. `drops` counts the silences inside it.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    object = models.ForeignKey(ManagedObject, verbose_name="对象", on_delete=models.CASCADE, related_name="instabilities")
    started_at = models.DateTimeField("开始")
    ended_at = models.DateTimeField("结束", null=True, blank=True)
    drops = models.PositiveIntegerField("中断次数", default=0)

    class Meta:
        verbose_name = "时断时续"
        constraints = [models.UniqueConstraint(fields=["object"], condition=models.Q(ended_at=None), name="instability_one_open")]

    def __str__(self) -> str:
        return f"{self.object_id} {self.started_at:%Y-%m-%d %H:%M}"
