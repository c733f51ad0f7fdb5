"""What is shared: facilities of other departments, a site's costs among its programmes, good practice among counties."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.models import Site
from yuanjiao.places.models import Division


class LentFacility(models.Model):
    """One room, device or line lent by another department: whose it is, for what use, until when (NET16)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    name = models.CharField("设施", max_length=100)
    owner = models.CharField("产权单位", max_length=100)
    division = models.ForeignKey(Division, verbose_name="所在区划", on_delete=models.PROTECT, related_name="lent_facilities")
    permitted_use = models.CharField("许可用途", max_length=200)
    lent_on = models.DateField("借用日期")
    ends_on = models.DateField("到期日期")
    document = models.CharField("协议", max_length=100, blank=True, default="")
    returned_on = models.DateField("归还日期", null=True, blank=True)

    class Meta:
        verbose_name = "借用设施"
        constraints = [
            models.CheckConstraint(condition=models.Q(ends_on__gte=models.F("lent_on")), name="lent_dates_in_order"),
        ]

    def __str__(self) -> str:
        return self.name


class CostShare(models.Model):
    """The weight with which one programme bears the costs of one site (NET09)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    site = models.ForeignKey(Site, verbose_name="站点", on_delete=models.CASCADE, related_name="cost_shares")
    programme = models.CharField("项目", max_length=40)
    weight = models.PositiveSmallIntegerField("份数")

    class Meta:
        verbose_name = "费用分摊"
        constraints = [
            models.UniqueConstraint(fields=["site", "programme"], name="cost_share_once"),
            models.CheckConstraint(condition=models.Q(weight__gt=0), name="cost_share_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.programme} {self.weight}"


class PracticeNote(models.Model):
    """How one division does it well, for others to read beside its rate (OPS13)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    division = models.ForeignKey(Division, verbose_name="区划", on_delete=models.PROTECT, related_name="practice_notes")
    title = models.CharField("标题", max_length=100)
    words = models.TextField("做法")
    written_at = models.DateTimeField("更新时刻")

    class Meta:
        verbose_name = "经验做法"
        ordering = ["-written_at"]

    def __str__(self) -> str:
        return self.title
