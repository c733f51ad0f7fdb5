"""Official documents with their frozen figures and rows. Written at the top, never travelling (LOCAL)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.reports.rules import Amounts, DocumentKind, DocumentState, Measure

KIND_NAMES = [(DocumentKind.COUNTY_MONTH, "县级月报"), (DocumentKind.CITY_MONTH, "市级月报")]
STATE_NAMES = [(DocumentState.DRAFT, "草稿"), (DocumentState.ISSUED, "已报出")]


class Document(models.Model):
    """One official document of one place and month (文书). Its place is kept as text: a later renaming changes no issued page.

    `revision` grows with every change of a draft, so that two people writing at once do not overwrite one another.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("issued_by",)

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    kind = models.CharField("文种", max_length=16, choices=KIND_NAMES)
    place_code = models.CharField("区划代码", max_length=12)
    place_name = models.CharField("地方", max_length=60)
    path = models.CharField("区划路径", max_length=80, db_index=True)  # scope of every query
    month = models.DateField("月份")
    state = models.CharField("状态", max_length=8, choices=STATE_NAMES, default=DocumentState.DRAFT)
    template_version = models.PositiveSmallIntegerField("模板版本")
    number = models.CharField("文号", max_length=40, blank=True, default="")
    addressee = models.CharField("主送机关", max_length=100)
    signer = models.CharField("署名单位", max_length=100)
    as_of = models.DateTimeField("数据截至")
    rule = models.CharField("统计规则", max_length=300)
    revision = models.PositiveIntegerField("修订号", default=1)
    drafted_at = models.DateTimeField("起草时间")
    issued_at = models.DateTimeField("报出时间", null=True, blank=True)
    issued_by = models.CharField("报出人", max_length=50, blank=True, default="")

    class Meta:
        verbose_name = "文书"
        constraints = [
            models.UniqueConstraint(fields=["kind", "place_code", "month"], name="document_once_per_month"),
            models.CheckConstraint(
                condition=models.Q(state=DocumentState.DRAFT, issued_at=None)
                | models.Q(state=DocumentState.ISSUED, issued_at__isnull=False),
                name="document_issued_has_moment",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.place_name}{self.month:%Y-%m}{self.get_kind_display()}"


class DocumentParagraph(models.Model):
    """One paragraph of a document that a person writes; the rest is figures."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="paragraphs")
    key = models.CharField("段落", max_length=20)
    text = models.TextField("内容", blank=True, default="")

    class Meta:
        verbose_name = "文书段落"
        constraints = [models.UniqueConstraint(fields=["document", "key"], name="paragraph_once")]

    def __str__(self) -> str:
        return self.key


class FrozenRow(models.Model):
    """One row behind a document's figures, as it was when the snapshot was taken: a site, an outage, a session …

    `first`, `second`, `third` mean what the table says (documents/…/tables.py), always whole numbers.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="rows")
    table = models.CharField("表", max_length=20)
    group = models.CharField("分组", max_length=20, blank=True, default="")
    path = models.CharField("区划路径", max_length=80, blank=True, default="")
    code = models.CharField("编号", max_length=40)
    title = models.CharField("名称", max_length=200)
    detail = models.CharField("说明", max_length=200, blank=True, default="")
    at = models.DateTimeField("时间", null=True)
    first = models.BigIntegerField(default=0)
    second = models.BigIntegerField(default=0)
    third = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = "数据明细"
        indexes = [models.Index(fields=["document", "table", "group"], name="frozen_rows_of_figure")]  # opening a figure

    def __str__(self) -> str:
        return self.title

    @property
    def amounts(self) -> Amounts:
        return Amounts(self.group, self.first, self.second, self.third)


class Figure(models.Model):
    """One number of a document: value as printed, how it follows from its rows, its cut-off and, where it is part of another, its share.

    A row belongs to it when it stands in `table`, under `path` and, unless empty, in `group`.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="figures")
    key = models.SlugField("代号", max_length=60)
    position = models.PositiveSmallIntegerField("顺序")
    section = models.CharField("栏目", max_length=40)
    label = models.CharField("名称", max_length=60)
    measure = models.CharField("算法", max_length=16, choices=[(one, one) for one in Measure])
    table = models.CharField("表", max_length=20)
    group = models.CharField("分组", max_length=20, blank=True, default="")
    path = models.CharField("区划路径", max_length=80)
    number = models.FloatField("数值", null=True)
    text = models.CharField("数值（印出）", max_length=80)
    unit = models.CharField("单位", max_length=10, blank=True, default="")
    share = models.FloatField("占比", null=True)
    share_of = models.CharField("占比的基数", max_length=60, blank=True, default="")
    population = models.PositiveIntegerField("总体（行）")
    cut_off_at = models.DateTimeField("截至")

    class Meta:
        verbose_name = "数字"
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["document", "key"], name="figure_once_per_document")]

    def __str__(self) -> str:
        return f"{self.label} {self.text}"


class IssuedFile(models.Model):
    """One file of an issued document, byte for byte as it was sent. Never changed; its SHA-256 is printed on the page."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="files")
    name = models.CharField("文件名", max_length=120)
    media = models.CharField("格式", max_length=4, choices=[("docx", "docx"), ("xlsx", "xlsx")])
    content = models.BinaryField("内容")
    sha256 = models.CharField("SHA-256", max_length=64)

    class Meta:
        verbose_name = "已报出文件"
        constraints = [models.UniqueConstraint(fields=["document", "media"], name="issued_file_once")]

    def __str__(self) -> str:
        return self.name
