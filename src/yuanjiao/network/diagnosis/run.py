"""One turn of the diagnosis: absorb what is new, find the roots, write what follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.conf import settings
from django.db import transaction

from yuanjiao.network.diagnosis.absorb import absorb
from yuanjiao.network.diagnosis.verdicts import Evidence, judge_cause, settle_ended, stayed_behind
from yuanjiao.network.models import Lifecycle, Liveness, ManagedObject, ObjectKind, Outage, State
from yuanjiao.network.queries.states import stale_observers
from yuanjiao.network.rules.causes import Cause, Rule, Thing, Tree, find_causes


@transaction.atomic
def diagnose(*, at: datetime, heard: Mapping[int, float] | None = None) -> None:
    """Bring outages, roots and verdicts up to `at`. `heard`: object id → last beat in seconds, as the live array knows it."""
    ended, news = absorb(at)
    if not news and not ended and not Outage.objects.filter(ended_at=None, held=True).exists() and not _half_restored():
        return
    for outage in ended:
        settle_ended(outage, at)
    current = {outage.object_id: outage for outage in Outage.objects.filter(ended_at=None).select_related("object", "root")}
    tree = Tree(_things(current, at, heard or {}))
    found = find_causes(tree, now=at.timestamp())
    ended_roots, standing = _end_derived(current, found.causes, tree, at)
    causes = (*found.causes, *standing)
    for cause in causes:
        _write(cause, current, Evidence(tree, found.anyone_heard), at)
    for cause in causes:
        _absorb_below(current[cause.root], current, tree, {other.root for other in causes})
    for outage in ended_roots:
        settle_ended(outage, at)


def _half_restored() -> bool:
    """Whether something dark still hangs on a root that has ended: it may have a cause of its own."""
    return Outage.objects.filter(ended_at=None, root__ended_at__isnull=False).exists()


def _things(current: Mapping[int, Outage], at: datetime, heard: Mapping[int, float]) -> Iterable[Thing]:
    """Everything in service as the rules see it; a derived outage (of a line) is not evidence of itself."""
    unheard = stale_observers(at)
    states = {pk: (state, observer) for pk, state, observer in Liveness.objects.values_list("object_id", "state", "observer")}
    rows = ManagedObject.objects.filter(lifecycle=Lifecycle.IN_SERVICE).values_list("pk", "kind", "depends_on_id", "period_s", "grace_s")
    for pk, kind, parent, period, grace in rows:
        state, observer = states.get(pk, (State.UNKNOWN, None))
        believed = state != State.UNKNOWN and observer not in unheard
        outage = current.get(pk) if pk in states else None
        length = period or settings.BEAT_PERIOD_S
        yield Thing(
            pk=pk,
            kind=kind,
            parent=parent,
            dark_since=outage.started_at.timestamp() if outage else None,
            heard=believed,
            beats=pk in states,
            wait_s=length + (settings.BEAT_GRACE_S if grace is None else grace),
            period_s=length,
            heard_at=heard.get(pk, 0.0) if state == State.UP else 0.0,
        )


def _end_derived(current: dict[int, Outage], causes: Iterable[Cause], tree: Tree, at: datetime) -> tuple[list[Outage], list[Cause]]:
    """Outages of what does not beat end when fewer than half of what they explained is still dark, at the first recovery.

    Returns those, and the causes that stand although the rules would not find them anew.
    """
    found = {cause.root for cause in causes}
    beating = set(Liveness.objects.filter(object__in=list(current)).values_list("object_id", flat=True))
    ended, standing = [], []
    for pk, outage in list(current.items()):
        if pk in beating or pk in found or not found.isdisjoint(tree.path_up(pk)):
            continue
        if outage.root is not None:
            if outage.root.ended_at is not None:
                outage.ended_at = max(outage.root.ended_at, outage.started_at)
                outage.save(update_fields=["ended_at"])
                current.pop(pk)
            continue
        children = list(outage.explained.all())
        back = [child.ended_at for child in children if child.ended_at is not None]
        if 2 * len(back) > len(children) or not children:
            outage.ended_at = max(min(back, default=at), outage.started_at)
            outage.save(update_fields=["ended_at"])
            ended.append(current.pop(pk))
        elif outage.root_id is None:
            rule = Rule.SITES_SHARE_LINE if outage.object.kind == ObjectKind.LINE else Rule.ALL_SITES_OF_EDGE
            dark = tuple(child.object_id for child in children if child.ended_at is None and child.object_id in tree.things)
            standing.append(Cause(pk, rule, dark, len(tree.sites(pk))))
    return ended, standing


def _write(cause: Cause, current: dict[int, Outage], evidence: Evidence, at: datetime) -> None:
    tree = evidence.tree
    root = current.get(cause.root)
    if root is None:
        root = current[cause.root] = _derived(cause, current, at)
    if not cause.explained and _still_explained(root, tree, at):
        return
    rooted_above = root.root_id is not None
    root.root, root.held = None, cause.waiting
    root.affected_count = _affected(cause, tree)
    root.save(update_fields=["root", "held", "affected_count"])
    if rooted_above and not cause.explained:
        stayed_behind(root, at)
    elif not cause.waiting:
        judge_cause(root, cause, evidence, at)
    _explain(root, [current[pk] for pk in cause.explained if pk in current])


def _derived(cause: Cause, current: Mapping[int, Outage], at: datetime) -> Outage:
    """The outage of a line or silent edge: after every child's last beat, before the first child's next one was missed."""
    children = [current[pk] for pk in cause.explained]
    latest = max(child.started_at for child in children)
    return Outage.objects.create(
        object=ManagedObject.objects.get(pk=cause.root),
        started_at=latest,
        started_lo=max(child.started_lo for child in children),
        started_hi=max(latest, min(child.started_hi for child in children)),
        detected_at=at,
        held=cause.waiting,
    )


def _still_explained(outage: Outage, tree: Tree, at: datetime) -> bool:
    """A child of a root that stands (or has just ended) keeps it: it may simply not have beaten again yet."""
    if outage.root is None:
        return False
    if outage.root.ended_at is None:
        return True
    patience = 2 * tree.things[outage.object_id].wait_s
    return at.timestamp() < outage.root.ended_at.timestamp() + patience


def _affected(cause: Cause, tree: Tree) -> int:
    thing = tree.things[cause.root]
    if thing.kind == "edge" and thing.beats:
        return len(tree.sites(cause.root))
    return sum(tree.things[pk].kind == "site" for pk in (cause.root, *cause.explained))


def _absorb_below(root: Outage, current: dict[int, Outage], tree: Tree, roots: set[int]) -> None:
    """A line taken for the root until its edge fell silent too: what was never told is forgotten, what was told is explained."""
    beating = {pk for pk, thing in tree.things.items() if thing.beats}
    derived = [pk for pk in current if pk in tree.things and pk not in beating and pk not in roots]
    for pk in [pk for pk in derived if root.object_id in tree.path_up(pk)]:
        line = current[pk]
        if line.held:
            del current[pk]
            line.delete()
        elif line.root_id != root.pk:
            _explain(root, [line])


def _explain(root: Outage, children: Iterable[Outage]) -> None:
    for child in children:
        if child.root_id != root.pk or child.held or child.fault_class != root.fault_class:
            child.root, child.held, child.fault_class = root, False, root.fault_class
            child.save(update_fields=["root", "held", "fault_class"])
