"""Which blobs this machine keeps, and as what a browser is to take them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels


class Blob(models.Model):
    """One file of this machine's store, named by the SHA-256 of its bytes. The bytes are in HOME/blobs.

    `listed`: it came because a catalogue names it; once no catalogue does, `unreferenced_at` says since when.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    sha256 = models.CharField("摘要", max_length=64, unique=True)
    size = models.BigIntegerField("大小（字节）")
    media_type = models.CharField("媒体类型", max_length=60, default="application/octet-stream")
    listed = models.BooleanField("目录所列", default=False)
    unreferenced_at = models.DateTimeField("不再被目录引用的时刻", null=True, blank=True)

    class Meta:
        verbose_name = "文件"
        constraints = [models.CheckConstraint(condition=models.Q(size__gte=0), name="blob_size_not_negative")]
        indexes = [
            # the sweep asks for blobs that the catalogue let go of
            models.Index(fields=["unreferenced_at"], condition=~models.Q(unreferenced_at=None), name="blob_let_go"),
        ]

    def __str__(self) -> str:
        return f"{self.sha256[:12]} {self.size} 字节"
