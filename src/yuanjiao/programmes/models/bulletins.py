"""Weekly bulletins (快讯, DLV06): the series, an edition a week, what each channel was handed, and who does not want any."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.programmes.models.outlets import Outlet
from yuanjiao.programmes.rules.bulletin import LONGEST


class BulletinSeries(models.Model):
    """One weekly bulletin of a unit to those who answer for the places of one subtree. Signature, scope and address never change."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    name = models.CharField("快讯名称", max_length=40)
    unit = models.ForeignKey(OrgUnit, verbose_name="主办单位", on_delete=models.PROTECT, related_name="bulletins")
    scope = models.ForeignKey(Division, verbose_name="范围", on_delete=models.PROTECT, related_name="bulletins")
    sender = models.CharField("短信签名", max_length=20)
    address = models.CharField("观看网址", max_length=120)
    weekday = models.PositiveSmallIntegerField("起草日", validators=[MinValueValidator(1), MaxValueValidator(7)])
    most = models.PositiveSmallIntegerField("最多几件")
    ended_on = models.DateField("停办日期", null=True, blank=True)

    class Meta:
        verbose_name = "快讯系列"
        constraints = [
            models.UniqueConstraint(
                fields=["unit", "name"], condition=models.Q(ended_on=None), name="bulletin_series_name_once_per_unit"
            ),  # one that ended can be opened anew
            models.CheckConstraint(condition=models.Q(weekday__range=(1, 7)), name="bulletin_series_weekday"),
        ]

    def __str__(self) -> str:
        return self.name


class EditionState(models.TextChoices):
    DRAFT = "draft", "草稿"
    SENT = "sent", "已发出"
    SKIPPED = "skipped", "本周不发"


class BulletinEdition(models.Model):
    """The bulletin of one week; once sent it never changes. `text` has neither signature nor opt-out: those are put round it."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("drafted_by", "sent_by")

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    series = models.ForeignKey(BulletinSeries, verbose_name="快讯", on_delete=models.PROTECT, related_name="editions")
    week_on = models.DateField("周一")
    first_on = models.DateField("收录起")
    last_on = models.DateField("收录止")
    text = models.CharField("正文", max_length=LONGEST, blank=True, default="")
    state = models.CharField("状态", max_length=8, choices=EditionState.choices, default=EditionState.DRAFT)
    drafted_by = models.CharField("起草人", max_length=50)
    drafted_at = models.DateTimeField("起草时间")
    sent_by = models.CharField("发送人", max_length=50, blank=True, default="")
    sent_at = models.DateTimeField("发送时间", null=True, blank=True)

    class Meta:
        verbose_name = "快讯"
        constraints = [
            models.UniqueConstraint(fields=["series", "week_on"], name="bulletin_once_a_week"),
            models.CheckConstraint(condition=~models.Q(state="sent") | models.Q(sent_at__isnull=False), name="bulletin_sent_has_moment"),
        ]
        indexes = [models.Index(fields=["-week_on", "-id"], name="bulletin_newest")]  # the list of editions

    def __str__(self) -> str:
        return f"{self.series} {self.week_on}"


class BulletinItem(models.Model):
    """One item named by an edition, at its place in the order."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    edition = models.ForeignKey(BulletinEdition, verbose_name="快讯", on_delete=models.CASCADE, related_name="items")
    number = models.PositiveSmallIntegerField("顺序")
    item_uid = models.UUIDField("课件")
    title = models.CharField("标题", max_length=100)

    class Meta:
        verbose_name = "快讯课件"
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["edition", "number"], name="bulletin_item_number_once"),
            models.UniqueConstraint(fields=["edition", "item_uid"], name="bulletin_item_once"),
        ]

    def __str__(self) -> str:
        return self.title


class BulletinChannel(models.Model):
    """One edition on one robot or gateway. Who has opted out has no row anywhere: there is only how many they were."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    edition = models.ForeignKey(BulletinEdition, verbose_name="快讯", on_delete=models.CASCADE, related_name="channels")
    outlet = models.ForeignKey(Outlet, verbose_name="通道", on_delete=models.PROTECT, related_name="bulletins")
    due_at = models.DateTimeField("下次发送")
    failures = models.PositiveSmallIntegerField("连续失败", default=0)
    is_stopped = models.BooleanField("已停止", default=False)  # what was on its way then and did not come through stays unsent
    opted_out = models.PositiveIntegerField("已退订", default=0)
    same_number = models.PositiveIntegerField("同号合并", default=0)
    people = models.PositiveIntegerField("责任人数", default=0)  # whom it was for, opted out or not; below a floor nothing is shown
    refusal = models.CharField("最近一次拒收的说明", max_length=120, blank=True, default="")  # of no number in particular

    class Meta:
        verbose_name = "快讯通道"
        constraints = [models.UniqueConstraint(fields=["edition", "outlet"], name="bulletin_channel_once")]

    def __str__(self) -> str:
        return f"{self.edition} {self.outlet}"


class DeliveryState(models.TextChoices):
    WAITING = "waiting", "待发"
    TRYING = "trying", "正在交付"
    HANDED = "handed", "已交付"
    REFUSED = "refused", "被拒收"
    UNSURE = "unsure", "结果不明"
    NO_NUMBER = "no_number", "没有手机号"
    NOT_SENT = "not_sent", "没有发"


class BulletinDelivery(models.Model):
    """One edition for one number, or for one work group (then without person). TRYING is written before the call, the result behind it."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("person_uid", "number_masked", "number_digest")

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    channel = models.ForeignKey(BulletinChannel, verbose_name="通道", on_delete=models.CASCADE, related_name="deliveries")
    person_uid = models.UUIDField("人员", null=True, blank=True)
    unit_name = models.CharField("单位", max_length=100)
    division_name = models.CharField("责任区域", max_length=60, blank=True, default="")
    number_masked = models.CharField("号码", max_length=15, blank=True, default="")
    number_digest = models.CharField("号码（查重用摘要）", max_length=64, blank=True, default="")
    state = models.CharField("结果", max_length=9, choices=DeliveryState.choices)
    tries = models.PositiveSmallIntegerField("已试次数", default=0)  # since it was last queued; this says when to give up
    attempt = models.PositiveIntegerField("第几次交付", default=0)  # only grows; an answer belongs to one attempt
    leased_until = models.DateTimeField("占用到", null=True, blank=True)
    answer = models.CharField("答复", max_length=120, blank=True, default="")
    done_at = models.DateTimeField("完成时间", null=True, blank=True)

    class Meta:
        verbose_name = "快讯交付"
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "number_digest"], condition=~models.Q(number_digest=""), name="bulletin_number_once"
            ),  # nobody gets an edition twice
            models.CheckConstraint(
                condition=~models.Q(state="trying") | models.Q(leased_until__isnull=False), name="bulletin_trying_is_leased"
            ),
        ]
        indexes = [
            models.Index(fields=["channel", "state"], name="bulletin_delivery_counts"),  # the figures, and what waits
            models.Index(fields=["leased_until"], condition=models.Q(state="trying"), name="bulletin_delivery_leased"),  # interrupted ones
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.unit_name}"


class OptOut(models.Model):
    """One person who wants no bulletin. No reason, no moment: it is so, or there is no row."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("person_uid",)

    person_uid = models.UUIDField("人员", unique=True)

    class Meta:
        verbose_name = "快讯退订"

    def __str__(self) -> str:
        return "退订"
