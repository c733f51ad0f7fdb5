"""Which process listens to which edges: intakes and their leases (several intakes of one machine room share one database)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid

LEASE_S = 6.0


class Intakes(models.QuerySet["Intake"]):
    """Which there are. Here, because a start asks it before anything that listens is loaded."""

    def living(self, at: datetime) -> Intakes:
        """Those that have said so within the time of a lease."""
        return self.filter(listened_at__gt=at - timedelta(seconds=LEASE_S))


class Intake(models.Model):
    """One intake process. `listened_at` is the last moment at which it was certainly listening; a stale one is dead."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    address = models.CharField("地址", max_length=200)
    started_at = models.DateTimeField("启动时刻")
    listened_at = models.DateTimeField("最近监听时刻")

    objects = Intakes.as_manager()

    class Meta:
        verbose_name = "接收进程"

    def __str__(self) -> str:
        return f"{self.address} {self.uid}"


class IntakeLease(models.Model):
    """One share of the edges (by a hash of the edge's code; all that hangs on an edge goes with it) and who listens to it until when."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    share = models.PositiveSmallIntegerField("份额", unique=True)
    holder = models.ForeignKey(Intake, verbose_name="接收进程", null=True, blank=True, on_delete=models.SET_NULL, related_name="leases")
    until = models.DateTimeField("有效至", null=True, blank=True)
    listened_at = models.DateTimeField("最近监听时刻", null=True, blank=True)

    class Meta:
        verbose_name = "接收租约"

    def __str__(self) -> str:
        return f"{self.share} {self.holder_id}"
