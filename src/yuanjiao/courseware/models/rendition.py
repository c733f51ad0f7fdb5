"""What an item is packaged into (转码版本), and the work that makes it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.courseware.models.item import Courseware
from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid


class RenditionKind(models.TextChoices):
    VIDEO = "video", "视频"
    AUDIO = "audio", "音频"
    POSTER = "poster", "封面"
    STILL = "still", "图片摘要"
    CAPTIONS = "captions", "字幕"


class Rendition(models.Model):
    """One proved form of one item for one kind of terminal: a blob and what a player must know of it.

    `playlist` is the media playlist of an HLS rendition with `{blob}` where the blob's address goes.
    """

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    courseware = models.ForeignKey(Courseware, verbose_name="课件", on_delete=models.CASCADE, related_name="renditions")
    profile = models.CharField("规格", max_length=20)
    kind = models.CharField("种类", max_length=8, choices=RenditionKind.choices)
    key = models.CharField("输入与规格的摘要", max_length=64, db_index=True)  # the same input and profile is never encoded twice
    blob = models.CharField("内容摘要", max_length=64, db_index=True)  # whether a blob is still needed
    size_bytes = models.BigIntegerField("大小（字节）")
    media_type = models.CharField("媒体类型", max_length=40)
    codecs = models.CharField("编码", max_length=60, blank=True, default="")
    width = models.PositiveIntegerField("宽", default=0)
    height = models.PositiveIntegerField("高", default=0)
    frame_rate = models.FloatField("帧率", default=0.0)
    bitrate = models.PositiveIntegerField("平均码率（bit/s）", default=0)
    peak_bitrate = models.PositiveIntegerField("峰值码率（bit/s）", default=0)
    duration_s = models.FloatField("时长（秒）", default=0.0)
    playlist = models.TextField("播放清单", blank=True, default="")

    class Meta:
        verbose_name = "转码版本"
        constraints = [models.UniqueConstraint(fields=["courseware", "profile"], name="rendition_one_per_profile")]

    def __str__(self) -> str:
        return f"{self.courseware} {self.profile}"


class JobState(models.TextChoices):
    WAITING = "waiting", "排队"
    RUNNING = "running", "进行中"
    DONE = "done", "完成"
    FAILED = "failed", "失败"


class RenditionJob(models.Model):
    """The making of one rendition: how far it is, how long it should take, and why it failed.

    Who makes it holds a lease: past `lease_until` the worker is taken for dead and anybody may take the work over; what the
    old one still writes under its `lease` then counts for nothing. The jobs of one run of ffmpeg have one lease.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    courseware = models.ForeignKey(Courseware, verbose_name="课件", on_delete=models.CASCADE, related_name="jobs")
    profile = models.CharField("规格", max_length=20)
    state = models.CharField("状态", max_length=8, choices=JobState.choices, default=JobState.WAITING)
    percent = models.PositiveSmallIntegerField("进度（%）", default=0)
    reason = models.CharField("失败原因", max_length=300, blank=True, default="")
    attempts = models.PositiveSmallIntegerField("次数", default=0)
    queued_at = models.DateTimeField("排队时间")
    started_at = models.DateTimeField("开始时间", null=True, blank=True)
    beat_at = models.DateTimeField("最近进展", null=True, blank=True)
    finished_at = models.DateTimeField("完成时间", null=True, blank=True)
    urgent = models.BooleanField("加急", default=False)
    expected_s = models.FloatField("预计用时（秒）", default=0.0)  # 0: nothing to judge by yet
    worker = models.CharField("工人进程", max_length=80, blank=True, default="")
    lease = models.UUIDField("租约", null=True, blank=True)
    lease_until = models.DateTimeField("租约到期", null=True, blank=True)

    class Meta:
        verbose_name = "打包任务"
        constraints = [models.UniqueConstraint(fields=["courseware", "profile"], name="rendition_job_one_per_profile")]
        indexes = [
            models.Index(fields=["state", "lease_until"], name="rendition_job_stuck"),  # work whose worker died
            models.Index(fields=["state", "finished_at"], name="rendition_job_lately"),  # how fast work went lately
        ]

    def __str__(self) -> str:
        return f"{self.courseware} {self.profile} {self.percent}%"
