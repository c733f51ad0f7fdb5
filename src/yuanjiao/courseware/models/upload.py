"""Files on their way in."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.courseware.models.bulk import BulkImport
from yuanjiao.courseware.models.item import Courseware
from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.people.models import Person


class UploadState(models.TextChoices):
    RECEIVING = "receiving", "接收中"
    COMPLETE = "complete", "收齐"
    ENDED = "ended", "已放弃"


class Upload(models.Model):
    """One file a producer is sending in parts: how much is safely on the disk, and for which item or bulk import."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    person = models.ForeignKey(Person, verbose_name="上传人", on_delete=models.PROTECT, related_name="uploads")
    courseware = models.ForeignKey(Courseware, verbose_name="课件", null=True, on_delete=models.CASCADE, related_name="uploads")
    bulk = models.ForeignKey(BulkImport, verbose_name="批量导入", null=True, on_delete=models.CASCADE, related_name="uploads")
    filename = models.CharField("文件名", max_length=200)
    size_bytes = models.BigIntegerField("大小（字节）")
    offset_bytes = models.BigIntegerField("已收（字节）", default=0)
    state = models.CharField("状态", max_length=10, choices=UploadState.choices, default=UploadState.RECEIVING)
    created_at = models.DateTimeField("开始时间")
    touched_at = models.DateTimeField("最近一次", db_index=True)  # the job that clears uploads nobody finished

    class Meta:
        verbose_name = "上传"
        constraints = [
            models.CheckConstraint(condition=models.Q(offset_bytes__lte=models.F("size_bytes")), name="upload_not_over_its_size"),
            models.CheckConstraint(
                condition=models.Q(courseware__isnull=False) ^ models.Q(bulk__isnull=False), name="upload_for_one_item_or_one_import"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.filename} {self.offset_bytes}/{self.size_bytes}"
