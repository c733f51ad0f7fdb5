"""Bulk imports (批量导入) of other departments' items: a sheet, the files it names, and what came of each row (CW14)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.courseware.models.item import Courseware
from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid


class BulkState(models.TextChoices):
    RECEIVED = "received", "已收到"
    CHECKING = "checking", "检查中"
    READY = "ready", "可以导入"
    REFUSED = "refused", "有错误"
    APPLYING = "applying", "导入中"
    APPLIED = "applied", "已导入"
    FAILED = "failed", "不能处理"
    CANCELLED = "cancelled", "已放弃"


class BulkImport(models.Model):
    """One delivery of another department: an archive with one sheet and the files the sheet names."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("actor_name",)

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    department = models.CharField("来源单位", max_length=100)
    file_name = models.CharField("文件名", max_length=200, blank=True, default="")
    size_bytes = models.BigIntegerField("大小（字节）", default=0)
    state = models.CharField("状态", max_length=10, choices=BulkState.choices, default=BulkState.RECEIVED)
    good_rows_only = models.BooleanField("只导入正确的行", default=False)
    message = models.CharField("说明", max_length=400, blank=True, default="")
    actor_uid = models.UUIDField("经办人")
    actor_name = models.CharField("经办人姓名", max_length=50)
    received_at = models.DateTimeField("收到时间")
    finished_at = models.DateTimeField("完成时间", null=True, blank=True)

    class Meta:
        verbose_name = "批量导入"
        indexes = [models.Index(fields=["-received_at"], name="bulk_newest")]  # my imports, newest first

    def __str__(self) -> str:
        return f"{self.department} {self.file_name}"


class BulkRow(models.Model):
    """One row of the sheet: what is wrong with it, or the item that was made of it."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    bulk = models.ForeignKey(BulkImport, verbose_name="批量导入", on_delete=models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField("行号")
    title = models.CharField("标题", max_length=100, blank=True, default="")
    file_name = models.CharField("文件", max_length=200, blank=True, default="")
    problem = models.CharField("错误原因", max_length=300, blank=True, default="")
    courseware = models.ForeignKey(Courseware, verbose_name="课件", null=True, on_delete=models.SET_NULL, related_name="bulk_rows")

    class Meta:
        verbose_name = "批量导入的行"
        constraints = [models.UniqueConstraint(fields=["bulk", "number"], name="bulk_row_once")]

    def __str__(self) -> str:
        return f"{self.bulk} {self.number}"
