"""Reports of faults as they come up, and the orders made of them at the centre."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.faults.rules import AREA_NAMES, CHANNEL_NAMES, CLASS_NAMES, SYMPTOM_NAMES, Area, Channel, FaultClass
from yuanjiao.items.models import Item
from yuanjiao.items.rules import grouped_code
from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.models import ManagedObject, Outage
from yuanjiao.places.models import Division
from yuanjiao.places.rules import Level

CHANNELS = [(channel, CHANNEL_NAMES[channel]) for channel in Channel]
CLASSES = [(fault_class, CLASS_NAMES[fault_class]) for fault_class in FaultClass]
SYMPTOMS = [(symptom, SYMPTOM_NAMES[symptom]) for symptom in SYMPTOM_NAMES]
AREAS = [(area, AREA_NAMES[area]) for area in Area]


class FaultReport(models.Model):
    """One fault as somebody reported it (故障申报), on any machine, also one that is cut off. Born of `faults.reported/1` only.

    Places are held as text (the register code, the division path of that day): the row is the same on every machine.
    """

    travels: ClassVar[Travels] = Travels.UP
    personal: ClassVar[tuple[str, ...]] = ("words",)

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    receipt_code = models.CharField("受理编号", max_length=8, db_index=True)  # following a report by its code
    site_code = models.CharField("站点编号", max_length=30, db_index=True)  # the reports of one site
    site_name = models.CharField("站点", max_length=100)
    path = models.CharField("区划路径", max_length=80)
    channel = models.CharField("渠道", max_length=12, choices=CHANNELS)
    symptom = models.CharField("现象", max_length=16, choices=SYMPTOMS)
    error_code = models.CharField("错误代码", max_length=20, blank=True, default="")
    words = models.CharField("反映内容", max_length=300, blank=True, default="")
    filer_uid = models.UUIDField("登记人", null=True, blank=True)
    filed_at = models.DateTimeField("申报时间")
    origin = models.UUIDField("登记节点")

    class Meta:
        verbose_name = "故障申报"
        indexes = [models.Index(fields=["path", "filed_at"], name="fault_report_scope")]  # counts per county and month

    def __str__(self) -> str:
        return f"{grouped_code(self.receipt_code)} {self.site_name}"


class ReporterContact(models.Model):
    """Whom to call back about one report; kept only on the machine where it was taken down."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("name", "phone_sealed")

    report = models.OneToOneField(FaultReport, primary_key=True, on_delete=models.CASCADE, related_name="contact")
    name = models.CharField("称呼", max_length=50, blank=True, default="")
    phone_sealed = models.BinaryField("回访电话（密文）", default=bytes)

    class Meta:
        verbose_name = "回访联系方式"

    def __str__(self) -> str:
        return str(self.report)


class FaultCause(models.Model):
    """One root cause an order may be closed with (故障原因, level 2); a city adds its own."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    code = models.SlugField("代码", max_length=30, unique=True)
    name = models.CharField("原因", max_length=40)
    fault_class = models.CharField("适用类别", max_length=9, choices=CLASSES, blank=True, default="")
    active = models.BooleanField("在用", default=True)

    class Meta:
        verbose_name = "故障原因"
        ordering = ["fault_class", "id"]

    def __str__(self) -> str:
        return self.name


class ServiceTerm(models.Model):
    """What is agreed for one class of fault in one kind of area: who handles it, how fast, when an order opens by itself."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    fault_class = models.CharField("类别", max_length=9, choices=CLASSES)
    area = models.CharField("地区", max_length=7, choices=AREAS)
    unit_level = models.PositiveSmallIntegerField(
        "承办层级", choices=[(Level.CITY, "市级公司"), (Level.COUNTY, "县级分公司")], default=Level.COUNTY
    )
    respond_hours = models.PositiveSmallIntegerField("响应时限（小时）")
    restore_hours = models.PositiveSmallIntegerField("修复时限（小时）")
    patience_minutes = models.PositiveSmallIntegerField("中断多久自动开单（分钟）")
    filing_limit_hours = models.PositiveSmallIntegerField("中断后应申报的时限（小时）")

    class Meta:
        verbose_name = "服务时限"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["fault_class", "area"], name="term_once"),
            models.CheckConstraint(
                condition=models.Q(restore_hours__gte=models.F("respond_hours")),
                name="term_in_order",
                violation_error_message="修复时限不短于响应时限",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_fault_class_display()} {self.get_area_display()}"


