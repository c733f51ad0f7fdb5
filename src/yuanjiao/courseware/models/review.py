"""Reviews (一审二审三审) with their checklist, how many an item needs, and what must be made or changed by when."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.courseware.models.item import Courseware
from yuanjiao.courseware.models.rights import Need
from yuanjiao.courseware.rules.kinds import MATERIALS
from yuanjiao.courseware.rules.life import MOST_ROUNDS
from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.places.models import Division, OrgUnit


class ReviewPolicy(models.Model):
    """How many reviews the items of a division's units need; the nearest division above a unit decides."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    division = models.OneToOneField(Division, verbose_name="区划", on_delete=models.PROTECT, related_name="review_policy")
    rounds = models.PositiveSmallIntegerField("审核级数")

    class Meta:
        verbose_name = "审核级数"
        constraints = [
            models.CheckConstraint(condition=models.Q(rounds__gte=1) & models.Q(rounds__lte=MOST_ROUNDS), name="review_rounds_one_to_three")
        ]

    def __str__(self) -> str:
        return f"{self.division} {self.rounds}"


class ChecklistLine(models.Model):
    """One question a reviewer answers; empty `material` asks it of every item (CW19)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    text = models.CharField("检查内容", max_length=100)
    material = models.CharField("只问这种教材", max_length=8, choices=MATERIALS, blank=True, default="")
    order = models.PositiveIntegerField("顺序", default=100)
    ended = models.BooleanField("停用", default=False)

    class Meta:
        verbose_name = "审核清单"
        constraints = [models.UniqueConstraint(fields=["text", "material"], name="checklist_line_once")]

    def __str__(self) -> str:
        return self.text


class Review(models.Model):
    """One person's decision in one round of one submission. Its author sees decision, answers and reason."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("reviewer_name",)

    courseware = models.ForeignKey(Courseware, verbose_name="课件", on_delete=models.CASCADE, related_name="reviews")
    submission = models.PositiveSmallIntegerField("第几次送审")
    round = models.PositiveSmallIntegerField("第几审")
    passed = models.BooleanField("通过")
    reviewer_uid = models.UUIDField("审核人")
    reviewer_name = models.CharField("审核人姓名", max_length=50)
    at = models.DateTimeField("时间")
    reason = models.CharField("意见", max_length=300, blank=True, default="")

    class Meta:
        verbose_name = "审核"
        constraints = [
            models.UniqueConstraint(fields=["courseware", "submission", "round"], name="review_once_per_round"),
            models.UniqueConstraint(fields=["courseware", "submission", "reviewer_uid"], name="review_once_per_person"),
        ]

    def __str__(self) -> str:
        return f"{self.courseware} {self.submission}/{self.round}"


class ReviewAnswer(models.Model):
    """One line of the checklist as it was answered; the question is kept as it was asked."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    review = models.ForeignKey(Review, verbose_name="审核", on_delete=models.CASCADE, related_name="answers")
    order = models.PositiveIntegerField("顺序")
    question = models.CharField("检查内容", max_length=100)
    is_right = models.BooleanField("符合")

    class Meta:
        verbose_name = "清单答复"
        constraints = [models.UniqueConstraint(fields=["review", "order"], name="review_answer_once")]

    def __str__(self) -> str:
        return f"{self.question} {'符合' if self.is_right else '不符合'}"


class CommissionKind(models.TextChoices):
    URGENT = "urgent", "急需制作"
    CHANGE = "change", "要求修改"


class Commission(models.Model):
    """Something that must be made or changed by a moment (CW13): closed with what came of it, never deleted."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("opened_by_name",)

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    kind = models.CharField("种类", max_length=8, choices=CommissionKind.choices)
    title = models.CharField("内容", max_length=100)
    detail = models.CharField("要求", max_length=500, blank=True, default="")
    unit = models.ForeignKey(OrgUnit, verbose_name="承办单位", on_delete=models.PROTECT, related_name="commissions")
    need = models.ForeignKey(Need, verbose_name="回应的需求", null=True, blank=True, on_delete=models.PROTECT, related_name="commissions")
    courseware = models.ForeignKey(
        Courseware, verbose_name="课件", null=True, blank=True, on_delete=models.PROTECT, related_name="commissions"
    )
    due_at = models.DateTimeField("期限")
    opened_by_uid = models.UUIDField("提出人", null=True)
    opened_by_name = models.CharField("提出人姓名", max_length=50)
    opened_at = models.DateTimeField("提出时间")
    closed_at = models.DateTimeField("办结时间", null=True, blank=True)
    is_done = models.BooleanField("已办成", default=False)
    closing = models.CharField("办理结果", max_length=300, blank=True, default="")

    class Meta:
        verbose_name = "制作任务"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind=CommissionKind.URGENT) | models.Q(courseware__isnull=False), name="commission_change_names_an_item"
            ),
            models.CheckConstraint(
                condition=models.Q(closed_at__isnull=False) | models.Q(is_done=False), name="commission_done_has_moment"
            ),
        ]
        indexes = [models.Index(fields=["closed_at", "due_at"], name="commission_queue")]  # what is open, the most urgent first

    def __str__(self) -> str:
        return self.title


class OfferState(models.TextChoices):
    OFFERED = "offered", "待采用"
    ACCEPTED = "accepted", "已采用"
    RETURNED = "returned", "退回修改"
    DECLINED = "declined", "不采用"


class Offer(models.Model):
    """One item offered upward (CW21, CW25): to whose editors, and what they decided with which reason."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("offered_by_name", "decided_by_name")

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    courseware = models.ForeignKey(Courseware, verbose_name="课件", on_delete=models.CASCADE, related_name="offers")
    division = models.ForeignKey(Division, verbose_name="报送到", on_delete=models.PROTECT, related_name="offers")
    state = models.CharField("状态", max_length=8, choices=OfferState.choices, default=OfferState.OFFERED)
    offered_by_uid = models.UUIDField("报送人", null=True)
    offered_by_name = models.CharField("报送人姓名", max_length=50)
    offered_at = models.DateTimeField("报送时间")
    decided_by_name = models.CharField("处理人姓名", max_length=50, blank=True, default="")
    decided_at = models.DateTimeField("处理时间", null=True, blank=True)
    reason = models.CharField("说明", max_length=300, blank=True, default="")

    class Meta:
        verbose_name = "报送"
        constraints = [
            models.UniqueConstraint(
                fields=["courseware", "division"], condition=models.Q(state=OfferState.OFFERED), name="offer_open_once"
            ),
            models.CheckConstraint(
                condition=models.Q(state=OfferState.OFFERED) | models.Q(decided_at__isnull=False), name="offer_decided_has_moment"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.courseware} → {self.division}"
