"""A field sample of villages: its frozen frame, what was drawn, and what was seen there (百村调查)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.models import Site
from yuanjiao.surveys.rules import (
    CLASS_NAMES,
    PLAYS_NAMES,
    STATE_NAMES,
    STRATA_NAMES,
    VISIT_NAMES,
    WORD_NAMES,
    Strata,
    SurveyState,
    VisitState,
)


class Survey(models.Model):
    """One survey: whose villages on which day, how parted, how many, with which seed. Names of places are text: they are of that day."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("made_by",)

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    title = models.CharField("名称", max_length=60)
    path = models.CharField("区划路径", max_length=80, db_index=True)  # scope of every query
    place_name = models.CharField("范围", max_length=60)
    frame_on = models.DateField("抽样框截至")
    strata = models.CharField("分层", max_length=8, choices=list(STRATA_NAMES.items()), blank=True, default=Strata.NONE)
    size = models.PositiveIntegerField("样本数")
    seed = models.CharField("种子", max_length=32)
    by_counties = models.BooleanField("由县（市、区）走访", default=True)
    due_on = models.DateField("走访截止")
    state = models.CharField("状态", max_length=8, choices=list(STATE_NAMES.items()), default=SurveyState.DRAWN)
    made_by = models.CharField("抽样人", max_length=50)
    unit_name = models.CharField("组织单位", max_length=100, blank=True, default="")
    made_at = models.DateTimeField("抽样时间")
    opened_at = models.DateTimeField("下发时间", null=True, blank=True)
    closed_at = models.DateTimeField("结束时间", null=True, blank=True)

    class Meta:
        verbose_name = "百村调查"
        ordering = ["-made_at"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state=SurveyState.CLOSED) | models.Q(closed_at__isnull=False), name="survey_closed_has_moment"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Member(models.Model):
    """One village site of a survey's frame as it was on the day; with the telemetry of the survey's days once it is closed."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    survey = models.ForeignKey(Survey, on_delete=models.CASCADE, related_name="members")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    code = models.CharField("站点编号", max_length=40)
    name = models.CharField("站点", max_length=100)
    village = models.CharField("村（社区）", max_length=60)
    county_code = models.CharField("县代码", max_length=12, blank=True, default="")
    county_name = models.CharField("县（市、区）", max_length=60, blank=True, default="")
    path = models.CharField("区划路径", max_length=80)
    stratum = models.CharField("层", max_length=60, blank=True, default="")
    up_s = models.BigIntegerField("通（秒）", null=True)
    down_s = models.BigIntegerField("断（秒）", null=True)
    unknown_s = models.BigIntegerField("不明（秒）", null=True)

    class Meta:
        verbose_name = "抽样框"
        ordering = ["code"]
        constraints = [models.UniqueConstraint(fields=["survey", "code"], name="survey_member_once")]

    def __str__(self) -> str:
        return self.name


class Visit(models.Model):
    """One drawn village. `rank` is its place in its stratum's draw, from 1; `replaces` the one that could not be visited.

    What it says of itself is what its last telling said; `step_count` counts them, so that two people do not write over one another.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    survey = models.ForeignKey(Survey, on_delete=models.CASCADE, related_name="visits")
    member = models.OneToOneField(Member, on_delete=models.PROTECT, related_name="visit")
    rank = models.PositiveIntegerField("层内次序")
    replaces = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="replaced_by")
    state = models.CharField("状态", max_length=10, choices=list(VISIT_NAMES.items()), default=VisitState.WAITING)
    step_count = models.PositiveSmallIntegerField("填报次数", default=0)
    plays = models.CharField("能否播放", max_length=8, choices=list(PLAYS_NAMES.items()), blank=True, default="")
    fault_class = models.CharField("问题在哪", max_length=10, choices=list(CLASS_NAMES.items()), blank=True, default="")
    remark = models.CharField("备注或未能走访的原因", max_length=200, blank=True, default="")
    visited_at = models.DateTimeField("走访时间", null=True, blank=True)
    word = models.CharField("当时的遥测", max_length=10, choices=list(WORD_NAMES.items()), blank=True, default="")

    class Meta:
        verbose_name = "走访"
        ordering = ["member__stratum", "rank"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state=VisitState.TOLD) | (~models.Q(plays="") & models.Q(visited_at__isnull=False)),
                name="survey_told_has_answer",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=VisitState.UNREACHED) | ~models.Q(remark=""), name="survey_unreached_has_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.member} {self.get_state_display()}"


class Telling(models.Model):
    """One thing somebody said of a visit; the last one counts, the earlier ones stay."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("by_name",)

    visit = models.ForeignKey(Visit, on_delete=models.CASCADE, related_name="tellings")
    number = models.PositiveSmallIntegerField("序号")
    state = models.CharField("结果", max_length=10, choices=list(VISIT_NAMES.items()))
    plays = models.CharField("能否播放", max_length=8, choices=list(PLAYS_NAMES.items()), blank=True, default="")
    fault_class = models.CharField("问题在哪", max_length=10, choices=list(CLASS_NAMES.items()), blank=True, default="")
    remark = models.CharField("备注", max_length=200, blank=True, default="")
    visited_at = models.DateTimeField("走访时间")
    received_at = models.DateTimeField("收到时间")
    by_uid = models.UUIDField("填报人", null=True)
    by_name = models.CharField("填报人姓名", max_length=50)

    class Meta:
        verbose_name = "填报"
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["visit", "number"], name="survey_telling_once")]

    def __str__(self) -> str:
        return f"{self.visit_id} {self.number}"
