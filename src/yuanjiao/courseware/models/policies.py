"""Policy texts (政策文件) and the items that put them in plain words (解读) or answer what people ask of them (问答) (DLV14)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.courseware.models.item import Courseware
from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid


class PolicyText(models.Model):
    """One item that is a policy text: its document number and the day it was issued, from which the delay of its explanation counts."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    courseware = models.OneToOneField(Courseware, verbose_name="课件", on_delete=models.CASCADE, related_name="policy")
    document = models.CharField("文号", max_length=60)
    issued_on = models.DateField("发文日期")

    class Meta:
        verbose_name = "政策文件"

    def __str__(self) -> str:
        return self.document


class PolicyRole(models.TextChoices):
    """What an item is to a policy text."""

    EXPLANATION = "plain", "通俗解读"
    QUESTIONS = "asked", "问答"


class PolicyLink(models.Model):
    """One item explains a policy text or answers questions about it.

    The text is named by uid, of whichever version: it may stand in a column of another audience, so in another document on the way down.
    """

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    courseware = models.ForeignKey(Courseware, verbose_name="解读课件", on_delete=models.CASCADE, related_name="explains")
    policy_uid = models.UUIDField("政策文件")
    role = models.CharField("性质", max_length=8, choices=PolicyRole.choices)

    class Meta:
        verbose_name = "政策解读"
        constraints = [models.UniqueConstraint(fields=["courseware", "policy_uid"], name="policy_link_once")]
        indexes = [models.Index(fields=["policy_uid"], name="policy_link_of_text")]  # what explains this text

    def __str__(self) -> str:
        return f"{self.courseware} → {self.policy_uid}"
