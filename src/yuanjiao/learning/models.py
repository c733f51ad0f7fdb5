"""Study days and required lists from above (down), sessions recorded below and their corrections (up)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.learning.rules import Recurrence, SessionForm
from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.models import ManagedObject
from yuanjiao.places.models import LEVEL_NAMES, OrgUnit

FORM_NAMES = [
    (SessionForm.GROUP_VIEWING, "集中收看"),
    (SessionForm.DISCUSSION, "专题研讨"),
    (SessionForm.FIELD_STUDY, "现场调研"),
    (SessionForm.EXPERT_LECTURE, "专家辅导"),
    (SessionForm.VISIT, "参观体验"),
    (SessionForm.JOINT_STUDY, "联学联建"),
    (SessionForm.SELF_STUDY, "自学"),
]


class RecordedVia(models.TextChoices):
    PAGE = "page", "网页登记"
    TELEVISION = "tv", "电视登记"


class StudyDayPlan(models.Model):
    """One study day as planned: whose, for which places, on which days, what is suggested (集中学习活动日).

    `scope` is a division path: every site under it is concerned. `ends_on` is the last day, itself included.
    """

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    title = models.CharField("名称", max_length=80)
    unit = models.ForeignKey(OrgUnit, verbose_name="组织单位", on_delete=models.PROTECT, related_name="study_day_plans")
    scope = models.CharField("范围", max_length=80)
    form = models.CharField("形式", max_length=16, choices=FORM_NAMES, default=SessionForm.GROUP_VIEWING)
    starts_on = models.DateField("起")
    ends_on = models.DateField("止（含当日）", null=True, blank=True)
    single_on = models.DateField("日期（只办一次）", null=True, blank=True)
    start_time = models.TimeField("开始时间")
    minutes = models.PositiveSmallIntegerField("时长（分钟）", default=60)

    class Meta:
        verbose_name = "学习日计划"
        indexes = [models.Index(fields=["scope"], name="plan_scope")]  # which plans concern this site
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_on=None) | models.Q(ends_on__gte=models.F("starts_on")), name="plan_dates_in_order"
            )
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def recurrence(self) -> Recurrence:
        """Its days as a pure value; fetch with `prefetch_related("days")`."""
        return Recurrence(self.starts_on, self.ends_on, frozenset(row.day for row in self.days.all()), self.single_on)


class StudyDayPlanDay(models.Model):
    """One day of the month on which a plan recurs, for instance the 16th."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    plan = models.ForeignKey(StudyDayPlan, on_delete=models.CASCADE, related_name="days")
    day = models.PositiveSmallIntegerField("日")

    class Meta:
        verbose_name = "学习日"
        ordering = ["day"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "day"], name="plan_day_once"),
            models.CheckConstraint(condition=models.Q(day__gte=1, day__lte=31), name="plan_day_of_month"),
        ]

    def __str__(self) -> str:
        return f"每月 {self.day} 日"


