"""What stands behind an item before it may be shown: its licence, the consent of the persons it shows, the needs it answers."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.courseware.models.item import Courseware
from yuanjiao.courseware.models.topics import Topic
from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.places.models import Division, OrgUnit


class Rights(models.Model):
    """The licence of one item (CW08): paper and price stay here, only its days travel with the item."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    courseware = models.OneToOneField(Courseware, verbose_name="课件", on_delete=models.CASCADE, related_name="rights")
    holder = models.CharField("权利人", max_length=100)
    contract_number = models.CharField("合同编号", max_length=60, blank=True, default="")
    price_fen = models.BigIntegerField("价格（分）", null=True, blank=True)
    scope = models.CharField("许可范围", max_length=200, blank=True, default="")
    area = models.CharField("许可区域", max_length=80, default="/")  # division path; '/' is everywhere

    class Meta:
        verbose_name = "授权"
        constraints = [
            models.CheckConstraint(condition=models.Q(price_fen=None) | models.Q(price_fen__gte=0), name="rights_price_not_below_zero")
        ]

    def __str__(self) -> str:
        return f"{self.courseware}：{self.holder}"


class ConsentForm(models.TextChoices):
    WRITTEN = "written", "书面"
    RECORDED = "recorded", "录音录像"
    GUARDIAN = "guardian", "监护人书面"


class ShownPerson(models.Model):
    """One person an item tells of, and the consent of those who live (CW02). The name is sealed and never leaves this machine."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("name_sealed",)

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    courseware = models.ForeignKey(Courseware, verbose_name="课件", on_delete=models.CASCADE, related_name="shown_people")
    name_sealed = models.BinaryField("姓名（密文）")
    is_living = models.BooleanField("健在", default=True)
    consent_form = models.CharField("同意方式", max_length=8, choices=ConsentForm.choices, blank=True, default="")
    consent_on = models.DateField("同意日期", null=True, blank=True)
    paper = models.CharField("材料存放处", max_length=100, blank=True, default="")
    revoked_on = models.DateField("撤回日期", null=True, blank=True)

    class Meta:
        verbose_name = "所涉人物"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(revoked_on=None) | models.Q(consent_on__isnull=False), name="consent_revoked_was_given"
            )
        ]

    def __str__(self) -> str:
        return f"{self.courseware} 所涉人物"


class NeedOrigin(models.TextChoices):
    SEARCH = "search", "搜索没有找到"
    HOTLINE = "hotline", "热线反映"
    SURVEY = "survey", "需求调查"
    UNIT = "unit", "基层提出"
    OTHER = "other", "其他"


class Need(models.Model):
    """Something people asked for, as it was recorded; items cite the needs they answer (CW06)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    text = models.CharField("需求", max_length=100)
    origin = models.CharField("从哪里来", max_length=8, choices=NeedOrigin.choices)
    topic = models.ForeignKey(Topic, verbose_name="主题", null=True, blank=True, on_delete=models.PROTECT, related_name="needs")
    division = models.ForeignKey(Division, verbose_name="地方", on_delete=models.PROTECT, related_name="needs")
    unit = models.ForeignKey(OrgUnit, verbose_name="登记单位", on_delete=models.PROTECT, related_name="needs")
    raised_on = models.DateField("提出日期")
    times = models.PositiveIntegerField("次数", default=1)
    courseware = models.ManyToManyField(Courseware, verbose_name="回应它的课件", related_name="needs", blank=True)

    class Meta:
        verbose_name = "需求"
        indexes = [models.Index(fields=["-raised_on"], name="need_newest")]  # the list a producer picks from

    def __str__(self) -> str:
        return self.text
