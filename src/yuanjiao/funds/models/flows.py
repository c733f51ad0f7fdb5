"""What stands behind entries: an operator's commitments in kind, subsidies on their way, allowances of villages."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from yuanjiao.funds.models.ledger import Fund, Source
from yuanjiao.funds.rules import SubsidyState
from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.places.models import Division

SUBSIDY_STATE_NAMES = [
    (SubsidyState.APPLIED, "待审批"),
    (SubsidyState.APPROVED, "已批准，待拨付"),
    (SubsidyState.PAID, "已拨付，待验收"),
    (SubsidyState.ACCEPTED, "已验收"),
    (SubsidyState.REFUSED, "不予批准"),
]


class Commitment(models.Model):
    """What an operator or another giver promised in kind, and how much of it has come (FND09)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    source = models.ForeignKey(Source, verbose_name="承诺方", on_delete=models.PROTECT, related_name="commitments")
    division = models.ForeignKey(Division, verbose_name="用于区划", on_delete=models.PROTECT, related_name="commitments")
    what = models.CharField("实物", max_length=100)
    unit_fen = models.BigIntegerField("单价（分）")
    promised = models.PositiveIntegerField("承诺数量")
    delivered = models.PositiveIntegerField("已到数量", default=0)
    due_on = models.DateField("约定日期")
    document = models.CharField("协议", max_length=100)

    class Meta:
        verbose_name = "实物承诺"
        constraints = [
            models.CheckConstraint(condition=Q(delivered__lte=F("promised")), name="commitment_not_overfilled"),
            models.CheckConstraint(condition=Q(unit_fen__gt=0), name="commitment_has_a_value"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.what}"

    @property
    def outstanding(self) -> int:
        return self.promised - self.delivered


class Subsidy(models.Model):
    """One subsidy for one division: applied, approved, paid, accepted (FND06), with the division's own money beside it."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("applied_name", "approved_name", "accepted_name")

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    fund = models.ForeignKey(Fund, verbose_name="基金", on_delete=models.PROTECT, related_name="subsidies")
    division = models.ForeignKey(Division, verbose_name="申请区划", on_delete=models.PROTECT, related_name="subsidies")
    purpose = models.CharField("项目", max_length=200)
    document = models.CharField("申请文件", max_length=100)
    asked_fen = models.BigIntegerField("申请金额（分）")
    own_fen = models.BigIntegerField("承诺配套（分）")
    granted_fen = models.BigIntegerField("批准金额（分）", default=0)
    own_spent_fen = models.BigIntegerField("实际配套（分）", default=0)
    state = models.CharField("状态", max_length=10, choices=SUBSIDY_STATE_NAMES, default=SubsidyState.APPLIED)
    source = models.ForeignKey(Source, verbose_name="资金来源", on_delete=models.PROTECT, null=True, blank=True, related_name="subsidies")
    applied_uid = models.UUIDField("申请人")
    applied_name = models.CharField("申请人姓名", max_length=50)
    applied_at = models.DateTimeField("申请时间")
    approved_uid = models.UUIDField("审批人", null=True, blank=True)
    approved_name = models.CharField("审批人姓名", max_length=50, blank=True, default="")
    decision = models.CharField("审批意见", max_length=200, blank=True, default="")
    accepted_uid = models.UUIDField("验收人", null=True, blank=True)
    accepted_name = models.CharField("验收人姓名", max_length=50, blank=True, default="")
    accepted_on = models.DateField("验收日期", null=True, blank=True)
    acceptance = models.CharField("验收意见", max_length=200, blank=True, default="")

    class Meta:
        verbose_name = "补贴"
        constraints = [
            models.CheckConstraint(condition=Q(asked_fen__gt=0) & Q(own_fen__gte=0), name="subsidy_asks_for_something"),
            models.CheckConstraint(condition=Q(granted_fen__lte=F("asked_fen")), name="subsidy_not_above_asked"),
            models.CheckConstraint(condition=Q(approved_uid=None) | ~Q(approved_uid=F("applied_uid")), name="subsidy_two_persons"),
        ]

    def __str__(self) -> str:
        return f"{self.division} {self.purpose}"


class AllowanceRate(models.Model):
    """What each village is entitled to in one year (补助标准), and the day on which the villages are counted (FND05)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    fund = models.ForeignKey(Fund, verbose_name="基金", on_delete=models.PROTECT, related_name="allowance_rates")
    year = models.PositiveSmallIntegerField("年度")
    rate_fen = models.BigIntegerField("每村标准（分）")
    counted_on = models.DateField("村数截至")
    document = models.CharField("依据文件", max_length=100)

    class Meta:
        verbose_name = "村级补助标准"
        constraints = [
            models.UniqueConstraint(fields=["fund", "year"], name="allowance_rate_once"),
            models.CheckConstraint(condition=Q(rate_fen__gt=0), name="allowance_rate_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.fund} {self.year}"


class VillageAllowance(models.Model):
    """What one village got and used of its entitlement of one year. Never more paid than it is entitled to, never more used than paid."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    rate = models.ForeignKey(AllowanceRate, verbose_name="标准", on_delete=models.PROTECT, related_name="villages")
    division = models.ForeignKey(Division, verbose_name="村", on_delete=models.PROTECT, related_name="allowances")
    entitled_fen = models.BigIntegerField("应得（分）")
    paid_fen = models.BigIntegerField("已拨（分）", default=0)
    used_fen = models.BigIntegerField("已用（分）", default=0)

    class Meta:
        verbose_name = "村级补助"
        constraints = [
            models.UniqueConstraint(fields=["rate", "division"], name="village_allowance_once"),
            models.CheckConstraint(condition=Q(paid_fen__gte=0) & Q(paid_fen__lte=F("entitled_fen")), name="allowance_within_entitlement"),
            models.CheckConstraint(condition=Q(used_fen__gte=0) & Q(used_fen__lte=F("paid_fen")), name="allowance_used_within_paid"),
        ]

    def __str__(self) -> str:
        return f"{self.division} {self.rate.year}"
