"""Plays, completion and ratings per item, place and day (FBK08). Sums only: no row stands for a person or a single play."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels


class Sums(models.Model):
    """The sums both tables hold. `started` and `finished` are plays; `rated_n` how often n of five was pressed."""

    started = models.PositiveIntegerField("播放", default=0)
    finished = models.PositiveIntegerField("看完", default=0)
    rated_1 = models.PositiveIntegerField("一星", default=0)
    rated_2 = models.PositiveIntegerField("二星", default=0)
    rated_3 = models.PositiveIntegerField("三星", default=0)
    rated_4 = models.PositiveIntegerField("四星", default=0)
    rated_5 = models.PositiveIntegerField("五星", default=0)

    class Meta:
        abstract = True


SUMS = ("started", "finished", "rated_1", "rated_2", "rated_3", "rated_4", "rated_5")


class PlayTally(Sums):
    """What this very machine counted of one item on one day, until it is told upwards."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    day = models.DateField("日期")
    item_uid = models.UUIDField("课件")

    class Meta:
        verbose_name = "本机计数"
        constraints = [models.UniqueConstraint(fields=["day", "item_uid"], name="play_tally_once")]

    def __str__(self) -> str:
        return f"{self.day} {self.item_uid}"


class PlayCount(Sums):
    """One machine's sums of one item on one day; `path` is the place the machine serves, '/' at the top."""

    travels: ClassVar[Travels] = Travels.UP
    personal: ClassVar[tuple[str, ...]] = ()

    origin = models.UUIDField("节点")
    day = models.DateField("日期")
    path = models.CharField("区划路径", max_length=200)
    item_uid = models.UUIDField("课件")

    class Meta:
        verbose_name = "播放计数"
        constraints = [models.UniqueConstraint(fields=["origin", "day", "item_uid"], name="play_count_once")]
        indexes = [models.Index(fields=["item_uid", "day"], name="play_count_item")]  # how an item was taken

    def __str__(self) -> str:
        return f"{self.day} {self.item_uid}"
