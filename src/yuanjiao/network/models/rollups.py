"""Which days have been summed, and whether a later fact has made a sum old. The sums themselves are files: derived and rebuildable."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels


class DayRollup(models.Model):
    """One local day whose seconds have been summed site by site into files of this machine (日汇总).

    Every state change and play test with a key up to `seen_change`, `seen_test` is in the sums or does not touch the day.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    day = models.DateField("日期")
    rule_version = models.PositiveSmallIntegerField("规则版本")
    digest = models.CharField("文件摘要", max_length=64)
    rows = models.PositiveIntegerField("状态段数")
    made_at = models.DateTimeField("汇总时刻")
    seen_change = models.BigIntegerField("已计入的状态变化", default=0)
    seen_test = models.BigIntegerField("已计入的播放测试", default=0)
    stale = models.BooleanField("待重算", default=False)  # a fact about this day has arrived since

    class Meta:
        verbose_name = "日汇总"
        constraints = [models.UniqueConstraint(fields=["day", "rule_version"], name="day_rollup_once")]

    def __str__(self) -> str:
        return f"{self.day}"
