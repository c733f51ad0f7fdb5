"""What the register lists: edges, lines, sites (the dependency tree) and the assets that stand in them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from yuanjiao.lib.travels import Travels
from yuanjiao.lib.uid import new_uid
from yuanjiao.places.models import Division, OrgUnit


class ObjectKind(models.TextChoices):
    EDGE = "edge", "边缘服务器"
    LINE = "line", "线路"
    SITE = "site", "终端站点"


class Lifecycle(models.TextChoices):
    PLANNED = "planned", "规划"
    BUILT = "built", "已建"
    ACCEPTED = "accepted", "已验收"
    IN_SERVICE = "in_service", "在用"
    SUSPENDED = "suspended", "停用"
    RETIRED = "retired", "退役"


class SiteKind(models.TextChoices):
    VILLAGE = "village", "行政村"
    TOWNSHIP = "township", "乡镇"
    ENTERPRISE = "enterprise", "企业"
    COMMUNITY = "community", "社区"
    MOBILE = "mobile", "流动党员集中地"


class AccessMode(models.TextChoices):
    BROADBAND_STB = "broadband_stb", "宽带+机顶盒+电视"
    SATELLITE = "satellite", "卫星"
    CABLE = "cable", "有线电视"
    PC = "pc", "电脑"
    MOBILE = "mobile", "手机"


class ManagedObject(models.Model):
    """One thing that can be dark (受管对象). `depends_on` is the one thing above it: site → line → edge → uplink → centre."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    kind = models.CharField("类别", max_length=5, choices=ObjectKind.choices)
    code = models.CharField("编号", max_length=30, unique=True)
    name = models.CharField("名称", max_length=100)
    division = models.ForeignKey(Division, verbose_name="所在区划", on_delete=models.PROTECT, related_name="managed_objects")
    depends_on = models.ForeignKey(
        "self", verbose_name="上联对象", null=True, blank=True, on_delete=models.PROTECT, related_name="dependants"
    )
    lifecycle = models.CharField("状态", max_length=10, choices=Lifecycle.choices, default=Lifecycle.IN_SERVICE)
    lifecycle_on = models.DateField("状态日期")
    suspension_document = models.CharField("停用依据", max_length=100, blank=True, default="")
    period_s = models.PositiveIntegerField("心跳周期（秒）", null=True, blank=True)
    grace_s = models.PositiveIntegerField("宽限（秒）", null=True, blank=True)
    in_service_on = models.DateField("投用日期")

    class Meta:
        verbose_name = "受管对象"
        indexes = [models.Index(fields=["kind", "lifecycle"], name="object_population")]  # who is in a rate
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(lifecycle=Lifecycle.SUSPENDED) | ~models.Q(suspension_document=""), name="object_suspended_by_decision"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Edge(ManagedObject):
    """One edge server: a county's or town's machine that serves courseware and hears its sites.

    Its machine is the flow Node whose `subject_code` is this row's code.
    """

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    address = models.CharField("地址", max_length=200, blank=True, default="")

    class Meta:
        verbose_name = "边缘服务器"


