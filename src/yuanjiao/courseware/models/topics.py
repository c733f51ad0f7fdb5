"""Taxonomies (分类体系) and their topics (主题标签): data, so that an office adds its own without a programmer (CW16)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels


class Taxonomy(models.Model):
    """One way of sorting items: by subject, by audience, by how people take part."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    code = models.CharField("代码", max_length=20, unique=True)
    name = models.CharField("分类名称", max_length=20)
    order = models.PositiveIntegerField("顺序", default=100)

    class Meta:
        verbose_name = "分类体系"

    def __str__(self) -> str:
        return self.name


class Topic(models.Model):
    """One label of one taxonomy. A label that is no longer used is ended, and stays on the items that carry it."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    code = models.CharField("代码", max_length=30, unique=True)
    taxonomy = models.ForeignKey(Taxonomy, verbose_name="分类体系", on_delete=models.PROTECT, related_name="topics")
    name = models.CharField("标签", max_length=20)
    order = models.PositiveIntegerField("顺序", default=100)
    ended = models.BooleanField("停用", default=False)

    class Meta:
        verbose_name = "主题标签"
        constraints = [models.UniqueConstraint(fields=["taxonomy", "name"], name="topic_named_once")]

    def __str__(self) -> str:
        return self.name
