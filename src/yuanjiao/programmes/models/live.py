"""Live programmes (现场直播): what is announced to everybody, and what only the machine that takes the signal in knows of it (DLV11)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.places.models import OrgUnit


class LiveProgramme(models.Model):
    """One live programme as it is announced. `address` is where the public reaches the machine that makes it; `item_uid` the recording."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    title = models.CharField("直播名称", max_length=40)
    lead = models.CharField("简介", max_length=300, blank=True, default="")
    unit = models.ForeignKey(OrgUnit, verbose_name="主办单位", on_delete=models.PROTECT, related_name="live_programmes")
    audience = models.CharField("面向范围", max_length=80, default="/")
    starts_at = models.DateTimeField("开始时间")
    ends_at = models.DateTimeField("结束时间")
    ended_at = models.DateTimeField("实际结束时间", null=True, blank=True)
    cancelled_at = models.DateTimeField("取消时间", null=True, blank=True)
    column_uid = models.UUIDField("录像拟编入的栏目", null=True, blank=True)
    item_uid = models.UUIDField("录像课件", null=True, blank=True)
    address = models.CharField("播出网址", max_length=200, blank=True, default="")

    class Meta:
        verbose_name = "现场直播"
        constraints = [models.CheckConstraint(condition=models.Q(ends_at__gt=models.F("starts_at")), name="live_times_in_order")]
        indexes = [models.Index(fields=["ends_at"], name="live_programme_ends")]  # what is on or coming, on every first page

    def __str__(self) -> str:
        return self.title


class SignalState(models.TextChoices):
    WAITING = "waiting", "等待开始"
    OPENING = "opening", "正在接收信号"
    ON_AIR = "on_air", "正在直播"
    LOST = "lost", "信号中断，正在恢复"
    FULL = "full", "磁盘已满，直播停止"
    OVER = "over", "已结束"


class RecordingState(models.TextChoices):
    NONE = "none", "不录像"
    WANTED = "wanted", "结束后成为课件"
    STOPPED = "stopped", "磁盘不足，录像提前停止"
    TAKEN = "taken", "已成课件"
    FAILED = "failed", "没有成为课件"


class LiveSignal(models.Model):
    """The signal (信号) of one live programme on the machine that takes it in. `address_sealed` often holds a key and goes nowhere.

    `runner` is the process that keeps it, until `runner_until` unless it says so again. `runs` counts the starts of the encoder.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("recorder_uid",)

    programme = models.OneToOneField(LiveProgramme, verbose_name="直播", on_delete=models.CASCADE, related_name="signal")
    address_sealed = models.BinaryField("信号地址（加密）", default=bytes)
    host = models.CharField("信号主机", max_length=120, blank=True, default="")  # all of the address that is shown again
    state = models.CharField("状态", max_length=8, choices=SignalState.choices, default=SignalState.WAITING)
    words = models.CharField("说明", max_length=200, blank=True, default="")
    runs = models.PositiveIntegerField("接收次数", default=0)
    failures = models.PositiveIntegerField("连续失败次数", default=0)
    due_at = models.DateTimeField("下次接收", null=True, blank=True)
    runner = models.UUIDField("接收进程", null=True, blank=True)
    runner_until = models.DateTimeField("接收进程有效期", null=True, blank=True)
    recorder_uid = models.UUIDField("录像制作人", null=True, blank=True)
    recording = models.CharField("录像", max_length=8, choices=RecordingState.choices, default=RecordingState.NONE)
    recording_words = models.CharField("录像说明", max_length=300, blank=True, default="")
    last_run = models.PositiveIntegerField("录像止于第几次接收", null=True, blank=True)
    last_segment = models.PositiveIntegerField("录像止于第几段", null=True, blank=True)
    cleared = models.BooleanField("分段已清除", default=False)

    class Meta:
        verbose_name = "直播信号"
        indexes = [
            models.Index(
                fields=["cleared"], condition=models.Q(cleared=False), name="live_signal_open"
            ),  # what is looked after each second
        ]

    def __str__(self) -> str:
        return f"{self.programme} {self.get_state_display()}"
