"""Where this machine stands with the catalogue it follows."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels


class CurrentCatalogue(models.Model):
    """The one catalogue this node follows. The row changes in the same transaction as the rows it stands for.

    Its rows are in force from `accepted_at`. `waiting` of the blobs it names had not come then: what needs them shows when they have;
    every catalogue up to `whole_version` is here with all it names.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    one = models.BooleanField(primary_key=True, default=True)
    timestamp_sha256 = models.CharField("签名文件摘要", max_length=64, blank=True, default="")
    wanted_sha256 = models.CharField("所需文档的摘要", max_length=64, blank=True, default="")
    version = models.BigIntegerField("目录版本", default=0)
    whole_version = models.BigIntegerField("文件已齐的目录版本", default=0)
    waiting = models.PositiveIntegerField("启用时未到的文件数", default=0)
    expires_at = models.DateTimeField("签名有效期至", null=True, blank=True)
    accepted_at = models.DateTimeField("启用时刻", null=True, blank=True)
    asked_at = models.DateTimeField("最近询问时刻", null=True, blank=True)
    heard_at = models.DateTimeField("上级最近应答时刻", null=True, blank=True)
    failures = models.PositiveIntegerField("连续失败次数", default=0)
    retry_at = models.DateTimeField("下次尝试不早于", null=True, blank=True)
    problem = models.CharField("最近的问题", max_length=300, blank=True, default="")

    class Meta:
        verbose_name = "当前目录"
        constraints = [models.CheckConstraint(condition=models.Q(one=True), name="catalogue_one_current")]

    def __str__(self) -> str:
        return f"目录第 {self.version} 版"


class HeldShard(models.Model):
    """One document of the current catalogue: one shelf's rows for one scope."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    path = models.CharField("文档", max_length=120, unique=True)
    sha256 = models.CharField("摘要", max_length=64)
    size = models.BigIntegerField("大小（字节）")
    waiting = models.PositiveIntegerField("启用时未到的文件数", default=0)
    accepted_at = models.DateTimeField("启用时刻")

    class Meta:
        verbose_name = "目录文档"

    def __str__(self) -> str:
        return self.path
