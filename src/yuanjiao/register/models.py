"""What happened to each spreadsheet somebody brought: the import, its sheets, its problems and every row it changed."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid


class ImportState(models.TextChoices):
    RECEIVED = "received", "等待检查"
    CHECKING = "checking", "正在检查"
    REFUSED = "refused", "有错误，未导入"
    READY = "ready", "检查通过，等待确认"
    APPLYING = "applying", "正在导入"
    APPLIED = "applied", "已导入"
    UNDONE = "undone", "已撤销"
    CANCELLED = "cancelled", "已放弃"
    FAILED = "failed", "没有完成"


RUNNING = frozenset({ImportState.RECEIVED, ImportState.CHECKING, ImportState.APPLYING})


class Table(models.TextChoices):
    """The tables a spreadsheet can change, in the order in which they stand on one another."""

    DIVISION = "division", "区划"
    UNIT = "unit", "单位"
    EDGE = "edge", "边缘服务器"
    LINE = "line", "线路"
    SITE = "site", "站点"
    ASSET = "asset", "设备"
    PERSON = "person", "人员"
    RESPONSIBILITY = "responsibility", "责任"
    ACCOUNT = "account", "账号"
    MEMBERSHIP = "membership", "任职"


class Import(models.Model):
    """One spreadsheet brought by one person (导入): what it was, what checking found, what applying did.

    The file itself lies under HOME only while it is needed; its hash stays.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("actor_name",)

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    file_name = models.CharField("文件名", max_length=200)
    sha256 = models.CharField("文件指纹", max_length=64)
    size_bytes = models.PositiveIntegerField("大小")
    state = models.CharField("状态", max_length=10, choices=ImportState.choices, default=ImportState.RECEIVED)
    good_rows_only = models.BooleanField("只导入正确的行", default=False)
    message = models.CharField("说明", max_length=400, blank=True, default="")
    actor_uid = models.UUIDField("导入人")
    actor_name = models.CharField("导入人姓名", max_length=50)
    received_at = models.DateTimeField("上传时间", db_index=True)  # history: newest first
    finished_at = models.DateTimeField("完成时间", null=True, blank=True)

    class Meta:
        verbose_name = "导入"

    def __str__(self) -> str:
        return f"{self.file_name}（{self.get_state_display()}）"


class ImportSheet(models.Model):
    """One sheet of one import: how many rows it has and what each would do or did."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    batch = models.ForeignKey(Import, verbose_name="导入", on_delete=models.CASCADE, related_name="sheets")
    name = models.CharField("工作表", max_length=31)
    position = models.PositiveSmallIntegerField("次序")
    row_count = models.PositiveIntegerField("行数", default=0)
    bad_count = models.PositiveIntegerField("错误", default=0)
    created_count = models.PositiveIntegerField("新增", default=0)
    changed_count = models.PositiveIntegerField("变更", default=0)
    unchanged_count = models.PositiveIntegerField("未变", default=0)

    class Meta:
        verbose_name = "导入的工作表"
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["batch", "name"], name="import_sheet_once")]

    def __str__(self) -> str:
        return self.name


class ImportProblem(models.Model):
    """One reason why one row cannot be taken. The page keeps the first ones; the returned file has all."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("reason",)  # a reason may quote a name or a number from the file

    batch = models.ForeignKey(Import, verbose_name="导入", on_delete=models.CASCADE, related_name="problems")
    sheet = models.CharField("工作表", max_length=31)
    row = models.PositiveIntegerField("行")
    column = models.CharField("列", max_length=40, blank=True, default="")
    reason = models.CharField("原因", max_length=300)

    class Meta:
        verbose_name = "导入的错误"

    def __str__(self) -> str:
        return f"{self.sheet} 第 {self.row} 行：{self.reason}"


class ImportChange(models.Model):
    """One row of the register that one import created or changed."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("name",)

    batch = models.ForeignKey(Import, verbose_name="导入", on_delete=models.CASCADE, related_name="changes")
    table = models.CharField("类别", max_length=14, choices=Table.choices)
    subject_uid = models.UUIDField("对象")
    code = models.CharField("编号", max_length=100)
    name = models.CharField("名称", max_length=100)
    created = models.BooleanField("新增")

    class Meta:
        verbose_name = "导入的变更"
        constraints = [models.UniqueConstraint(fields=["batch", "table", "subject_uid"], name="import_change_once")]

    def __str__(self) -> str:
        return f"{'新增' if self.created else '变更'} {self.name}"


class ChangedField(models.Model):
    """One field of one changed row, before and after, as the command that sets it takes it (dates as 2026-01-31, links as codes)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("before", "after")

    change = models.ForeignKey(ImportChange, verbose_name="变更", on_delete=models.CASCADE, related_name="fields")
    field = models.CharField("字段", max_length=30)
    before = models.TextField("原值", blank=True, default="")
    after = models.TextField("新值", blank=True, default="")

    class Meta:
        verbose_name = "变更的字段"

    def __str__(self) -> str:
        return self.field