class StudyDayPlanItem(models.Model):
    """One courseware item a plan suggests, in order."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    plan = models.ForeignKey(StudyDayPlan, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField("顺序")
    courseware_uid = models.UUIDField("课件")
    title = models.CharField("课件名称", max_length=200)

    class Meta:
        verbose_name = "推荐课件"
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["plan", "position"], name="plan_item_position_once")]

    def __str__(self) -> str:
        return self.title


class RequiredList(models.Model):
    """One required list (必学清单, CW05): what each organisation of a level under `scope` is to show at a session of its own, by when.

    It is asked of organisations and told of organisations; no person is bound by it and none is counted.
    """

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    title = models.CharField("名称", max_length=80)
    document = models.CharField("依据文件", max_length=100)
    unit = models.ForeignKey(OrgUnit, verbose_name="布置单位", on_delete=models.PROTECT, related_name="required_lists")
    scope = models.CharField("范围", max_length=80)
    level = models.PositiveSmallIntegerField("哪一级组织", choices=LEVEL_NAMES)
    starts_on = models.DateField("起")
    due_on = models.DateField("期限（含当日）")
    taken_back_on = models.DateField("收回日期", null=True, blank=True)

    class Meta:
        verbose_name = "必学清单"
        indexes = [models.Index(fields=["scope"], name="required_scope")]  # which lists concern this place
        constraints = [
            models.CheckConstraint(condition=models.Q(due_on__gte=models.F("starts_on")), name="required_dates_in_order"),
        ]

    def __str__(self) -> str:
        return self.title


class RequiredListItem(models.Model):
    """One courseware item of a required list, in order. The title is kept: an item may be withdrawn later."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    required = models.ForeignKey(RequiredList, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField("顺序")
    courseware_uid = models.UUIDField("课件")
    title = models.CharField("课件名称", max_length=200)

    class Meta:
        verbose_name = "必学课件"
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["required", "position"], name="required_item_position_once"),
            models.UniqueConstraint(fields=["required", "courseware_uid"], name="required_item_once"),
        ]

    def __str__(self) -> str:
        return self.title


class CopyForm(models.TextChoices):
    PRINTED = "printed", "纸质"
    DIGITAL = "digital", "电子"


class Distribution(models.Model):
    """One distribution of copies (发放): a document or a book in one edition and form, to organisations (DLV23, CW24).

    Copies are counted by unit; who holds or reads one is nobody's business here. It stays at the top.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    title = models.CharField("文件或书名", max_length=100)
    edition = models.CharField("版本", max_length=30, blank=True, default="")
    form = models.CharField("形式", max_length=8, choices=CopyForm.choices, default=CopyForm.PRINTED)
    courseware_uid = models.UUIDField("课件", null=True, blank=True)  # where it can be read, when it stands in the library
    document = models.CharField("依据文件", max_length=100, blank=True, default="")
    unit = models.ForeignKey(OrgUnit, verbose_name="发放单位", on_delete=models.PROTECT, related_name="distributions")
    scope = models.CharField("范围", max_length=80)
    begun_on = models.DateField("开始日期")

    class Meta:
        verbose_name = "发放"
        indexes = [models.Index(fields=["scope"], name="distribution_scope")]  # which ones concern this place

    def __str__(self) -> str:
        return self.title


class DistributionLine(models.Model):
    """How many copies one organisation needs and how many have been delivered to it so far."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    distribution = models.ForeignKey(Distribution, verbose_name="发放", on_delete=models.CASCADE, related_name="lines")
    unit = models.ForeignKey(OrgUnit, verbose_name="单位", on_delete=models.PROTECT, related_name="distribution_lines")
    needed = models.PositiveIntegerField("需要")
    delivered = models.PositiveIntegerField("已发", default=0)
    delivered_on = models.DateField("最近一次送达", null=True, blank=True)

    class Meta:
        verbose_name = "发放明细"
        constraints = [
            models.UniqueConstraint(fields=["distribution", "unit"], name="distribution_line_once"),
            models.CheckConstraint(condition=models.Q(delivered__lte=models.F("needed")), name="distribution_not_more_than_needed"),
        ]

    def __str__(self) -> str:
        return f"{self.unit} {self.delivered}/{self.needed}"


class Letter(models.Model):
    """One letter (一封信, DLV17): words with gaps that each unit prints in its own name; with it a one-off lesson where there is one.

    Whom a unit gives it to is the unit's business: no addressee is known here.
    """

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    title = models.CharField("标题", max_length=40)
    body = models.TextField("正文")
    unit = models.ForeignKey(OrgUnit, verbose_name="起草单位", on_delete=models.PROTECT, related_name="letters")
    scope = models.CharField("范围", max_length=80)
    plan_uid = models.UUIDField("配合的学习日", null=True, blank=True)
    issued_on = models.DateField("发布日期")
    ended_on = models.DateField("停用日期", null=True, blank=True)

    class Meta:
        verbose_name = "一封信"
        indexes = [models.Index(fields=["scope"], name="letter_scope")]  # which letters a unit may print

    def __str__(self) -> str:
        return self.title


