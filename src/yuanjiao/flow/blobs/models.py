"""Which blobs this machine keeps, and as what a browser is to take them."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import ClassVar

from django.db import models

from yuanjiao.flow.nodes.models import Node
from yuanjiao.lib.travels import Travels


class Rank(IntEnum):
    """Which of the wanted blobs comes first."""

    LESSON = 10
    """Shown today, or planned for a group today or tomorrow."""
    REST = 20


class Trouble(StrEnum):
    """What is wrong with a blob that was here."""

    ROTTEN = "rotten"
    """Its bytes are others than its name says, or cannot be read."""
    GONE = "gone"
    """No file stands where it should."""


class Blob(models.Model):
    """One file of this machine's store, named by the SHA-256 of its bytes. The bytes are in HOME/blobs.

    `listed`: it came because a catalogue names it; once no catalogue does, `unreferenced_at` says since when.
    `spare`: 0 stays; of the others the greatest goes first when its room is needed, with all of the same number (quota.py).
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    sha256 = models.CharField("摘要", max_length=64, unique=True)
    size = models.BigIntegerField("大小（字节）")
    media_type = models.CharField("媒体类型", max_length=60, default="application/octet-stream")
    listed = models.BooleanField("目录所列", default=False)
    unreferenced_at = models.DateTimeField("不再被目录引用的时刻", null=True, blank=True)
    spare = models.PositiveIntegerField("让位的先后", default=0)

    class Meta:
        verbose_name = "文件"
        constraints = [models.CheckConstraint(condition=models.Q(size__gte=0), name="blob_size_not_negative")]
        indexes = [
            # the sweep asks for blobs that the catalogue let go of
            models.Index(fields=["unreferenced_at"], condition=~models.Q(unreferenced_at=None), name="blob_let_go"),
            # who makes room asks for what is needed least
            models.Index(fields=["spare"], condition=models.Q(spare__gt=0), name="blob_spare"),
        ]

    def __str__(self) -> str:
        return f"{self.sha256[:12]} {self.size} 字节"


class Wanted(models.Model):
    """One blob that the catalogue in force names and that is not here yet.

    `asked_version` is the first catalogue that named it: every catalogue before the least of these is here with all its files.
    `again`: it was here when that catalogue was taken up and was lost since, so its coming changes no row of any room.
    `left_out`: under a quota, whether there is no room for it; None while that is not decided.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    sha256 = models.CharField("摘要", max_length=64, unique=True)
    size = models.BigIntegerField("大小（字节）")
    media_type = models.CharField("媒体类型", max_length=60)
    rank = models.PositiveSmallIntegerField("先后", default=Rank.REST)
    asked_at = models.DateTimeField("列入时刻")
    asked_version = models.BigIntegerField("列入的目录版本")
    again = models.BooleanField("曾在本机", default=False)
    left_out = models.BooleanField("限额内放不下", null=True, default=None)
    failures = models.PositiveIntegerField("连续失败次数", default=0)
    retry_at = models.DateTimeField("下次尝试不早于", null=True, blank=True)
    problem = models.CharField("最近的问题", max_length=300, blank=True, default="")

    class Meta:
        verbose_name = "待取文件"
        indexes = [models.Index(fields=["rank", "size", "sha256"], name="wanted_in_turn")]

    def __str__(self) -> str:
        return f"{self.sha256[:12]} {self.size} 字节"


class SpentBytes(models.Model):
    """How many bytes of blobs came over the line in the hour from `hour_at` and on the day `day_on`, both of China."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    one = models.BooleanField(primary_key=True, default=True)
    hour_at = models.DateTimeField("小时起点")
    hour_bytes = models.BigIntegerField("本小时流量（字节）", default=0)
    day_on = models.DateField("日期")
    day_bytes = models.BigIntegerField("当日流量（字节）", default=0)

    class Meta:
        verbose_name = "下载流量"
        constraints = [models.CheckConstraint(condition=models.Q(one=True), name="spent_bytes_one")]

    def __str__(self) -> str:
        return f"{self.day_on}：{self.day_bytes} 字节"


class Spoilt(models.Model):
    """One blob that was found rotten or gone at `found_at`, and here again from `mended_at`. It is served in between by nobody."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    sha256 = models.CharField("摘要", max_length=64, unique=True)
    size = models.BigIntegerField("大小（字节）")
    trouble = models.CharField("问题", max_length=10, choices=[("rotten", "内容已坏"), ("gone", "文件不见")])
    found_at = models.DateTimeField("发现时刻")
    mended_at = models.DateTimeField("修复时刻", null=True, blank=True)

    class Meta:
        verbose_name = "损坏文件"

    def __str__(self) -> str:
        return f"{self.sha256[:12]} {self.get_trouble_display()}"


class ScrubRound(models.Model):
    """How far the present round of reading everything again has come: up to the blob `after`, `read` of `total` bytes."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    one = models.BooleanField(primary_key=True, default=True)
    began_at = models.DateTimeField("本轮开始时刻")
    after = models.CharField("已核对到", max_length=64, blank=True, default="")
    read = models.BigIntegerField("本轮已核对（字节）", default=0)
    total = models.BigIntegerField("本轮共（字节）", default=0)
    done = models.BooleanField("本轮已完", default=False)
    whole_at = models.DateTimeField("上一轮核对完的时刻", null=True, blank=True)

    class Meta:
        verbose_name = "核对进度"
        constraints = [models.CheckConstraint(condition=models.Q(one=True), name="scrub_round_one")]

    def __str__(self) -> str:
        return f"{self.read}/{self.total} 字节"


class Pinned(models.Model):
    """One thing the operator wants kept whole on this machine whatever the quota, by the name the rooms above know it by."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    name = models.CharField("名称", max_length=64, unique=True)
    at = models.DateTimeField("指定时刻")

    class Meta:
        verbose_name = "指定保留"

    def __str__(self) -> str:
        return self.name


class Holder(models.Model):
    """Where siblings reach one child of this machine that shares its files, as the child says itself."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    node = models.OneToOneField(Node, verbose_name="节点", on_delete=models.CASCADE, related_name="+")
    address = models.CharField("地址", max_length=200)
    told_at = models.DateTimeField("告知时刻")

    class Meta:
        verbose_name = "互传地址"

    def __str__(self) -> str:
        return f"{self.node}：{self.address}"
