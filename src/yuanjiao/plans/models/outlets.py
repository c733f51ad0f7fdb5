"""Community outlets (红色网络教育家园) and the checklist that makes one a demonstration outlet (NET12)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.network.models import Site
from yuanjiao.places.models import Division


class OutletPoint(models.Model):
    """One point of the checklist."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    position = models.PositiveSmallIntegerField("次序")
    words = models.CharField("检查内容", max_length=100)
    active = models.BooleanField("在用", default=True)

    class Meta:
        verbose_name = "创建标准"
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.words


class Outlet(models.Model):
    """One site that is run as a community outlet."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    site = models.OneToOneField(Site, verbose_name="站点", on_delete=models.CASCADE, related_name="outlet")
    opened_on = models.DateField("设立日期")
    document = models.CharField("依据", max_length=100, blank=True, default="")

    class Meta:
        verbose_name = "红色网络教育家园"

    def __str__(self) -> str:
        return f"{self.site}"


class OutletCheck(models.Model):
    """What was found at one outlet on one point, most recently."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    outlet = models.ForeignKey(Outlet, verbose_name="网点", on_delete=models.CASCADE, related_name="checks")
    point = models.ForeignKey(OutletPoint, verbose_name="检查内容", on_delete=models.PROTECT, related_name="checks")
    fulfilled = models.BooleanField("达标")
    checked_at = models.DateTimeField("检查时刻")

    class Meta:
        verbose_name = "创建检查"
        constraints = [models.UniqueConstraint(fields=["outlet", "point"], name="outlet_check_once")]

    def __str__(self) -> str:
        return f"{self.outlet} {self.point} {self.fulfilled}"


class OutletMinimum(models.Model):
    """How many demonstration outlets one county must have."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    division = models.OneToOneField(Division, verbose_name="县（市、区）", on_delete=models.PROTECT, related_name="outlet_minimum")
    count = models.PositiveIntegerField("最少数")
    document = models.CharField("依据", max_length=100, blank=True, default="")

    class Meta:
        verbose_name = "示范网点任务"

    def __str__(self) -> str:
        return f"{self.division} {self.count}"
