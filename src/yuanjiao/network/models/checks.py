"""Further evidence: an edge's checks of itself, the centre's active probes, boxes the operator has seen."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.models.register import Edge, ManagedObject, Site


class CheckKind(models.TextChoices):
    DISK = "disk", "磁盘"
    TEMPERATURE = "temperature", "温度"
    TIME = "time", "时钟"
    LINE = "line", "线路"


class EdgeCheck(models.Model):
    """One span [at, until) in which one check that an edge makes of itself or of a line kept its outcome. Transitions, never readings.

    `subject` is the edge itself, or the line that was checked. `value` is what was read when the outcome changed, in `unit`.
    """

    travels: ClassVar[Travels] = Travels.UP
    personal: ClassVar[tuple[str, ...]] = ()

    edge = models.ForeignKey(Edge, verbose_name="边缘服务器", on_delete=models.CASCADE, related_name="checks")
    subject = models.ForeignKey(ManagedObject, verbose_name="检查对象", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField("检查", max_length=11, choices=CheckKind.choices)
    ok = models.BooleanField("合格")
    value = models.FloatField("读数", null=True, blank=True)
    unit = models.CharField("单位", max_length=10, blank=True, default="")
    note = models.CharField("说明", max_length=200, blank=True, default="")
    at = models.DateTimeField("自")
    until = models.DateTimeField("至", null=True, blank=True)
    observer = models.UUIDField("观察者")
    seq = models.BigIntegerField("日志序号")

    class Meta:
        verbose_name = "边缘自检"
        constraints = [
            models.UniqueConstraint(fields=["observer", "seq", "subject", "kind"], name="edge_check_once_per_entry"),
            models.UniqueConstraint(fields=["subject", "kind"], condition=models.Q(until=None), name="edge_check_one_open"),
        ]
        indexes = [models.Index(fields=["subject", "at"], name="edge_check_story")]  # evidence of a verdict; the edge's page

    def __str__(self) -> str:
        return f"{self.subject_id} {self.kind} {'合格' if self.ok else '不合格'}"


class ProbeMethod(models.TextChoices):
    ICMP = "icmp", "ICMP"
    TCP = "tcp", "TCP"
    HTTP = "http", "HTTP"
    SNMP = "snmp", "SNMP"


class Probe(models.Model):
    """One question this machine asks an object again and again: does this address answer, and how (主动探测)."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    object = models.ForeignKey(ManagedObject, verbose_name="对象", on_delete=models.CASCADE, related_name="probes")
    method = models.CharField("方式", max_length=4, choices=ProbeMethod.choices)
    host = models.CharField("主机", max_length=100)
    port = models.PositiveIntegerField("端口", null=True, blank=True)
    path = models.CharField("路径或 OID", max_length=200, blank=True, default="")
    secret_sealed = models.BinaryField("SNMP 团体字（密文）", default=bytes)
    period_s = models.PositiveIntegerField("周期（秒）", default=60)
    timeout_s = models.FloatField("超时（秒）", default=3.0)
    active = models.BooleanField("启用", default=True)

    class Meta:
        verbose_name = "主动探测"

    def __str__(self) -> str:
        return f"{self.object_id} {self.method} {self.host}"


class ProbeOutcome(models.Model):
    """One span [at, until) in which one probe kept its outcome; open while it lasts. `asked_at` is the newest question of the span."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    probe = models.ForeignKey(Probe, verbose_name="探测", on_delete=models.CASCADE, related_name="outcomes")
    ok = models.BooleanField("有应答")
    note = models.CharField("说明", max_length=200, blank=True, default="")
    latency_ms = models.FloatField("时延（毫秒）", null=True, blank=True)
    at = models.DateTimeField("自")
    asked_at = models.DateTimeField("最近一次探测")
    until = models.DateTimeField("至", null=True, blank=True)

    class Meta:
        verbose_name = "探测结果"
        constraints = [models.UniqueConstraint(fields=["probe"], condition=models.Q(until=None), name="probe_outcome_one_open")]
        indexes = [models.Index(fields=["probe", "at"], name="probe_outcome_story")]  # evidence of a verdict at a moment

    def __str__(self) -> str:
        return f"{self.probe_id} {'有应答' if self.ok else '无应答'}"


class BoxSighting(models.Model):
    """One site's box as the operator's own platform last saw it (运营商平台在线清单), from one file of one day."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    site = models.ForeignKey(Site, verbose_name="站点", on_delete=models.CASCADE, related_name="sightings")
    seen_at = models.DateTimeField("运营商最后见到")
    online = models.BooleanField("在线")
    source = models.CharField("来源文件", max_length=100)
    entered_at = models.DateTimeField("导入时刻")

    class Meta:
        verbose_name = "运营商所见"
        constraints = [models.UniqueConstraint(fields=["site", "seen_at", "online"], name="sighting_once")]
        indexes = [models.Index(fields=["site", "seen_at"], name="sighting_story")]  # evidence of a verdict; the site's page

    def __str__(self) -> str:
        return f"{self.site_id} {self.seen_at:%Y-%m-%d %H:%M}"
