"""Entries that could not be built into rows here (未能入库的记录), and those our parent refuses: whose they are, why, what to do.

A node belongs to the place of the machine it is, else to the subtree it was enrolled for. One that speaks for no place (this machine
itself at the top) belongs to whoever sees all cities this machine knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from posixpath import commonpath
from urllib.parse import urlencode
from uuid import UUID

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils.translation import gettext_lazy as _

from yuanjiao.flow.journal.applying import retry_set_aside
from yuanjiao.flow.journal.models import Unapplied
from yuanjiao.flow.journal.queries import refused_heads, set_aside_of, troubled_nodes
from yuanjiao.flow.journal.segment import Reason
from yuanjiao.flow.nodes.models import Node
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, NotFound
from yuanjiao.network.queries import divisions_of
from yuanjiao.people.commands import write_audit
from yuanjiao.people.queries import Responsible, responsible_for
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division
from yuanjiao.places.queries import division_by_code, divisions, full_name
from yuanjiao.places.rules import Level

AT_ONCE = 200
"""Entries tried again by one press of the button, in one transaction: others who write wait for it."""
CAUSES_SHOWN = 8
KINDS = {
    "flow.node_enrolled": _("节点登记"),
    "flow.node_revoked": _("节点吊销"),
    "flow.node_moved": _("节点移交"),
    "flow.branch_retold": _("以新身份重报"),
    "flow.software_installed": _("软件变动"),
    "courseware.misses_counted": _("没有找到的词"),
    "faults.reported": _("故障申报"),
    "supervision.census_confirmed": _("底数确认"),
    "network.state_changed": _("通断变化"),
    "network.deaf": _("监听中断"),
    "network.play_tested": _("播放测试"),
    "network.edge_checked": _("边缘自检"),
    "programmes.notice_arrived": _("通知到达"),
    "programmes.notice_confirmed": _("通知确认"),
    "programmes.catalogue_accepted": _("目录文件到齐"),
    "programmes.catalogue_followed": _("目录启用"),
    "programmes.plays_counted": _("播放次数"),
    "learning.session_held": _("学习场次"),
    "learning.session_corrected": _("学习场次更正"),
}
"""What a kind of event is called, whatever its version; a test asks for every kind that is wired."""
MISSING, UNREADABLE, OUTSIDE, OTHER = (
    _("先在台账里登记它所缺的对象或单位，再重新入库。"),
    _("本机读不了这种格式，多半是两边软件版本不同：升级本机后再重新入库。"),
    _("核对这台机器登记时的范围：范围不对的，按正确的范围重新发登记码；范围没错的，查明它为什么替别处说话。"),
    _("把上面的原因报给系统维护人员；改正以后再重新入库。"),
)
REFUSALS = {
    Reason.FORKED: (
        _("同一序号有两种说法"),
        _("多半是恢复过旧备份，或被复制过。请上级再发一个登记码；停下那台机器的服务，在它上面运行 yuanjiao journal fork --renew 登记码。"),
    ),
    Reason.REVOKED: (_("已被上级吊销"), _("吊销以后的记录不再被相信。机器仍在用的，由上级重新发登记码。")),
    Reason.FORGED: (_("签名不符"), _("可能有人改动或冒充。保留现场，核对这台机器的密钥；确有改动的，请上级吊销后重新登记。")),
    Reason.BROKEN_CHAIN: (_("前后记录接不上"), _("这台机器的日志损坏。在它上面运行 yuanjiao journal verify，按结果处理。")),
    Reason.UNKNOWN_ORIGIN: (_("上级还不认识这个节点"), _("本机的登记消息先送到上级就会好；过了一天仍在，请上级核对登记。")),
    Reason.UNKNOWN_KIND: (_("上级的软件较旧"), _("请先升级上级节点，升级后自动补送。")),
    Reason.GAP: (_("缺少之前的记录"), _("系统会自动补送；过了一天仍在，请联系系统维护人员。")),
    Reason.CUT: (_("日志段读不完整"), _("检查线路和本机磁盘；系统会自动重送。")),
    Reason.TOO_LARGE: (_("日志段过大"), _("请联系系统维护人员。")),
}
NOT_BELIEVED = (_("上级不认本机的签名"), _("核对本机的密钥与时钟；仍不认的，请上级重新发登记码。"))


@dataclass(frozen=True)
class Owner:
    """A node, where it stands and who answers there. `place` is None for one that speaks for no place."""

    node: Node
    path: str
    place: Division | None
    place_name: str

    def responsible(self, on: date) -> list[Responsible]:
        """Those of the nearest place that has any, each person once."""
        found = responsible_for(self.place, on=on) if self.place else []
        nearest = [one for one in found if one.level == found[0].level]
        return list({one.person.pk: one for one in nearest}.values())


@dataclass(frozen=True)
class RefusedAbove:
    """What our parent refuses of one origin: since entry `first`, `waiting` of them; why, and what helps."""

    owner: Owner
    first: int
    waiting: int
    name: str
    words: str
    advice: str
    at: datetime | None


def owners_seen(actor: Actor, on: date, nodes: Iterable[Node] | None = None) -> dict[UUID, Owner]:
    """Those of these nodes (the troubled ones unless given) that lie in the reader's subtree."""
    nodes = troubled_nodes() if nodes is None else list(nodes)
    standing = divisions_of(node.subject_code for node in nodes if node.subject_code)
    ground = own_ground(on)
    owners = [_owner(node, standing.get(node.subject_code), ground, on) for node in nodes]
    return {owner.node.uid: owner for owner in owners if actor.covers(Permission.SEE_FLOW, owner.path)}


def _owner(node: Node, place: Division | None, ground: str, on: date) -> Owner:
    place = place or _division_of(node.scope, on)
    return Owner(node, place.path if place else node.scope or ground, place, full_name(place) or place.name if place else "")


