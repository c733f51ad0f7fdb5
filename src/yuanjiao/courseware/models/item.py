"""The item of courseware (课件) and the steps of its life."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.courseware.models.topics import Topic
from yuanjiao.courseware.rules.kinds import AGE_BANDS, KIND_NAMES, MATERIALS, Kind
from yuanjiao.courseware.rules.life import MOST_ROUNDS, STATE_NAMES, State
from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.people.models import Person
from yuanjiao.places.models import OrgUnit


class CoursewareClass(models.TextChoices):
    """CW04: every item is one of the two."""

    EDUCATION = "education", "教育类"
    SERVICE = "service", "服务类"


class CoursewareSource(models.TextChoices):
    """CW07: where an item comes from."""

    OWN = "own", "自制"
    BOUGHT = "bought", "购买"
    EXPERT = "expert", "专家学者"
    PRACTITIONER = "practitioner", "一线能手"
    DEPARTMENT = "department", "其他部门"
    PUBLIC = "public", "公开资源"


class Courseware(models.Model):
    """One item of courseware: what it is called, where it comes from, what was uploaded, and where its life stands."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    kind = models.CharField("形式", max_length=8, choices=KIND_NAMES, default=Kind.VIDEO)
    title = models.CharField("标题", max_length=100)
    summary = models.CharField("内容简介", max_length=500, blank=True, default="")
    item_class = models.CharField("类别", max_length=10, choices=CoursewareClass.choices)
    source = models.CharField("来源", max_length=12, choices=CoursewareSource.choices)
    speaker = models.CharField("主讲人", max_length=50, blank=True, default="")
    origin = models.CharField("来源单位", max_length=100, blank=True, default="")  # CW14: which department it came from
    topics = models.ManyToManyField(Topic, verbose_name="主题标签", related_name="courseware", blank=True)
    age_band = models.CharField("适合年龄", max_length=10, choices=AGE_BANDS, blank=True, default="")
    material = models.CharField("教材种类", max_length=8, choices=MATERIALS, blank=True, default="")
    is_story = models.BooleanField("人物事迹", default=False)  # CW02: the living persons it shows must have agreed
    is_case = models.BooleanField("教学案例", default=False)  # CW23: written in the four parts of the template
    body = models.TextField("正文", blank=True, default="")  # sanitised HTML; pictures are blobs of this house
    body_source = models.TextField("正文原稿", blank=True, default="")  # as the author wrote it; stays above
    address = models.CharField("外部链接", max_length=500, blank=True, default="")
    rights_from = models.DateField("授权起", null=True, blank=True)
    rights_to = models.DateField("授权止", null=True, blank=True)  # the first day on which it is shown nowhere any more
    edition = models.PositiveIntegerField("版本", default=1)
    state = models.CharField("状态", max_length=10, choices=STATE_NAMES, default=State.DRAFT)
    # below, the author may be outside the accounts of the subtree
    author = models.ForeignKey(Person, verbose_name="制作人", null=True, on_delete=models.PROTECT, related_name="courseware")
    unit = models.ForeignKey(OrgUnit, verbose_name="制作单位", on_delete=models.PROTECT, related_name="courseware")
    created_at = models.DateTimeField("建立时间")
    released_at = models.DateTimeField("发布时间", null=True, blank=True)
    withdrawn_at = models.DateTimeField("撤下时间", null=True, blank=True)
    revises = models.ForeignKey("self", verbose_name="修订自", null=True, blank=True, on_delete=models.PROTECT, related_name="revisions")
    submission = models.PositiveSmallIntegerField("第几次送审", default=0)
    rounds_needed = models.PositiveSmallIntegerField("需审几次", default=1)
    rounds_passed = models.PositiveSmallIntegerField("已过几审", default=0)

    original_name = models.CharField("原文件名", max_length=200, blank=True, default="")
    original_sha256 = models.CharField("原文件摘要", max_length=64, blank=True, default="")
    original_bytes = models.BigIntegerField("原文件大小（字节）", default=0)
    refusal = models.CharField("原文件问题", max_length=300, blank=True, default="")  # why the upload cannot be used; it is kept aside
    note = models.CharField("原文件说明", max_length=300, blank=True, default="")  # usable, but worth saying: no sound, turned, squeezed
    duration_s = models.FloatField("时长（秒）", default=0.0)
    width = models.PositiveIntegerField("画面宽（正放、方形像素）", default=0)
    height = models.PositiveIntegerField("画面高（正放、方形像素）", default=0)
    frame_rate = models.FloatField("帧率", default=0.0)
    has_audio = models.BooleanField("有声音", default=False)
    codecs = models.CharField("原编码", max_length=60, blank=True, default="")
    # the blob in which the playlists of all forms travel (rules/playlists.py), made at the release
    playlists = models.CharField("播放清单文件", max_length=64, blank=True, default="")
    playlists_bytes = models.PositiveIntegerField("播放清单文件大小（字节）", default=0)

    class Meta:
        verbose_name = "课件"
        indexes = [
            models.Index(fields=["state", "-released_at"], name="courseware_newest_released"),  # portal and television lists
            models.Index(fields=["author", "state"], name="courseware_of_author"),  # my items
            models.Index(fields=["state", "rights_to"], name="courseware_rights_end"),  # the job that ends what has expired
        ]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state=State.RELEASED) | models.Q(released_at__isnull=False), name="courseware_released_has_moment"
            ),
            models.CheckConstraint(
                condition=~models.Q(state=State.WITHDRAWN) | models.Q(withdrawn_at__isnull=False), name="courseware_withdrawn_has_moment"
            ),
            models.CheckConstraint(
                condition=models.Q(rights_from=None) | models.Q(rights_to=None) | models.Q(rights_to__gt=models.F("rights_from")),
                name="courseware_rights_in_order",
            ),
            models.CheckConstraint(
                condition=models.Q(rounds_needed__lte=MOST_ROUNDS) & models.Q(rounds_passed__lte=models.F("rounds_needed")),
                name="courseware_rounds_in_order",
            ),
            models.UniqueConstraint(
                fields=["revises"], condition=~models.Q(state=State.WITHDRAWN), name="courseware_one_revision_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class CoursewareStep(models.Model):
    """One change of state of one item: who, when, from what to what, why (CW17). Never edited."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("actor_name",)

    courseware = models.ForeignKey(Courseware, verbose_name="课件", on_delete=models.CASCADE, related_name="steps")
    at = models.DateTimeField("时间")
    actor_uid = models.UUIDField("经办人", null=True)
    actor_name = models.CharField("经办人姓名", max_length=50)
    from_state = models.CharField("原状态", max_length=10, choices=STATE_NAMES, blank=True, default="")
    to_state = models.CharField("新状态", max_length=10, choices=STATE_NAMES)
    reason = models.CharField("说明", max_length=300, blank=True, default="")

    class Meta:
        verbose_name = "课件经过"
        indexes = [models.Index(fields=["courseware", "at"], name="courseware_story")]  # the item page reads in order

    def __str__(self) -> str:
        return f"{self.courseware} → {self.get_to_state_display()}"
