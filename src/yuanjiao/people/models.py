"""People, their accounts, memberships, responsibilities with tenure, and the audit trail."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.people.rules import Role
from yuanjiao.places.models import Division, OrgUnit

ROLE_NAMES = [
    (Role.CITY_ADMIN, "市级管理员"),
    (Role.COUNTY_OFFICER, "县级组织员"),
    (Role.ENGINEER, "运营商维护工程师"),
    (Role.HOTLINE_CLERK, "热线受理员"),
    (Role.SITE_MANAGER, "站点管理员"),
    (Role.PRODUCER, "课件制作员"),
    (Role.REVIEWER, "课件审核员"),
    (Role.LEADER, "领导"),
    (Role.AUDITOR, "审计员"),
    (Role.LEARNER, "学员"),
]


class ResponsibilityKind(models.TextChoices):
    FIRST = "first", "第一责任人"
    DIRECT = "direct", "直接责任人"
    LIAISON = "liaison", "联络员"
    SITE_MANAGER = "site_manager", "站点管理员"
    DUTY = "duty", "值班"


class Person(models.Model):
    """One person as far as the work needs it: a name, a unit, a telephone number kept sealed."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ("name", "phone_sealed", "phone_digest")

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    name = models.CharField("姓名", max_length=50)
    unit = models.ForeignKey(OrgUnit, verbose_name="单位", on_delete=models.PROTECT, related_name="people")
    post = models.CharField("职务", max_length=50, blank=True, default="")
    phone_sealed = models.BinaryField("电话（密文）", default=bytes)
    phone_digest = models.CharField("电话（查找用摘要）", max_length=64, blank=True, default="", db_index=True)  # hotline: find by number

    class Meta:
        verbose_name = "人员"

    def __str__(self) -> str:
        return self.name


class Accounts(BaseUserManager["Account"]):
    """How Django finds an account by its name."""


class Account(AbstractBaseUser):
    """One log-in of one person. No counts, times or places of log-ins are kept."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ("username", "password")

    last_login = None  # design idea 6: no log-in figures of persons

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    username = models.CharField("账号", max_length=50, unique=True)
    person = models.OneToOneField(Person, verbose_name="人员", on_delete=models.PROTECT, related_name="account")
    is_active = models.BooleanField("启用", default=True)
    must_change_password = models.BooleanField("首次登录须改密码", default=False)

    objects: ClassVar[Accounts] = Accounts()
    USERNAME_FIELD = "username"

    class Meta:
        verbose_name = "账号"

    def __str__(self) -> str:
        return self.username


class Membership(models.Model):
    """One role of one person in one unit for one span of days (任职). Its scope is the subtree of the unit's division."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    person = models.ForeignKey(Person, verbose_name="人员", on_delete=models.PROTECT, related_name="memberships")
    unit = models.ForeignKey(OrgUnit, verbose_name="单位", on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField("岗位", max_length=16, choices=ROLE_NAMES)
    valid_from = models.DateField("起")
    valid_to = models.DateField("止", null=True, blank=True)

    class Meta:
        verbose_name = "任职"
        constraints = [
            models.UniqueConstraint(fields=["person", "unit", "role"], condition=models.Q(valid_to=None), name="membership_one_open"),
        ]

    def __str__(self) -> str:
        return f"{self.person} {self.get_role_display()}"


class Responsibility(models.Model):
    """One tenure: who answers for a place, or for one object there, in which chain, from when to when (责任). The chain is the unit's.

    `object_code` is the register code of an edge, a line or a site; empty: the whole place. Held as text, as objects are of a floor above.
    """

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    person = models.ForeignKey(Person, verbose_name="责任人", on_delete=models.PROTECT, related_name="responsibilities")
    unit = models.ForeignKey(OrgUnit, verbose_name="责任单位", on_delete=models.PROTECT, related_name="responsibilities")
    division = models.ForeignKey(Division, verbose_name="责任区域", on_delete=models.PROTECT, related_name="responsibilities")
    chain = models.CharField("系统", max_length=12)
    subject = models.CharField("事项", max_length=30, default="distance_education")
    kind = models.CharField("责任", max_length=16, choices=ResponsibilityKind.choices)
    object_code = models.CharField("责任对象编号", max_length=30, blank=True, default="")
    valid_from = models.DateField("起")
    valid_to = models.DateField("止", null=True, blank=True)
    document = models.CharField("依据文件", max_length=100, blank=True, default="")

    class Meta:
        verbose_name = "责任"
        constraints = [
            models.UniqueConstraint(
                fields=["chain", "division", "subject", "object_code"],
                condition=models.Q(kind="first", valid_to=None),
                name="responsibility_one_first",  # GOV01: one first responsible person per chain, place (or object) and subject
            ),
            # An edge puts a tenure to rest by ending it on the day it began: that one never was in force.
            models.CheckConstraint(
                condition=models.Q(valid_to=None) | models.Q(valid_to__gte=models.F("valid_from")), name="responsibility_dates_in_order"
            ),
        ]
        indexes = [
            models.Index(fields=["kind", "valid_to"], name="responsibility_in_force"),  # places without a responsible person
        ]

    def __str__(self) -> str:
        return f"{self.division} {self.get_kind_display()} {self.person}"


class AuditRow(models.Model):
    """One change somebody made: who, when, what, to which row. Written with the change, never edited."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ("actor_name",)

    at = models.DateTimeField("时间", db_index=True)  # the audit page reads newest first
    actor_uid = models.UUIDField("操作人", null=True)
    actor_name = models.CharField("操作人姓名", max_length=50)
    action = models.CharField("操作", max_length=60)
    subject = models.CharField("对象", max_length=120)
    detail = models.CharField("说明", max_length=400, blank=True, default="")

    class Meta:
        verbose_name = "操作日志"

    def __str__(self) -> str:
        return f"{self.at:%F %T} {self.actor_name} {self.action}"
