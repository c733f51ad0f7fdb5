"""Reads of outages: roots with what they explain, and the verdict that stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from uuid import UUID

from django.db.models import Count, F, OuterRef, Prefetch, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from yuanjiao.lib.errors import NotFound
from yuanjiao.network.models import FaultClass, Hold, Instability, Lifecycle, ManagedObject, ObjectKind, Outage, OutageVerdict, Sign, Site
from yuanjiao.people.queries import within

STEPS = 10


@dataclass(frozen=True)
class OutageView:
    """One outage with the verdict that stands now. `outage_id` is for foreign keys of rooms above."""

    outage_id: int
    uid: UUID
    object_id: int
    object_kind: str
    code: str
    name: str
    division_id: int
    division_name: str
    path: str
    started_at: datetime
    started_lo: datetime
    started_hi: datetime
    detected_at: datetime
    ended_at: datetime | None
    root_uid: UUID | None
    fault_class: str
    class_name: str
    affected_count: int
    rule: str
    evidence: str
    confidence: float
    settled: bool
    held_for: str = ""
    held_name: str = ""
    sign: str = "silence"


@dataclass(frozen=True)
class InstabilityView:
    """One object that comes and goes (时断时续): single drops are one matter. `outage` is the one told for it, None when none was."""

    uid: UUID
    code: str
    name: str
    path: str
    division_name: str
    started_at: datetime
    ended_at: datetime | None
    drops: int
    outage: OutageView | None


def _rows() -> QuerySet[Outage]:
    newest = Prefetch("verdicts", OutageVerdict.objects.order_by("at", "id"))
    return Outage.objects.select_related("object__division", "root").prefetch_related(newest)


def _view(row: Outage) -> OutageView:
    verdicts = list(row.verdicts.all())
    last = verdicts[-1] if verdicts else None
    return OutageView(
        outage_id=row.pk,
        uid=row.uid,
        object_id=row.object_id,
        object_kind=row.object.kind,
        code=row.object.code,
        name=row.object.name,
        division_id=row.object.division_id,
        division_name=row.object.division.name,
        path=row.object.division.path,
        started_at=row.started_at,
        started_lo=row.started_lo,
        started_hi=row.started_hi,
        detected_at=row.detected_at,
        ended_at=row.ended_at,
        root_uid=row.root.uid if row.root else None,
        fault_class=row.fault_class,
        class_name=FaultClass(row.fault_class).label if row.fault_class else "",
        affected_count=row.affected_count,
        rule=last.rule if last else "",
        evidence=last.evidence if last else "",
        confidence=last.confidence if last else 0.0,
        settled=last.settled if last else False,
        held_for=row.held_for,
        held_name=row.get_held_for_display(),
        sign=row.sign,
    )


def open_outages(paths: Iterable[str]) -> list[OutageView]:
    """Open root outages whose object lies under any of the paths, oldest first. Those still waiting for evidence of the
    object above are left out: they may turn out to be explained by it."""
    rows = _rows().filter(within("object__division__path", paths), ended_at=None, root=None, held=False)
    return [_view(row) for row in rows.order_by("started_at", "id")]


def told_roots() -> QuerySet[Outage]:
    """The rows of what `open_outages` tells of the whole tree: for rooms that must find among many the few that wait for them."""
    return Outage.objects.filter(ended_at=None, root=None, held=False)


def told_instabilities() -> QuerySet[Instability]:
    """What comes and goes now and was told: `told` is the key of the outage that was told for it."""
    told = Outage.objects.filter(object=OuterRef("object"), root=None, held=False, started_at__lte=OuterRef("started_at"))
    newest = Subquery(told.order_by("-started_at", "-id").values("pk")[:1])
    return Instability.objects.filter(ended_at=None).annotate(told=newest).filter(told__isnull=False)


def outage_views(keys: Sequence[int]) -> list[OutageView]:
    """The outages with these keys (at most some hundred), oldest first."""
    return [_view(row) for row in _rows().filter(pk__in=keys).order_by("started_at", "id")]


@dataclass(frozen=True)
class OpenRoots:
    """The open roots of a place: the widest first as far as asked for, and the sums of all of them."""

    widest: list[OutageView]
    count: int
    affected: int


def open_roots(paths: Iterable[str], *, limit: int, code: str = "") -> OpenRoots:
    """What `open_outages` tells, for a board: at most `limit` roots, those that darken most sites first, then the oldest. With `code`
    those of one object."""
    rows = Outage.objects.filter(within("object__division__path", paths), ended_at=None, root=None, held=False)
    rows = rows.filter(object__code=code) if code else rows
    sums = rows.aggregate(count=Count("pk"), affected=Coalesce(Sum("affected_count"), 0))
    ids = list(rows.order_by("-affected_count", "started_at", "id").values_list("pk", flat=True)[:limit])
    widest = _rows().filter(pk__in=ids).order_by("-affected_count", "started_at", "id")
    return OpenRoots([_view(row) for row in widest], sums["count"], sums["affected"])


def root_rows(paths: Iterable[str]) -> QuerySet[Outage]:
    """Root outages under the paths, open ones first, then the newest; `evidence` is the sentence that stands. For lists.

    Those of announced work and of what comes and goes are among them, with `held_for`; what waits for evidence is not.
    """
    last = OutageVerdict.objects.filter(outage=OuterRef("pk")).order_by("-at", "-id")
    rows = Outage.objects.filter(within("object__division__path", paths), root=None).exclude(held_for=Hold.EVIDENCE)
    told = rows.select_related("object__division").annotate(evidence=Subquery(last.values("evidence")[:1]))
    return told.order_by(F("ended_at").desc(nulls_first=True), "-started_at", "-id")


def verdicts(uid: UUID) -> list[OutageVerdict]:
    """Every verdict on an outage, oldest first."""
    return list(OutageVerdict.objects.filter(outage__uid=uid).order_by("at", "id"))


def outage(uid: UUID) -> OutageView:
    """One outage by its uid; NotFound otherwise."""
    row = _rows().filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这次中断的记录")
    return _view(row)


def outages_of(subject: ManagedObject) -> list[OutageView]:
    """Every outage of one object, newest first."""
    return [_view(row) for row in _rows().filter(object=subject).order_by("-started_at", "-id")]


def open_outage_of(subject: ManagedObject) -> OutageView | None:
    """The root outage that explains why the object is dark now: its own, or one above it, told or not; None when there is none."""
    row = _rows().filter(object=subject, ended_at=None).first()
    if row is not None:
        return _view(_rows().get(pk=row.root_id)) if row.root_id else _view(row)
    above = {pk: step for step, pk in enumerate(_way_up(subject))}
    rows = list(_rows().filter(object__in=above, ended_at=None, sign=Sign.SILENCE).select_related("object__division", "root"))
    nearest = min(rows, key=lambda row: above[row.object_id], default=None)
    return None if nearest is None or nearest.held else open_outage_of(nearest.object)


def open_roots_of(objects: Sequence[int]) -> dict[int, OutageView]:
    """Key of an object that is dark by an outage of its own → the root that explains it; few objects at a time."""
    rows = Outage.objects.filter(object__in=objects, ended_at=None, sign=Sign.SILENCE).values_list("object_id", "pk", "root_id")
    roots = {subject: root or pk for subject, pk, root in rows}
    found = {view.outage_id: view for view in outage_views(sorted(set(roots.values())))}
    return {subject: found[root] for subject, root in roots.items() if root in found}


def _way_up(subject: ManagedObject) -> list[int]:
    """Edges that speak for what hangs on them: behind one that is silent nothing has an outage of its own. Nearest first."""
    found: list[int] = []
    above = subject.depends_on
    for _ in range(STEPS):
        if above is None:
            break
        if above.kind == ObjectKind.EDGE:
            found.append(above.pk)
        above = above.depends_on
    return found


def affected_sites(uid: UUID) -> QuerySet[Site]:
    """The sites one root explains, in code order: those dark with it, and all behind an edge that nobody hears."""
    row = Outage.objects.filter(uid=uid).select_related("object").first()
    if row is None:
        raise NotFound("没有这次中断的记录")
    wanted = Q(outages__root=row) | Q(outages=row)
    edges = list(row.explained.filter(object__kind=ObjectKind.EDGE, explained=None).values_list("object_id", flat=True))
    if row.object.kind == ObjectKind.EDGE and not row.explained.exists():
        edges.append(row.object_id)
    for edge in edges:
        wanted |= _below(edge)
    return Site.objects.filter(wanted).select_related("division").distinct().order_by("code")


def _below(pk: int) -> Q:
    """In service and hanging on the object, at most four steps down."""
    steps = [Q(**{"__".join(["depends_on"] * depth): pk}) for depth in range(1, 5)]
    return Q(lifecycle=Lifecycle.IN_SERVICE) & reduce(or_, steps)


def unstable_objects(paths: Iterable[str]) -> list[InstabilityView]:
    """What comes and goes now under the paths, the longest first."""
    rows = Instability.objects.filter(within("object__division__path", paths), ended_at=None)
    return [_unstable(row) for row in rows.select_related("object__division").order_by("started_at", "pk")]


def instabilities_of(subject: ManagedObject) -> list[InstabilityView]:
    """Every span in which one object came and went, newest first."""
    rows = Instability.objects.filter(object=subject).select_related("object__division").order_by("-started_at")
    return [_unstable(row) for row in rows]


def _unstable(row: Instability) -> InstabilityView:
    told = (
        _rows().filter(object=row.object_id, root=None, held=False, started_at__lte=row.started_at).order_by("-started_at", "-id").first()
    )
    return InstabilityView(
        uid=row.uid,
        code=row.object.code,
        name=row.object.name,
        path=row.object.division.path,
        division_name=row.object.division.name,
        started_at=row.started_at,
        ended_at=row.ended_at,
        drops=row.drops,
        outage=_view(told) if told else None,
    )


def detected_outages(path: str, start: datetime, end: datetime, *, roots_only: bool = True) -> list[OutageView]:
    """Outages that began in [start, end) under the path, oldest first; by default one per root, not one per dark site."""
    rows = _rows().filter(within("object__division__path", [path]), started_at__gte=start, started_at__lt=end)
    if roots_only:
        rows = rows.filter(root=None)
    return [_view(row) for row in rows.order_by("started_at", "id")]
