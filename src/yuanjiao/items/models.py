"""Items, their steps and their verifications."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.items.rules import ACT_NAMES, KIND_NAMES, STATE_NAMES, Act, ItemKind, State, grouped_code
from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.places.models import Division, OrgUnit

KINDS = [(kind, KIND_NAMES[kind]) for kind in ItemKind]
STATES = [(state, STATE_NAMES[state]) for state in State]
ACTS = [(act, ACT_NAMES[act]) for act in Act]


class Item(models.Model):
    """One thing somebody must do: work order, task, problem … (事项). It lives where it is worked on, at the centre."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("worker_name",)

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    code = models.CharField("编号", max_length=8, unique=True)
    kind = models.CharField("类别", max_length=20, choices=KINDS)
    title = models.CharField("事项", max_length=120)
    expected_result = models.CharField("预期成效", max_length=200, blank=True, default="")
    measure = models.CharField("措施", max_length=400, blank=True, default="")
    starts_on = models.DateField("开始日期", null=True, blank=True)
    given_by = models.ForeignKey(
        OrgUnit, verbose_name="交办单位", null=True, blank=True, on_delete=models.PROTECT, related_name="given_items"
    )
    source = models.CharField("来源", max_length=60, blank=True, default="")
    parent = models.ForeignKey("self", verbose_name="上级事项", null=True, blank=True, on_delete=models.PROTECT, related_name="parts")
    division = models.ForeignKey(Division, verbose_name="所在区划", on_delete=models.PROTECT, related_name="items")
    lead_unit = models.ForeignKey(
        OrgUnit, verbose_name="责任单位", null=True, blank=True, on_delete=models.PROTECT, related_name="led_items"
    )
    co_units = models.ManyToManyField(OrgUnit, verbose_name="配合单位", blank=True, related_name="supported_items")
    worker_uid = models.UUIDField("经办人", null=True, blank=True)
    worker_name = models.CharField("经办人姓名", max_length=50, blank=True, default="")

    state = models.CharField("状态", max_length=12, choices=STATES, default=State.DRAFT)
    step_count = models.PositiveSmallIntegerField("办理步数", default=0)
    moved_at = models.DateTimeField("最近办理时间", null=True, blank=True)
    created_at = models.DateTimeField("登记时间")
    issued_at = models.DateTimeField("派单时间", null=True, blank=True)
    accepted_at = models.DateTimeField("签收时间", null=True, blank=True)
    started_at = models.DateTimeField("开始处理时间", null=True, blank=True)
    submitted_at = models.DateTimeField("提交时间", null=True, blank=True)
    verified_at = models.DateTimeField("核实时间", null=True, blank=True)
    closed_at = models.DateTimeField("销号时间", null=True, blank=True)
    respond_due_at = models.DateTimeField("响应时限", null=True, blank=True)
    due_at = models.DateTimeField("办结时限", null=True, blank=True)
    original_due_at = models.DateTimeField("原定时限", null=True, blank=True)
    near_due_at = models.DateTimeField("临期起点", null=True, blank=True)
    returned_count = models.PositiveSmallIntegerField("返工次数", default=0)
    reopened_count = models.PositiveSmallIntegerField("重开次数", default=0)
    declined_count = models.PositiveSmallIntegerField("拒签次数", default=0)

    class Meta:
        verbose_name = "事项"
        indexes = [
            models.Index(fields=["kind", "state", "due_at"], name="item_open_by_due"),  # lists of open items, most urgent first
            models.Index(fields=["lead_unit", "state"], name="item_of_unit"),  # an engineer's list
            models.Index(  # what waits where (SUP02): open items only, without reading the rows of the closed ones
                fields=["state", "lead_unit", "given_by", "moved_at"],
                name="item_waiting",
                condition=~models.Q(state__in=[State.CLOSED, State.CANCELLED]),
            ),
        ]
        constraints = [
            # Nothing is dispatched without an owner and a date (b2, SUP09).
            models.CheckConstraint(
                condition=models.Q(state__in=[State.DRAFT, State.DECLINED, State.CANCELLED])
                | models.Q(lead_unit__isnull=False, due_at__isnull=False, original_due_at__isnull=False),
                name="item_issued_has_owner_and_due",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=State.CLOSED) | models.Q(verified_at__isnull=False, closed_at__isnull=False),
                name="item_closed_was_verified",
            ),
        ]

    def __str__(self) -> str:
        return f"{grouped_code(self.code)} {self.title}"


