"""Policy texts with what explains them and how late it came; explanations with the text they are about (DLV14)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from yuanjiao.courseware.models import Courseware, FormerVersion, PolicyLink, PolicyRole, PolicyText
from yuanjiao.courseware.queries.columns import in_force
from yuanjiao.courseware.queries.work import items_seen_by
from yuanjiao.courseware.rules.explaining import Delay, delay
from yuanjiao.courseware.rules.life import State
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import NotFound
from yuanjiao.people.rules import Actor


@dataclass(frozen=True)
class Explaining:
    """One released item that explains a text (`role` is its name in Chinese), the day it came out, the days after the text."""

    uid: UUID
    title: str
    role: str
    out_on: date
    days_late: int


@dataclass(frozen=True)
class Policy:
    """One policy text. `plain` and `asked` are how late its explanation and its questions came, or how long they have been waited for."""

    uid: UUID
    title: str
    document: str
    issued_on: date
    state: str
    explained: tuple[Explaining, ...]
    plain: Delay
    asked: Delay


@dataclass(frozen=True)
class Explained:
    """The released text that an item is about; `role` says what the item is to it."""

    uid: UUID
    title: str
    document: str
    issued_on: date
    role: str


def policy_of(uid: UUID, *, on: date) -> Policy | None:
    """The item as a policy text with what explains it on that day; None when it is no policy text."""
    row = PolicyText.objects.filter(courseware__uid=uid).select_related("courseware").first()
    return _policies([row], on)[0] if row else None


def policies_seen_by(by: Actor, *, on: date) -> list[Policy]:
    """Released policy texts a person meets at work, the latest issued first."""
    items = items_seen_by(by).filter(state=State.RELEASED).values("pk")
    rows = PolicyText.objects.filter(courseware__in=items).select_related("courseware").order_by("-issued_on", "-pk")
    return _policies(list(rows), on)


def policy_choices() -> list[tuple[UUID, str]]:
    """Texts an item may be linked with, released or on their way: uid and name, the latest issued first."""
    gone = [State.WITHDRAWN, State.REVISED, State.EXPIRED]
    rows = PolicyText.objects.exclude(courseware__state__in=gone).select_related("courseware").order_by("-issued_on", "-pk")
    return [(row.courseware.uid, f"{row.courseware.title}（{row.document}）") for row in rows]


def explained_by(uid: UUID, *, on: date) -> list[Explained]:
    """Released texts that this item explains or answers for, also when the text has a newer version."""
    links = list(PolicyLink.objects.filter(courseware__uid=uid).order_by("pk"))
    now = _newest(link.policy_uid for link in links)
    shown = Courseware.objects.filter(in_force(on), uid__in=now.values(), state=State.RELEASED, policy__isnull=False)
    texts = {row.uid: row for row in shown.select_related("policy")}
    return [
        Explained(text.uid, text.title, text.policy.document, text.policy.issued_on, link.get_role_display())
        for link in links
        if (text := texts.get(now[link.policy_uid]))
    ]


def policy_links(item: Courseware) -> list[tuple[PolicyLink, str]]:
    """What an item was linked with, with the titles of the texts, whatever state they are in."""
    links = list(item.explains.order_by("pk"))
    titles = dict(Courseware.objects.filter(uid__in=[link.policy_uid for link in links]).values_list("uid", "title"))
    return [(link, titles.get(link.policy_uid, "（已不在库中）")) for link in links]


def policy_link_for(item: Courseware, uid: UUID) -> PolicyLink:
    row = item.explains.filter(uid=uid).select_related("courseware__unit__division", "courseware__author").first()
    if row is None:
        raise NotFound("没有这条关联")
    return row


def policy_text(uid: UUID) -> Courseware:
    """A policy text by uid, whatever its state; NotFound when it is none."""
    row = Courseware.objects.filter(uid=uid, policy__isnull=False).first()
    if row is None:
        raise NotFound("没有这份政策文件")
    return row


def _newest(uids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Each uid with that of the version which stands in its place today: often itself."""
    wanted = list(uids)
    moved = dict(FormerVersion.objects.filter(uid__in=wanted).values_list("uid", "courseware__uid"))
    return {uid: moved.get(uid, uid) for uid in wanted}


def _policies(rows: Sequence[PolicyText], on: date) -> list[Policy]:
    """Three queries, however many texts."""
    texts = [row.courseware for row in rows]
    former: dict[UUID, UUID] = {text.uid: text.uid for text in texts}
    former |= dict(FormerVersion.objects.filter(courseware__in=[text.pk for text in texts]).values_list("uid", "courseware__uid"))
    links = PolicyLink.objects.filter(in_force(on, "courseware__"), policy_uid__in=former, courseware__state=State.RELEASED)
    by_text: dict[UUID, dict[tuple[int, str], tuple[Courseware, str]]] = defaultdict(dict)
    for link in links.select_related("courseware").order_by("courseware__released_at", "pk"):
        by_text[former[link.policy_uid]].setdefault((link.courseware.pk, link.role), (link.courseware, link.role))
    return [_policy(row, list(by_text[row.courseware.uid].values()), on) for row in rows]


def _policy(row: PolicyText, explaining: Sequence[tuple[Courseware, str]], on: date) -> Policy:
    days = {role: [local_day(item.released_at) for item, one in explaining if one == role and item.released_at] for role in PolicyRole}
    text, names = row.courseware, dict(PolicyRole.choices)
    return Policy(
        uid=text.uid,
        title=text.title,
        document=row.document,
        issued_on=row.issued_on,
        state=text.state,
        explained=tuple(
            Explaining(item.uid, item.title, str(names[PolicyRole(role)]), day, max((day - row.issued_on).days, 0))
            for item, role in explaining
            if item.released_at
            for day in [local_day(item.released_at)]
        ),
        plain=delay(row.issued_on, days[PolicyRole.EXPLANATION], on),
        asked=delay(row.issued_on, days[PolicyRole.QUESTIONS], on),
    )
