"""Signed and sealed requests between nodes: proving ours, believing theirs. A request is believed once, and only near its time.

A beat is believed only if it was made after the last one of its node that this machine heard, in whichever of its processes: who
repeats an old one, anywhere, makes no dead node look alive.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from yuanjiao.flow.nodes import keys
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import known_node
from yuanjiao.flow.wire.sealing import Sealed, is_genuine, read_sealed
from yuanjiao.flow.wire.signing import Claim, read_claim, request_bytes, to_headers
from yuanjiao.lib.errors import Forbidden, Tampered

WINDOW_S, FUTURE_S = 300, 10
"""So long before our clock, and after it, the time of a request may be, in seconds; senders learn our clock from every answer."""
BEATS = "/beat"
"""Where nodes tell that they live; what is sealed goes there."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NotBelieved(Forbidden):
    """The request does not prove who sent it: HTTP 401."""


class WrongTime(NotBelieved):
    """The signature is right but its time is not near ours: sign again with the time in this answer."""


def micros(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


def signed_headers(*, method: str, target: str, body: bytes, node: Node, at: datetime, offset_s: float = 0.0) -> dict[str, str]:
    """Headers that sign a request of this machine. `offset_s` is the receiver's clock minus ours, as it last told us."""
    clock_us = micros(at)
    time_us = clock_us + round(offset_s * 1_000_000)
    message = request_bytes(method=method, target=target, node=node.uid, time_us=time_us, clock_us=clock_us, body=body)
    return to_headers(Claim(node.uid, time_us, clock_us, keys.sign(message)))


def verified_node(
    *, method: str, target: str, headers: Mapping[str, str], body: bytes, at: datetime, known: Callable[[UUID], Node | None] = known_node
) -> tuple[Node, float]:
    """The enrolled node that signed this request, and our clock minus its clock in seconds.

    `headers` have lower-case names; `target` is the path with its query as sent; `known` finds a node by its uid. NotBelieved for
    strangers, revoked nodes, wrong signatures and repeats; WrongTime when only the time is off.
    """
    claim = read_claim(headers)
    node = _enrolled(known(claim.node) if claim is not None else None)
    assert claim is not None  # else there is no node
    message = request_bytes(method=method, target=target, node=claim.node, time_us=claim.time_us, clock_us=claim.clock_us, body=body)
    if not keys.verifies(bytes(node.public_key), claim.signature, message):
        raise NotBelieved("请求签名与登记的公钥不符")
    offset_s = _in_time_and_once(claim.time_us, claim.clock_us, claim.signature, at)
    if target.partition("?")[0].endswith(BEATS):
        _take_news(node, claim.time_us, at)
    return node, offset_s


def verified_seal(body: bytes, *, at: datetime, known: Callable[[UUID], Node | None] = known_node) -> tuple[Sealed, Node, float]:
    """The message in a sealed body, the enrolled node that sealed it for this machine, and our clock minus its clock in seconds.

    NotBelieved and WrongTime as for a signed request.
    """
    sealed = read_sealed(body)
    node = _enrolled(known(sealed.node) if sealed is not None else None)
    assert sealed is not None  # else there is no node
    try:
        genuine = is_genuine(body, keys.key_from(bytes(node.public_key)))
    except Tampered as error:
        raise NotBelieved(error.message) from None
    if not genuine:
        raise NotBelieved("封印与登记的公钥不符")
    offset_s = _in_time_and_once(sealed.time_us, sealed.clock_us, sealed.seal, at)
    _take_news(node, sealed.time_us, at)
    return sealed, node, offset_s


def _enrolled(node: Node | None) -> Node:
    if node is None:
        raise NotBelieved("请求未带有效的节点签名：请先登记本节点")
    if node.revoked_at is not None:
        raise NotBelieved(f"节点 {node.name} {'' if node.moved_at else '已被吊销：'}{node.revoked_reason}")
    return node


def _in_time_and_once(time_us: int, clock_us: int, proof: bytes, at: datetime) -> float:
    """Our clock minus the sender's in seconds, of a request that is proved by `proof`."""
    now_us = micros(at)
    if not -WINDOW_S * 1_000_000 <= time_us - now_us <= FUTURE_S * 1_000_000:
        raise WrongTime("请求的时刻与本机相差过大：请按应答中的时刻重新签名")
    if not _seen.first_time(proof, at):
        raise NotBelieved("重复的请求：同一签名只认一次")
    return (now_us - clock_us) / 1_000_000


def _take_news(node: Node, time_us: int, at: datetime) -> None:
    """WrongTime for a beat that was made before its node was last heard: the node itself makes it again with the time of the answer.

    Of what was heard in this very process the time it was made is known; of what another heard (or a process before this one), when it
    was received. A last word of the future is no measure: our clock was set back, and the next sweep puts it right.
    """
    if node.is_self:
        return  # what another process of ours tells is of the past anyhow, and dated
    now_us, heard_us = micros(at), round(_last_word(node) * 1_000_000)
    made_us, taken_us = _newest.get(node.uid, (0, 0))
    newest_us = made_us if abs(heard_us - taken_us) < SAME_US else heard_us
    if time_us <= newest_us and heard_us <= now_us:
        raise WrongTime("这一拍早于已收到的：请按应答中的时刻重新签名")
    _newest[node.uid] = time_us, now_us


SAME_US = 1000
_newest: dict[UUID, tuple[int, int]] = {}
"""Node → when its newest beat of this process was made and taken, in µs since 1970 UTC."""
_last_word: Callable[[Node], float] = lambda _: 0.0  # noqa: E731


def measure_beats_by(last_word: Callable[[Node], float]) -> None:
    """Whoever listens says when a node was last heard by this machine, or when it began to listen, in seconds since 1970 UTC."""
    global _last_word
    _last_word = last_word


class _Seen:
    """Signatures believed within the window; an older one is refused by its time. Each process has its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()
        self._turned_at: datetime | None = None

    def first_time(self, signature: bytes, at: datetime) -> bool:
        with self._lock:
            if self._turned_at is None or abs(at - self._turned_at) > timedelta(seconds=2 * WINDOW_S):
                self._young, self._old, self._turned_at = set(), self._young, at
            if signature in self._young or signature in self._old:
                return False
            self._young.add(signature)
            return True


_seen = _Seen()
