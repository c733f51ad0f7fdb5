"""What is to be built and renewed, by when."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.models import AccessMode, Site
from yuanjiao.places.models import LEVEL_NAMES, Division
from yuanjiao.plans.rules import Measure

MEASURES = [(Measure.KIND, "站点类型"), (Measure.CAPABILITY, "服务能力")]


class BuildPlan(models.Model):
    """One plan by a document: so many sites of each type in one division until one day (NET10)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    title = models.CharField("名称", max_length=100)
    division = models.ForeignKey(Division, verbose_name="区划", on_delete=models.PROTECT, related_name="build_plans")
    document = models.CharField("依据", max_length=100)
    due_on = models.DateField("完成期限")

    class Meta:
        verbose_name = "建设计划"
        ordering = ["-due_on", "pk"]

    def __str__(self) -> str:
        return self.title


class BuildTarget(models.Model):
    """One line of a plan: how many sites of one kind, or with one capability."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    plan = models.ForeignKey(BuildPlan, verbose_name="计划", on_delete=models.CASCADE, related_name="targets")
    measure = models.CharField("口径", max_length=10, choices=MEASURES)
    value = models.CharField("类型或能力", max_length=40)
    count = models.PositiveIntegerField("目标数")

    class Meta:
        verbose_name = "建设目标"
        constraints = [models.UniqueConstraint(fields=["plan", "measure", "value"], name="build_target_once")]

    def __str__(self) -> str:
        return f"{self.value} {self.count}"


class CoverageTarget(models.Model):
    """All places of one level in one division are to have a site by one day (NET13)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    division = models.ForeignKey(Division, verbose_name="区划", on_delete=models.PROTECT, related_name="coverage_targets")
    level = models.PositiveSmallIntegerField("级别", choices=LEVEL_NAMES)
    urban_only = models.BooleanField("只算社区（城镇）", default=False)
    due_on = models.DateField("期限")
    document = models.CharField("依据", max_length=100)

    class Meta:
        verbose_name = "覆盖目标"
        constraints = [models.UniqueConstraint(fields=["division", "level", "urban_only", "due_on"], name="coverage_target_once")]

    def __str__(self) -> str:
        return f"{self.division} {self.get_level_display()} {self.due_on}"


class Upgrade(models.Model):
    """One site's renewal: from what, to what, by when, at what cost, and the play test that accepted it (NET14)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    site = models.ForeignKey(Site, verbose_name="站点", on_delete=models.CASCADE, related_name="upgrades")
    from_mode = models.CharField("现状", max_length=14, choices=AccessMode.choices)
    to_mode = models.CharField("改造为", max_length=14, choices=AccessMode.choices)
    work = models.CharField("内容", max_length=200, blank=True, default="")
    planned_on = models.DateField("计划日期")
    cost_cents = models.PositiveBigIntegerField("费用（分）", default=0)
    document = models.CharField("依据", max_length=100, blank=True, default="")
    done_at = models.DateTimeField("完工时刻", null=True, blank=True)
    accepted_at = models.DateTimeField("验收时刻", null=True, blank=True)
    play_test = models.UUIDField("验收的播放测试", null=True, blank=True)

    class Meta:
        verbose_name = "改造"
        constraints = [
            models.UniqueConstraint(fields=["site"], condition=models.Q(accepted_at=None), name="upgrade_one_open_per_site"),
            models.CheckConstraint(
                condition=models.Q(accepted_at=None) | models.Q(play_test__isnull=False, done_at__isnull=False),
                name="upgrade_accepted_by_play_test",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.site} {self.planned_on}"
