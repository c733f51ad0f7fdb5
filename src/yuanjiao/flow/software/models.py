"""Releases of this software as the centre offers them, and what each machine told of those it installed."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.flow.nodes.models import Node
from yuanjiao.lib.travels import Travels


class SoftwareRelease(models.Model):
    """One release that was published at this machine. Machines below read of it in the signed document and keep no row."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    version = models.CharField("版本", max_length=60, unique=True)
    published_at = models.DateTimeField("发布时间")
    withdrawn_at = models.DateTimeField("撤回时间", null=True, blank=True)
    withdrawn_reason = models.CharField("撤回原因", max_length=200, blank=True, default="")

    class Meta:
        verbose_name = "软件版本"

    def __str__(self) -> str:
        return self.version


class SoftwareWheel(models.Model):
    """One file of a release; its bytes are a blob."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    release = models.ForeignKey(SoftwareRelease, on_delete=models.CASCADE, related_name="wheels")
    name = models.CharField("文件名", max_length=200)
    sha256 = models.CharField("摘要", max_length=64)
    size = models.BigIntegerField("大小（字节）")

    class Meta:
        verbose_name = "软件文件"
        constraints = [models.UniqueConstraint(fields=["release", "name"], name="software_wheel_once")]

    def __str__(self) -> str:
        return self.name


class SoftwareRing(models.Model):
    """To whom a release goes: to one machine by its register code, or to all machines of a subtree ('/' is everybody)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    release = models.ForeignKey(SoftwareRelease, on_delete=models.CASCADE, related_name="rings")
    code = models.CharField("台账编号", max_length=30, blank=True, default="")
    under = models.CharField("范围", max_length=200, blank=True, default="")
    older = models.BooleanField("可以换下更新的版本", default=False)
    made_at = models.DateTimeField("下发时间")

    class Meta:
        verbose_name = "软件下发范围"
        constraints = [
            models.UniqueConstraint(fields=["release", "code", "under"], name="software_ring_once"),
            models.CheckConstraint(condition=models.Q(code="") ^ models.Q(under=""), name="software_ring_code_or_subtree"),
        ]

    def __str__(self) -> str:
        return f"{self.release} → {self.code or self.under}"


class SoftwareTold(models.Model):
    """One word of a machine about its software: since when it runs a version, or (not `ok`) why it does not run the `release` it tried."""

    travels: ClassVar[Travels] = Travels.UP
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, editable=False)
    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="software_told")
    seq = models.BigIntegerField("日志序号")
    version = models.CharField("版本", max_length=60)
    previous = models.CharField("原来的版本", max_length=60, blank=True, default="")
    release = models.CharField("发布", max_length=80, blank=True, default="")
    ok = models.BooleanField("成功")
    reason = models.CharField("原因", max_length=400, blank=True, default="")
    at = models.DateTimeField("时间")

    class Meta:
        verbose_name = "软件变动"
        # the newest word of a machine, and the newest good one
        indexes = [models.Index(fields=["node", "ok", "seq"], name="software_told_newest")]

    def __str__(self) -> str:
        return f"{self.node} {self.version}"
