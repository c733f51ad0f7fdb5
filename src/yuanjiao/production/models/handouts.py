"""Books and documents in copies for units (读本、文件): needed, delivered, missing. Of units, never of readers (CW24, DLV23)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.places.models import OrgUnit


class HandoutKind(models.TextChoices):
    BOOK = "book", "读本"
    DOCUMENT = "document", "文件"


class CopyForm(models.TextChoices):
    """In which form copies go out. A PDF may be an item of courseware; an EPUB is a file beside it."""

    PAPER = "paper", "纸质"
    PDF = "pdf", "PDF"
    EPUB = "epub", "EPUB"


class Handout(models.Model):
    """One edition of a book, or one document. `item_uid` is the item of courseware that is its digital copy."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    kind = models.CharField("种类", max_length=8, choices=HandoutKind.choices)
    title = models.CharField("名称", max_length=100)
    edition = models.CharField("版次或文号", max_length=60)
    unit = models.ForeignKey(OrgUnit, verbose_name="印发单位", on_delete=models.PROTECT, related_name="handouts")
    issued_on = models.DateField("印发日期")
    item_uid = models.UUIDField("电子版课件", null=True, blank=True)

    class Meta:
        verbose_name = "印发"
        constraints = [models.UniqueConstraint(fields=["unit", "title", "edition"], name="handout_once")]

    def __str__(self) -> str:
        return f"{self.title} {self.edition}"


class HandoutNeed(models.Model):
    """How many copies of one form one unit needs."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    handout = models.ForeignKey(Handout, verbose_name="印发", on_delete=models.CASCADE, related_name="needs")
    unit = models.ForeignKey(OrgUnit, verbose_name="单位", on_delete=models.PROTECT, related_name="handout_needs")
    form = models.CharField("形式", max_length=5, choices=CopyForm.choices, default=CopyForm.PAPER)
    copies = models.PositiveIntegerField("需要（份）")

    class Meta:
        verbose_name = "需要数"
        ordering = ["unit__code", "form"]
        constraints = [models.UniqueConstraint(fields=["handout", "unit", "form"], name="handout_need_once")]

    def __str__(self) -> str:
        return f"{self.unit} {self.copies}"


class HandoutDelivery(models.Model):
    """Copies that came to a unit on one day, as they were signed for. A wrong row is set right by another; `copies` may be negative."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    need = models.ForeignKey(HandoutNeed, verbose_name="需要数", on_delete=models.CASCADE, related_name="deliveries")
    on = models.DateField("送达日期")
    copies = models.IntegerField("送达（份）")

    class Meta:
        verbose_name = "送达"
        ordering = ["on", "pk"]

    def __str__(self) -> str:
        return f"{self.on} {self.copies}"