class Line(ManagedObject):
    """One transmission line: an edge's uplink, or an access line that a group of sites shares."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ()

    is_uplink = models.BooleanField("上联线路", default=False)
    medium = models.CharField("介质", max_length=20, blank=True, default="光纤")
    bandwidth_mbps = models.PositiveIntegerField("带宽（Mbps）", null=True, blank=True)
    circuit_number = models.CharField("电路编号", max_length=40, blank=True, default="")

    class Meta:
        verbose_name = "线路"


class Site(ManagedObject):
    """One terminal site (终端站点): a television and a box, a PC or a phone corner in a village."""

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ("phone_sealed", "phone_digest")

    site_kind = models.CharField("站点类型", max_length=10, choices=SiteKind.choices, default=SiteKind.VILLAGE)
    access_mode = models.CharField("接入方式", max_length=14, choices=AccessMode.choices, default=AccessMode.BROADBAND_STB)
    programmes = models.CharField("所属项目", max_length=100, blank=True, default="")
    capabilities = models.CharField("服务能力", max_length=100, blank=True, default="")
    road = models.CharField("所在道路", max_length=60, blank=True, default="")
    pinyin = models.CharField("拼音首字母", max_length=60, blank=True, default="", db_index=True)  # hotline: find by initials
    phone_sealed = models.BinaryField("电话（密文）", default=bytes)
    phone_digest = models.CharField("电话（查找用摘要）", max_length=64, blank=True, default="", db_index=True)  # hotline: find by number
    beat_key = models.CharField("心跳密钥", max_length=64, blank=True, default="")

    class Meta:
        verbose_name = "终端站点"


class Condition(models.TextChoices):
    IN_SERVICE = "in_service", "在用"
    SPARE = "spare", "备用"
    REPAIR = "repair", "维修中"
    SCRAPPED = "scrapped", "报废"


ONE_STANDING = (
    models.Q(place__isnull=False, unit=None, store=None)
    | models.Q(place=None, unit__isnull=False, store=None)
    | models.Q(place=None, unit=None, store__isnull=False)
)


class Asset(models.Model):
    """One piece of equipment, in exactly one place (设备): at an object of the network, issued to a unit, or in the store of a unit.

    It goes down while it stands at an object, without its price and papers: a machine below needs to know what stands there. The room
    `assets` moves it, issues it and keeps its history.
    """

    travels: ClassVar[Travels] = Travels.DOWN
    personal: ClassVar[tuple[str, ...]] = ("handled_by",)

    uid = models.UUIDField(unique=True, default=new_uid, editable=False)
    code = models.CharField("资产编号", max_length=30, unique=True)
    kind = models.CharField("设备名称", max_length=40)
    model = models.CharField("型号", max_length=60, blank=True, default="")
    specification = models.CharField("规格", max_length=100, blank=True, default="")
    serial_number = models.CharField("序列号", max_length=60, blank=True, default="")
    place = models.ForeignKey(ManagedObject, verbose_name="所在", on_delete=models.PROTECT, null=True, blank=True, related_name="assets")
    unit = models.ForeignKey(
        OrgUnit, verbose_name="使用单位", on_delete=models.PROTECT, null=True, blank=True, related_name="issued_assets"
    )
    store = models.ForeignKey(
        OrgUnit, verbose_name="备件库单位", on_delete=models.PROTECT, null=True, blank=True, related_name="stored_assets"
    )
    condition = models.CharField("使用状态", max_length=10, choices=Condition.choices, default=Condition.IN_SERVICE)
    purchased_on = models.DateField("购置日期", null=True, blank=True)
    life_years = models.PositiveSmallIntegerField("使用年限", default=6)
    price_fen = models.BigIntegerField("单价（分）", null=True, blank=True)
    warranty_ends_on = models.DateField("质保到期", null=True, blank=True)
    paid_from = models.CharField("资金凭证号", max_length=40, blank=True, default="")  # the ledger's entry, as WH2026-12
    handled_by = models.CharField("经办人", max_length=50, blank=True, default="")

    class Meta:
        verbose_name = "设备"
        constraints = [
            models.CheckConstraint(condition=ONE_STANDING, name="asset_in_exactly_one_place"),
            models.CheckConstraint(
                condition=~models.Q(condition=Condition.SPARE) | models.Q(store__isnull=False), name="asset_spare_in_a_store"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.code}"

    @property
    def stands(self) -> ManagedObject | OrgUnit:
        """Where it is: an object, a unit, or the unit that keeps the store."""
        found = self.place or self.unit or self.store
        assert found is not None  # asset_in_exactly_one_place
        return found

    @property
    def division(self) -> Division:
        return self.stands.division


class RegisterVersion(models.Model):
    """How often the register of this machine has changed: one row. What keeps the register in memory reads it again when this has moved."""

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    number = models.PositiveBigIntegerField("版本", default=0)

    class Meta:
        verbose_name = "台账版本"

    def __str__(self) -> str:
        return str(self.number)


class RegisterEdit(models.Model):
    """One object that version `number` of the register changed; 0: none. A version without rows may have changed anything.

    What keeps the register in memory reads only these objects again. Only the newest versions have rows.
    """

    travels: ClassVar[Travels] = Travels.LOCAL
    personal: ClassVar[tuple[str, ...]] = ()

    number = models.PositiveBigIntegerField("版本", db_index=True)  # what changed since a version
    object_key = models.BigIntegerField("对象")

    class Meta:
        verbose_name = "台账变更"

    def __str__(self) -> str:
        return f"{self.number}: {self.object_key}"


def version_number() -> int:
    """The version of the register."""
    return RegisterVersion.objects.filter(pk=1).values_list("number", flat=True).first() or 0


def edits_between(known: int, version: int) -> list[int] | None:
    """Keys of the objects that the versions after `known` up to `version` changed, in order; None when that is not on record."""
    if not 0 < known <= version or version - known > KEPT_VERSIONS:
        return None
    rows = list(RegisterEdit.objects.filter(number__gt=known, number__lte=version).values_list("number", "object_key"))
    if len({number for number, _ in rows}) != version - known:
        return None
    return sorted({key for _, key in rows if key})


KEPT_VERSIONS = 100
"""So many versions keep the list of what they changed."""
