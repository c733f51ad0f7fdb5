"""Themes (主题): columns, a banner and dates that belong together (DLV12)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.places.models import OrgUnit


class Theme(models.Model):
    """One theme, for instance 学习二十大. `ends_on` is the first day on which it is not shown any more; every theme has one.

    `banner` is the SHA-256 of a JPEG among the blobs, or empty.
    """

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    title = models.CharField("主题", max_length=30)
    summary = models.CharField("说明", max_length=200, blank=True, default="")
    unit = models.ForeignKey(OrgUnit, verbose_name="主办单位", on_delete=models.PROTECT, related_name="themes")
    audience = models.CharField("面向范围", max_length=80, default="/")  # division path; '/' is everybody
    starts_on = models.DateField("开始日期")
    ends_on = models.DateField("结束日期")
    order = models.PositiveIntegerField("顺序", default=100)
    banner = models.CharField("横幅", max_length=64, blank=True, default="")

    class Meta:
        verbose_name = "主题"
        constraints = [models.CheckConstraint(condition=models.Q(ends_on__gt=models.F("starts_on")), name="theme_dates_in_order")]

    def __str__(self) -> str:
        return self.title


class ThemeColumn(models.Model):
    """One column of a theme, by uid: below, a column for another subtree is not held."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    theme = models.ForeignKey(Theme, verbose_name="主题", on_delete=models.CASCADE, related_name="columns")
    position = models.PositiveSmallIntegerField("顺序")
    column_uid = models.UUIDField("栏目")

    class Meta:
        verbose_name = "主题栏目"
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["theme", "column_uid"], name="theme_column_once")]

    def __str__(self) -> str:
        return f"{self.theme} {self.position}"
