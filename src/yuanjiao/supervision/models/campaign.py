"""A campaign, what it covers, what it wants, and its frozen figures."""

from __future__ import annotations

from hashlib import sha256
from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.models import Lifecycle, ObjectKind
from yuanjiao.places.models import OrgUnit
from yuanjiao.supervision.rules import MEASURE_NAMES, STATE_NAMES, TALLY, CampaignState, Tally


class Campaign(models.Model):
    """One campaign (专项行动): a month in which a whole place is inspected and put right. Days are whole, both included.

    What is compared: [before_from, starts_on) with [starts_on, after_to), both by `rule_version`. Only title, dates and scope go down.
    """

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ("opened_by",)

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    title = models.CharField("名称", max_length=80)
    document = models.CharField("依据文件", max_length=80)
    unit = models.ForeignKey(OrgUnit, verbose_name="组织单位", on_delete=models.PROTECT, related_name="campaigns")
    starts_on = models.DateField("开始日期")
    ends_on = models.DateField("结束日期")
    plan_due_on = models.DateField("方案报送期限")
    state = models.CharField("状态", max_length=8, choices=list(STATE_NAMES.items()), default=CampaignState.PLANNED)
    opened_by = models.CharField("发起人", max_length=50, blank=True, default="")
    started_at = models.DateTimeField("启动时间", null=True, blank=True)
    reviewed_at = models.DateTimeField("转入复核时间", null=True, blank=True)
    closed_at = models.DateTimeField("结束时间", null=True, blank=True)
    before_from = models.DateField("对比期起", null=True, blank=True)
    after_to = models.DateField("行动期数据截至（不含）", null=True, blank=True)
    rule_version = models.PositiveSmallIntegerField("统计规则版本", default=0)

    class Meta:
        verbose_name = "专项行动"
        ordering = ["-starts_on", "-pk"]
        constraints = [
            models.CheckConstraint(condition=models.Q(ends_on__gte=models.F("starts_on")), name="campaign_dates_in_order"),
            models.CheckConstraint(
                condition=~models.Q(state=CampaignState.CLOSED) | models.Q(closed_at__isnull=False), name="campaign_closed_has_moment"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class CampaignScope(models.Model):
    """One place a campaign covers, with all below it."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="scopes")
    division_code = models.CharField("区划代码", max_length=12)
    name = models.CharField("地方", max_length=60)
    path = models.CharField("区划路径", max_length=80)

    class Meta:
        verbose_name = "行动范围"
        ordering = ["division_code"]
        constraints = [models.UniqueConstraint(fields=["campaign", "division_code"], name="campaign_scope_once")]

    def __str__(self) -> str:
        return self.name


class CampaignTarget(models.Model):
    """One thing a campaign wants to reach; `result` is frozen when it is closed. Shares are 0 to 1."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="targets")
    measure = models.CharField("目标", max_length=10, choices=list(MEASURE_NAMES.items()))
    value = models.FloatField("目标值")
    result = models.FloatField("结果", null=True)
    reached = models.BooleanField("达到", null=True)

    class Meta:
        verbose_name = "行动目标"
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["campaign", "measure"], name="campaign_target_once")]

    def __str__(self) -> str:
        return f"{self.get_measure_display()} {self.value}"

    @property
    def wanted(self) -> float:
        """What is to be reached: no measured rate, so nothing of it is unknown."""
        return self.value


