"""Official channels outside this house (官方媒体) and what was published on each, with its result (DLV15)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.places.models import OrgUnit
from yuanjiao.programmes.rules.outlets import CONNECTOR_NAMES


class Outlet(models.Model):
    """One official channel: a newspaper's site, a public account, a robot in a work group. `address_sealed` often holds its key."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    name = models.CharField("媒体名称", max_length=40)
    unit = models.ForeignKey(OrgUnit, verbose_name="主管单位", on_delete=models.PROTECT, related_name="outlets")
    registration = models.CharField("备案号或批准依据", max_length=80)
    connector = models.CharField("连接方式", max_length=8, choices=CONNECTOR_NAMES)
    host = models.CharField("接口主机", max_length=120, blank=True, default="")  # all of the address that is shown again
    address_sealed = models.BinaryField("接口地址（加密）", default=bytes)
    secret_sealed = models.BinaryField("签名密钥（加密）", default=bytes)
    ended_on = models.DateField("停用日期", null=True, blank=True)

    class Meta:
        verbose_name = "官方媒体"
        constraints = [models.UniqueConstraint(fields=["unit", "name"], name="outlet_name_once_per_unit")]

    def __str__(self) -> str:
        return self.name


class PublicationState(models.TextChoices):
    WAITING = "waiting", "等待发送"
    BY_HAND = "by_hand", "待人工发布"
    PUBLISHED = "done", "已发布"
    FAILED = "failed", "没有成功"
    REMOVED = "removed", "已从该媒体撤下"


LIVE = (PublicationState.WAITING, PublicationState.BY_HAND, PublicationState.PUBLISHED)


class Publication(models.Model):
    """One item on one channel: what was sent, how often it was tried, what the channel answered."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("asked_by",)

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    outlet = models.ForeignKey(Outlet, verbose_name="媒体", on_delete=models.PROTECT, related_name="publications")
    item_uid = models.UUIDField("课件")
    title = models.CharField("标题", max_length=100)
    summary = models.CharField("导语", max_length=500, blank=True, default="")
    address = models.CharField("课件网址", max_length=300)
    picture = models.CharField("图片网址", max_length=300, blank=True, default="")
    state = models.CharField("结果", max_length=8, choices=PublicationState.choices)
    asked_by = models.CharField("经办人", max_length=50)
    asked_at = models.DateTimeField("发起时间")
    tries = models.PositiveSmallIntegerField("已试次数", default=0)
    due_at = models.DateTimeField("下次发送", null=True, blank=True)
    done_at = models.DateTimeField("完成时间", null=True, blank=True)
    answer = models.CharField("媒体的答复", max_length=300, blank=True, default="")
    link = models.CharField("在该媒体的网址", max_length=300, blank=True, default="")

    class Meta:
        verbose_name = "媒体发布"
        constraints = [
            models.UniqueConstraint(fields=["outlet", "item_uid"], condition=models.Q(state__in=LIVE), name="publication_once_per_outlet"),
            models.CheckConstraint(
                condition=~models.Q(state="waiting") | models.Q(due_at__isnull=False), name="publication_waiting_has_due"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(state="waiting"), name="publication_due"),  # what is to be sent now
            models.Index(fields=["-asked_at"], name="publication_newest"),  # the list of results
        ]

    def __str__(self) -> str:
        return f"{self.outlet}：{self.title}"
