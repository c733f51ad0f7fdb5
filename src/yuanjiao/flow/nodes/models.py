"""Who we are and whom we know: this machine's node, its parent, its children, and the codes that let a child in."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid


class NodeKind(models.TextChoices):
    CENTRE = "centre", "中心"
    EDGE = "edge", "边缘服务器"
    SITE = "site", "终端站点"


class Untold(models.TextChoices):
    """What the journal has yet to say about a node that was enrolled or revoked here."""

    ENROLLED = "enrolled", "登记"
    REVOKED = "revoked", "吊销"
    BOTH = "both", "登记与吊销"


class Node(models.Model):
    """One machine that keeps a journal: this one (`is_self`), the one above, or one below that was enrolled.

    `scope` is the division path (see places) whose rows the catalogue sends to it, and of which it may speak now (`NodePlace`: when of
    what); a node of a retired key is kept, because its old segments must still verify. One that has gone to a parent that does not stand
    below this machine is revoked too, with `moved_at` saying why. `start_seq`: entries up to there went to a former parent, not here.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    kind = models.CharField("类型", max_length=8, choices=NodeKind.choices)
    name = models.CharField("名称", max_length=100)
    public_key = models.BinaryField("公钥", max_length=32)
    subject_code = models.CharField("台账编号", max_length=30, blank=True, default="", db_index=True)  # which edge or site this machine is
    scope = models.CharField("范围", max_length=200, blank=True, default="")
    is_self = models.BooleanField("本机", default=False)
    is_parent = models.BooleanField("上级", default=False)
    enrolled_at = models.DateTimeField("登记时间")
    revoked_at = models.DateTimeField("吊销时间", null=True, blank=True)
    revoked_reason = models.CharField("吊销原因", max_length=200, blank=True, default="")
    revoked_after_seq = models.BigIntegerField("吊销时已收序号", null=True, blank=True)  # revoked below: entries up to here may still come
    clock_offset_s = models.FloatField("时钟偏差（秒）", default=0.0)  # our clock minus its clock, when it last spoke
    enrolled_by = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    renews = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="+")  # its name before a fork
    moved_at = models.DateTimeField("移交时间", null=True, blank=True)
    moved_to = models.UUIDField("移交给", null=True, blank=True)  # the parent it named itself; None when an operator here said so
    moved_to_name = models.CharField("移交给（名称）", max_length=100, blank=True, default="")
    start_seq = models.BigIntegerField("起始于此序号之后", default=0)
    start_hash = models.BinaryField(max_length=32, default=bytes(32))
    untold = models.CharField("待上报", max_length=8, blank=True, default="", choices=Untold.choices)

    class Meta:
        verbose_name = "节点"
        constraints = [
            models.UniqueConstraint(fields=["is_self"], condition=models.Q(is_self=True), name="node_one_self"),
            models.UniqueConstraint(fields=["is_parent"], condition=models.Q(is_parent=True), name="node_one_parent"),
            models.UniqueConstraint(fields=["public_key"], name="node_one_key"),
        ]

    def __str__(self) -> str:
        return f"{self.name}（{self.get_kind_display()}）"


class NodePlace(models.Model):
    """One scope a node had or has, under whoever gave it; rows begin with the first change, for a node that never moved has none.

    Believed are entries from `first_seq` on: up to `last_seq`, where the node itself named it when it took its next place; where no
    number is known, those recorded before `valid_to`; all of them while both are open.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="places")
    scope = models.CharField("范围", max_length=200, blank=True, default="")
    given_by = models.ForeignKey(Node, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    valid_from = models.DateTimeField("起")
    valid_to = models.DateTimeField("止", null=True, blank=True)
    first_seq = models.BigIntegerField("起始序号", default=0)
    last_seq = models.BigIntegerField("末尾序号", null=True, blank=True)

    class Meta:
        verbose_name = "节点的范围"

    def __str__(self) -> str:
        return f"{self.node_id} {self.scope}"

    def covers(self, seq: int, at: datetime) -> bool:
        """Whether the node may speak of this scope in its entry `seq`, recorded at `at` by its own clock."""
        if seq < self.first_seq:
            return False
        if self.last_seq is not None:
            return seq <= self.last_seq
        return self.valid_to is None or at < self.valid_to


class EnrolmentCode(models.Model):
    """One permission to enrol one node: a code told once, kept only as its SHA-256."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    code_hash = models.BinaryField(max_length=32, unique=True)
    kind = models.CharField("类型", max_length=8, choices=NodeKind.choices)
    name = models.CharField("名称", max_length=100)
    subject_code = models.CharField("台账编号", max_length=30, blank=True, default="")
    scope = models.CharField("范围", max_length=200, blank=True, default="")
    former_scope = models.CharField("原范围", max_length=200, blank=True, default="")  # of which entries recorded before may still speak
    made_at = models.DateTimeField("发码时间")
    expires_at = models.DateTimeField("失效时间")
    used_at = models.DateTimeField("使用时间", null=True, blank=True)
    used_by = models.ForeignKey(Node, null=True, blank=True, on_delete=models.PROTECT)

    class Meta:
        verbose_name = "登记码"

    def __str__(self) -> str:
        return f"{self.name} 的登记码"
