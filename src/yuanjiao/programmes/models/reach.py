"""Which catalogues each machine below has taken up, and what that proves of released and of withdrawn items (DLV02, CW13)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels


class CatalogueTaken(models.Model):
    """The newest catalogue whose rows one machine below said are in force there. The machine by its uid and register code."""

    travels: ClassVar[Travels] = Travels.UP
    personal: ClassVar[tuple[str, ...]] = ()

    origin = models.UUIDField("节点", unique=True)
    subject = models.CharField("台账编号", max_length=30, blank=True, default="")
    path = models.CharField("区划路径", max_length=200, blank=True, default="")
    version = models.BigIntegerField("目录版本")
    taken_at = models.DateTimeField("启用时刻（该机器的钟）")

    class Meta:
        verbose_name = "目录回执"

    def __str__(self) -> str:
        return f"{self.subject} {self.version}"


class CatalogueStep(models.Model):
    """One catalogue one machine below has with all its files, and since when.

    What could be played there on which day is read from these.
    """

    travels: ClassVar[Travels] = Travels.UP
    personal: ClassVar[tuple[str, ...]] = ()

    origin = models.UUIDField("节点")
    version = models.BigIntegerField("目录版本")
    taken_at = models.DateTimeField("启用时刻（该机器的钟）")

    class Meta:
        verbose_name = "目录启用"
        constraints = [models.UniqueConstraint(fields=["origin", "version"], name="catalogue_step_once")]

    def __str__(self) -> str:
        return f"{self.origin} {self.version}"


class Arrival(models.Model):
    """One release of one item on its way down, the twin of a departure. Where it has arrived follows from `CatalogueStep`."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    item_uid = models.UUIDField("课件")
    title = models.CharField("课件名称", max_length=200)
    path = models.CharField("制作单位的区划路径", max_length=200)
    released_at = models.DateTimeField("发布时间", db_index=True)
    over = models.BooleanField("已不再发布", default=False)  # withdrawn, expired or replaced: a departure tells the rest

    class Meta:
        verbose_name = "下发"
        constraints = [models.UniqueConstraint(fields=["item_uid", "released_at"], name="arrival_once")]

    def __str__(self) -> str:
        return self.title


class ArrivalVersion(models.Model):
    """The first signed catalogue whose document for one scope names the item: a machine of that scope with it or a later one has it."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    arrival = models.ForeignKey(Arrival, on_delete=models.CASCADE, related_name="versions")
    scope = models.CharField("范围", max_length=200)  # a division path, or `flow.catalogue.shelf.ALL`
    version = models.BigIntegerField("目录版本")

    class Meta:
        verbose_name = "下发目录"
        constraints = [models.UniqueConstraint(fields=["arrival", "scope"], name="arrival_version_once")]

    def __str__(self) -> str:
        return f"{self.arrival} {self.scope} {self.version}"


class Departure(models.Model):
    """One item leaving: when it was withdrawn here, and the first signed catalogue without it. `gone_version` None: not yet signed."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    item_uid = models.UUIDField("课件", db_index=True)
    title = models.CharField("课件名称", max_length=200)
    path = models.CharField("制作单位的区划路径", max_length=200, default="/")
    reason = models.CharField("原因", max_length=300, blank=True, default="")
    withdrawn_at = models.DateTimeField("撤下时间")
    gone_version = models.BigIntegerField("不含它的目录版本", null=True, blank=True)
    over = models.BooleanField("已重新发布", default=False)  # released again: nothing is to leave any more

    class Meta:
        verbose_name = "撤下"
        constraints = [models.UniqueConstraint(fields=["item_uid", "withdrawn_at"], name="departure_once")]

    def __str__(self) -> str:
        return self.title


class DepartureConfirmed(models.Model):
    """One machine proved that one departed item is gone there: it has taken up a catalogue without it."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    departure = models.ForeignKey(Departure, on_delete=models.CASCADE, related_name="confirmed")
    origin = models.UUIDField("节点")
    version = models.BigIntegerField("目录版本")
    at = models.DateTimeField("启用时刻（该机器的钟）")

    class Meta:
        verbose_name = "撤下回执"
        constraints = [models.UniqueConstraint(fields=["departure", "origin"], name="departure_confirmed_once")]

    def __str__(self) -> str:
        return f"{self.departure} {self.origin}"