class Session(models.Model):
    """One session held at one site (场次), as its newest correction leaves it. Counts only: names stay with the unit.

    `path` is the site's division path on the day it was held, carried by the event: moving a village later does not move
    its past. The site is known by its register code; the row stays if the register loses the site.
    """

    travels: ClassVar[Travels] = Travels.UP
    personal: ClassVar[tuple[str, ...]] = ("recorder_uid",)

    uid = models.UUIDField(unique=True, editable=False)
    site = models.ForeignKey(
        ManagedObject,
        verbose_name="站点",
        to_field="code",
        db_column="site_code",
        db_constraint=False,
        null=True,
        on_delete=models.DO_NOTHING,
        related_name="sessions",
    )
    path = models.CharField("区划路径", max_length=80)
    plan_uid = models.UUIDField("学习日计划", null=True, blank=True)
    held_at = models.DateTimeField("举办时间")
    held_on = models.DateField("举办日期")
    minutes = models.PositiveSmallIntegerField("时长（分钟）")
    form = models.CharField("形式", max_length=16, choices=FORM_NAMES)
    heads_onsite = models.PositiveIntegerField("现场人次")
    heads_online = models.PositiveIntegerField("线上人次")
    recorder_uid = models.UUIDField("登记人", null=True)
    recorded_via = models.CharField("登记方式", max_length=4, choices=RecordedVia.choices)
    recorded_at = models.DateTimeField("登记时间（登记者的钟）")
    corrected_at = models.DateTimeField("改正时间", null=True)
    cancelled = models.BooleanField("作废", default=False)

    class Meta:
        verbose_name = "学习场次"
        indexes = [
            models.Index(fields=["held_on", "path"], name="session_month"),  # month counts per place, the zero-use list
            models.Index(fields=["site", "held_on"], name="session_site_day"),  # was this day recorded here already
        ]

    def __str__(self) -> str:
        return f"{self.site_id} {self.held_on:%Y-%m-%d}"


class SessionItem(models.Model):
    """One courseware item shown in a session, in order. The title is kept: an item may be withdrawn later."""

    travels: ClassVar[Travels] = Travels.UP
    personal: ClassVar[tuple[str, ...]] = ()

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField("顺序")
    courseware_uid = models.UUIDField("课件", db_index=True)  # where was this item used
    title = models.CharField("课件名称", max_length=200)

    class Meta:
        verbose_name = "播放课件"
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["session", "position"], name="session_item_position_once")]

    def __str__(self) -> str:
        return self.title


class SessionCorrection(models.Model):
    """One correction of one session: the whole new record and its reason. The newest stands; none is ever edited.

    It names its session by uid, because another machine's correction may arrive before the session itself.
    """

    travels: ClassVar[Travels] = Travels.UP
    personal: ClassVar[tuple[str, ...]] = ("corrector_uid",)

    uid = models.UUIDField(unique=True, editable=False)
    session_uid = models.UUIDField("场次", db_index=True)  # the story of one session
    made_at = models.DateTimeField("改正时间（改正者的钟）")
    reason = models.CharField("原因", max_length=200)
    corrector_uid = models.UUIDField("改正人", null=True)
    minutes = models.PositiveSmallIntegerField("时长（分钟）")
    form = models.CharField("形式", max_length=16, choices=FORM_NAMES)
    heads_onsite = models.PositiveIntegerField("现场人次")
    heads_online = models.PositiveIntegerField("线上人次")
    cancelled = models.BooleanField("作废")

    class Meta:
        verbose_name = "场次改正"
        ordering = ["made_at", "uid"]

    def __str__(self) -> str:
        return f"{self.session_uid} {self.reason}"
