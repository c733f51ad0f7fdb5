"""The journal's own tables: entries as recorded, segments as sealed, one head per origin, entries that could not be applied,
segments that lie in archive files, and segments that tell another story than the one we hold."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.flow.nodes.models import Node
from yuanjiao.lib.travels import Travels


class Head(models.Model):
    """How far we have come with one origin: the last entry we hold, the last one sealed, the last one our parent has acknowledged.

    Rows of entries begin at `kept_from`; those before lie in archive files, and `kept_hash` is the hash of the last of them.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    origin = models.OneToOneField(Node, primary_key=True, on_delete=models.PROTECT)
    seq = models.BigIntegerField("已有序号", default=0)
    entry_hash = models.BinaryField(max_length=32, default=bytes(32))
    sealed_seq = models.BigIntegerField("已封序号", default=0)
    acknowledged_seq = models.BigIntegerField("上级已收序号", default=0)
    kept_from = models.BigIntegerField("库内起始序号", default=1)
    kept_hash = models.BinaryField(max_length=32, default=bytes(32))
    spared_seq = models.BigIntegerField("上级无须补取的序号", default=0)  # a former parent has them; those above begin behind
    refusal = models.CharField("上级拒收原因", max_length=300, blank=True, default="")
    refused_at = models.DateTimeField("上级拒收时刻", null=True, blank=True)

    class Meta:
        verbose_name = "日志进度"

    def __str__(self) -> str:
        return f"{self.origin} 第 {self.seq} 条"


class Segment(models.Model):
    """One sealed run of an origin's entries, byte for byte as its origin signed it: the proof of its entries. Kept here or, after
    acknowledgement, in an archive file (`Archived`)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    origin = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="segments")
    first_seq = models.BigIntegerField("起始序号")
    last_seq = models.BigIntegerField("末尾序号")
    sealed = models.BinaryField("封存字节")
    received_at = models.DateTimeField("收到时刻（本机的钟）")
    clock_offset_s = models.FloatField("送来者的时钟偏差（秒）", default=0.0)  # our clock minus the sender's when it came

    class Meta:
        verbose_name = "日志段"
        constraints = [
            # shipping asks for the first segment that ends after what the parent acknowledged; also: never two that end alike
            models.UniqueConstraint(fields=["origin", "last_seq"], name="segment_once_per_end"),
            models.CheckConstraint(condition=models.Q(last_seq__gte=models.F("first_seq")), name="segment_not_empty"),
        ]

    def __str__(self) -> str:
        return f"{self.origin_id}/{self.first_seq}–{self.last_seq}"


class Entry(models.Model):
    """One fact, as its origin recorded it. Append-only; (origin, seq) is its name everywhere."""

    travels: ClassVar[Travels] = Travels.UP
    personal: ClassVar[tuple[str, ...]] = ()

    origin = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="entries", db_index=False)
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


class Archived(models.Model):
    """One segment that lies in an archive file instead of here: which file, and where in it."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    origin = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="archived")
    first_seq = models.BigIntegerField("起始序号")
    last_seq = models.BigIntegerField("末尾序号")
    tail = models.BinaryField(max_length=32)  # hash of the last entry
    file = models.CharField("存档文件", max_length=60)  # its name in the folder HOME/journal
    offset = models.BigIntegerField("在文件中的位置（字节）")
    size = models.PositiveIntegerField("大小（字节）")
    received_at = models.DateTimeField("收到时刻（本机的钟）")

    class Meta:
        verbose_name = "已归档的日志段"
        constraints = [
            # a parent that asks for something old: the first segment that ends after what it has
            models.UniqueConstraint(fields=["origin", "last_seq"], name="archived_once_per_end"),
        ]

    def __str__(self) -> str:
        return f"{self.origin_id}/{self.first_seq}–{self.last_seq} 在 {self.file}"


class Fork(models.Model):
    """One segment, signed by its origin, that tells another story about numbers we hold: kept byte for byte, not applied."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    origin = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="forks")
    first_seq = models.BigIntegerField("起始序号")
    last_seq = models.BigIntegerField("末尾序号")
    sha256 = models.CharField("摘要", max_length=64)
    sealed = models.BinaryField("封存字节")
    heard_at = models.DateTimeField("收到时刻（本机的钟）")
    retold_by = models.ForeignKey(Node, null=True, blank=True, on_delete=models.PROTECT, related_name="+")  # the origin's new name

    class Meta:
        verbose_name = "分叉的日志段"
        constraints = [
            # a forked node sends the same segment again and again
            models.UniqueConstraint(fields=["origin", "sha256"], name="fork_once_per_segment"),
        ]

    def __str__(self) -> str:
        return f"{self.origin_id}/{self.first_seq}–{self.last_seq} 另有说法"


class Unapplied(models.Model):
    """One entry that is held but whose rows could not be built: nothing is lost, the rest goes on, and it is tried again."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    entry = models.OneToOneField(Entry, primary_key=True, on_delete=models.CASCADE)
    reason = models.CharField("原因", max_length=300)
    since = models.DateTimeField("首次失败时刻")
    tried_at = models.DateTimeField("最近重试时刻")
    tries = models.PositiveIntegerField("已试次数", default=1)

    class Meta:
        verbose_name = "未能生效的日志条目"

    def __str__(self) -> str:
        return f"{self.entry}：{self.reason}"
