"""Equipment wherever it stands: ageing, what is to be replaced, stores, warranties, what units hold. The rows are the register's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from django.db.models import Case, Count, F, Q, QuerySet, When
from django.db.models.functions import Coalesce, ExtractYear

from yuanjiao.assets.models import Issue, KindLife, LeastStock, Move
from yuanjiao.assets.rules import COUNTY_DEPTH, WARRANTY_DAYS, bought_before, county_path
from yuanjiao.lib.errors import NotFound
from yuanjiao.network.models import Asset, Condition
from yuanjiao.network.queries import assets as listed
from yuanjiao.people.queries import within
from yuanjiao.places.queries import divisions
from yuanjiao.places.rules import Level

PATHS = ("place__division__path", "unit__division__path", "store__division__path")
ALIVE = (Condition.IN_SERVICE, Condition.SPARE, Condition.REPAIR)


def inside(within_field: Callable[[str], Q]) -> Q:
    """Equipment whose place, unit or store lies where `within_field` says: exactly one of the three is there."""
    wanted = Q(pk__in=[])
    for path in PATHS:
        wanted |= Q(**{f"{path.split('__')[0]}__isnull": False}) & within_field(path)
    return wanted


def assets(paths: Iterable[str]) -> QuerySet[Asset]:
    """Equipment in the subtrees, by code."""
    found = list(paths)
    return listed().filter(inside(lambda field_path: within(field_path, found)))


def asset_by_uid(uid: UUID, paths: Iterable[str]) -> Asset:
    row = assets(paths).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这件设备，或不在您负责的范围内")
    return row


def where(row: Asset) -> str:
    """李村站点; 石桥镇党委（配发）; 柳溪县电信分公司备件库."""
    name = row.stands.name
    return name if row.place_id else f"{name}（配发）" if row.unit_id else f"{name}备件库"


def way_of(row: Asset) -> QuerySet[Move]:
    """What happened to it, the oldest first."""
    return Move.objects.filter(asset=row).order_by("pk")


def open_issue(row: Asset) -> Issue | None:
    return Issue.objects.filter(asset=row, returned_on=None).select_related("unit").first()


def issues(paths: Iterable[str]) -> QuerySet[Issue]:
    """What was issued to units of the subtrees: what is out first."""
    rows = Issue.objects.filter(within("unit__division__path", paths)).select_related("asset", "unit__division")
    return rows.order_by(Case(When(returned_on=None, then=0), default=1), "unit__code", "-issued_on", "pk")


def over_life(on: date) -> Q:
    """Equipment whose expected life is over on a day; what has no date of purchase is not known to be."""
    over = Q(pk__in=[])
    for life in listed().exclude(purchased_on=None).order_by().values_list("life_years", flat=True).distinct():
        over |= Q(life_years=life, purchased_on__lte=bought_before(on, life))
    return over


def _living(paths: Iterable[str]) -> QuerySet[Asset]:
    """What ages and is to be replaced: not scrapped, not at a place that is retired."""
    return assets(paths).filter(condition__in=ALIVE).exclude(place__lifecycle="retired")


def of_county(path: str) -> Q:
    """Equipment that `ageing_by_county` counts in the line of a path: all of a county; above counties what is of the division itself."""
    if len(path.strip("/").split("/")) < COUNTY_DEPTH:
        return inside(lambda field_path: Q(**{field_path: path}))
    return inside(lambda field_path: within(field_path, [path]))


def replacement_list(paths: Iterable[str], *, on: date, faulty: Collection[str] = ()) -> QuerySet[Asset]:
    """What is to be replaced: beyond its life, or among `faulty` codes, which a room above names (orders know repeated faults). The
    oldest first; what is scrapped is left out."""
    rows = _living(paths).filter(over_life(on) | Q(code__in=list(faulty)))
    return rows.order_by(F("purchased_on").asc(nulls_last=True), "code")


@dataclass
class Ageing:
    """The equipment of one county on a day: how many, how many beyond their life, how many without a date; by year of purchase."""

    name: str
    code: str
    path: str
    total: int = 0
    beyond: int = 0
    undated: int = 0
    years: Counter[int] = field(default_factory=Counter)

    @property
    def share(self) -> float | None:
        """Beyond their life, of those whose age is known."""
        known = self.total - self.undated
        return self.beyond / known if known else None


def ageing_by_county(paths: Iterable[str], *, on: date, kind: str = "") -> list[Ageing]:
    """Each county with equipment, in code order; what belongs to the city itself stands under its own name (OPS08)."""
    names = {row.path: row for row in divisions(on=on).filter(level__lte=Level.COUNTY)}
    rows = _living(paths)
    if kind:
        rows = rows.filter(kind=kind)
    counted = (
        rows.order_by()
        .annotate(path=Coalesce(*PATHS), year=ExtractYear("purchased_on"), is_over=Case(When(over_life(on), then=1), default=0))
        .values_list("path", "year", "is_over")
        .annotate(n=Count("pk"))
    )
    found: dict[str, Ageing] = {}
    for path, year, is_over, n in counted:
        county = county_path(path)
        row = names.get(county)
        line = found.setdefault(county, Ageing(row.name if row else county, row.code if row else "", county))
        line.total += n
        line.beyond += n * is_over
        line.undated += n if year is None else 0
        if year is not None:
            line.years[year] += n
    return [found[path] for path in sorted(found)]


def kinds(paths: Iterable[str]) -> list[str]:
    """Kinds of equipment in the subtrees, the most frequent first."""
    rows = assets(paths).order_by().values("kind").annotate(n=Count("pk")).order_by("-n", "kind")
    return [row["kind"] for row in rows[:100]]


@dataclass(frozen=True)
class StockLine:
    """One kind in one store: spares there, and of how many the store is to be filled up (None: nothing said)."""

    store_code: str
    store_name: str
    kind: str
    spare: int
    least: int | None

    @property
    def is_short(self) -> bool:
        return self.least is not None and self.spare < self.least


def stock(paths: Iterable[str]) -> list[StockLine]:
    """Every store and kind with spares or a least stock: those that are short first."""
    found = list(paths)
    spare = listed().filter(within("store__division__path", found), condition=Condition.SPARE).order_by()
    counts = {
        (code, name, kind): n for code, name, kind, n in spare.values_list("store__code", "store__name", "kind").annotate(n=Count("pk"))
    }
    least = LeastStock.objects.filter(within("store__division__path", found)).select_related("store")
    wanted = {(row.store.code, row.store.name, row.kind): row.least for row in least}
    keys = sorted(counts.keys() | wanted.keys())
    lines = [StockLine(code, name, kind, counts.get((code, name, kind), 0), wanted.get((code, name, kind))) for code, name, kind in keys]
    return sorted(lines, key=lambda line: not line.is_short)


def warranties_ending(paths: Iterable[str], *, on: date, days: int = WARRANTY_DAYS) -> QuerySet[Asset]:
    """Equipment in use whose warranty ends from a day on within so many days, the next first."""
    rows = assets(paths).filter(condition__in=ALIVE, warranty_ends_on__gte=on, warranty_ends_on__lte=on + timedelta(days=days))
    return rows.order_by("warranty_ends_on", "code")


@dataclass(frozen=True)
class BookLine:
    """One line of the register on paper (设备登记簿): equal pieces bought on one day, with their number."""

    kind: str
    model: str
    specification: str
    count: int
    purchased_on: date | None
    handled_by: str


def book_lines(paths: Iterable[str], *, under: str = "") -> list[BookLine]:
    """The register on paper of a subtree, by day of purchase; what is scrapped is out of the book."""
    rows = assets([under] if under else paths).filter(condition__in=ALIVE).order_by()
    keys = ("kind", "model", "specification", "purchased_on", "handled_by")
    counted = rows.values(*keys).annotate(count=Count("pk")).order_by(F("purchased_on").asc(nulls_last=True), "kind", "model")
    return [BookLine(**row) for row in counted]


def kind_lives() -> dict[str, int]:
    """Kind → years it is expected to last."""
    return dict(KindLife.objects.order_by("kind").values_list("kind", "years"))
