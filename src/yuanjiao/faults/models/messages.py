"""Addresses outside to which approved sheets and digests go, and the queue of what goes there."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.faults.models.agreements import Urging
from yuanjiao.lib.travels import Travels
from yuanjiao.places.models import OrgUnit


class MessageState(models.TextChoices):
    WAITING = "waiting", "等待送出"
    SENT = "sent", "已送出"
    FAILED = "failed", "没有送出"
    DROPPED = "dropped", "不再送"


class MessageChannel(models.Model):
    """One address outside (a robot of a group, a mailbox) of one unit. It is off until somebody switches it on."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    name = models.CharField("名称", max_length=50, unique=True)
    unit = models.ForeignKey(OrgUnit, verbose_name="单位", on_delete=models.PROTECT, related_name="message_channels")
    kind = models.CharField("方式", max_length=10)
    address_sealed = models.BinaryField("地址（密文）")
    ending = models.CharField("地址尾号", max_length=4, blank=True, default="")
    sheets = models.BooleanField("送催办单", default=False)
    digest = models.BooleanField("送每日摘要", default=False)
    active = models.BooleanField("启用", default=False)

    class Meta:
        verbose_name = "消息通道"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Message(models.Model):
    """One message to one address: an approved sheet, or the digest of one day. What was tried and what was answered stays."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("words",)

    channel = models.ForeignKey(MessageChannel, verbose_name="通道", on_delete=models.PROTECT, related_name="messages")
    urging = models.ForeignKey(Urging, verbose_name="催办单", null=True, blank=True, on_delete=models.CASCADE, related_name="messages")
    on = models.DateField("摘要日期", null=True, blank=True)
    title = models.CharField("标题", max_length=60)
    words = models.CharField("内容", max_length=600)
    state = models.CharField("结果", max_length=8, choices=MessageState.choices, default=MessageState.WAITING)
    queued_at = models.DateTimeField("排队时间")
    due_at = models.DateTimeField("下次送出", null=True, blank=True)
    tries = models.PositiveSmallIntegerField("已试次数", default=0)
    tried_at = models.DateTimeField("最近一次", null=True, blank=True)
    answer = models.CharField("答复", max_length=200, blank=True, default="")

    class Meta:
        verbose_name = "外发消息"
        ordering = ["-queued_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["channel", "urging"], name="message_once_per_sheet"),
            models.UniqueConstraint(fields=["channel", "on"], name="message_one_digest_a_day"),
            models.CheckConstraint(condition=~models.Q(state="waiting") | models.Q(due_at__isnull=False), name="message_waiting_has_due"),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(state="waiting"), name="message_due"),  # what is to be sent now
            models.Index(fields=["channel", "tried_at"], name="message_tried"),  # how many this minute already
        ]

    def __str__(self) -> str:
        return f"{self.channel}：{self.title}"
