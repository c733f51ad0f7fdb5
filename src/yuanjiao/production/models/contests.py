"""Contests (征集评选): works called for, judged blindly, shown to the public, awarded (CW11, CW12)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.people.models import Person
from yuanjiao.places.models import OrgUnit
from yuanjiao.production.rules.contests import STAGE_NAMES, Stage


class Contest(models.Model):
    """One contest. `entries_until` is the last day of the call; publicity lasts from `publicised_on` for `publicity_days`."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    title = models.CharField("名称", max_length=60)
    call = models.CharField("征集说明", max_length=600, blank=True, default="")
    unit = models.ForeignKey(OrgUnit, verbose_name="主办单位", on_delete=models.PROTECT, related_name="contests")
    stage = models.CharField("阶段", max_length=10, choices=STAGE_NAMES, default=Stage.CALL)
    entries_until = models.DateField("征集截止")
    made_from = models.DateField("作品须发布于此日之后", null=True, blank=True)
    least_sheets = models.PositiveSmallIntegerField("每件至少几张评分表", default=3)
    publicity_days = models.PositiveSmallIntegerField("公示天数", default=5)
    publicised_on = models.DateField("公示开始", null=True, blank=True)

    class Meta:
        verbose_name = "评选"

    def __str__(self) -> str:
        return self.title


class Criterion(models.Model):
    """One line of the contest's judging sheet."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    contest = models.ForeignKey(Contest, on_delete=models.CASCADE, related_name="criteria")
    position = models.PositiveSmallIntegerField("顺序")
    title = models.CharField("评分项", max_length=30)
    most = models.PositiveSmallIntegerField("满分")

    class Meta:
        verbose_name = "评分项"
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["contest", "position"], name="criterion_position_once")]

    def __str__(self) -> str:
        return self.title


class Entry(models.Model):
    """One work sent in by a unit: a released item. Judges see `number`, title and film, not the unit. `refusal`: why not eligible."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    contest = models.ForeignKey(Contest, on_delete=models.CASCADE, related_name="entries")
    number = models.PositiveIntegerField("作品号")
    item_uid = models.UUIDField("课件")
    title = models.CharField("作品", max_length=200)
    unit = models.ForeignKey(OrgUnit, verbose_name="报送单位", on_delete=models.PROTECT, related_name="contest_entries")
    entered_at = models.DateTimeField("报送时间")
    refusal = models.CharField("不符合条件", max_length=200, blank=True, default="")

    class Meta:
        verbose_name = "报送作品"
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["contest", "item_uid"], name="entry_once"),
            models.UniqueConstraint(fields=["contest", "number"], name="entry_number_once"),
        ]

    def __str__(self) -> str:
        return f"{self.number} 号 {self.title}"


class Judge(models.Model):
    """One person asked to judge a contest."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("person",)

    contest = models.ForeignKey(Contest, on_delete=models.CASCADE, related_name="judges")
    person = models.ForeignKey(Person, verbose_name="评委", on_delete=models.PROTECT, related_name="judged_contests")

    class Meta:
        verbose_name = "评委"
        constraints = [models.UniqueConstraint(fields=["contest", "person"], name="judge_once")]

    def __str__(self) -> str:
        return f"{self.person}"


class Recusal(models.Model):
    """One judge stepped back (回避) from one work, with the reason."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    judge = models.ForeignKey(Judge, on_delete=models.CASCADE, related_name="recusals")
    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="recusals")
    reason = models.CharField("原因", max_length=100)
    at = models.DateTimeField("时间")

    class Meta:
        verbose_name = "回避"
        constraints = [models.UniqueConstraint(fields=["judge", "entry"], name="recusal_once")]

    def __str__(self) -> str:
        return f"{self.judge} {self.entry}"


class Sheet(models.Model):
    """One judge's sheet of one work. The only place where scores are; a total is always made from its lines."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="sheets")
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="sheets")
    words = models.CharField("评语", max_length=300, blank=True, default="")
    at = models.DateTimeField("时间")

    class Meta:
        verbose_name = "评分表"
        constraints = [models.UniqueConstraint(fields=["judge", "entry"], name="sheet_once")]

    def __str__(self) -> str:
        return f"{self.entry} {self.judge}"


class SheetLine(models.Model):
    """Points given for one criterion on one sheet."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    sheet = models.ForeignKey(Sheet, on_delete=models.CASCADE, related_name="lines")
    criterion = models.ForeignKey(Criterion, on_delete=models.PROTECT, related_name="lines")
    given = models.PositiveSmallIntegerField("得分")

    class Meta:
        verbose_name = "得分"
        constraints = [models.UniqueConstraint(fields=["sheet", "criterion"], name="sheet_line_once")]

    def __str__(self) -> str:
        return f"{self.criterion} {self.given}"


class Award(models.Model):
    """One prize for one work, proposed when publicity begins; it stands once the contest is awarded."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="award")
    prize = models.CharField("奖项", max_length=20)

    class Meta:
        verbose_name = "奖项"

    def __str__(self) -> str:
        return f"{self.prize} {self.entry}"


class Objection(models.Model):
    """One objection (异议) raised by a unit during publicity; while it is open nothing is awarded."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    contest = models.ForeignKey(Contest, on_delete=models.CASCADE, related_name="objections")
    words = models.CharField("异议", max_length=300)
    at = models.DateTimeField("时间")
    answer = models.CharField("答复", max_length=300, blank=True, default="")
    answered_at = models.DateTimeField("答复时间", null=True, blank=True)

    class Meta:
        verbose_name = "异议"
        ordering = ["at"]

    def __str__(self) -> str:
        return self.words[:30]