class ItemStep(models.Model):
    """One act on one item: who, when, what, why. Read in order it is the item's story; never edited."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("by_name",)

    item = models.ForeignKey(Item, verbose_name="事项", on_delete=models.CASCADE, related_name="steps")
    number = models.PositiveSmallIntegerField("序号")
    act = models.CharField("动作", max_length=8, choices=ACTS, blank=True, default="")
    from_state = models.CharField("原状态", max_length=12, choices=STATES, blank=True, default="")
    to_state = models.CharField("新状态", max_length=12, choices=STATES)
    by_uid = models.UUIDField("办理人", null=True, blank=True)
    by_name = models.CharField("办理人姓名", max_length=50)
    unit_name = models.CharField("责任单位", max_length=100, blank=True, default="")
    at = models.DateTimeField("时间")
    reason = models.CharField("说明", max_length=1000, blank=True, default="")
    due_before = models.DateTimeField("原时限", null=True, blank=True)
    due_after = models.DateTimeField("新时限", null=True, blank=True)

    class Meta:
        verbose_name = "办理记录"
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["item", "number"], name="item_step_once")]  # two winners cannot both write step n

    def __str__(self) -> str:
        return f"{self.at:%F %H:%M} {self.by_name} {self.get_act_display() or '登记'}"


class Verification(models.Model):
    """One examination of a handed-in item by somebody else: the three answers, each with its evidence (SUP36)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("by_name",)

    item = models.ForeignKey(Item, verbose_name="事项", on_delete=models.CASCADE, related_name="verifications")
    round = models.PositiveSmallIntegerField("第几次")
    done = models.BooleanField("要求已落实")
    done_evidence = models.CharField("落实依据", max_length=200)
    solved = models.BooleanField("问题已解决")
    solved_evidence = models.CharField("解决依据", max_length=200)
    changed = models.BooleanField("现状已改变")
    changed_evidence = models.CharField("改变依据", max_length=200)
    by_uid = models.UUIDField("核实人")
    by_name = models.CharField("核实人姓名", max_length=50)
    at = models.DateTimeField("时间")

    class Meta:
        verbose_name = "核实记录"
        ordering = ["round"]
        constraints = [
            models.UniqueConstraint(fields=["item", "round"], name="verification_once_per_round"),
            models.CheckConstraint(
                condition=~models.Q(done_evidence="") & ~models.Q(solved_evidence="") & ~models.Q(changed_evidence=""),
                name="verification_has_evidence",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item} 第 {self.round} 次核实"

    @property
    def passed(self) -> bool:
        return self.done and self.solved and self.changed


class Phase(models.Model):
    """One phase of one item, with its dates (阶段): 3 月底完成，4 至 5 月实践 (SUP16, SUP27). Days are whole, both included."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("done_by",)

    item = models.ForeignKey(Item, verbose_name="事项", on_delete=models.CASCADE, related_name="phases")
    number = models.PositiveSmallIntegerField("序号")
    title = models.CharField("阶段", max_length=60)
    starts_on = models.DateField("起")
    ends_on = models.DateField("止")
    done_at = models.DateTimeField("完成时间", null=True, blank=True)
    done_by = models.CharField("完成人", max_length=50, blank=True, default="")
    result = models.CharField("完成情况", max_length=200, blank=True, default="")

    class Meta:
        verbose_name = "阶段"
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["item", "number"], name="phase_once"),
            models.CheckConstraint(condition=models.Q(ends_on__gte=models.F("starts_on")), name="phase_dates_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.number}. {self.title}"


class ChangeAsked(models.Model):
    """One request of the owner unit for a later date or another target, and what was decided (SUP20). Never edited after that."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("asked_by", "decided_by")

    item = models.ForeignKey(Item, verbose_name="事项", on_delete=models.CASCADE, related_name="changes")
    due_at = models.DateTimeField("申请的时限", null=True, blank=True)
    expected_result = models.CharField("申请的预期成效", max_length=200, blank=True, default="")
    reason = models.CharField("理由", max_length=300)
    asked_by = models.CharField("申请人", max_length=50)
    asked_at = models.DateTimeField("申请时间")
    agreed = models.BooleanField("同意", null=True)
    decided_by = models.CharField("审批人", max_length=50, blank=True, default="")
    decided_at = models.DateTimeField("审批时间", null=True, blank=True)
    note = models.CharField("审批意见", max_length=300, blank=True, default="")

    class Meta:
        verbose_name = "变更申请"
        ordering = ["asked_at", "pk"]
        constraints = [
            # One undecided request an item: an approval cannot mean another one than the reader saw.
            models.UniqueConstraint(fields=["item"], condition=models.Q(agreed=None), name="change_one_open"),
        ]

    def __str__(self) -> str:
        return f"{self.item} 变更申请"


class SavedFilter(models.Model):
    """One list of items somebody comes back to: a name for an address, for oneself or for everybody of one's unit."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("owner_name",)

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    owner_uid = models.UUIDField("保存人")
    owner_name = models.CharField("保存人姓名", max_length=50)
    unit = models.ForeignKey(OrgUnit, verbose_name="共用单位", null=True, blank=True, on_delete=models.CASCADE, related_name="item_filters")
    name = models.CharField("名称", max_length=30)
    query = models.CharField("条件", max_length=400, blank=True, default="")

    class Meta:
        verbose_name = "常用筛选"
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["owner_uid", "name"], name="filter_name_once")]

    def __str__(self) -> str:
        return self.name
