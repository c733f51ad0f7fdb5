"""The ledger itself, and the proposals that become entries when a second person agrees."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from yuanjiao.funds.models.flows import AllowanceRate, Commitment, Subsidy, VillageAllowance
from yuanjiao.funds.models.ledger import CATEGORY_NAMES, Fund, Source
from yuanjiao.funds.rules import OUTFLOWS, EntryKind, ProposalState
from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.places.models import Division

KIND_NAMES = [
    (EntryKind.CONTRIBUTION, "拨入"),
    (EntryKind.PURCHASE, "设备采购"),
    (EntryKind.PAYMENT, "支出"),
    (EntryKind.SUBSIDY, "补贴拨付"),
    (EntryKind.ALLOWANCE, "村级补助拨付"),
    (EntryKind.ALLOWANCE_USE, "村级补助使用"),
    (EntryKind.IN_KIND_PROMISE, "实物承诺"),
    (EntryKind.IN_KIND_DELIVERY, "实物到位"),
]
PROPOSAL_STATE_NAMES = [
    (ProposalState.WAITING, "待审批"),
    (ProposalState.APPROVED, "已入账"),
    (ProposalState.REFUSED, "未批准"),
    (ProposalState.WITHDRAWN, "已撤回"),
]


class Entry(models.Model):
    """One line of the ledger (分录). Written once: what was wrong is put right by an opposite entry, which names it.

    `amount_fen` is the amount of its kind, negative in an opposite entry only. `entry_hash` covers all of it and the entry before.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("proposed_name", "approved_name")

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    fund = models.ForeignKey(Fund, verbose_name="基金", on_delete=models.PROTECT, related_name="entries")
    number = models.PositiveIntegerField("凭证号")
    at = models.DateTimeField("记账时间")
    kind = models.CharField("类别", max_length=20, choices=KIND_NAMES)
    source = models.ForeignKey(Source, verbose_name="资金来源", on_delete=models.PROTECT, related_name="entries")
    amount_fen = models.BigIntegerField("金额（分）")
    count = models.IntegerField("数量", default=0)
    category = models.CharField("用途", max_length=12, choices=CATEGORY_NAMES, blank=True, default="")
    division = models.ForeignKey(Division, verbose_name="区划", on_delete=models.PROTECT, related_name="fund_entries")
    purpose = models.CharField("摘要", max_length=200)
    payee = models.CharField("收款单位", max_length=100, blank=True, default="")
    document = models.CharField("凭据", max_length=100, blank=True, default="")
    commitment = models.ForeignKey(Commitment, on_delete=models.PROTECT, null=True, blank=True, related_name="entries")
    subsidy = models.ForeignKey(Subsidy, on_delete=models.PROTECT, null=True, blank=True, related_name="entries")
    village = models.ForeignKey(VillageAllowance, on_delete=models.PROTECT, null=True, blank=True, related_name="entries")
    reverses = models.OneToOneField("self", on_delete=models.PROTECT, null=True, blank=True, related_name="reversed_by")
    proposed_uid = models.UUIDField("经办人")
    proposed_name = models.CharField("经办人姓名", max_length=50)
    approved_uid = models.UUIDField("审批人", null=True, blank=True)
    approved_name = models.CharField("审批人姓名", max_length=50, blank=True, default="")
    entry_hash = models.CharField("指纹", max_length=64)

    class Meta:
        verbose_name = "分录"
        ordering = ["fund", "number"]
        constraints = [
            models.UniqueConstraint(fields=["fund", "number"], name="fund_entry_number_once"),
            models.CheckConstraint(
                condition=Q(reverses=None, amount_fen__gt=0) | Q(reverses__isnull=False, amount_fen__lt=0),
                name="fund_entry_negative_when_opposite",
            ),
            models.CheckConstraint(
                condition=(Q(reverses=None) & ~Q(kind__in=OUTFLOWS)) | (Q(approved_uid__isnull=False) & ~Q(approved_uid=F("proposed_uid"))),
                name="fund_entry_two_persons",
            ),
        ]
        indexes = [models.Index(fields=["fund", "at"], name="fund_entry_of_period")]  # the balance on a day

    def __str__(self) -> str:
        return f"{self.fund.code}-{self.number}"


class Proposal(models.Model):
    """Money to be paid, or an entry to be reversed, as one person proposes it; a second person's word makes it entries."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("proposed_name", "decided_name")

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    fund = models.ForeignKey(Fund, verbose_name="基金", on_delete=models.PROTECT, related_name="proposals")
    kind = models.CharField("类别", max_length=20, choices=KIND_NAMES)
    source = models.ForeignKey(Source, verbose_name="资金来源", on_delete=models.PROTECT, related_name="proposals")
    amount_fen = models.BigIntegerField("金额（分）")
    category = models.CharField("用途", max_length=12, choices=CATEGORY_NAMES, blank=True, default="")
    division = models.ForeignKey(Division, verbose_name="区划", on_delete=models.PROTECT, related_name="fund_proposals")
    purpose = models.CharField("摘要", max_length=200)
    payee = models.CharField("收款单位", max_length=100, blank=True, default="")
    document = models.CharField("凭据", max_length=100, blank=True, default="")
    subsidy = models.ForeignKey(Subsidy, on_delete=models.PROTECT, null=True, blank=True, related_name="proposals")
    rate = models.ForeignKey(AllowanceRate, on_delete=models.PROTECT, null=True, blank=True, related_name="proposals")
    per_village_fen = models.BigIntegerField("每村金额（分）", default=0)
    reverses = models.ForeignKey(Entry, on_delete=models.PROTECT, null=True, blank=True, related_name="reversal_proposals")
    state = models.CharField("状态", max_length=10, choices=PROPOSAL_STATE_NAMES, default=ProposalState.WAITING)
    proposed_uid = models.UUIDField("经办人")
    proposed_name = models.CharField("经办人姓名", max_length=50)
    proposed_at = models.DateTimeField("提请时间")
    decided_uid = models.UUIDField("审批人", null=True, blank=True)
    decided_name = models.CharField("审批人姓名", max_length=50, blank=True, default="")
    decided_at = models.DateTimeField("审批时间", null=True, blank=True)
    reason = models.CharField("审批意见", max_length=200, blank=True, default="")

    class Meta:
        verbose_name = "支付申请"
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="proposal_of_something"),
            models.CheckConstraint(
                condition=~Q(state=ProposalState.APPROVED) | (Q(decided_uid__isnull=False) & ~Q(decided_uid=F("proposed_uid"))),
                name="proposal_two_persons",
            ),
            models.UniqueConstraint(fields=["subsidy"], condition=Q(state=ProposalState.WAITING), name="subsidy_one_waiting_payment"),
            models.UniqueConstraint(fields=["reverses"], condition=Q(state=ProposalState.WAITING), name="reversal_one_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.purpose}"
