"""What is known of every object, and how far the knowledge reaches. State changes are rows; beats never are."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.models.hours import HourOf
from yuanjiao.network.models.register import ManagedObject, Site


class State(models.TextChoices):
    UP = "up", "正常"
    DOWN = "down", "不通"
    UNKNOWN = "unknown", "情况不明"


class StateChange(models.Model):
    """One span [at, until) during which one observer held one object to be in one state; `until` is empty while it lasts.

    `down` begins at the last beat heard (or where listening began, if that is later); `last_heard_at` is the earliest and
    `latest_at` the latest moment at which the silence can really have begun. (observer, seq) names the journal entry.
    """

    travels: ClassVar[Travels] = Travels.UP
    personal: ClassVar[tuple[str, ...]] = ()
    bookmarks: ClassVar[tuple[str, ...]] = ("judged",)

    object = models.ForeignKey(
        ManagedObject, verbose_name="对象", on_delete=models.CASCADE, related_name="state_changes", db_index=False
    )  # the constraint below finds them: every index counts when 700,000 rows come at once
    state = models.CharField("状态", max_length=7, choices=State.choices)
    at = models.DateTimeField("自")
    until = models.DateTimeField("至", null=True, blank=True)
    last_heard_at = models.DateTimeField("最后一次心跳", null=True, blank=True)
    latest_at = models.DateTimeField("最迟开始", null=True, blank=True)
    reason = models.CharField("依据", max_length=20, blank=True, default="")
    observer = models.UUIDField("观察者")
    seq = models.BigIntegerField("日志序号")
    judged = models.BooleanField("已归入中断", default=False)  # this machine's own bookmark; the only field that does not travel

    class Meta:
        verbose_name = "状态变化"
        constraints = [
            # also finds the story of one site, the neighbours of a late row, and what was told before
            models.UniqueConstraint(fields=["object", "at", "observer", "seq"], name="state_change_once_per_entry"),
            models.CheckConstraint(condition=models.Q(until=None) | models.Q(until__gte=models.F("at")), name="state_change_in_order"),
        ]
        indexes = [
            # rates: what began in a period (`begun_from`). No index holds an end: to end 700,000 spans touches their rows and nothing else
            models.Index(HourOf("at"), name="state_began"),
            models.Index(fields=["id"], condition=models.Q(judged=False), name="state_to_judge"),  # diagnosis: what is new
        ]

    def __str__(self) -> str:
        return f"{self.object_id} {self.state} {self.at:%Y-%m-%d %H:%M:%S}"


class ObjectKey(models.OneToOneField):  # type: ignore[type-arg]  # no subscript at run time
    """The key of an object as the key of a row of its own. For SQLite it is the number the row itself stands by: one index less."""

    def db_type(self, connection: Any) -> str | None:
        return "integer" if connection.vendor == "sqlite" else super().db_type(connection)


class Liveness(models.Model):
    """One object's present state: a copy of its newest StateChange, for lists."""

    travels: ClassVar[Travels] = Travels.UP
    personal: ClassVar[tuple[str, ...]] = ()

    object = ObjectKey(ManagedObject, primary_key=True, on_delete=models.CASCADE, related_name="liveness")
    state = models.CharField("状态", max_length=7, choices=State.choices)
    since = models.DateTimeField("自")
    last_heard_at = models.DateTimeField("最后一次心跳", null=True, blank=True)
    observer = models.UUIDField("观察者")
    seq = models.BigIntegerField("日志序号")

    class Meta:
        verbose_name = "现状"
        indexes = [
            models.Index(fields=["since"], condition=models.Q(state=State.DOWN), name="liveness_dark"),  # what is dark now, longest first
            models.Index(fields=["observer"], name="liveness_observer"),  # all that one edge hears
        ]

    def __str__(self) -> str:
        return f"{self.object_id} {self.state}"


class ListeningGap(models.Model):
    """One span [start, end) in which an observer did not listen; nothing is said of what it hears."""

    travels: ClassVar[Travels] = Travels.UP
    personal: ClassVar[tuple[str, ...]] = ()

    observer = models.UUIDField("观察者")
    seq = models.BigIntegerField("日志序号")
    start = models.DateTimeField("自")
    end = models.DateTimeField("至")

    class Meta:
        verbose_name = "未监听时段"
        constraints = [models.UniqueConstraint(fields=["observer", "seq"], name="gap_once_per_entry")]

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M:%S} – {self.end:%H:%M:%S}"


class ListeningMark(models.Model):
    """This observer was listening at this moment: one row per machine, written every few seconds."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    observer = models.UUIDField("观察者", unique=True)
    at = models.DateTimeField("最近监听时刻")
    steady_s = models.FloatField("开机后秒数", null=True, blank=True)  # by the clock that nobody sets, in the run of the machine `boot`
    boot = models.CharField("开机标识", max_length=36, blank=True, default="")

    class Meta:
        verbose_name = "监听标记"

    def __str__(self) -> str:
        return f"{self.observer} {self.at:%Y-%m-%d %H:%M:%S}"


class Watermark(models.Model):
    """How far this machine may speak of what one edge hears: its record is complete here up to `held_through`.

    `said_through`/`said_seq` is the edge's newest word; it becomes `held_through` when its journal has arrived to that entry.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    observer = models.UUIDField("边缘节点", unique=True)
    edge = models.ForeignKey(ManagedObject, verbose_name="边缘服务器", on_delete=models.CASCADE, related_name="watermarks")
    held_through = models.DateTimeField("记录完整至", null=True, blank=True)
    said_through = models.DateTimeField("边缘已观察至", null=True, blank=True)
    said_seq = models.BigIntegerField("边缘日志序号", default=0)
    said_at = models.DateTimeField("收到时刻", null=True, blank=True)
    held_at = models.DateTimeField("确认时刻（本机的钟）", null=True, blank=True)
    boot_at = models.DateTimeField("边缘开机时刻", null=True, blank=True)
    offset_s = models.FloatField("时钟偏差（秒）", default=0.0)

    class Meta:
        verbose_name = "边缘记录水位"

    def __str__(self) -> str:
        return f"{self.edge_id} {self.held_through}"


class PlayTest(models.Model):
    """One try of a site to play a real item: whether it went well, and the step that failed."""

    travels: ClassVar[Travels] = Travels.UP
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    site = models.ForeignKey(Site, verbose_name="站点", on_delete=models.CASCADE, related_name="play_tests")
    at = models.DateTimeField("测试时刻")
    ok = models.BooleanField("播放成功")
    step = models.CharField("失败步骤", max_length=20, blank=True, default="")
    item = models.CharField("试播内容", max_length=100, blank=True, default="")
    observer = models.UUIDField("观察者")

    class Meta:
        verbose_name = "播放测试"
        indexes = [models.Index(fields=["site", "at"], name="play_test_story")]  # the last test of a site; rates

    def __str__(self) -> str:
        return f"{self.site_id} {'通过' if self.ok else self.step} {self.at:%Y-%m-%d %H:%M:%S}"
