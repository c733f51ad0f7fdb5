"""What the search index has still to take in, and what was looked for in vain."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels


class SearchDue(models.Model):
    """One change of one item that the index of this machine has not taken in yet; an item may be due more than once."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    item = models.UUIDField("课件")  # no foreign key: the item may be gone, and then leaves the index

    class Meta:
        verbose_name = "待编入索引"

    def __str__(self) -> str:
        return str(self.item)


class SearchMiss(models.Model):
    """Words that were looked for in vain on one day, and how often: a need, without any person."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    day = models.DateField("日期")
    words = models.CharField("搜索词", max_length=20)
    count = models.PositiveIntegerField("次数", default=1)
    told = models.BooleanField("已上报", default=False)  # the day is over and what is to be told of it has been

    class Meta:
        verbose_name = "没有找到的词"
        constraints = [models.UniqueConstraint(fields=["day", "words"], name="search_miss_once_per_day")]

    def __str__(self) -> str:
        return f"{self.words} {self.count}"


class SearchMissCount(models.Model):
    """How often words were looked for in vain at one machine below on one day; `path` is the place that machine serves."""

    travels: ClassVar[Travels] = Travels.UP
    personal: ClassVar[tuple[str, ...]] = ()

    origin = models.UUIDField("节点")
    day = models.DateField("日期")
    path = models.CharField("区划路径", max_length=200)
    words = models.CharField("搜索词", max_length=20)
    count = models.PositiveIntegerField("次数")

    class Meta:
        verbose_name = "下级没有找到的词"
        constraints = [models.UniqueConstraint(fields=["origin", "day", "words"], name="search_miss_told_once")]
        indexes = [models.Index(fields=["day"], name="search_miss_told_day")]  # the list of the last days

    def __str__(self) -> str:
        return f"{self.words} {self.count}"