def _division_of(scope: str, on: date) -> Division | None:
    codes = [code for code in scope.split("/") if code]
    try:
        return division_by_code(codes[-1], on=on) if codes else None
    except NotFound:
        return None


def own_ground(on: date) -> str:
    """The path of the smallest place that holds every city this machine knows, or every county where it knows no city."""
    for level in (Level.CITY, Level.COUNTY, Level.TOWN, Level.VILLAGE):
        paths = list(divisions(on=on, level=level).values_list("path", flat=True))
        if paths:
            return f"{commonpath(paths).rstrip('/')}/"
    return "/"


def refusals_seen(owners: dict[UUID, Owner]) -> list[RefusedAbove]:
    """Where our parent's refusal stands at the head of one of these nodes."""
    found = []
    for head in refused_heads():
        if head.node in owners:
            name, advice, words = told_by_parent(head.refusal)
            first = head.acknowledged_seq + 1
            found.append(RefusedAbove(owners[head.node], first, head.seq - head.acknowledged_seq, name, words, advice, head.refused_at))
    return found


def told_by_parent(refusal: str) -> tuple[str, str, str]:
    """Name, advice and the parent's own words of a refusal as the shipper wrote it down."""
    reason, _colon, words = refusal.partition(": ")
    if reason in set(Reason):
        name, advice = REFUSALS.get(Reason(reason), (reason, OTHER))
        return str(name), str(advice), words
    return str(NOT_BELIEVED[0]), str(NOT_BELIEVED[1]), refusal


def waiting_seen(actor: Actor, on: date) -> tuple[QuerySet[Unapplied], dict[UUID, Owner]]:
    """What waits in the reader's subtree, in the order it came, and whose it is."""
    owners = owners_seen(actor, on)
    return set_aside_of(owners), owners


def entry_seen(actor: Actor, node: UUID, seq: int, on: date) -> tuple[Unapplied, Owner]:
    """One that waits; NotFound outside the subtree, and once it is built."""
    rows, owners = waiting_seen(actor, on)
    row = rows.filter(entry__origin__uid=node, entry__seq=seq).first()
    if row is None:
        raise NotFound("没有找到：可能已经入库，或不在您负责的范围内")
    return row, owners[node]


@dataclass(frozen=True)
class Cause:
    """One reason as the machine wrote it, and for how many entries."""

    reason: str
    count: int

    @property
    def query(self) -> str:
        return urlencode({"reason": self.reason})

    @property
    def words(self) -> str:
        return reason_words(self.reason)

    @property
    def advice(self) -> str:
        return advice_on(self.reason)


def frequent_causes(rows: QuerySet[Unapplied]) -> list[Cause]:
    """What most of these entries wait for."""
    counted = rows.order_by().values_list("reason").annotate(n=Count("pk")).order_by("-n", "reason")
    return [Cause(reason, n) for reason, n in counted[:CAUSES_SHOWN]]


def short(words: str, most: int = 30) -> str:
    return words if len(words) <= most else f"{words[: most - 1]}…"


def kind_name(kind: str) -> str:
    """What people call an event's kind; the kind itself when this programme has no word for it."""
    return str(KINDS.get(kind.partition("/")[0], kind))


OWN_ERROR = re.compile(r"(Refused|NotFound|Forbidden|Conflict|Tampered): ")
PATH = re.compile(r"(?:/[0-9]{12})*/([0-9]{12})/")


def reason_words(reason: str) -> str:
    """The reason for people: our own refusals are Chinese already, of others it is told what sort of fault it is."""
    if OWN_ERROR.match(reason):
        return PATH.sub(r"\1", OWN_ERROR.sub("", reason, count=1))  # of a place's path its own code says enough
    name, _colon, words = reason.partition(": ")
    sort = {"ValidationError": _("内容与格式不符"), "DecodeError": _("内容无法读取"), "IntegrityError": _("与已有的记录冲突")}
    return f"{sort.get(name, _('程序出错'))}（{words or name}）"


def advice_on(reason: str) -> str:
    """What may help before it is tried again."""
    if "范围以外" in reason:
        return str(OUTSIDE)
    if reason.startswith(("NotFound", "DoesNotExist")) or "DoesNotExist" in reason.partition(":")[0]:
        return str(MISSING)
    return str(UNREADABLE if reason.startswith(("ValidationError", "DecodeError", "KeyError")) else OTHER)


@dataclass(frozen=True)
class Tried:
    """What one press of the button did."""

    tried: int
    built: int
    left: int


def retry_waiting(*, rows: QuerySet[Unapplied], what: str, by: Actor, at: datetime) -> Tried:
    """Try the longest untried of these again, at most `AT_ONCE`, with one audit row. Conflict when nothing waits any more."""
    by.require(Permission.ENROL_NODES)
    _require_own(rows, by, local_day(at))
    with transaction.atomic():
        keys = list(rows.order_by("tried_at", "entry_id").values_list("pk", flat=True)[:AT_ONCE])
        if not keys:
            raise Conflict("这些记录已经入库")
        built = retry_set_aside(at, only=keys)
        write_audit(by=by, action="重新入库", subject=what, at=at, detail=f"重试 {len(keys)} 条，入库 {built} 条")
    return Tried(len(keys), built, rows.count())


def _require_own(rows: QuerySet[Unapplied], by: Actor, on: date) -> None:
    """NotFound when one of the rows is of a node outside the subtree in which `by` keeps the machines."""
    own = {uid for uid, owner in owners_seen(by, on).items() if by.covers(Permission.ENROL_NODES, owner.path)}
    if set(rows.order_by().values_list("entry__origin__uid", flat=True).distinct()) - own:
        raise NotFound("没有找到，或不在您负责的范围内")
