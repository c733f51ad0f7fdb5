"""Linear channels (频道): what is shown when (DLV10, DLV11)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.places.models import OrgUnit


class Channel(models.Model):
    """One linear channel. Its days are laid from its blocks; a day once laid stands, so that the guide a station printed stays true."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    title = models.CharField("频道", max_length=20)
    unit = models.ForeignKey(OrgUnit, verbose_name="主办单位", on_delete=models.PROTECT, related_name="channels")
    audience = models.CharField("面向范围", max_length=80, default="/")
    order = models.PositiveIntegerField("顺序", default=100)
    closed_on = models.DateField("停播日期", null=True, blank=True)

    class Meta:
        verbose_name = "频道"
        constraints = [models.UniqueConstraint(fields=["unit", "title"], name="channel_title_once_per_unit")]

    def __str__(self) -> str:
        return self.title


class Block(models.Model):
    """One block (时段) of a channel: on these weekdays from `begins` to `ends`, either a column in its order or items of its own.

    `weekdays` are ISO digits, '1' is Monday. A block ends by midnight.
    """

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    channel = models.ForeignKey(Channel, verbose_name="频道", on_delete=models.CASCADE, related_name="blocks")
    weekdays = models.CharField("星期", max_length=7, default="1234567")
    begins = models.TimeField("开始")
    ends = models.TimeField("结束")
    column_uid = models.UUIDField("栏目", null=True, blank=True)
    loop = models.BooleanField("轮播到结束", default=True)

    class Meta:
        verbose_name = "时段"
        ordering = ["begins", "pk"]
        constraints = [models.CheckConstraint(condition=models.Q(ends__gt=models.F("begins")), name="block_times_in_order")]

    def __str__(self) -> str:
        return f"{self.begins:%H:%M}–{self.ends:%H:%M}"


class BlockItem(models.Model):
    """One item a block names itself, in order."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    block = models.ForeignKey(Block, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField("顺序")
    item_uid = models.UUIDField("课件")

    class Meta:
        verbose_name = "时段课件"
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["block", "position"], name="block_item_position_once")]

    def __str__(self) -> str:
        return f"{self.position}"


class Airing(models.Model):
    """One item on the air of one channel, from `starts_at` to `ends_at`; `position` counts within the day.

    Title and segments are kept: an item that is withdrawn leaves a gap in the day, and the numbers behind it stay.
    """

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    channel = models.ForeignKey(Channel, verbose_name="频道", on_delete=models.CASCADE, related_name="airings")
    day = models.DateField("日期")
    position = models.PositiveIntegerField("顺序")
    starts_at = models.DateTimeField("开始")
    ends_at = models.DateTimeField("结束")
    item_uid = models.UUIDField("课件")
    title = models.CharField("课件名称", max_length=200)
    segments = models.PositiveIntegerField("分段数", default=0)

    class Meta:
        verbose_name = "播出单"
        ordering = ["day", "position"]
        constraints = [models.UniqueConstraint(fields=["channel", "day", "position"], name="airing_position_once")]
        indexes = [models.Index(fields=["channel", "ends_at"], name="airing_now")]  # what is on now and next

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H:%M} {self.title}"
