"""Certificates (证书) of those who made courseware (CW09)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.places.models import OrgUnit


class Certificate(models.Model):
    """One certificate: for whom, for what, by which unit. Year and running number make its number, which is never given twice.

    Numbers can be counted up, so the public page asks for `code` too: chance, printed beside the number and in the QR.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("holder",)

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    year = models.PositiveSmallIntegerField("年度")
    running = models.PositiveIntegerField("序号")
    number = models.CharField("证书编号", max_length=16, unique=True)
    code = models.CharField("查验码", max_length=8)
    holder = models.CharField("获证者（人或单位）", max_length=60)
    reason = models.CharField("事由", max_length=120)
    unit = models.ForeignKey(OrgUnit, verbose_name="颁发单位", on_delete=models.PROTECT, related_name="certificates")
    item_uid = models.UUIDField("课件", null=True, blank=True)
    issued_on = models.DateField("颁发日期")
    revoked_on = models.DateField("撤销日期", null=True, blank=True)
    revoked_reason = models.CharField("撤销原因", max_length=120, blank=True, default="")

    class Meta:
        verbose_name = "证书"
        ordering = ["-year", "-running"]
        constraints = [models.UniqueConstraint(fields=["year", "running"], name="certificate_running_once")]

    def __str__(self) -> str:
        return self.number
