"""The census of a campaign (底数): what site managers confirmed, wherever they did it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.supervision.rules import PROBLEM_NAMES


class CensusReturn(models.Model):
    """One confirmation of what is known of one site, by its manager; born where the manager works. A later one stands beside it."""

    travels: ClassVar[Travels] = Travels.UP
    personal: ClassVar[tuple[str, ...]] = ("confirmer_uid",)

    uid = models.UUIDField(unique=True, editable=False)
    campaign_uid = models.UUIDField("专项行动")
    site_code = models.CharField("站点编号", max_length=30)
    path = models.CharField("区划路径", max_length=80)
    remark = models.CharField("更正说明", max_length=300, blank=True, default="")
    confirmer_uid = models.UUIDField("确认人", null=True)
    confirmed_at = models.DateTimeField("确认时间")

    class Meta:
        verbose_name = "底数确认"
        indexes = [models.Index(fields=["campaign_uid", "site_code"], name="census_of_site")]  # has this site been confirmed

    def __str__(self) -> str:
        return f"{self.site_code} {self.confirmed_at:%F %H:%M}"


class CensusProblem(models.Model):
    """One problem that came with a confirmation, by kind."""

    travels: ClassVar[Travels] = Travels.UP
    personal: ClassVar[tuple[str, ...]] = ()

    census = models.ForeignKey(CensusReturn, on_delete=models.CASCADE, related_name="problems")
    number = models.PositiveSmallIntegerField("序号")
    kind = models.CharField("类别", max_length=12, choices=list(PROBLEM_NAMES.items()))
    words = models.CharField("情况", max_length=200, blank=True, default="")

    class Meta:
        verbose_name = "底数问题"
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["census", "number"], name="census_problem_once")]

    def __str__(self) -> str:
        return self.get_kind_display()


class CensusTaking(models.Model):
    """That a confirmation was taken up into its campaign here: its site counts as confirmed, its problems are items.

    `left_out` says why it was not: the campaign is over, or the site is none of its population.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    census = models.OneToOneField(CensusReturn, on_delete=models.CASCADE, related_name="taking")
    taken_at = models.DateTimeField("入库时间")
    left_out = models.CharField("未采用原因", max_length=60, blank=True, default="")

    class Meta:
        verbose_name = "底数入库"

    def __str__(self) -> str:
        return f"{self.census_id}"


class CensusDelay(models.Model):
    """That a confirmation could not be taken up when it was last tried, and why; it stays beside the taking that comes later."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    census = models.OneToOneField(CensusReturn, on_delete=models.CASCADE, related_name="delay")
    tried_at = models.DateTimeField("最近一次尝试")
    why = models.CharField("原因", max_length=200)

    class Meta:
        verbose_name = "底数待入库"

    def __str__(self) -> str:
        return f"{self.census_id} {self.why}"
