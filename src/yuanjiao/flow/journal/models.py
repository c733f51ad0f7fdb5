"""The journal's own tables: entries as recorded, segments as sealed, and one head per origin."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.flow.nodes.models import Node
from yuanjiao.lib.travels import Travels


class Head(models.Model):
    """How far we have come with one origin: the last entry we hold, and the last one our parent has acknowledged."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    origin = models.OneToOneField(Node, primary_key=True, on_delete=models.PROTECT)
    seq = models.BigIntegerField("已有序号", default=0)
    entry_hash = models.BinaryField(max_length=32, default=bytes(32))
    sealed_seq = models.BigIntegerField("已封序号", default=0)
    acknowledged_seq = models.BigIntegerField("上级已收序号", default=0)

    class Meta:
        verbose_name = "日志进度"

    def __str__(self) -> str:
        return f"{self.origin} 第 {self.seq} 条"


class Entry(models.Model):
    """One fact, as its origin recorded it. Append-only; (origin, seq) is its name everywhere."""

    travels: ClassVar[Travels] = Travels.UP
    personal: ClassVar[tuple[str, ...]] = ()

    origin = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="entries")
    seq = models.BigIntegerField("序号")
    kind = models.CharField("事件", max_length=60)
    at = models.DateTimeField("记录时刻（记录者的钟）")
    received_at = models.DateTimeField("收到时刻（本机的钟）")
    payload = models.BinaryField("内容")
    entry_hash = models.BinaryField(max_length=32)

    class Meta:
        verbose_name = "日志条目"
        constraints = [models.UniqueConstraint(fields=["origin", "seq"], name="entry_once_per_origin")]

    def __str__(self) -> str:
        return f"{self.origin_id}/{self.seq} {self.kind}"
