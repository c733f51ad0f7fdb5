"""Urgent notices (紧急通知) and where they have come to (DLV13)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.places.models import OrgUnit


class Notice(models.Model):
    """One official notice that stands before everything else on every terminal of `scope` until `ends_at`, or until it is recalled."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    title = models.CharField("标题", max_length=40)
    body = models.CharField("正文", max_length=600)
    unit = models.ForeignKey(OrgUnit, verbose_name="发布单位", on_delete=models.PROTECT, related_name="urgent_notices")
    document = models.CharField("文号或批准依据", max_length=60)
    scope = models.CharField("范围", max_length=80)  # division path: all terminals under it
    starts_at = models.DateTimeField("发布时间")
    ends_at = models.DateTimeField("截止时间")
    recalled_at = models.DateTimeField("收回时间", null=True, blank=True)

    class Meta:
        verbose_name = "紧急通知"
        constraints = [models.CheckConstraint(condition=models.Q(ends_at__gt=models.F("starts_at")), name="notice_times_in_order")]

    def __str__(self) -> str:
        return self.title


class Acknowledgement(models.Model):
    """What one object (an edge or a site) has said of one notice: its machine took it in, people at it confirmed it. Never a person.

    The notice is named by uid: the fact may be applied where the notice is not known.
    """

    travels: ClassVar[Travels] = Travels.UP
    personal: ClassVar[tuple[str, ...]] = ()

    notice_uid = models.UUIDField("通知")
    subject = models.CharField("对象编号", max_length=30)
    path = models.CharField("区划路径", max_length=80)
    taken_at = models.DateTimeField("到达时间", null=True, blank=True)
    confirmed_at = models.DateTimeField("确认时间", null=True, blank=True)
    confirmed_via = models.CharField("确认方式", max_length=8, blank=True, default="")

    class Meta:
        verbose_name = "通知回执"
        constraints = [models.UniqueConstraint(fields=["notice_uid", "subject"], name="acknowledgement_once")]

    def __str__(self) -> str:
        return f"{self.notice_uid} {self.subject}"