class WorkOrder(models.Model):
    """One order to repair one object (工单): an item with a broken object, the outage behind it, a class and a cause."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    item = models.OneToOneField(Item, verbose_name="事项", primary_key=True, on_delete=models.CASCADE, related_name="order")
    subject = models.ForeignKey(ManagedObject, verbose_name="故障对象", on_delete=models.PROTECT, related_name="orders")
    outage = models.OneToOneField(Outage, verbose_name="中断", null=True, blank=True, on_delete=models.SET_NULL, related_name="order")
    outage_started_at = models.DateTimeField("中断开始", null=True, blank=True)
    agreement_number = models.CharField("所据协议", max_length=40, blank=True, default="")
    raised_by = models.CharField("来源", max_length=12, choices=CHANNELS)
    proposed_class = models.CharField("系统建议类别", max_length=9, choices=CLASSES)
    evidence = models.CharField("判定依据", max_length=400, blank=True, default="")
    fault_class = models.CharField("故障类别", max_length=9, choices=CLASSES, blank=True, default="")
    cause = models.ForeignKey(FaultCause, verbose_name="故障原因", null=True, blank=True, on_delete=models.PROTECT, related_name="orders")
    repair_note = models.CharField("处理情况", max_length=300, blank=True, default="")
    test_uid = models.UUIDField("核实所凭播放测试", null=True, blank=True)
    test_site_code = models.CharField("测试站点", max_length=30, blank=True, default="")
    test_at = models.DateTimeField("测试时间", null=True, blank=True)

    class Meta:
        verbose_name = "工单"
        constraints = [
            # Level 1 and the cause come together (OPS03, OPS09); closing checks that they are there.
            models.CheckConstraint(
                condition=models.Q(fault_class="", cause=None) | (~models.Q(fault_class="") & models.Q(cause__isnull=False)),
                name="order_class_with_cause",
            ),
        ]

    def __str__(self) -> str:
        return str(self.item)


class ReportHandling(models.Model):
    """What the centre made of one report: the order it belongs to, and how long after the outage began it was filed (OPS07)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    report = models.OneToOneField(FaultReport, primary_key=True, on_delete=models.CASCADE, related_name="handling")
    order = models.ForeignKey(WorkOrder, verbose_name="工单", on_delete=models.CASCADE, related_name="handlings")
    outage = models.ForeignKey(Outage, verbose_name="中断", null=True, blank=True, on_delete=models.SET_NULL, related_name="handlings")
    outage_started_at = models.DateTimeField("中断开始", null=True, blank=True)
    filing_delay_s = models.BigIntegerField("从中断到申报（秒）", null=True, blank=True)
    limit_s = models.BigIntegerField("申报时限（秒）", null=True, blank=True)
    attached = models.BooleanField("并入已有工单", default=False)
    taken_up_at = models.DateTimeField("受理时间")

    class Meta:
        verbose_name = "申报受理"

    def __str__(self) -> str:
        return f"{self.report} → {self.order}"

    @property
    def is_late(self) -> bool:
        return self.filing_delay_s is not None and self.limit_s is not None and self.filing_delay_s > self.limit_s


class CallBack(models.Model):
    """One call back to a reporter after the repair: satisfied or not (回访)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("by_name",)

    report = models.ForeignKey(FaultReport, on_delete=models.CASCADE, related_name="callbacks")
    satisfied = models.BooleanField("满意")
    note = models.CharField("回访情况", max_length=200, blank=True, default="")
    by_uid = models.UUIDField("回访人", null=True, blank=True)
    by_name = models.CharField("回访人姓名", max_length=50)
    at = models.DateTimeField("回访时间")

    class Meta:
        verbose_name = "回访"
        ordering = ["at"]

    def __str__(self) -> str:
        return f"{self.report} {'满意' if self.satisfied else '不满意'}"


class Training(models.Model):
    """One training of site managers in one place (培训), from whose day on its effect on operating errors is asked (OPS18)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    division = models.ForeignKey(Division, verbose_name="地区", on_delete=models.PROTECT, related_name="trainings")
    on = models.DateField("培训日期")
    topic = models.CharField("内容", max_length=100)

    class Meta:
        verbose_name = "培训"
        ordering = ["-on", "division__code"]
        constraints = [models.UniqueConstraint(fields=["division", "on"], name="training_once_per_day")]

    def __str__(self) -> str:
        return f"{self.division} {self.on}"
