"""Who inspects, what was drawn, each inspection record, and the items that came of a campaign. All at the centre (LOCAL)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.items.models import Item
from yuanjiao.items.rules import ENDED, State
from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.places.models import OrgUnit
from yuanjiao.supervision.models.campaign import Campaign, CampaignObject
from yuanjiao.supervision.rules import FOUND_NAMES, LINE_NAMES, METHOD_NAMES, PROBLEM_NAMES

METHODS, LINES = list(METHOD_NAMES.items()), list(LINE_NAMES.items())
PURPOSES = [("visit", "抽取检查对象"), ("recheck", "抽取复查问题")]


class Inspector(models.Model):
    """One person who inspects for a campaign: on which line, where, from when to when. It gives no other right (SUP13)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("person_name",)

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="inspectors")
    person_uid = models.UUIDField("人员")
    person_name = models.CharField("姓名", max_length=50)
    line = models.CharField("督查线", max_length=8, choices=LINES)
    path = models.CharField("区划路径", max_length=80)
    place_name = models.CharField("负责地方", max_length=60)
    valid_from = models.DateField("起")
    valid_to = models.DateField("止（不含）")

    class Meta:
        verbose_name = "检查人员"
        ordering = ["line", "path", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "person_uid", "path"], name="inspector_once"),
            models.CheckConstraint(condition=models.Q(valid_to__gt=models.F("valid_from")), name="inspector_dates_in_order"),
        ]
        indexes = [models.Index(fields=["person_uid"], name="inspector_person")]  # the phone page of a person

    def __str__(self) -> str:
        return f"{self.person_name} {self.place_name}"


class Draw(models.Model):
    """One random draw: the frame (a member a line), the seed and how many; anybody draws the same again (`lib.draw`)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("drawn_by",)

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="draws")
    purpose = models.CharField("用途", max_length=8, choices=PURPOSES)
    method = models.CharField("方式", max_length=12, choices=METHODS)
    path = models.CharField("区划路径", max_length=80)
    place_name = models.CharField("地方", max_length=60)
    seed = models.CharField("种子", max_length=40)
    frame = models.TextField("抽样框")
    frame_size = models.PositiveIntegerField("抽样框数")
    count = models.PositiveIntegerField("抽取数")
    drawn = models.TextField("抽中（依次）")
    drawn_at = models.DateTimeField("抽取时间")
    drawn_by = models.CharField("抽取人", max_length=50)

    class Meta:
        verbose_name = "随机抽取"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.place_name} {self.drawn_at:%F} {self.count}"


class Visit(models.Model):
    """One inspection of one object (检查记录): planned by a draw or a round, filed by who was there.

    `made_at` is when it was done, `filed_at` when it came in. An unannounced one is not shown to anybody of the place until filed.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("by_name",)

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="visits")
    target = models.ForeignKey(CampaignObject, verbose_name="对象", on_delete=models.CASCADE, related_name="visits")
    inspector = models.ForeignKey(Inspector, verbose_name="检查人员", on_delete=models.PROTECT, related_name="visits")
    draw = models.ForeignKey(Draw, verbose_name="抽取", null=True, blank=True, on_delete=models.PROTECT, related_name="visits")
    line = models.CharField("督查线", max_length=8, choices=LINES)
    method = models.CharField("方式", max_length=12, choices=METHODS)
    planned_at = models.DateTimeField("安排时间")
    found = models.CharField("结果", max_length=8, choices=list(FOUND_NAMES.items()), blank=True, default="")
    powered = models.BooleanField("设备在位、通电", null=True)
    plays = models.BooleanField("现场能播放", null=True)
    kept = models.BooleanField("有人管、有记录", null=True)
    note = models.CharField("说明", max_length=300, blank=True, default="")
    made_at = models.DateTimeField("检查时间", null=True, blank=True)
    filed_at = models.DateTimeField("入库时间", null=True, blank=True)
    by_uid = models.UUIDField("填报人", null=True, blank=True)
    by_name = models.CharField("填报人姓名", max_length=50, blank=True, default="")

    class Meta:
        verbose_name = "检查记录"
        ordering = ["-filed_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["draw", "target"], condition=models.Q(draw__isnull=False), name="visit_once_per_draw"),
            models.CheckConstraint(
                condition=models.Q(filed_at=None) | (~models.Q(found="") & models.Q(made_at__isnull=False)), name="visit_filed_says_what"
            ),
        ]
        indexes = [models.Index(fields=["inspector", "filed_at"], name="visit_to_make")]  # the phone page

    def __str__(self) -> str:
        return f"{self.target} {self.get_method_display()}"


class CampaignItem(models.Model):
    """One item that came of a campaign (问题): from which confirmation or inspection, of what kind, and the person who answers for it.

    `owned_at` is when unit and person were first named, `owner_unit` the unit for which the person answers; without them the campaign
    cannot close. Who declined it, and who is of another unit than it was given to since, does not answer.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("owner_name",)

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="problems")
    item = models.OneToOneField(Item, verbose_name="事项", on_delete=models.PROTECT, related_name="campaign_item")
    target = models.ForeignKey(CampaignObject, verbose_name="对象", on_delete=models.CASCADE, related_name="problems")
    visit = models.ForeignKey(Visit, verbose_name="检查记录", null=True, blank=True, on_delete=models.PROTECT, related_name="problems")
    census_uid = models.UUIDField("底数确认", null=True, blank=True)
    kind = models.CharField("类别", max_length=12, choices=list(PROBLEM_NAMES.items()))
    owner_uid = models.UUIDField("责任人", null=True, blank=True)
    owner_name = models.CharField("责任人姓名", max_length=50, blank=True, default="")
    owner_unit = models.ForeignKey(
        OrgUnit, verbose_name="责任人所属单位", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    owned_at = models.DateTimeField("落实责任时间", null=True, blank=True)
    final_state = models.CharField("结束时状态", max_length=12, blank=True, default="")

    class Meta:
        verbose_name = "行动问题"
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=models.Q(owned_at=None) | ~models.Q(owner_name=""), name="campaign_item_owned_by_name"),
        ]
        indexes = [models.Index(fields=["campaign", "owned_at"], name="campaign_item_unowned")]  # what nobody answers for

    def __str__(self) -> str:
        return str(self.item)

    @property
    def is_answered(self) -> bool:
        """Whether the person named still answers for it, or did when it ended: what `queries.unowned` asks of the rows."""
        held = self.item.state in ENDED or (self.item.state != State.DECLINED and self.owner_unit_id == self.item.lead_unit_id)
        return self.owned_at is not None and held


class Recheck(models.Model):
    """One closed item that was drawn to be looked at again, and what was found (SUP08)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("by_name",)

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    draw = models.ForeignKey(Draw, on_delete=models.PROTECT, related_name="rechecks")
    problem = models.ForeignKey(CampaignItem, verbose_name="问题", on_delete=models.CASCADE, related_name="rechecks")
    passed = models.BooleanField("复查通过", null=True)
    note = models.CharField("情况", max_length=300, blank=True, default="")
    made_at = models.DateTimeField("复查时间", null=True, blank=True)
    by_name = models.CharField("复查人", max_length=50, blank=True, default="")

    class Meta:
        verbose_name = "复查"
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["draw", "problem"], name="recheck_once_per_draw")]

    def __str__(self) -> str:
        return str(self.problem)
