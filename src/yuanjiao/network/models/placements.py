"""Where every object stood, whether it was in service and what a site was, by day: what makes a rate of a past date right after a move,
a suspension or another access mode."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.models.register import AccessMode, Lifecycle, ManagedObject, Site, SiteKind
from yuanjiao.places.models import Division


class Placement(models.Model):
    """One span of days [valid_from, valid_to) in which one object stood in one division with one lifecycle.

    The newest span of an object is open and says the same as the object's own row. `document` is the decision behind a suspension.
    """

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    object = models.ForeignKey(ManagedObject, verbose_name="对象", on_delete=models.CASCADE, related_name="placements")
    division = models.ForeignKey(Division, verbose_name="所在区划", on_delete=models.PROTECT, related_name="placements")
    lifecycle = models.CharField("状态", max_length=10, choices=Lifecycle.choices)
    document = models.CharField("依据", max_length=100, blank=True, default="")
    valid_from = models.DateField("自")
    valid_to = models.DateField("至", null=True, blank=True)

    class Meta:
        verbose_name = "隶属与状态"
        constraints = [
            models.UniqueConstraint(fields=["object", "valid_from"], name="placement_once_per_day"),
            models.UniqueConstraint(fields=["object"], condition=models.Q(valid_to=None), name="placement_one_open"),
            models.CheckConstraint(
                condition=models.Q(valid_to=None) | models.Q(valid_to__gt=models.F("valid_from")), name="placement_dates_in_order"
            ),
        ]
        indexes = [models.Index(fields=["division", "valid_from"], name="placement_population")]  # who counts in a rate of a period

    def __str__(self) -> str:
        return f"{self.object_id} {self.get_lifecycle_display()} {self.valid_from}"


class FormerLabels(models.Model):
    """What one site was until a day (曾登记的类型): kind, access mode and programmes before `until`, from the row before it on.

    What a site is now stands in its own row; a site whose labels never changed has none here. Two neighbours never say the same.
    """

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    site = models.ForeignKey(Site, verbose_name="站点", on_delete=models.CASCADE, related_name="former_labels")
    until = models.DateField("至")
    site_kind = models.CharField("站点类型", max_length=10, choices=SiteKind.choices)
    access_mode = models.CharField("接入方式", max_length=14, choices=AccessMode.choices)
    programmes = models.CharField("所属项目", max_length=100, blank=True, default="")

    class Meta:
        verbose_name = "曾登记的类型"
        constraints = [models.UniqueConstraint(fields=["site", "until"], name="former_labels_once_per_day")]
        indexes = [models.Index(fields=["until"], name="former_labels_since")]  # whose labels changed in a period or after it

    def __str__(self) -> str:
        return f"{self.site_id} {self.get_site_kind_display()} – {self.until}"


class MaintenanceWindow(models.Model):
    """One announced span [start_at, end_at) of work on an object and all that hangs on it, by a written notice.

    Its seconds are set apart from every rate and shown beside it; states are observed and recorded all the same.
    """

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    object = models.ForeignKey(ManagedObject, verbose_name="对象", on_delete=models.CASCADE, related_name="maintenance")
    start_at = models.DateTimeField("开始")
    end_at = models.DateTimeField("结束")
    document = models.CharField("通知文号", max_length=100)
    reason = models.CharField("事由", max_length=200, blank=True, default="")
    announced_at = models.DateTimeField("登记时刻")
    cancelled_at = models.DateTimeField("撤销时刻", null=True, blank=True)

    class Meta:
        verbose_name = "检修窗口"
        constraints = [
            models.CheckConstraint(condition=models.Q(end_at__gt=models.F("start_at")), name="maintenance_in_order"),
            models.CheckConstraint(condition=~models.Q(document=""), name="maintenance_by_document"),
        ]
        indexes = [models.Index(fields=["end_at", "start_at"], name="maintenance_overlap")]  # rates and diagnosis: what overlaps

    def __str__(self) -> str:
        return f"{self.object_id} {self.start_at:%Y-%m-%d %H:%M} – {self.end_at:%H:%M}"


class RateTarget(models.Model):
    """The unobstructed rate that one division is to reach from one day on (NET05), 0 to 1, and the document that says so."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    division = models.ForeignKey(Division, verbose_name="区划", on_delete=models.PROTECT, related_name="rate_targets")
    value = models.FloatField("目标")
    valid_from = models.DateField("自")
    document = models.CharField("依据", max_length=100, blank=True, default="")

    class Meta:
        verbose_name = "畅通率目标"
        constraints = [
            models.UniqueConstraint(fields=["division", "valid_from"], name="rate_target_once_per_day"),
            models.CheckConstraint(condition=models.Q(value__gte=0) & models.Q(value__lte=1), name="rate_target_is_share"),
        ]

    def __str__(self) -> str:
        return f"{self.division_id} {self.value:.1%}"


class RateRuleVersion(models.Model):
    """One version of what "unobstructed" means (NET06), in force from one day on. Version 1 is in `rules.rates`; no row is ever changed."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    version = models.PositiveSmallIntegerField("版本", unique=True)
    heartbeat_min = models.PositiveSmallIntegerField("心跳（分钟）")
    play_days = models.PositiveSmallIntegerField("播放测试（天）")
    min_coverage = models.FloatField("最低已知比例")
    valid_from = models.DateField("自", unique=True)
    document = models.CharField("依据", max_length=100)

    class Meta:
        verbose_name = "畅通规则"

    def __str__(self) -> str:
        return f"第 {self.version} 版"
