"""Pages, pictures and the file itself of items that are not played; and which item took the place of which."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.courseware.models.item import Courseware
from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid


class PartKind(models.TextChoices):
    PAGE = "page", "页"
    PICTURE = "picture", "图片"
    FILE = "file", "文件"


class ItemPart(models.Model):
    """One page of a document, one picture of a set, or the file as it may be saved: a blob, and its words for search and reading aloud."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    courseware = models.ForeignKey(Courseware, verbose_name="课件", on_delete=models.CASCADE, related_name="parts")
    kind = models.CharField("种类", max_length=8, choices=PartKind.choices)
    number = models.PositiveIntegerField("序号")
    blob = models.CharField("内容摘要", max_length=64, db_index=True)  # whether a blob is still needed
    size_bytes = models.BigIntegerField("大小（字节）")
    media_type = models.CharField("媒体类型", max_length=40)
    width = models.PositiveIntegerField("宽", default=0)
    height = models.PositiveIntegerField("高", default=0)
    text = models.TextField("文字", blank=True, default="")
    caption = models.CharField("图片说明", max_length=200, blank=True, default="")

    class Meta:
        verbose_name = "页与图片"
        constraints = [models.UniqueConstraint(fields=["courseware", "kind", "number"], name="part_numbered_once")]

    def __str__(self) -> str:
        return f"{self.courseware} {self.get_kind_display()} {self.number}"


class FormerVersion(models.Model):
    """An earlier version of an item by its uid, so that an old address leads to the new one."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField("旧版编号", unique=True)
    courseware = models.ForeignKey(Courseware, verbose_name="现版课件", on_delete=models.CASCADE, related_name="former")

    class Meta:
        verbose_name = "旧版"

    def __str__(self) -> str:
        return f"{self.uid} → {self.courseware}"
