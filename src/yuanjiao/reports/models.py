"""Official documents with their frozen figures and rows. Written at the top, never travelling (LOCAL)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.reports.rules import FRIDAY, KIND_NAMES, STATE_NAMES, WEEKLY, Amounts, DocumentState, Measure

WEEKDAYS = [(number, f"星期{name}") for number, name in enumerate("一二三四五六日")]
MEDIA = ("docx", "xlsx", "pdf")
"""The forms in which a document is issued; the docx is the master."""


class Document(models.Model):
    """One official document of one place (or one branch) and span of days (文书). Its place is kept as text: a later renaming
    changes no issued page.

    `revision` grows with every change of a draft, so that two people writing at once do not overwrite one another.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("issued_by",)

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    kind = models.CharField("文种", max_length=16, choices=list(KIND_NAMES.items()))
    place_code = models.CharField("区划代码或单位代码", max_length=30)
    place_name = models.CharField("地方", max_length=60)
    path = models.CharField("区划路径", max_length=80, db_index=True)  # scope of every query
    first_day = models.DateField("起始日")
    state = models.CharField("状态", max_length=8, choices=list(STATE_NAMES.items()), default=DocumentState.DRAFT)
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
            models.UniqueConstraint(fields=["kind", "place_code", "first_day"], name="document_once_per_span"),
            models.CheckConstraint(
                condition=(~models.Q(state=DocumentState.ISSUED) & models.Q(issued_at=None))
                | models.Q(state=DocumentState.ISSUED, issued_at__isnull=False),
                name="document_issued_has_moment",
            ),
        ]

    def __str__(self) -> str:
        span = f"{self.first_day:%Y-%m-%d}起" if self.kind in WEEKLY else f"{self.first_day:%Y-%m}"
        return f"{self.place_name}{span}{self.get_kind_display()}"


class DocumentParagraph(models.Model):
    """One paragraph of a document that a person writes; the rest is figures."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="paragraphs")
    key = models.CharField("段落", max_length=40)
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

    @property
    def short_key(self) -> str:
        """Its key without the place it is of."""
        return self.key.split("-", 2)[2] if self.path else self.key


class IssuedFile(models.Model):
    """One file of an issued document, byte for byte as it was sent. Never changed; its SHA-256 is printed on the page."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="files")
    name = models.CharField("文件名", max_length=120)
    media = models.CharField("格式", max_length=4, choices=[(one, one) for one in MEDIA])
    content = models.BinaryField("内容")
    sha256 = models.CharField("SHA-256", max_length=64)

    class Meta:
        verbose_name = "已报出文件"
        constraints = [models.UniqueConstraint(fields=["document", "media"], name="issued_file_once")]

    def __str__(self) -> str:
        return self.name


class DocumentHand(models.Model):
    """Somebody who had a hand in a document: drafted it, took its figures anew or wrote in it. Such a person does not approve it."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("person_uid",)

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="hands")
    person_uid = models.UUIDField("人员")

    class Meta:
        verbose_name = "文书经手人"
        constraints = [models.UniqueConstraint(fields=["document", "person_uid"], name="hand_once_per_document")]

    def __str__(self) -> str:
        return str(self.person_uid)


class Notice(models.Model):
    """What a circular is about to say of one unit, told to it beforehand, and what the unit answers (说明, SUP04).

    `facts` are the measured facts by which it is named, a line each; `sent_at` is when the unit was told of these. The answer stays
    with the circular whatever becomes of it; one that is older than `sent_at` was given to other facts.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("replied_by",)

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    document = models.ForeignKey(Document, verbose_name="通报", on_delete=models.PROTECT, related_name="notices")
    place_code = models.CharField("区划代码", max_length=12)
    place_name = models.CharField("单位", max_length=60)
    path = models.CharField("区划路径", max_length=80, db_index=True)  # scope of every query
    facts = models.TextField("涉及事实")
    sent_at = models.DateTimeField("告知时间")
    reply_until = models.DateTimeField("说明时限")
    reply = models.TextField("说明", blank=True, default="")
    replied_at = models.DateTimeField("说明时间", null=True, blank=True)
    replied_by = models.CharField("说明人", max_length=50, blank=True, default="")
    revision = models.PositiveIntegerField("修订号", default=1)

    class Meta:
        verbose_name = "通报告知"
        ordering = ["path"]
        constraints = [
            models.UniqueConstraint(fields=["document", "place_code"], name="notice_once_per_unit"),
            models.CheckConstraint(
                condition=models.Q(reply="", replied_at=None) | (~models.Q(reply="") & models.Q(replied_at__isnull=False)),
                name="notice_reply_has_moment",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.place_name}：{self.document}"

    @property
    def answered(self) -> bool:
        """Whether the unit has answered to these very facts."""
        return self.replied_at is not None and self.replied_at >= self.sent_at


ANSWERED = models.Q(replied_at__gte=models.F("sent_at"))
"""`Notice.answered` as a condition."""


class ReportDay(models.Model):
    """The day of the week on which weekly reports fall due below one division; the nearest one above a place is its own (RPT05).

    It holds from the day `since` on, the day it was set: no report fell due by it before. None: it always held.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    path = models.CharField("区划路径", max_length=80, unique=True)
    weekday = models.PositiveSmallIntegerField("星期", choices=WEEKDAYS, default=FRIDAY)
    since = models.DateField("起始日", null=True, blank=True)

    class Meta:
        verbose_name = "周报日"

    def __str__(self) -> str:
        return self.get_weekday_display()