class CampaignObject(models.Model):
    """One server, line or site of the population, frozen with its code, name and place of the day the campaign began.

    Seconds are whole: of the days before (written once) and of the campaign up to `after_to` (written anew each night until it closes).
    `…_apart` are seconds of announced maintenance. Lines and servers have none: only sites count in a rate.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="objects_covered")
    kind = models.CharField("类别", max_length=5, choices=ObjectKind.choices)
    object_key = models.BigIntegerField("对象")
    code = models.CharField("编号", max_length=30)
    name = models.CharField("名称", max_length=100)
    lifecycle = models.CharField("启动时状态", max_length=10, choices=Lifecycle.choices)
    place_code = models.CharField("区划代码", max_length=12)
    place_name = models.CharField("所在地", max_length=60)
    path = models.CharField("区划路径", max_length=80)
    county_code = models.CharField("县代码", max_length=12, blank=True, default="")
    county_name = models.CharField("县", max_length=60, blank=True, default="")
    before_up = models.BigIntegerField("之前畅通", default=0)
    before_down = models.BigIntegerField("之前不通", default=0)
    before_unknown = models.BigIntegerField("之前情况不明", default=0)
    before_apart = models.BigIntegerField("之前检修", default=0)
    after_up = models.BigIntegerField("行动期畅通", default=0)
    after_down = models.BigIntegerField("行动期不通", default=0)
    after_unknown = models.BigIntegerField("行动期情况不明", default=0)
    after_apart = models.BigIntegerField("行动期检修", default=0)
    inspected_at = models.DateTimeField("检查记录入库时间", null=True, blank=True)
    confirmed_at = models.DateTimeField("底数确认入库时间", null=True, blank=True)

    class Meta:
        verbose_name = "行动对象"
        constraints = [models.UniqueConstraint(fields=["campaign", "code"], name="campaign_object_once")]
        indexes = [
            models.Index(fields=["campaign", "path"], name="campaign_object_place"),  # what lies in a reader's subtree
            models.Index(fields=["campaign", "inspected_at"], name="campaign_object_left"),  # what lacks an inspection record
        ]

    def __str__(self) -> str:
        return self.name


class UnitPlan(models.Model):
    """One unit's plan for a campaign; expected since its start, empty until handed in (SUP07)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("submitted_by",)

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="plans")
    unit = models.ForeignKey(OrgUnit, verbose_name="单位", on_delete=models.PROTECT, related_name="campaign_plans")
    title = models.CharField("方案名称", max_length=80, blank=True, default="")
    words = models.TextField("内容", max_length=4000, blank=True, default="")
    submitted_at = models.DateTimeField("报送时间", null=True, blank=True)
    submitted_by = models.CharField("报送人", max_length=50, blank=True, default="")

    class Meta:
        verbose_name = "整顿方案"
        constraints = [models.UniqueConstraint(fields=["campaign", "unit"], name="unit_plan_once")]

    def __str__(self) -> str:
        return f"{self.unit} {self.title}"

    @property
    def mark(self) -> str:
        """Tells one text of the plan from another; empty before there is one."""
        return sha256(f"{self.title}\0{self.words}".encode()).hexdigest()[:16] if self.submitted_at else ""


class BurnDown(models.Model):
    """What one county had come to at the end of one day, written that night and never again; `queries.tallies` gives the same."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="days")
    day = models.DateField("日期")
    county_code = models.CharField("县代码", max_length=12, blank=True, default="")
    county_name = models.CharField("县", max_length=60, blank=True, default="")
    path = models.CharField("区划路径", max_length=80)
    population = models.PositiveIntegerField("对象")
    inspected = models.PositiveIntegerField("已检查")
    sites = models.PositiveIntegerField("站点")
    confirmed = models.PositiveIntegerField("已确认底数")
    items = models.PositiveIntegerField("问题")
    open = models.PositiveIntegerField("未办结")
    closed = models.PositiveIntegerField("已销号")
    unowned = models.PositiveIntegerField("无责任人")
    failed = models.PositiveIntegerField("复查未过")

    class Meta:
        verbose_name = "每日进度"
        ordering = ["day", "county_code"]
        constraints = [models.UniqueConstraint(fields=["campaign", "day", "county_code"], name="burn_down_once")]

    def __str__(self) -> str:
        return f"{self.day} {self.county_name}"

    @property
    def tally(self) -> Tally:
        return Tally(*(getattr(self, name) for name in TALLY))
